/* Threads and the scheduler's interface. */
#pragma once
#include <arch/current.h>
#include <arch/thread.h>
#include <arch/trap.h>
#include <lib/err.h>
#include <lib/list.h>
#include <lib/rbtree.h>
#include <sched/cred.h>
#include <sched/signal.h>
#include <sync/ref.h>
#include <sync/spinlock.h>
#include <time/timer.h>

struct mm;
struct files;
struct fs_ctx;
struct process;
struct runqueue;
struct sched_class;

/* Thread states */
#define T_RUNNING	  0u /* runnable or running */
#define T_INTERRUPTIBLE	  1u
#define T_UNINTERRUPTIBLE 2u
#define T_STOPPED	  4u  /* job control */
#define T_TRACED	  8u  /* ptrace stop */
#define T_DEAD		  16u /* never runs again */
#define T_NEW		  32u
#define T_WAKEKILL	  64u /* a fatal signal wakes it */
#define T_KILLABLE	  (T_UNINTERRUPTIBLE | T_WAKEKILL)
#define T_WAKING	  128u /* chosen by a waker, not on a run queue yet (kernel/sched only) */
#define T_NORMAL	  (T_INTERRUPTIBLE | T_UNINTERRUPTIBLE)

/* Threads that share a process: kernel/proc embeds it in struct process. */
struct thread_group {
	struct list threads;	  /* [siglock] struct thread.group_node */
	u32 nr_threads;		  /* [siglock] */
	struct thread *leader;	  /* [I] but for exec (siglock) */
	struct sighand *sighand;  /* [I] but for exec */
	struct sigpending shared; /* [siglock] */
	u32 flags;		  /* [siglock] TG_* */
	int exit_code;		  /* [siglock] wait status when TG_EXITING */
	int stop_sig;		  /* [siglock] */
	u32 stop_count;		  /* [siglock] threads still to stop */
	u64 sum_utime, sum_stime; /* [siglock] of exited threads, ns */
	u64 sum_nvcsw, sum_nivcsw, sum_minflt, sum_majflt;
	atomic64_t sig_queued; /* [a] queued signals, against RLIMIT_SIGPENDING */
	u64 sigpending_limit;
	u32 cpu_timers; /* [a] CPU-time timers or limits armed: the tick looks at them */
};
#define TG_EXITING     1u /* exit_group or a fatal signal: every thread dies */
#define TG_STOPPED     2u
#define TG_CONTINUED   4u
#define TG_INIT	       8u /* PID 1: fatal signals without handler are ignored */
#define TG_EXECING     16u
#define TG_CONT_NOTIFY 32u /* continued: the next thread in delivery tells the parent */
#define JOBCTL_STOP    1u  /* thread.jobctl: must join the group stop */

/* EEVDF entity (kernel/sched/fair.c). */
struct sched_entity {
	struct rb_node node; /* [rq lock] */
	u64 vruntime, deadline, min_deadline, slice;
	s64 vlag;
	u32 weight;
	u64 exec_start, sum_exec, prev_sum_exec; /* ns */
	bool on_rq;
};

/* What a thread read and wrote (proc(5), io). */
struct io_account {
	u64 rchar, wchar, syscr, syscw;
};

struct thread {
	atomic_t work; /* TIF_* flags, tested by arch on return to user: must be first */
	u32 state;     /* [a] T_*; set through set_current_state / wake functions */
	void *kstack;  /* [I] KSTACK_SIZE bytes */
	struct arch_thread arch;
	struct ref ref;
	char comm[16]; /* [o] written by owner, readers tolerate tearing */
	pid_t tid;     /* [I] 0 for idle and early kernel threads */

