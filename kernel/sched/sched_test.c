/* Tests of threads, run queues and classes, in the booted kernel. */
#include "sched_priv.h"
#include <alloc/slab.h>
#include <init/ktest.h>
#include <lib/string.h>
#include <sched/lock.h>
#include <sync/rcu.h>

static int return_arg(void *arg)
{
	return (int)(uintptr_t)arg;
}

KTEST(sched, join_gives_the_result)
{
	for (int i = 0; i < 50; i++) {
		struct join_handle h;
		REQUIRE(thread_spawn(&h, return_arg, (void *)(uintptr_t)i, "ret%d", i) == 0);
		CHECK_EQ(thread_join(&h), i);
	}
}

static int sleep_then(void *arg)
{
	sleep_ns(2 * NSEC_PER_MSEC);
	__atomic_fetch_add((u32 *)arg, 1, __ATOMIC_SEQ_CST);
	return 7;
}

KTEST(sched, join_waits_and_detached_are_reaped)
{
	static u32 n;
	struct join_handle h;
	n = 0;
	REQUIRE(thread_spawn(&h, sleep_then, &n, "joined") == 0);
	CHECK_EQ(thread_join(&h), 7);
	CHECK_EQ(READ_ONCE(n), 1);
	unsigned before = thread_count();
	for (int i = 0; i < 10; i++) {
		REQUIRE(thread_spawn(&h, sleep_then, &n, "detached") == 0);
		thread_detach(&h);
	}
	for (int i = 0; i < 200 && (READ_ONCE(n) < 11 || thread_count() > before); i++)
		sleep_ns(NSEC_PER_MSEC);
	CHECK_EQ(READ_ONCE(n), 11);
	CHECK(thread_count() <= before);
}

/* Two threads hand a ball to and fro through wait queues. */
struct pong {
	struct wait_queue wq;
	u32 turn; /* [a] */
	unsigned rounds;
};

struct player {
	struct pong *p;
	u32 me;
};

static int play(void *arg)
{
	struct player *pl = arg;
	struct pong *p = pl->p;
	for (unsigned i = 0; i < p->rounds; i++) {
		wait_event(&p->wq, smp_load_acquire(&p->turn) == pl->me);
		smp_store_release(&p->turn, 1 - pl->me);
		wake_up_all(&p->wq);
	}
	return (int)p->rounds;
}

static void ping_pong(unsigned pairs, unsigned rounds, bool pinned)
{
	struct pong *p = kcalloc(pairs, sizeof(*p), GFP_KERNEL);
	struct player *pl = kcalloc(pairs * 2, sizeof(*pl), GFP_KERNEL);
	struct join_handle *h = kcalloc(pairs * 2, sizeof(*h), GFP_KERNEL);
	REQUIRE(p && pl && h);
	for (unsigned i = 0; i < pairs * 2; i++) {
		struct pong *q = &p[i / 2];
		pl[i] = (struct player){q, i & 1};
		if (!(i & 1)) {
			wait_queue_init(&q->wq);
			q->rounds = rounds;
		}
		REQUIRE(thread_spawn(&h[i], play, &pl[i], "pong%u", i) == 0);
		if (pinned) {
			unsigned long mask[16] = {0};
			bit_set(mask, (i & 1 ? i : 0) % min(nr_cpus_online, 1024u));
			CHECK_EQ(thread_set_affinity(h[i].thread, mask), 0);
		}
	}
	for (unsigned i = 0; i < pairs * 2; i++)
		CHECK_EQ(thread_join(&h[i]), rounds);
	kfree(p);
	kfree(pl);
	kfree(h);
}

KTEST(sched, ping_pong)
{
	ping_pong(1, 500, false);
}

KTEST(sched, ping_pong_many)
{
	ping_pong(20, 50, false);
}

KTEST(sched, ping_pong_across_cpus)
{
	if (nr_cpus_online < 2) {
		ktest_skip("one CPU");
		return;
	}
	ping_pong(4, 100, true);
}

struct burner {
	ktime_t end;
	struct completion *go;
};

static int burn(void *arg)
{
	struct burner *b = arg;
	wait_for_completion(b->go);
	while (ktime_get() < b->end)
		cpu_relax();
	u64 u, s;
	thread_times(current, &u, &s);
	return (int)((u + s) / 1000);
}

/* Threads of nice 0 and 5 on one CPU: shares as 1024 to 335. */
KTEST(sched, shares_follow_weights)
{
	struct join_handle h[3];
	struct completion go;
	struct burner b = {.go = &go};
	unsigned long *mask = kzalloc(cpumask_bytes(), GFP_KERNEL);
	REQUIRE(mask);
	bit_set(mask, nr_cpus_online - 1);
	completion_init(&go);
	for (unsigned i = 0; i < 3; i++) {
		REQUIRE(thread_spawn(&h[i], burn, &b, "burn%u", i) == 0);
		CHECK_EQ(thread_set_affinity(h[i].thread, mask), 0);
		CHECK_EQ(sched_set_nice(h[i].thread, i == 2 ? 5 : 0), 0);
	}
	b.end = ktime_get() + 600 * NSEC_PER_MSEC;
	complete_all(&go);
	s64 us[3]; /* CPU time, so a busy host does not matter but for the last slice */
	for (unsigned i = 0; i < 3; i++)
		us[i] = thread_join(&h[i]);
	kfree(mask);
	s64 sum = us[0] + us[1] + us[2];
	CHECK(sum > 100 * 1000);
	/* Shares of 43%, 43% and 14%, within a few slices. */
	CHECK(us[0] * 100 > sum * 34 && us[0] * 100 < sum * 52);
	CHECK(us[1] * 100 > sum * 34 && us[1] * 100 < sum * 52);
	CHECK(us[2] * 100 > sum * 7 && us[2] * 100 < sum * 21);
}

