/* Spinlocks: FIFO-fair, preemption off while held. spin_lock_irqsave also masks interrupts; use it
 * for every lock that an interrupt handler takes. Static: DEFINE_SPINLOCK; members: spin_init (each
 * init site is a class of the lock checker, named by its expression). */
#pragma once
#include <arch/irqflags.h>
#include <arch/atomic.h>
#include <sync/lockdep.h>
#include <sync/preempt.h>

typedef struct __lock_type("spinlock") spinlock
{
	u32 ticket; /* [a] next << 16 | owner */
#ifdef CONFIG_DEBUG_LOCKS
	u32 owner; /* [held] CPU + 1; 0: free */
	struct lock_map map;
	void *owner_pc; /* [held] who took it */
#endif
}
spinlock_t;

#ifdef CONFIG_DEBUG_LOCKS
#define SPINLOCK_INIT_SITE(site)      \
	{                             \
		0, 0, {site, 0}, NULL \
	}
#define SPINLOCK_INIT(n) SPINLOCK_INIT_SITE(LOCK_SITE(n))
#else
#define SPINLOCK_INIT(n) \
	{                \
		0        \
	}
#define SPINLOCK_INIT_SITE(site) SPINLOCK_INIT(site)
#endif
#define DEFINE_SPINLOCK(n) spinlock_t n = SPINLOCK_INIT(n)
void __spin_init(spinlock_t *l, const char *name);
#define spin_init(l) __spin_init(l, LOCK_SITE(l))

/* Out of line, contended path. */
void __spin_wait(spinlock_t *l, u16 ticket);
__cold __noreturn void __spin_not_ours(spinlock_t *l);

/* Who holds it, for the checks of debug builds: released by the CPU that took it, not taken twice. */
static __always_inline void __spin_taken(spinlock_t *l)
{
#ifdef CONFIG_DEBUG_LOCKS
	l->owner = cpu_id() + 1;
	l->owner_pc = __builtin_return_address(0);
#endif
}
#ifdef CONFIG_DEBUG_LOCKS
static __always_inline bool __spin_is_ours(const spinlock_t *l)
{
	return (u16)(l->ticket >> 16) != (u16)l->ticket && l->owner == cpu_id() + 1;
}
#endif

static __always_inline void __spin_acquire_nested(spinlock_t *l, unsigned subclass) __no_lock_check
{
#ifdef CONFIG_DEBUG_LOCKS
	if (unlikely(!lockdep_acquire(&l->map, LD_SUB(subclass), 0)))
		return;
#endif
	u32 t = __atomic_fetch_add(&l->ticket, 1u << 16, __ATOMIC_ACQUIRE);
	if (unlikely((u16)(t >> 16) != (u16)t))
		__spin_wait(l, (u16)(t >> 16));
	__spin_taken(l);
}
static __always_inline void __spin_acquire(spinlock_t *l) __no_lock_check
{
	__spin_acquire_nested(l, 0);
}
static __always_inline void __spin_release(spinlock_t *l) __no_lock_check
{
#ifdef CONFIG_DEBUG_LOCKS
	if (unlikely(!lockdep_release(&l->map, 0, 0)))
		return;
	if (unlikely(!__spin_is_ours(l)))
		__spin_not_ours(l);
	l->owner = 0;
#endif
	/* The owner half is only written by the holder; a plain 16-bit add does. */
	u16 *owner = (u16 *)&l->ticket;
	__atomic_store_n(owner, (u16)(*owner + 1), __ATOMIC_RELEASE);
}
static __always_inline bool __spin_try(spinlock_t *l) __no_lock_check
{
	u32 t = __atomic_load_n(&l->ticket, __ATOMIC_RELAXED);
	if ((u16)(t >> 16) != (u16)t)
		return false;
	if (!__atomic_compare_exchange_n(&l->ticket, &t, t + (1u << 16), false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		return false;
#ifdef CONFIG_DEBUG_LOCKS
	(void)lockdep_acquire(&l->map, LD_TRY, 0);
#endif
	__spin_taken(l);
	return true;
}

static __always_inline void spin_lock(spinlock_t *l) __acquires(*l) __no_lock_check
{
	preempt_disable();
	__spin_acquire(l);
}
/* A second lock of a class: the caller knows a rule that orders the two. */
static __always_inline void spin_lock_nested(spinlock_t *l, unsigned subclass)
	__acquires(*l) __no_lock_check
{
	preempt_disable();
	__spin_acquire_nested(l, subclass);
}
static __always_inline void spin_unlock(spinlock_t *l) __releases(*l) __no_lock_check
{
	__spin_release(l);
	preempt_enable();
}
static __always_inline bool spin_trylock(spinlock_t *l) __try_acquires(true, *l) __no_lock_check
{
	preempt_disable();
	if (__spin_try(l))
		return true;
	preempt_enable();
	return false;
}
static __always_inline unsigned long __spin_lock_irqsave(spinlock_t *l)
	__acquires(*l) __no_lock_check
{
	unsigned long f = irq_save();
	preempt_disable();
	__spin_acquire(l);
	return f;
}
#define spin_lock_irqsave(l, f) ((f) = __spin_lock_irqsave(l))
static __always_inline void spin_unlock_irqrestore(spinlock_t *l, unsigned long f)
	__releases(*l) __no_lock_check
{
	__spin_release(l);
	irq_restore(f);
	preempt_enable();
}
static __always_inline void spin_lock_irq(spinlock_t *l) __acquires(*l) __no_lock_check
{
	irq_disable();
	preempt_disable();
	__spin_acquire(l);
}
static __always_inline void spin_unlock_irq(spinlock_t *l) __releases(*l) __no_lock_check
{
	__spin_release(l);
	irq_enable();
	preempt_enable();
}
static __always_inline bool spin_is_locked(const spinlock_t *l)
{
	u32 t = __atomic_load_n(&l->ticket, __ATOMIC_RELAXED);
	return (u16)(t >> 16) != (u16)t;
}