	/* scheduling */
	const struct sched_class *class; /* [rq lock] */
	struct sched_entity se;		 /* [rq lock] */
	struct list rt_node;		 /* [rq lock] */
	u64 rt_slice;			 /* [rq lock] */
	s32 nice;			 /* [rq lock] -20..19 */
	u32 policy, rt_priority;	 /* [rq lock] SCHED_* */
	u32 cpu;			 /* [rq lock] where it runs or last ran */
	u32 on_cpu;			 /* [a] its stack is in use */
	bool on_rq;			 /* [rq lock] */
	bool reset_on_fork;
	unsigned long *affinity; /* [rq lock] NULL: all */
	bool no_wake_preempt;	 /* [rq lock] SCHED_BATCH, SCHED_IDLE */
	u8 acct_user;		 /* [rq lock] the last tick found it in user mode */
	bool counts_load;	 /* [rq lock] its uninterruptible sleep is in the load average */
	spinlock_t pi_lock;	 /* serialises wake-ups of this thread */
	struct worker *worker;	 /* [o] workqueue worker that it is */

	/* accounting (ns) */
	u64 utime, stime; /* [rq lock] */
	u64 start_time;	  /* [I] ktime_get() at creation */
	u64 wait_stamp;	  /* [rq lock] queued since */
	u64 nvcsw, nivcsw, minflt, majflt;
	struct io_account io; /* [o] counted by fs/vfs */

	/* what it runs in: opaque here */
	struct mm *mm; /* NULL for kernel threads */
	struct files *files;
	struct fs_ctx *fs;
	struct process *proc; /* NULL for kernel threads */

	/* credentials and signals */
	const struct cred *cred;    /* [o] replaced by cred_commit; read by others under RCU */
	struct thread_group *group; /* [I] NULL for kernel threads */
	struct list group_node;	    /* [siglock] */
	struct sigpending pending;  /* [siglock] */
	sigset_t blocked;	    /* [o], written under siglock */
	sigset_t saved_mask;	    /* [o] of sigsuspend & co. */
	sigset_t waits_for; /* [siglock] sigtimedwait sleeps for these: sent although blocked or
				     * ignored, they are queued and wake it (T_INTERRUPTIBLE) */
	bool restore_mask;  /* [o] */
	u32 jobctl;	    /* [siglock] JOBCTL_* */
	stack_t altstack;   /* [o] */

	/* user thread bookkeeping (kernel/proc) */
	int __user *clear_tid;	  /* [o] */
	void __user *robust_list; /* [o] */
	void __user *rseq;	  /* [o] */
	u32 rseq_len, rseq_sig;
	int exit_signal; /* [siglock] */
	int exit_code;
	struct list work_list; /* [pi_lock] thread_add_work callbacks */
	struct restart {
		s64 (*fn)(struct restart *r); /* restart_syscall(2) */
		u64 args[6];
	} restart; /* [o] */
	struct completion *vfork_done;
	struct timer sleep_timer; /* [o] schedule_timeout */
	bool sleep_timed_out;
	int pagefault_off;     /* [o] nesting of pagefault_disable */
	void *ptrace;	       /* kernel/proc/ptrace */
	void *user_count;      /* [o] kernel/proc: what RLIMIT_NPROC counts */
	u64 fault_addr;	       /* [o] of the last exception, for the signal frame */
	u32 trap_no, trap_err; /* [o] */
	int (*kfn)(void *);    /* kernel threads */
	void *karg;
	struct join_state *join;
	struct rcu_head rcu;
#ifdef CONFIG_DEBUG_LOCKS
	struct lockdep_stack locks; /* [o] sleeping locks held */
#endif
};

/* A thread with a kernel stack, state T_NEW, one reference for the caller; arch state unset. Copies
 * nothing from current but nice and affinity. NULL: no memory. May sleep. */
struct thread *thread_alloc(const char *comm) __must_check;
void thread_get(struct thread *t);
void thread_put(struct thread *t); /* frees at zero, possibly deferred */
/* First wake-up: the thread becomes runnable, on a CPU the scheduler picks. */
void thread_start(struct thread *t);

/* Kernel threads. The handle is exclusive: join and detach consume it. join blocks until the thread
 * has left fn and gives its return value. -ENOMEM. */
struct join_handle {
	struct thread *thread;
};
int thread_spawn(struct join_handle *h, int (*fn)(void *), void *arg, const char *fmt,
		 ...) __must_check __printf(4, 5);
