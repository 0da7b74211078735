/* The lock checker: finds locking mistakes from one run in which nothing went wrong yet.
 *
 * Locks initialised at one place are a class (times subclass, for two of them nested by a rule). Whenever
 * one is taken, every lock held gives an edge of the order graph: "held before taken". An edge is checked
 * once, when it is new: if the graph already leads back, the two orders together can deadlock. Trying
 * takes no part as the later one, since it does not wait. Readers count as writers: our rwsems are fair, so
 * that a reader waits behind a writer that waits.
 *
 * Spinlocks have two more marks per class: taken in an interrupt, and held with interrupts on. A class with
 * both can deadlock against itself; so can one of the first kind that leads to one of the second.
 *
 * Held locks: spinlocks on a stack of the CPU (the run queue's changes hands in a context switch, and stays
 * on the CPU), sleeping locks on one of the thread. An interrupt's locks are ordered among themselves only.
 * In an NMI, and after the first report that did not panic, nothing is checked.
 *
 * Locks: graph_lock, a plain flag with interrupts off, for all that changes the graph and for the report
 * text; lookups and the test for known edges go without. The pools are static: the checker may not
 * allocate. Any context.
 * Source: the idea is described in McKenney, "Is Parallel Programming Hard", 7.1.1 (hierarchies). */
#include <sync/spinlock.h>
#include <arch/irqflags.h>
#include <init/sections.h>
#include <lib/bits.h>
#include <lib/string.h>
#include <log/panic.h>
#include <log/report.h>

#define MAX_CLASSES 768
#define MAX_EDGES   4096
#define HASH_SIZE   512

#define IN_IRQ	1u /* taken by waiting, in an interrupt */
#define IRQS_ON 2u /* held with interrupts on */

struct lock_class {
	const char *name; /* [I] */
	u16 next;	  /* [I] in the hash chain */
	u8 sub;		  /* [I] */
	u8 marks;	  /* [graph_lock] */
	u64 pc[2];	  /* [graph_lock] where each mark comes from */
};
/* Where an edge was first seen; for reports only. */
struct edge {
	u16 from, to, next;
	u64 from_pc, to_pc;
};

static u32 graph_lock;			       /* [a] */
static struct lock_class classes[MAX_CLASSES]; /* index 0 is not used */
static u16 nr_classes = 1, nr_edges = 1;       /* [graph_lock] */
static u16 class_hash[HASH_SIZE];	       /* [graph_lock], read without */
static u16 edge_hash[HASH_SIZE];	       /* [graph_lock] */
static struct edge edges[MAX_EDGES];	       /* [graph_lock] */
static unsigned long after[MAX_CLASSES]
			  [BITS_TO_LONGS(MAX_CLASSES)]; /* [graph_lock], read without */
static u16 queue[MAX_CLASSES], parent[MAX_CLASSES];	/* [graph_lock] */
static char text[4096];					/* [graph_lock] */
static size_t text_len;					/* [graph_lock] */
static bool off;

static DEFINE_PER_CPU(struct lockdep_stack, cpu_stack);
static DEFINE_PER_CPU(struct lockdep_stack *, thread_stack); /* NULL: before the scheduler */

static void graph_take(void)
{
	while (__atomic_exchange_n(&graph_lock, 1, __ATOMIC_ACQUIRE))
		cpu_relax();
}

static void graph_drop(void)
{
	__atomic_store_n(&graph_lock, 0, __ATOMIC_RELEASE);
}

#define say(...) report_add(text, sizeof(text), &text_len, __VA_ARGS__)

static u8 irq_level(void)
{
	return (u8)(this_cpu_read(preempt_count) >> 16);
}

static bool unchecked(void)
{
	return unlikely(READ_ONCE(off)) || in_nmi() || panicking;
}

void lockdep_init_map(struct lock_map *m, const char *name)
{
	m->name = name;
	m->class = 0;
}

/* ---- reports: graph_lock held --------------------------------------------------------------------- */

static const char *class_name(u16 c)
{
	return classes[c].name;
}

static void say_sub(u16 c)
{
	if (classes[c].sub)
		say("/%u", classes[c].sub);
}

