/* The scheduler's core: run queues, the context switch, wake-ups.
 *
 * A runnable thread is on exactly one run queue (thread.cpu says which). The running one stays
 * accounted there. `on_cpu` is set from before a thread is switched to until its registers are saved
 * after it was switched from: a waker of a thread that has left its queue waits for it to clear, so
 * that a stack is never used twice. The switch itself runs with the run queue locked and interrupts
 * off; the lock is released by the thread switched to (finish_switch), the scheduler holds no
 * reference to anybody across it: prev is either queued, sleeping under its owner's reference, or dead,
 * and then its last own reference is dropped right here.
 *
 * Sleep protocol: set the state (full fence), test the condition, schedule(). A waker makes the
 * condition true, then thread_wake(): full fence, look at the state. schedule() takes a thread whose
 * state is not T_RUNNING off its queue, unless it was preempted or a signal ends the wait.
 *
 * Locks: thread.pi_lock > runqueue.lock > timer bases, all with interrupts off. Any lock that is held
 * around a wake-up is above pi_lock. preempt_count is 1 at every switch. */
#include "sched_priv.h"
#include <arch/clock.h>
#include <log/panic.h>
#include <sync/rcu.h>

DEFINE_PER_CPU(struct runqueue, runqueue);
static const struct sched_mm_ops *mm_ops __ro_after_init;

void rq_clock_update(struct runqueue *rq)
{
	u64 now = arch_clock_ns();
	if (likely(now > rq->clock))
		rq->clock = now;
}

struct runqueue *rq_lock_of(struct thread *t)
{
	for (;;) {
		struct runqueue *rq = cpu_rq(READ_ONCE(t->cpu));
		rq_lock(rq);
		if (likely(READ_ONCE(t->cpu) == rq->cpu))
			return rq;
		rq_unlock(rq);
	}
}

void rq_activate(struct runqueue *rq, struct thread *t, unsigned flags)
{
	t->class->enqueue(rq, t, flags);
	WRITE_ONCE(t->on_rq, true);
	t->wait_stamp = rq->clock;
	WRITE_ONCE(rq->nr_running, rq->nr_running + 1);
	if (rq->nr_running == 2 && overload_mask)
		bit_set_atomic(overload_mask, rq->cpu);
}

void rq_deactivate(struct runqueue *rq, struct thread *t, unsigned flags)
{
	t->class->dequeue(rq, t, flags);
	WRITE_ONCE(rq->nr_running, rq->nr_running - 1);
	if (rq->nr_running == 1 && overload_mask)
		bit_clear_atomic(overload_mask, rq->cpu);
	smp_store_release(&t->on_rq, false);
}

void rq_resched(struct runqueue *rq)
{
	struct thread *t = rq->curr;
	if (thread_test_work(t, TIF_NEED_RESCHED))
		return;
	if (rq->cpu == cpu_id()) {
		this_cpu_write(need_resched_flag, 1);
		thread_set_work(t, TIF_NEED_RESCHED);
		return;
	}
	WRITE_ONCE(per_cpu(need_resched_flag, rq->cpu), 1);
	thread_set_work(t, TIF_NEED_RESCHED); /* locked: orders against reading halted */
	/* An idle CPU that is awake looks at its flag before it halts. */
	if (t != rq->idle || READ_ONCE(rq->halted))
		smp_send_reschedule(rq->cpu);
}

void rq_check_preempt(struct runqueue *rq, struct thread *t)
{
	const struct sched_class *running = rq->curr->class;
	if (t->class->rank > running->rank || (t->class == running && running->preempts(rq, t)))
		rq_resched(rq);
}

u64 rq_charge_time(struct runqueue *rq, struct thread *t)
{
	s64 delta = (s64)(rq->clock - t->se.exec_start);
	if (delta <= 0)
		return 0;
	t->se.exec_start = rq->clock;
	t->se.sum_exec += (u64)delta;
	if (t == rq->idle) {
		rq->time_idle += (u64)delta;
	} else if (t->acct_user) {
		t->utime += (u64)delta;
		if (t->nice > 0)
			rq->time_nice += (u64)delta;
		else
			rq->time_user += (u64)delta;
	} else {
		t->stime += (u64)delta;
		rq->time_system += (u64)delta;
	}
	return (u64)delta;
}

