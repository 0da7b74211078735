/* Mutexes. The owner word holds the owner's thread pointer and two flags: WAITERS (the list is not
 * empty, so unlock must look) and HANDOFF (the first waiter was passed over: unlock gives the mutex to
 * it directly). Uncontended lock and unlock are one compare-and-exchange each.
 *
 * A newcomer may take a free mutex before the first waiter has got going, which keeps throughput high;
 * a waiter that wakes and finds it taken again asks for hand-off, so nobody starves. While the owner
 * runs on another CPU a newcomer spins: it will be free in less time than two switches take. The owner's
 * thread struct may be looked at under RCU (preemption off), being freed by a grace period.
 *
 * Locks: m->lock guards the list; a waiter's wake-up is done under it. Process context. */
#include <arch/smp.h>
#include <log/panic.h>
#include <sched/lock.h>
#include <sched/thread.h>

#define WAITERS 1l
#define HANDOFF 2l
#define FLAGS	3l

struct mutex_waiter {
	struct list list;
	struct thread *thread;
};

void __mutex_init(mutex_t *m, const char *name)
{
	atomic_set(&m->owner, 0);
	__spin_init(&m->lock, LOCK_INNER(name, "mutex.lock"));
	list_init(&m->waiters);
#ifdef CONFIG_DEBUG_LOCKS
	lockdep_init_map(&m->map, name);
#endif
}

static struct thread *owner_of(s64 v)
{
	return (struct thread *)(v & ~FLAGS);
}

/* Take it if it is free, or handed to us; flags stay. `first`: the head waiter asks (it clears HANDOFF). */
static bool try_take(mutex_t *m, bool first) __no_lock_check
{
	s64 v = atomic_read(&m->owner);
	for (;;) {
		if (owner_of(v))
			return owner_of(v) == current && first; /* handed over by unlock */
		if ((v & HANDOFF) && !first)
			return false;
		if (atomic_try_cmpxchg(&m->owner, &v, (s64)current | (v & WAITERS)))
			return true;
	}
}

/* Spin while the owner runs elsewhere. True if we got it. */
static bool spin_on_owner(mutex_t *m) __no_lock_check
{
	bool got = false;
	if (READ_ONCE(nr_cpus_online) == 1)
		return false;
	preempt_disable();
	for (;;) {
		s64 v = atomic_read(&m->owner);
		struct thread *o = owner_of(v);
		if (v & HANDOFF)
			break;
		if (!o) {
			got = try_take(m, false);
			if (got)
				break;
			continue;
		}
		if (!READ_ONCE(o->on_cpu) || this_cpu_read(need_resched_flag))
			break;
		cpu_relax();
	}
	preempt_enable();
	return got;
}

static int lock_slow(mutex_t *m, unsigned state) __no_lock_check
{
	struct mutex_waiter w = {.thread = current};
	int ret = 0;
#ifdef CONFIG_DEBUG
	BUG_ON(owner_of(atomic_read(&m->owner)) == current);
#endif
	if (spin_on_owner(m))
		return 0;
	spin_lock(&m->lock);
	list_add_tail(&w.list, &m->waiters);
	atomic_fetch_or(&m->owner, WAITERS);
	for (bool woken = false;; woken = true) {
		bool first = m->waiters.next == &w.list;
		set_current_state(state);
		if (try_take(m, first))
			break;
		if (signal_pending_state(state)) {
			ret = -EINTR;
			break;
		}
		if (first && woken)
			atomic_fetch_or(&m->owner, HANDOFF);
		/* It may have been freed before the flag was seen. */
		if (try_take(m, first))
			break;
		spin_unlock(&m->lock);
		schedule();
		spin_lock(&m->lock);
	}
	WRITE_ONCE(current->state, T_RUNNING);
	list_del(&w.list);
	if (list_empty(&m->waiters))
		atomic_fetch_and(&m->owner, ~FLAGS);
	else if (ret) /* the flag was ours, if it was set */
		atomic_fetch_and(&m->owner, ~HANDOFF);
	/* Giving up while it is free (we may have eaten the wake-up): the next one shall look. */
	if (ret && !owner_of(atomic_read(&m->owner)) && !list_empty(&m->waiters))
		thread_wake(list_first_entry(&m->waiters, struct mutex_waiter, list)->thread,
			    T_NORMAL | T_WAKEKILL);
	spin_unlock(&m->lock);
	return ret;
}

