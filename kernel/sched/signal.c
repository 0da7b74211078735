/* Signals up to the point where the thread must look: queueing, dropping what is ignored, the effects
 * of sending (stop against continue, kill), choosing and waking a thread, taking the next one out.
 * Frames, default actions and job control are kernel/proc's.
 *
 * Standard signals are pending once; real-time ones queue, in order, up to the group's limit
 * (RLIMIT_SIGPENDING). The set has a bit for each number in the queue; a bit without an entry is a
 * signal whose information could not be kept.
 *
 * Locks: sighand->lock ("siglock", interrupts off) > thread.pi_lock. A group's sighand may be replaced
 * by exec and is freed after a grace period: group_lock looks again once it has the lock.
 * Source: signal(7), sigqueue(3), the Linux behaviour of sigaction(2). */
#include "sched_priv.h"
#include <alloc/slab.h>
#include <sched/signal.h>

#define STOP_MASK (SIGMASK(SIGSTOP) | SIGMASK(SIGTSTP) | SIGMASK(SIGTTIN) | SIGMASK(SIGTTOU))
#define SYNC_MASK                                                                  \
	(SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) | \
	 SIGMASK(SIGFPE) | SIGMASK(SIGSYS))
#define IGNORED_BY_DEFAULT \
	(SIGMASK(SIGCONT) | SIGMASK(SIGCHLD) | SIGMASK(SIGWINCH) | SIGMASK(SIGURG))
#define DUMPS_CORE                                                                  \
	(SIGMASK(SIGQUIT) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) | SIGMASK(SIGABRT) | \
	 SIGMASK(SIGFPE) | SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGSYS) |   \
	 SIGMASK(SIGXCPU) | SIGMASK(SIGXFSZ))

bool group_lock(struct thread_group *g, unsigned long *f) __no_lock_check
{
	rcu_read_lock();
	for (;;) {
		struct sighand *sh = READ_ONCE(g->sighand);
		if (!sh) {
			rcu_read_unlock();
			return false;
		}
		*f = __spin_lock_irqsave(&sh->lock);
		if (likely(sh == READ_ONCE(g->sighand)))
			break;
		spin_unlock_irqrestore(&sh->lock, *f);
	}
	rcu_read_unlock(); /* the lock keeps it from here on */
	return true;
}

void group_unlock(struct thread_group *g, unsigned long f) __no_lock_check
{
	spin_unlock_irqrestore(&g->sighand->lock, f);
}

void sigpending_init(struct sigpending *p)
{
	p->set.sig[0] = 0;
	list_init(&p->queue);
}

static void entry_free(struct sigqueue *q)
{
	list_del(&q->list);
	if (q->owner)
		return; /* preallocated: its owner frees it */
	if (q->group)
		(void)__atomic_fetch_sub(&q->group->sig_queued.v, 1, __ATOMIC_RELAXED);
	kfree(q);
}

void sigpending_remove(struct sigpending *p, u64 mask)
{
	struct sigqueue *q, *n;
	if (!(p->set.sig[0] & mask))
		return;
	p->set.sig[0] &= ~mask;
	list_for_each_entry_safe (q, n, &p->queue, list)
		if (SIGMASK(q->info.si_signo) & mask)
			entry_free(q);
}

void sigpending_flush(struct sigpending *p)
{
	struct sigqueue *q, *n;
	p->set.sig[0] = 0;
	list_for_each_entry_safe (q, n, &p->queue, list)
		entry_free(q);
}

static void remove_everywhere(struct thread_group *g, u64 mask)
{
	struct thread *t;
	sigpending_remove(&g->shared, mask);
	list_for_each_entry (t, &g->threads, group_node)
		sigpending_remove(&t->pending, mask);
}

static uintptr_t handler_of(const struct thread_group *g, int sig)
{
	return (uintptr_t)g->sighand->action[sig - 1].handler;
}

/* Would delivery do nothing? With TG_INIT the default action is nothing, unless forced. */
static bool ignored(const struct thread_group *g, int sig)
{
	uintptr_t h = handler_of(g, sig);
	if (h == SIG_IGN)
		return true;
	if (h != SIG_DFL)
		return false;
	return (g->flags & TG_INIT) || (SIGMASK(sig) & IGNORED_BY_DEFAULT);
}