static struct thread *pick_next(struct runqueue *rq)
{
	struct thread *t;
	for (;;) {
		if (unlikely(rq->rt.nr)) {
			t = rt_pick(rq);
			if (t)
				return t;
		}
		if (rq->fair.nr)
			return fair_pick(rq);
		if (!balance_newidle(rq))
			return rq->idle;
	}
}

/* After every switch, on the new thread's stack: the queue is locked, interrupts are off; on return
 * they are on. */
static void finish_switch(struct thread *prev)
{
	struct runqueue *rq = this_rq();
	struct thread *push = rq->push;
	/* A thread that was preempted between becoming T_DEAD and its last schedule() is still queued. */
	bool dead = READ_ONCE(prev->state) == T_DEAD && !prev->on_rq && push != prev;
	rq->push = NULL;
	smp_store_release(&prev->on_cpu, 0);
	rq_unlock(rq);
	if (unlikely(push)) {
		/* Nobody else moves it: it is runnable, so no waker wants it, and on no queue. */
		__spin_acquire(&push->pi_lock);
		WRITE_ONCE(push->cpu, select_cpu(push));
		rq = rq_lock_of(push);
		rq_clock_update(rq);
		rq_activate(rq, push, 0);
		rq_check_preempt(rq, push);
		rq_unlock(rq);
		__spin_release(&push->pi_lock);
	}
	irq_enable();
	if (unlikely(dead))
		thread_put(prev);
}

void sched_first_run(struct thread *prev)
{
	finish_switch(prev);
	preempt_enable_no_resched();
}

static void switch_to(struct runqueue *rq, struct thread *prev, struct thread *next)
{
	rq->nr_switches++;
	WRITE_ONCE(rq->curr, next);
	WRITE_ONCE(next->on_cpu, 1);
	if (prev == rq->idle)
		tick_start(rq);
	if (prev->mm != next->mm && mm_ops)
		mm_ops->switch_mm(prev->mm, next->mm);
	this_cpu_write(current_thread, next);
#ifdef CONFIG_DEBUG_LOCKS
	lockdep_switch(&next->locks);
#endif
	if (unlikely(
		    next->rseq)) /* its restartable sequence was interrupted, its CPU may be another */
		thread_set_work(next, TIF_NOTIFY_RESUME);
	prev = arch_switch(&prev->arch, &next->arch, prev, (char *)next->kstack + KSTACK_SIZE);
	finish_switch(prev);
}

/* Take prev, which gives up the CPU by itself, off its queue if it goes to sleep. */
static void leave_queue(struct runqueue *rq, struct thread *prev, u32 state)
{
	if (signal_pending_state(state)) {
		WRITE_ONCE(prev->state, T_RUNNING);
		return;
	}
	if (state & T_UNINTERRUPTIBLE) {
		rq->nr_uninterruptible++;
		prev->counts_load = true;
	}
	rq_deactivate(rq, prev, DEQ_SLEEP);
}

static void __schedule(bool preempt)
{
	irq_disable();
	rcu_note_context_switch();
	struct runqueue *rq = this_rq();
	struct thread *prev = rq->curr;
	rq_lock(rq);
	rq_clock_update(rq);
	u32 state = READ_ONCE(prev->state);
	u64 *switches = &prev->nivcsw;
	if (!preempt && state != T_RUNNING) {
		leave_queue(rq, prev, state);
		switches = &prev->nvcsw;
	}
	if (unlikely(prev->affinity) && prev->on_rq && !cpu_allowed(prev, rq->cpu)) {
		rq_deactivate(rq, prev, 0);
		rq->push = prev;
	}
	struct thread *next = pick_next(rq);
	/* Charging prev may have asked again: what was asked is done now. */
	this_cpu_write(need_resched_flag, 0);
	if (thread_test_work(prev, TIF_NEED_RESCHED))
		thread_clear_work(prev, TIF_NEED_RESCHED);
	if (likely(next != prev)) {
		prev->class->put_prev(rq, prev);
		next->class->set_next(rq, next);
		++*switches;
		switch_to(rq, prev, next);
	} else {
		rq_unlock(rq);
		irq_enable();
	}
}

