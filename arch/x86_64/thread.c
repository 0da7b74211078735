/* The machine part of threads: creation, the switch, segment bases, debug registers.
 *
 * A thread that does not run has its callee-saved registers and a return address on its kernel stack
 * (arch_stack_switch). A new one gets such a frame made up, whose return address is thread_start_kernel
 * or thread_start_user. User threads are those with an FPU area; only they have segment bases and debug
 * registers worth switching. struct arch_thread belongs to its thread; arch_switch runs with interrupts
 * off.
 *
 * Source: System V AMD64 psABI 3.2.1 (callee-saved registers); Intel SDM vol. 3, 17.2 (debug registers);
 * arch_prctl(2). */
#include "arch_priv.h"
#include "fpu_priv.h"
#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/irqflags.h>
#include <arch/thread.h>
#include <arch/uaccess.h>
#include <lib/string.h>
#include <uapi/errno.h>

/* What arch_stack_switch pops, lowest address first. */
struct switch_frame {
	u64 r15, r14, r13, r12, rbx, rbp, rip;
};

#define USER_RFLAGS (RFLAGS_IF | 2)

extern char thread_start_kernel[], thread_start_user[]; /* entry.asm */
void *arch_stack_switch(u64 *save_sp, u64 new_sp, void *cookie);
void (*thread_first_run_hook)(struct thread *prev); /* called by entry.asm */

void arch_set_thread_hooks(const struct arch_thread_hooks *h)
{
	thread_first_run_hook = h->first_run;
}

static void push_frame(struct arch_thread *at, u64 top, const void *start, u64 rbx, u64 r12)
{
	struct switch_frame *f = (struct switch_frame *)top - 1;

	*f = (struct switch_frame){.rip = (u64)start, .rbx = rbx, .r12 = r12};
	at->sp = (u64)f;
}

void arch_thread_init_kernel(struct arch_thread *at, void *kstack, void (*fn)(void *), void *arg)
{
	/* The room of a user frame stays free: the thread may become PID 1 and return to it. */
	u64 *top = (u64 *)stack_user_regs(kstack) - 1;

	memset(at, 0, sizeof(*at));
	*top = 0; /* the end of the frame chain */
	push_frame(at, (u64)top, thread_start_kernel, (u64)fn, (u64)arg);
}

int arch_thread_init_user(struct arch_thread *at, void *kstack, const struct regs *regs,
			  struct arch_thread *src)
{
	struct regs *frame = stack_user_regs(kstack);

	memset(at, 0, sizeof(*at));
	at->fpu = fpu_alloc();
	if (!at->fpu)
		return -ENOMEM;
	if (src && src->fpu) {
		fpu_copy_current(at->fpu, src->fpu);
		at->fsbase = arch_get_fsbase();
		at->gsbase = arch_get_gsbase();
	}
	*frame = *regs;
	push_frame(at, (u64)frame, thread_start_user, 0, 0);
	return 0;
}

void arch_thread_destroy(struct arch_thread *at)
{
	fpu_free(at->fpu);
	at->fpu = NULL;
}

static void debug_load(const struct arch_thread *at)
{
	__asm__ volatile("mov %0, %%db0" ::"r"(at->dr[0]));
	__asm__ volatile("mov %0, %%db1" ::"r"(at->dr[1]));
	__asm__ volatile("mov %0, %%db2" ::"r"(at->dr[2]));
	__asm__ volatile("mov %0, %%db3" ::"r"(at->dr[3]));
	__asm__ volatile("mov %0, %%db7" ::"r"(at->dr[7]));
}

int arch_thread_reset_user(struct arch_thread *at)
{
	struct fpu_state *fpu = at->fpu ? NULL : fpu_alloc();

	if (!at->fpu && !fpu)
		return -ENOMEM;
	unsigned long flags = irq_save();
	if (fpu)
		at->fpu = fpu;
	fpu_reset_current(at->fpu);
	if (at->dr[7]) {
		memset(at->dr, 0, sizeof(at->dr));
		debug_load(at);
	}
	at->cr2 = at->trapno = at->err = 0;
	__asm__ volatile("mov %0, %%fs" ::"r"(0));
	wrmsr(MSR_FS_BASE, 0);
	/* GS: SWAPGS keeps the user's base aside; the selector is null in the kernel anyway. */
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	irq_restore(flags);
	return 0;
}

/* ---- segment bases -------------------------------------------------------------------------------- */

u64 arch_get_fsbase(void)
{
	u64 v;

	if (!cpu_features.fsgsbase)
		return rdmsr(MSR_FS_BASE);
	__asm__ volatile("rdfsbase %0" : "=r"(v));
	return v;
}

static void load_fsbase(u64 v)
{
	if (cpu_features.fsgsbase)
		__asm__ volatile("wrfsbase %0" ::"r"(v));
	else
		wrmsr(MSR_FS_BASE, v);
}

u64 arch_get_gsbase(void)
{
	return rdmsr(MSR_KERNEL_GS_BASE);
}

int arch_set_fsbase(u64 base)
{
	if (base >= user_limit)
		return -EPERM;
	preempt_disable();
	load_fsbase(base);
	preempt_enable();
	return 0;
}

int arch_set_gsbase(u64 base)
{
	if (base >= user_limit)
		return -EPERM;
	preempt_disable();
	wrmsr(MSR_KERNEL_GS_BASE, base);
	preempt_enable();
	return 0;
}

/* ---- the switch ------------------------------------------------------------------------------------ */

static void save_user(struct arch_thread *at)
{
	at->fsbase = arch_get_fsbase();
	at->gsbase = arch_get_gsbase();
	if (unlikely(at->dr[7]))
		__asm__ volatile("mov %0, %%db7" ::"r"(0ul));
}

static void load_user(const struct arch_thread *at)
{
	u32 fs;

	/* Without FSGSBASE a program can have loaded a selector; the next one starts from null. */
	__asm__ volatile("mov %%fs, %0" : "=r"(fs));
	if (unlikely(fs))
		__asm__ volatile("mov %0, %%fs" ::"r"(0));
	load_fsbase(at->fsbase);
	wrmsr(MSR_KERNEL_GS_BASE, at->gsbase);
	if (unlikely(at->dr[7]))
		debug_load(at);
}

struct thread *arch_switch(struct arch_thread *prev, struct arch_thread *next,
			   struct thread *prev_thread, void *next_kstack_top)
{
	if (prev->fpu)
		save_user(prev);
	fpu_switch(prev->fpu, next->fpu);
	if (next->fpu)
		load_user(next);
	this_cpu_write(current_arch, next);
	set_kstack_top((u64)next_kstack_top);
	return arch_stack_switch(&prev->sp, next->sp, prev_thread);
}

/* ---- page faults off -------------------------------------------------------------------------------- */

/* Before the first switch there is no thread and no user memory either. */
void pagefault_disable(void)
{
	struct arch_thread *at = this_cpu_read(current_arch);

	if (at)
		at->pagefault_off++;
	barrier();
}

void pagefault_enable(void)
{
	struct arch_thread *at = this_cpu_read(current_arch);

	barrier();
	if (at)
		at->pagefault_off--;
}

bool pagefault_disabled(void)
{
	struct arch_thread *at = this_cpu_read(current_arch);

	return at && at->pagefault_off;
}
