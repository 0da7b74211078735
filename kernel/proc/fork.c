/* fork, vfork, clone, clone3: a new thread that shares with its parent what the flags say.
 *
 * Everything is prepared while the child is invisible; then, under tasklist_lock and siglock, it gets its
 * place in the family in one step, or the call fails and unwinds. A signal that arrives before that
 * point makes the call start over (-ERESTARTNOINTR), so that a signal to the group reaches either the
 * parent before or both after. Sources: clone(2), fork(2), vfork(2), credentials(7). */
#include "proc_priv.h"
#include <alloc/slab.h>
#include <arch/clock.h>
#include <syscall/syscalls.h>
#include <uapi/sched.h>

#define CLONE_NAMESPACES                                                               \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
	 CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)

static int check_flags(u64 fl)
{
	if ((fl & (CLONE_THREAD | CLONE_SIGHAND)) == CLONE_THREAD)
		return -EINVAL;
	if ((fl & (CLONE_SIGHAND | CLONE_VM)) == CLONE_SIGHAND)
		return -EINVAL;
	if ((fl & (CLONE_CLEAR_SIGHAND | CLONE_SIGHAND)) == (CLONE_CLEAR_SIGHAND | CLONE_SIGHAND))
		return -EINVAL;
	/* Every process of PID 1's making is its own child: it has no siblings. */
	if ((fl & CLONE_PARENT) && (current->proc->tg.flags & TG_INIT))
		return -EINVAL;
	if (fl & ~CSIGNAL & CLONE_NAMESPACES)
		return -EINVAL;
	if (fl & (CLONE_INTO_CGROUP | CLONE_PIDFD))
		return -EINVAL;
	return 0;
}

/* Count the child against RLIMIT_NPROC of the real user. */
static int charge_user(struct thread *t)
{
	const struct cred *c = current_cred();

	t->user_count = user_count_add(c->uid);
	if (!t->user_count)
		return -ENOMEM;
	if (c->uid &&
	    user_count_read(t->user_count) > (long)(rlimit_get(RLIMIT_NPROC) & INT64_MAX) &&
	    !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN))
		return -EAGAIN;
	return 0;
}

static int copy_files(struct thread *t, u64 fl)
{
	if (fl & CLONE_FILES) {
		t->files = files_get(current->files);
	} else {
		struct files *f = files_copy(current->files);
		if (IS_ERR(f))
			return PTR_ERR(f);
		t->files = f;
	}
	if (fl & CLONE_FS) {
		t->fs = fs_ctx_get(current->fs);
	} else {
		struct fs_ctx *c = fs_ctx_copy(current->fs);
		if (IS_ERR(c))
			return PTR_ERR(c);
		t->fs = c;
	}
	return 0;
}

static int copy_mm(struct thread *t, u64 fl)
{
	if (fl & CLONE_VM) {
		mm_get(current->mm);
		t->mm = current->mm;
	} else {
		struct mm *mm = mm_fork(current->mm);
		if (IS_ERR(mm))
			return PTR_ERR(mm);
		t->mm = mm;
	}
	return 0;
}

static int copy_sighand(struct process *p, u64 fl)
{
	struct sighand *old = current->proc->tg.sighand, *s;

	if (fl & CLONE_SIGHAND) {
		ref_get(&old->ref);
		p->tg.sighand = old;
		return 0;
	}
	s = sighand_alloc();
	if (!s)
		return -ENOMEM;
	unsigned long f = siglock(&current->proc->tg);
	memcpy(s->action, old->action, sizeof(s->action));
	sigunlock(&current->proc->tg, f);
	if (fl & CLONE_CLEAR_SIGHAND)
		signal_reset_handlers(s, false);
	p->tg.sighand = s;
	return 0;
}

/* The new process of a new leader thread. */
static int copy_process(struct thread *t, u64 fl)
{
	struct process *me = current->proc;
	struct process *p = process_alloc();

	if (!p)
		return -ENOMEM;
	int err = copy_sighand(p, fl);
	if (err) {
		process_put(p);
		return err;
	}
	unsigned long f = siglock(&me->tg);
	memcpy(p->rlim, me->rlim, sizeof(p->rlim));
	sigunlock(&me->tg, f);
	p->tg.sigpending_limit = p->rlim[RLIMIT_SIGPENDING].rlim_cur;
	itimers_limit_changed(p);
	p->personality = me->personality;
	p->dumpable = me->dumpable;
	p->oom_score_adj = me->oom_score_adj;
	p->timer_slack_ns = me->timer_slack_ns;
	p->vfork = fl & CLONE_VFORK;
	p->start_boottime = ktime_get_boottime();
	p->tg.leader = t;
	process_get(p);
	t->proc = p;
	return 0;
}

