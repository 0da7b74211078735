/* Tests of sleeping locks, completions, work queues and asynchronous tasks, in the booted kernel. */
#include "sched_priv.h"
#include <alloc/slab.h>
#include <init/ktest.h>
#include <sched/async.h>
#include <sched/lock.h>
#include <sched/workqueue.h>

#define LOCKERS 8
#define ROUNDS	300

static DEFINE_MUTEX(test_mutex);
static u64 guarded; /* [test_mutex] */

static int locker(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		mutex_lock(&test_mutex);
		u64 v = READ_ONCE(guarded);
		if (i % 16 == 0)
			yield();
		if (i % 100 == 0)
			sleep_ns(10000);
		WRITE_ONCE(guarded, v + 1);
		mutex_unlock(&test_mutex);
	}
	return 0;
}

static void check_mutex_trylock(void) __no_lock_check
{
	REQUIRE(mutex_trylock(&test_mutex));
	CHECK(mutex_is_locked(&test_mutex));
	mutex_unlock(&test_mutex);
}

KTEST(mutex, excludes)
{
	struct join_handle h[LOCKERS];
	guarded = 0;
	for (int i = 0; i < LOCKERS; i++)
		REQUIRE(thread_spawn(&h[i], locker, NULL, "locker%d", i) == 0);
	for (int i = 0; i < LOCKERS; i++)
		thread_join(&h[i]);
	CHECK_EQ(guarded, LOCKERS * ROUNDS);
	CHECK(!mutex_is_locked(&test_mutex));
	CHECK_EQ(atomic_read(&test_mutex.owner), 0);
	check_mutex_trylock();
}

static DEFINE_RWSEM(test_sem);
static s64 sem_readers;
static bool sem_bad;
static u64 sem_value; /* [test_sem] */

static int sem_user(void *arg) __no_lock_check
{
	for (int i = 0; i < ROUNDS; i++) {
		if ((i + (int)(uintptr_t)arg) % 4 == 0) {
			down_write(&test_sem);
			if (__atomic_load_n(&sem_readers, __ATOMIC_SEQ_CST))
				sem_bad = true;
			u64 v = READ_ONCE(sem_value);
			if (i % 8 == 0)
				yield();
			WRITE_ONCE(sem_value, v + 1);
			if (i % 3 == 0) {
				downgrade_write(&test_sem);
				up_read(&test_sem);
			} else {
				up_write(&test_sem);
			}
		} else {
			down_read(&test_sem);
			__atomic_fetch_add(&sem_readers, 1, __ATOMIC_SEQ_CST);
			if (i % 8 == 0)
				yield();
			__atomic_fetch_sub(&sem_readers, 1, __ATOMIC_SEQ_CST);
			up_read(&test_sem);
		}
	}
	return 0;
}

static void check_rwsem_trylock(void) __no_lock_check
{
	REQUIRE(down_read_trylock(&test_sem));
	CHECK(!down_write_trylock(&test_sem));
	REQUIRE(down_read_trylock(&test_sem));
	up_read(&test_sem);
	up_read(&test_sem);
	REQUIRE(down_write_trylock(&test_sem));
	CHECK(!down_read_trylock(&test_sem));
	up_write(&test_sem);
}

KTEST(rwsem, excludes_writers)
{
	struct join_handle h[LOCKERS];
	sem_bad = false;
	sem_value = 0;
	for (int i = 0; i < LOCKERS; i++)
		REQUIRE(thread_spawn(&h[i], sem_user, (void *)(uintptr_t)i, "rwsem%d", i) == 0);
	for (int i = 0; i < LOCKERS; i++)
		thread_join(&h[i]);
	CHECK(!sem_bad);
	CHECK_EQ(sem_value, LOCKERS * ROUNDS / 4);
	CHECK_EQ(atomic_read(&test_sem.count), 0);
	check_rwsem_trylock();
}

static struct completion comp;

static int completer(void *arg)
{
	sleep_ns(NSEC_PER_MSEC);
	complete(&comp);
	return 0;
}

