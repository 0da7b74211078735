/* Read-copy-update with quiescent states. Read sections are preemption-off regions, so a CPU is
 * quiescent whenever it switches threads, whenever an interrupt finds preempt_count 0 (user mode is
 * one case of that), and while it idles.
 *
 * Grace periods are numbered. `started` is the last one begun, `completed` the last one over; at most
 * one is under way (started == completed + 1). Starting one copies the online mask into `waiting`,
 * takes out the idle CPUs and raises rcu_need_qs on the rest; each CPU clears its bit at its next
 * quiescent state, the last one completes the period. A callback queued now is safe after period
 * started + 1.
 *
 * Callbacks sit in three per-CPU segments: `next` (no number yet), `wait` (safe after wait_gp) and
 * `done`. They move forward in rcu_cpu_work(), which a thread of the CPU runs (the scheduler's hooks).
 * With nothing pending a switch or an interrupt pays one load and a branch.
 *
 * Idle against start: idle entry sets its flag, fences, looks at rcu_need_qs; start raises
 * rcu_need_qs, fences, looks at the flag. Reporting is idempotent (test-and-clear of one's bit).
 *
 * Locks: rcu.lock (interrupts off) guards the numbers; segments are their CPU's with interrupts off.
 * The lock is a leaf but for the hooks called after it is dropped.
 * Source: McKenney and Slingwine, "Read-Copy Update", PDCS 1998. */
#include <sync/rcu.h>
#include <sync/spinlock.h>
#include <arch/smp.h>
#include <lib/bits.h>
#include <log/panic.h>

struct rcu_list {
	struct rcu_head *head, **tail;
	u32 n;
};

struct rcu_cpu {
	struct rcu_list next, wait, done; /* [own CPU, interrupts off] */
	u64 wait_gp;			  /* [own CPU, interrupts off] */
	u8 deferred;			  /* [own CPU, interrupts off] hooks.defer was called */
	u8 want_wake;			  /* [a] its thread waits for the current period */
	u8 ready;			  /* lists initialised */
};

static DEFINE_PER_CPU(struct rcu_cpu, rcu_cpu);
DEFINE_PER_CPU(u32, rcu_need_qs) = 0;
DEFINE_PER_CPU(u32, rcu_idle_flag) = 0;

static struct {
	spinlock_t lock;
	u64 started, completed; /* [lock], read without */
	u64 wanted;		/* [lock] last period that somebody waits for */
	unsigned long *waiting; /* [a] CPUs that the current period waits for */
	atomic_t nr_waiting;	/* [a] */
} rcu = {.lock = SPINLOCK_INIT(rcu.lock)};
static unsigned long rcu_boot_mask[1]; /* until rcu_init: one CPU */
static struct rcu_hooks rcu_hooks __ro_after_init;

/* A burst of this many callbacks does not wait for the deferred run. */
#define RCU_BURST 2000

static void list_reset(struct rcu_list *l)
{
	l->head = NULL;
	l->tail = &l->head;
	l->n = 0;
}

static void list_append(struct rcu_list *dst, struct rcu_list *src)
{
	if (!src->head)
		return;
	*dst->tail = src->head;
	dst->tail = src->tail;
	dst->n += src->n;
	list_reset(src);
}

static struct rcu_cpu *this_rcu(void)
{
	struct rcu_cpu *r = this_cpu_ptr(&rcu_cpu);
	if (unlikely(!r->ready)) {
		list_reset(&r->next);
		list_reset(&r->wait);
		list_reset(&r->done);
		r->ready = 1;
	}
	return r;
}

static unsigned long *waiting_mask(void)
{
	return rcu.waiting ? rcu.waiting : rcu_boot_mask;
}

static void gp_start(void);

/* The last CPU reported. Lock held. */
static void gp_complete(void) __requires_lock(rcu.lock)
{
	smp_store_release(&rcu.completed, rcu.started);
	if (rcu.wanted > rcu.completed)
		gp_start();
}

static void gp_start(void) __requires_lock(rcu.lock)
{
	unsigned long *mask = waiting_mask();
	WRITE_ONCE(rcu.started, rcu.started + 1);
	/* One more than the CPUs, so that reports meanwhile cannot complete it under us. */
	atomic_set(&rcu.nr_waiting, 1);
	smp_mb();
	for_each_online_cpu (c) {
		bit_set_atomic(mask, c);
		atomic_inc(&rcu.nr_waiting);
		WRITE_ONCE(per_cpu(rcu_need_qs, c), 1);
	}
	smp_mb();
	for_each_online_cpu (c) {
		if (READ_ONCE(per_cpu(rcu_idle_flag, c)) && bit_test_and_clear_atomic(mask, c))
			atomic_dec(&rcu.nr_waiting);
	}
	/* Completion when everyone idles cannot recurse deeply: the caller is running, not idle, unless
	 * it is the one that reports; then the loop below is at most one level per wanted period. */
	if (atomic_dec_return(&rcu.nr_waiting) == 0)
		gp_complete();
}

/* Wake the callback threads that wait for a period to end; no lock held. */
static void wake_waiters(void)
{
	for_each_online_cpu (c) {
		struct rcu_cpu *r = per_cpu_ptr(&rcu_cpu, c);
		if (READ_ONCE(r->want_wake) && xchg(&r->want_wake, 0) && rcu_hooks.wake)
			rcu_hooks.wake(c);
	}
}

