/* Work queues: functions run later in kernel threads, one worker pool per CPU that grows while workers
 * sleep. */
#pragma once
#include <lib/list.h>
#include <time/timer.h>

struct work {
	struct list list;
	void (*fn)(struct work *w);
	u8 pending;
	u8 cpu_plus1;
};
struct delayed_work {
	struct work work;
	struct timer timer;
};
void work_init(struct work *w, void (*fn)(struct work *w));
/* false: already pending. Any context. */
bool work_queue(struct work *w);
void delayed_work_init(struct delayed_work *d, void (*fn)(struct work *w));
bool delayed_work_queue(struct delayed_work *d, s64 delay_ns);
/* Wait until w is neither pending nor running. May sleep. */
void work_flush(struct work *w);
bool delayed_work_cancel(struct delayed_work *d);
