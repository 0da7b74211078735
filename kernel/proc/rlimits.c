/* Limits and accounts: getrlimit, setrlimit, prlimit64, getrusage, times.
 *
 * The limits live in the process, under siglock; what mm/vm enforces is copied into struct mm when it
 * changes. Sources: getrlimit(2), getrusage(2), times(2). */
#include "proc_priv.h"
#include <syscall/syscalls.h>

#define RUSAGE_SELF	0
#define RUSAGE_CHILDREN (-1)
#define RUSAGE_THREAD	1
#define NR_OPEN_MAX	(1024 * 1024)

void mm_set_limits(struct mm *mm, const struct rlimit *rlim)
{
	mm->rlim_as = rlim[RLIMIT_AS].rlim_cur;
	mm->rlim_data = rlim[RLIMIT_DATA].rlim_cur;
	mm->rlim_stack = rlim[RLIMIT_STACK].rlim_cur;
	mm->rlim_memlock = rlim[RLIMIT_MEMLOCK].rlim_cur;
}

static int set_limit(struct process *p, unsigned res, const struct rlimit *n)
{
	if (n->rlim_cur > n->rlim_max)
		return -EINVAL;
	if (res == RLIMIT_NOFILE && n->rlim_max > NR_OPEN_MAX)
		return -EPERM;
	unsigned long f = siglock(&p->tg);
	int err = 0;
	if (n->rlim_max > p->rlim[res].rlim_max && !capable(CAP_SYS_RESOURCE)) {
		err = -EPERM;
	} else {
		p->rlim[res] = *n;
		if (res == RLIMIT_SIGPENDING)
			p->tg.sigpending_limit = n->rlim_cur;
	}
	sigunlock(&p->tg, f);
	if (err)
		return err;
	if (res == RLIMIT_CPU)
		itimers_limit_changed(p);
	struct mm *mm = process_mm(p);
	if (mm) {
		mm_set_limits(mm, p->rlim);
		mm_put(mm);
	}
	return 0;
}

static void get_limit(struct process *p, unsigned res, struct rlimit *r)
{
	unsigned long f = siglock(&p->tg);

	*r = p->rlim[res];
	sigunlock(&p->tg, f);
}

s64 sys_getrlimit(unsigned res, struct rlimit __user *r)
{
	struct rlimit l;

	if (res >= RLIM_NLIMITS)
		return -EINVAL;
	get_limit(current->proc, res, &l);
	return copy_out(r, &l, sizeof(l));
}

s64 sys_setrlimit(unsigned res, const struct rlimit __user *r)
{
	struct rlimit l;

	if (res >= RLIM_NLIMITS)
		return -EINVAL;
	if (copy_in(&l, r, sizeof(l)))
		return -EFAULT;
	return set_limit(current->proc, res, &l);
}

/* Another's limits: same real, effective and saved ids, or CAP_SYS_RESOURCE. */
static int may_prlimit(struct process *p)
{
	const struct cred *c = current_cred(), *tc;
	int err = -EPERM;

	if (p == current->proc)
		return 0;
	rcu_read_lock();
	tc = process_cred(p);
	if (!tc)
		err = -ESRCH;
	else if ((c->uid == tc->euid && c->uid == tc->suid && c->uid == tc->uid &&
		  c->gid == tc->egid && c->gid == tc->sgid && c->gid == tc->gid) ||
		 capable(CAP_SYS_RESOURCE))
		err = 0;
	rcu_read_unlock();
	return err;
}

