/* Sleeping: schedule_timeout and what stands on it. One timer per thread serves every timed wait, as
 * a thread waits for one time-out at once. Process context. */
#include "time_priv.h"
#include <sched/thread.h>
#include <sched/cputime.h>

static void sleep_expired(struct timer *tm)
{
	struct thread *t = container_of(tm, struct thread, sleep_timer);
	WRITE_ONCE(t->sleep_timed_out, true);
	thread_wake(t, T_NORMAL | T_WAKEKILL);
}

s64 schedule_timeout(s64 ns)
{
	struct thread *me = current;
	if (ns == KTIME_MAX) {
		schedule();
		return KTIME_MAX;
	}
	if (ns <= 0) {
		WRITE_ONCE(me->state, T_RUNNING);
		return 0;
	}
	ktime_t now = ktime_get(), end = ktime_add(now, ns);
	me->sleep_timer.fn = sleep_expired;
	me->sleep_timed_out = false;
	timer_start(&me->sleep_timer, end);
	schedule();
	if (READ_ONCE(me->sleep_timed_out) && !timer_pending(&me->sleep_timer)) {
		/* Its function may still be on its way out on another CPU; it touches nothing more. */
		timer_cancel(&me->sleep_timer);
		return 0;
	}
	timer_cancel(&me->sleep_timer);
	s64 left = end - ktime_get();
	return left > 0 ? left : 0;
}

void sleep_ns(s64 ns)
{
	while (ns > 0) {
		set_current_state(T_UNINTERRUPTIBLE);
		ns = schedule_timeout(ns);
	}
}

/* Wait on the wall clock: sleeps are cut when the clock is set. */
static int sleep_until_real(ktime_t until)
{
	for (;;) {
		u32 seq = clock_set_seq();
		s64 left = until - ktime_get_real();
		if (left <= 0)
			return 0;
		s64 r = wait_event_interruptible_timeout(&clock_set_wait, clock_set_seq() != seq,
							 left);
		if (r < 0)
			return (int)r;
	}
}

static int sleep_until_mono(ktime_t until)
{
	for (;;) {
		s64 left = until - ktime_get();
		if (left <= 0)
			return 0;
		set_current_state(T_INTERRUPTIBLE);
		if (signal_pending()) {
			set_current_state(T_RUNNING);
			return -ERESTARTSYS;
		}
		schedule_timeout(left);
	}
}

/* The process's CPU time cannot run faster than all its threads together: sleeping that long at the
 * least and looking again gets there in a few steps. */
static int sleep_until_cpu(int clk, ktime_t until)
{
	for (;;) {
		ktime_t now;
		int err = clock_read(clk, &now);
		if (err)
			return err;
		if (now >= until)
			return 0;
		s64 left = (until - now) / max(1u, thread_group_width(current->group));
		set_current_state(T_INTERRUPTIBLE);
		if (signal_pending()) {
			set_current_state(T_RUNNING);
			return -ERESTARTSYS;
		}
		schedule_timeout(max(left, (s64)NSEC_PER_MSEC));
	}
}

int clock_sleep_until(int clk, ktime_t until)
{
	switch (clk) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		return sleep_until_real(until);
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		return sleep_until_mono(until);
	}
	return sleep_until_cpu(clk, until);
}
