/* The lock checker's own test: every kind of mistake is made, and must be reported. The reports are captured;
 * a refused operation is not carried out, so that no mistake has its consequences. */
#include <arch/irqflags.h>
#include <arch/uaccess.h>
#include <alloc/slab.h>
#include <init/ktest.h>
#include <lib/string.h>
#include <log/printk.h>
#include <log/report.h>
#include <sched/lock.h>
#include <sched/thread.h>
#include <sync/rcu.h>

#ifdef CONFIG_DEBUG_LOCKS

/* Exactly one report, which says `what` and all of the NULL-terminated list. */
static bool reported(const char *const *what)
{
	unsigned n = report_capture_end();
	bool ok = CHECK_EQ(n, 1);
	for (; *what; what++)
		ok &= CHECK(strstr(report_captured(), *what) != NULL);
	if (!ok)
		printk(LOG_NOTICE, "# the report was: %s", report_captured());
	return ok;
}
#define REPORTED(...) reported((const char *const[]){__VA_ARGS__, NULL})

KTEST(lockdep, circular_order)
{
	static DEFINE_SPINLOCK(first);
	static DEFINE_SPINLOCK(second);
	static DEFINE_SPINLOCK(third);
	spin_lock(&first);
	spin_lock(&second);
	spin_unlock(&second);
	spin_unlock(&first);
	spin_lock(&second);
	spin_lock(&third);
	spin_unlock(&third);
	spin_unlock(&second);
	report_capture_begin();
	spin_lock(&third);
	spin_lock(&first);
	spin_unlock(&first);
	spin_unlock(&third);
	REPORTED("circular order", "first (kernel/sched/lockdep_test.c", " -> second (",
		 " -> third (", "held since ktest_lockdep_circular_order");
}

KTEST(lockdep, circular_order_of_sleeping_locks)
{
	static DEFINE_MUTEX(mutex);
	static DEFINE_RWSEM(sem);
	mutex_lock(&mutex);
	down_read(&sem);
	up_read(&sem);
	mutex_unlock(&mutex);
	report_capture_begin();
	down_read(&sem);
	mutex_lock(&mutex);
	mutex_unlock(&mutex);
	up_read(&sem);
	REPORTED("circular order", "mutex (", " -> sem (");
}

KTEST(lockdep, trying_is_no_order)
{
	static DEFINE_MUTEX(one);
	static DEFINE_MUTEX(two);
	mutex_lock(&one);
	mutex_lock(&two);
	mutex_unlock(&two);
	mutex_unlock(&one);
	report_capture_begin();
	mutex_lock(&two);
	REQUIRE(mutex_trylock(&one));
	mutex_unlock(&one);
	mutex_unlock(&two);
	CHECK_EQ(report_capture_end(), 0);
}

KTEST(lockdep, taken_again)
{
	static DEFINE_SPINLOCK(spin);
	static DEFINE_MUTEX(mutex);
	static DEFINE_RWSEM(sem);
	spin_lock(&spin);
	report_capture_begin();
	spin_lock(&spin); /* refused, but preemption was counted */
	REPORTED("taken again by its holder", "spin (");
	preempt_enable();
	spin_unlock(&spin);

	mutex_lock(&mutex);
	report_capture_begin();
	mutex_lock(&mutex);
	REPORTED("taken again by its holder", "mutex (");
	mutex_unlock(&mutex);

	/* A writer that queues between the two would wait for the first, and the second for it. */
	down_read(&sem);
	report_capture_begin();
	down_read(&sem);
	REPORTED("taken again by its holder", "sem (", "(read)");
	up_read(&sem);

	down_write(&sem);
	report_capture_begin();
	down_read(&sem);
	REPORTED("taken again by its holder", "sem (");
	up_write(&sem);
}

KTEST(lockdep, nested_class)
{
	spinlock_t l[2];
	for (int i = 0; i < 2; i++)
		spin_init(&l[i]);
	report_capture_begin();
	spin_lock(&l[0]);
	spin_lock(&l[1]);
	spin_unlock(&l[1]);
	spin_unlock(&l[0]);
	REPORTED("nested without a rule", "&l[i] (");
	report_capture_begin();
	spin_lock(&l[0]);
	spin_lock_nested(&l[1], LOCK_NESTED);
	spin_unlock(&l[1]);
	spin_unlock(&l[0]);
	CHECK_EQ(report_capture_end(), 0);
}

KTEST(lockdep, released_by_who_does_not_hold_it)
{
	static DEFINE_SPINLOCK(spin);
	static DEFINE_RWSEM(sem);
	report_capture_begin();
	preempt_disable();
	spin_unlock(&spin);
	REPORTED("released by who does not hold it", "spin (");
	report_capture_begin();
	up_read(&sem);
	REPORTED("released by who does not hold it", "sem (");
}

static DEFINE_MUTEX(others_mutex);

static int release_others(void *arg)
{
	report_capture_begin();
	mutex_unlock(&others_mutex);
	return (int)report_capture_end();
}

