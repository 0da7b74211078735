/* The fair class: Earliest Eligible Virtual Deadline First.
 *
 * Each runnable thread has a virtual time (service received, divided by its weight) and a virtual
 * deadline one slice later. The queue's virtual time V is the weighted mean of its threads' virtual
 * times; a thread is eligible when it is not ahead of V (lag >= 0). The eligible one with the earliest
 * deadline runs. A thread that sleeps takes its lag with it and gets it back on waking, so that sleeping
 * neither gains nor loses; short slices mean early deadlines, thus low latency.
 *
 * The tree is ordered by virtual time and augmented with the least deadline in each subtree, so that
 * picking is one descent. The running entity is not in the tree. V is kept as sums relative to `zero`:
 * key_sum = sum of w * (v - zero), key_load = sum of w; zero follows V when keys grow large, so that the
 * products stay within 64 bits.
 *
 * All under the run queue's lock.
 * Source: Stoica and Abdel-Wahab, "Earliest Eligible Virtual Deadline First", TR-95-22, 1995. */
#include "sched_priv.h"
#include <log/panic.h>

#define BASE_SLICE_NS (3 * NSEC_PER_MSEC)
#define REBASE_LIMIT  (1l << 31) /* ns of virtual time */

/* Each nice level is a factor of 1.25 in weight; nice 0 is 1024. */
static const u32 nice_weight[40] = {
	88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
	9548,  7620,  6100,  4904,  3906,  3121,  2501,	 1991,	1586,  1277,
	1024,  820,   655,   526,   423,   335,	  272,	 215,	172,   137,
	110,   87,    70,    56,    45,	   36,	  29,	 23,	18,    15,
};
#define IDLE_POLICY_WEIGHT 3

u32 fair_weight(const struct thread *t)
{
	return t->policy == SCHED_IDLE ? IDLE_POLICY_WEIGHT : nice_weight[t->nice - NICE_MIN];
}

static inline struct sched_entity *entity(const struct rb_node *n)
{
	return rb_entry(n, struct sched_entity, node);
}
static inline struct thread *thread_of(const struct sched_entity *se)
{
	return container_of(se, struct thread, se);
}
static inline s64 key(const struct fair_queue *q, const struct sched_entity *se)
{
	return (s64)(se->vruntime - q->zero);
}
/* Real to virtual time. */
static inline u64 scaled(u64 ns, const struct sched_entity *se)
{
	return se->weight == NICE_0_WEIGHT ? ns : ns * NICE_0_WEIGHT / se->weight;
}
static inline bool deadline_before(const struct sched_entity *a, const struct sched_entity *b)
{
	return (s64)(a->deadline - b->deadline) < 0;
}

static void augment(struct rb_node *n)
{
	struct sched_entity *se = entity(n);
	u64 m = se->deadline;
	if (n->left && (s64)(entity(n->left)->min_deadline - m) < 0)
		m = entity(n->left)->min_deadline;
	if (n->right && (s64)(entity(n->right)->min_deadline - m) < 0)
		m = entity(n->right)->min_deadline;
	se->min_deadline = m;
}

static void sums_with_curr(const struct fair_queue *q, s64 *sum, u64 *load)
{
	*sum = q->key_sum;
	*load = q->key_load;
	if (q->curr && q->curr->on_rq) {
		*sum += key(q, q->curr) * (s64)q->curr->weight;
		*load += q->curr->weight;
	}
}

/* V. Rounded down, so that the mean itself counts as eligible. */
static u64 virtual_time(const struct fair_queue *q)
{
	s64 sum;
	u64 load;
	sums_with_curr(q, &sum, &load);
	if (!load)
		return q->zero;
	if (sum < 0)
		sum -= (s64)load - 1;
	return q->zero + (u64)(sum / (s64)load);
}

/* v <= V without dividing. */
static inline bool eligible(s64 sum, u64 load, s64 k)
{
	return sum >= k * (s64)load;
}

