/* Work queues: one pool per CPU. A pool keeps one worker running as long as there is work; when that
 * worker sleeps inside a work function, schedule() tells the pool (worker_sleeping) and another goes on,
 * so works do not wait for each other's sleeps, and yet a pool that does not sleep has one thread.
 *
 * Workers are made by one manager thread, since schedule() cannot make threads; a pool's first one only
 * when its first work comes. Idle workers beyond one leave after a while.
 *
 * `pending` of a work is set by whoever queues it and cleared when its function is about to be called,
 * which may queue it again; a work whose function still runs is queued on the same pool and waits for
 * that run to end. After the call the work is not touched: the function may free it.
 *
 * Locks: pool->lock (interrupts off) > thread.pi_lock. A work belongs to the pool that w->pool names
 * while pending. */
#include "sched_priv.h"
#include <alloc/slab.h>
#include <lib/string.h>
#include <log/panic.h>
#include <sched/lock.h>
#include <sched/workqueue.h>

#define IDLE_LINGER_NS (5 * NSEC_PER_SEC)

struct worker_pool {
	spinlock_t lock;
	unsigned cpu;		 /* [I] */
	struct list works;	 /* [lock] struct work.list */
	struct list idle;	 /* [lock] struct worker.list, last idle first */
	struct list busy;	 /* [lock] struct worker.list */
	unsigned nr_workers;	 /* [lock] */
	unsigned nr_idle;	 /* [lock] */
	unsigned nr_running;	 /* [lock] busy and not asleep in a work */
	bool wants_worker;	 /* [lock] the manager shall make one */
	struct wait_queue flush; /* woken when a work has ended */
};

struct worker {
	struct list list; /* [lock] idle or busy */
	struct worker_pool *pool;
	struct thread *thread;
	struct work *current_work;	    /* [lock] compared only */
	void (*current_fn)(struct work *w); /* [lock] */
	bool sleeping;			    /* [lock] */
};

static DEFINE_PER_CPU(struct worker_pool, worker_pool);
static struct thread *manager; /* [I] after workqueue_init */
static u32 manager_kicked;     /* [a] */

static void kick_manager(void)
{
	xchg(&manager_kicked, 1);
	if (manager)
		thread_wake(manager, T_NORMAL);
}

/* There is work: see that somebody does it. Lock held. */
static void pool_wake(struct worker_pool *p)
{
	if (p->nr_running || list_empty(&p->works))
		return;
	if (!list_empty(&p->idle)) {
		thread_wake(list_first_entry(&p->idle, struct worker, list)->thread, T_NORMAL);
	} else if (!p->wants_worker) {
		p->wants_worker = true;
		kick_manager();
	}
}

static bool runs_here(struct worker_pool *p, const struct work *w)
{
	struct worker *k;
	list_for_each_entry (k, &p->busy, list)
		if (k->current_work == w && k->current_fn == w->fn)
			return true;
	return false;
}

void work_init(struct work *w, void (*fn)(struct work *w))
{
	list_init(&w->list);
	w->fn = fn;
	w->pending = 0;
	w->pool = NULL;
}

/* pending is ours. */
static void enqueue(struct worker_pool *p, struct work *w)
{
	unsigned long f;
	struct worker_pool *last = READ_ONCE(w->pool);
	if (last && last != p) {
		spin_lock_irqsave(&last->lock, f);
		bool stay = runs_here(last, w);
		if (stay) {
			list_add_tail(&w->list, &last->works);
			pool_wake(last);
		}
		spin_unlock_irqrestore(&last->lock, f);
		if (stay)
			return;
	}
	spin_lock_irqsave(&p->lock, f);
	WRITE_ONCE(w->pool, p);
	list_add_tail(&w->list, &p->works);
	pool_wake(p);
	spin_unlock_irqrestore(&p->lock, f);
}

bool work_queue(struct work *w)
{
	if (READ_ONCE(w->pending) || xchg(&w->pending, 1))
		return false;
	preempt_disable();
	enqueue(this_cpu_ptr(&worker_pool), w);
	preempt_enable();
	return true;
}

bool work_queue_on(unsigned cpu, struct work *w)
{
	if (xchg(&w->pending, 1))
		return false;
	enqueue(per_cpu_ptr(&worker_pool, cpu), w);
	return true;
}

