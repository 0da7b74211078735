/* Interval timers of a process (setitimer, alarm) and its CPU-time limit.
 *
 * ITIMER_REAL is a timer that restarts itself from its own function. ITIMER_VIRTUAL, ITIMER_PROF and
 * RLIMIT_CPU are looked at by the tick of whichever of the process's threads runs
 * (sched_cpu_timer_hook), while tg.cpu_timers says that there is something to look at; their resolution
 * is the tick's.
 *
 * struct itimers is made at the first use and goes with the process (itimers_exit, at its last thread's
 * exit). Fork makes the child start without; exec keeps them.
 * Locks: itimers.mutex serialises setters; the CPU-time fields are under siglock.
 * Source: setitimer(2), alarm(2), getrlimit(2). */
#include "proc_priv.h"
#include <alloc/slab.h>
#include <arch/uaccess.h>
#include <sched/cputime.h>
#include <sched/lock.h>
#include <syscall/syscalls.h>
#include <time/clock.h>

enum { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };
enum { CPU_VIRTUAL = 1, CPU_PROF = 2, CPU_LIMIT = 4 };

struct cpu_itimer {
	u64 expires;  /* CPU time, 0: off */
	u64 interval; /* 0: once */
};
struct itimers {
	struct process *proc; /* [I] outlives this */
	mutex_t mutex;
	struct timer real;
	ktime_t real_interval;	  /* [a] */
	struct cpu_itimer cpu[2]; /* [siglock] VIRTUAL, PROF */
};

static void real_expired(struct timer *t)
{
	struct itimers *it = container_of(t, struct itimers, real);
	ktime_t interval = READ_ONCE(it->real_interval);
	(void)signal_send_group(&it->proc->tg, SIGALRM, NULL);
	if (interval) {
		ktime_t now = ktime_get(), next = ktime_add(t->expires, interval);
		if (next <= now) /* late: skip what was missed */
			next = ktime_add(now, interval - (now - t->expires) % interval);
		timer_start(t, next);
	}
}

static struct itimers *itimers_get(struct process *p)
{
	struct itimers *it = __atomic_load_n((struct itimers **)&p->itimers, __ATOMIC_ACQUIRE);
	if (it)
		return it;
	it = kzalloc(sizeof(*it), GFP_KERNEL);
	if (!it)
		return NULL;
	it->proc = p;
	mutex_init(&it->mutex);
	timer_init(&it->real, real_expired);
	void *other = cmpxchg(&p->itimers, NULL, (void *)it);
	if (other) {
		kfree(it);
		it = other;
	}
	return it;
}

void itimers_exit(struct process *p)
{
	struct itimers *it = p->itimers;
	__atomic_fetch_and(&p->tg.cpu_timers, 0, __ATOMIC_SEQ_CST);
	if (!it)
		return;
	WRITE_ONCE(it->real_interval, 0);
	timer_cancel(&it->real);
	unsigned long f = siglock(&p->tg);
	p->itimers = NULL; /* the tick of an exiting thread looks under siglock */
	sigunlock(&p->tg, f);
	kfree(it);
}

void itimers_limit_changed(struct process *p)
{
	if (READ_ONCE(p->rlim[RLIMIT_CPU].rlim_cur) != RLIM_INFINITY)
		__atomic_fetch_or(&p->tg.cpu_timers, CPU_LIMIT, __ATOMIC_SEQ_CST);
	else
		__atomic_fetch_and(&p->tg.cpu_timers, ~CPU_LIMIT, __ATOMIC_SEQ_CST);
}

static bool cpu_timer_due(struct cpu_itimer *c, u64 now)
{
	if (!c->expires || now < c->expires)
		return false;
	if (c->interval)
		c->expires += c->interval * ((now - c->expires) / c->interval + 1);
	else
		c->expires = 0;
	return true;
}

/* The signal for RLIMIT_CPU, 0: none. Each second above the soft limit brings another SIGXCPU. */
static int limit_due(struct process *p, u64 used)
{
	struct rlimit *r = &p->rlim[RLIMIT_CPU];
	u64 secs = used / NSEC_PER_SEC;
	if (secs >= r->rlim_max)
		return SIGKILL;
	if (secs < r->rlim_cur)
		return 0;
	r->rlim_cur = secs + 1;
	return SIGXCPU;
}

