/* The real-time class: a list per priority and a bitmap. FIFO threads run until they block, yield or a
 * higher one comes; RR threads go to the tail of their list when their slice is used. The running
 * thread stays on its list. Real-time work may take 95% of each second while others wait, so that a
 * runaway loop leaves the machine usable.
 *
 * All under the run queue's lock. Source: sched(7). */
#include "sched_priv.h"

#define RT_PERIOD_NS NSEC_PER_SEC
#define RT_BUDGET_NS (RT_PERIOD_NS / 100 * 95)

static unsigned level(const struct thread *t)
{
	return RT_PRIO_MAX - t->rt_priority;
}

void rt_init_queue(struct rt_queue *q)
{
	for (unsigned i = 0; i < RT_QUEUES; i++)
		list_init(&q->queue[i]);
}

static void rt_charge(struct runqueue *rq, struct thread *t)
{
	struct rt_queue *q = &rq->rt;
	u64 delta = rq_charge_time(rq, t);
	if (rq->clock - q->period_start >= RT_PERIOD_NS) {
		q->period_start = rq->clock;
		q->time = 0;
		q->throttled = false;
		delta = min(delta, (u64)TICK_NS);
	}
	q->time += delta;
	if (!q->throttled && q->time > RT_BUDGET_NS) {
		q->throttled = true;
		if (rq->fair.nr)
			rq_resched(rq);
	}
	if (t->policy == SCHED_RR)
		t->rt_slice = t->rt_slice > delta ? t->rt_slice - delta : 0;
}

static void rt_enqueue(struct runqueue *rq, struct thread *t, unsigned flags)
{
	struct rt_queue *q = &rq->rt;
	list_add_tail(&t->rt_node, &q->queue[level(t)]);
	bit_set(q->bitmap, level(t));
	q->nr++;
	t->rt_slice = RR_SLICE_NS;
}

static void rt_dequeue(struct runqueue *rq, struct thread *t, unsigned flags)
{
	struct rt_queue *q = &rq->rt;
	if (rq->curr == t)
		rt_charge(rq, t);
	list_del(&t->rt_node);
	if (list_empty(&q->queue[level(t)]))
		bit_clear(q->bitmap, level(t));
	q->nr--;
}

static void rt_put_prev(struct runqueue *rq, struct thread *t)
{
	if (t->on_rq)
		rt_charge(rq, t);
}

static void rt_set_next(struct runqueue *rq, struct thread *t)
{
	t->se.exec_start = rq->clock;
}

struct thread *rt_pick(struct runqueue *rq)
{
	struct rt_queue *q = &rq->rt;
	if (unlikely(q->throttled)) {
		if (rq->clock - q->period_start >= RT_PERIOD_NS) {
			q->throttled = false;
			q->period_start = rq->clock;
			q->time = 0;
		} else if (rq->fair.nr) {
			return NULL;
		}
	}
	size_t l = bitmap_find_set(q->bitmap, RT_QUEUES, 0);
	return list_first_entry(&q->queue[l], struct thread, rt_node);
}

static void rotate(struct runqueue *rq, struct thread *t)
{
	struct list *l = &rq->rt.queue[level(t)];
	list_move_tail(&t->rt_node, l);
	if (l->next != &t->rt_node)
		rq_resched(rq);
}

static void rt_tick(struct runqueue *rq, struct thread *t)
{
	rt_charge(rq, t);
	if (t->policy == SCHED_RR && !t->rt_slice) {
		t->rt_slice = RR_SLICE_NS;
		rotate(rq, t);
	}
}

static void rt_yield(struct runqueue *rq, struct thread *t)
{
	rotate(rq, t);
}

static bool rt_preempts(struct runqueue *rq, struct thread *t)
{
	return t->rt_priority > rq->curr->rt_priority;
}

struct thread *rt_movable(struct runqueue *rq, unsigned cpu)
{
	struct rt_queue *q = &rq->rt;
	for (size_t l = bitmap_find_set(q->bitmap, RT_QUEUES, 0); l < RT_QUEUES;
	     l = bitmap_find_set(q->bitmap, RT_QUEUES, l + 1)) {
		struct thread *t;
		list_for_each_entry (t, &q->queue[l], rt_node)
			if (t != rq->curr && cpu_allowed(t, cpu))
				return t;
	}
	return NULL;
}

const struct sched_class rt_class = {
	.enqueue = rt_enqueue,
	.dequeue = rt_dequeue,
	.put_prev = rt_put_prev,
	.set_next = rt_set_next,
	.charge = rt_charge,
	.tick = rt_tick,
	.yield = rt_yield,
	.preempts = rt_preempts,
	.rank = 2,
};
