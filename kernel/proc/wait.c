/* wait4 and waitid: a parent learns of its children's death, stops and continues.
 *
 * A scan under tasklist_lock looks for a child that matches and has something to report; if there is
 * none, the caller sleeps on its process's wait_chldexit, which notifications wake. Reaping takes the
 * zombie out of the tables under the same lock, so exactly one waiter gets it.
 * Sources: wait(2), wait4(2). */
#include "proc_priv.h"
#include <syscall/syscalls.h>
#include <uapi/wait.h>

struct wait_req {
	int type; /* P_* */
	pid_t nr;
	struct pid *pgrp; /* P_PGID: counted */
	unsigned options;
	/* result */
	pid_t pid;
	uid_t uid;
	int code, status; /* CLD_*; waitid's si_status */
	int wstatus;	  /* wait4's */
	bool want_rusage;
	struct rusage ru;
};

static bool child_eligible(const struct wait_req *r, const struct process *c)
{
	if (r->type == P_PID && c->pid->nr != r->nr)
		return false;
	if (r->type == P_PGID && c->pgrp != r->pgrp)
		return false;
	if ((r->options & __WNOTHREAD) && c->parent_tid != current->tid)
		return false;
	/* "Clone children" report by another signal than SIGCHLD. */
	bool clone = c->tg.leader->exit_signal != SIGCHLD;
	if (!(r->options & __WALL) && clone != !!(r->options & __WCLONE))
		return false;
	return true;
}

static void fill_exit(struct wait_req *r, struct process *c)
{
	int st = c->exit_code;

	r->wstatus = st;
	if (!(st & 0x7f)) {
		r->code = CLD_EXITED;
		r->status = st >> 8 & 0xff;
	} else {
		r->code = st & 0x80 ? CLD_DUMPED : CLD_KILLED;
		r->status = st & 0x7f;
	}
}

/* What c used goes to the parent's account of its children. tasklist_lock held. */
static void account_child(struct process *c)
{
	struct process *me = current->proc;
	unsigned long f = siglock(&me->tg);

	me->cutime += c->tg.sum_utime + c->cutime;
	me->cstime += c->tg.sum_stime + c->cstime;
	me->cminflt += c->tg.sum_minflt + c->cminflt;
	me->cmajflt += c->tg.sum_majflt + c->cmajflt;
	me->cnvcsw += c->tg.sum_nvcsw + c->cnvcsw;
	me->cnivcsw += c->tg.sum_nivcsw + c->cnivcsw;
	me->cmaxrss = max(me->cmaxrss, max(c->maxrss, c->cmaxrss));
	sigunlock(&me->tg, f);
}

/* Something to report about c? *reaped is set when it left the tables. tasklist_lock held. */
static bool try_child(struct wait_req *r, struct process *c, struct process **reaped)
{
	bool consume = !(r->options & WNOWAIT), found = false;

	if (c->state == PROC_ZOMBIE) {
		if (!(r->options & WEXITED))
			return false;
		fill_exit(r, c);
		if (consume) {
			account_child(c);
			*reaped = c;
		}
		found = true;
	} else if (c->state == PROC_RUNNING && (r->options & (WSTOPPED | WCONTINUED))) {
		unsigned long f = siglock(&c->tg);

		if ((r->options & WSTOPPED) && (c->tg.flags & TG_STOPPED) && c->stop_code) {
			r->code = CLD_STOPPED;
			r->status = c->stop_code;
			r->wstatus = c->stop_code << 8 | 0x7f;
			if (consume)
				c->stop_code = 0;
			found = true;
		} else if ((r->options & WCONTINUED) && (c->tg.flags & TG_CONTINUED)) {
			r->code = CLD_CONTINUED;
			r->status = SIGCONT;
			r->wstatus = 0xffff;
			if (consume)
				c->tg.flags &= ~TG_CONTINUED;
			found = true;
		}
		sigunlock(&c->tg, f);
	}
	if (!found)
		return false;
	r->pid = c->pid->nr;
	rcu_read_lock();
	r->uid = rcu_dereference(c->tg.leader->cred)->uid;
	rcu_read_unlock();
	if (r->want_rusage)
		process_rusage(c, true, true, &r->ru);
	if (*reaped)
		process_release_locked(c);
	return true;
}