static void say_stack(const struct lockdep_stack *s, const char *whose)
{
	for (u32 i = s->n; i--;) {
		const struct lockdep_held *h = &s->held[i];
		say("    %s", class_name(h->class));
		say_sub(h->class);
		say("%s%s at %p, taken at %pS%s%s\n", h->flags & LD_READ ? " (read)" : "",
		    h->flags & LD_TRY ? " (try)" : "", h->map, (void *)h->pc, whose,
		    h->level ? ", in an interrupt" : "");
	}
}

/* Send what was said. True if a test wanted it. */
static bool submit(const char *title)
{
	const struct lockdep_stack *t = this_cpu_read(thread_stack), *c = this_cpu_ptr(&cpu_stack);

	if (c->n || (t && t->n)) {
		say("  held here:\n");
		say_stack(c, ", on this CPU");
		if (t)
			say_stack(t, ", by this thread");
	}
	if (!report_capturing())
		WRITE_ONCE(off, true); /* before the log's own locks are taken */
	return report_submit(title, text);
}

static void begin(void)
{
	graph_take();
	text_len = 0;
	text[0] = '\0';
}

/* A report about one lock. True if captured. Interrupts off. */
static bool report_one(const char *title, const struct lock_map *m, u64 pc)
{
	begin();
	if (m)
		say("  lock %s at %p (%pS), asked for at %pS\n", m->name ? m->name : "without name",
		    m, m, (void *)pc);
	else
		say("  at %pS\n", (void *)pc);
	bool captured = submit(title);
	graph_drop();
	return captured;
}

/* ---- the graph ------------------------------------------------------------------------------------- */

static unsigned hash2(u64 a, u64 b)
{
	return (unsigned)((a * 0x9e3779b97f4a7c15ul + b * 0xc2b2ae3d27d4eb4ful) >> 40) % HASH_SIZE;
}

static u16 find_class(const char *name, unsigned sub)
{
	u16 c = smp_load_acquire(&class_hash[hash2((u64)name, sub)]);
	while (c && (classes[c].name != name || classes[c].sub != sub))
		c = classes[c].next;
	return c;
}

/* The class of a lock, 0: none (checking is then off). Interrupts off. */
static __noinline u16 class_slow(struct lock_map *m, unsigned sub)
{
	u16 c = find_class(m->name, sub);
	if (c)
		goto out;
	graph_take();
	c = find_class(m->name, sub);
	if (!c && nr_classes < MAX_CLASSES) {
		u16 *head = &class_hash[hash2((u64)m->name, sub)];
		c = nr_classes++;
		classes[c].name = m->name;
		classes[c].sub = (u8)sub;
		classes[c].next = *head;
		smp_store_release(head, c);
	}
	graph_drop();
	if (!c) {
		WRITE_ONCE(off, true);
		pr_warn("lockdep: more than %u classes, off", MAX_CLASSES);
		return 0;
	}
out:
	if (!sub)
		WRITE_ONCE(m->class, c);
	return c;
}

static bool known(u16 from, u16 to)
{
	return bit_test(after[from], to);
}

static const struct edge *find_edge(u16 from, u16 to)
{
	u16 e = edge_hash[hash2(from, to)];
	while (e && (edges[e].from != from || edges[e].to != to))
		e = edges[e].next;
	return e ? &edges[e] : NULL;
}

static void add_edge(u16 from, u16 to, u64 from_pc, u64 to_pc)
{
	bit_set_atomic(after[from], to);
	if (nr_edges == MAX_EDGES)
		return; /* reports will not know the places */
	u16 *head = &edge_hash[hash2(from, to)], e = nr_edges++;
	edges[e] = (struct edge){from, to, *head, from_pc, to_pc};
	*head = e;
}

/* Walk from c along the edges (backward: against them) breadth first, c included, until a class is
 * `want` or has one of `marks`; 0: none. parent[] then holds the way. */
static u16 walk(u16 c, bool backward, u16 want, u8 marks)
{
	static unsigned long seen[BITS_TO_LONGS(MAX_CLASSES)];
	unsigned head = 0, tail = 0;

	memset(seen, 0, sizeof(seen));
	bit_set(seen, c);
	parent[c] = 0;
	queue[tail++] = c;
	while (head < tail) {
		u16 at = queue[head++];
		if (at == want || (classes[at].marks & marks))
			return at;
		for (u16 n = 1; n < nr_classes; n++) {
			if (bit_test(seen, n) || !(backward ? known(n, at) : known(at, n)))
				continue;
			bit_set(seen, n);
			parent[n] = at;
			queue[tail++] = n;
		}
	}
	return 0;
}