/* The next work that no other worker is in the middle of. Lock held. */
static struct work *take_work(struct worker_pool *p)
{
	struct work *w;
	list_for_each_entry (w, &p->works, list) {
		if (runs_here(p, w))
			continue;
		list_del(&w->list);
		return w;
	}
	return NULL;
}

static void run(struct worker *k, struct work *w) __no_lock_check
{
	struct worker_pool *p = k->pool;
	k->current_work = w;
	k->current_fn = w->fn;
	void (*fn)(struct work *) = w->fn;
	smp_store_release(&w->pending, 0);
	spin_unlock_irq(&p->lock);
	fn(w);
#ifdef CONFIG_DEBUG
	if (in_atomic())
		panic("work %pS left the CPU atomic", fn);
#endif
	cond_resched();
	spin_lock_irq(&p->lock);
	k->current_work = NULL;
	k->current_fn = NULL;
	if (wait_queue_active(&p->flush))
		wake_up_all(&p->flush);
}

/* Idle with the pool locked; false: not needed any more, and off the pool. */
static bool idle_wait(struct worker *k) __no_lock_check
{
	struct worker_pool *p = k->pool;
	s64 left = KTIME_MAX;
	list_move(&k->list, &p->idle);
	p->nr_idle++;
	while (list_empty(&p->works) || p->nr_running) {
		if (left == 0 && p->nr_idle > 1)
			break;
		/* The last idle one stays for good; the others only for a while. */
		if (left == KTIME_MAX && p->nr_idle > 1)
			left = IDLE_LINGER_NS;
		else if (left == 0)
			left = KTIME_MAX;
		set_current_state(T_INTERRUPTIBLE);
		spin_unlock_irq(&p->lock);
		left = schedule_timeout(left);
		spin_lock_irq(&p->lock);
	}
	p->nr_idle--;
	if (list_empty(&p->works) || p->nr_running) {
		list_del(&k->list);
		p->nr_workers--;
		return false;
	}
	list_move(&k->list, &p->busy);
	return true;
}

static int worker_main(void *arg) __no_lock_check
{
	struct worker *k = arg;
	struct worker_pool *p = k->pool;
	spin_lock_irq(&p->lock);
	while (idle_wait(k)) {
		struct work *w;
		p->nr_running++;
		current->worker = k;
		while ((w = take_work(p)))
			run(k, w);
		current->worker = NULL;
		p->nr_running--;
		/* Left only what a sleeping worker is in the middle of: that one takes it on. */
		if (!list_empty(&p->works)) {
			struct wait_entry e;
			wait_entry_init(&e, wait_autoremove_wake);
			wait_prepare(&p->flush, &e, T_INTERRUPTIBLE);
			spin_unlock_irq(&p->lock);
			schedule_timeout(100 * NSEC_PER_MSEC);
			wait_finish(&p->flush, &e);
			spin_lock_irq(&p->lock);
		}
	}
	spin_unlock_irq(&p->lock);
	kfree(k);
	return 0;
}

/* From schedule(), before the run queue is locked. */
void worker_sleeping(struct worker *k)
{
	struct worker_pool *p = k->pool;
	unsigned long f;
	if (k->sleeping)
		return;
	spin_lock_irqsave(&p->lock, f);
	k->sleeping = true;
	p->nr_running--;
	pool_wake(p);
	spin_unlock_irqrestore(&p->lock, f);
}

void worker_running(struct worker *k)
{
	struct worker_pool *p = k->pool;
	unsigned long f;
	if (!k->sleeping)
		return;
	spin_lock_irqsave(&p->lock, f);
	k->sleeping = false;
	p->nr_running++;
	spin_unlock_irqrestore(&p->lock, f);
}

static int worker_create(struct worker_pool *p)
{
	char name[16];
	struct join_handle h;
	struct worker *k = kzalloc(sizeof(*k), GFP_KERNEL);
	unsigned long *mask = kzalloc(cpumask_bytes(), GFP_KERNEL);
	int err = -ENOMEM;
	if (!k || !mask)
		goto out;
	list_init(&k->list);
	k->pool = p;
	bit_set(mask, p->cpu);
	snprintf(name, sizeof(name), "kworker/%u:%u", p->cpu, p->nr_workers);
	spin_lock_irq(&p->lock);
	p->nr_workers++;
	spin_unlock_irq(&p->lock);
	err = thread_create_on(&h, mask, worker_main, k, name);
	if (!err) {
		k->thread = h.thread;
		k = NULL;
		thread_start(h.thread);
		thread_detach(&h);
	} else {
		spin_lock_irq(&p->lock);
		p->nr_workers--;
		spin_unlock_irq(&p->lock);
	}
out:
	kfree(mask);
	kfree(k);
	return err;
}

