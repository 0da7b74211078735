/* The slab allocator (Bonwick, "The Slab Allocator", USENIX 1994; Bonwick and Adams, "Magazines and
 * Vmem", USENIX 2001).
 *
 * A cache hands out objects of one size, cut from slabs: blocks of pages whose first struct page holds
 * the slab's free list and counts. In front of the slabs, each CPU owns two magazines (stacks of object
 * pointers) per cache, used with interrupts off and no lock; full and empty magazines are exchanged
 * through the cache's depot. Until slab_percpu_init() caches work without magazines.
 *
 * Invariants: slab->inuse = objects out of the slab (with users or in magazines); a slab is on the
 * cache's partial list exactly when 0 < free objects; at most one entirely free slab is kept per cache.
 * The link of a free object lies behind it in caches with a constructor or SLAB_RCU, whose contents must
 * survive, else at its start.
 *
 * Locks: cache->lock (interrupts off) guards partial list, slab contents and depot; nothing is called
 * with it held. caches_lock guards the list of caches. Debug builds add a red zone word behind each
 * object and fill free objects with 0x6b, checked on the next allocation; a double free is caught by the
 * red zone's state. */
#include "alloc_priv.h"
#include <alloc/slab.h>
#include <arch/smp.h>
#include <lib/string.h>
#include <log/panic.h>
#include <sync/rcu.h>

struct magazine {
	struct magazine *next; /* [cache lock] in the depot */
	void *obj[];
};
struct mag_cpu { /* [o] its CPU, interrupts off */
	u32 rounds, prev_rounds;
	struct magazine *loaded, *prev;
} __aligned(32);

struct slab_cache {
	struct mag_cpu *cpu; /* [I] nr_cpus of them; NULL: no magazines (yet) */
	u32 size;	     /* [I] what the user asked for */
	u32 stride;	     /* [I] distance of objects */
	u32 link;	     /* [I] offset of a free object's link */
	u16 per_slab, mag_size;
	u8 order, flags;
	bool no_magazines;
	spinlock_t lock;
	struct list partial;	       /* [lock] struct page.slab_list */
	struct magazine *full, *empty; /* [lock] depot */
	u32 nr_full;		       /* [lock] */
	u32 nr_free_slabs;	       /* [lock] */
	u64 nr_slabs, nr_inuse;	       /* [lock] */
	void (*ctor)(void *);
	const char *name;
	struct slab_cache *next; /* [caches_lock] */
};

#define RED_FREE  0x5ab5ab5ab5ab5ab5ul
#define RED_USED  0xa1a1a1a1a1a1a1a1ul
#define POISON	  0x6b
#define DEPOT_MAX 8 /* full magazines kept per cache and CPU */

static DEFINE_SPINLOCK(caches_lock);
static struct slab_cache *caches; /* [caches_lock] only ever grows at the head: readers without */
static bool magazines_on;
static struct slab_cache cache_cache, mag_caches[3];
static const u16 mag_sizes[3] = {7, 15, 31};

static inline void **link_of(const struct slab_cache *c, void *obj)
{
	return (void **)((char *)obj + c->link);
}

/* ---- debug ---------------------------------------------------------------------------------- */
#ifdef CONFIG_DEBUG
#define RED_SIZE 8 /* right behind the object */

static u64 *red_of(const struct slab_cache *c, void *obj)
{
	return (u64 *)((char *)obj + c->size);
}

static bool poisoned(const struct slab_cache *c)
{
	return !c->ctor && !(c->flags & SLAB_RCU);
}

static void debug_alloc(struct slab_cache *c, void *obj)
{
	u8 *b = obj;

	if (*red_of(c, obj) != RED_FREE)
		panic("slab %s: red zone of free object %p overwritten (%#lx)", c->name, obj,
		      *red_of(c, obj));
	/* The link of objects that lie in the slab is not poison. */
	for (u32 i = poisoned(c) ? c->link + 8 : c->size; i < c->size; i++) {
		if (b[i] != POISON)
			panic("slab %s: free object %p was written at offset %u", c->name, obj, i);
	}
	*red_of(c, obj) = RED_USED;
}