static void tree_insert(struct fair_queue *q, struct sched_entity *se)
{
	struct rb_node **link = &q->tree.node, *parent = NULL;
	while (*link) {
		parent = *link;
		/* Bring ancestors' minima up to date on the way down. */
		if ((s64)(se->deadline - entity(parent)->min_deadline) < 0)
			entity(parent)->min_deadline = se->deadline;
		link = (s64)(se->vruntime - entity(parent)->vruntime) < 0 ? &parent->left
									  : &parent->right;
	}
	se->min_deadline = se->deadline;
	rb_link(&se->node, parent, link);
	rb_insert_fixup(&q->tree, &se->node, augment);
	q->key_sum += key(q, se) * (s64)se->weight;
	q->key_load += se->weight;
}

static void tree_remove(struct fair_queue *q, struct sched_entity *se)
{
	rb_erase(&q->tree, &se->node, augment);
	q->key_sum -= key(q, se) * (s64)se->weight;
	q->key_load -= se->weight;
}

static void set_deadline(struct sched_entity *se)
{
	se->deadline = se->vruntime + scaled(se->slice, se);
}

static void fair_charge(struct runqueue *rq, struct thread *t)
{
	struct fair_queue *q = &rq->fair;
	struct sched_entity *se = &t->se;
	u64 delta = rq_charge_time(rq, t);
	if (!delta)
		return;
	se->vruntime += scaled(delta, se);
	if ((s64)(se->vruntime - se->deadline) >= 0) {
		set_deadline(se);
		if (q->nr > 1)
			rq_resched(rq);
	}
	if (unlikely(key(q, se) > REBASE_LIMIT)) {
		u64 shift = virtual_time(q) - q->zero;
		q->zero += shift;
		q->key_sum -= (s64)(shift * q->key_load);
	}
}

/* Lag in virtual time on leaving, bounded so that a long sleeper cannot hoard or owe. */
static void save_lag(struct fair_queue *q, struct sched_entity *se)
{
	s64 lag = (s64)(virtual_time(q) - se->vruntime);
	s64 limit = (s64)scaled(max((u64)(2 * se->slice), (u64)TICK_NS), se);
	se->vlag = clamp_t(s64, lag, -limit, limit);
}

/* Where a thread joins: at V less its lag. Its own arrival moves V, so the lag is inflated to be right
 * afterwards: lag * (W + w) / W. */
static void place(struct fair_queue *q, struct sched_entity *se, unsigned flags)
{
	s64 lag = 0;
	if (q->nr) {
		lag = se->vlag;
		lag = lag * (s64)(q->load + se->weight) / (s64)q->load;
	}
	se->vruntime = virtual_time(q) - (u64)lag;
	/* A newcomer starts in the middle of a slice. */
	se->deadline = se->vruntime + scaled(flags & ENQ_NEW ? se->slice / 2 : se->slice, se);
}

static void fair_enqueue(struct runqueue *rq, struct thread *t, unsigned flags)
{
	struct fair_queue *q = &rq->fair;
	struct sched_entity *se = &t->se;
	if (q->curr)
		fair_charge(rq, thread_of(q->curr));
	if (flags & ENQ_NEW)
		se->vlag = 0;
	place(q, se, flags);
	se->on_rq = true;
	tree_insert(q, se);
	q->nr++;
	q->load += se->weight;
}

static void fair_dequeue(struct runqueue *rq, struct thread *t, unsigned flags)
{
	struct fair_queue *q = &rq->fair;
	struct sched_entity *se = &t->se;
	if (q->curr)
		fair_charge(rq, thread_of(q->curr));
	save_lag(q, se);
	if (q->curr != se)
		tree_remove(q, se);
	se->on_rq = false;
	q->nr--;
	q->load -= se->weight;
}

static void fair_put_prev(struct runqueue *rq, struct thread *t)
{
	struct fair_queue *q = &rq->fair;
	if (t->se.on_rq) {
		fair_charge(rq, t);
		tree_insert(q, &t->se);
	}
	q->curr = NULL;
}

static void fair_set_next(struct runqueue *rq, struct thread *t)
{
	struct fair_queue *q = &rq->fair;
	if (t->se.on_rq)
		tree_remove(q, &t->se);
	t->se.exec_start = rq->clock;
	q->curr = &t->se;
}