static bool drops(const struct thread_group *g, const struct thread *t, int sig)
{
	/* A blocked signal may have a handler by the time it is unblocked; a tracer sees them all. */
	if (sigset_test(&t->waits_for, sig))
		return false;
	if (sigset_test(&t->blocked, sig) && !(g->flags & TG_INIT && handler_of(g, sig) == SIG_DFL))
		return false;
	if (t->ptrace && sig != SIGKILL)
		return false;
	return ignored(g, sig);
}

static void wake_for_signal(struct thread *t, unsigned mask)
{
	thread_set_work(t, TIF_SIGPENDING);
	if (!thread_wake(t, mask))
		thread_kick(t);
}

static void kill_thread(struct thread *t)
{
	t->jobctl &= ~JOBCTL_STOP;
	sigset_add(&t->pending.set, SIGKILL);
	wake_for_signal(t, T_INTERRUPTIBLE | T_WAKEKILL | T_STOPPED | T_TRACED);
}

/* SIGCONT, whatever its action. */
static void do_continue(struct thread_group *g)
{
	struct thread *t;
	remove_everywhere(g, STOP_MASK);
	g->stop_count = 0;
	/* Some may sleep already in a stop that is not complete yet. */
	list_for_each_entry (t, &g->threads, group_node) {
		t->jobctl &= ~JOBCTL_STOP;
		thread_wake(t, T_STOPPED);
	}
	if (!(g->flags & TG_STOPPED))
		return;
	g->flags = (g->flags & ~TG_STOPPED) | TG_CONTINUED | TG_CONT_NOTIFY;
	list_for_each_entry (t, &g->threads, group_node)
		thread_set_work(t, TIF_SIGPENDING);
}

/* What sending does at once; false: the group takes no more signals. */
static bool side_effects(struct thread_group *g, int sig)
{
	if (list_empty(&g->threads))
		return false;
	if (g->flags & TG_EXITING)
		return false;
	if (SIGMASK(sig) & STOP_MASK && !(g->flags & TG_INIT && handler_of(g, sig) == SIG_DFL))
		remove_everywhere(g, SIGMASK(SIGCONT));
	else if (sig == SIGCONT)
		do_continue(g);
	return true;
}

/* May t be the one to handle sig? */
static bool wants(const struct thread *t, int sig)
{
	if (t->state == T_DEAD)
		return false;
	if (sigset_test(&t->blocked, sig))
		return sigset_test(&t->waits_for, sig); /* sigtimedwait */
	if (sig == SIGKILL)
		return true;
	/* The parent may know of the stop before the last thread's state tells it. */
	if ((t->state & (T_STOPPED | T_TRACED)) || (t->group->flags & TG_STOPPED))
		return false;
	return t->on_cpu || !thread_test_work((struct thread *)t, TIF_SIGPENDING);
}

static bool is_fatal(const struct thread_group *g, const struct thread *t, int sig)
{
	if (sig == SIGKILL)
		return true;
	return handler_of(g, sig) == SIG_DFL && !t->ptrace && !(g->flags & TG_INIT) &&
	       !sigset_test(&t->blocked, sig) && !sigset_test(&t->waits_for, sig) &&
	       !(SIGMASK(sig) & (IGNORED_BY_DEFAULT | STOP_MASK | DUMPS_CORE));
}

/* A signal was made pending: find who shall see it. */
static void complete_signal(struct thread_group *g, struct thread *target, int sig, bool shared)
{
	struct thread *t = target;
	if (!wants(t, sig)) {
		bool found = false;
		if (!shared)
			return; /* blocked, or it is on its way to look already */
		list_for_each_entry (t, &g->threads, group_node)
			if (wants(t, sig)) {
				found = true;
				break;
			}
		if (!found)
			return;
	}
	if (is_fatal(g, t, sig)) {
		/* The whole group dies; no need to find out one by one. */
		g->flags |= TG_EXITING;
		g->exit_code = sig;
		g->stop_count = 0;
		list_for_each_entry (t, &g->threads, group_node)
			kill_thread(t);
		return;
	}
	wake_for_signal(t, T_INTERRUPTIBLE);
}

static void fill_info(siginfo_t *to, int sig, const siginfo_t *info)
{
	if (info) {
		*to = *info;
		to->si_signo = sig;
		return;
	}
	*to = (siginfo_t){.si_signo = sig, .si_code = SI_KERNEL};
}

