/* Exceptions: from the assembly entry to the handlers that the upper layers installed, to an exception
 * table fix-up, or to panic.
 *
 * trap_user and trap_kernel run on the interrupted thread's stack with interrupts off; CR2 and DR6 are
 * read before anything can fault again. trap_ist and trap_nmi run on IST stacks and take no locks that
 * the interrupted code could hold. The ops table is written once at boot.
 *
 * Source: Intel SDM vol. 3, 6.15 (exception reference), 4.7 (page-fault error code), 17.2 (debug
 * registers). Signals as Linux gives them: sigaction(2). */
#include "arch_priv.h"
#include <arch/backtrace.h>
#include <arch/cpu.h>
#include <arch/current.h>
#include <arch/irqflags.h>
#include <arch/pgtable.h>
#include <arch/thread.h>
#include <arch/trap.h>
#include <arch/uaccess.h>
#include <init/sections.h>
#include <lib/string.h>
#include <log/panic.h>
#include <sync/preempt.h>
#include <uapi/errno.h>
#include <uapi/signal.h>

enum {
	EXC_DE = 0,
	EXC_DB = 1,
	EXC_NMI = 2,
	EXC_BP = 3,
	EXC_OF = 4,
	EXC_BR = 5,
	EXC_UD = 6,
	EXC_DF = 8,
	EXC_NP = 11,
	EXC_SS = 12,
	EXC_GP = 13,
	EXC_PF = 14,
	EXC_MF = 16,
	EXC_AC = 17,
	EXC_MC = 18,
	EXC_XM = 19,
};
enum { PF_PRESENT = 1, PF_WRITE = 2, PF_USER = 4, PF_RSVD = 8, PF_FETCH = 16, PF_PKEY = 32 };

#define DR6_SINGLE_STEP (1u << 14)
#define DR6_INIT	0xffff0ff0ul

static const char *const names[32] = {
	"divide error",
	"debug",
	"NMI",
	"breakpoint",
	"overflow",
	"bound range exceeded",
	"invalid opcode",
	"device not available",
	"double fault",
	"coprocessor segment overrun",
	"invalid TSS",
	"segment not present",
	"stack segment",
	"general protection fault",
	"page fault",
	"reserved",
	"x87 floating point",
	"alignment check",
	"machine check",
	"SIMD floating point",
	"virtualization",
	"control protection",
};

static struct trap_ops ops; /* [I] once user code runs */
static void (*irq_fn)(unsigned vector, struct regs *r);
static bool (*nmi_fn)(struct regs *r);
/* Read by entry.asm. [I] */
const syscall_fn *entry_syscalls;
u64 entry_syscalls_len;

DEFINE_PER_CPU(struct arch_thread *, current_arch);

/* entry.asm calls these. */
void trap_user(struct regs *r, u64 vector);
void trap_kernel(struct regs *r, u64 vector);
void trap_ist(struct regs *r, u64 vector);
void trap_nmi(struct regs *r);
void trap_syscall_slow(struct regs *r);
void trap_exit_work(struct regs *r);
struct regs *trap_bad_iret(struct regs *r);
void trap_irq(struct regs *r);

_Static_assert(sizeof(struct regs) == 168, "asm.inc");
_Static_assert(__builtin_offsetof(struct regs, rbx) == 40, "asm.inc");
_Static_assert(__builtin_offsetof(struct regs, orig_rax) == 120, "asm.inc");
_Static_assert(__builtin_offsetof(struct regs, rsp) == 152, "asm.inc");
_Static_assert(TIF_SYSCALL_TRACE == 8 && TIF_EXIT_WORK == (1 | 2 | 4 | 16), "asm.inc");

void trap_set_ops(const struct trap_ops *o)
{
	ops = *o;
}

void arch_set_syscall_table(const syscall_fn *table, unsigned n)
{
	entry_syscalls = table;
	entry_syscalls_len = n;
}

void idt_set_irq_handler(void (*fn)(unsigned vector, struct regs *r))
{
	irq_fn = fn;
}

void idt_set_nmi_handler(bool (*fn)(struct regs *r))
{
	nmi_fn = fn;
}

u64 extable_fixup(u64 rip)
{
	for (struct extable_entry *e = __extable_start; e < __extable_end; e++)
		if ((u64)&e->insn + (s64)e->insn == rip)
			return (u64)&e->fixup + (s64)e->fixup;
	return 0;
}

/* ---- from user mode ----------------------------------------------------------------------------- */