static u32 rt_order[3], rt_n;
static struct completion rt_go;

static int rt_run(void *arg)
{
	wait_for_completion(&rt_go);
	rt_order[__atomic_fetch_add(&rt_n, 1, __ATOMIC_SEQ_CST)] = (u32)(uintptr_t)arg;
	return 0;
}

KTEST(sched, real_time_goes_first)
{
	struct join_handle h[3];
	unsigned long *mask = kzalloc(cpumask_bytes(), GFP_KERNEL), *old;
	old = kzalloc(cpumask_bytes(), GFP_KERNEL);
	REQUIRE(mask && old);
	sched_get_affinity(current, old);
	bit_set(mask, 0);
	CHECK_EQ(thread_set_affinity(current, mask), 0);
	CHECK_EQ(cpu_id(), 0);
	completion_init(&rt_go);
	rt_n = 0;
	for (unsigned i = 0; i < 3; i++) {
		REQUIRE(thread_spawn(&h[i], rt_run, (void *)(uintptr_t)i, "rt%u", i) == 0);
		CHECK_EQ(thread_set_affinity(h[i].thread, mask), 0);
	}
	CHECK_EQ(sched_set_policy(h[1].thread, SCHED_FIFO, 10, 0), 0);
	CHECK_EQ(sched_set_policy(h[2].thread, SCHED_RR, 20, 0), 0);
	CHECK_EQ(sched_set_policy(h[0].thread, SCHED_FIFO, 0, 0), -EINVAL);
	CHECK_EQ(sched_set_policy(h[0].thread, 77, 0, 0), -EINVAL);
	sleep_ns(3 * NSEC_PER_MSEC); /* all wait */
	preempt_disable();
	complete_all(&rt_go);
	preempt_enable();
	for (unsigned i = 0; i < 3; i++)
		thread_join(&h[i]);
	CHECK_EQ(rt_order[0], 2);
	CHECK_EQ(rt_order[1], 1);
	CHECK_EQ(rt_order[2], 0);
	CHECK_EQ(thread_set_affinity(current, old), 0);
	kfree(mask);
	kfree(old);
}

KTEST(sched, affinity_moves_a_thread)
{
	unsigned long *mask = kzalloc(cpumask_bytes(), GFP_KERNEL), *old;
	old = kzalloc(cpumask_bytes(), GFP_KERNEL);
	REQUIRE(mask && old);
	sched_get_affinity(current, old);
	CHECK_EQ(thread_set_affinity(current, mask), -EINVAL);
	for (unsigned c = 0; c < nr_cpus_online; c++) {
		memset(mask, 0, cpumask_bytes());
		bit_set(mask, c);
		CHECK_EQ(thread_set_affinity(current, mask), 0);
		CHECK_EQ(cpu_id(), c);
		sleep_ns(1000);
		CHECK_EQ(cpu_id(), c);
	}
	CHECK_EQ(thread_set_affinity(current, old), 0);
	kfree(mask);
	kfree(old);
}

static u32 cpus_used[4096 / 32], spin_stop;

static unsigned count_used(void)
{
	unsigned used = 0;
	for (unsigned c = 0; c < nr_cpus_online; c++)
		used += READ_ONCE(cpus_used[c / 32]) >> c % 32 & 1;
	return used;
}

static int spin_a_while(void *arg)
{
	while (!READ_ONCE(spin_stop)) {
		unsigned c = cpu_id();
		__atomic_fetch_or(&cpus_used[c / 32], 1u << c % 32, __ATOMIC_RELAXED);
		cpu_relax();
	}
	return 0;
}

KTEST(sched, work_spreads_over_cpus)
{
	unsigned n = min(nr_cpus_online, 8u);
	struct join_handle h[16];
	memset(cpus_used, 0, sizeof(cpus_used));
	spin_stop = 0;
	for (unsigned i = 0; i < 2 * n; i++)
		REQUIRE(thread_spawn(&h[i], spin_a_while, NULL, "spin%u", i) == 0);
	/* At once on a quiet host; a busy one may take its time to run all CPUs. */
	for (int i = 0; i < 500 && count_used() < n; i++)
		sleep_ns(5 * NSEC_PER_MSEC);
	WRITE_ONCE(spin_stop, 1);
	for (unsigned i = 0; i < 2 * n; i++)
		thread_join(&h[i]);
	CHECK(count_used() >= n);
}