static int copy_signal_state(struct thread *t, u64 fl)
{
	t->blocked = current->blocked;
	/* A new stack cannot share the alternate one, but vfork's child runs on the parent's. */
	if (!(fl & CLONE_VM) || (fl & CLONE_VFORK))
		t->altstack = current->altstack;
	else
		t->altstack = (stack_t){.ss_flags = SS_DISABLE};
	return 0;
}

void thread_discard(struct thread *t, bool own_process)
{
	struct process *p = t->proc;

	if (t->mm)
		mm_put(t->mm);
	if (t->fs)
		fs_ctx_put(t->fs);
	if (t->files)
		files_put(t->files);
	t->mm = NULL;
	t->fs = NULL;
	t->files = NULL;
	if (p && own_process)
		process_put(p); /* the thread's free hook drops the other reference */
	thread_put(t);
}

/* Give t its place. tasklist_lock and siglock of current are taken. 0 or -ERESTARTNOINTR, -EAGAIN. */
static int publish(struct thread *t, struct pid *pid, const struct clone_req *r)
{
	struct process *me = current->proc, *p = t->proc;
	unsigned long f;

	spin_lock_irqsave(&tasklist_lock, f);
	spin_lock(&me->tg.sighand->lock);
	if (signal_pending() || (me->tg.flags & (TG_EXITING | TG_EXECING))) {
		spin_unlock(&me->tg.sighand->lock);
		spin_unlock_irqrestore(&tasklist_lock, f);
		return -ERESTARTNOINTR;
	}
	if (r->flags & CLONE_THREAD) {
		list_add_tail(&t->group_node, &me->tg.threads);
		me->tg.nr_threads++;
		me->nr_live++;
	} else {
		list_add_tail(&t->group_node, &p->tg.threads);
		p->tg.nr_threads = 1;
		p->nr_live = 1;
		p->pid = pid_get(pid);
		p->parent = (r->flags & CLONE_PARENT) ? me->parent : me;
		p->parent_tid = (r->flags & CLONE_PARENT) ? me->parent_tid : current->tid;
		list_add_tail(&p->sibling, &p->parent->children);
		list_add_tail(&p->all_node, &all_processes);
		nr_processes++;
		process_set_pgrp(p, me->pgrp);
		process_set_session(p, me->session);
		p->tty = me->tty;
		if (p->tty && tty_hooks)
			tty_hooks->get(p->tty);
		rcu_assign_pointer(pid->proc, p);
	}
	rcu_assign_pointer(pid->thread, t);
	spin_unlock(&me->tg.sighand->lock);
	spin_unlock_irqrestore(&tasklist_lock, f);
	return 0;
}

static int prepare_thread(struct thread *t, const struct clone_req *r)
{
	u64 fl = r->flags;
	struct regs regs = *stack_user_regs(current->kstack);
	int err;

	cred_put(t->cred);
	t->cred = cred_get(current_cred());
	regs.rax = 0;
	if (r->stack)
		regs.rsp = r->stack;
	err = arch_thread_init_user(&t->arch, t->kstack, &regs, &current->arch);
	if (err)
		return err;
	if (fl & CLONE_SETTLS)
		t->arch.fsbase = r->tls;
	if (fl & CLONE_THREAD) {
		process_get(current->proc);
		t->proc = current->proc;
		t->exit_signal = 0;
	} else {
		err = copy_process(t, fl);
		if (err)
			return err;
		t->exit_signal = (fl & CLONE_PARENT) ? current->proc->tg.leader->exit_signal
						     : r->exit_signal;
	}
	t->group = &t->proc->tg;
	copy_signal_state(t, fl);
	err = charge_user(t);
	if (!err)
		err = copy_files(t, fl);
	if (!err)
		err = copy_mm(t, fl);
	if (err)
		return err;
	t->clear_tid = (fl & CLONE_CHILD_CLEARTID) ? r->child_tid : NULL;
	/* Restartable sequences are inherited by fork, not by threads (rseq(2)). */
	if (!(fl & CLONE_VM)) {
		t->rseq = current->rseq;
		t->rseq_len = current->rseq_len;
		t->rseq_sig = current->rseq_sig;
	}
	return 0;
}

/* Sleep until the child has left our address space. Killed: leave it alone. */
static void vfork_wait(struct thread *t, struct completion *done)
{
	if (wait_for_completion_killable(done)) {
		unsigned long f = siglock(t->group);
		t->vfork_done = NULL;
		sigunlock(t->group, f);
	}
}