static int x87_code(void)
{
	u16 sw, cw;

	__asm__ volatile("fnstsw %0\n\tfnstcw %1" : "=m"(sw), "=m"(cw));
	sw &= (u16)~cw;
	if (sw & 0x01)
		return FPE_FLTINV;
	if (sw & 0x04)
		return FPE_FLTDIV;
	if (sw & 0x08)
		return FPE_FLTOVF;
	if (sw & 0x12) /* denormal, underflow */
		return FPE_FLTUND;
	return sw & 0x20 ? FPE_FLTRES : 0;
}

static int simd_code(void)
{
	u32 mxcsr;

	__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
	u32 raised = mxcsr & ~(mxcsr >> 7);
	if (raised & 0x01)
		return FPE_FLTINV;
	if (raised & 0x04)
		return FPE_FLTDIV;
	if (raised & 0x08)
		return FPE_FLTOVF;
	if (raised & 0x12)
		return FPE_FLTUND;
	return raised & 0x20 ? FPE_FLTRES : 0;
}

static unsigned fault_flags(u64 err)
{
	return (err & PF_WRITE ? FAULT_WRITE : 0) | (err & PF_USER ? FAULT_USER : 0) |
	       (err & PF_FETCH ? FAULT_EXEC : 0) | (err & PF_PRESENT ? FAULT_PRESENT : 0) |
	       (err & PF_PKEY ? FAULT_PKEY : 0);
}

static void user_signal(struct regs *r, int sig, int code, u64 addr, u32 vector, u32 err)
{
	struct arch_thread *at = this_cpu_read(current_arch);

	if (at) {
		at->trapno = vector;
		at->err = err;
		if (vector == EXC_PF)
			at->cr2 = addr;
	}
	if (!ops.user_exception)
		panic_regs(r, "%s in user mode", names[vector]);
	ops.user_exception(r, sig, code, addr, vector, err);
}

static void user_page_fault(struct regs *r, u64 addr, u32 err)
{
	int code = SEGV_MAPERR, sig = SIGSEGV;

	if (unlikely(err & PF_RSVD))
		panic_regs(r, "page table of %lx is corrupt", addr);
	irq_enable();
	if (likely(addr < user_limit && ops.page_fault)) {
		sig = ops.page_fault(r, addr, fault_flags(err) | FAULT_USER, &code);
		if (!sig)
			return;
	} else {
		err |= PF_PRESENT; /* tells nothing about the kernel's mappings */
	}
	user_signal(r, sig, code, addr, EXC_PF, err);
}

static void user_debug(struct regs *r)
{
	u64 dr6;
	struct arch_thread *at = this_cpu_read(current_arch);

	__asm__ volatile("mov %%db6, %0" : "=r"(dr6));
	__asm__ volatile("mov %0, %%db6" ::"r"(DR6_INIT));
	if (at)
		at->dr[6] = dr6 ^ DR6_INIT; /* as Linux shows it: active bits set */
	irq_enable();
	user_signal(r, SIGTRAP, dr6 & DR6_SINGLE_STEP ? TRAP_TRACE : TRAP_HWBKPT, r->rip, EXC_DB,
		    0);
}

void trap_user(struct regs *r, u64 vector)
{
	u32 err = (u32)r->orig_rax;

	r->orig_rax = -1ul; /* no system call: nothing to restart */
	if (likely(vector == EXC_PF)) {
		user_page_fault(r, read_cr2(), err);
		return;
	}
	if (vector == EXC_DB) {
		user_debug(r);
		return;
	}
	irq_enable();
	u32 v = (u32)vector;
	switch (v) {
	case EXC_DE:
		user_signal(r, SIGFPE, FPE_INTDIV, r->rip, v, err);
		break;
	case EXC_BP:
		user_signal(r, SIGTRAP, SI_KERNEL, 0, v, err);
		break;
	case EXC_UD:
		user_signal(r, SIGILL, ILL_ILLOPN, r->rip, v, err);
		break;
	case EXC_NP:
	case EXC_SS:
		user_signal(r, SIGBUS, SI_KERNEL, 0, v, err);
		break;
	case EXC_MF:
		user_signal(r, SIGFPE, x87_code(), r->rip, v, err);
		break;
	case EXC_AC:
		user_signal(r, SIGBUS, BUS_ADRALN, 0, v, err);
		break;
	case EXC_XM:
		user_signal(r, SIGFPE, simd_code(), r->rip, v, err);
		break;
	default:
		user_signal(r, SIGSEGV, SI_KERNEL, 0, v, err);
		break;
	}
}

/* The IRET to user mode at the very top of the thread's stack faulted: give the fault a frame there, as
 * if it had come from the user's instruction. Runs below both frames. */