static void say_edge(u16 from, u16 to)
{
	const struct edge *e = find_edge(from, to);

	say("    %s", class_name(from));
	say_sub(from);
	say(" -> %s", class_name(to));
	say_sub(to);
	if (e)
		say(": held since %pS, taken at %pS", (void *)e->from_pc, (void *)e->to_pc);
	say("\n");
}

/* The way that the last walk found to c, first edge first. */
static void say_way(u16 c, bool backward)
{
	if (backward) {
		for (; parent[c]; c = parent[c])
			say_edge(c, parent[c]);
		return;
	}
	unsigned n = 0;
	for (; parent[c]; c = parent[c])
		queue[n++] = c;
	while (n--)
		say_edge(parent[queue[n]], queue[n]);
}

static void say_mark(u16 c, u8 mark)
{
	say("    %s is %s: %pS\n", class_name(c),
	    mark == IN_IRQ ? "taken in an interrupt" : "held with interrupts on",
	    (void *)classes[c].pc[mark - 1]);
}

static void say_new(const struct lockdep_held *h, u16 to, const struct lock_map *m, u64 pc)
{
	say("  %s", class_name(to));
	say_sub(to);
	say(" (%p) is being taken at %pS\n  while %s", m, (void *)pc, class_name(h->class));
	say_sub(h->class);
	say(" (%p) is held, taken at %pS\n", h->map, (void *)h->pc);
}

/* A new order: h's class before `to`. False: refused by a test. Interrupts off. */
static __noinline bool new_edge(const struct lockdep_held *h, u16 to, struct lock_map *m,
				unsigned flags, u64 pc)
{
	u16 from = h->class, found;
	bool ret = true;

	begin();
	if (known(from, to))
		goto out;
	found = walk(to, false, from, 0);
	if (found) {
		say_new(h, to, m, pc);
		say("  but elsewhere the order is:\n");
		say_way(found, false);
		submit("lockdep: circular order of locks");
		goto out;
	}
	if (!((flags | h->flags) & LD_SLEEP)) {
		u16 irq = walk(from, true, 0, IN_IRQ), on = irq ? walk(to, false, 0, IRQS_ON) : 0;
		if (on) {
			say_new(h, to, m, pc);
			say("  an interrupt that wants the first can come while the last is held:\n");
			walk(from, true, 0, IN_IRQ);
			say_mark(irq, IN_IRQ);
			say_way(irq, true);
			walk(to, false, 0, IRQS_ON);
			say_way(on, false);
			say_mark(on, IRQS_ON);
			submit("lockdep: a lock taken in interrupts leads to one held with interrupts on");
			goto out;
		}
	}
	add_edge(from, to, h->pc, pc);
out:
	graph_drop();
	return ret;
}

/* The first time that class c gets a mark. Interrupts off. */
static __noinline void new_mark(u16 c, u8 mark, u64 pc)
{
	u8 other = mark ^ (IN_IRQ | IRQS_ON);
	u16 end;

	begin();
	if (classes[c].marks & mark)
		goto out;
	end = walk(c, mark == IRQS_ON, 0, other);
	if (end) {
		say("  %s is %s at %pS\n", class_name(c),
		    mark == IN_IRQ ? "taken in an interrupt" : "held with interrupts on",
		    (void *)pc);
		if (end != c) {
			say("  along this order:\n");
			say_way(end, mark == IRQS_ON);
		}
		say("  but:\n");
		say_mark(end, other);
		submit("lockdep: a lock is taken in interrupts and held with interrupts on");
		goto out;
	}
	classes[c].pc[mark - 1] = pc;
	WRITE_ONCE(classes[c].marks, classes[c].marks | mark);
out:
	graph_drop();
}

/* ---- taking and releasing ------------------------------------------------------------------------- */

/* Check a lock about to be taken against those of one stack. */
static bool check_held(const struct lockdep_stack *s, u8 level, struct lock_map *m, u16 class,
		       unsigned flags, u64 pc)
{
	for (u32 i = s->n; i--;) {
		const struct lockdep_held *h = &s->held[i];
		if (flags & LD_TRY)
			break;
		if (unlikely(h->map == m)) {
			if (report_one("lockdep: a lock is taken again by its holder", m, pc))
				return false;
		} else if (h->level != level) {
			continue;
		} else if (unlikely(h->class == class)) {
			report_one("lockdep: two locks of a class nested without a rule", m, pc);
		} else if (unlikely(!known(h->class, class)) && !new_edge(h, class, m, flags, pc)) {
			return false;
		}
	}
	return true;
}

