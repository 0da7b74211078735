/* Read-copy-update. Read sections are preemption-off regions; an idle CPU and one in user mode are
 * quiescent. Grace periods are driven by the scheduler (context switches, ticks). */
#pragma once
#include <sync/preempt.h>
#include <arch/atomic.h>

struct rcu_head {
	struct rcu_head *next;
	void (*fn)(struct rcu_head *);
};

static __always_inline void rcu_read_lock(void)
{
	preempt_disable();
}
static __always_inline void rcu_read_unlock(void)
{
	preempt_enable();
}
#define rcu_dereference(p)     __atomic_load_n(&(p), __ATOMIC_CONSUME)
#define rcu_assign_pointer(p, v) __atomic_store_n(&(p), (v), __ATOMIC_RELEASE)

/* Call fn(head) after a grace period, in a kernel thread that may not sleep long. Any context but NMI. */
void call_rcu(struct rcu_head *head, void (*fn)(struct rcu_head *));
/* Wait for a grace period. May sleep. */
void synchronize_rcu(void);
/* Free a kmalloc'ed object after a grace period; member is its struct rcu_head. */
#define kfree_rcu(p, member) __kfree_rcu(&(p)->member, __builtin_offsetof(__typeof__(*(p)), member))
void __kfree_rcu(struct rcu_head *head, size_t offset);
