/* Asynchronous tasks: small stackless state machines, polled by a per-CPU executor whenever somebody
 * wakes them. A task costs its own struct and no stack; thousands may wait at once. Users: io_uring,
 * device enumeration, driver time-outs.
 *
 *	struct probe { struct async_task task; struct async_timer timer; int tries; };
 *	static enum async_status probe_poll(struct async_task *t)
 *	{
 *		struct probe *p = container_of(t, struct probe, task);
 *		ASYNC_BEGIN(t);
 *		for (p->tries = 0; p->tries < 3; p->tries++) {
 *			send_request(p);
 *			async_timer_set(&p->timer, t, ktime_get() + 10 * NSEC_PER_MSEC);
 *			ASYNC_AWAIT(t, answered(p) || async_timer_fired(&p->timer));
 *		}
 *		ASYNC_END(t);
 *	}
 *
 * Locals do not survive an ASYNC_AWAIT: state lives in the task's struct. A poll function runs in a
 * worker thread with preemption on, never twice at a time, and must not sleep. */
#pragma once
#include <arch/atomic.h>
#include <lib/list.h>
#include <sync/spinlock.h>
#include <time/timer.h>

enum async_status { ASYNC_PENDING, ASYNC_DONE };

struct async_task {
	enum async_status (*poll)(struct async_task *t);
	void (*done)(struct async_task *t); /* last call, may free t; NULL allowed */
	u32 line;			    /* [poll] where to go on */
	u32 state;			    /* [a] see async.c */
	u32 cpu;			    /* [I] executor, chosen at spawn */
	bool cancelled;			    /* [a] */
	struct list run;		    /* [executor lock] */
	struct list waiting;		    /* [event lock] */
};

#define ASYNC_BEGIN(t)       \
	switch ((t)->line) { \
	case 0:
#define ASYNC_AWAIT(t, cond)                  \
	do {                                  \
		(t)->line = __LINE__;         \
		__fallthrough;                \
	case __LINE__:                        \
		if (!(cond))                  \
			return ASYNC_PENDING; \
	} while (0)
#define ASYNC_END(t) \
	}            \
	return ASYNC_DONE

void async_init(struct async_task *t, enum async_status (*poll)(struct async_task *t),
		void (*done)(struct async_task *t));
/* Poll it for the first time soon, on this CPU's executor (async_spawn_on: that CPU's). */
void async_spawn(struct async_task *t);
void async_spawn_on(unsigned cpu, struct async_task *t);
/* Have it polled again. Any context; cheap when it is queued already. The task must not be done. */
void async_wake(struct async_task *t);
/* Ask it to end: it is polled once more, sees async_cancelled() and returns ASYNC_DONE when it can. */
void async_cancel(struct async_task *t);
static inline bool async_cancelled(const struct async_task *t)
{
	return READ_ONCE(t->cancelled);
}

/* A timer that wakes a task. Before the task ends, async_timer_stop(). */
struct async_timer {
	struct timer timer;
	struct async_task *task;
	bool fired; /* [a] */
};
void async_timer_init(struct async_timer *at);
void async_timer_set(struct async_timer *at, struct async_task *t, ktime_t expires);
void async_timer_stop(struct async_timer *at);
static inline bool async_timer_fired(const struct async_timer *at)
{
	return smp_load_acquire(&at->fired);
}

/* An event that tasks wait for. In a poll: register, then test the condition, else return pending:
 *	ASYNC_AWAIT(t, async_listen(&ev, t) && ready(x));
 * A registration ends with the next async_notify; one that is no longer wanted by async_unlisten. */
struct async_event {
	spinlock_t lock;
	struct list tasks; /* [lock] */
};
void async_event_init(struct async_event *e);
bool async_listen(struct async_event *e, struct async_task *t); /* true */
void async_unlisten(struct async_event *e, struct async_task *t);
void async_notify(struct async_event *e); /* any context */
