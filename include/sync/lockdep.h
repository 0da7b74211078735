/* The lock checker of debug builds (kernel/sync/lockdep.c). Every lock carries a lock_map; all locks
 * initialised at one place are a class. The checker learns which class is taken while which is held and
 * reports the first order that could close a circle, before it ever does; see kernel/sync/README.md. */
#pragma once
#include <lib/types.h>

/* Nesting: a second lock of a class that is already held needs a subclass, and a rule that orders them. */
#define LOCK_NESTED	1u
#define LOCK_SUBCLASSES 4u

#ifdef CONFIG_DEBUG_LOCKS

struct lock_map {
	const char *name; /* [I] names the place of initialisation, and is the class's key */
	u16 class;	  /* [a] of subclass 0; 0: not looked up yet */
};
#define LOCK_SITE(l) #l " (" __FILE__ ":" STRINGIFY(__LINE__) ")"
#define LOCK_MAP_INIT(n)        \
	{                       \
		LOCK_SITE(n), 0 \
	}

/* The spinlock inside another lock is of a class of its own. */
#define LOCK_INNER(outer, name) name

#define LD_READ	  1u /* shared */
#define LD_TRY	  2u /* did not wait */
#define LD_SLEEP  4u /* belongs to the thread, may be slept with */
#define LD_SUB(s) ((s) << 8)

struct lockdep_held {
	struct lock_map *map;
	u64 pc;
	u16 class;
	u8 flags, level; /* LD_*; nesting of interrupts */
};
#define LOCKDEP_DEPTH 24
/* Locks held: by a CPU (spinlocks), by a thread (sleeping locks). */
struct lockdep_stack {
	u32 n; /* [own, interrupts off] */
	struct lockdep_held held[LOCKDEP_DEPTH];
};

void lockdep_init_map(struct lock_map *m, const char *name);
/* Before waiting for a lock, or after a successful try. pc: who asks, 0: the caller. False: refused, which
 * happens only while reports are captured; the lock must then not be taken. Any context. */
bool lockdep_acquire(struct lock_map *m, unsigned flags, u64 pc);
/* Before letting it go. False: it was not held here (captured); it must not be released. */
bool lockdep_release(struct lock_map *m, unsigned flags, u64 pc);
/* The scheduler's side: the thread that runs from here on; an interrupt begins; a thread ends. */
void lockdep_switch(struct lockdep_stack *next);
void lockdep_irq_enter(void);
void lockdep_thread_exit(void);
/* might_sleep() found that it may not: pc asks. */
void lockdep_sleeps(u64 pc);

#else
#define LOCK_SITE(l)		#l
#define LOCK_INNER(outer, name) outer
#endif
