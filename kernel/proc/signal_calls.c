/* The signal system calls: actions, masks, waiting, sending with permission.
 * Sources: sigaction(2), sigprocmask(2), sigsuspend(2), sigtimedwait(2), kill(2), tgkill(2),
 * rt_sigqueueinfo(2). */
#include "proc_priv.h"
#include <syscall/syscalls.h>
#include <time/timer.h>

#define UNBLOCKABLE	(SIGMASK(SIGKILL) | SIGMASK(SIGSTOP))
#define DEFAULT_IGNORED (SIGMASK(SIGCONT) | SIGMASK(SIGCHLD) | SIGMASK(SIGWINCH) | SIGMASK(SIGURG))
#define SA_KNOWN                                                                            \
	(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_RESTORER | SA_ONSTACK | SA_RESTART | \
	 SA_NODEFER | SA_RESETHAND)

/* ---- actions and masks ---- */

s64 sys_rt_sigaction(int sig, const void __user *uact, void __user *uold, size_t sz)
{
	struct thread_group *g = current->group;
	struct ksigaction n, old;
	struct thread *t;

	if (sz != sizeof(sigset_t))
		return -EINVAL;
	if (uact && copy_in(&n, uact, sizeof(n)))
		return -EFAULT;
	if (sig < 1 || sig > NSIG || (uact && (UNBLOCKABLE & SIGMASK(sig))))
		return -EINVAL;
	struct ksigaction *a = &g->sighand->action[sig - 1];
	unsigned long f = siglock(g);
	old = *a;
	if (uact) {
		n.mask.sig[0] &= ~UNBLOCKABLE;
		n.flags &= SA_KNOWN;
		*a = n;
		u64 h = user_to_u64(n.handler);
		if (h == SIG_IGN || (h == SIG_DFL && (DEFAULT_IGNORED & SIGMASK(sig)))) {
			/* POSIX: pending instances of a signal that is now ignored are gone. */
			sigpending_remove(&g->shared, SIGMASK(sig));
			list_for_each_entry (t, &g->threads, group_node)
				sigpending_remove(&t->pending, SIGMASK(sig));
		}
	}
	sigunlock(g, f);
	if (uold && copy_out(uold, &old, sizeof(old)))
		return -EFAULT;
	return 0;
}

s64 sys_rt_sigprocmask(int how, const sigset_t __user *uset, sigset_t __user *uold, size_t sz)
{
	sigset_t old = current->blocked, set;

	if (sz != sizeof(sigset_t))
		return -EINVAL;
	if (uset) {
		if (copy_in(&set, uset, sizeof(set)))
			return -EFAULT;
		switch (how) {
		case SIG_BLOCK:
			set.sig[0] |= old.sig[0];
			break;
		case SIG_UNBLOCK:
			set.sig[0] = old.sig[0] & ~set.sig[0];
			break;
		case SIG_SETMASK:
			break;
		default:
			return -EINVAL;
		}
		set.sig[0] &= ~UNBLOCKABLE;
		if (set.sig[0] != old.sig[0])
			signal_set_blocked(&set);
	}
	if (uold && copy_out(uold, &old, sizeof(old)))
		return -EFAULT;
	return 0;
}

s64 sys_rt_sigpending(sigset_t __user *uset, size_t sz)
{
	struct thread *t = current;
	sigset_t set;

	if (sz > sizeof(sigset_t))
		return -EINVAL;
	unsigned long f = siglock(t->group);
	set.sig[0] = (t->pending.set.sig[0] | t->group->shared.set.sig[0]) & t->blocked.sig[0];
	sigunlock(t->group, f);
	return copy_out(uset, &set, sz);
}

/* ---- waiting ---- */

static s64 sleep_for_signal(void)
{
	for (;;) {
		set_current_state(T_INTERRUPTIBLE);
		if (signal_pending())
			break;
		schedule();
	}
	set_current_state(T_RUNNING);
	return -ERESTARTNOHAND;
}

s64 sys_pause(void)
{
	return sleep_for_signal();
}

