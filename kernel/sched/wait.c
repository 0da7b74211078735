/* Wait queues. Non-exclusive entries stand before exclusive ones, so that a wake-up that may wake one
 * exclusive waiter reaches everybody else first. The wake functions run under the queue's lock.
 * Lock: queue->lock (interrupts off) > thread.pi_lock. */
#include <sched/thread.h>
#include <sched/wait.h>

#ifdef CONFIG_DEBUG_LOCKS
void __wait_queue_init(struct wait_queue *q, const char *site)
{
	__spin_init(&q->lock, site);
#else
void wait_queue_init(struct wait_queue *q)
{
	spin_init(&q->lock);
#endif
	list_init(&q->head);
}

void wait_entry_init(struct wait_entry *e, wait_fn fn)
{
	list_init(&e->list);
	e->thread = current;
	e->fn = fn;
	e->exclusive = false;
}

bool wait_wake_thread(struct wait_entry *e, unsigned mode, unsigned long key)
{
	return thread_wake(e->thread, mode);
}

bool wait_autoremove_wake(struct wait_entry *e, unsigned mode, unsigned long key)
{
	/* The entry may be gone as soon as its thread runs: unlink first. */
	struct thread *t = e->thread;
	if (!(READ_ONCE(t->state) & mode))
		return false;
	list_del(&e->list);
	if (thread_wake(t, mode))
		return true;
	return false;
}

static void enqueue(struct wait_queue *q, struct wait_entry *e)
{
	if (e->exclusive)
		list_add_tail(&e->list, &q->head);
	else
		list_add(&e->list, &q->head);
}

void wait_add(struct wait_queue *q, struct wait_entry *e)
{
	unsigned long f;
	spin_lock_irqsave(&q->lock, f);
	enqueue(q, e);
	spin_unlock_irqrestore(&q->lock, f);
}

void wait_remove(struct wait_queue *q, struct wait_entry *e)
{
	unsigned long f;
	spin_lock_irqsave(&q->lock, f);
	list_del(&e->list);
	spin_unlock_irqrestore(&q->lock, f);
}

void wait_prepare(struct wait_queue *q, struct wait_entry *e, unsigned state)
{
	unsigned long f;
	spin_lock_irqsave(&q->lock, f);
	if (list_empty(&e->list))
		enqueue(q, e);
	set_current_state(state);
	spin_unlock_irqrestore(&q->lock, f);
}

void wait_finish(struct wait_queue *q, struct wait_entry *e)
{
	WRITE_ONCE(current->state, T_RUNNING);
	/* A waker unlinks as its last touch, under the lock: an unlinked entry is ours alone, once the
	 * lock was passed by whoever unlinked it (both pointers are ours again). */
	if (list_empty(&e->list) && READ_ONCE(e->list.prev) == &e->list)
		return;
	wait_remove(q, e);
}

void __wake_up(struct wait_queue *q, unsigned mode, int nr_exclusive, unsigned long key)
{
	unsigned long f;
	struct wait_entry *e, *n;
	spin_lock_irqsave(&q->lock, f);
	list_for_each_entry_safe (e, n, &q->head, list) {
		bool exclusive = e->exclusive;
		if (e->fn(e, mode, key) && exclusive && --nr_exclusive <= 0)
			break;
	}
	spin_unlock_irqrestore(&q->lock, f);
}
