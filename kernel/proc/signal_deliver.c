/* Signal delivery: on the way back to user mode a thread takes its next signal and runs a handler, stops,
 * or dies; and system calls that a signal interrupted are restarted or end with -EINTR.
 *
 * Queueing and waking are kernel/sched's (include/sched/signal.h), frames are arch's. Group stops: the
 * thread that takes a stop signal asks every thread of the group (JOBCTL_STOP); the last to stop sets
 * TG_STOPPED and tells the parent. SIGCONT undoes all that at sending time; the first thread that
 * runs again tells the parent (TG_CONT_NOTIFY). Siglock protects it all; notifications go out
 * without it, as the parent's siglock ranks equal. Sources: signal(7), sigaction(2), sigreturn(2). */
#include "proc_priv.h"
#include <arch/signal_frame.h>
#include <log/printk.h>
#include <syscall/syscalls.h>

#define NR_restart_syscall 219

#define MASK_STOP   (SIGMASK(SIGSTOP) | SIGMASK(SIGTSTP) | SIGMASK(SIGTTIN) | SIGMASK(SIGTTOU))
#define MASK_IGNORE (SIGMASK(SIGCONT) | SIGMASK(SIGCHLD) | SIGMASK(SIGWINCH) | SIGMASK(SIGURG))

void notify_parent_jobctl(struct process *p, int why, int sig)
{
	unsigned long f, g;

	spin_lock_irqsave(&tasklist_lock, f);
	struct process *parent = p->parent;
	if (!parent)
		goto out;
	siginfo_t info = {.si_signo = SIGCHLD, .si_code = why};
	u64 ut, st;
	process_times(p, &ut, &st);
	info.chld.pid = p->pid->nr;
	info.chld.uid = current_cred()->uid;
	info.chld.status = sig;
	info.chld.utime = ut / (NSEC_PER_SEC / USER_HZ);
	info.chld.stime = st / (NSEC_PER_SEC / USER_HZ);
	g = siglock(&parent->tg);
	const struct ksigaction *a = &parent->tg.sighand->action[SIGCHLD - 1];
	bool tell = user_to_u64(a->handler) != SIG_IGN && !(a->flags & SA_NOCLDSTOP);
	sigunlock(&parent->tg, g);
	if (tell)
		(void)signal_send_group(&parent->tg, SIGCHLD, &info);
	__wake_up(&parent->wait_chldexit, T_INTERRUPTIBLE, 0x7fffffff, 0);
out:
	spin_unlock_irqrestore(&tasklist_lock, f);
}

static bool must_die(struct thread *t)
{
	const struct thread_group *g = t->group;

	return (g->flags & TG_EXITING) ||
	       ((t->pending.set.sig[0] | g->shared.set.sig[0]) & SIGMASK(SIGKILL));
}

/* Ask the whole group to stop. siglock held. */
static void start_stop(struct thread_group *g, int sig)
{
	struct thread *t;

	g->stop_sig = sig;
	g->stop_count = 0;
	list_for_each_entry (t, &g->threads, group_node) {
		t->jobctl |= JOBCTL_STOP;
		g->stop_count++;
		if (t == current)
			continue;
		thread_set_work(t, TIF_SIGPENDING);
		if (!thread_wake(t, T_INTERRUPTIBLE))
			thread_kick(t);
	}
}

/* Take part in the group stop. siglock held (flags f) on entry, not on return. */
static void join_stop(struct thread *t, unsigned long f)
{
	struct thread_group *g = t->group;
	int sig = g->stop_sig;

	t->jobctl &= ~JOBCTL_STOP;
	if (g->stop_count && --g->stop_count == 0) {
		g->flags = (g->flags & ~TG_CONTINUED) | TG_STOPPED;
		t->proc->stop_code = sig;
		sigunlock(g, f);
		notify_parent_jobctl(t->proc, CLD_STOPPED, sig);
		f = siglock(g);
	}
	while (((g->flags & TG_STOPPED) || g->stop_count) && !must_die(t)) {
		set_current_state(T_STOPPED);
		sigunlock(g, f);
		schedule();
		f = siglock(g);
	}
	set_current_state(T_RUNNING);
	sigunlock(g, f);
}

static void report_fatal(struct thread *t, const struct regs *r, int sig, const siginfo_t *info)
{
	static u64 window;
	static atomic_t shown;
	u64 now = ktime_get() / (5 * NSEC_PER_SEC);

	if (info->si_code <= 0 ||
	    !((SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGILL) | SIGMASK(SIGFPE)) &
	      SIGMASK(sig)))
		return;
	if (READ_ONCE(window) != now) {
		WRITE_ONCE(window, now);
		atomic_set(&shown, 0);
	}
	if (atomic_inc_return(&shown) > 10)
		return;
	pr_info("%s[%d]: signal %d code %d at %lx ip %lx sp %lx error %x", t->comm, t->tid, sig,
		info->si_code, t->fault_addr, r->rip, r->rsp, t->trap_err);
}