s64 sys_prlimit64(pid_t pid, unsigned res, const struct rlimit __user *n, struct rlimit __user *old)
{
	struct rlimit nl, ol;
	struct process *p;

	if (res >= RLIM_NLIMITS)
		return -EINVAL;
	if (n && copy_in(&nl, n, sizeof(nl)))
		return -EFAULT;
	if (pid) {
		struct thread *t = thread_find(pid);

		if (!t)
			return -ESRCH;
		p = t->proc;
		process_get(p);
		thread_put(t);
	} else {
		p = current->proc;
		process_get(p);
	}
	int err = may_prlimit(p);
	if (!err) {
		get_limit(p, res, &ol);
		if (n)
			err = set_limit(p, res, &nl);
	}
	process_put(p);
	if (!err && old)
		err = copy_out(old, &ol, sizeof(ol));
	return err;
}

static struct timeval_ru to_tv(u64 ns)
{
	return (struct timeval_ru){ns / NSEC_PER_SEC, ns % NSEC_PER_SEC / 1000};
}

void thread_rusage(struct thread *t, struct rusage *r)
{
	u64 u, s;

	thread_times(t, &u, &s);
	memset(r, 0, sizeof(*r));
	r->ru_utime = to_tv(u);
	r->ru_stime = to_tv(s);
	r->ru_minflt = t->minflt;
	r->ru_majflt = t->majflt;
	r->ru_nvcsw = t->nvcsw;
	r->ru_nivcsw = t->nivcsw;
}

void process_rusage(struct process *p, bool self, bool children, struct rusage *r)
{
	u64 u = 0, s = 0, maxrss = 0;
	struct thread *t;

	memset(r, 0, sizeof(*r));
	if (self)
		process_times(p, &u, &s);
	unsigned long f = siglock(&p->tg);
	if (self) {
		r->ru_minflt = p->tg.sum_minflt;
		r->ru_majflt = p->tg.sum_majflt;
		r->ru_nvcsw = p->tg.sum_nvcsw;
		r->ru_nivcsw = p->tg.sum_nivcsw;
		list_for_each_entry (t, &p->tg.threads, group_node) {
			r->ru_minflt += t->minflt;
			r->ru_majflt += t->majflt;
			r->ru_nvcsw += t->nvcsw;
			r->ru_nivcsw += t->nivcsw;
		}
		maxrss = p->maxrss;
	}
	if (children) {
		u += p->cutime;
		s += p->cstime;
		r->ru_minflt += p->cminflt;
		r->ru_majflt += p->cmajflt;
		r->ru_nvcsw += p->cnvcsw;
		r->ru_nivcsw += p->cnivcsw;
		maxrss = max(maxrss, p->cmaxrss);
	}
	sigunlock(&p->tg, f);
	r->ru_utime = to_tv(u);
	r->ru_stime = to_tv(s);
	r->ru_maxrss = maxrss * (PAGE_SIZE / KiB);
}

static u64 current_rss(void)
{
	struct mm *mm = current->mm;
	u64 rss = atomic_read(&mm->rss[0]) + atomic_read(&mm->rss[1]) + atomic_read(&mm->rss[2]);

	return max(max(rss, mm->hiwater_rss), current->proc->maxrss) * (PAGE_SIZE / KiB);
}

s64 sys_getrusage(int who, struct rusage __user *ru)
{
	struct rusage r;

	switch (who) {
	case RUSAGE_SELF:
		process_rusage(current->proc, true, false, &r);
		r.ru_maxrss = current_rss();
		break;
	case RUSAGE_CHILDREN:
		process_rusage(current->proc, false, true, &r);
		break;
	case RUSAGE_THREAD:
		thread_rusage(current, &r);
		r.ru_maxrss = current_rss();
		break;
	default:
		return -EINVAL;
	}
	return copy_out(ru, &r, sizeof(r));
}

s64 sys_times(void __user *buf)
{
	const u64 tick = NSEC_PER_SEC / USER_HZ;
	struct process *p = current->proc;
	u64 u, s;

	if (buf) {
		process_times(p, &u, &s);
		s64 t[4] = {u / tick, s / tick, p->cutime / tick, p->cstime / tick};
		if (copy_out(buf, t, sizeof(t)))
			return -EFAULT;
	}
	return ktime_get_boottime() / tick;
}
