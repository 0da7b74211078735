/* Spinlocks, contended path. A ticket lock: the word's high half is the next ticket, the low half the
 * one being served. A waiter far from its turn pauses longer between looks, so that the holder's cache
 * line is not torn at by everyone. Debug builds panic for a lock
 * held for many seconds, taken twice on one CPU, or released where it is not held. Any context; interrupts as the caller left them.
 * Source: Intel SDM vol. 2 PAUSE, vol. 3 section 9.10.6.1 (spin loops). */
#include <sync/spinlock.h>
#include <log/panic.h>
#include <arch/clock.h>

#ifdef CONFIG_DEBUG
#define HELD_TOO_LONG_NS 20000000000ul

static __cold void held_too_long(spinlock_t *l, u16 ticket)
{
#ifdef CONFIG_DEBUG_LOCKS
	panic("spinlock %s (%p) held too long: ticket %u serving %u, taken at %pS", l->map.name, l,
	      ticket, (u16)l->ticket, l->owner_pc);
#else
	panic("spinlock %pS (%p) held too long: ticket %u serving %u", l, l, ticket,
	      (u16)READ_ONCE(l->ticket));
#endif
}
#endif

void __spin_init(spinlock_t *l, const char *name)
{
	l->ticket = 0;
#ifdef CONFIG_DEBUG_LOCKS
	lockdep_init_map(&l->map, name);
	l->owner = 0;
	l->owner_pc = NULL;
#else
	(void)name;
#endif
}

#ifdef CONFIG_DEBUG_LOCKS
void __spin_not_ours(spinlock_t *l)
{
	panic("spinlock %s (%p) released on CPU %u, which does not hold it: owner %d, taken at %pS",
	      l->map.name, l, cpu_id(), (int)l->owner - 1, l->owner_pc);
}
#endif

void __spin_wait(spinlock_t *l, u16 ticket)
{
	const u16 *serving = (const u16 *)&l->ticket;
	u16 now;
#ifdef CONFIG_DEBUG
	u64 start = arch_clock_ns();
	u32 spins = 0;
#endif
#ifdef CONFIG_DEBUG_LOCKS
	if (READ_ONCE(l->owner) == cpu_id() + 1 && smp_load_acquire(serving) != ticket)
		panic("spinlock %s (%p) taken twice on CPU %u, first at %pS", l->map.name, l,
		      cpu_id(), l->owner_pc);
#endif
	while ((now = smp_load_acquire(serving)) != ticket) {
		for (u16 n = (u16)(ticket - now); n; n--)
			cpu_relax();
#ifdef CONFIG_DEBUG
		if ((++spins & 0xffff) == 0 && arch_clock_ns() - start > HELD_TOO_LONG_NS)
			held_too_long(l, ticket);
#endif
	}
}