s64 sys_rt_sigsuspend(const sigset_t __user *uset, size_t sz)
{
	struct thread *t = current;
	sigset_t set;

	if (sz != sizeof(sigset_t))
		return -EINVAL;
	if (copy_in(&set, uset, sizeof(set)))
		return -EFAULT;
	set.sig[0] &= ~UNBLOCKABLE;
	t->saved_mask = t->blocked;
	signal_set_blocked(&set);
	s64 r = sleep_for_signal();
	t->restore_mask = true;
	return r;
}

s64 sys_rt_sigtimedwait(const sigset_t __user *uset, siginfo_t __user *uinfo,
			const struct timespec __user *uts, size_t sz)
{
	struct thread *t = current;
	s64 left = KTIME_MAX;
	sigset_t set, not ;
	siginfo_t info;

	if (sz != sizeof(sigset_t))
		return -EINVAL;
	if (copy_in(&set, uset, sizeof(set)))
		return -EFAULT;
	if (uts) {
		struct timespec ts;

		if (copy_in(&ts, uts, sizeof(ts)))
			return -EFAULT;
		left = timespec_to_ktime(&ts);
		if (left < 0)
			return -EINVAL;
	}
	set.sig[0] &= ~UNBLOCKABLE;
	not .sig[0] = ~set.sig[0];
	unsigned long f = siglock(t->group);
	int sig = signal_dequeue(t, &not, &info);
	s64 ret = -EAGAIN;
	while (!sig && left) {
		t->waits_for = set;
		set_current_state(T_INTERRUPTIBLE);
		/* Something else wants attention? */
		signal_recalc(t);
		bool interrupted = signal_pending();
		sigunlock(t->group, f);
		if (!interrupted)
			left = schedule_timeout(left);
		set_current_state(T_RUNNING);
		f = siglock(t->group);
		t->waits_for.sig[0] = 0;
		sig = signal_dequeue(t, &not, &info);
		signal_recalc(t);
		if (!sig && (interrupted || signal_pending())) {
			ret = -EINTR;
			break;
		}
	}
	signal_recalc(t);
	sigunlock(t->group, f);
	if (!sig)
		return ret;
	if (uinfo && copy_out(uinfo, &info, sizeof(info)))
		return -EFAULT;
	return sig;
}

/* ---- sending ---- */

/* kill(2): the sender's real or effective user is the target's real or saved one, or CAP_KILL; SIGCONT
 * goes anywhere in the session. */
bool may_signal(struct process *p, int sig)
{
	struct process *me = current->proc;
	const struct cred *c = current_cred();
	bool ok;

	if (p == me)
		return true;
	rcu_read_lock();
	const struct cred *tc = process_cred(p);
	/* Reaped meanwhile: what is sent reaches nobody. */
	ok = !tc || c->euid == tc->suid || c->euid == tc->uid || c->uid == tc->suid ||
	     c->uid == tc->uid;
	rcu_read_unlock();
	if (ok || capable(CAP_KILL))
		return true;
	return sig == SIGCONT && p->session == me->session;
}

static void user_info(siginfo_t *info, int sig, int code)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = sig;
	info->si_code = code;
	info->kill.pid = current->proc->pid->nr;
	info->kill.uid = current_cred()->uid;
}

static int send_process(struct process *p, int sig, const siginfo_t *info)
{
	if (!may_signal(p, sig))
		return -EPERM;
	return sig ? signal_send_group(&p->tg, sig, info) : 0;
}

/* A process by the number of any of its threads: counted or NULL. */
static struct process *find_by_any_tid(pid_t nr)
{
	struct process *p = process_find(nr);
	struct thread *t;

	if (p)
		return p;
	t = thread_find(nr);
	if (!t)
		return NULL;
	p = t->proc;
	process_get(p);
	thread_put(t);
	return p;
}

/* To every process that fn's list names: 0 if one got it, else the first error. tasklist_lock held. */
static void collect(int *ret, int err)
{
	if (*ret == -ESRCH || (*ret && !err))
		*ret = err;
}

