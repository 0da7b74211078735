/* Sleeping locks and completions: mutex (owner, FIFO hand-off under contention), rw_semaphore (fair
 * reader-writer), completion. Process context only. */
#pragma once
#include <sched/wait.h>

#ifdef CONFIG_DEBUG_LOCKS
#define LOCK_MAP_FIELD(n) .map = LOCK_MAP_INIT(n),
#else
#define LOCK_MAP_FIELD(n)
#endif

struct rw_semaphore;

typedef struct __lock_type("mutex") mutex
{
	atomic64_t owner; /* [a] struct thread *, bit 0: waiters */
	spinlock_t lock;
	struct list waiters; /* [lock] */
#ifdef CONFIG_DEBUG_LOCKS
	struct lock_map map;
#endif
}
mutex_t;
void __mutex_init(mutex_t *m, const char *name);
#define mutex_init(m) __mutex_init(m, LOCK_SITE(m))
#define MUTEX_INIT(n)                                                              \
	{                                                                          \
		.owner = ATOMIC_INIT(0), .lock = SPINLOCK_INIT_SITE("mutex.lock"), \
		LOCK_MAP_FIELD(n).waiters = LIST_INIT((n).waiters)                 \
	}
#define DEFINE_MUTEX(n) mutex_t n = MUTEX_INIT(n)
void mutex_lock(mutex_t *m) __acquires(*m);
/* A second one of a class: the caller knows a rule that orders the two (sync/lockdep.h). */
#ifdef CONFIG_DEBUG_LOCKS
void mutex_lock_nested(mutex_t *m, unsigned subclass) __acquires(*m);
void down_write_nested(struct rw_semaphore *s, unsigned subclass) __acquires(*s);
#else
#define mutex_lock_nested(m, subclass) mutex_lock(m)
#define down_write_nested(s, subclass) down_write(s)
#endif
int mutex_lock_interruptible(mutex_t *m) __must_check __try_acquires(0, *m); /* 0, -EINTR */
int mutex_lock_killable(mutex_t *m) __must_check __try_acquires(0, *m);
bool mutex_trylock(mutex_t *m) __try_acquires(true, *m);
void mutex_unlock(mutex_t *m) __releases(*m);
bool mutex_is_locked(const mutex_t *m);

typedef struct __lock_type("rwsem") rw_semaphore
{
	atomic64_t count; /* [a] bit 0: writer; bit 1: waiters; readers from bit 8 */
	struct thread *owner;
	spinlock_t lock;
	struct list waiters; /* [lock] */
#ifdef CONFIG_DEBUG_LOCKS
	struct lock_map map;
#endif
}
rwsem_t;
void __rwsem_init(rwsem_t *s, const char *name);
#define rwsem_init(s) __rwsem_init(s, LOCK_SITE(s))
#define RWSEM_INIT(n)                                                              \
	{                                                                          \
		.count = ATOMIC_INIT(0), .lock = SPINLOCK_INIT_SITE("rwsem.lock"), \
		LOCK_MAP_FIELD(n).waiters = LIST_INIT((n).waiters)                 \
	}
#define DEFINE_RWSEM(n) rwsem_t n = RWSEM_INIT(n)
void down_read(rwsem_t *s) __acquires_shared(*s);
int down_read_killable(rwsem_t *s) __must_check __try_acquires_shared(0, *s);
bool down_read_trylock(rwsem_t *s) __try_acquires_shared(true, *s);
void up_read(rwsem_t *s) __releases_shared(*s);
void down_write(rwsem_t *s) __acquires(*s);
int down_write_killable(rwsem_t *s) __must_check __try_acquires(0, *s);
bool down_write_trylock(rwsem_t *s) __try_acquires(true, *s);
void up_write(rwsem_t *s) __releases(*s);
void downgrade_write(rwsem_t *s) __releases(*s) __acquires_shared(*s);

struct completion {
	unsigned done; /* [wait.lock] UINT_MAX: complete_all */
	struct wait_queue wait;
};
void completion_init(struct completion *c);
void complete(struct completion *c); /* any context */
void complete_all(struct completion *c);
void wait_for_completion(struct completion *c);
/* What is left of ns, 0 on time-out. */
s64 wait_for_completion_timeout(struct completion *c, s64 ns);
int wait_for_completion_interruptible(struct completion *c) __must_check;
int wait_for_completion_killable(struct completion *c) __must_check;