/* Hard IRQ, from the tick. */
static void cpu_timers_tick(struct thread *t)
{
	struct process *p = group_process(t->group);
	u64 u, s;
	bool virt = false, prof = false;
	int limit = 0;
	unsigned long f = siglock(&p->tg);
	struct itimers *it = p->itimers;
	thread_group_times_locked(&p->tg, &u, &s);
	if (it) {
		virt = cpu_timer_due(&it->cpu[0], u);
		prof = cpu_timer_due(&it->cpu[1], u + s);
		if (!it->cpu[0].expires)
			__atomic_fetch_and(&p->tg.cpu_timers, ~CPU_VIRTUAL, __ATOMIC_RELAXED);
		if (!it->cpu[1].expires)
			__atomic_fetch_and(&p->tg.cpu_timers, ~CPU_PROF, __ATOMIC_RELAXED);
	}
	if (p->tg.cpu_timers & CPU_LIMIT)
		limit = limit_due(p, u + s);
	sigunlock(&p->tg, f);
	if (virt)
		(void)signal_send_group(&p->tg, SIGVTALRM, NULL);
	if (prof)
		(void)signal_send_group(&p->tg, SIGPROF, NULL);
	if (limit)
		(void)signal_send_group(&p->tg, limit, NULL);
}

void itimers_init(void)
{
	sched_cpu_timer_hook = cpu_timers_tick;
}

static void read_real(struct itimers *it, struct itimerval *v)
{
	ktime_t left = 0;
	if (timer_pending(&it->real)) {
		/* Armed but due already: not 0, which would mean off. */
		left = max(READ_ONCE(it->real.expires) - ktime_get(), (ktime_t)NSEC_PER_USEC);
	}
	v->it_value = ktime_to_timeval(left);
	v->it_interval = ktime_to_timeval(READ_ONCE(it->real_interval));
}

static void set_real(struct itimers *it, ktime_t value, ktime_t interval)
{
	WRITE_ONCE(it->real_interval, 0);
	timer_cancel(&it->real);
	if (!value)
		return;
	ktime_t now = ktime_get();
	WRITE_ONCE(it->real_interval, interval);
	timer_start(&it->real, ktime_add(now, value));
}

/* Exchange a CPU-time timer; value NULL: only read. */
static void swap_cpu(struct itimers *it, int which, const ktime_t *value, ktime_t interval,
		     struct itimerval *old)
{
	struct thread_group *g = &it->proc->tg;
	struct cpu_itimer *c = &it->cpu[which - ITIMER_VIRTUAL];
	unsigned long f = siglock(g);
	u64 u, s;
	thread_group_times_locked(g, &u, &s);
	u64 now = which == ITIMER_VIRTUAL ? u : u + s;
	ktime_t left = 0;
	if (c->expires)
		left = c->expires > now ? (ktime_t)(c->expires - now) : NSEC_PER_USEC;
	old->it_value = ktime_to_timeval(left);
	old->it_interval = ktime_to_timeval((ktime_t)c->interval);
	if (value) {
		c->expires = *value ? now + (u64)*value : 0;
		c->interval = (u64)interval;
		u32 bit = which == ITIMER_VIRTUAL ? CPU_VIRTUAL : CPU_PROF;
		if (c->expires)
			__atomic_fetch_or(&g->cpu_timers, bit, __ATOMIC_SEQ_CST);
		else
			__atomic_fetch_and(&g->cpu_timers, ~bit, __ATOMIC_SEQ_CST);
	}
	sigunlock(g, f);
}

s64 sys_getitimer(int which, struct itimerval __user *uv)
{
	struct itimerval v = {0};
	struct itimers *it = current->proc->itimers;
	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	if (it && which == ITIMER_REAL)
		read_real(it, &v);
	else if (it)
		swap_cpu(it, which, NULL, 0, &v);
	return copy_out(uv, &v, sizeof(v));
}

static int set_itimer(int which, ktime_t value, ktime_t interval, struct itimerval *old)
{
	struct itimers *it = itimers_get(current->proc);
	if (!it)
		return -ENOMEM;
	mutex_lock(&it->mutex);
	if (which == ITIMER_REAL) {
		read_real(it, old);
		set_real(it, value, interval);
	} else {
		swap_cpu(it, which, &value, interval, old);
	}
	mutex_unlock(&it->mutex);
	return 0;
}

s64 sys_setitimer(int which, const struct itimerval __user *uv, struct itimerval __user *uold)
{
	struct itimerval v = {0}, old;
	if (uv && copy_in(&v, uv, sizeof(v)))
		return -EFAULT;
	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	ktime_t value = timeval_to_ktime(&v.it_value);
	ktime_t interval = timeval_to_ktime(&v.it_interval);
	if (value < 0 || interval < 0)
		return -EINVAL;
	int err = set_itimer(which, value, interval, &old);
	if (err)
		return err;
	return uold ? copy_out(uold, &old, sizeof(old)) : 0;
}

s64 sys_alarm(unsigned secs)
{
	struct itimerval old;
	int err = set_itimer(ITIMER_REAL, (ktime_t)secs * NSEC_PER_SEC, 0, &old);
	if (err)
		return err;
	/* Rounded, but a pending alarm is never 0. */
	s64 left = old.it_value.tv_sec;
	if (old.it_value.tv_usec >= 500000 || (!left && old.it_value.tv_usec))
		left++;
	return left;
}
