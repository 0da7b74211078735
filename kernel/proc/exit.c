/* The end of threads and processes.
 *
 * A thread leaves in two steps. do_exit first takes it off its group's list, so that no signal is meant
 * for it any more; it gives back what it holds; at the very end, under tasklist_lock, it is
 * counted out (nr_live). The last one out turns the process into a zombie: its children get a new
 * parent, groups that became orphaned are told, the parent hears of it, and wait (wait.c) or nobody
 * (SIGCHLD ignored) reaps it. The leader's struct thread stays until then.
 * Sources: _exit(2), exit_group(2), wait(2), prctl(2) (subreaper), setpgid(2). */
#include "proc_priv.h"
#include <arch/cpu.h>
#include <log/panic.h>
#include <sched/lock.h>
#include <syscall/syscalls.h>

/* ---- leaving the address space ---- */

void mm_release(struct thread *t, bool exiting)
{
	struct completion *c;
	unsigned long f;

	if (t->robust_list) {
		robust_list_exit(t);
		t->robust_list = NULL;
	}
	if (t->clear_tid) {
		/* Nobody is left to see it when the address space is not shared. */
		if (ref_read(&t->mm->users) > 1) {
			(void)put_user(0, t->clear_tid);
			(void)futex_wake_user((u32 __user *)t->clear_tid, 1, true);
		}
		t->clear_tid = NULL;
	}
	t->rseq = NULL;
	if (likely(!READ_ONCE(t->vfork_done)))
		return;
	f = siglock(t->group);
	c = t->vfork_done;
	t->vfork_done = NULL;
	if (c)
		complete(c);
	sigunlock(t->group, f);
}

static void exit_mm(struct thread *t)
{
	struct mm *mm = t->mm;

	if (!mm)
		return;
	mm_release(t, true);
	u64 rss = atomic_read(&mm->rss[0]) + atomic_read(&mm->rss[1]) + atomic_read(&mm->rss[2]);
	t->proc->maxrss = max(t->proc->maxrss, max(rss, mm->hiwater_rss));
	mm_put(mm_install(NULL));
}

/* ---- the family ---- */

/* Who takes p's children: a living subreaper among the ancestors, else PID 1. tasklist_lock held. */
static struct process *find_reaper(struct process *p)
{
	for (struct process *a = p->parent; a && a != init_process; a = a->parent)
		if (a->child_subreaper && a->state == PROC_RUNNING && a->tg.nr_threads)
			return a;
	return init_process;
}

static void fill_exit_info(struct process *p, siginfo_t *info, int sig)
{
	int st = p->exit_code;
	u64 ut = p->tg.sum_utime, stm = p->tg.sum_stime;

	*info = (siginfo_t){.si_signo = sig};
	info->chld.pid = p->pid->nr;
	info->chld.uid = p->tg.leader->cred->uid;
	info->chld.utime = ut / (NSEC_PER_SEC / USER_HZ);
	info->chld.stime = stm / (NSEC_PER_SEC / USER_HZ);
	info->chld.status = st & 0x7f;
	if (st & 0x80) {
		info->si_code = CLD_DUMPED;
	} else if (st & 0x7f) {
		info->si_code = CLD_KILLED;
	} else {
		info->si_code = CLD_EXITED;
		info->chld.status = st >> 8 & 0xff;
	}
}

/* Tell the parent that p is a zombie. True: nobody wants to know, reap it now. tasklist_lock held. */
static bool notify_parent_exit(struct process *p)
{
	struct process *parent = p->parent;
	int sig = p->tg.leader->exit_signal;
	bool autoreap = false;
	siginfo_t info;

	if (!parent)
		return true;
	if (sig == SIGCHLD) {
		unsigned long f = siglock(&parent->tg);
		const struct ksigaction *a = &parent->tg.sighand->action[SIGCHLD - 1];

		if (user_to_u64(a->handler) == SIG_IGN) {
			autoreap = true;
			sig = 0;
		} else if (a->flags & SA_NOCLDWAIT) {
			autoreap = true;
		}
		sigunlock(&parent->tg, f);
	}
	if (sig > 0) {
		fill_exit_info(p, &info, sig);
		(void)signal_send_group(&parent->tg, sig, &info);
	}
	__wake_up(&parent->wait_chldexit, T_INTERRUPTIBLE, 0x7fffffff, (unsigned long)p->pid->nr);
	return autoreap;
}

/* Reaped processes are collected here and freed outside the lock. */
static void reparent_children(struct process *p, struct list *dead)
{
	struct process *c, *n, *reaper;

	if (list_empty(&p->children))
		return;
	reaper = find_reaper(p);
	list_for_each_entry_safe (c, n, &p->children, sibling) {
		c->parent = reaper;
		c->parent_tid = reaper->pid->nr;
		list_move_tail(&c->sibling, &reaper->children);
		if (c->pdeath_signal && c->state == PROC_RUNNING)
			(void)signal_send_group(&c->tg, c->pdeath_signal, NULL);
		if (c->state == PROC_ZOMBIE) {
			c->tg.leader->exit_signal = SIGCHLD;
			if (notify_parent_exit(c)) {
				process_release_locked(c);
				list_add_tail(&c->sibling, dead);
			}
			continue;
		}
		c->tg.leader->exit_signal = SIGCHLD;
		kill_orphaned_pgrp(c, p, false);
	}
}

