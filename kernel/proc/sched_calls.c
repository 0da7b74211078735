/* System calls about other threads' scheduling: policy, priority, nice, affinity. pid is a thread's id,
 * 0 the caller. Who may: the owner of the target (effective against real or effective user id), with
 * RLIMIT_NICE and RLIMIT_RTPRIO as bounds; CAP_SYS_NICE everything.
 * Source: sched(7), sched_setscheduler(2), sched_setaffinity(2), getpriority(2). */
#include "proc_priv.h"
#include <alloc/slab.h>
#include <arch/smp.h>
#include <arch/uaccess.h>
#include <lib/bits.h>
#include <sched/cred.h>
#include <syscall/syscalls.h>
#include <uapi/sched_policy.h>

/* Counted. */
static struct thread *target(pid_t pid)
{
	if (pid < 0)
		return ERR_PTR(-EINVAL);
	if (!pid) {
		thread_get(current);
		return current;
	}
	struct thread *t = thread_find(pid);
	return t ? t : ERR_PTR(-ESRCH);
}

static bool owns(struct thread *t)
{
	const struct cred *c = current_cred();
	rcu_read_lock();
	const struct cred *tc = rcu_dereference(t->cred);
	bool ok = c->euid == tc->euid || c->euid == tc->uid;
	rcu_read_unlock();
	return ok || capable(CAP_SYS_NICE);
}

static u64 limit_of(struct thread *t, unsigned res)
{
	return t->proc ? READ_ONCE(t->proc->rlim[res].rlim_cur) : RLIM_INFINITY;
}

static bool may_nice(struct thread *t, s32 nice)
{
	return nice >= t->nice || (u64)(20 - nice) <= limit_of(t, RLIMIT_NICE) ||
	       capable(CAP_SYS_NICE);
}

