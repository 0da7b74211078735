/* High-resolution timers and clocks. Times are nanoseconds (ktime). */
#pragma once
#include <lib/rbtree.h>
#include <lib/types.h>
#include <lib/compiler.h>
#include <uapi/time.h>

typedef s64 ktime_t;
#define NSEC_PER_SEC  1000000000l
#define NSEC_PER_MSEC 1000000l
#define NSEC_PER_USEC 1000l
#define KTIME_MAX     INT64_MAX
/* Clock ticks of the ABI (times, /proc/stat). */
#define USER_HZ 100

/* Monotonic since boot / wall clock / monotonic including suspend. Any context. */
ktime_t ktime_get(void);
ktime_t ktime_get_real(void);
ktime_t ktime_get_boottime(void);
/* Set the wall clock. */
int ktime_set_real(ktime_t t);
/* Wall-clock seconds and timespec helpers. */
struct timespec ktime_to_timespec(ktime_t t);
/* KTIME_MAX on overflow; negative when ts is invalid (tv_nsec out of range or negative seconds). */
ktime_t timespec_to_ktime(const struct timespec *ts);

/* a + b for times that are not negative: KTIME_MAX (never) where the sum does not fit. */
static inline ktime_t ktime_add(ktime_t a, ktime_t b)
{
	ktime_t sum;

	return __builtin_add_overflow(a, b, &sum) ? KTIME_MAX : sum;
}

/* A one-shot timer. fn runs in hard-IRQ context on the CPU that started it and may restart it; once fn
 * returned the timer is not touched any more (fn may hand it to whoever frees it). */
struct timer {
	struct rb_node node;
	ktime_t expires; /* [base lock] absolute, CLOCK_MONOTONIC */
	void (*fn)(struct timer *t);
	struct timer_base *base; /* [a] where it is or was last queued */
	u8 queued;		 /* [base lock] */
};
void timer_init(struct timer *t, void (*fn)(struct timer *t));
/* (Re)arm for an absolute monotonic time on this CPU. Any context. */
void timer_start(struct timer *t, ktime_t expires);
/* Disarm: true if it was pending. timer_cancel waits for a running fn (not from fn itself, nor with
 * a lock that fn takes); timer_try_cancel returns -1 when fn is running. */
bool timer_cancel(struct timer *t);
int timer_try_cancel(struct timer *t);
static inline bool timer_pending(const struct timer *t)
{
	return READ_ONCE(t->queued);
}
void time_init(void);