struct regs *trap_bad_iret(struct regs *r)
{
	u64 *user = (u64 *)r->rsp; /* rip, cs, rflags, rsp, ss that IRET refused */
	struct regs copy = *r;
	struct regs *at = (struct regs *)(user + 5) - 1;

	memcpy(&copy.rip, user, 5 * sizeof(u64));
	copy.cs |= 3; /* it was meant for user mode, whatever it held */
	*at = copy;
	return at;
}

/* ---- from kernel mode --------------------------------------------------------------------------- */

static void __noreturn kernel_page_fault_panic(struct regs *r, u64 addr)
{
	u64 err = r->orig_rax;
	const char *access = err & PF_FETCH ? "execute" : err & PF_WRITE ? "write" : "read";

	if (err & PF_RSVD)
		panic_regs(r, "page table of %lx is corrupt", addr);
	if (addr < PAGE_SIZE)
		panic_regs(r, "NULL pointer dereference: %s at %lx", access, addr);
	if (addr < user_limit)
		panic_regs(r, "kernel may not %s user memory here: address %lx%s", access, addr,
			   err & PF_PRESENT ? " (present)" : "");
	panic_regs(r, "unable to %s kernel memory at %lx (%s)", access, addr,
		   err & PF_PRESENT ? "protection" : "not mapped");
}

static void kernel_page_fault(struct regs *r, u64 addr)
{
	u64 err = r->orig_rax;
	u64 fixup = extable_fixup(r->rip);
	int code;

	if (!fixup || (err & PF_RSVD))
		kernel_page_fault_panic(r, addr);
	if (addr < user_limit && !(err & PF_FETCH) && ops.page_fault) {
		if (r->rflags & RFLAGS_IF)
			irq_enable();
		int sig = ops.page_fault(r, addr, fault_flags(err) & ~(unsigned)FAULT_USER, &code);
		irq_disable();
		if (!sig)
			return;
	}
	r->rip = fixup;
}

void trap_kernel(struct regs *r, u64 vector)
{
	if (vector == EXC_PF) {
		kernel_page_fault(r, read_cr2());
		return;
	}
	u64 fixup = extable_fixup(r->rip);
	if (fixup) {
		r->rip = fixup;
		return;
	}
	panic_regs(r, "%s in the kernel, error code %lx",
		   vector < 32 && names[vector] ? names[vector] : "unknown exception", r->orig_rax);
}

void trap_ist(struct regs *r, u64 vector)
{
	u64 cr2 = read_cr2();

	switch (vector) {
	case EXC_DB:
		/* A user's watchpoint hit by a copy, or TF taken over by an entry: nothing to do but
		 * to go on without. User mode sees its own. */
		__asm__ volatile("mov %0, %%db6" ::"r"(DR6_INIT));
		r->rflags &= ~(1ul << 8);
		return;
	case EXC_DF:
		/* A stack that ran into its guard page: the CPU could not push the page fault. */
		if (cr2 - (r->rsp - PAGE_SIZE) < 2 * PAGE_SIZE)
			panic_regs(r, "kernel stack overflow (at %lx)", cr2);
		panic_regs(r, "double fault (CR2 %lx)", cr2);
	default:
		panic_regs(r, "%s", names[vector & 31]);
	}
}

void trap_nmi(struct regs *r)
{
	u64 cr2 = read_cr2(); /* a fault handler may be about to read it */

	this_cpu_add(preempt_count, PREEMPT_NMI_UNIT);
	if (!nmi_fn || !nmi_fn(r))
		pr_warn("NMI for no known reason on CPU %u", cpu_id());
	this_cpu_add(preempt_count, -PREEMPT_NMI_UNIT);
	if (read_cr2() != cr2)
		__asm__ volatile("mov %0, %%cr2" ::"r"(cr2));
}

/* ---- interrupts and the way back ------------------------------------------------------------------ */

void trap_irq(struct regs *r)
{
	this_cpu_add(preempt_count, PREEMPT_IRQ_UNIT);
	if (ops.irq_enter)
		ops.irq_enter();
	if (irq_fn)
		irq_fn((unsigned)~r->orig_rax, r);
	if (ops.irq_exit)
		ops.irq_exit();
	this_cpu_add(preempt_count, -PREEMPT_IRQ_UNIT);
	if (!regs_from_user(r) && this_cpu_read(preempt_count) == 0 &&
	    this_cpu_read(need_resched_flag) && ops.preempt_irq)
		ops.preempt_irq();
}

void trap_syscall_slow(struct regs *r)
{
	if (ops.syscall_slow)
		ops.syscall_slow(r);
	else
		r->rax = -ENOSYS;
}

void trap_exit_work(struct regs *r)
{
	if (ops.exit_to_user)
		ops.exit_to_user(r);
}
