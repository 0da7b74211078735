/* Private to kernel/sched: run queues, classes and what its files share. */
#pragma once
#include <arch/smp.h>
#include <lib/bits.h>
#include <sched/thread.h>
#include <sync/spinlock.h>
#include <uapi/sched_policy.h>

#define NICE_0_WEIGHT 1024u
#define TICK_NS	      (4 * NSEC_PER_MSEC)
#define RR_SLICE_NS   (100 * NSEC_PER_MSEC)

/* Fair threads of a CPU. The running one is in none of the tree's sums but in nr and load. */
struct fair_queue {
	struct rb_root tree;	   /* by vruntime, augmented with the least deadline below */
	struct sched_entity *curr; /* the running entity, NULL when another class runs */
	u32 nr;
	u64 load;     /* weights of all */
	u64 zero;     /* vruntime that the keys below are relative to */
	s64 key_sum;  /* sum of weight * (vruntime - zero) over the tree */
	u64 key_load; /* sum of weight over the tree */
};

#define RT_QUEUES 100 /* index 0: priority 99 */
struct rt_queue {
	unsigned long bitmap[BITS_TO_LONGS(RT_QUEUES)];
	struct list queue[RT_QUEUES];
	u32 nr;
	bool throttled;
	u64 period_start, time; /* real-time work in this period, against starving all else */
};

/* One per CPU. All [lock] unless said; lock is taken with interrupts off, two of them only by trylock
 * of the second. */
struct runqueue {
	spinlock_t lock;
	u32 cpu;	     /* [I] */
	u32 nr_running;	     /* [lock], read without */
	struct thread *curr; /* [lock], read without by wakers */
	struct thread *idle; /* [I] */
	u64 clock;	     /* ns, taken when the lock was */
	struct fair_queue fair;
	struct rt_queue rt;
	struct thread *push; /* [own CPU] switched away from and not allowed here any more */
	u64 nr_switches;
	s64 nr_uninterruptible; /* only the sum over all CPUs means something */
	u64 time_user, time_nice, time_system, time_idle; /* ns */
	u64 next_balance;
	struct timer tick;
	u32 halted; /* [a] in hlt: a wake-up needs an IPI */
	bool ready; /* [I] after its CPU came up */
};
DECLARE_PER_CPU(struct runqueue, runqueue);

#define this_rq() this_cpu_ptr(&runqueue)
#define cpu_rq(c) per_cpu_ptr(&runqueue, c)

enum {
	ENQ_WAKE = 1, /* after a sleep */
	ENQ_NEW = 2,  /* first time */
	DEQ_SLEEP = 4,
};

struct sched_class {
	void (*enqueue)(struct runqueue *rq, struct thread *t, unsigned flags);
	void (*dequeue)(struct runqueue *rq, struct thread *t, unsigned flags);
	void (*put_prev)(struct runqueue *rq, struct thread *t); /* stops being rq->curr */
	void (*set_next)(struct runqueue *rq, struct thread *t); /* becomes rq->curr */
	void (*charge)(struct runqueue *rq,
		       struct thread *t); /* account rq->curr until rq->clock */
	void (*tick)(struct runqueue *rq, struct thread *t);
	void (*yield)(struct runqueue *rq, struct thread *t);
	bool (*preempts)(struct runqueue *rq,
			 struct thread *t); /* t, same class as curr, just queued */
	int rank;			    /* higher runs first */
};
extern const struct sched_class fair_class, rt_class, idle_class;

/* core.c */
static __always_inline void rq_lock(struct runqueue *rq) __no_lock_check
{
	__spin_acquire(&rq->lock); /* interrupts are off: no need to count preemption */
}
static __always_inline void rq_unlock(struct runqueue *rq) __no_lock_check
{
	__spin_release(&rq->lock);
}
void rq_clock_update(struct runqueue *rq);
/* Lock t's run queue; interrupts off. pi_lock held, or t's queue may change afterwards only by
 * balancing, which needs the lock. */
struct runqueue *rq_lock_of(struct thread *t);
void rq_activate(struct runqueue *rq, struct thread *t, unsigned flags);
void rq_deactivate(struct runqueue *rq, struct thread *t, unsigned flags);
void rq_resched(struct runqueue *rq);
/* Reschedule rq if t, just queued there, should run before its current thread. */
void rq_check_preempt(struct runqueue *rq, struct thread *t);
/* Charge the current thread's time since the last call to it and to the CPU; returns ns. */
u64 rq_charge_time(struct runqueue *rq, struct thread *t);
void sched_first_run(struct thread *prev);
void sched_install_preempt(void);

/* fair.c, rt.c */
struct thread *fair_pick(struct runqueue *rq);
struct thread *rt_pick(struct runqueue *rq);
u32 fair_weight(const struct thread *t);
void fair_init_entity(struct thread *t);
/* A queued thread that may move to cpu, NULL: none. Not the running one. Lock held. */
struct thread *fair_movable(struct runqueue *rq, unsigned cpu);
struct thread *rt_movable(struct runqueue *rq, unsigned cpu);
void rt_init_queue(struct rt_queue *q);

/* balance.c */
extern unsigned long *idle_mask, *overload_mask; /* [a] nr_cpus bits; NULL with one CPU */
void balance_init(void);
unsigned select_cpu(struct thread *t);
bool balance_newidle(struct runqueue *rq);
void balance_tick(struct runqueue *rq);
static inline bool cpu_allowed(const struct thread *t, unsigned cpu)
{
	return !t->affinity || bit_test(t->affinity, cpu);
}

/* tick.c */
void tick_start(struct runqueue *rq);
void tick_init(struct runqueue *rq);
void loadavg_tick(u64 now);

/* signal.c: siglock of a group that may be exec'ing; false: it has no handlers any more */
bool group_lock(struct thread_group *g, unsigned long *f);
void group_unlock(struct thread_group *g, unsigned long f);

/* thread.c */
void thread_init_common(struct thread *t, const char *comm);
void thread_cache_init(void);
unsigned thread_count(void);
/* A kernel thread, not started, on the CPUs of mask (NULL: all). */
int thread_create_on(struct join_handle *h, const unsigned long *mask, int (*fn)(void *), void *arg,
		     const char *name) __must_check;
extern struct thread boot_thread;

/* workqueue.c: concurrency management from schedule() */
void worker_sleeping(struct worker *w);
void worker_running(struct worker *w);
void workqueue_init(void);
void rcu_threads_init(void);
void rcu_thread_start(unsigned cpu);
