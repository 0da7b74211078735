/* Where arch/ meets everybody: the slow half of a system call, the work before a return to user mode,
 * and the handlers that arch/'s traps call. This room alone knows all subsystems and connects them.
 *
 * A call without a handler is -ENOSYS, logged once per number with the program that made it. */
#include "syscall_priv.h"
#include <init/main.h>
#include <lib/bits.h>
#include <log/printk.h>
#include <mm/vm.h>
#include <proc/deliver.h>
#include <proc/process.h>
#include <sched/thread.h>

#define LOG_MAX 1024 /* numbers remembered as reported; there are fewer calls than that */
static unsigned long reported[BITS_TO_LONGS(LOG_MAX)];

static void report_missing(u64 nr)
{
	if (nr >= LOG_MAX) {
		pr_once(LOG_INFO, "syscall: %s[%d] called a number out of range: %lu",
			current->comm, current->tid, nr);
		return;
	}
	if (!bit_test(reported, nr) && !bit_test_and_set_atomic(reported, nr))
		pr_info("syscall: %s[%d] called %s (number %lu), which is not implemented",
			current->comm, current->tid, syscall_name(nr) ?: "an unknown one", nr);
}

static void syscall_slow(struct regs *r)
{
	u64 nr = r->orig_rax;

	if (nr < SYSCALL_TABLE_SIZE && syscall_table[nr]) {
		r->rax = syscall_table[nr](r);
		return;
	}
	report_missing(nr);
	r->rax = (u64)-ENOSYS;
}

/* Interrupts are off on entry and on return: the last look at the flags and the return are one. */
static void exit_to_user(struct regs *r)
{
	for (;;) {
		int work = atomic_read(&current->work);

		if (!(work & TIF_EXIT_WORK))
			return;
		irq_enable();
		if (work & TIF_NEED_RESCHED)
			schedule();
		if (work & TIF_SIGPENDING)
			signal_deliver(r);
		if (work & TIF_NOTIFY_RESUME) {
			thread_clear_work(current, TIF_NOTIFY_RESUME);
			thread_run_work();
			rseq_resume(r);
		}
		if (work & TIF_SINGLESTEP)
			thread_clear_work(current, TIF_SINGLESTEP);
		irq_disable();
	}
}

void syscall_init(void)
{
	static struct trap_ops ops = {
		.page_fault = vm_fault,
		.user_exception = user_exception,
		.syscall_slow = syscall_slow,
		.exit_to_user = exit_to_user,
		.preempt_irq = sched_preempt_irq,
		.irq_enter = sched_irq_enter,
		.irq_exit = sched_irq_exit,
	};
	trap_set_ops(&ops);
	arch_set_syscall_table(syscall_table, SYSCALL_TABLE_SIZE);
	process_init();
}