static bool lock_fast(mutex_t *m)
{
	s64 v = 0;
	return __atomic_compare_exchange_n(&m->owner.v, &v, (s64)current, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

#ifdef CONFIG_DEBUG_LOCKS
#define NOTE_LOCK(m, flags) \
	lockdep_acquire(&(m)->map, LD_SLEEP | (flags), (u64)__builtin_return_address(0))
#define NOTE_UNLOCK(m) lockdep_release(&(m)->map, LD_SLEEP, (u64)__builtin_return_address(0))

void mutex_lock_nested(mutex_t *m, unsigned subclass) __no_lock_check
{
	might_sleep();
	if (!NOTE_LOCK(m, LD_SUB(subclass)))
		return;
	if (unlikely(!lock_fast(m)))
		(void)lock_slow(m, T_UNINTERRUPTIBLE);
}
#else
#define NOTE_LOCK(m, flags) true
#define NOTE_UNLOCK(m)	    true
#endif

void mutex_lock(mutex_t *m) __no_lock_check
{
	might_sleep();
	if (!NOTE_LOCK(m, 0))
		return;
	if (unlikely(!lock_fast(m)))
		(void)lock_slow(m, T_UNINTERRUPTIBLE);
}

int mutex_lock_interruptible(mutex_t *m) __no_lock_check
{
	might_sleep();
	if (!NOTE_LOCK(m, 0) || likely(lock_fast(m)))
		return 0;
	int ret = lock_slow(m, T_INTERRUPTIBLE);
	if (ret)
		(void)NOTE_UNLOCK(m);
	return ret;
}

int mutex_lock_killable(mutex_t *m) __no_lock_check
{
	might_sleep();
	if (!NOTE_LOCK(m, 0) || likely(lock_fast(m)))
		return 0;
	int ret = lock_slow(m, T_KILLABLE);
	if (ret)
		(void)NOTE_UNLOCK(m);
	return ret;
}

bool mutex_trylock(mutex_t *m) __no_lock_check
{
	if (!lock_fast(m) && (owner_of(atomic_read(&m->owner)) || !try_take(m, false)))
		return false;
	(void)NOTE_LOCK(m, LD_TRY);
	return true;
}

static __noinline void unlock_slow(mutex_t *m) __no_lock_check
{
	struct thread *wake = NULL;
	s64 v = atomic_read(&m->owner);
	/* Without hand-off it is free from here on. */
	while (!(v & HANDOFF)) {
		if (atomic_try_cmpxchg(&m->owner, &v, v & WAITERS))
			break;
	}
	spin_lock(&m->lock);
	struct mutex_waiter *w = list_first_entry_or_null(&m->waiters, struct mutex_waiter, list);
	if (v & HANDOFF) {
		/* We still own it, and only we write the owner; flags change under the lock. */
		s64 next = w ? (s64)w->thread | WAITERS : 0;
		__atomic_store_n(&m->owner.v, next, __ATOMIC_SEQ_CST);
	}
	if (w)
		wake = w->thread;
	/* Under the lock: the waiter cannot leave lock_slow before we are done with its thread. */
	if (wake)
		thread_wake(wake, T_NORMAL | T_WAKEKILL);
	spin_unlock(&m->lock);
}

void mutex_unlock(mutex_t *m) __no_lock_check
{
	s64 v = (s64)current;
	if (!NOTE_UNLOCK(m))
		return;
#ifdef CONFIG_DEBUG
	BUG_ON(owner_of(atomic_read(&m->owner)) != current);
#endif
	if (unlikely(!__atomic_compare_exchange_n(&m->owner.v, &v, 0, false, __ATOMIC_RELEASE,
						  __ATOMIC_RELAXED)))
		unlock_slow(m);
}

bool mutex_is_locked(const mutex_t *m)
{
	return owner_of(atomic_read(&m->owner));
}