static void debug_free(struct slab_cache *c, void *obj)
{
	u64 red = *red_of(c, obj);

	if (red == RED_FREE)
		panic("slab %s: double free of %p", c->name, obj);
	if (red != RED_USED)
		panic("slab %s: object %p was written behind its end (%#lx)", c->name, obj, red);
	*red_of(c, obj) = RED_FREE;
	if (poisoned(c))
		memset(obj, POISON, c->size);
}

static void debug_new(struct slab_cache *c, void *obj)
{
	*red_of(c, obj) = RED_FREE;
	if (poisoned(c))
		memset(obj, POISON, c->size);
}
#else
#define RED_SIZE 0
static inline void debug_alloc(struct slab_cache *c, void *obj)
{
}
static inline void debug_free(struct slab_cache *c, void *obj)
{
}
static inline void debug_new(struct slab_cache *c, void *obj)
{
}
#endif

/* ---- slabs ---------------------------------------------------------------------------------- */
static enum mem_counter counter_of(const struct slab_cache *c)
{
	return c->flags & SLAB_RECLAIMABLE ? MC_SLAB_RECLAIMABLE : MC_SLAB;
}

static inline struct page *slab_of(const void *obj)
{
	struct page *p = virt_to_page(obj);

	return p->flags & 1u << PG_TAIL ? p->head : p;
}

/* A slab with all objects free, on no list. */
static struct page *slab_new(struct slab_cache *c, gfp_t gfp)
{
	struct page *p = page_alloc(c->order, gfp & ~(GFP_ZERO | GFP_USER));
	char *base;

	if (!p)
		return NULL;
	base = page_address(p);
	p->flags = 1u << PG_SLAB;
	p->slab = c;
	p->inuse = 0;
	p->objects = c->per_slab;
	p->freelist = NULL;
	for (unsigned i = 1; i < 1u << c->order; i++) {
		p[i].flags = 1u << PG_TAIL;
		p[i].head = p;
	}
	for (u32 i = c->per_slab; i-- > 0;) {
		void *obj = base + (size_t)i * c->stride;
		if (c->ctor)
			c->ctor(obj);
		debug_new(c, obj);
		*link_of(c, obj) = p->freelist;
		p->freelist = obj;
	}
	mem_count(counter_of(c), 1l << c->order);
	return p;
}

static void slab_pages_free(struct page *p, unsigned order)
{
	for (unsigned i = 1; i < 1u << order; i++)
		p[i].flags = 0;
	p->flags = 0;
	page_free(p, order);
}

static void slab_rcu_free(struct rcu_head *h)
{
	struct page *p = container_of((void *)h, struct page, slab_list);

	slab_pages_free(p, p->alloc_order);
}

/* The slab is empty and on no list. No locks held. */
static void slab_destroy(struct slab_cache *c, struct page *p)
{
	_Static_assert(sizeof(struct rcu_head) <= sizeof(p->slab_list), "reused as rcu_head");
	mem_count(counter_of(c), -(1l << c->order));
	if (c->flags & SLAB_RCU)
		call_rcu((struct rcu_head *)&p->slab_list, slab_rcu_free);
	else
		slab_pages_free(p, c->order);
}

/* One object from the partial slabs; lock held. */
static void *take_object(struct slab_cache *c) __requires_lock(c->lock)
{
	struct page *p;
	void *obj;

	if (list_empty(&c->partial))
		return NULL;
	p = list_first_entry(&c->partial, struct page, slab_list);
	obj = p->freelist;
	p->freelist = *link_of(c, obj);
	if (p->inuse++ == 0)
		c->nr_free_slabs--;
	if (!p->freelist)
		list_del(&p->slab_list);
	c->nr_inuse++;
	return obj;
}