void process_release_locked(struct process *p)
{
	struct pid *pid = p->pid;

	p->state = PROC_DEAD;
	list_del(&p->sibling);
	list_del(&p->all_node);
	nr_processes--;
	process_set_pgrp(p, NULL);
	process_set_session(p, NULL);
	WRITE_ONCE(pid->proc, NULL);
	WRITE_ONCE(pid->thread, NULL);
	if (pid->exit_wait)
		wake_up_all(pid->exit_wait);
	pid_unuse(pid);
}

void process_release_finish(struct process *p)
{
	struct thread *leader = p->tg.leader;

	/* Who holds a reference to the process may still ask (process_cred). */
	WRITE_ONCE(p->tg.leader, NULL);
	if (leader)
		thread_put(leader);
	process_put(p);
}

/* ---- leaving ---- */

/* Off the group's list: true for the last one. */
static bool leave_group_list(struct thread *t, int code, u64 *ut, u64 *st)
{
	struct thread_group *g = t->group;
	bool stop_done = false;
	unsigned long f = siglock(g);

	list_del(&t->group_node);
	bool last = --g->nr_threads == 0;
	thread_times(t, ut, st);
	g->sum_utime += *ut;
	g->sum_stime += *st;
	if (t == g->leader)
		t->exit_code = code;
	if (t->jobctl & JOBCTL_STOP) {
		t->jobctl &= ~JOBCTL_STOP;
		if (g->stop_count && --g->stop_count == 0 && !last && !(g->flags & TG_EXITING)) {
			g->flags |= TG_STOPPED;
			t->proc->stop_code = g->stop_sig;
			stop_done = true;
		}
	}
	/* A signal for the group that this thread was woken for must find another. */
	if (!last && g->shared.set.sig[0]) {
		struct thread *o;
		list_for_each_entry (o, &g->threads, group_node) {
			if (g->shared.set.sig[0] & ~o->blocked.sig[0]) {
				thread_set_work(o, TIF_SIGPENDING);
				if (!thread_wake(o, T_INTERRUPTIBLE))
					thread_kick(o);
			}
		}
	}
	sigunlock(g, f);
	if (stop_done)
		notify_parent_jobctl(t->proc, CLD_STOPPED, g->stop_sig);
	return last;
}

/* What goes with the last thread. */
static void exit_process_things(struct process *p, int code)
{
	if (p == init_process)
		panic("Attempted to kill init! exitcode=0x%08x",
		      p->tg.flags & TG_EXITING ? p->tg.exit_code : code);
	itimers_exit(p);
}

static void exit_tty(struct process *p)
{
	struct tty *tty = NULL;
	unsigned long f = siglock(&p->tg);

	/* A hang-up may take it from us at any moment. */
	if (p->leader && p->tty && tty_hooks) {
		tty = p->tty;
		tty_hooks->get(tty);
	}
	sigunlock(&p->tg, f);
	if (tty) {
		tty_hooks->session_exit(tty);
		tty_hooks->release(tty);
	} else if (p->leader && p->tty_old_pgrp) {
		f = siglock(&p->tg);
		struct pid *old = p->tty_old_pgrp;

		p->tty_old_pgrp = NULL;
		sigunlock(&p->tg, f);
		if (old) {
			(void)pgrp_signal(old, SIGHUP);
			(void)pgrp_signal(old, SIGCONT);
			pid_put(old);
		}
	}
	if (p->tty || p->tty_old_pgrp)
		process_clear_tty(p);
}

/* Counted out. True: t is not the leader, its reference must be dropped by the caller. */
static bool exit_notify(struct thread *t, u64 ut0, u64 st0)
{
	struct process *p = t->proc, *d, *n;
	struct thread_group *g = &p->tg;
	LIST_HEAD(dead);
	unsigned long f;
	u64 ut, st;

	spin_lock_irqsave(&tasklist_lock, f);
	spin_lock(&g->sighand->lock);
	thread_times(t, &ut, &st);
	g->sum_utime += ut - ut0;
	g->sum_stime += st - st0;
	p->io.rchar += t->io.rchar;
	p->io.wchar += t->io.wchar;
	p->io.syscr += t->io.syscr;
	p->io.syscw += t->io.syscw;
	g->sum_nvcsw += t->nvcsw;
	g->sum_nivcsw += t->nivcsw;
	g->sum_minflt += t->minflt;
	g->sum_majflt += t->majflt;
	bool last = --p->nr_live == 0;
	bool leader = t == g->leader;
	if (p->exec_thread && p->nr_live == 1)
		(void)thread_wake(p->exec_thread, T_NORMAL | T_WAKEKILL);
	if (last)
		p->exit_code = g->flags & TG_EXITING ? g->exit_code : g->leader->exit_code;
	spin_unlock(&g->sighand->lock);
	if (!leader) {
		struct pid *pid = pid_lookup(t->tid);

		WRITE_ONCE(pid->thread, NULL);
		pid_unuse(pid);
	}
	if (last) {
		reparent_children(p, &dead);
		kill_orphaned_pgrp(p, p->parent, true);
		p->state = PROC_ZOMBIE;
		if (notify_parent_exit(p)) {
			process_release_locked(p);
			list_add_tail(&p->sibling, &dead);
		}
	}
	spin_unlock_irqrestore(&tasklist_lock, f);
	list_for_each_entry_safe (d, n, &dead, sibling) {
		list_del(&d->sibling);
		process_release_finish(d);
	}
	return !leader;
}

