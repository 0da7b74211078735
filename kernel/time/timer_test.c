/* Tests of timers and sleeping, in the booted kernel. */
#include "time_priv.h"
#include <init/ktest.h>
#include <sched/lock.h>
#include <sched/thread.h>
#include <sync/spinlock.h>

#define ORDERED 32

struct ordered {
	struct timer timer;
	unsigned index;
};
static struct {
	spinlock_t lock;
	unsigned seen[ORDERED], n; /* [lock] */
	struct completion all;
} order;

static void note(struct timer *t)
{
	struct ordered *o = container_of(t, struct ordered, timer);
	spin_lock(&order.lock);
	order.seen[order.n++] = o->index;
	bool last = order.n == ORDERED;
	spin_unlock(&order.lock);
	if (last)
		complete(&order.all);
}

KTEST(timer, fires_in_order)
{
	static struct ordered o[ORDERED];
	spin_init(&order.lock);
	completion_init(&order.all);
	order.n = 0;
	ktime_t base = ktime_get() + 2 * NSEC_PER_MSEC;
	/* All on one CPU, started in a scrambled order. */
	preempt_disable();
	for (unsigned i = 0; i < ORDERED; i++) {
		unsigned k = i * 13 % ORDERED;
		o[k].index = k;
		timer_init(&o[k].timer, note);
		timer_start(&o[k].timer, base + k * 50 * NSEC_PER_USEC);
	}
	preempt_enable();
	CHECK(wait_for_completion_timeout(&order.all, 20 * NSEC_PER_SEC) > 0);
	bool sorted = true;
	for (unsigned i = 0; i < ORDERED; i++)
		sorted &= order.seen[i] == i;
	CHECK(sorted);
}

static u32 fired; /* [a] */
static void count_fired(struct timer *t)
{
	__atomic_fetch_add(&fired, 1, __ATOMIC_SEQ_CST);
}

static void wait_fired(u32 n)
{
	for (unsigned i = 0; i < 5000 && READ_ONCE(fired) < n; i++)
		sleep_ns(NSEC_PER_MSEC);
}

KTEST(timer, cancel_and_restart)
{
	struct timer t;
	timer_init(&t, count_fired);
	fired = 0;
	CHECK(!timer_cancel(&t));
	timer_start(&t, ktime_get() + 100 * NSEC_PER_SEC);
	CHECK(timer_pending(&t));
	CHECK_EQ(timer_try_cancel(&t), 1);
	CHECK_EQ(timer_try_cancel(&t), 0);
	timer_start(&t, ktime_get() + 100 * NSEC_PER_SEC);
	timer_start(&t, ktime_get() + NSEC_PER_MSEC);
	wait_fired(1);
	CHECK_EQ(fired, 1);
	CHECK(!timer_pending(&t));
	timer_start(&t, ktime_get() - 1);
	wait_fired(2);
	CHECK_EQ(fired, 2);
	CHECK(!timer_cancel(&t));
}

static struct timer periodic;
static void again(struct timer *t)
{
	if (__atomic_add_fetch(&fired, 1, __ATOMIC_SEQ_CST) < 10)
		timer_start(t, t->expires + NSEC_PER_MSEC);
}

KTEST(timer, restarts_itself)
{
	fired = 0;
	timer_init(&periodic, again);
	timer_start(&periodic, ktime_get() + NSEC_PER_MSEC);
	wait_fired(10);
	CHECK_EQ(fired, 10);
	timer_cancel(&periodic);
}

KTEST(timer, sleep_is_long_enough)
{
	static const s64 lengths[] = {1000, 100 * 1000, NSEC_PER_MSEC, 7 * NSEC_PER_MSEC};
	for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
		ktime_t start = ktime_get();
		sleep_ns(lengths[i]);
		s64 took = ktime_get() - start;
		CHECK(took >= lengths[i]);
		/* Generous: the host may have other things to do. */
		CHECK(took < lengths[i] + 200 * NSEC_PER_MSEC);
	}
}

KTEST(timer, millisecond_is_about_that)
{
	s64 best = INT64_MAX;
	for (unsigned i = 0; i < 20; i++) {
		ktime_t start = ktime_get();
		sleep_ns(NSEC_PER_MSEC);
		s64 took = ktime_get() - start;
		CHECK(took >= NSEC_PER_MSEC);
		best = min(best, took);
	}
	CHECK(best < 2 * NSEC_PER_MSEC);
}

KTEST(time, conversions)
{
	struct timespec ts = {5, 999999999};
	CHECK_EQ(timespec_to_ktime(&ts), 5999999999);
	ts = ktime_to_timespec(-1);
	CHECK(ts.tv_sec == -1 && ts.tv_nsec == 999999999);
	ts = (struct timespec){1, NSEC_PER_SEC};
	CHECK(timespec_to_ktime(&ts) < 0);
	ts = (struct timespec){-1, 0};
	CHECK(timespec_to_ktime(&ts) < 0);
	ts = (struct timespec){INT64_MAX, 0};
	CHECK_EQ(timespec_to_ktime(&ts), KTIME_MAX);
	struct timeval tv = {2, 500000};
	CHECK_EQ(timeval_to_ktime(&tv), 2500000000);
}

KTEST(time, wall_clock_is_set_and_kept)
{
	ktime_t mono = ktime_get(), real = ktime_get_real();
	u32 seq = clock_set_seq();
	CHECK_EQ(ktime_set_real(real + 1000 * NSEC_PER_SEC), 0);
	CHECK(clock_set_seq() != seq);
	ktime_t moved = ktime_get_real() - real;
	CHECK(moved >= 1000 * NSEC_PER_SEC && moved < 1010 * NSEC_PER_SEC);
	CHECK(ktime_get() >= mono && ktime_get() - mono < 10 * NSEC_PER_SEC);
	CHECK_EQ(ktime_set_real(ktime_get_real() - 1000 * NSEC_PER_SEC), 0);
	CHECK_EQ(ktime_set_real(-1), -EINVAL);
}

KTEST(time, monotonic_never_steps_back)
{
	ktime_t last = ktime_get();
	bool ok = true;
	for (unsigned i = 0; i < 20000; i++) {
		ktime_t now = ktime_get();
		ok &= now >= last;
		last = now;
	}
	CHECK(ok);
}