/* An object back into its slab; lock held. Returns a slab to destroy after unlocking, or NULL. */
static struct page *give_object(struct slab_cache *c, void *obj) __requires_lock(c->lock)
{
	struct page *p = slab_of(obj);

	if (!p->freelist)
		list_add(&p->slab_list, &c->partial);
	*link_of(c, obj) = p->freelist;
	p->freelist = obj;
	c->nr_inuse--;
	if (--p->inuse)
		return NULL;
	if (c->nr_free_slabs == 0) {
		c->nr_free_slabs = 1;
		list_move_tail(&p->slab_list, &c->partial);
		return NULL;
	}
	list_del(&p->slab_list);
	c->nr_slabs--;
	return p;
}

static void *slab_layer_alloc(struct slab_cache *c, gfp_t gfp)
{
	unsigned long f;
	void *obj;

	for (;;) {
		struct page *p;

		spin_lock_irqsave(&c->lock, f);
		obj = take_object(c);
		spin_unlock_irqrestore(&c->lock, f);
		if (obj)
			return obj;
		p = slab_new(c, gfp);
		if (!p)
			return NULL;
		spin_lock_irqsave(&c->lock, f);
		list_add_tail(&p->slab_list, &c->partial);
		c->nr_slabs++;
		c->nr_free_slabs++;
		spin_unlock_irqrestore(&c->lock, f);
	}
}

static void slab_layer_free(struct slab_cache *c, void **obj, unsigned n)
{
	struct list dead;
	unsigned long f;

	list_init(&dead);
	spin_lock_irqsave(&c->lock, f);
	for (unsigned i = 0; i < n; i++) {
		struct page *p = give_object(c, obj[i]);
		if (p)
			list_add(&p->slab_list, &dead);
	}
	spin_unlock_irqrestore(&c->lock, f);
	while (!list_empty(&dead)) {
		struct page *p = list_first_entry(&dead, struct page, slab_list);
		list_del(&p->slab_list);
		slab_destroy(c, p);
	}
}

/* ---- magazines ------------------------------------------------------------------------------ */
static struct slab_cache *mag_cache_for(const struct slab_cache *c)
{
	return &mag_caches[c->size <= 256 ? 2 : c->size <= 1024 ? 1 : 0];
}

/* Interrupts off. Exchange until loaded has a round; false: depot has none. */
static bool mag_load_full(struct slab_cache *c, struct mag_cpu *m)
{
	struct magazine *got;

	if (m->prev_rounds) {
		struct magazine *t = m->loaded;
		m->loaded = m->prev;
		m->prev = t;
		m->rounds = m->prev_rounds;
		m->prev_rounds = 0;
		return true;
	}
	if (!READ_ONCE(c->full))
		return false;
	spin_lock(&c->lock);
	got = c->full;
	if (got) {
		c->full = got->next;
		c->nr_full--;
		if (m->prev) {
			m->prev->next = c->empty;
			c->empty = m->prev;
		}
		m->prev = m->loaded;
		m->prev_rounds = 0;
		m->loaded = got;
		m->rounds = c->mag_size;
	}
	spin_unlock(&c->lock);
	return got != NULL;
}

/* Interrupts off. Make room for one round in loaded. false: no empty magazine, or the depot is full. */
static bool mag_load_empty(struct slab_cache *c, struct mag_cpu *m)
{
	struct magazine *got = NULL;

	if (m->prev && m->prev_rounds == 0) {
		struct magazine *t = m->loaded;
		m->prev_rounds = m->rounds;
		m->loaded = m->prev;
		m->prev = t;
		m->rounds = 0;
		return true;
	}
	spin_lock(&c->lock);
	if (c->nr_full < DEPOT_MAX + nr_cpus && c->empty) {
		got = c->empty;
		c->empty = got->next;
	}
	spin_unlock(&c->lock);
	if (!got && READ_ONCE(c->nr_full) < DEPOT_MAX + nr_cpus)
		got = slab_layer_alloc(mag_cache_for(c), GFP_NOWARN);
	if (!got)
		return false;
	/* loaded (full or absent) becomes prev; a full prev goes to the depot. */
	if (m->prev && m->prev_rounds) {
		spin_lock(&c->lock);
		m->prev->next = c->full;
		c->full = m->prev;
		c->nr_full++;
		spin_unlock(&c->lock);
	}
	m->prev = m->loaded;
	m->prev_rounds = m->loaded ? m->rounds : 0;
	m->loaded = got;
	m->rounds = 0;
	return true;
}