void do_exit(int code)
{
	struct thread *t = current;
	struct process *p = t->proc;
	u64 ut, st;

	if (in_atomic())
		panic("Attempted to exit in atomic context");
	bool last = leave_group_list(t, code, &ut, &st);
	if (last)
		exit_process_things(p, code);
	exit_mm(t);
	if (last)
		exit_tty(p);
	struct files *files = t->files;
	struct fs_ctx *fs = t->fs;
	unsigned long f = siglock(&p->tg);
	t->files = NULL;
	t->fs = NULL;
	sigunlock(&p->tg, f);
	files_put(files);
	fs_ctx_put(fs);
	if (exit_notify(t, ut, st))
		thread_put(t);
	thread_exit(code);
}

void group_exit_locked(struct thread_group *g, int status)
{
	struct thread *t;

	g->flags = (g->flags & ~(TG_STOPPED | TG_CONTINUED | TG_CONT_NOTIFY)) | TG_EXITING;
	g->exit_code = status;
	g->stop_count = 0;
	list_for_each_entry (t, &g->threads, group_node) {
		t->jobctl &= ~JOBCTL_STOP;
		if (t == current)
			continue;
		sigset_add(&t->pending.set, SIGKILL);
		thread_set_work(t, TIF_SIGPENDING);
		if (!thread_wake(t, T_INTERRUPTIBLE | T_WAKEKILL | T_STOPPED | T_TRACED))
			thread_kick(t);
	}
}

void do_group_exit(int code)
{
	struct thread_group *g = current->group;
	unsigned long f = siglock(g);

	if (g->flags & TG_EXITING)
		code = g->exit_code;
	else
		group_exit_locked(g, code);
	sigunlock(g, f);
	do_exit(code);
}

/* execve: only the caller survives (execve(2)), under the process id, whichever thread it was. */
int kill_other_threads(void)
{
	struct thread *me = current, *t, *old_leader = NULL;
	struct process *p = me->proc;
	struct thread_group *g = &p->tg;
	unsigned long f = siglock(g);

	if (p->nr_live == 1 && g->leader == me) {
		sigunlock(g, f);
		return 0;
	}
	if (g->flags & (TG_EXITING | TG_EXECING)) {
		sigunlock(g, f);
		return -EAGAIN;
	}
	g->flags |= TG_EXECING;
	g->stop_count = 0;
	p->exec_thread = me;
	list_for_each_entry (t, &g->threads, group_node) {
		t->jobctl &= ~JOBCTL_STOP;
		if (t == me)
			continue;
		sigset_add(&t->pending.set, SIGKILL);
		thread_set_work(t, TIF_SIGPENDING);
		if (!thread_wake(t, T_INTERRUPTIBLE | T_WAKEKILL | T_STOPPED | T_TRACED))
			thread_kick(t);
	}
	int err = 0;
	for (;;) {
		set_current_state(T_KILLABLE);
		if (p->nr_live == 1)
			break;
		if (g->flags & TG_EXITING || me->pending.set.sig[0] & SIGMASK(SIGKILL)) {
			err = -EAGAIN;
			break;
		}
		sigunlock(g, f);
		schedule();
		f = siglock(g);
	}
	set_current_state(T_RUNNING);
	p->exec_thread = NULL;
	g->flags &= ~TG_EXECING;
	sigunlock(g, f);
	if (err)
		return err;
	if (g->leader == me)
		return 0;
	/* Take the dead leader's place and number; our own number is free again. */
	spin_lock_irqsave(&tasklist_lock, f);
	spin_lock(&g->sighand->lock);
	struct pid *mine = pid_lookup(me->tid);
	old_leader = g->leader;
	me->exit_signal = SIGCHLD;
	me->start_time = old_leader->start_time;
	g->leader = me;
	WRITE_ONCE(mine->thread, NULL);
	me->tid = p->pid->nr;
	rcu_assign_pointer(p->pid->thread, me);
	spin_unlock(&g->sighand->lock);
	pid_unuse(mine);
	spin_unlock_irqrestore(&tasklist_lock, f);
	thread_put(old_leader);
	return 0;
}

s64 sys_exit(int code)
{
	do_exit((code & 0xff) << 8);
}

s64 sys_exit_group(int code)
{
	do_group_exit((code & 0xff) << 8);
}