static bool is_rt(u32 policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static int may_set(struct thread *t, u32 policy, u32 prio, bool reset)
{
	if (!owns(t))
		return -EPERM;
	if (capable(CAP_SYS_NICE))
		return 0;
	if (t->reset_on_fork && !reset)
		return -EPERM;
	if (is_rt(policy)) {
		u64 lim = limit_of(t, RLIMIT_RTPRIO);
		if ((policy != t->policy && !lim) || (prio > t->rt_priority && prio > lim))
			return -EPERM;
	}
	/* Leaving SCHED_IDLE is like lowering nice. */
	if (t->policy == SCHED_IDLE && policy != SCHED_IDLE &&
	    (u64)(20 - t->nice) > limit_of(t, RLIMIT_NICE))
		return -EPERM;
	return 0;
}

/* policy < 0: keep. */
static s64 set_scheduler(pid_t pid, int policy, const void __user *up)
{
	struct sched_param_abi param;
	if (!up)
		return -EINVAL;
	if (copy_in(&param, up, sizeof(param)))
		return -EFAULT;
	struct thread *t = target(pid);
	if (IS_ERR(t))
		return PTR_ERR(t);
	if (policy < 0)
		policy = (int)(t->policy | (t->reset_on_fork ? SCHED_RESET_ON_FORK : 0));
	u32 plain = (u32)policy & ~(u32)SCHED_RESET_ON_FORK, prio = (u32)param.sched_priority;
	s64 max = sys_sched_get_priority_max((int)plain);
	s64 ret = -EINVAL;
	if (max < 0 || plain == SCHED_DEADLINE || prio > max || (is_rt(plain) != (prio > 0)))
		goto out;
	ret = may_set(t, plain, prio, policy & SCHED_RESET_ON_FORK);
	if (!ret)
		ret = sched_set_policy(t, (u32)policy, prio, t->nice);
out:
	thread_put(t);
	return ret;
}

s64 sys_sched_setscheduler(pid_t pid, int policy, const void __user *p)
{
	return policy < 0 ? -EINVAL : set_scheduler(pid, policy, p);
}

s64 sys_sched_setparam(pid_t pid, const void __user *p)
{
	return set_scheduler(pid, -1, p);
}

s64 sys_sched_getparam(pid_t pid, void __user *p)
{
	if (!p)
		return -EINVAL;
	struct thread *t = target(pid);
	if (IS_ERR(t))
		return PTR_ERR(t);
	struct sched_param_abi param = {(s32)t->rt_priority};
	thread_put(t);
	return copy_out(p, &param, sizeof(param));
}

s64 sys_sched_getscheduler(pid_t pid)
{
	struct thread *t = target(pid);
	if (IS_ERR(t))
		return PTR_ERR(t);
	s64 policy = t->policy | (t->reset_on_fork ? SCHED_RESET_ON_FORK : 0);
	thread_put(t);
	return policy;
}

s64 sys_sched_rr_get_interval(pid_t pid, struct timespec __user *uts)
{
	struct thread *t = target(pid);
	if (IS_ERR(t))
		return PTR_ERR(t);
	ktime_t ns = 0;
	if (t->policy == SCHED_RR)
		ns = 100 * NSEC_PER_MSEC;
	else if (t->policy != SCHED_FIFO)
		ns = (ktime_t)t->se.slice;
	thread_put(t);
	struct timespec ts = ktime_to_timespec(ns);
	return copy_out(uts, &ts, sizeof(ts));
}

s64 sys_sched_setaffinity(pid_t pid, unsigned len, const void __user *umask)
{
	size_t bytes = cpumask_bytes(), n = min((size_t)len, bytes);
	unsigned long *mask = kzalloc(bytes, GFP_KERNEL);
	s64 ret = -ENOMEM;
	if (!mask)
		return ret;
	ret = -EFAULT;
	if (copy_in(mask, umask, n))
		goto out;
	struct thread *t = target(pid);
	if (IS_ERR(t)) {
		ret = PTR_ERR(t);
		goto out;
	}
	ret = owns(t) ? thread_set_affinity(t, mask) : -EPERM;
	thread_put(t);
out:
	kfree(mask);
	return ret;
}

s64 sys_sched_getaffinity(pid_t pid, unsigned len, void __user *umask)
{
	size_t bytes = cpumask_bytes();
	if ((u64)len * 8 < nr_cpus || len & (sizeof(long) - 1))
		return -EINVAL;
	unsigned long *mask = kzalloc(bytes, GFP_KERNEL);
	if (!mask)
		return -ENOMEM;
	struct thread *t = target(pid);
	s64 ret = PTR_ERR(t);
	if (!IS_ERR(t)) {
		size_t n = min((size_t)len, bytes);
		(void)sched_get_affinity(t, mask);
		thread_put(t);
		ret = copy_out(umask, mask, n);
		if (!ret)
			ret = (s64)n;
	}
	kfree(mask);
	return ret;
}

/* ---- getpriority, setpriority: a thread, the threads of a group, or those of a user ---- */

struct prio_walk {
	bool set;
	s32 nice;
	bool found;
	s32 best; /* lowest nice seen */
	int err;
};

static void visit_thread(struct thread *t, struct prio_walk *w)
{
	w->found = true;
	w->best = min(w->best, t->nice);
	if (!w->set)
		return;
	if (!owns(t))
		w->err = -EPERM;
	else if (!may_nice(t, w->nice))
		w->err = -EACCES;
	else
		(void)sched_set_nice(t, w->nice);
}

static void visit_process(struct process *p, struct prio_walk *w)
{
	struct thread *t;
	unsigned long f = siglock(&p->tg);
	list_for_each_entry (t, &p->tg.threads, group_node)
		visit_thread(t, w);
	sigunlock(&p->tg, f);
}

static bool of_user(struct process *p, uid_t uid)
{
	rcu_read_lock();
	const struct cred *c = process_cred(p);
	bool yes = c && c->uid == uid;
	rcu_read_unlock();
	return yes;
}

static int walk_group(int who, struct prio_walk *w)
{
	struct pid *pg = who ? pid_find(who) : process_pgrp(current->proc);
	struct process *p;
	unsigned long f;
	if (!pg)
		return -ESRCH;
	spin_lock_irqsave(&tasklist_lock, f);
	list_for_each_entry (p, &pg->pgrp, pgrp_node)
		visit_process(p, w);
	spin_unlock_irqrestore(&tasklist_lock, f);
	pid_put(pg);
	return 0;
}

static void walk_user(int who, struct prio_walk *w)
{
	uid_t uid = who ? (uid_t)who : current_cred()->uid;
	struct process *p;
	unsigned long f;
	spin_lock_irqsave(&tasklist_lock, f);
	list_for_each_entry (p, &all_processes, all_node)
		if (of_user(p, uid))
			visit_process(p, w);
	spin_unlock_irqrestore(&tasklist_lock, f);
}

static int walk(int which, int who, struct prio_walk *w)
{
	w->best = NICE_MAX + 1;
	if (which == PRIO_PROCESS) {
		struct thread *t = target(who);
		if (IS_ERR(t))
			return -ESRCH;
		visit_thread(t, w);
		thread_put(t);
	} else if (which == PRIO_PGRP) {
		int err = walk_group(who, w);
		if (err)
			return err;
	} else if (which == PRIO_USER) {
		walk_user(who, w);
	} else {
		return -EINVAL;
	}
	return w->found ? w->err : -ESRCH;
}

s64 sys_getpriority(int which, int who)
{
	struct prio_walk w = {.set = false};
	int err = walk(which, who, &w);
	return err ? err : 20 - w.best; /* never negative: the library turns it round */
}

s64 sys_setpriority(int which, int who, int prio)
{
	struct prio_walk w = {.set = true, .nice = clamp_t(s32, prio, NICE_MIN, NICE_MAX)};
	return walk(which, who, &w);
}
