/* Scheduling parameters: policy, priority, nice, affinity. Changing a queued thread takes it off its
 * queue and puts it back under the new rules; one that may not stay on its CPU moves at once when it
 * only waits, and at its next switch when it runs (core.c).
 * Locks: pi_lock > run queue. Source: sched(7), sched_setaffinity(2). */
#include "sched_priv.h"
#include <alloc/slab.h>
#include <arch/uaccess.h>
#include <lib/string.h>
#include <syscall/syscalls.h>

static const struct sched_class *class_of(u32 policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR ? &rt_class : &fair_class;
}

static void change(struct thread *t, u32 policy, u32 rt_priority, s32 nice)
{
	unsigned long f;
	spin_lock_irqsave(&t->pi_lock, f);
	struct runqueue *rq = rq_lock_of(t);
	rq_clock_update(rq);
	bool queued = t->on_rq, running = rq->curr == t;
	if (queued)
		rq_deactivate(rq, t, 0);
	if (running)
		t->class->put_prev(rq, t);
	t->policy = policy;
	t->rt_priority = rt_priority;
	t->nice = nice;
	t->class = class_of(policy);
	fair_init_entity(t);
	if (queued)
		rq_activate(rq, t, 0);
	if (running) {
		t->class->set_next(rq, t);
		rq_resched(rq); /* somebody else may come first now */
	} else if (queued) {
		rq_check_preempt(rq, t);
	}
	rq_unlock(rq);
	spin_unlock_irqrestore(&t->pi_lock, f);
}

int sched_set_policy(struct thread *t, u32 policy, u32 rt_priority, s32 nice)
{
	t->reset_on_fork = policy & SCHED_RESET_ON_FORK;
	policy &= ~(u32)SCHED_RESET_ON_FORK;
	if (nice < NICE_MIN || nice > NICE_MAX || t->class == &idle_class)
		return -EINVAL;
	switch (policy) {
	case SCHED_FIFO:
	case SCHED_RR:
		if (rt_priority < RT_PRIO_MIN || rt_priority > RT_PRIO_MAX)
			return -EINVAL;
		break;
	case SCHED_NORMAL:
	case SCHED_BATCH:
	case SCHED_IDLE:
		if (rt_priority)
			return -EINVAL;
		break;
	default:
		return -EINVAL;
	}
	change(t, policy, rt_priority, nice);
	return 0;
}

int sched_set_nice(struct thread *t, s32 nice)
{
	nice = clamp_t(s32, nice, NICE_MIN, NICE_MAX);
	if (t->class == &idle_class)
		return -EINVAL;
	change(t, t->policy, t->rt_priority, nice);
	return 0;
}

/* Move t, queued and not running, to a CPU it may use. pi_lock held; rq locked, released here. */
static void move_queued(struct runqueue *rq, struct thread *t)
{
	rq_deactivate(rq, t, 0);
	rq_unlock(rq);
	WRITE_ONCE(t->cpu, select_cpu(t));
	rq = cpu_rq(t->cpu);
	rq_lock(rq);
	rq_clock_update(rq);
	rq_activate(rq, t, 0);
	rq_check_preempt(rq, t);
	rq_unlock(rq);
}

int thread_set_affinity(struct thread *t, const unsigned long *mask)
{
	size_t bytes = cpumask_bytes();
	bool any = false;
	for_each_online_cpu (c)
		any |= bit_test(mask, c);
	if (!any)
		return -EINVAL;
	unsigned long *copy = kmemdup(mask, bytes, GFP_KERNEL), *old;
	if (!copy)
		return -ENOMEM;
	unsigned long f;
	spin_lock_irqsave(&t->pi_lock, f);
	struct runqueue *rq = rq_lock_of(t);
	rq_clock_update(rq);
	old = t->affinity;
	t->affinity = copy;
	if (t->on_rq && !cpu_allowed(t, rq->cpu)) {
		if (rq->curr != t) {
			move_queued(rq, t);
			goto out;
		}
		rq_resched(rq);
	}
	rq_unlock(rq);
out:
	spin_unlock_irqrestore(&t->pi_lock, f);
	/* Every reader holds one of the two locks. */
	kfree(old);
	if (t == current)
		cond_resched();
	return 0;
}

int sched_get_affinity(struct thread *t, unsigned long *mask)
{
	unsigned long f;
	spin_lock_irqsave(&t->pi_lock, f);
	if (t->affinity)
		memcpy(mask, t->affinity, cpumask_bytes());
	else
		memset(mask, 0xff, cpumask_bytes());
	spin_unlock_irqrestore(&t->pi_lock, f);
	for (size_t c = 0; c < cpumask_bytes() * 8; c++)
		if (!cpu_is_online((unsigned)c))
			bit_clear(mask, c);
	return 0;
}

s64 sys_sched_yield(void)
{
	yield();
	return 0;
}

s64 sys_sched_get_priority_max(int policy)
{
	switch (policy) {
	case SCHED_FIFO:
	case SCHED_RR:
		return RT_PRIO_MAX;
	case SCHED_NORMAL:
	case SCHED_BATCH:
	case SCHED_IDLE:
	case SCHED_DEADLINE:
		return 0;
	}
	return -EINVAL;
}

s64 sys_sched_get_priority_min(int policy)
{
	s64 r = sys_sched_get_priority_max(policy);
	return r == RT_PRIO_MAX ? RT_PRIO_MIN : r;
}

s64 sys_getcpu(unsigned __user *ucpu, unsigned __user *unode, void __user *unused)
{
	unsigned cpu = cpu_id(), node = 0;
	if (ucpu && put_user(cpu, ucpu))
		return -EFAULT;
	if (unode && put_user(node, unode))
		return -EFAULT;
	return 0;
}
