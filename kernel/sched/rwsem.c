/* Reader-writer semaphores, first come first served. count: bit 0 a writer holds it, bit 1 somebody
 * waits, readers from bit 8. Uncontended: one atomic operation to lock, one to unlock.
 *
 * WAITERS closes the fast paths: newcomers queue behind those who wait. Whoever makes it free (or finds
 * it so while queueing) grants it under s->lock to the first writer or to all readers up to the next
 * writer; a waiter that wakes with `granted` set owns it. A reader adds itself first and takes that back
 * when it must queue; the brief excess may make a grant to a writer fail, so taking it back ends in
 * another try at granting.
 *
 * A writer spins for a while when the owning writer runs on another CPU. Process context. */
#include <log/panic.h>
#include <arch/smp.h>
#include <sched/lock.h>
#include <sched/thread.h>

#define WRITER	1l
#define WAITERS 2l
#define READER	256l

struct rwsem_waiter {
	struct list list;
	struct thread *thread;
	bool write;
	bool granted; /* [a] */
};

void __rwsem_init(rwsem_t *s, const char *name)
{
	atomic_set(&s->count, 0);
	s->owner = NULL;
	__spin_init(&s->lock, LOCK_INNER(name, "rwsem.lock"));
	list_init(&s->waiters);
#ifdef CONFIG_DEBUG_LOCKS
	lockdep_init_map(&s->map, name);
#endif
}

static void grant_one(struct rwsem_waiter *w)
{
	/* Once granted is seen, w is gone with its stack frame. */
	struct thread *t = w->thread;
	list_del(&w->list);
	thread_get(t);
	smp_store_release(&w->granted, true);
	thread_wake(t, T_NORMAL | T_WAKEKILL);
	thread_put(t);
}

/* Give it to whom it can be given. s->lock held. */
static void grant(rwsem_t *s)
{
	struct rwsem_waiter *w = list_first_entry_or_null(&s->waiters, struct rwsem_waiter, list);
	if (!w)
		goto out;
	s64 v = atomic_read(&s->count);
	if (w->write) {
		do {
			if (v & ~WAITERS)
				return;
		} while (!atomic_try_cmpxchg(&s->count, &v, v | WRITER));
		s->owner = w->thread;
		grant_one(w);
		goto out;
	}
	if (v & WRITER)
		return;
	while (w && !w->write) {
		/* A writer cannot come between: WAITERS keeps the fast path shut. */
		atomic_add(&s->count, READER);
		grant_one(w);
		w = list_first_entry_or_null(&s->waiters, struct rwsem_waiter, list);
	}
out:
	if (list_empty(&s->waiters))
		atomic_and(&s->count, ~WAITERS);
}

static int wait_granted(rwsem_t *s, struct rwsem_waiter *w, unsigned state)
{
	int ret = 0;
	for (;;) {
		set_current_state(state);
		if (smp_load_acquire(&w->granted))
			break;
		if (signal_pending_state(state)) {
			spin_lock(&s->lock);
			if (!w->granted) {
				list_del(&w->list);
				ret = -EINTR;
				grant(s); /* we may have been what kept the others waiting */
			}
			spin_unlock(&s->lock);
			break;
		}
		schedule();
	}
	WRITE_ONCE(current->state, T_RUNNING);
	return ret;
}

static int queue_and_wait(rwsem_t *s, bool write, unsigned state)
{
	struct rwsem_waiter w = {.thread = current, .write = write};
	spin_lock(&s->lock);
	list_add_tail(&w.list, &s->waiters);
	atomic_fetch_or(&s->count, WAITERS);
	if (!write)
		(void)atomic_sub_return(&s->count, READER); /* what the fast path added */
	grant(s);
	spin_unlock(&s->lock);
	return wait_granted(s, &w, state);
}

#ifdef CONFIG_DEBUG_LOCKS
#define NOTE_LOCK(s, flags) \
	lockdep_acquire(&(s)->map, LD_SLEEP | (flags), (u64)__builtin_return_address(0))
#define NOTE_UNLOCK(s) lockdep_release(&(s)->map, LD_SLEEP, (u64)__builtin_return_address(0))
#else
#define NOTE_LOCK(s, flags) true
#define NOTE_UNLOCK(s)	    true
#endif

