/* Signals as the scheduler level knows them: actions, pending sets, queueing and waking. Delivery
 * (frames, default actions, job control) is kernel/proc's. signal(7), sigaction(2). */
#pragma once
#include <lib/list.h>
#include <sync/spinlock.h>
#include <sync/ref.h>
#include <uapi/signal.h>

struct thread;
struct thread_group;

/* A queued signal with its information. */
struct sigqueue {
	struct list list;
	siginfo_t info;
	struct sigqueue_owner *owner; /* of a preallocated one (POSIX timer), or NULL */
	struct thread_group *group;   /* counted there against the limit */
};
/* Embedded in what owns a preallocated entry: called under siglock when it was taken from the queue;
 * may alter *info (NULL: dropped). */
struct sigqueue_owner {
	void (*dequeued)(struct sigqueue_owner *o, siginfo_t *info);
};
struct sigpending {
	sigset_t set;
	struct list queue; /* struct sigqueue */
};

/* Handler table: shared with CLONE_SIGHAND. */
struct sighand {
	struct ref ref;
	spinlock_t
		lock; /* "siglock": protects actions, all pending sets and the group's signal state */
	struct ksigaction action[64];	  /* [lock] */
	struct wait_queue_head *signalfd; /* reserved */
};

/* Job control happens at sending time, under siglock, whether the signal is blocked, ignored or neither:
 * - a stop signal (STOP TSTP TTIN TTOU) removes a pending SIGCONT from the group and its threads;
 * - SIGCONT removes pending stop signals, clears JOBCTL_STOP in every thread and stop_count, and when
 *   TG_STOPPED was set replaces it by TG_CONTINUED|TG_CONT_NOTIFY and wakes the T_STOPPED threads;
 * - SIGKILL clears JOBCTL_STOP and wakes with T_INTERRUPTIBLE|T_WAKEKILL|T_STOPPED|T_TRACED.
 * With TG_INIT, signals whose action is SIG_DFL are dropped (SIGKILL and SIGSTOP too); signal_force
 * clears TG_INIT instead, so that a crash of PID 1 is not a loop. A group without living threads (zombie)
 * takes signals without effect. */
/* Queue sig for one thread, or for its group (any thread that does not block it is woken). info NULL:
 * SI_KERNEL. Ignored signals are dropped as Linux does. 0, -EAGAIN (queue limit), -ESRCH. Any context
 * with interrupts on or off (takes siglock with irqsave). */
int signal_send_thread(struct thread *t, int sig, const siginfo_t *info);
int signal_send_group(struct thread_group *g, int sig, const siginfo_t *info);
/* A synchronous fault: unblocks and resets a blocked or ignored handler, so that it kills. */
void signal_force(struct thread *t, int sig, const siginfo_t *info);
/* Recompute TIF_SIGPENDING of t after masks or pending sets changed; siglock held. Stays set while
 * t->jobctl or TG_CONT_NOTIFY ask for attention, and is cleared only for current (a thread that
 * is about to return -ERESTART* must still pass through delivery). */
void signal_recalc(struct thread *t);
/* Take the next deliverable signal not in mask: number or 0. siglock held. Own thread only. */
int signal_dequeue(struct thread *t, const sigset_t *mask, siginfo_t *info);
/* Set current's blocked mask (recalculates; SIGKILL and SIGSTOP never blocked). */
void signal_set_blocked(const sigset_t *set);
/* Threads of the group that could take shared signals in mask instead of t are woken: before t blocks
 * them or exits. siglock held. */
void signal_retarget(struct thread *t, u64 mask);
/* Queue a preallocated entry (info filled, list initialised) for t, or NULL: the group. 1: it is pending
 * already. signal_unqueue takes it out again. */
int signal_send_queued(struct thread_group *g, struct thread *t, struct sigqueue *q);
void signal_unqueue(struct thread_group *g, struct sigqueue *q);
void sigpending_init(struct sigpending *p);
void sigpending_flush(struct sigpending *p);
/* Drop the signals in mask (SIGMASK bits) with their queue entries. siglock held. */
void sigpending_remove(struct sigpending *p, u64 mask);

static inline bool sigset_test(const sigset_t *s, int sig)
{
	return s->sig[0] >> (sig - 1) & 1;
}
static inline void sigset_add(sigset_t *s, int sig)
{
	s->sig[0] |= 1ul << (sig - 1);
}
static inline void sigset_del(sigset_t *s, int sig)
{
	s->sig[0] &= ~(1ul << (sig - 1));
}
#define SIGMASK(sig) (1ul << ((sig)-1))