static int manager_main(void *arg)
{
	for (;;) {
		bool failed = false;
		for_each_online_cpu (c) {
			struct worker_pool *p = per_cpu_ptr(&worker_pool, c);
			if (!READ_ONCE(p->wants_worker))
				continue;
			spin_lock_irq(&p->lock);
			p->wants_worker = false;
			bool need =
				!list_empty(&p->works) && !p->nr_running && list_empty(&p->idle);
			spin_unlock_irq(&p->lock);
			if (need && worker_create(p)) {
				spin_lock_irq(&p->lock);
				p->wants_worker = true;
				spin_unlock_irq(&p->lock);
				failed = true;
			}
		}
		set_current_state(T_INTERRUPTIBLE);
		if (xchg(&manager_kicked, 0)) {
			set_current_state(T_RUNNING);
			continue;
		}
		/* Without memory for a thread, try again: works wait for it. */
		schedule_timeout(failed ? 10 * NSEC_PER_MSEC : KTIME_MAX);
	}
	return 0;
}

void workqueue_init(void)
{
	struct join_handle h;
	for_each_possible_cpu (c) {
		struct worker_pool *p = per_cpu_ptr(&worker_pool, c);
		spin_init(&p->lock);
		p->cpu = c;
		list_init(&p->works);
		list_init(&p->idle);
		list_init(&p->busy);
		wait_queue_init(&p->flush);
	}
	if (thread_create_on(&h, NULL, manager_main, NULL, "kworkerd"))
		panic("no memory for the work-queue manager");
	manager = h.thread;
	thread_get(manager);
	thread_start(manager);
	thread_detach(&h);
}

static bool work_busy(struct work *w)
{
	struct worker_pool *p = READ_ONCE(w->pool);
	unsigned long f;
	if (READ_ONCE(w->pending))
		return true;
	if (!p)
		return false;
	spin_lock_irqsave(&p->lock, f);
	bool busy = w->pending || runs_here(p, w);
	spin_unlock_irqrestore(&p->lock, f);
	return busy;
}

void work_flush(struct work *w)
{
	while (work_busy(w)) {
		struct worker_pool *p = READ_ONCE(w->pool);
		if (p)
			wait_event(&p->flush, !work_busy(w) || READ_ONCE(w->pool) != p);
		else
			cond_resched(); /* between xchg and enqueue on another CPU */
	}
}

static bool unqueue(struct work *w)
{
	for (;;) {
		struct worker_pool *p = READ_ONCE(w->pool);
		unsigned long f;
		if (!READ_ONCE(w->pending) || !p)
			return false;
		spin_lock_irqsave(&p->lock, f);
		bool mine = w->pool == p && w->pending && !list_empty(&w->list);
		if (mine) {
			list_del(&w->list);
			smp_store_release(&w->pending, 0);
		}
		bool gone = !w->pending;
		if (mine && wait_queue_active(&p->flush))
			wake_up_all(&p->flush);
		spin_unlock_irqrestore(&p->lock, f);
		if (mine || gone)
			return mine;
		cpu_relax();
	}
}

bool work_cancel_sync(struct work *w)
{
	bool was = unqueue(w);
	work_flush(w);
	return was;
}

static void delayed_fire(struct timer *t)
{
	work_queue(&container_of(t, struct delayed_work, timer)->work);
}

void delayed_work_init(struct delayed_work *d, void (*fn)(struct work *w))
{
	work_init(&d->work, fn);
	timer_init(&d->timer, delayed_fire);
}

bool delayed_work_queue(struct delayed_work *d, s64 delay_ns)
{
	if (READ_ONCE(d->work.pending) || timer_pending(&d->timer))
		return false;
	if (delay_ns <= 0)
		return work_queue(&d->work);
	timer_start(&d->timer, ktime_get() + delay_ns);
	return true;
}

bool delayed_work_cancel(struct delayed_work *d)
{
	bool was = timer_cancel(&d->timer);
	return unqueue(&d->work) || was;
}

bool delayed_work_cancel_sync(struct delayed_work *d)
{
	bool was = delayed_work_cancel(d);
	work_flush(&d->work);
	return was;
}
