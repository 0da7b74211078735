/* What arch/ calls upward: the handlers that higher layers install at boot, once, before user code
 * runs. Interrupt state on entry is given for each. */
#pragma once
#include <arch/regs.h>

enum {
	FAULT_WRITE = 1,   /* the access was a write */
	FAULT_USER = 2,	   /* from user mode */
	FAULT_EXEC = 4,	   /* instruction fetch */
	FAULT_PRESENT = 8, /* protection violation on a present page */
	FAULT_PKEY = 16,
};

struct trap_ops {
	/* Page fault on a user address (from user mode, or from copy_in/out). Interrupts on, may
	 * sleep unless pagefault_disabled(). 0: retry the access. Otherwise the signal to send
	 * (SIGSEGV/SIGBUS) with *si_code set; for a kernel access arch then takes the exception-table
	 * fixup instead. */
	int (*page_fault)(struct regs *r, u64 addr, unsigned flags, int *si_code);
	/* An exception in user mode becomes a signal: sig, si_code, faulting address, and the
	 * hardware's trap number and error code for the sigcontext. Interrupts on. */
	void (*user_exception)(struct regs *r, int sig, int si_code, u64 addr, u32 trapno, u32 err);
	/* System call: regs->orig_rax holds the number, arguments in rdi, rsi, rdx, r10, r8, r9;
	 * result goes to regs->rax. Interrupts on. Called by the fast path only when the table
	 * lookup below cannot serve it: tracing set in the thread's work flags. */
	void (*syscall_slow)(struct regs *r);
	/* Work pending before a return to user mode (reschedule, signals, ...): interrupts off on
	 * entry and on return; loops until no work is left. */
	void (*exit_to_user)(struct regs *r);
	/* Return from an interrupt to kernel mode with preempt_count 0 and need_resched set:
	 * interrupts off; may switch. */
	void (*preempt_irq)(void);
	/* Around every hardware interrupt (accounting, RCU, tick restart after idle). */
	void (*irq_enter)(void);
	void (*irq_exit)(void);
};
void trap_set_ops(const struct trap_ops *ops);

/* The system-call table for the fast path: thunks taking the frame, NULL for -ENOSYS (reported
 * through ops->syscall_slow). */
typedef s64 (*syscall_fn)(const struct regs *r);
void arch_set_syscall_table(const syscall_fn *table, unsigned n);

/* Per-thread work flags tested on every return to user mode, at offset 0 of struct thread. */
enum {
	TIF_NEED_RESCHED = 1 << 0,
	TIF_SIGPENDING = 1 << 1,
	TIF_NOTIFY_RESUME = 1 << 2, /* thread_add_work() callbacks */
	TIF_SYSCALL_TRACE = 1 << 3, /* ptrace, strace boot option: take ops->syscall_slow */
	TIF_SINGLESTEP = 1 << 4,
};
#define TIF_EXIT_WORK (TIF_NEED_RESCHED | TIF_SIGPENDING | TIF_NOTIFY_RESUME | TIF_SINGLESTEP)