static u32 stop_yielding;
static u64 yields[2];

static int yielder(void *arg)
{
	u64 *n = arg;
	while (!READ_ONCE(stop_yielding)) {
		yield();
		++*n;
	}
	return 0;
}

KTEST(sched, yield_lets_others_run)
{
	struct join_handle h[2];
	unsigned long *mask = kzalloc(cpumask_bytes(), GFP_KERNEL);
	REQUIRE(mask);
	bit_set(mask, nr_cpus_online - 1);
	stop_yielding = 0;
	yields[0] = yields[1] = 0;
	for (unsigned i = 0; i < 2; i++) {
		REQUIRE(thread_spawn(&h[i], yielder, &yields[i], "yield%u", i) == 0);
		CHECK_EQ(thread_set_affinity(h[i].thread, mask), 0);
	}
	for (int i = 0; i < 500 && (READ_ONCE(yields[0]) < 20 || READ_ONCE(yields[1]) < 20); i++)
		sleep_ns(5 * NSEC_PER_MSEC);
	WRITE_ONCE(stop_yielding, 1);
	thread_join(&h[0]);
	thread_join(&h[1]);
	kfree(mask);
	CHECK(yields[0] > 10 && yields[1] > 10);
}

static int kernel_spin(void *arg)
{
	while (!READ_ONCE(*(u32 *)arg))
		cpu_relax();
	return 0;
}

/* A thread in an endless kernel loop does not keep another from running on its CPU. */
KTEST(sched, kernel_is_preemptible)
{
	static u32 stop;
	struct join_handle h;
	unsigned long *mask = kzalloc(cpumask_bytes(), GFP_KERNEL), *old;
	old = kzalloc(cpumask_bytes(), GFP_KERNEL);
	REQUIRE(mask && old);
	sched_get_affinity(current, old);
	stop = 0;
	bit_set(mask, 0);
	CHECK_EQ(thread_set_affinity(current, mask), 0);
	REQUIRE(thread_spawn(&h, kernel_spin, &stop, "kspin") == 0);
	CHECK_EQ(thread_set_affinity(h.thread, mask), 0);
	for (int i = 0; i < 5; i++) {
		ktime_t start = ktime_get();
		sleep_ns(NSEC_PER_MSEC);
		CHECK(ktime_get() - start < 100 * NSEC_PER_MSEC);
	}
	WRITE_ONCE(stop, 1);
	thread_join(&h);
	CHECK_EQ(thread_set_affinity(current, old), 0);
	kfree(mask);
	kfree(old);
}

struct rcu_obj {
	struct rcu_head rcu;
	u32 *counter;
};

static void rcu_count(struct rcu_head *h)
{
	struct rcu_obj *o = container_of(h, struct rcu_obj, rcu);
	__atomic_fetch_add(o->counter, 1, __ATOMIC_SEQ_CST);
	kfree(o);
}

KTEST(rcu, callbacks_run)
{
	static u32 n;
	n = 0;
	for (int i = 0; i < 300; i++) {
		struct rcu_obj *o = kmalloc(sizeof(*o), GFP_KERNEL);
		REQUIRE(o);
		o->counter = &n;
		call_rcu(&o->rcu, rcu_count);
	}
	for (int i = 0; i < 500 && READ_ONCE(n) < 300; i++)
		sleep_ns(NSEC_PER_MSEC);
	CHECK_EQ(READ_ONCE(n), 300);
	struct rcu_obj *o = kmalloc(sizeof(*o), GFP_KERNEL);
	REQUIRE(o);
	kfree_rcu(o, rcu);
	synchronize_rcu();
}

static u32 *rcu_shared;
static u32 rcu_stop, rcu_bad;

static int rcu_reader(void *arg)
{
	while (!READ_ONCE(rcu_stop)) {
		rcu_read_lock();
		u32 *p = rcu_dereference(rcu_shared);
		for (int i = 0; i < 100; i++)
			if (READ_ONCE(*p) != 1)
				WRITE_ONCE(rcu_bad, 1);
		rcu_read_unlock();
	}
	return 0;
}

/* Two slots in turn: the old one is spoilt after a grace period, no reader may see that. */
KTEST(rcu, readers_are_waited_for)
{
	static u32 slot[2];
	struct join_handle h[4];
	slot[0] = 1;
	rcu_stop = rcu_bad = 0;
	rcu_assign_pointer(rcu_shared, &slot[0]);
	for (int i = 0; i < 4; i++)
		REQUIRE(thread_spawn(&h[i], rcu_reader, NULL, "rcureader") == 0);
	for (int i = 0; i < 40; i++) {
		u32 *old = rcu_shared, *next = &slot[(i + 1) & 1];
		WRITE_ONCE(*next, 1);
		rcu_assign_pointer(rcu_shared, next);
		synchronize_rcu();
		WRITE_ONCE(*old, 2);
	}
	WRITE_ONCE(rcu_stop, 1);
	for (int i = 0; i < 4; i++)
		thread_join(&h[i]);
	CHECK_EQ(rcu_bad, 0);
}
