/* Completions: done counts what was completed and not yet waited for; complete_all opens it for ever.
 * A waiter takes the queue's lock on its way out, so that a completion on its stack is not touched any
 * more when it returns. Lock: wait.lock. */
#include <sched/lock.h>
#include <sched/thread.h>

void completion_init(struct completion *c)
{
	c->done = 0;
	wait_queue_init(&c->wait);
}

static void wake(struct completion *c, int n)
{
	struct wait_entry *e, *next;
	list_for_each_entry_safe (e, next, &c->wait.head, list) {
		if (n-- <= 0)
			break;
		list_del(&e->list);
		thread_wake(e->thread, T_NORMAL | T_WAKEKILL);
	}
}

void complete(struct completion *c)
{
	unsigned long f;
	spin_lock_irqsave(&c->wait.lock, f);
	if (c->done != UINT32_MAX)
		c->done++;
	wake(c, 1);
	spin_unlock_irqrestore(&c->wait.lock, f);
}

void complete_all(struct completion *c)
{
	unsigned long f;
	spin_lock_irqsave(&c->wait.lock, f);
	c->done = UINT32_MAX;
	wake(c, INT32_MAX);
	spin_unlock_irqrestore(&c->wait.lock, f);
}

/* What is left of ns (at least 1 when completed), 0 on time-out, -ERESTARTSYS. */
static s64 wait_common(struct completion *c, unsigned state, s64 ns)
{
	struct wait_entry e;
	wait_entry_init(&e, wait_wake_thread);
	spin_lock_irq(&c->wait.lock);
	while (!c->done) {
		if (ns == 0)
			goto out;
		if (signal_pending_state(state)) {
			ns = -ERESTARTSYS;
			goto out;
		}
		if (list_empty(&e.list))
			list_add_tail(&e.list, &c->wait.head);
		set_current_state(state);
		spin_unlock_irq(&c->wait.lock);
		ns = schedule_timeout(ns);
		spin_lock_irq(&c->wait.lock);
	}
	if (c->done != UINT32_MAX)
		c->done--;
	if (ns == 0)
		ns = 1;
out:
	list_del(&e.list);
	/* A wake-up meant for us that we did not use goes to the next. */
	if (c->done && ns <= 0)
		wake(c, 1);
	spin_unlock_irq(&c->wait.lock);
	return ns;
}

void wait_for_completion(struct completion *c)
{
	wait_common(c, T_UNINTERRUPTIBLE, KTIME_MAX);
}

s64 wait_for_completion_timeout(struct completion *c, s64 ns)
{
	return wait_common(c, T_UNINTERRUPTIBLE, ns);
}

int wait_for_completion_interruptible(struct completion *c)
{
	s64 r = wait_common(c, T_INTERRUPTIBLE, KTIME_MAX);
	return r < 0 ? (int)r : 0;
}

int wait_for_completion_killable(struct completion *c)
{
	s64 r = wait_common(c, T_KILLABLE, KTIME_MAX);
	return r < 0 ? (int)r : 0;
}
