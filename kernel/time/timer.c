/* High-resolution one-shot timers. Each CPU has a base: a red-black tree by expiry with a cached
 * leftmost node, from which the CPU's one-shot hardware timer is programmed. A timer lives on the CPU
 * that started it last, except that one whose function is running stays on that base (so that cancel
 * finds it).
 *
 * Cancelling the leftmost leaves the hardware timer alone: at worst one interrupt comes for nothing,
 * which is cheaper than programming it twice for every sleep that is cut short.
 *
 * Locks: base->lock, interrupts off, a leaf. timer->base changes only under the lock of the base it
 * names, through MOVING, so that concurrent starts of one timer do not lose each other. Functions run without the lock, in hard-IRQ context. */
#include "time_priv.h"
#include <arch/clock.h>
#include <sync/spinlock.h>

struct timer_base {
	spinlock_t lock;
	struct rb_root root;	/* [lock] by expires, first come first */
	struct timer *leftmost; /* [lock] */
	struct timer *running;	/* [lock] its fn is being called */
	u64 programmed;		/* [lock] what the hardware was told; U64_MAX: nothing */
	u64 not_before;	   /* [lock] expiry took too long: the next interrupt waits until then */
	bool in_interrupt; /* [lock] the expiry loop programs when it is done */
};

static DEFINE_PER_CPU(struct timer_base, timer_base) = {.lock = SPINLOCK_INIT(timer_base.lock),
							.programmed = UINT64_MAX};
static bool timers_on; /* [I] after time_init: the hardware timer may be programmed */

static void program(struct timer_base *b)
{
	u64 next = b->leftmost ? (u64)b->leftmost->expires : UINT64_MAX;
	if (next < b->not_before)
		next = b->not_before;
	if (timers_on && next < b->programmed) {
		b->programmed = next;
		arch_timer_program(next);
	}
}

static void enqueue(struct timer_base *b, struct timer *t)
{
	struct rb_node **link = &b->root.node, *parent = NULL;
	bool first = true;
	while (*link) {
		parent = *link;
		if (t->expires < rb_entry(parent, struct timer, node)->expires) {
			link = &parent->left;
		} else {
			link = &parent->right;
			first = false;
		}
	}
	rb_link(&t->node, parent, link);
	rb_insert_fixup(&b->root, &t->node, NULL);
	if (first)
		b->leftmost = t;
	t->queued = 1;
}

static void dequeue(struct timer_base *b, struct timer *t)
{
	if (b->leftmost == t) {
		struct rb_node *n = rb_next(&t->node);
		b->leftmost = n ? rb_entry(n, struct timer, node) : NULL;
	}
	rb_erase(&b->root, &t->node, NULL);
	t->queued = 0;
}

/* t->base while a start moves it from one base to another. */
#define MOVING ((struct timer_base *)1)

/* Lock the base that t is or was on; NULL when it never was on one. Interrupts off. */
static struct timer_base *lock_base(struct timer *t)
{
	for (;;) {
		struct timer_base *b = __atomic_load_n(&t->base, __ATOMIC_ACQUIRE);
		if (!b)
			return NULL;
		if (b != MOVING) {
			__spin_acquire(&b->lock);
			if (READ_ONCE(t->base) == b)
				return b;
			__spin_release(&b->lock);
		}
		cpu_relax();
	}
}

/* Lock the base that t shall be queued on from here, t off any queue. Interrupts off. */
static struct timer_base *lock_for_start(struct timer *t, struct timer_base *here)
{
	for (;;) {
		struct timer_base *b = lock_base(t);
		if (b) {
			if (t->queued)
				dequeue(b, t);
			if (b == here || b->running == t)
				return b;
			__atomic_store_n(&t->base, MOVING, __ATOMIC_RELEASE);
			__spin_release(&b->lock);
		} else if (cmpxchg(&t->base, NULL, MOVING) != NULL) {
			continue;
		}
		__spin_acquire(&here->lock);
		__atomic_store_n(&t->base, here, __ATOMIC_RELEASE);
		return here;
	}
}

void timer_init(struct timer *t, void (*fn)(struct timer *t))
{
	rb_node_init(&t->node);
	t->expires = 0;
	t->fn = fn;
	t->base = NULL;
	t->queued = 0;
}

void timer_start(struct timer *t, ktime_t expires)
{
	unsigned long f = irq_save();
	struct timer_base *here = this_cpu_ptr(&timer_base);
	struct timer_base *b = lock_for_start(t, here);
	t->expires = max(expires, (ktime_t)0);
	enqueue(b, t);
	/* On another CPU's base only while that runs its expiry loop, which looks again. */
	if (b == here && !b->in_interrupt)
		program(b);
	__spin_release(&b->lock);
	irq_restore(f);
}

int timer_try_cancel(struct timer *t)
{
	unsigned long f = irq_save();
	struct timer_base *b = lock_base(t);
	int ret = 0;
	if (b) {
		if (t->queued) {
			dequeue(b, t);
			ret = 1;
		} else if (b->running == t) {
			ret = -1;
		}
		__spin_release(&b->lock);
	}
	irq_restore(f);
	return ret;
}

bool timer_cancel(struct timer *t)
{
	bool was = false;
	for (;;) {
		unsigned long f = irq_save();
		struct timer_base *b = lock_base(t);
		if (!b) {
			irq_restore(f);
			return was;
		}
		if (t->queued) {
			dequeue(b, t);
			was = true;
		}
		bool running = b->running == t;
		__spin_release(&b->lock);
		irq_restore(f);
		if (!running)
			return was;
		cpu_relax();
	}
}

/* Timers that restart themselves faster than they are served (setitimer with a microsecond), or very
 * many of them, must not keep the CPU in its interrupt: after this long the rest waits as long again. */
#define EXPIRY_BUDGET (1 * NSEC_PER_MSEC)
#define EXPIRY_PAUSE  (5 * NSEC_PER_MSEC) /* at most */

/* The local timer interrupt: hard IRQ, interrupts off. */
static void timer_interrupt(void)
{
	struct timer_base *b = this_cpu_ptr(&timer_base);
	__spin_acquire(&b->lock);
	b->in_interrupt = true;
	b->programmed = UINT64_MAX;
	b->not_before = 0;
	u64 start = arch_clock_ns(), now = start;
	for (unsigned n = 0;; n++) {
		struct timer *t = b->leftmost;
		if (!t)
			break;
		if ((u64)t->expires > now || n % 16 == 15) {
			now = arch_clock_ns();
			if ((u64)t->expires > now)
				break;
			if (now - start > EXPIRY_BUDGET) {
				b->not_before = now + min_t(u64, now - start, EXPIRY_PAUSE);
				break;
			}
		}
		dequeue(b, t);
		WRITE_ONCE(b->running, t);
		void (*fn)(struct timer *) = t->fn;
		__spin_release(&b->lock);
		fn(t);
		__spin_acquire(&b->lock);
		WRITE_ONCE(b->running, NULL);
	}
	b->in_interrupt = false;
	program(b);
	__spin_release(&b->lock);
}

void timers_init(void)
{
	unsigned long f = irq_save();
	struct timer_base *b = this_cpu_ptr(&timer_base);
	arch_timer_set_handler(timer_interrupt);
	__spin_acquire(&b->lock);
	timers_on = true;
	program(b);
	__spin_release(&b->lock);
	irq_restore(f);
}
