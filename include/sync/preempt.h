/* Preemption control. preempt_count is per CPU and switched with the thread: bits 0..15 nesting of
 * preempt_disable, bits 16..23 hard-IRQ nesting, bit 24 NMI. Zero: the kernel may be preempted. */
#pragma once
#include <arch/percpu.h>

DECLARE_PER_CPU(u32, preempt_count);
/* Mirror of current's TIF_NEED_RESCHED for a one-load check. */
DECLARE_PER_CPU(u32, need_resched_flag);

#define PREEMPT_IRQ_UNIT 0x10000u
#define PREEMPT_NMI_UNIT 0x1000000u

/* Called by preempt_enable when the count reaches 0 with a reschedule due: a hook (the scheduler's). */
extern void (*preempt_schedule_hook)(void);

static __always_inline void preempt_disable(void)
{
	this_cpu_add(preempt_count, 1);
	barrier();
}
static __always_inline void preempt_enable_no_resched(void)
{
	barrier();
	this_cpu_add(preempt_count, -1);
}
static __always_inline void preempt_enable(void)
{
	preempt_enable_no_resched();
	if (unlikely(this_cpu_read(need_resched_flag)) && this_cpu_read(preempt_count) == 0)
		preempt_schedule_hook(); /* checks that interrupts are on */
}
static __always_inline bool in_irq(void)
{
	return this_cpu_read(preempt_count) & 0xff0000u;
}
static __always_inline bool in_nmi(void)
{
	return this_cpu_read(preempt_count) & PREEMPT_NMI_UNIT;
}
/* Called by whatever may sleep, whether it does or not: debug builds panic when preemption or interrupts
 * are off. Checked from the moment that threads run (might_sleep_begin). */
#ifdef CONFIG_DEBUG
void might_sleep(void);
#else
static __always_inline void might_sleep(void)
{
}
#endif
void might_sleep_begin(void);
/* True where sleeping is a bug. */
static __always_inline bool in_atomic(void)
{
	return this_cpu_read(preempt_count) != 0;
}