/* The next signal that has a handler (copied to *ka), or 0. Ignored ones vanish, stops happen, fatal ones
 * do not return. */
static int get_signal(struct regs *r, siginfo_t *info, struct ksigaction *ka)
{
	struct thread *t = current;
	struct process *p = t->proc;
	struct thread_group *g = t->group;
	unsigned long f = siglock(g);

	for (;;) {
		if ((g->flags & TG_CONT_NOTIFY)) {
			g->flags &= ~TG_CONT_NOTIFY;
			sigunlock(g, f);
			notify_parent_jobctl(p, CLD_CONTINUED, SIGCONT);
			f = siglock(g);
			continue;
		}
		if ((g->flags & TG_EXITING) || (t->pending.set.sig[0] & SIGMASK(SIGKILL))) {
			bool by_exec = (g->flags & (TG_EXITING | TG_EXECING)) == TG_EXECING &&
				       p->exec_thread != t;
			sigunlock(g, f);
			if (by_exec)
				do_exit(SIGKILL);
			do_group_exit(SIGKILL);
		}
		if (t->jobctl & JOBCTL_STOP) {
			join_stop(t, f);
			f = siglock(g);
			continue;
		}
		int sig = signal_dequeue(t, &t->blocked, info);
		if (!sig) {
			signal_recalc(t);
			sigunlock(g, f);
			return 0;
		}
		struct ksigaction *a = &g->sighand->action[sig - 1];
		if (user_to_u64(a->handler) == SIG_IGN)
			continue;
		if (user_to_u64(a->handler) != SIG_DFL) {
			*ka = *a;
			if (a->flags & SA_RESETHAND)
				a->handler = u64_to_user(SIG_DFL);
			signal_recalc(t);
			sigunlock(g, f);
			return sig;
		}
		if (MASK_IGNORE & SIGMASK(sig))
			continue;
		if (g->flags & TG_INIT)
			continue;
		if (MASK_STOP & SIGMASK(sig)) {
			if (sig != SIGSTOP) {
				/* The terminal's stops do not reach orphaned groups. */
				sigunlock(g, f);
				bool orphaned = pgrp_is_orphaned(p->pgrp);
				f = siglock(g);
				if (orphaned || must_die(t) ||
				    (g->shared.set.sig[0] & SIGMASK(SIGCONT)))
					continue;
			}
			start_stop(g, sig);
			continue;
		}
		sigunlock(g, f);
		report_fatal(t, r, sig, info);
		do_group_exit(sig);
	}
}

/* What an interrupted call returns to a handler: -EINTR, or it is made again afterwards. */
static void restart_for_handler(struct regs *r, const struct ksigaction *ka)
{
	if ((s64)r->orig_rax < 0)
		return;
	switch (-(s64)r->rax) {
	case ERESTARTSYS:
		if (ka->flags & SA_RESTART)
			goto again;
		__fallthrough;
	case ERESTARTNOHAND:
	case ERESTART_RESTARTBLOCK:
		r->rax = (u64)-EINTR;
		break;
	case ERESTARTNOINTR:
	again:
		r->rax = r->orig_rax;
		r->rip -= 2; /* the syscall instruction */
		break;
	}
}

static void restart_without_handler(struct regs *r)
{
	if ((s64)r->orig_rax < 0)
		return;
	switch (-(s64)r->rax) {
	case ERESTARTSYS:
	case ERESTARTNOHAND:
	case ERESTARTNOINTR:
		r->rax = r->orig_rax;
		break;
	case ERESTART_RESTARTBLOCK:
		r->rax = NR_restart_syscall;
		break;
	default:
		return;
	}
	r->rip -= 2;
	r->orig_rax = (u64)-1;
}

/* The frame could not be built: SIGSEGV, and if that was the one, without its handler. */
static void frame_failed(struct thread *t, int sig)
{
	if (sig == SIGSEGV) {
		unsigned long f = siglock(t->group);
		t->group->sighand->action[SIGSEGV - 1].handler = u64_to_user(SIG_DFL);
		sigunlock(t->group, f);
	}
	signal_force(t, SIGSEGV, NULL);
}

