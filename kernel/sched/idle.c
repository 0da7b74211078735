/* The idle class and loop, and bringing CPUs into the scheduler.
 *
 * The idle thread of a CPU is what it booted on. It is on no queue; its class is picked when all
 * others are empty. The loop halts with interrupts off after a last look at the reschedule flag
 * (arch_cpu_idle enables them atomically), so a wake-up is never slept through; `halted` tells wakers
 * whether an IPI is needed. An idle CPU has no tick and is quiescent for RCU. */
#include "sched_priv.h"
#include <alloc/slab.h>
#include <alloc/vmalloc.h>
#include <arch/cpu.h>
#define LOG_PREFIX "sched: "
#include <log/panic.h>
#include <lib/string.h>
#include <sync/rcu.h>

static void idle_enqueue(struct runqueue *rq, struct thread *t, unsigned flags)
{
	panic("idle thread woken");
}

static void idle_put_prev(struct runqueue *rq, struct thread *t)
{
	if (idle_mask && bit_test(idle_mask, rq->cpu))
		bit_clear_atomic(idle_mask, rq->cpu);
	rq_charge_time(rq, t);
}

static void idle_set_next(struct runqueue *rq, struct thread *t)
{
	t->se.exec_start = rq->clock;
	if (idle_mask)
		bit_set_atomic(idle_mask, rq->cpu);
}

static void idle_charge(struct runqueue *rq, struct thread *t)
{
	rq_charge_time(rq, t);
}

static void idle_yield(struct runqueue *rq, struct thread *t)
{
}

static bool idle_preempts(struct runqueue *rq, struct thread *t)
{
	return false;
}

const struct sched_class idle_class = {
	.enqueue = idle_enqueue,
	.dequeue = idle_enqueue,
	.put_prev = idle_put_prev,
	.set_next = idle_set_next,
	.charge = idle_charge,
	.tick = idle_charge,
	.yield = idle_yield,
	.preempts = idle_preempts,
	.rank = 0,
};

void sched_idle_loop(void)
{
	struct runqueue *rq;
	for (;;) {
		while (!this_cpu_read(need_resched_flag)) {
			irq_disable();
			rq = this_rq();
			/* A waker took the bit, and another CPU the thread. */
			if (idle_mask && !bit_test(idle_mask, rq->cpu))
				bit_set_atomic(idle_mask, rq->cpu);
			WRITE_ONCE(rq->halted, 1);
			smp_mb();
			if (this_cpu_read(need_resched_flag)) {
				WRITE_ONCE(rq->halted, 0);
				irq_enable();
				break;
			}
			rcu_idle_enter();
			/* Reporting for RCU may have woken somebody. */
			if (likely(!this_cpu_read(need_resched_flag)))
				arch_cpu_idle();
			irq_disable();
			WRITE_ONCE(rq->halted, 0);
			rcu_idle_exit();
			irq_enable();
		}
		schedule();
	}
}

static void idle_thread_init(struct thread *t, unsigned cpu)
{
	snprintf(t->comm, sizeof(t->comm), "idle/%u", cpu);
	t->class = &idle_class;
	t->cpu = cpu;
	t->on_cpu = 1;
	t->on_rq = true;
	t->state = T_RUNNING;
}

static void runqueue_init(struct runqueue *rq, unsigned cpu)
{
	spin_init(&rq->lock);
	rq->cpu = cpu;
	rt_init_queue(&rq->rt);
	tick_init(rq);
}

static void runqueue_start(struct runqueue *rq, struct thread *idle)
{
	rq->idle = rq->curr = idle;
	rq_clock_update(rq);
	idle->se.exec_start = rq->clock;
	WRITE_ONCE(rq->ready, true);
}

static const struct arch_thread_hooks thread_hooks = {.first_run = sched_first_run};

static void print_thread(void)
{
	struct thread *t = current;
	printk(LOG_EMERG, "CPU: %u PID: %d Comm: %s\n", cpu_id(), t ? t->tid : 0,
	       t ? t->comm : "(boot)");
}

void sched_init(void)
{
	thread_cache_init();
	thread_init_common(&boot_thread, "idle");
	idle_thread_init(&boot_thread, 0);
	for_each_possible_cpu (c)
		runqueue_init(cpu_rq(c), c);
	unsigned long f = irq_save();
	this_cpu_write(current_thread, &boot_thread);
#ifdef CONFIG_DEBUG_LOCKS
	lockdep_switch(&boot_thread.locks);
#endif
	runqueue_start(this_rq(), &boot_thread);
	irq_restore(f);
	panic_thread_hook = print_thread;
	arch_set_thread_hooks(&thread_hooks);
	sched_install_preempt();
	rcu_threads_init();
	workqueue_init();
}

/* Stacks of the other CPUs' idle threads, by CPU; their threads meanwhile wait in rq->idle. */
static void *secondary_stack(unsigned cpu)
{
	struct thread *t = thread_alloc("idle");
	if (!t)
		return NULL;
	idle_thread_init(t, cpu);
	cpu_rq(cpu)->idle = t;
	return t->kstack;
}

static void secondary_entry(unsigned cpu) __noreturn;
static void secondary_entry(unsigned cpu)
{
	struct runqueue *rq = this_rq();
	this_cpu_write(current_thread, rq->idle);
#ifdef CONFIG_DEBUG_LOCKS
	lockdep_switch(&rq->idle->locks);
#endif
	rcu_cpu_online();
	runqueue_start(rq, rq->idle);
	if (idle_mask)
		bit_set_atomic(idle_mask, cpu);
	irq_enable();
	sched_idle_loop();
}

static const struct smp_boot_ops boot_ops = {
	.idle_stack = secondary_stack,
	.entry = secondary_entry,
};

void sched_start_smp(void)
{
	balance_init();
	smp_boot_secondaries(&boot_ops);
	for_each_online_cpu (c)
		if (c)
			rcu_thread_start(c);
	if (nr_cpus_online > 1)
		pr_info("%u CPUs online\n", nr_cpus_online);
}
