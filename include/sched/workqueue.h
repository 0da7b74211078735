/* Work queues: functions run later in kernel threads, one worker pool per CPU that grows while workers
 * sleep. */
#pragma once
#include <arch/atomic.h>
#include <lib/list.h>
#include <time/timer.h>

struct work {
	struct list list;
	void (*fn)(struct work *w);
	u8 pending;		  /* [a] queued or about to be */
	struct worker_pool *pool; /* [a] where it was queued last */
};
struct delayed_work {
	struct work work;
	struct timer timer;
};
void work_init(struct work *w, void (*fn)(struct work *w));
/* false: already pending. Any context. A work never runs twice at the same time. */
bool work_queue(struct work *w);
/* The same on a given online CPU. */
bool work_queue_on(unsigned cpu, struct work *w);
void delayed_work_init(struct delayed_work *d, void (*fn)(struct work *w));
bool delayed_work_queue(struct delayed_work *d, s64 delay_ns);
/* Wait until w is neither pending nor running. May sleep. */
void work_flush(struct work *w);
/* Disarm and unqueue: true if it was waiting. It may still be running. */
bool delayed_work_cancel(struct delayed_work *d);
/* The same, and wait until it does not run: must not requeue itself meanwhile. May sleep. */
bool work_cancel_sync(struct work *w);
bool delayed_work_cancel_sync(struct delayed_work *d);