s64 do_clone(const struct clone_req *r)
{
	struct completion vfork_done;
	u64 fl = r->flags;
	int err = check_flags(fl);

	if (err)
		return err;
	struct thread *t = thread_alloc(current->comm);
	if (!t)
		return -ENOMEM;
	err = prepare_thread(t, r);
	if (err)
		goto out_thread;
	struct pid *pid = pid_alloc(r->set_tid);
	if (IS_ERR(pid)) {
		err = PTR_ERR(pid);
		goto out_thread;
	}
	pid_t nr = pid->nr;
	t->tid = nr;
	if (fl & CLONE_VFORK) {
		completion_init(&vfork_done);
		t->vfork_done = &vfork_done;
	}
	if ((fl & CLONE_PARENT_SETTID) && put_user(nr, r->parent_tid)) {
		err = -EFAULT;
		goto out_pid;
	}
	if (fl & CLONE_CHILD_SETTID)
		(void)vm_access(t->mm, user_to_u64(r->child_tid), &nr, sizeof(nr), true);
	err = publish(t, pid, r);
	if (err)
		goto out_pid;
	if (fl & CLONE_VFORK)
		thread_get(t);
	thread_start(t);
	if (fl & CLONE_VFORK) {
		vfork_wait(t, &vfork_done);
		thread_put(t);
	}
	return nr;

out_pid:
	pid_unuse(pid);
out_thread:
	thread_discard(t, !(fl & CLONE_THREAD));
	return err;
}

s64 sys_fork(void)
{
	return do_clone(&(struct clone_req){.exit_signal = SIGCHLD});
}

s64 sys_vfork(void)
{
	return do_clone(
		&(struct clone_req){.flags = CLONE_VFORK | CLONE_VM, .exit_signal = SIGCHLD});
}

s64 sys_clone(u64 flags, u64 stack, int __user *ptid, int __user *ctid, u64 tls)
{
	struct clone_req r = {
		.flags = (u32)flags & ~CSIGNAL,
		.exit_signal = flags & CSIGNAL,
		.stack = stack,
		.parent_tid = ptid,
		.child_tid = ctid,
		.tls = tls,
	};
	if (r.exit_signal > NSIG)
		return -EINVAL;
	if ((r.flags & CLONE_SETTLS) && tls >= user_limit)
		return -EPERM;
	return do_clone(&r);
}

/* A struct from user space that may be longer or shorter than ours: what we do not know must be zero. */
static int copy_struct_in(void *dst, size_t ksize, const void __user *src, size_t usize)
{
	size_t n = min(ksize, usize);

	memset(dst, 0, ksize);
	if (copy_in(dst, src, n))
		return -EFAULT;
	for (size_t i = ksize; i < usize; i++) {
		u8 b;

		if (copy_in(&b, (const u8 __user *)src + i, 1))
			return -EFAULT;
		if (b)
			return -E2BIG;
	}
	return 0;
}

static int import_set_tid(const struct clone_args *a, struct clone_req *r)
{
	if (!a->set_tid && a->set_tid_size)
		return -EINVAL;
	if (a->set_tid && !a->set_tid_size)
		return -EINVAL;
	if (!a->set_tid_size)
		return 0;
	if (a->set_tid_size > 1) /* one id per PID namespace: there is one */
		return -EINVAL;
	pid_t want;
	if (get_user(want, (pid_t __user *)u64_to_user(a->set_tid)))
		return -EFAULT;
	if (want < 1 || want >= pid_max)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	r->set_tid = want;
	return 0;
}

s64 sys_clone3(void __user *uargs, size_t size)
{
	struct clone_args a;

	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	int err = copy_struct_in(&a, sizeof(a), uargs, size);
	if (err)
		return err;
	if (a.flags & (CLONE_DETACHED | (CSIGNAL & ~CLONE_NEWTIME)) || a.flags >> 34)
		return -EINVAL;
	if (a.exit_signal > NSIG || ((a.flags & (CLONE_THREAD | CLONE_PARENT)) && a.exit_signal))
		return -EINVAL;
	if (!a.stack != !a.stack_size || !access_ok(u64_to_user(a.stack), a.stack_size))
		return -EINVAL;
	if ((a.flags & CLONE_SETTLS) && a.tls >= user_limit)
		return -EPERM;
	if (a.flags & CLONE_NEWTIME)
		return -EINVAL;
	struct clone_req r = {
		.flags = a.flags,
		.pidfd = u64_to_user(a.pidfd),
		.child_tid = u64_to_user(a.child_tid),
		.parent_tid = u64_to_user(a.parent_tid),
		.exit_signal = a.exit_signal,
		.stack = a.stack ? a.stack + a.stack_size : 0,
		.tls = a.tls,
	};
	err = import_set_tid(&a, &r);
	return err ? err : do_clone(&r);
}

s64 sys_set_tid_address(int __user *tid)
{
	current->clear_tid = tid;
	return current->tid;
}
