/* Stack walking by frame pointers, and the register dump of a panic.
 *
 * A frame is believed only while it lies above the previous one, within a kernel stack's distance, in the
 * kernel half, and in a page that is mapped: the walk reads the page tables before it reads the frame, so
 * it never faults. Context: any, also NMI. */
#include "arch_priv.h"
#include <arch/backtrace.h>
#include <arch/pgtable.h>
#include <arch/thread.h>
#include <init/sections.h>
#include <log/printk.h>

#define FRAME_LIMIT (4 * KSTACK_SIZE) /* between two frames: also an IST stack to a thread's */

static bool frame_ok(u64 fp)
{
	if (fp & 7 || fp < 0xff00000000000000ul || fp > -(u64)PAGE_SIZE)
		return false;
	return pt_kernel_mapped(fp) && pt_kernel_mapped(fp + 15);
}

unsigned backtrace(u64 fp, u64 *pcs, unsigned n)
{
	unsigned found = 0;

	if (!fp)
		fp = (u64)__builtin_frame_address(0);
	while (found < n && frame_ok(fp)) {
		u64 next = ((const u64 *)fp)[0], pc = ((const u64 *)fp)[1];

		if (pc < (u64)__image_start || pc >= (u64)__image_end)
			break;
		pcs[found++] = pc;
		if (next <= fp && next + FRAME_LIMIT > fp)
			break; /* downwards within one stack: a loop */
		fp = next;
	}
	return found;
}

void regs_print(const struct regs *r)
{
	pr_emerg("RIP: %04lx:%016lx %pS", r->cs, r->rip, (void *)r->rip);
	pr_emerg("RSP: %04lx:%016lx EFLAGS: %08lx ORIG_RAX: %016lx", r->ss, r->rsp, r->rflags,
		 r->orig_rax);
	pr_emerg("RAX: %016lx RBX: %016lx RCX: %016lx", r->rax, r->rbx, r->rcx);
	pr_emerg("RDX: %016lx RSI: %016lx RDI: %016lx", r->rdx, r->rsi, r->rdi);
	pr_emerg("RBP: %016lx R08: %016lx R09: %016lx", r->rbp, r->r8, r->r9);
	pr_emerg("R10: %016lx R11: %016lx R12: %016lx", r->r10, r->r11, r->r12);
	pr_emerg("R13: %016lx R14: %016lx R15: %016lx", r->r13, r->r14, r->r15);
	pr_emerg("CR0: %016lx CR2: %016lx CR3: %016lx CR4: %08lx", read_cr0(), read_cr2(),
		 read_cr3(), read_cr4());
}