KTEST(completion, waits_counts_and_times_out)
{
	struct join_handle h;
	completion_init(&comp);
	CHECK_EQ(wait_for_completion_timeout(&comp, 2 * NSEC_PER_MSEC), 0);
	REQUIRE(thread_spawn(&h, completer, NULL, "completer") == 0);
	wait_for_completion(&comp);
	thread_join(&h);
	complete(&comp);
	complete(&comp);
	wait_for_completion(&comp);
	CHECK(wait_for_completion_timeout(&comp, NSEC_PER_SEC) > 0);
	CHECK_EQ(wait_for_completion_timeout(&comp, NSEC_PER_MSEC), 0);
	complete_all(&comp);
	wait_for_completion(&comp);
	wait_for_completion(&comp);
}

/* Until *count is at least n, or for seconds in vain: how fast a machine is, is no matter of these tests. */
static void wait_for_count(const u32 *count, u32 n)
{
	for (unsigned i = 0; i < 5000 && READ_ONCE(*count) < n; i++)
		sleep_ns(NSEC_PER_MSEC);
}

static struct wait_queue test_wq;
static u32 waiting, woken; /* [a] */

static int exclusive_waiter(void *arg)
{
	struct wait_entry e;
	wait_entry_init(&e, wait_autoremove_wake);
	e.exclusive = true;
	wait_prepare(&test_wq, &e, T_INTERRUPTIBLE);
	__atomic_fetch_add(&waiting, 1, __ATOMIC_SEQ_CST);
	schedule();
	wait_finish(&test_wq, &e);
	__atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST);
	return 0;
}

KTEST(wait, exclusive_wakes_one)
{
	struct join_handle h[3];
	wait_queue_init(&test_wq);
	waiting = woken = 0;
	for (int i = 0; i < 3; i++)
		REQUIRE(thread_spawn(&h[i], exclusive_waiter, NULL, "excl%d", i) == 0);
	wait_for_count(&waiting, 3);
	for (u32 i = 1; i <= 3; i++) {
		wake_up(&test_wq);
		wait_for_count(&woken, i);
		sleep_ns(NSEC_PER_MSEC);
		CHECK_EQ(READ_ONCE(woken), i);
	}
	for (int i = 0; i < 3; i++)
		thread_join(&h[i]);
	CHECK_EQ(wait_event_interruptible_timeout(&test_wq, false, NSEC_PER_MSEC), 0);
	CHECK(wait_event_timeout(&test_wq, true, 5) > 0);
}

#define WORKS 16
static u32 works_done; /* [a] */

static void sleepy_work(struct work *w)
{
	sleep_ns(5 * NSEC_PER_MSEC);
	__atomic_fetch_add(&works_done, 1, __ATOMIC_SEQ_CST);
}

/* Works that sleep do not wait for each other. */
KTEST(workqueue, sleepers_overlap)
{
	static struct work w[WORKS];
	works_done = 0;
	for (int i = 0; i < WORKS; i++) {
		work_init(&w[i], sleepy_work);
		CHECK(work_queue_on(0, &w[i]));
	}
	for (int i = 0; i < WORKS; i++)
		work_flush(&w[i]);
	CHECK_EQ(works_done, WORKS);
}

static u32 concurrent, most; /* [a] */

static void lone_work(struct work *w)
{
	u32 n = __atomic_add_fetch(&concurrent, 1, __ATOMIC_SEQ_CST);
	if (n > most)
		most = n;
	sleep_ns(NSEC_PER_MSEC);
	__atomic_fetch_sub(&concurrent, 1, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&works_done, 1, __ATOMIC_SEQ_CST);
}

KTEST(workqueue, never_twice_at_a_time)
{
	static struct work w;
	works_done = concurrent = most = 0;
	work_init(&w, lone_work);
	for (unsigned i = 0; i < 20 || (i < 10000 && READ_ONCE(works_done) < 2); i++) {
		work_queue_on(i % nr_cpus_online, &w);
		sleep_ns(300 * NSEC_PER_USEC);
	}
	work_flush(&w);
	CHECK_EQ(most, 1);
	CHECK(works_done >= 2);
	CHECK(!work_cancel_sync(&w));
}