bool __noinline lockdep_acquire(struct lock_map *m, unsigned flags, u64 pc)
{
	bool ret = true;

	if (unchecked())
		return true;
	if (!pc)
		pc = (u64)__builtin_return_address(0);
	unsigned long f = irq_save();
	struct lockdep_stack *t = this_cpu_read(thread_stack), *c = this_cpu_ptr(&cpu_stack);
	struct lockdep_stack *s = flags & LD_SLEEP ? t : c;
	u8 level = irq_level();
	unsigned sub = flags >> 8;

	if (unlikely(!m->name)) {
		ret = !report_one("lockdep: a lock that was never initialised", m, pc);
		goto out;
	}
	u16 class = sub || !m->class ? class_slow(m, sub) : m->class;
	if (!class || !s)
		goto out;
	if (!check_held(c, level, m, class, flags, pc) ||
	    (t && !level && !check_held(t, 0, m, class, flags, pc))) {
		ret = false;
		goto out;
	}
	if (!(flags & LD_SLEEP)) {
		if (level && !(flags & LD_TRY) && unlikely(!(classes[class].marks & IN_IRQ)))
			new_mark(class, IN_IRQ, pc);
		if ((f & RFLAGS_IF) && unlikely(!(classes[class].marks & IRQS_ON)))
			new_mark(class, IRQS_ON, pc);
	}
	if (s->n == LOCKDEP_DEPTH) {
		report_one("lockdep: too many locks held", m, pc);
		goto out;
	}
	s->held[s->n++] = (struct lockdep_held){m, pc, class, (u8)flags, level};
out:
	irq_restore(f);
	return ret;
}

static struct lockdep_held *find_held(struct lockdep_stack *s, const struct lock_map *m)
{
	for (u32 i = s->n; i--;)
		if (s->held[i].map == m)
			return &s->held[i];
	return NULL;
}

bool __noinline lockdep_release(struct lock_map *m, unsigned flags, u64 pc)
{
	bool ret = true;

	if (unchecked())
		return true;
	if (!pc)
		pc = (u64)__builtin_return_address(0);
	unsigned long f = irq_save();
	struct lockdep_stack *s =
		flags & LD_SLEEP ? this_cpu_read(thread_stack) : this_cpu_ptr(&cpu_stack);
	if (!s)
		goto out;
	struct lockdep_held *h = find_held(s, m);
	if (likely(h)) {
		struct lockdep_held *end = &s->held[--s->n];
		for (; h < end; h++)
			*h = h[1];
	} else {
		ret = !report_one("lockdep: a lock is released by who does not hold it", m, pc);
	}
out:
	irq_restore(f);
	return ret;
}

/* ---- contexts -------------------------------------------------------------------------------------- */

void lockdep_switch(struct lockdep_stack *next)
{
	this_cpu_write(thread_stack, next);
}

void lockdep_irq_enter(void)
{
	struct lockdep_stack *s = this_cpu_ptr(&cpu_stack);

	if (likely(!s->n) || unchecked())
		return;
	for (u32 i = 0; i < s->n; i++)
		if (!(classes[s->held[i].class].marks & IRQS_ON))
			new_mark(s->held[i].class, IRQS_ON, s->held[i].pc);
}

void lockdep_thread_exit(void)
{
	struct lockdep_stack *s = this_cpu_read(thread_stack);

	if (unchecked() || !s || likely(!s->n))
		return;
	unsigned long f = irq_save();
	report_one("lockdep: a thread ends with locks held", NULL,
		   (u64)__builtin_return_address(0));
	s->n = 0;
	irq_restore(f);
}

void lockdep_sleeps(u64 pc)
{
	if (unchecked())
		return;
	unsigned long f = irq_save();
	begin();
	say("  %pS may sleep, but the preemption count is %#x and interrupts are %s\n", (void *)pc,
	    this_cpu_read(preempt_count), f & RFLAGS_IF ? "on" : "off");
	submit("lockdep: sleeping where it is not allowed");
	graph_drop();
	irq_restore(f);
}
