/* What the files of arch/x86_64 and boot/ share among themselves: vectors, descriptor tables, CPU
 * set-up, the AP trampoline. */
#pragma once
#include <arch/percpu.h>
#include <arch/regs.h>
#include <lib/types.h>

/* ---- vectors (idt.c, entry.asm) ------------------------------------------------------------- */
enum {
	VEC_DEVICE_FIRST = 0x20, /* 0x20..0xff go to the function below */
	VEC_DEVICE_LAST = 0xef,
	VEC_SYSTEM_FIRST = 0xf0, /* IPIs, local timer, spurious: allotted in irq.c */
};
/* Every interrupt vector 0x20..0xff ends in fn(vector, frame): hard IRQ, interrupts off, between
 * trap_ops' irq_enter and irq_exit. Until it is set they are ignored. */
void idt_set_irq_handler(void (*fn)(unsigned vector, struct regs *r));
/* Called for each NMI with the frame, before anything else looks at it: true if it was handled (a
 * stop request at panic time). NMI context: no locks. */
void idt_set_nmi_handler(bool (*fn)(struct regs *r));

/* ---- per-CPU set-up (cpu.c, gdt.c, percpu.c) -------------------------------------------------- */
/* Detect features of the boot CPU into cpu_features and set it up: done before kernel_main. */
void arch_cpu_init(void);
/* Everything that a CPU needs after it has reached C on a mapped stack with %gs pointing at its
 * per-CPU area: GDT, TSS with IST stacks, IDT, control registers, MSRs, PAT, XSAVE, SYSCALL. The boot
 * CPU has run it before kernel_main; the AP path calls it first thing. Interrupts off. */
void cpu_init_this(unsigned cpu);
/* Decide on PCIDs, once the command line is parsed, and switch them on here; the APs follow. */
void cpu_pcid_init(void);
/* The boot CPU's, on its way to kernel_main. */
void gdt_init_this(void); /* GDT, TSS, IST stacks of this CPU */
void idt_init(void);	  /* build the one IDT */
void idt_load(void);
void alternatives_apply(void); /* patch STAC/CLAC in, before the text is sealed */
void fpu_init_this(void);
void fpu_detect(void);
/* Top of the running thread's kernel stack, for SYSCALL and TSS.RSP0. Interrupts off. */
void set_kstack_top(u64 top);
/* Choose the bases of pgtable.h and map the direct map early; features are known. */
void arch_choose_layout(void);
/* Is there a kernel mapping at va? Any context; false before the final tables. */
bool pt_kernel_mapped(u64 va);
extern paddr_t ap_page; /* for the AP trampoline; 0: none */
struct arch_thread;
/* The machine part of the running thread; NULL before the first switch. */
DECLARE_PER_CPU(struct arch_thread *, current_arch);
/* Where a kernel fault at rip goes on, or 0. */
u64 extable_fixup(u64 rip);

/* ---- MSRs and small instructions --------------------------------------------------------------- */
#define MSR_APIC_BASE	   0x1bu
#define MSR_MICROCODE	   0x8bu
#define MSR_PAT		   0x277u
#define MSR_EFER	   0xc0000080u
#define MSR_STAR	   0xc0000081u
#define MSR_LSTAR	   0xc0000082u
#define MSR_CSTAR	   0xc0000083u
#define MSR_SYSENTER_CS	   0x174u
#define MSR_CSTAR	   0xc0000083u
#define MSR_SFMASK	   0xc0000084u
#define MSR_FS_BASE	   0xc0000100u
#define MSR_GS_BASE	   0xc0000101u
#define MSR_KERNEL_GS_BASE 0xc0000102u
#define MSR_TSC_AUX	   0xc0000103u

static __always_inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;
	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (u64)hi << 32 | lo;
}
static __always_inline void wrmsr(u32 msr, u64 v)
{
	__asm__ volatile("wrmsr" ::"c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}
static __always_inline void cpuid(u32 leaf, u32 sub, u32 *a, u32 *b, u32 *c, u32 *d)
{
	__asm__ volatile("cpuid" : "=a"(*a), "=b"(*b), "=c"(*c), "=d"(*d) : "a"(leaf), "c"(sub));
}
static __always_inline u64 read_cr0(void)
{
	u64 v;
	__asm__ volatile("mov %%cr0, %0" : "=r"(v)::"memory");
	return v;
}
static __always_inline u64 read_cr2(void)
{
	u64 v;
	__asm__ volatile("mov %%cr2, %0" : "=r"(v)::"memory");
	return v;
}
static __always_inline u64 read_cr3(void)
{
	u64 v;
	__asm__ volatile("mov %%cr3, %0" : "=r"(v)::"memory");
	return v;
}
static __always_inline u64 read_cr4(void)
{
	u64 v;
	__asm__ volatile("mov %%cr4, %0" : "=r"(v)::"memory");
	return v;
}
static __always_inline void write_cr0(u64 v)
{
	__asm__ volatile("mov %0, %%cr0" ::"r"(v) : "memory");
}
static __always_inline void write_cr3(u64 v)
{
	__asm__ volatile("mov %0, %%cr3" ::"r"(v) : "memory");
}
static __always_inline void write_cr4(u64 v)
{
	__asm__ volatile("mov %0, %%cr4" ::"r"(v) : "memory");
}

/* ---- AP trampoline (boot/ap.asm, arch/x86_64/ap_start.c) --------------------------------------- */
/* How to start application processor n:
 *   1. once: ap_start_prepare() copies the trampoline into its reserved page below 1 MiB; the SIPI
 *      vector is ap_start_vector() (page number).
 *   2. per CPU, one at a time: fill *ap_start_args(), then INIT, SIPI, SIPI.
 *   3. the AP switches to long mode with the boot CPU's number of paging levels, loads kernel_root,
 *      sets %gs to percpu_offset and rsp to stack_top, sets args->started = 1 and calls entry(cpu)
 *      with interrupts off. entry calls cpu_init_this(cpu) first. The args may be refilled for the
 *      next CPU once started is 1. */
struct ap_start_args {
	u64 stack_top;	   /* kernel virtual, 16-byte aligned */
	u64 entry;	   /* void (*)(unsigned cpu), never returns */
	u64 cpu;	   /* number handed to entry */
	u64 percpu_offset; /* percpu_offset[cpu] */
	u32 started;	   /* written by the AP */
	u32 pad;
};
int ap_start_prepare(void) __must_check; /* -ENODEV: no usable page below 1 MiB */
u8 ap_start_vector(void);
volatile struct ap_start_args *ap_start_args(void);
