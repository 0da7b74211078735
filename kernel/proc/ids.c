/* Process, group and session ids: getpid and friends, setpgid, setsid.
 * Sources: getpid(2), setpgid(2), setsid(2), credentials(7). */
#include "proc_priv.h"
#include <syscall/syscalls.h>

s64 sys_getpid(void)
{
	return current->proc->pid->nr;
}

s64 sys_gettid(void)
{
	return current->tid;
}

s64 sys_getppid(void)
{
	/* The parent's memory outlives its death by a grace period. */
	rcu_read_lock();
	struct process *p = rcu_dereference(current->proc->parent);
	pid_t nr = p ? p->pid->nr : 0;
	rcu_read_unlock();
	return nr;
}

static s64 id_of(pid_t pid, bool session)
{
	struct process *p;
	unsigned long f;
	s64 r = -ESRCH;

	spin_lock_irqsave(&tasklist_lock, f);
	if (pid) {
		struct pid *o = pid_lookup(pid);
		p = o ? o->proc : NULL;
		if (o && !p && o->thread)
			p = o->thread->proc;
	} else {
		p = current->proc;
	}
	if (p && p->pgrp)
		r = pid_nr(session ? p->session : p->pgrp);
	spin_unlock_irqrestore(&tasklist_lock, f);
	return r;
}

s64 sys_getpgid(pid_t pid)
{
	return id_of(pid, false);
}

s64 sys_getpgrp(void)
{
	return id_of(0, false);
}

s64 sys_getsid(pid_t pid)
{
	return id_of(pid, true);
}

/* May current put p into a group? tasklist_lock held. */
static int may_setpgid(struct process *p)
{
	struct process *me = current->proc;

	if (p->parent == me) {
		if (p->session != me->session)
			return -EPERM;
		if (p->did_exec)
			return -EACCES;
	} else if (p != me) {
		return -ESRCH;
	}
	/* A session leader's group keeps the session's number. */
	return p->leader || p->session == p->pid ? -EPERM : 0;
}

s64 sys_setpgid(pid_t pid, pid_t pgid)
{
	struct process *me = current->proc, *p;
	unsigned long f;
	int err = -ESRCH;

	if (!pid)
		pid = me->pid->nr;
	if (!pgid)
		pgid = pid;
	if (pgid < 0)
		return -EINVAL;
	spin_lock_irqsave(&tasklist_lock, f);
	p = process_lookup(pid);
	if (!p || p->state == PROC_DEAD)
		goto out;
	err = may_setpgid(p);
	if (err)
		goto out;
	struct pid *group = p->pid;
	if (pgid != pid) {
		group = pid_lookup(pgid);
		err = -EPERM;
		if (!group || list_empty(&group->pgrp) ||
		    list_first_entry(&group->pgrp, struct process, pgrp_node)->session !=
			    me->session)
			goto out;
	}
	err = 0;
	if (group != p->pgrp)
		process_set_pgrp(p, group);
out:
	spin_unlock_irqrestore(&tasklist_lock, f);
	return err;
}

s64 sys_setsid(void)
{
	struct process *me = current->proc;
	unsigned long f;

	spin_lock_irqsave(&tasklist_lock, f);
	struct pid *pid = me->pid;
	/* Not for a leader, nor while a group bears our number. PID 1 leads its group from birth. */
	if (me->leader || (!list_empty(&pid->pgrp) && me != init_process)) {
		spin_unlock_irqrestore(&tasklist_lock, f);
		return -EPERM;
	}
	if (me->session != pid)
		process_set_session(me, pid);
	if (me->pgrp != pid)
		process_set_pgrp(me, pid);
	me->leader = true;
	spin_unlock_irqrestore(&tasklist_lock, f);
	process_clear_tty(me);
	return pid->nr;
}