void *slab_alloc(struct slab_cache *c, gfp_t gfp)
{
	void *obj = NULL;

	if (gfp & GFP_WAIT)
		might_sleep();

	if (likely(c->cpu)) {
		unsigned long f = irq_save();
		struct mag_cpu *m = &c->cpu[cpu_id()];
		if (likely(m->rounds) || mag_load_full(c, m))
			obj = m->loaded->obj[--m->rounds];
		irq_restore(f);
	}
	if (unlikely(!obj)) {
		obj = slab_layer_alloc(c, gfp);
		if (!obj)
			return NULL;
	}
	debug_alloc(c, obj);
	if (gfp & GFP_ZERO)
		memset(obj, 0, c->size);
	return obj;
}

void slab_free(struct slab_cache *c, void *p)
{
	debug_free(c, p);
	if (likely(c->cpu)) {
		unsigned long f = irq_save();
		struct mag_cpu *m = &c->cpu[cpu_id()];
		if (likely(m->loaded && m->rounds < c->mag_size) || mag_load_empty(c, m)) {
			m->loaded->obj[m->rounds++] = p;
			irq_restore(f);
			return;
		}
		irq_restore(f);
	}
	slab_layer_free(c, &p, 1);
}

struct slab_cache *slab_cache_of(const void *obj)
{
	struct page *p = slab_of(obj);

	return p->flags & 1u << PG_SLAB ? p->slab : NULL;
}

size_t slab_object_size(const struct slab_cache *c)
{
	return c->size;
}

/* ---- reaping --------------------------------------------------------------------------------- */
static void reap_cache(struct slab_cache *c)
{
	struct magazine *full, *empty, *next;
	struct page *spare = NULL;
	unsigned long f;

	spin_lock_irqsave(&c->lock, f);
	full = c->full;
	empty = c->empty;
	c->full = c->empty = NULL;
	c->nr_full = 0;
	spin_unlock_irqrestore(&c->lock, f);
	for (; full; full = next) {
		next = full->next;
		slab_layer_free(c, full->obj, c->mag_size);
		slab_layer_free(mag_cache_for(c), (void **)&full, 1);
	}
	for (; empty; empty = next) {
		next = empty->next;
		slab_layer_free(mag_cache_for(c), (void **)&empty, 1);
	}
	spin_lock_irqsave(&c->lock, f);
	if (c->nr_free_slabs) {
		struct page *p = list_last_entry(&c->partial, struct page, slab_list);
		if (p->inuse == 0) {
			list_del(&p->slab_list);
			c->nr_free_slabs--;
			c->nr_slabs--;
			spare = p;
		}
	}
	spin_unlock_irqrestore(&c->lock, f);
	if (spare)
		slab_destroy(c, spare);
}

unsigned long slab_reap(void)
{
	struct mem_stats before, after;

	mem_stats_get(&before);
	for (struct slab_cache *c = READ_ONCE(caches); c; c = c->next)
		reap_cache(c);
	mem_stats_get(&after);
	return after.slab < before.slab ? before.slab - after.slab : 0;
}

