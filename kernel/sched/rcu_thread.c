/* RCU's threads: one per CPU runs that CPU's callbacks and pushes grace periods on. call_rcu arms a
 * short timer, so that callbacks go in batches and an unlucky context pays little; the timer wakes the
 * thread, which works until nothing is left. A CPU that does not report within a few milliseconds (a
 * long run in the kernel with preemption on, or in user mode) is interrupted.
 * Context: hooks in any, the rest in its own thread. */
#include "sched_priv.h"
#include <alloc/slab.h>
#include <lib/string.h>
#include <log/panic.h>
#include <sched/lock.h>
#include <sync/rcu.h>

#define BATCH_DELAY_NS (4 * NSEC_PER_MSEC)
#define FORCE_NS       (3 * NSEC_PER_MSEC)
#define HURRY_NS       (NSEC_PER_MSEC / 4)
#define BATCH	       128

struct rcu_worker {
	struct thread *thread; /* [I] once started */
	struct timer timer;    /* of the deferred start */
	bool timer_ready;
	bool kicked; /* [a] look for work */
};
static DEFINE_PER_CPU(struct rcu_worker, rcu_worker);
static atomic_t waiters; /* [a] synchronize_rcu callers: no time to lose */

static void wake(unsigned cpu)
{
	struct rcu_worker *w = per_cpu_ptr(&rcu_worker, cpu);
	struct thread *t = READ_ONCE(w->thread);
	WRITE_ONCE(w->kicked, true);
	if (t)
		thread_wake(t, T_NORMAL);
}

static void timer_fired(struct timer *tm)
{
	wake(cpu_id());
}

/* Interrupts off. */
static void defer(void)
{
	struct rcu_worker *w = this_cpu_ptr(&rcu_worker);
	if (unlikely(!w->timer_ready)) {
		timer_init(&w->timer, timer_fired);
		w->timer_ready = true;
	}
	timer_start(&w->timer, ktime_get() + BATCH_DELAY_NS);
}

/* The interrupt alone reports, when the CPU is preemptible; else the switch that it asks for does. */
static void force_cpu(unsigned cpu)
{
	unsigned long f = irq_save();
	struct runqueue *rq = cpu_rq(cpu);
	if (rq->ready) {
		rq_lock(rq);
		rq_resched(rq);
		rq_unlock(rq);
		if (cpu != cpu_id())
			smp_send_reschedule(cpu);
	}
	irq_restore(f);
}

struct waiter {
	struct rcu_head head;
	struct completion done;
};

static void wait_over(struct rcu_head *h)
{
	complete(&container_of(h, struct waiter, head)->done);
}

static void wait_gp(void)
{
	struct waiter w;
	completion_init(&w.done);
	atomic_inc(&waiters);
	preempt_disable();
	call_rcu(&w.head, wait_over);
	wake(cpu_id());
	preempt_enable();
	wait_for_completion(&w.done);
	atomic_dec(&waiters);
}

static const struct rcu_hooks hooks = {
	.defer = defer,
	.wake = wake,
	.force_cpu = force_cpu,
	.wait = wait_gp,
	.free = kfree,
};

static int rcu_thread(void *arg)
{
	struct rcu_worker *w = this_cpu_ptr(&rcu_worker);
	for (;;) {
		WRITE_ONCE(w->kicked, false);
		smp_mb();
		enum rcu_todo todo = rcu_cpu_work(BATCH);
		if (todo == RCU_MORE) {
			cond_resched();
			continue;
		}
		set_current_state(T_INTERRUPTIBLE);
		if (READ_ONCE(w->kicked)) {
			set_current_state(T_RUNNING);
			continue;
		}
		if (todo == RCU_IDLE) {
			schedule();
			continue;
		}
		bool hurry = atomic_read(&waiters);
		if (schedule_timeout(hurry ? HURRY_NS : FORCE_NS) == 0 && !READ_ONCE(w->kicked))
			rcu_force_laggards();
	}
	return 0;
}

void rcu_thread_start(unsigned cpu)
{
	struct join_handle h;
	char name[16];
	unsigned long *mask = kzalloc(cpumask_bytes(), GFP_KERNEL);
	if (!mask)
		panic("no memory for RCU's thread");
	bit_set(mask, cpu);
	snprintf(name, sizeof(name), "rcu/%u", cpu);
	int err = thread_create_on(&h, mask, rcu_thread, NULL, name);
	kfree(mask);
	if (err)
		panic("RCU's thread does not start: %d", err);
	thread_get(h.thread);
	thread_start(h.thread);
	struct rcu_worker *w = per_cpu_ptr(&rcu_worker, cpu);
	WRITE_ONCE(w->thread, h.thread);
	thread_detach(&h);
	if (READ_ONCE(w->kicked))
		wake(cpu);
}

void rcu_threads_init(void)
{
	unsigned long *mask = kzalloc(cpumask_bytes(), GFP_KERNEL);
	if (!mask)
		panic("no memory for RCU");
	rcu_set_mask(mask);
	rcu_set_hooks(&hooks);
	rcu_thread_start(0);
}