static void run_handler(struct regs *r, int sig, const siginfo_t *info, const struct ksigaction *ka)
{
	struct thread *t = current;
	sigset_t old = t->restore_mask ? t->saved_mask : t->blocked, mask = t->blocked;

	restart_for_handler(r, ka);
	rseq_signal(r);
	if (arch_setup_signal_frame(r, sig, ka, info, &old, &t->altstack)) {
		frame_failed(t, sig);
		return;
	}
	r->orig_rax = (u64)-1;
	t->restore_mask = false;
	if ((u32)t->altstack.ss_flags & SS_AUTODISARM) /* whatever stack the handler runs on */
		t->altstack = (stack_t){.ss_flags = SS_DISABLE};
	mask.sig[0] |= ka->mask.sig[0];
	if (!(ka->flags & SA_NODEFER))
		sigset_add(&mask, sig);
	signal_set_blocked(&mask);
}

void signal_deliver(struct regs *r)
{
	struct thread *t = current;
	struct ksigaction ka;
	siginfo_t info;
	int sig = get_signal(r, &info, &ka);

	if (sig) {
		run_handler(r, sig, &info, &ka);
		return;
	}
	restart_without_handler(r);
	if (t->restore_mask) {
		t->restore_mask = false;
		signal_set_blocked(&t->saved_mask);
	}
}

void user_exception(struct regs *r, int sig, int si_code, u64 addr, u32 trapno, u32 err)
{
	struct thread *t = current;
	siginfo_t info = {.si_signo = sig, .si_code = si_code};

	info.fault.addr = addr;
	t->fault_addr = addr;
	t->trap_no = trapno;
	t->trap_err = err;
	signal_force(t, sig, &info);
}

void signal_reset_handlers(struct sighand *sh, bool all)
{
	for (unsigned i = 0; i < NSIG; i++) {
		struct ksigaction *a = &sh->action[i];

		if (all || user_to_u64(a->handler) != SIG_IGN)
			a->handler = u64_to_user(SIG_DFL);
		a->flags = 0;
		a->restorer = NULL;
		a->mask.sig[0] = 0;
	}
}

static int altstack_check(const stack_t *ss)
{
	u32 mode = (u32)ss->ss_flags & ~SS_AUTODISARM;

	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (mode != SS_DISABLE && ss->ss_size < MINSIGSTKSZ)
		return -ENOMEM;
	return 0;
}

static bool on_altstack(const struct thread *t, u64 sp)
{
	u64 base = user_to_u64(t->altstack.ss_sp);

	if ((u32)t->altstack.ss_flags & SS_AUTODISARM)
		return false;
	return sp > base && sp - base <= t->altstack.ss_size;
}

static void altstack_set(struct thread *t, const stack_t *ss)
{
	if (((u32)ss->ss_flags & ~SS_AUTODISARM) == SS_DISABLE)
		t->altstack = (stack_t){.ss_flags = ss->ss_flags};
	else
		t->altstack = *ss;
}

s64 sys_sigaltstack(const stack_t __user *uss, stack_t __user *uold)
{
	struct thread *t = current;
	u64 sp = stack_user_regs(t->kstack)->rsp;
	stack_t ss, old = t->altstack;

	if (uss) {
		if (copy_in(&ss, uss, sizeof(ss)))
			return -EFAULT;
		if (on_altstack(t, sp))
			return -EPERM;
		int err = altstack_check(&ss);
		if (err)
			return err;
		altstack_set(t, &ss);
	}
	if (uold) {
		stack_t out = old;
		if (!old.ss_size)
			out.ss_flags |= SS_DISABLE;
		else if (sp > user_to_u64(old.ss_sp) && sp - user_to_u64(old.ss_sp) <= old.ss_size)
			out.ss_flags = ((u32)out.ss_flags & SS_AUTODISARM) | SS_ONSTACK;
		else
			out.ss_flags = (u32)out.ss_flags & SS_AUTODISARM;
		if (copy_out(uold, &out, sizeof(out)))
			return -EFAULT;
	}
	return 0;
}

s64 sys_rt_sigreturn(void)
{
	struct thread *t = current;
	struct regs *r = stack_user_regs(t->kstack);
	sigset_t mask;
	stack_t ss;

	if (arch_restore_signal_frame(r, &mask, &ss)) {
		r->orig_rax = (u64)-1;
		signal_force(t, SIGSEGV, NULL);
		return 0;
	}
	signal_set_blocked(&mask);
	if (!altstack_check(&ss))
		altstack_set(t, &ss);
	t->restart.fn = NULL;
	return r->rax;
}

s64 sys_restart_syscall(void)
{
	struct restart *r = &current->restart;

	return r->fn ? r->fn(r) : -EINTR;
}