/* 1: reported; 0: children, but nothing to report; -ECHILD. */
static int scan(struct wait_req *r)
{
	struct process *me = current->proc, *c, *reaped = NULL;
	unsigned long f;
	int ret = -ECHILD;

	spin_lock_irqsave(&tasklist_lock, f);
	list_for_each_entry (c, &me->children, sibling) {
		if (!child_eligible(r, c))
			continue;
		ret = 0;
		if (try_child(r, c, &reaped)) {
			ret = 1;
			break;
		}
	}
	spin_unlock_irqrestore(&tasklist_lock, f);
	if (reaped)
		process_release_finish(reaped);
	return ret;
}

static int do_wait(struct wait_req *r)
{
	struct process *me = current->proc;
	struct wait_entry e;
	int ret = scan(r);

	if (ret || (r->options & WNOHANG))
		return ret;
	wait_entry_init(&e, wait_wake_thread);
	for (;;) {
		wait_prepare(&me->wait_chldexit, &e, T_INTERRUPTIBLE);
		ret = scan(r);
		if (ret)
			break;
		if (signal_pending()) {
			ret = -ERESTARTSYS;
			break;
		}
		schedule();
	}
	wait_finish(&me->wait_chldexit, &e);
	return ret;
}

s64 sys_wait4(pid_t pid, int __user *status, int options, struct rusage __user *ru)
{
	struct wait_req r = {.want_rusage = ru};

	if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	r.options = options | WEXITED;
	if (pid == -1) {
		r.type = P_ALL;
	} else if (pid > 0) {
		r.type = P_PID;
		r.nr = pid;
	} else {
		r.type = P_PGID;
		r.pgrp = pid ? pid_find(-pid) : process_pgrp(current->proc);
	}
	int ret = do_wait(&r);
	pid_put(r.pgrp);
	if (ret <= 0)
		return ret;
	if (status && put_user(r.wstatus, status))
		return -EFAULT;
	if (ru && copy_out(ru, &r.ru, sizeof(r.ru)))
		return -EFAULT;
	return r.pid;
}

static int put_waitid_info(siginfo_t __user *info, const struct wait_req *r, bool found)
{
	siginfo_t si;

	if (!info)
		return 0;
	memset(&si, 0, sizeof(si));
	if (found) {
		si.si_signo = SIGCHLD;
		si.si_code = r->code;
		si.chld.pid = r->pid;
		si.chld.uid = r->uid;
		si.chld.status = r->status;
	}
	/* The fields that waitid defines, not the padding behind them. */
	return copy_out(info, &si, offsetof(siginfo_t, chld.utime));
}

s64 sys_waitid(int which, pid_t id, siginfo_t __user *info, int options, struct rusage __user *ru)
{
	struct wait_req r = {.type = which, .nr = id, .options = options, .want_rusage = ru};

	if (options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD |
			__WCLONE | __WALL))
		return -EINVAL;
	if (!(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	switch (which) {
	case P_ALL:
		break;
	case P_PID:
		if (id <= 0)
			return -EINVAL;
		break;
	case P_PGID:
		if (id < 0)
			return -EINVAL;
		r.pgrp = id ? pid_find(id) : process_pgrp(current->proc);
		break;
	default: /* P_PIDFD: there are no pidfds yet */
		return which == P_PIDFD ? -EBADF : -EINVAL;
	}
	int ret = do_wait(&r);
	pid_put(r.pgrp);
	if (ret < 0)
		return ret;
	if (put_waitid_info(info, &r, ret > 0))
		return -EFAULT;
	if (ret > 0 && ru && copy_out(ru, &r.ru, sizeof(r.ru)))
		return -EFAULT;
	return 0;
}