/* Keep the information, if there is room: 0 or -EAGAIN. */
static int enqueue_info(struct thread_group *g, struct sigpending *p, int sig,
			const siginfo_t *info)
{
	struct sigqueue *q = NULL;
	bool required =
		sig >= SIGRTMIN && info && info->si_code != SI_USER && info->si_code != SI_KERNEL;
	/* A standard signal's one entry always has room: the limit is for queues. */
	if (sig < SIGRTMIN || (u64)atomic_read(&g->sig_queued) < g->sigpending_limit)
		q = kmalloc(sizeof(*q), GFP_ATOMIC);
	if (!q)
		return required ? -EAGAIN : 0;
	atomic_inc(&g->sig_queued);
	q->owner = NULL;
	q->group = g;
	fill_info(&q->info, sig, info);
	list_add_tail(&q->list, &p->queue);
	return 0;
}

static int send_locked(struct thread_group *g, struct thread *t, int sig, const siginfo_t *info,
		       bool shared, bool force)
{
	struct sigpending *p = shared ? &g->shared : &t->pending;
	if (!side_effects(g, sig) || (!force && drops(g, t, sig)))
		return 0;
	if (sig < SIGRTMIN && sigset_test(&p->set, sig))
		return 0;
	if (sig != SIGKILL) {
		int err = enqueue_info(g, p, sig, info);
		if (err)
			return err;
	}
	sigset_add(&p->set, sig);
	complete_signal(g, t, sig, shared);
	return 0;
}

static bool valid(int sig)
{
	return sig > 0 && sig <= NSIG;
}

int signal_send_thread(struct thread *t, int sig, const siginfo_t *info)
{
	unsigned long f;
	if (!valid(sig))
		return -EINVAL;
	if (!t->group || !group_lock(t->group, &f))
		return -ESRCH;
	/* A thread that has left its group is past signals. */
	int ret = list_empty(&t->group_node) ? -ESRCH
					     : send_locked(t->group, t, sig, info, false, false);
	group_unlock(t->group, f);
	return ret;
}

int signal_send_group(struct thread_group *g, int sig, const siginfo_t *info)
{
	unsigned long f;
	if (!valid(sig))
		return -EINVAL;
	if (!group_lock(g, &f))
		return -ESRCH;
	int ret = 0;
	struct thread *t = g->leader;
	if (!list_empty(&g->threads)) {
		if (!t || list_empty(&t->group_node))
			t = list_first_entry(&g->threads, struct thread, group_node);
		ret = send_locked(g, t, sig, info, true, false);
	}
	group_unlock(g, f);
	return ret;
}

void signal_force(struct thread *t, int sig, const siginfo_t *info)
{
	unsigned long f;
	struct thread_group *g = t->group;
	if (!g || !group_lock(g, &f))
		return;
	struct ksigaction *a = &g->sighand->action[sig - 1];
	bool blocked = sigset_test(&t->blocked, sig);
	if (blocked || (uintptr_t)a->handler == SIG_IGN) {
		a->handler = (void __user *)SIG_DFL;
		if (blocked) {
			sigset_del(&t->blocked, sig);
			signal_recalc(t);
		}
	}
	if ((uintptr_t)a->handler == SIG_DFL)
		g->flags &= ~TG_INIT;
	(void)send_locked(g, t, sig, info, false, true);
	group_unlock(g, f);
}

void signal_recalc(struct thread *t)
{
	struct thread_group *g = t->group;
	if (((t->pending.set.sig[0] | g->shared.set.sig[0]) & ~t->blocked.sig[0]) || t->jobctl ||
	    (g->flags & TG_CONT_NOTIFY))
		thread_set_work(t, TIF_SIGPENDING);
	else if (t == current && thread_test_work(t, TIF_SIGPENDING))
		thread_clear_work(t, TIF_SIGPENDING);
}

/* The number to take next from ready signals: faults first, then SIGKILL, then the lowest. */
static int next_signal(u64 ready)
{
	if (ready & SIGMASK(SIGKILL))
		return SIGKILL;
	if (ready & SYNC_MASK)
		ready &= SYNC_MASK;
	return (int)ffs64(ready) + 1;
}

