/* Which CPU a thread runs on. A wake-up goes to the CPU where the thread ran last if that is idle, else
 * to an idle one near it, else where less is queued of the last CPU and the waker's. A CPU that runs
 * out of work takes some from an overloaded one; a busy CPU evens out now and then and wakes an idle
 * CPU that could help.
 *
 * idle_mask: CPUs whose idle thread runs; a waker takes the bit away with the CPU (so two wakers do not
 * choose the same). overload_mask: CPUs with two or more runnable threads. Both are hints.
 *
 * Locks: a second run-queue lock is only tried, never waited for: no order between them is needed. */
#include "sched_priv.h"
#include <alloc/slab.h>
#include <log/panic.h>

unsigned long *idle_mask, *overload_mask;

#define BALANCE_INTERVAL_NS (32 * NSEC_PER_MSEC)

void balance_init(void)
{
	if (nr_cpus <= 1)
		return;
	idle_mask = kzalloc(cpumask_bytes(), GFP_KERNEL);
	overload_mask = kzalloc(cpumask_bytes(), GFP_KERNEL);
	if (!idle_mask || !overload_mask)
		panic("no memory for %u run queues", nr_cpus);
}

static bool claim_idle(unsigned cpu)
{
	return bit_test(idle_mask, cpu) && bit_test_and_clear_atomic(idle_mask, cpu);
}

/* An idle CPU that t may use, nearest above `from` first; nr_cpus: none. */
static unsigned find_idle(struct thread *t, unsigned from)
{
	for (unsigned pass = 0; pass < 2; pass++) {
		size_t c = pass ? 0 : from, end = pass ? from : nr_cpus;
		for (c = bitmap_find_set(idle_mask, end, c); c < end;
		     c = bitmap_find_set(idle_mask, end, c + 1))
			if (cpu_allowed(t, (unsigned)c) && claim_idle((unsigned)c))
				return (unsigned)c;
	}
	return nr_cpus;
}

static unsigned first_allowed(const struct thread *t)
{
	for_each_online_cpu (c)
		if (cpu_allowed(t, c) && cpu_rq(c)->ready)
			return c;
	return 0;
}

/* A CPU where a real-time thread may run at once: idle, or running something lower. */
static unsigned select_rt(struct thread *t, unsigned prev)
{
	for_each_online_cpu (i) {
		unsigned c = (prev + i) % nr_cpus;
		struct runqueue *rq = cpu_rq(c);
		if (!rq->ready || !cpu_allowed(t, c))
			continue;
		struct thread *curr = READ_ONCE(rq->curr);
		if (curr->class != &rt_class || READ_ONCE(curr->rt_priority) < t->rt_priority)
			return c;
	}
	return cpu_allowed(t, prev) ? prev : first_allowed(t);
}

/* pi_lock held (or t not yet started), interrupts off. */
unsigned select_cpu(struct thread *t)
{
	unsigned prev = t->cpu, here = cpu_id();
	if (!idle_mask || nr_cpus_online == 1)
		return prev;
	bool prev_ok = cpu_allowed(t, prev) && cpu_rq(prev)->ready;
	if (prev_ok && claim_idle(prev))
		return prev;
	bool here_ok = here != prev && cpu_allowed(t, here);
	if (here_ok && claim_idle(here))
		return here;
	unsigned c = find_idle(t, prev);
	if (c < nr_cpus)
		return c;
	if (t->class == &rt_class)
		return select_rt(t, prev);
	if (!prev_ok)
		return here_ok ? here : first_allowed(t);
	if (here_ok && READ_ONCE(cpu_rq(here)->nr_running) < READ_ONCE(cpu_rq(prev)->nr_running))
		return here;
	return prev;
}

static void move(struct runqueue *from, struct runqueue *to, struct thread *t)
{
	rq_deactivate(from, t, 0);
	WRITE_ONCE(t->cpu, to->cpu);
	rq_activate(to, t, 0);
}

/* Take one thread from `from`, locked here if that succeeds at once. */
static bool pull_from(struct runqueue *rq, struct runqueue *from)
{
	if (!__spin_try(&from->lock))
		return false;
	struct thread *t = NULL;
	rq_clock_update(from);
	if (from->rt.nr)
		t = rt_movable(from, rq->cpu);
	if (!t && from->fair.nr)
		t = fair_movable(from, rq->cpu);
	if (t)
		move(from, rq, t);
	rq_unlock(from);
	return t;
}

/* rq has nothing to run: its lock is held. True if something was found. */
bool balance_newidle(struct runqueue *rq)
{
	if (!overload_mask)
		return false;
	for (unsigned pass = 0; pass < 2; pass++) {
		size_t end = pass ? rq->cpu : nr_cpus, c = pass ? 0 : rq->cpu + 1;
		for (c = bitmap_find_set(overload_mask, end, c); c < end;
		     c = bitmap_find_set(overload_mask, end, c + 1))
			if (c != rq->cpu && pull_from(rq, cpu_rq(c)))
				return true;
	}
	return false;
}

/* Have an idle CPU come and pull. */
static void kick_idle(void)
{
	size_t c = bitmap_find_set(idle_mask, nr_cpus, 0);
	if (c >= nr_cpus)
		return;
	struct runqueue *other = cpu_rq(c);
	if (__spin_try(&other->lock)) {
		if (other->curr == other->idle)
			rq_resched(other);
		rq_unlock(other);
	}
}

/* From the tick of a busy CPU, rq locked. */
void balance_tick(struct runqueue *rq)
{
	if (!overload_mask || rq->clock < rq->next_balance)
		return;
	rq->next_balance = rq->clock + BALANCE_INTERVAL_NS;
	struct runqueue *busiest = NULL;
	u64 most = rq->fair.load + rq->fair.load / 4;
	for (size_t c = bitmap_find_set(overload_mask, nr_cpus, 0); c < nr_cpus;
	     c = bitmap_find_set(overload_mask, nr_cpus, c + 1)) {
		struct runqueue *other = cpu_rq(c);
		u64 load = READ_ONCE(other->fair.load);
		if (other != rq && load > most) {
			most = load;
			busiest = other;
		}
	}
	if (!busiest) {
		if (rq->nr_running > 1)
			kick_idle();
		return;
	}
	if (!__spin_try(&busiest->lock))
		return;
	rq_clock_update(busiest);
	for (;;) {
		struct thread *t = fair_movable(busiest, rq->cpu);
		/* Moving must not just turn the imbalance round. */
		if (!t || rq->fair.load + t->se.weight > busiest->fair.load - t->se.weight)
			break;
		move(busiest, rq, t);
		rq_check_preempt(rq, t);
	}
	rq_unlock(busiest);
}