void rcu_report_qs(void) __no_lock_check
{
	unsigned cpu = cpu_id();
	this_cpu_write(rcu_need_qs, 0);
	if (!bit_test_and_clear_atomic(waiting_mask(), cpu))
		return;
	if (atomic_dec_return(&rcu.nr_waiting) != 0)
		return;
	__spin_acquire(&rcu.lock);
	/* Nobody else can complete: the counter reached zero once for this period. */
	gp_complete();
	__spin_release(&rcu.lock);
	/* The threads are woken from the next interrupt exit or switch at the latest; here the run-queue
	 * lock may not be held by the caller: rcu_note_context_switch is called before it is taken. */
	wake_waiters();
}

void rcu_idle_enter(void)
{
	this_cpu_write(rcu_idle_flag, 1);
	smp_mb();
	if (unlikely(this_cpu_read(rcu_need_qs)))
		rcu_report_qs();
}

void rcu_idle_leave(void)
{
	this_cpu_write(rcu_idle_flag, 0);
	smp_mb();
}

/* Note that a period beginning from now on is wanted; returns its number. Interrupts off. */
static u64 gp_request(void) __no_lock_check
{
	__spin_acquire(&rcu.lock);
	u64 gp = rcu.started + 1;
	rcu.wanted = max(rcu.wanted, gp);
	if (rcu.started == rcu.completed)
		gp_start();
	__spin_release(&rcu.lock);
	return gp;
}

void call_rcu(struct rcu_head *head, void (*fn)(struct rcu_head *))
{
	head->next = NULL;
	head->fn = fn;
	unsigned long f = irq_save();
	struct rcu_cpu *r = this_rcu();
	*r->next.tail = head;
	r->next.tail = &head->next;
	u32 n = ++r->next.n;
	if (!r->deferred && rcu_hooks.defer) {
		r->deferred = 1;
		rcu_hooks.defer();
	} else if (unlikely(n == RCU_BURST) && rcu_hooks.wake) {
		rcu_hooks.wake(cpu_id());
	}
	irq_restore(f);
}

/* kfree_rcu stores the offset where a function would be: no function lives below 4096. */
#define MAX_FREE_OFFSET 4096
void __kfree_rcu(struct rcu_head *head, size_t offset)
{
	BUG_ON(offset >= MAX_FREE_OFFSET);
	call_rcu(head, (void (*)(struct rcu_head *))offset);
}

static void invoke(struct rcu_head *h)
{
	if ((uintptr_t)h->fn < MAX_FREE_OFFSET)
		rcu_hooks.free((char *)h - (uintptr_t)h->fn);
	else
		h->fn(h);
}

/* Move the segments on. Interrupts off. */
static void advance(struct rcu_cpu *r)
{
	u64 completed = smp_load_acquire(&rcu.completed);
	if (r->wait.head && completed >= r->wait_gp)
		list_append(&r->done, &r->wait);
	if (!r->wait.head && r->next.head) {
		list_append(&r->wait, &r->next);
		r->wait_gp = gp_request();
	}
}

enum rcu_todo rcu_cpu_work(unsigned batch)
{
	unsigned long f = irq_save();
	struct rcu_cpu *r = this_rcu();
	r->want_wake = 0;
	advance(r);
	struct rcu_head *h = r->done.head;
	list_reset(&r->done);
	irq_restore(f);

	while (h && batch--) {
		struct rcu_head *next = h->next;
		invoke(h);
		h = next;
	}

	irq_disable();
	/* The rest goes back to the front. */
	if (h) {
		struct rcu_list rest = {h, &h->next, 1};
		while (*rest.tail) {
			rest.tail = &(*rest.tail)->next;
			rest.n++;
		}
		list_append(&rest, &r->done);
		list_reset(&r->done);
		list_append(&r->done, &rest);
	}
	enum rcu_todo todo = RCU_IDLE;
	if (r->done.head) {
		todo = RCU_MORE;
	} else if (r->wait.head) {
		todo = RCU_WAIT_GP;
		xchg(&r->want_wake, 1);
		/* Completed between: do not sleep. */
		if (smp_load_acquire(&rcu.completed) >= r->wait_gp)
			todo = RCU_MORE;
	} else if (r->next.head) {
		todo = RCU_MORE;
	} else {
		r->deferred = 0;
	}
	irq_enable();
	return todo;
}

void rcu_force_laggards(void)
{
	unsigned long *mask = waiting_mask();
	for_each_online_cpu (c) {
		if (bit_test(mask, c) && rcu_hooks.force_cpu)
			rcu_hooks.force_cpu(c);
	}
}

void synchronize_rcu(void)
{
	/* Alone and in thread context, the caller's being here is a grace period. */
	if (READ_ONCE(nr_cpus_online) <= 1 || !rcu_hooks.wait) {
		smp_mb();
		return;
	}
	rcu_hooks.wait();
}

void rcu_set_hooks(const struct rcu_hooks *h)
{
	unsigned long f = irq_save();
	rcu_hooks = *h;
	struct rcu_cpu *r = this_rcu();
	if (r->next.head && !r->deferred) {
		r->deferred = 1;
		rcu_hooks.defer();
	}
	irq_restore(f);
}

void rcu_set_mask(unsigned long *mask)
{
	rcu.waiting = mask;
}

void rcu_cpu_online(void)
{
	this_rcu();
	this_cpu_write(rcu_idle_flag, 0);
	smp_mb();
}

unsigned long rcu_gp_count(void)
{
	return READ_ONCE(rcu.completed);
}
