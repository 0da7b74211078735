/* The tick of busy CPUs (250 Hz), CPU-time accounting and load averages.
 *
 * A CPU's tick is a timer that restarts itself while the CPU has something to run; an idle CPU lets it
 * lapse and starts it again at the next switch away from idle. Time is charged exactly, at switches and
 * ticks; whether it is user or system time follows what the last tick found the thread in.
 *
 * Load averages: every 5 s, by whichever CPU ticks or is asked then, the count of runnable and
 * uninterruptible threads enters three exponential means (1, 5, 15 minutes), in fixed point with 11 bits.
 * Periods in which nobody looked (all idle) enter with the present count.
 *
 * Context: tick in hard IRQ. Locks: run queue; loadavg has its own try-lock (a flag). */
#include "sched_priv.h"
#include <arch/clock.h>
#include <sched/cputime.h>
#include <sync/rcu.h>

void (*sched_cpu_timer_hook)(struct thread *t);

static void tick(struct timer *tm)
{
	struct runqueue *rq = container_of(tm, struct runqueue, tick);
	struct thread *t = rq->curr;
	if (t == rq->idle && !READ_ONCE(rq->nr_running))
		return;
	rq_lock(rq);
	rq_clock_update(rq);
	u64 now = rq->clock;
	if (t != rq->idle) {
		t->acct_user = t->group && this_cpu_read(timer_hit_user);
		t->class->tick(rq, t);
	}
	balance_tick(rq);
	rq_unlock(rq);
	loadavg_tick(now);
	if (unlikely(t->group && READ_ONCE(t->group->cpu_timers)) && sched_cpu_timer_hook)
		sched_cpu_timer_hook(t);
	timer_start(tm, (ktime_t)(now + TICK_NS));
}

void tick_init(struct runqueue *rq)
{
	timer_init(&rq->tick, tick);
}

/* Own CPU, run queue locked. */
void tick_start(struct runqueue *rq)
{
	if (!timer_pending(&rq->tick))
		timer_start(&rq->tick, (ktime_t)(rq->clock + TICK_NS));
}

/* Bring the running slice into the sums: an up-to-date picture of t. */
static struct runqueue *lock_charged(struct thread *t, unsigned long *f)
{
	*f = irq_save();
	struct runqueue *rq = rq_lock_of(t);
	if (rq->curr == t) {
		rq_clock_update(rq);
		t->class->charge(rq, t);
	}
	return rq;
}

void thread_times(struct thread *t, u64 *utime, u64 *stime)
{
	unsigned long f;
	struct runqueue *rq = lock_charged(t, &f);
	*utime = t->utime;
	*stime = t->stime;
	rq_unlock(rq);
	irq_restore(f);
}

void thread_group_times_locked(struct thread_group *g, u64 *utime, u64 *stime)
{
	struct thread *t;
	u64 us = g->sum_utime, ss = g->sum_stime;
	list_for_each_entry (t, &g->threads, group_node) {
		u64 u, s;
		thread_times(t, &u, &s);
		us += u;
		ss += s;
	}
	*utime = us;
	*stime = ss;
}

void thread_group_times(struct thread_group *g, u64 *utime, u64 *stime)
{
	unsigned long f;
	if (!group_lock(g, &f)) {
		*utime = g->sum_utime;
		*stime = g->sum_stime;
		return;
	}
	thread_group_times_locked(g, utime, stime);
	group_unlock(g, f);
}

unsigned thread_group_width(struct thread_group *g)
{
	return min(READ_ONCE(g->nr_threads), nr_cpus_online);
}

void sched_cpu_times(unsigned cpu, struct cpu_times *ct)
{
	struct runqueue *rq = cpu_rq(cpu);
	*ct = (struct cpu_times){0};
	if (!rq->ready)
		return;
	unsigned long f = irq_save();
	rq_lock(rq);
	rq_clock_update(rq);
	rq->curr->class->charge(rq, rq->curr);
	ct->user = rq->time_user;
	ct->nice = rq->time_nice;
	ct->system = rq->time_system;
	ct->idle = rq->time_idle;
	rq_unlock(rq);
	irq_restore(f);
}

u64 sched_context_switches(void)
{
	u64 n = 0;
	for_each_possible_cpu (c)
		n += READ_ONCE(cpu_rq(c)->nr_switches);
	return n;
}

#define LOAD_SHIFT  11
#define LOAD_ONE    (1ul << LOAD_SHIFT)
#define LOAD_PERIOD (5 * NSEC_PER_SEC)

/* exp(-5 s / window) for 1, 5 and 15 minutes, in 11 bits. */
static const u64 load_decay[3] = {1884, 2014, 2037};
static u64 load_avg[3];		    /* [busy flag], read without */
static u64 load_next = LOAD_PERIOD; /* [busy flag], read without */
static u32 load_busy;		    /* [a] somebody updates */

static void count_threads(u64 *running, s64 *uninterruptible)
{
	*running = 0;
	*uninterruptible = 0;
	for_each_possible_cpu (c) {
		*running += READ_ONCE(cpu_rq(c)->nr_running);
		*uninterruptible += READ_ONCE(cpu_rq(c)->nr_uninterruptible);
	}
}

void loadavg_tick(u64 now)
{
	if (likely(now < READ_ONCE(load_next)) || xchg(&load_busy, 1))
		return;
	u64 running;
	s64 waiting;
	count_threads(&running, &waiting);
	u64 active = (running + (u64)max(waiting, (s64)0)) << LOAD_SHIFT;
	u64 periods = now >= load_next ? (now - load_next) / LOAD_PERIOD + 1 : 0;
	/* After many missed periods the means have become the present count anyway. */
	for (u64 n = min(periods, (u64)1000); n; n--)
		for (unsigned i = 0; i < 3; i++) {
			u64 v = load_avg[i] * load_decay[i] + active * (LOAD_ONE - load_decay[i]);
			if (active >= load_avg[i])
				v += LOAD_ONE - 1; /* reach the count when rising */
			WRITE_ONCE(load_avg[i], v >> LOAD_SHIFT);
		}
	WRITE_ONCE(load_next, load_next + periods * LOAD_PERIOD);
	smp_store_release(&load_busy, 0);
}

void sched_loadavg(unsigned long avg[3], unsigned *running, unsigned *total)
{
	u64 n;
	s64 waiting;
	loadavg_tick((u64)ktime_get());
	for (unsigned i = 0; i < 3; i++)
		avg[i] = READ_ONCE(load_avg[i]);
	count_threads(&n, &waiting);
	*running = (unsigned)n;
	*total = thread_count();
}
