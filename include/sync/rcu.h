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
#define rcu_dereference(p)	 __atomic_load_n(&(p), __ATOMIC_CONSUME)
#define rcu_assign_pointer(p, v) __atomic_store_n(&(p), (v), __ATOMIC_RELEASE)

/* Call fn(head) after a grace period, in a kernel thread that may not sleep long. Any context but NMI. */
void call_rcu(struct rcu_head *head, void (*fn)(struct rcu_head *));
/* Wait for a grace period. May sleep. */
void synchronize_rcu(void);
/* Free a kmalloc'ed object after a grace period; member is its struct rcu_head. */
#define kfree_rcu(p, member) __kfree_rcu(&(p)->member, __builtin_offsetof(__typeof__(*(p)), member))
void __kfree_rcu(struct rcu_head *head, size_t offset);

/* ---- The scheduler's side. A CPU passes through a quiescent state when it switches threads, when an
 * interrupt finds it with preemption on (user mode included), and while it idles. ---- */
DECLARE_PER_CPU(u32, rcu_need_qs);   /* a grace period waits for this CPU */
DECLARE_PER_CPU(u32, rcu_idle_flag); /* extended quiescent state */
void rcu_report_qs(void);	     /* interrupts off */
void rcu_idle_leave(void);

/* At every context switch; interrupts off. */
static __always_inline void rcu_note_context_switch(void)
{
	if (unlikely(this_cpu_read(rcu_need_qs)))
		rcu_report_qs();
}
/* The idle loop, interrupts off: no read section until the next rcu_irq_enter or rcu_idle_exit. */
void rcu_idle_enter(void);
static __always_inline void rcu_idle_exit(void)
{
	if (unlikely(this_cpu_read(rcu_idle_flag)))
		rcu_idle_leave();
}
static __always_inline void rcu_irq_enter(void)
{
	rcu_idle_exit();
}
/* Still counted as one level of interrupt: nothing else held means that the interrupted context reads
 * nothing. */
static __always_inline void rcu_irq_exit(void)
{
	if (unlikely(this_cpu_read(rcu_need_qs)) &&
	    this_cpu_read(preempt_count) == PREEMPT_IRQ_UNIT)
		rcu_report_qs();
}

/* What needs threads and memory comes from above, once. */
struct rcu_hooks {
	void (*defer)(
		void); /* callbacks wait on this CPU: run rcu_cpu_work() there soon (any context) */
	void (*wake)(unsigned cpu);	 /* run it now (any context) */
	void (*force_cpu)(unsigned cpu); /* make cpu interrupt and reschedule */
	void (*wait)(void);		 /* block until a grace period has passed */
	void (*free)(const void *p);	 /* kfree */
};
void rcu_set_hooks(const struct rcu_hooks *h);
/* One step of this CPU's callback machine, in its own thread: starts grace periods as needed, runs at
 * most batch ready callbacks. Returns what is left to do. */
enum rcu_todo { RCU_IDLE, RCU_WAIT_GP, RCU_MORE };
enum rcu_todo rcu_cpu_work(unsigned batch);
/* Interrupt the CPUs that the current grace period waits for. */
void rcu_force_laggards(void);
void rcu_set_mask(
	unsigned long *mask); /* cpumask_bytes() zeroed bytes, for ever; before a second CPU runs */
void rcu_cpu_online(void);    /* on the CPU itself, before its first read section */
unsigned long rcu_gp_count(void);