KTEST(lockdep, released_by_another_thread)
{
	struct join_handle h;
	mutex_lock(&others_mutex);
	REQUIRE(!thread_spawn(&h, release_others, NULL, "unlocker"));
	CHECK_EQ(thread_join(&h), 1);
	CHECK(strstr(report_captured(), "released by who does not hold it") != NULL);
	CHECK(mutex_is_locked(&others_mutex));
	mutex_unlock(&others_mutex);
}

static int end_with_lock(void *arg)
{
	static DEFINE_MUTEX(kept);
	mutex_lock(&kept);
	report_capture_begin();
	return 0;
}

KTEST(lockdep, thread_ends_with_a_lock)
{
	struct join_handle h;
	REQUIRE(!thread_spawn(&h, end_with_lock, NULL, "keeper"));
	(void)thread_join(&h);
	REPORTED("ends with locks held", "kept (");
}

struct in_interrupt {
	struct timer timer;
	struct completion done;
	spinlock_t *lock;
};

static void take_in_interrupt(struct timer *t)
{
	struct in_interrupt *i = container_of(t, struct in_interrupt, timer);
	spin_lock(i->lock);
	spin_unlock(i->lock);
	complete(&i->done);
}

static void interrupt_takes(spinlock_t *l)
{
	struct in_interrupt i = {.lock = l};
	completion_init(&i.done);
	timer_init(&i.timer, take_in_interrupt);
	timer_start(&i.timer, ktime_get());
	wait_for_completion(&i.done);
	timer_cancel(&i.timer);
}

KTEST(lockdep, interrupt_against_interrupts_on)
{
	static DEFINE_SPINLOCK(irq);
	interrupt_takes(&irq);
	report_capture_begin();
	spin_lock(&irq);
	spin_unlock(&irq);
	REPORTED("taken in interrupts and held with interrupts on", "irq (", "take_in_interrupt");
	unsigned long f;
	report_capture_begin();
	spin_lock_irqsave(&irq, f);
	spin_unlock_irqrestore(&irq, f);
	CHECK_EQ(report_capture_end(), 0);
}

KTEST(lockdep, interrupt_against_interrupts_on_through_another)
{
	static DEFINE_SPINLOCK(irq);
	static DEFINE_SPINLOCK(plain);
	unsigned long f;
	interrupt_takes(&irq);
	spin_lock(&plain);
	spin_unlock(&plain);
	report_capture_begin();
	spin_lock_irqsave(&irq, f);
	spin_lock(&plain);
	spin_unlock(&plain);
	spin_unlock_irqrestore(&irq, f);
	REPORTED("leads to one held with interrupts on", "irq (", "plain (");
}

KTEST(lockdep, sleeping_in_atomic_context)
{
	static DEFINE_SPINLOCK(spin);
	static DEFINE_MUTEX(mutex);
	static DEFINE_RWSEM(sem);
	report_capture_begin();
	spin_lock(&spin);
	mutex_lock(&mutex);
	mutex_unlock(&mutex);
	spin_unlock(&spin);
	REPORTED("sleeping where it is not allowed", "spin (", "mutex_lock");

	report_capture_begin();
	rcu_read_lock();
	down_write(&sem);
	up_write(&sem);
	rcu_read_unlock();
	REPORTED("sleeping where it is not allowed", "down_write");

	void *p = kmalloc(32, GFP_KERNEL);
	kfree(p); /* the next one comes from the magazine */
	report_capture_begin();
	irq_disable();
	p = kmalloc(32, GFP_KERNEL);
	irq_enable();
	kfree(p);
	REPORTED("sleeping where it is not allowed", "slab_alloc");

	char c;
	report_capture_begin();
	preempt_disable();
	CHECK(copy_in(&c, u64_to_user(0), 0) == 0);
	preempt_enable();
	REPORTED("sleeping where it is not allowed");

	report_capture_begin();
	preempt_disable();
	pagefault_disable();
	CHECK(copy_in(&c, u64_to_user(0), 0) == 0);
	pagefault_enable();
	preempt_enable();
	CHECK_EQ(report_capture_end(), 0);

	struct wait_queue q;
	wait_queue_init(&q);
	report_capture_begin();
	preempt_disable();
	wait_event(&q, true);
	preempt_enable();
	REPORTED("sleeping where it is not allowed");
}

KTEST(lockdep, never_initialised)
{
	static spinlock_t raw;
	report_capture_begin();
	preempt_disable();
	spin_lock(&raw);
	preempt_enable();
	preempt_enable();
	REPORTED("never initialised", "without name");
}

KTEST(lockdep, too_many_held)
{
	static mutex_t many[LOCKDEP_DEPTH + 1];
	unsigned n;
	for (n = 0; n <= LOCKDEP_DEPTH; n++)
		mutex_init(&many[n]);
	for (n = 0; n < LOCKDEP_DEPTH; n++)
		REQUIRE(mutex_trylock(&many[n]));
	report_capture_begin();
	(void)mutex_trylock(&many[n]);
	REPORTED("too many locks held");
	while (n--)
		mutex_unlock(&many[n]);
}

#endif