static int kill_group(struct pid *pgrp, int sig, const siginfo_t *info)
{
	struct process *p;
	unsigned long f;
	int ret = -ESRCH;

	if (!pgrp)
		return ret;
	spin_lock_irqsave(&tasklist_lock, f);
	list_for_each_entry (p, &pgrp->pgrp, pgrp_node)
		collect(&ret, send_process(p, sig, info));
	spin_unlock_irqrestore(&tasklist_lock, f);
	return ret;
}

static int kill_all(int sig, const siginfo_t *info)
{
	struct process *p;
	unsigned long f;
	int ret = -ESRCH;

	spin_lock_irqsave(&tasklist_lock, f);
	list_for_each_entry (p, &all_processes, all_node) {
		if (p != init_process && p != current->proc)
			collect(&ret, send_process(p, sig, info));
	}
	spin_unlock_irqrestore(&tasklist_lock, f);
	return ret;
}

s64 sys_kill(pid_t pid, int sig)
{
	siginfo_t info;
	struct pid *g;
	int err;

	if (sig < 0 || sig > NSIG)
		return -EINVAL;
	user_info(&info, sig, SI_USER);
	if (pid > 0) {
		struct process *p = find_by_any_tid(pid);

		if (!p)
			return -ESRCH;
		err = send_process(p, sig, &info);
		process_put(p);
		return err;
	}
	if (pid == -1)
		return kill_all(sig, &info);
	if (pid == INT32_MIN)
		return -ESRCH;
	g = pid ? pid_find(-pid) : process_pgrp(current->proc);
	err = kill_group(g, sig, &info);
	pid_put(g);
	return err;
}

static s64 send_thread(pid_t tgid, pid_t tid, int sig, const siginfo_t *info)
{
	struct thread *t = thread_find(tid);
	int err = -ESRCH;

	if (!t)
		return err;
	if (!tgid || t->proc->pid->nr == tgid) {
		err = -EPERM;
		if (may_signal(t->proc, sig)) {
			err = sig ? signal_send_thread(t, sig, info) : 0;
		}
	}
	thread_put(t);
	return err;
}

s64 sys_tgkill(pid_t tgid, pid_t tid, int sig)
{
	siginfo_t info;

	if (tgid <= 0 || tid <= 0 || sig < 0 || sig > NSIG)
		return -EINVAL;
	user_info(&info, sig, SI_TKILL);
	return send_thread(tgid, tid, sig, &info);
}

s64 sys_tkill(pid_t tid, int sig)
{
	siginfo_t info;

	if (tid <= 0 || sig < 0 || sig > NSIG)
		return -EINVAL;
	user_info(&info, sig, SI_TKILL);
	return send_thread(0, tid, sig, &info);
}

/* Only the kernel and kill() say SI_USER and above; others would be forged. */
static int import_info(siginfo_t *info, const siginfo_t __user *u, int sig, pid_t target)
{
	if (copy_in(info, u, sizeof(*info)))
		return -EFAULT;
	info->si_signo = sig;
	if ((info->si_code >= 0 || info->si_code == SI_TKILL) && target != current->proc->pid->nr)
		return -EPERM;
	return 0;
}

s64 sys_rt_sigqueueinfo(pid_t pid, int sig, siginfo_t __user *uinfo)
{
	siginfo_t info;
	int err = import_info(&info, uinfo, sig, pid);

	if (err)
		return err;
	if (sig < 0 || sig > NSIG)
		return -EINVAL;
	struct process *p = pid > 0 ? find_by_any_tid(pid) : NULL;
	if (!p)
		return -ESRCH;
	err = send_process(p, sig, &info);
	process_put(p);
	return err;
}

s64 sys_rt_tgsigqueueinfo(pid_t tgid, pid_t tid, int sig, siginfo_t __user *uinfo)
{
	siginfo_t info;

	if (tgid <= 0 || tid <= 0)
		return -EINVAL;
	int err = import_info(&info, uinfo, sig, tgid);
	if (err)
		return err;
	if (sig < 0 || sig > NSIG)
		return -EINVAL;
	return send_thread(tgid, tid, sig, &info);
}