static void take(struct sigpending *p, int sig, siginfo_t *info)
{
	struct sigqueue *q, *first = NULL;
	bool more = false;
	list_for_each_entry (q, &p->queue, list) {
		if (q->info.si_signo != sig)
			continue;
		if (first) {
			more = true;
			break;
		}
		first = q;
	}
	if (!more)
		sigset_del(&p->set, sig);
	if (!first) {
		if (info)
			*info = (siginfo_t){.si_signo = sig, .si_code = SI_USER};
		return;
	}
	struct sigqueue_owner *owner = first->owner;
	if (info)
		*info = first->info;
	entry_free(first);
	if (owner)
		owner->dequeued(owner, info);
}

int signal_dequeue(struct thread *t, const sigset_t *mask, siginfo_t *info)
{
	struct sigpending *p = &t->pending;
	u64 ready = p->set.sig[0] & ~mask->sig[0];
	if (!ready) {
		p = &t->group->shared;
		ready = p->set.sig[0] & ~mask->sig[0];
	}
	int sig = 0;
	if (ready) {
		sig = next_signal(ready);
		take(p, sig, info);
	}
	signal_recalc(t);
	return sig;
}

/* Shared signals that t now blocks may be for another thread to take. */
static void retarget(struct thread_group *g, struct thread *t, u64 newly)
{
	struct thread *o;
	u64 orphaned = g->shared.set.sig[0] & newly;
	if (!orphaned)
		return;
	list_for_each_entry (o, &g->threads, group_node) {
		u64 can = orphaned & ~o->blocked.sig[0];
		if (o == t || !can)
			continue;
		orphaned &= ~can;
		if (!thread_test_work(o, TIF_SIGPENDING))
			wake_for_signal(o, T_INTERRUPTIBLE);
		if (!orphaned)
			break;
	}
}

void signal_retarget(struct thread *t, u64 mask)
{
	retarget(t->group, t, mask);
}

void signal_set_blocked(const sigset_t *set)
{
	struct thread *me = current;
	u64 want = set->sig[0] & ~(SIGMASK(SIGKILL) | SIGMASK(SIGSTOP));
	if (want == me->blocked.sig[0])
		return;
	unsigned long f;
	if (!group_lock(me->group, &f))
		return;
	u64 newly = want & ~me->blocked.sig[0];
	if (thread_test_work(me, TIF_SIGPENDING) && me->group->nr_threads > 1)
		retarget(me->group, me, newly);
	me->blocked.sig[0] = want;
	signal_recalc(me);
	group_unlock(me->group, f);
}

bool fatal_signal_pending(void)
{
	struct thread *me = current;
	if (!me->group)
		return false;
	return (READ_ONCE(me->pending.set.sig[0]) & SIGMASK(SIGKILL)) ||
	       (READ_ONCE(me->group->flags) & TG_EXITING);
}

int signal_send_queued(struct thread_group *g, struct thread *t, struct sigqueue *q)
{
	unsigned long f;
	int ret = 0, sig = q->info.si_signo;
	bool shared = !t;
	if (!group_lock(g, &f))
		return -ESRCH;
	if (!t)
		t = g->leader && !list_empty(&g->leader->group_node)
			    ? g->leader
			    : list_first_entry_or_null(&g->threads, struct thread, group_node);
	if (!t || list_empty(&t->group_node)) {
		ret = -ESRCH;
	} else if (!list_empty(&q->list)) {
		ret = 1;
	} else if (side_effects(g, sig) && !drops(g, t, sig)) {
		struct sigpending *p = shared ? &g->shared : &t->pending;
		list_add_tail(&q->list, &p->queue);
		sigset_add(&p->set, sig);
		complete_signal(g, t, sig, shared);
	}
	group_unlock(g, f);
	return ret;
}

void signal_unqueue(struct thread_group *g, struct sigqueue *q)
{
	unsigned long f;
	if (!group_lock(g, &f))
		return;
	/* The bit may stay without an entry: a spurious SI_USER would be seen, so look who else has it. */
	if (!list_empty(&q->list)) {
		struct thread *t;
		int sig = q->info.si_signo;
		list_del(&q->list);
		struct sigpending *p = &g->shared;
		struct sigqueue *o;
		bool other = false;
		list_for_each_entry (o, &p->queue, list)
			other |= o->info.si_signo == sig;
		if (!other)
			sigset_del(&p->set, sig);
		list_for_each_entry (t, &g->threads, group_node) {
			other = false;
			list_for_each_entry (o, &t->pending.queue, list)
				other |= o->info.si_signo == sig;
			if (!other && sig != SIGKILL)
				sigset_del(&t->pending.set, sig);
		}
	}
	group_unlock(g, f);
}
