/* The executor of asynchronous tasks. Each CPU has a list of tasks to poll and a work item that drains
 * it; so tasks run in a worker thread and need no threads of their own.
 *
 * state: IDLE waits for a wake-up; QUEUED is on the run list; RUNNING is being polled; NOTIFIED is being
 * polled and was woken meanwhile, so it is polled again; DONE. Wakers move IDLE to QUEUED (and put it on
 * the list) or RUNNING to NOTIFIED, by compare-and-exchange.
 * Locks: executor lock, event lock: leaves but for the wake-up of the worker. */
#include <arch/percpu.h>
#include <sched/async.h>
#include <sched/thread.h>
#include <sched/workqueue.h>

enum { IDLE, QUEUED, RUNNING, NOTIFIED, DONE };

#define POLL_BATCH 64

struct executor {
	spinlock_t lock;
	struct list run; /* [lock] */
	struct work work;
	u32 ready; /* [a] 0 raw, 1 being initialised, 2 in use */
};
static DEFINE_PER_CPU(struct executor, executor);

static void drain(struct work *w);

static struct executor *executor_of(unsigned cpu)
{
	struct executor *x = per_cpu_ptr(&executor, cpu);
	if (unlikely(smp_load_acquire(&x->ready) != 2)) {
		if (cmpxchg(&x->ready, 0u, 1u) == 0) {
			spin_init(&x->lock);
			list_init(&x->run);
			work_init(&x->work, drain);
			smp_store_release(&x->ready, 2u);
		}
		while (smp_load_acquire(&x->ready) != 2)
			cpu_relax();
	}
	return x;
}

static void enqueue(struct async_task *t)
{
	struct executor *x = executor_of(t->cpu);
	unsigned long f;
	spin_lock_irqsave(&x->lock, f);
	list_add_tail(&t->run, &x->run);
	spin_unlock_irqrestore(&x->lock, f);
	work_queue_on(t->cpu, &x->work);
}

static void poll_one(struct async_task *t)
{
	smp_store_release(&t->state, (u32)RUNNING);
	if (t->poll(t) == ASYNC_DONE) {
		smp_store_release(&t->state, (u32)DONE);
		if (t->done)
			t->done(t);
		return;
	}
	if (cmpxchg(&t->state, (u32)RUNNING, (u32)IDLE) != RUNNING) {
		smp_store_release(&t->state, (u32)QUEUED); /* NOTIFIED: only we leave that */
		enqueue(t);
	}
}

static void drain(struct work *w)
{
	struct executor *x = container_of(w, struct executor, work);
	for (unsigned n = 0; n < POLL_BATCH; n++) {
		spin_lock_irq(&x->lock);
		struct async_task *t = list_first_entry_or_null(&x->run, struct async_task, run);
		if (t)
			list_del(&t->run);
		spin_unlock_irq(&x->lock);
		if (!t)
			return;
		poll_one(t);
	}
	/* Let other works of the pool have a turn. */
	work_queue_on((unsigned)cpu_id(), &x->work);
}

void async_init(struct async_task *t, enum async_status (*poll)(struct async_task *t),
		void (*done)(struct async_task *t))
{
	t->poll = poll;
	t->done = done;
	t->line = 0;
	t->state = IDLE;
	t->cancelled = false;
	list_init(&t->run);
	list_init(&t->waiting);
}

void async_spawn_on(unsigned cpu, struct async_task *t)
{
	t->cpu = cpu;
	async_wake(t);
}

void async_spawn(struct async_task *t)
{
	async_spawn_on(cpu_id(), t);
}

void async_wake(struct async_task *t)
{
	u32 s = __atomic_load_n(&t->state, __ATOMIC_ACQUIRE);
	for (;;) {
		u32 next;
		if (s == IDLE)
			next = QUEUED;
		else if (s == RUNNING)
			next = NOTIFIED;
		else
			return;
		if (__atomic_compare_exchange_n(&t->state, &s, next, false, __ATOMIC_SEQ_CST,
						__ATOMIC_ACQUIRE))
			break;
	}
	if (s == IDLE)
		enqueue(t);
}

void async_cancel(struct async_task *t)
{
	WRITE_ONCE(t->cancelled, true);
	async_wake(t);
}

static void timer_fired(struct timer *tm)
{
	struct async_timer *at = container_of(tm, struct async_timer, timer);
	smp_store_release(&at->fired, true);
	async_wake(at->task);
}

void async_timer_init(struct async_timer *at)
{
	timer_init(&at->timer, timer_fired);
	at->task = NULL;
	at->fired = false;
}

void async_timer_set(struct async_timer *at, struct async_task *t, ktime_t expires)
{
	timer_cancel(&at->timer);
	at->task = t;
	at->fired = false;
	timer_start(&at->timer, expires);
}

void async_timer_stop(struct async_timer *at)
{
	timer_cancel(&at->timer);
}

void async_event_init(struct async_event *e)
{
	spin_init(&e->lock);
	list_init(&e->tasks);
}

bool async_listen(struct async_event *e, struct async_task *t)
{
	unsigned long f;
	spin_lock_irqsave(&e->lock, f);
	if (list_empty(&t->waiting))
		list_add_tail(&t->waiting, &e->tasks);
	spin_unlock_irqrestore(&e->lock, f);
	return true;
}

void async_unlisten(struct async_event *e, struct async_task *t)
{
	unsigned long f;
	spin_lock_irqsave(&e->lock, f);
	list_del(&t->waiting);
	spin_unlock_irqrestore(&e->lock, f);
}

void async_notify(struct async_event *e)
{
	unsigned long f;
	spin_lock_irqsave(&e->lock, f);
	while (!list_empty(&e->tasks)) {
		struct async_task *t = list_first_entry(&e->tasks, struct async_task, waiting);
		list_del(&t->waiting);
		async_wake(t);
	}
	spin_unlock_irqrestore(&e->lock, f);
}
