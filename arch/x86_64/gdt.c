/* Global descriptor table, task state segment and interrupt stacks of each CPU; all per-CPU data.
 *
 * The layout of the selectors is fixed by SYSCALL and SYSRET (arch/regs.h). The TSS holds RSP0, the
 * stack for entries from user mode, and the IST stacks: NMI, #DF, #MC and #DB may strike where no stack
 * pointer can be trusted. Above each IST stack lie two words that entry.asm reads: the CPU's %gs base,
 * and for NMI the note of a nested one. Written by the CPU itself, interrupts off.
 *
 * Source: Intel SDM vol. 3, 3.4.5 (descriptors), 8.7 (64-bit TSS), 6.14.5 (IST). */
#include "arch_priv.h"
#include <arch/boot.h>
#include <arch/thread.h>
#include <lib/string.h>

#define IST_STACK_SIZE 8192

struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3, iomap_base;
} __packed;
_Static_assert(sizeof(struct tss) == 104, "TSS");

struct ist_stack {
	u8 bytes[IST_STACK_SIZE];
	u64 gs_base, nested_nmi; /* entry.asm: right above the stack */
} __aligned(16);

struct gdt_ptr {
	u16 limit;
	u64 base;
} __packed;

/* Null, kernel code and data, user code (32 bits), data, code (64 bits), TSS (two slots). */
static const u64 gdt_template[8] = {
	0,
	0x00af9b000000ffff,
	0x00cf93000000ffff,
	0x00cffb000000ffff,
	0x00cff3000000ffff,
	0x00affb000000ffff,
};

static DEFINE_PER_CPU(u64, cpu_gdt)[8] __aligned(64);
static DEFINE_PER_CPU(struct tss, cpu_tss) __aligned(64);
static DEFINE_PER_CPU(struct ist_stack, ist_stacks)[4];
DEFINE_PER_CPU(u64, cpu_kstack_top); /* entry.asm */
DEFINE_PER_CPU(u64, cpu_scratch);    /* entry.asm */

void set_kstack_top(u64 top)
{
	this_cpu_write(cpu_kstack_top, top);
	this_cpu_write(cpu_tss.rsp[0], top);
}

void gdt_init_this(void)
{
	unsigned long gs_base = this_cpu_read(percpu_this_offset);
	u64 *gdt = *this_cpu_ptr(&cpu_gdt);
	struct tss *tss = this_cpu_ptr(&cpu_tss);
	struct ist_stack *ist = *this_cpu_ptr(&ist_stacks);
	u64 base = (u64)tss, top = this_cpu_read(cpu_kstack_top);
	struct gdt_ptr ptr = {sizeof(cpu_gdt) - 1, (u64)gdt};

	memset(tss, 0, sizeof(*tss));
	tss->iomap_base = sizeof(*tss);
	tss->rsp[0] = top;
	for (unsigned i = 0; i < 4; i++) {
		ist[i].gs_base = gs_base;
		tss->ist[i] = (u64)&ist[i].gs_base;
	}
	memcpy(gdt, gdt_template, sizeof(gdt_template));
	gdt[TSS_SEL / 8] = (sizeof(*tss) - 1) | (base & 0xffffff) << 16 | 0x89ul << 40 |
			   (base >> 24 & 0xff) << 56;
	gdt[TSS_SEL / 8 + 1] = base >> 32;
	/* Loading FS and GS would zero their bases: they keep what they have (null selectors). */
	__asm__ volatile("lgdt %0\n\t"
			 "pushq %1\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:\tmovl %2, %%eax\n\t"
			 "movl %%eax, %%ss\n\t"
			 "movl %%eax, %%ds\n\t"
			 "movl %%eax, %%es\n\t"
			 "ltr %w3"
			 :
			 : "m"(ptr), "i"(KERNEL_CS), "i"(KERNEL_DS), "r"(TSS_SEL)
			 : "rax", "memory");
}