static inline bool read_fast(rwsem_t *s)
{
	return likely(!(atomic_add_return(&s->count, READER) & (WRITER | WAITERS)));
}

void down_read(rwsem_t *s) __no_lock_check
{
	might_sleep();
	if (!NOTE_LOCK(s, LD_READ))
		return;
	if (!read_fast(s))
		(void)queue_and_wait(s, false, T_UNINTERRUPTIBLE);
}

int down_read_killable(rwsem_t *s) __no_lock_check
{
	might_sleep();
	if (!NOTE_LOCK(s, LD_READ) || read_fast(s))
		return 0;
	int ret = queue_and_wait(s, false, T_KILLABLE);
	if (ret)
		(void)NOTE_UNLOCK(s);
	return ret;
}

bool down_read_trylock(rwsem_t *s) __no_lock_check
{
	s64 v = atomic_read(&s->count);
	while (!(v & (WRITER | WAITERS))) {
		if (atomic_try_cmpxchg(&s->count, &v, v + READER)) {
			(void)NOTE_LOCK(s, LD_READ | LD_TRY);
			return true;
		}
	}
	return false;
}

static __noinline void release_slow(rwsem_t *s)
{
	spin_lock(&s->lock);
	grant(s);
	spin_unlock(&s->lock);
}

void up_read(rwsem_t *s) __no_lock_check
{
	if (!NOTE_UNLOCK(s))
		return;
	s64 v = atomic_sub_return(&s->count, READER);
	if (unlikely((v & (WAITERS | WRITER)) == WAITERS && v < READER))
		release_slow(s);
}

static inline bool write_fast(rwsem_t *s)
{
	s64 v = 0;
	if (!atomic_try_cmpxchg(&s->count, &v, WRITER))
		return false;
	WRITE_ONCE(s->owner, current);
	return true;
}

bool down_write_trylock(rwsem_t *s) __no_lock_check
{
	if (!write_fast(s))
		return false;
	(void)NOTE_LOCK(s, LD_TRY);
	return true;
}

/* While the writer runs on another CPU; its thread struct is kept by RCU. */
static bool spin_for_write(rwsem_t *s)
{
	bool got = false;
	if (READ_ONCE(nr_cpus_online) == 1)
		return false;
	preempt_disable();
	while (!this_cpu_read(need_resched_flag)) {
		s64 v = atomic_read(&s->count);
		if (!v && (got = write_fast(s)))
			break;
		struct thread *o = READ_ONCE(s->owner);
		if ((v & WAITERS) || !(v & WRITER) || !o || !READ_ONCE(o->on_cpu))
			break;
		cpu_relax();
	}
	preempt_enable();
	return got;
}

#ifdef CONFIG_DEBUG_LOCKS
void down_write_nested(rwsem_t *s, unsigned subclass) __no_lock_check
{
	might_sleep();
	if (!NOTE_LOCK(s, LD_SUB(subclass)))
		return;
	if (unlikely(!write_fast(s)) && !spin_for_write(s))
		(void)queue_and_wait(s, true, T_UNINTERRUPTIBLE);
}
#endif

void down_write(rwsem_t *s) __no_lock_check
{
	might_sleep();
	if (!NOTE_LOCK(s, 0))
		return;
	if (unlikely(!write_fast(s)) && !spin_for_write(s))
		(void)queue_and_wait(s, true, T_UNINTERRUPTIBLE);
}

int down_write_killable(rwsem_t *s) __no_lock_check
{
	might_sleep();
	if (!NOTE_LOCK(s, 0) || likely(write_fast(s)) || spin_for_write(s))
		return 0;
	int ret = queue_and_wait(s, true, T_KILLABLE);
	if (ret)
		(void)NOTE_UNLOCK(s);
	return ret;
}

void up_write(rwsem_t *s) __no_lock_check
{
	if (!NOTE_UNLOCK(s))
		return;
	DEBUG_ON(s->owner != current);
	WRITE_ONCE(s->owner, NULL);
	if (unlikely(atomic_sub_return(&s->count, WRITER) & WAITERS))
		release_slow(s);
}

void downgrade_write(rwsem_t *s) __no_lock_check
{
	WRITE_ONCE(s->owner, NULL);
	if (unlikely(atomic_add_return(&s->count, READER - WRITER) & WAITERS))
		release_slow(s); /* readers at the head may come in */
}