int thread_join(struct join_handle *h);
void thread_detach(struct join_handle *h);
/* The end of the current thread: never returns; what nobody can join is reaped at once. */
void thread_exit(int code) __noreturn;
/* Pin a kernel thread before or while it runs. 0 or -EINVAL. */
int thread_set_affinity(struct thread *t, const unsigned long *mask);

#define set_current_state(s)                     \
	do {                                     \
		WRITE_ONCE(current->state, (s)); \
		smp_mb();                        \
	} while (0)
/* Give up the CPU according to current->state. Process context, interrupts on, not atomic. */
void schedule(void);
/* Sleep at most ns (KTIME_MAX: for ever); what is left, 0 when it ran out. State set by the caller. */
s64 schedule_timeout(s64 ns);
void sleep_ns(s64 ns); /* uninterruptible */
void yield(void);
void cond_resched(void);
/* Make t runnable if its state is in mask; true if it did. Any context. */
bool thread_wake(struct thread *t, unsigned mask);
static inline bool wake_up_thread(struct thread *t)
{
	return thread_wake(t, T_NORMAL);
}
/* Make t look at its work flags soon (IPI if it runs elsewhere in user mode). */
void thread_kick(struct thread *t);
static inline bool thread_test_work(struct thread *t, int f)
{
	return atomic_read(&t->work) & f;
}
static inline void thread_set_work(struct thread *t, int f)
{
	atomic_or(&t->work, f);
}
static inline void thread_clear_work(struct thread *t, int f)
{
	atomic_and(&t->work, ~f);
}
static inline bool signal_pending(void)
{
	return unlikely(thread_test_work(current, TIF_SIGPENDING));
}
/* SIGKILL pending or the group is exiting. */
bool fatal_signal_pending(void);
/* For wait loops: does a pending signal end a wait in this state? */
static inline bool signal_pending_state(unsigned state)
{
	if (!(state & (T_INTERRUPTIBLE | T_WAKEKILL)) || !signal_pending())
		return false;
	return (state & T_INTERRUPTIBLE) || fatal_signal_pending();
}

/* Callbacks run by t itself before it returns to user mode. */
struct thread_work {
	struct list list;
	void (*fn)(struct thread_work *w);
};
void thread_add_work(struct thread *t, struct thread_work *w);
void thread_run_work(void); /* called from exit_to_user */

/* The address space side, installed by mm/vm: called on every switch where mm differs, interrupts off. */
struct sched_mm_ops {
	void (*switch_mm)(struct mm *prev,
			  struct mm *next); /* either may be NULL (kernel thread) */
};
void sched_set_mm_ops(const struct sched_mm_ops *ops);
/* When the last reference to a thread goes: kernel/proc frees what hangs on it. May not sleep. */
extern void (*thread_free_hook)(struct thread *t);

/* Scheduling parameters (sched(7)): checks no permission. 0 or -errno. */
int sched_set_policy(struct thread *t, u32 policy, u32 rt_priority, s32 nice);
int sched_set_nice(struct thread *t, s32 nice);
int sched_get_affinity(struct thread *t, unsigned long *mask);
/* CPU time of a thread so far, running slice included. */
void thread_times(struct thread *t, u64 *utime_ns, u64 *stime_ns);
struct cpu_times {
	u64 user, nice, system, idle, iowait, irq, softirq; /* ns */
};
void sched_cpu_times(unsigned cpu, struct cpu_times *t);
u64 sched_context_switches(void);
/* Load averages, fixed point with 11 bits of fraction, and counts. */
void sched_loadavg(unsigned long avg[3], unsigned *running, unsigned *total);

/* For struct trap_ops; kernel/init installs them. */
void sched_irq_enter(void);
void sched_irq_exit(void);
void sched_preempt_irq(void);

void sched_init(void);	    /* boot CPU: current becomes the idle thread of CPU 0 */
void sched_start_smp(void); /* bring up the others */
void sched_idle_loop(void) __noreturn;

#include <sched/wait.h>