/* ---- caches ---------------------------------------------------------------------------------- */
static void choose_order(struct slab_cache *c)
{
	unsigned want = c->stride > 2048 ? 2 : 4;

	for (c->order = 0; c->order < 3; c->order++) {
		size_t bytes = PAGE_SIZE << c->order;
		size_t n = bytes / c->stride, waste = bytes - n * c->stride;
		if (n >= want && waste <= bytes / 8)
			break;
	}
	c->per_slab = (u16)((PAGE_SIZE << c->order) / c->stride);
}

static bool setup_magazines(struct slab_cache *c)
{
	size_t n = nr_cpus * sizeof(struct mag_cpu);

	if (c->no_magazines)
		return true;
	c->mag_size = mag_sizes[mag_cache_for(c) - mag_caches];
	struct mag_cpu *m = kmalloc(n, GFP_ZERO);
	if (!m)
		return false;
	smp_store_release(&c->cpu, m);
	return true;
}

static void cache_init(struct slab_cache *c, const char *name, size_t size, size_t align,
		       unsigned flags, void (*ctor)(void *))
{
	bool outside = ctor || flags & SLAB_RCU;
	size_t need;
	unsigned long f;

	if (!align)
		align = size >= 64 ? 16 : 8;
	align = max_t(size_t, align, 8);
	c->name = name;
	c->size = (u32)ALIGN_UP(max_t(size_t, size, 8), 8);
	c->flags = (u8)flags;
	c->ctor = ctor;
	c->link = outside ? c->size + RED_SIZE : 0;
	need = c->size + RED_SIZE + (outside ? 8 : 0);
	c->stride = (u32)ALIGN_UP(need, align);
	choose_order(c);
	if (!c->per_slab)
		panic("slab %s: objects of %zu bytes are too large", name, size);
	spin_init(&c->lock);
	list_init(&c->partial);
	spin_lock_irqsave(&caches_lock, f);
	c->next = caches;
	WRITE_ONCE(caches, c);
	spin_unlock_irqrestore(&caches_lock, f);
}

struct slab_cache *slab_cache_create(const char *name, size_t size, size_t align, unsigned flags,
				     void (*ctor)(void *))
{
	struct slab_cache *c = slab_alloc(&cache_cache, GFP_KERNEL | GFP_ZERO);

	if (!c) {
		if (flags & SLAB_PANIC)
			panic("no memory for slab cache %s", name);
		return NULL;
	}
	cache_init(c, name, size, align, flags, ctor);
	/* Without its magazines a cache is slower, not broken. */
	if (magazines_on && !setup_magazines(c))
		pr_debug("slab %s: no magazines", name);
	return c;
}

void slab_percpu_init(void)
{
	for (struct slab_cache *c = caches; c; c = c->next)
		(void)setup_magazines(c);
	magazines_on = true;
}

void slab_for_each(void (*fn)(const struct slab_info *i, void *arg), void *arg)
{
	for (struct slab_cache *c = READ_ONCE(caches); c; c = c->next) {
		unsigned long f;
		struct slab_info i;

		spin_lock_irqsave(&c->lock, f);
		i = (struct slab_info){
			.name = c->name,
			.size = c->size,
			.active = c->nr_inuse,
			.total = c->nr_slabs * c->per_slab,
			.slabs = c->nr_slabs,
			.per_slab = c->per_slab,
			.order = c->order,
		};
		spin_unlock_irqrestore(&c->lock, f);
		fn(&i, arg);
	}
}

void slab_core_init(void)
{
	static const char *const names[3] = {"magazine-7", "magazine-15", "magazine-31"};

	/* Magazines of magazines would recurse. */
	for (unsigned i = 0; i < 3; i++) {
		cache_init(&mag_caches[i], names[i],
			   sizeof(struct magazine) + mag_sizes[i] * sizeof(void *), 0, 0, NULL);
		mag_caches[i].no_magazines = true;
	}
	cache_init(&cache_cache, "slab_cache", sizeof(struct slab_cache), 64, 0, NULL);
	cache_cache.no_magazines = true;
}
