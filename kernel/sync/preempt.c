/* Preemption control: the per-CPU counters behind sync/preempt.h. The scheduler installs the hook; a
 * CPU's count is 0 in thread context with nothing held, and 1 at the moment of every context switch,
 * so that it need not be saved per thread. */
#include <arch/irqflags.h>
#include <log/panic.h>
#include <sync/lockdep.h>
#include <sync/preempt.h>

DEFINE_PER_CPU(u32, preempt_count) = 0;
DEFINE_PER_CPU(u32, need_resched_flag) = 0;

static void no_scheduler_yet(void)
{
}
void (*preempt_schedule_hook)(void) __ro_after_init = no_scheduler_yet;

static bool sleep_checked;

void might_sleep_begin(void)
{
	sleep_checked = true;
}

#ifdef CONFIG_DEBUG
void might_sleep(void)
{
	if (likely(!in_atomic() && !irqs_disabled()) || !READ_ONCE(sleep_checked) || panicking)
		return;
	lockdep_sleeps((u64)__builtin_return_address(0));
}
#endif