void schedule(void)
{
	struct thread *me = current;
#ifdef CONFIG_DEBUG
	if (in_atomic() || irqs_disabled())
		panic("scheduling while atomic: %s, count %x", me->comm,
		      this_cpu_read(preempt_count));
#endif
	if (unlikely(me->worker) && READ_ONCE(me->state) != T_RUNNING)
		worker_sleeping(me->worker);
	do {
		preempt_disable();
		__schedule(false);
		preempt_enable_no_resched();
	} while (this_cpu_read(need_resched_flag));
	if (unlikely(me->worker))
		worker_running(me->worker);
}

static void preempt_schedule(void)
{
	if (irqs_disabled())
		return;
	do {
		preempt_disable();
		__schedule(true);
		preempt_enable_no_resched();
	} while (this_cpu_read(need_resched_flag));
}

void sched_preempt_irq(void)
{
	while (this_cpu_read(need_resched_flag) && this_cpu_read(preempt_count) == 0) {
		preempt_disable();
		__schedule(true);
		irq_disable();
		preempt_enable_no_resched();
	}
}

void cond_resched(void)
{
	if (unlikely(this_cpu_read(need_resched_flag)) && this_cpu_read(preempt_count) == 0)
		preempt_schedule();
}

void yield(void)
{
	unsigned long f = irq_save();
	struct runqueue *rq = this_rq();
	rq_lock(rq);
	rq_clock_update(rq);
	struct thread *me = rq->curr;
	me->class->yield(rq, me);
	rq_unlock(rq);
	irq_restore(f);
	WRITE_ONCE(me->state, T_RUNNING);
	schedule();
}

void sched_irq_enter(void)
{
	rcu_irq_enter();
#ifdef CONFIG_DEBUG_LOCKS
	lockdep_irq_enter();
#endif
}

void sched_irq_exit(void)
{
	rcu_irq_exit();
}

/* Queue t on the CPU that t->cpu says. pi_lock held. */
static void wake_enqueue(struct thread *t, unsigned flags)
{
	struct runqueue *rq = cpu_rq(t->cpu);
	rq_lock(rq);
	rq_clock_update(rq);
	if (t->counts_load) {
		t->counts_load = false;
		rq->nr_uninterruptible--;
	}
	rq_activate(rq, t, flags);
	WRITE_ONCE(t->state, T_RUNNING);
	/* A new thread does not push its parent off. */
	if (!(flags & ENQ_NEW) || t->class != &fair_class || rq->curr == rq->idle)
		rq_check_preempt(rq, t);
	rq_unlock(rq);
}

bool thread_wake(struct thread *t, unsigned mask)
{
	if (t == current) {
		/* On its way to sleep, or interrupted there: simply not. */
		if (!(READ_ONCE(t->state) & mask))
			return false;
		WRITE_ONCE(t->state, T_RUNNING);
		return true;
	}
	bool woken = false;
	unsigned long f;
	spin_lock_irqsave(&t->pi_lock, f);
	if (!(READ_ONCE(t->state) & mask))
		goto out;
	woken = true;
	if (READ_ONCE(t->on_rq)) {
		struct runqueue *rq = rq_lock_of(t);
		bool queued = t->on_rq;
		if (queued)
			WRITE_ONCE(t->state, T_RUNNING);
		rq_unlock(rq);
		if (queued)
			goto out;
	}
	WRITE_ONCE(t->state, T_WAKING);
	/* It may still be on its way off its CPU, with interrupts off: a few instructions. */
	while (smp_load_acquire(&t->on_cpu))
		cpu_relax();
	WRITE_ONCE(t->cpu, select_cpu(t));
	wake_enqueue(t, ENQ_WAKE);
out:
	spin_unlock_irqrestore(&t->pi_lock, f);
	return woken;
}

void thread_start(struct thread *t)
{
	unsigned long f;
	thread_get(t); /* its own, dropped after its last switch */
	spin_lock_irqsave(&t->pi_lock, f);
	WRITE_ONCE(t->cpu, select_cpu(t));
	wake_enqueue(t, ENQ_NEW);
	spin_unlock_irqrestore(&t->pi_lock, f);
}

void thread_kick(struct thread *t)
{
	preempt_disable();
	unsigned cpu = READ_ONCE(t->cpu);
	if (t != current && READ_ONCE(t->on_cpu) && cpu != cpu_id())
		smp_send_reschedule(cpu);
	preempt_enable();
}

void sched_set_mm_ops(const struct sched_mm_ops *ops)
{
	mm_ops = ops;
}

void sched_install_preempt(void)
{
	preempt_schedule_hook = preempt_schedule;
}