/* The eligible entity of the tree with the earliest deadline, or NULL. */
static struct sched_entity *best_in_tree(const struct fair_queue *q, s64 sum, u64 load)
{
	struct rb_node *n = q->tree.node, *sub = NULL;
	struct sched_entity *best = NULL;
	while (n) {
		struct sched_entity *se = entity(n);
		if (!eligible(sum, load, key(q, se))) {
			n = n->left;
			continue;
		}
		/* All of the left subtree is eligible too: remember the best such. */
		if (n->left &&
		    (!sub || (s64)(entity(n->left)->min_deadline - entity(sub)->min_deadline) < 0))
			sub = n->left;
		if (!best || deadline_before(se, best))
			best = se;
		n = n->right;
	}
	if (!sub || (best && (s64)(entity(sub)->min_deadline - best->deadline) >= 0))
		return best;
	for (n = sub; n;) {
		struct sched_entity *se = entity(n);
		if (se->deadline == se->min_deadline)
			return se;
		n = n->left && entity(n->left)->min_deadline == se->min_deadline ? n->left
										 : n->right;
	}
	return best;
}

struct thread *fair_pick(struct runqueue *rq)
{
	struct fair_queue *q = &rq->fair;
	struct sched_entity *curr = q->curr && q->curr->on_rq ? q->curr : NULL;
	if (curr) {
		fair_charge(rq, thread_of(curr));
		if (q->nr == 1)
			return thread_of(curr);
	} else if (q->nr == 1) {
		return thread_of(entity(q->tree.node));
	}
	s64 sum;
	u64 load;
	sums_with_curr(q, &sum, &load);
	struct sched_entity *best = best_in_tree(q, sum, load);
	if (curr && eligible(sum, load, key(q, curr)) && (!best || deadline_before(curr, best)))
		best = curr;
	if (unlikely(!best)) /* the mean cannot be below all, but for rounding at a rebase */
		best = curr ? curr : entity(rb_first(&q->tree));
	return thread_of(best);
}

static void fair_tick(struct runqueue *rq, struct thread *t)
{
	fair_charge(rq, t);
}

static void fair_yield(struct runqueue *rq, struct thread *t)
{
	fair_charge(rq, t);
	t->se.deadline += scaled(t->se.slice, &t->se);
}

static bool fair_preempts(struct runqueue *rq, struct thread *t)
{
	struct fair_queue *q = &rq->fair;
	struct thread *curr = rq->curr;
	if (curr->policy == SCHED_IDLE && t->policy != SCHED_IDLE)
		return true;
	if (t->no_wake_preempt)
		return false;
	fair_charge(rq, curr);
	if (!deadline_before(&t->se, &curr->se)) {
		/* Later deadline: only if the running one has had more than its share. */
		s64 sum;
		u64 load;
		sums_with_curr(q, &sum, &load);
		if (eligible(sum, load, key(q, &curr->se)))
			return false;
	}
	return fair_pick(rq) == t;
}

void fair_init_entity(struct thread *t)
{
	t->se.weight = fair_weight(t);
	t->se.slice = BASE_SLICE_NS;
	t->no_wake_preempt = t->policy == SCHED_BATCH || t->policy == SCHED_IDLE;
}

struct thread *fair_movable(struct runqueue *rq, unsigned cpu)
{
	/* From the far end: whoever would run last here gains most. */
	for (struct rb_node *n = rb_last(&rq->fair.tree); n; n = rb_prev(n)) {
		struct thread *t = thread_of(entity(n));
		if (cpu_allowed(t, cpu))
			return t;
	}
	return NULL;
}

const struct sched_class fair_class = {
	.enqueue = fair_enqueue,
	.dequeue = fair_dequeue,
	.put_prev = fair_put_prev,
	.set_next = fair_set_next,
	.charge = fair_charge,
	.tick = fair_tick,
	.yield = fair_yield,
	.preempts = fair_preempts,
	.rank = 1,
};
