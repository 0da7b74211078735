/* Wait queues. A sleeper puts an entry on a queue, sets its state, tests its condition, and calls
 * schedule(); the wait_event macros do it right. poll uses entries with its own wake function. */
#pragma once
#include <lib/list.h>
#include <sync/spinlock.h>
#include <time/timer.h>

struct thread;
struct wait_entry;
/* Called with the queue's lock held, interrupts off. Returns true if it woke somebody (counts for
 * exclusive wake-ups). key: event-specific (EPOLL* mask), 0 = unspecified. */
typedef bool (*wait_fn)(struct wait_entry *e, unsigned mode, unsigned long key);

struct wait_entry {
	struct list list; /* [queue lock] */
	struct thread *thread;
	wait_fn fn;
	bool exclusive;
};
struct wait_queue {
	spinlock_t lock;
	struct list head; /* [lock] non-exclusive entries first */
};
#define WAIT_QUEUE_INIT(n)                            \
	{                                             \
		SPINLOCK_INIT(n), LIST_INIT((n).head) \
	}
#define DEFINE_WAIT_QUEUE(n) struct wait_queue n = WAIT_QUEUE_INIT(n)
#ifdef CONFIG_DEBUG_LOCKS
void __wait_queue_init(struct wait_queue *q, const char *site);
#define wait_queue_init(q) __wait_queue_init(q, LOCK_SITE(q))
#else
void wait_queue_init(struct wait_queue *q);
#endif

bool wait_wake_thread(struct wait_entry *e, unsigned mode, unsigned long key); /* stays queued */
bool wait_autoremove_wake(struct wait_entry *e, unsigned mode,
			  unsigned long key); /* unlinks itself */
void wait_entry_init(struct wait_entry *e, wait_fn fn);

void wait_add(struct wait_queue *q, struct wait_entry *e);
void wait_remove(struct wait_queue *q, struct wait_entry *e);
/* Queue (if not yet) and set current's state; then test and schedule(). */
void wait_prepare(struct wait_queue *q, struct wait_entry *e, unsigned state);
/* Back to running, off the queue. */
void wait_finish(struct wait_queue *q, struct wait_entry *e);

/* Wake all non-exclusive and nr exclusive waiters. Any context. */
void __wake_up(struct wait_queue *q, unsigned mode, int nr_exclusive, unsigned long key);
/* Cheap test before waking; needs smp_mb() between making the condition true and it: included. */
static inline bool wait_queue_active(struct wait_queue *q)
{
	smp_mb();
	return !list_empty(&q->head);
}
#define wake_up(q)		     __wake_up(q, T_NORMAL, 1, 0)
#define wake_up_all(q)		     __wake_up(q, T_NORMAL, 0x7fffffff, 0)
#define wake_up_interruptible(q)     __wake_up(q, T_INTERRUPTIBLE, 1, 0)
#define wake_up_interruptible_all(q) __wake_up(q, T_INTERRUPTIBLE, 0x7fffffff, 0)
#define wake_up_poll(q, mask)	     __wake_up(q, T_NORMAL, 1, (mask))

/* Returns what is left of timeout_ns (at least 1 if the condition held), 0 on time-out, -ERESTARTSYS
 * when interruptible and a signal is pending. KTIME_MAX: no time-out. */
#define __wait_event(q, cond, state, excl, timeout_ns)               \
	({                                                           \
		s64 __ret = (timeout_ns);                            \
		might_sleep();                                       \
		if (!(cond)) {                                       \
			struct wait_entry __e;                       \
			wait_entry_init(&__e, wait_autoremove_wake); \
			__e.exclusive = (excl);                      \
			for (;;) {                                   \
				wait_prepare(q, &__e, state);        \
				if (cond) {                          \
					if (__ret == 0)              \
						__ret = 1;           \
					break;                       \
				}                                    \
				if (__ret == 0)                      \
					break;                       \
				if (signal_pending_state(state)) {   \
					__ret = -ERESTARTSYS;        \
					break;                       \
				}                                    \
				__ret = schedule_timeout(__ret);     \
			}                                            \
			wait_finish(q, &__e);                        \
		}                                                    \
		__ret;                                               \
	})
#define wait_event(q, cond)		((void)__wait_event(q, cond, T_UNINTERRUPTIBLE, false, KTIME_MAX))
#define wait_event_timeout(q, cond, ns) __wait_event(q, cond, T_UNINTERRUPTIBLE, false, ns)
#define wait_event_interruptible(q, cond)                                            \
	({                                                                           \
		s64 __wr = __wait_event(q, cond, T_INTERRUPTIBLE, false, KTIME_MAX); \
		__wr < 0 ? (int)__wr : 0;                                            \
	})
#define wait_event_interruptible_exclusive(q, cond)                                 \
	({                                                                          \
		s64 __wr = __wait_event(q, cond, T_INTERRUPTIBLE, true, KTIME_MAX); \
		__wr < 0 ? (int)__wr : 0;                                           \
	})
#define wait_event_killable(q, cond)                                            \
	({                                                                      \
		s64 __wr = __wait_event(q, cond, T_KILLABLE, false, KTIME_MAX); \
		__wr < 0 ? (int)__wr : 0;                                       \
	})
#define wait_event_interruptible_timeout(q, cond, ns) \
	__wait_event(q, cond, T_INTERRUPTIBLE, false, ns)

#include <sched/thread.h>