static void count_work(struct work *w)
{
	__atomic_fetch_add(&works_done, 1, __ATOMIC_SEQ_CST);
}

KTEST(workqueue, delayed)
{
	static struct delayed_work d;
	works_done = 0;
	delayed_work_init(&d, count_work);
	CHECK(delayed_work_queue(&d, 3 * NSEC_PER_MSEC));
	CHECK(!delayed_work_queue(&d, 3 * NSEC_PER_MSEC));
	CHECK_EQ(READ_ONCE(works_done), 0);
	wait_for_count(&works_done, 1);
	CHECK_EQ(READ_ONCE(works_done), 1);
	CHECK(delayed_work_queue(&d, 100 * NSEC_PER_SEC));
	CHECK(delayed_work_cancel_sync(&d));
	CHECK_EQ(READ_ONCE(works_done), 1);
}

struct counter_task {
	struct async_task task;
	struct async_timer timer;
	struct completion done;
	int ticks;
};

static enum async_status tick_poll(struct async_task *t)
{
	struct counter_task *c = container_of(t, struct counter_task, task);
	ASYNC_BEGIN(t);
	while (c->ticks < 5) {
		async_timer_set(&c->timer, t, ktime_get() + NSEC_PER_MSEC);
		ASYNC_AWAIT(t, async_timer_fired(&c->timer) || async_cancelled(t));
		if (async_cancelled(t))
			break;
		c->ticks++;
	}
	async_timer_stop(&c->timer);
	ASYNC_END(t);
}

static void tick_done(struct async_task *t)
{
	complete(&container_of(t, struct counter_task, task)->done);
}

KTEST(async, timers_wake_tasks)
{
	static struct counter_task c[8];
	for (int i = 0; i < 8; i++) {
		async_init(&c[i].task, tick_poll, tick_done);
		async_timer_init(&c[i].timer);
		completion_init(&c[i].done);
		c[i].ticks = 0;
		async_spawn_on((unsigned)i % nr_cpus_online, &c[i].task);
	}
	for (int i = 0; i < 8; i++) {
		CHECK(wait_for_completion_timeout(&c[i].done, 20 * NSEC_PER_SEC) > 0);
		CHECK_EQ(c[i].ticks, 5);
	}
	async_init(&c[0].task, tick_poll, tick_done);
	c[0].ticks = -1000;
	async_spawn(&c[0].task);
	sleep_ns(NSEC_PER_MSEC);
	async_cancel(&c[0].task);
	CHECK(wait_for_completion_timeout(&c[0].done, 20 * NSEC_PER_SEC) > 0);
	CHECK(c[0].ticks < 0);
}

struct chan_task {
	struct async_task task;
	struct async_event *event;
	u32 *flag;
	struct completion done;
};

static enum async_status chan_poll(struct async_task *t)
{
	struct chan_task *c = container_of(t, struct chan_task, task);
	ASYNC_BEGIN(t);
	ASYNC_AWAIT(t, async_listen(c->event, t) && READ_ONCE(*c->flag));
	async_unlisten(c->event, t);
	ASYNC_END(t);
}

static void chan_done(struct async_task *t)
{
	complete(&container_of(t, struct chan_task, task)->done);
}

KTEST(async, events_wake_all_listeners)
{
	static struct chan_task c[4];
	static struct async_event ev;
	static u32 flag;
	flag = 0;
	async_event_init(&ev);
	for (int i = 0; i < 4; i++) {
		async_init(&c[i].task, chan_poll, chan_done);
		c[i].event = &ev;
		c[i].flag = &flag;
		completion_init(&c[i].done);
		async_spawn(&c[i].task);
	}
	sleep_ns(2 * NSEC_PER_MSEC);
	async_notify(&ev); /* for nothing: they look and wait on */
	sleep_ns(2 * NSEC_PER_MSEC);
	WRITE_ONCE(flag, 1);
	async_notify(&ev);
	for (int i = 0; i < 4; i++)
		CHECK(wait_for_completion_timeout(&c[i].done, 20 * NSEC_PER_SEC) > 0);
}
