/* Page allocation: per-CPU lists in front of the zones, watermarks, the slow path, statistics.
 *
 * Single pages come from and go to a per-CPU stack of page pointers, touched only by its CPU with
 * interrupts off: no lock, no atomic. The stacks live in the per-CPU area and start out empty with limit
 * 0, so that everything goes to the zones until alloc_percpu_init() has run for each CPU's final area.
 * Larger blocks go to the zone directly.
 *
 * A free page has refcount 0, so that lock-free lookups (page_tryget) fail on it.
 * Lock order: any caller's lock > zone->lock. The hooks run without locks, in the caller's context. */
#include "alloc_priv.h"
#include <arch/cpu.h>
#include <arch/smp.h>
#include <lib/string.h>
#include <log/panic.h>

#define PCP_MAX	  62 /* with count and limit 512 bytes */
#define PCP_BATCH 16

struct pcp {
	u32 count, limit;	     /* [o] the CPU, interrupts off */
	struct page *pages[PCP_MAX]; /* [o] hottest last */
};
static DEFINE_PER_CPU(struct pcp, pcps[NR_ZONES]) __aligned(64);
static DEFINE_PER_CPU(u64, counters[MC_COUNTERS]);
static unsigned preferred_zone; /* [I] after the first pages: where unrestricted requests start */

void (*page_release_hook)(struct page *p);
unsigned long (*page_reclaim_hook)(unsigned long nr, gfp_t gfp);
bool (*oom_hook)(gfp_t gfp, unsigned order);

void mem_count(enum mem_counter c, long pages)
{
	this_cpu_add(counters[c], (u64)pages);
}

void alloc_percpu_init(void)
{
	preferred_zone = zones[ZONE_NORMAL].managed ? ZONE_NORMAL : ZONE_DMA32;
	for_each_possible_cpu (c) {
		for (unsigned z = 0; z < NR_ZONES; z++) {
			struct pcp *p = per_cpu_ptr(&pcps[z], c);
			p->count = 0;
			/* Small machines keep their pages together. */
			u64 share = zones[z].managed / (16 * nr_cpus);
			p->limit = (u32)clamp_t(u64, share, PCP_BATCH, PCP_MAX);
		}
		if (c)
			memset(per_cpu_ptr(&counters[0], c), 0, sizeof(counters));
	}
	slab_percpu_init();
	kstack_percpu_init();
}

static u64 mark_for(const struct zone *z, gfp_t gfp)
{
	if (gfp & GFP_HIGH)
		return z->mark_min;
	return gfp & GFP_USER ? z->mark_user : z->mark_kernel;
}

/* A block from zone z if its watermark allows; interrupts off. */
static struct page *zone_take(struct zone *z, unsigned order, u64 mark)
{
	struct page *p = NULL;

	spin_lock(&z->lock);
	if (z->nr_free >= mark + (1ul << order))
		p = buddy_take(z, order);
	spin_unlock(&z->lock);
	return p;
}

/* Refill this CPU's stack; interrupts off. */
static struct page *pcp_refill(struct pcp *pcp, struct zone *z, u64 mark)
{
	struct page *p = NULL;

	if (!pcp->limit)
		return zone_take(z, 0, mark);
	/* The fallback zone's stack may hold pages, up to its last slot. */
	if (pcp->count)
		return pcp->pages[--pcp->count];
	spin_lock(&z->lock);
	for (unsigned i = 0; i < PCP_BATCH && z->nr_free > mark; i++) {
		p = buddy_take(z, 0);
		if (!p)
			break;
		p->flags = 1u << PG_PCP;
		pcp->pages[pcp->count++] = p;
	}
	spin_unlock(&z->lock);
	return pcp->count ? pcp->pages[--pcp->count] : NULL;
}

static struct page *take(unsigned order, gfp_t gfp)
{
	struct page *p = NULL;
	unsigned long f = irq_save();
	unsigned zi = gfp & GFP_DMA32 ? ZONE_DMA32 : preferred_zone;

	if (likely(order == 0)) {
		struct pcp *pcp = this_cpu_ptr(&pcps[zi]);
		if (likely(pcp->count)) {
			p = pcp->pages[--pcp->count];
			irq_restore(f);
			return p;
		}
	}
	for (;; zi--) {
		struct zone *z = &zones[zi];
		if (order == 0)
			p = pcp_refill(this_cpu_ptr(&pcps[zi]), z, mark_for(z, gfp));
		else
			p = zone_take(z, order, mark_for(z, gfp));
		if (p || !zi)
			break;
	}
	irq_restore(f);
	return p;
}

static struct page *prepare(struct page *p, unsigned order, gfp_t gfp)
{
	DEBUG_ON(atomic_read(&p->refcount) != 0);
	p->flags = 0;
	p->mapping = NULL;
	p->index = 0;
	p->private = NULL;
	atomic_set(&p->mapcount, 0);
	p->alloc_order = (u8)order;
	atomic_set_release(&p->refcount, 1);
	if (gfp & GFP_ZERO)
		memset(page_address(p), 0, PAGE_SIZE << order);
	return p;
}

/* Return the stack's oldest n pages to the zone; interrupts off. */
static void pcp_flush(struct pcp *pcp, struct zone *z, unsigned n)
{
	n = min(n, pcp->count);
	spin_lock(&z->lock);
	for (unsigned i = 0; i < n; i++)
		buddy_give(z, pcp->pages[i], 0);
	spin_unlock(&z->lock);
	pcp->count -= n;
	memmove(pcp->pages, pcp->pages + n, pcp->count * sizeof(pcp->pages[0]));
}

void pcp_drain_local(void)
{
	unsigned long f = irq_save();

	for (unsigned i = 0; i < NR_ZONES; i++)
		pcp_flush(this_cpu_ptr(&pcps[i]), &zones[i], PCP_MAX);
	irq_restore(f);
}

static void drain_ipi(void *arg)
{
	pcp_drain_local();
}

static void drain_all(void)
{
	pcp_drain_local();
	if (!irqs_disabled() && !in_atomic() && READ_ONCE(nr_cpus_online) > 1)
		smp_call_function(NULL, drain_ipi, NULL);
}

static void warn_failed(unsigned order, gfp_t gfp)
{
	static u32 warned;

	/* A process that gets no memory for itself is told so, or killed with a message. */
	if (gfp & (GFP_NOWARN | GFP_USER) || __atomic_fetch_add(&warned, 1, __ATOMIC_RELAXED) >= 10)
		return;
	pr_warn("out of memory: order %u, gfp %#x, %lu pages free", order, gfp,
		zones[0].nr_free + zones[1].nr_free);
}

/* Make room and try again. May sleep with GFP_WAIT. */
static __noinline struct page *alloc_slow(unsigned order, gfp_t gfp)
{
	struct page *p;

	pcp_drain_local();
	p = take(order, gfp);
	if (p || !(gfp & GFP_WAIT) || irqs_disabled() || in_atomic())
		return p;
	for (unsigned tries = 0; tries < 16; tries++) {
		unsigned long freed = slab_reap();

		if (page_reclaim_hook)
			freed += page_reclaim_hook((1ul << order) + 32, gfp);
		drain_all();
		p = take(order, gfp);
		if (p)
			return p;
		/* Large blocks may be impossible: killing does not defragment. */
		if (!freed && (order > 3 || !oom_hook || !oom_hook(gfp, order)))
			break;
	}
	return NULL;
}

struct page *page_alloc(unsigned order, gfp_t gfp)
{
	struct page *p;

	if (gfp & GFP_WAIT)
		might_sleep();
	if (unlikely(order > MAX_ORDER))
		return NULL;
	p = take(order, gfp);
	if (unlikely(!p)) {
		p = alloc_slow(order, gfp);
		if (!p) {
			warn_failed(order, gfp);
			return NULL;
		}
	}
	return prepare(p, order, gfp);
}

static void check_free(struct page *p, unsigned order)
{
#ifdef CONFIG_DEBUG
	if (p->flags & (1u << PG_BUDDY | 1u << PG_PCP | 1u << PG_RESERVED | 1u << PG_LRU |
			1u << PG_LOCKED) ||
	    atomic_read(&p->mapcount) != 0 || page_to_pfn(p).v & ((1ul << order) - 1))
		panic("bad page free: pfn %#lx order %u flags %#x refs %d maps %d",
		      page_to_pfn(p).v, order, p->flags, atomic_read(&p->refcount),
		      atomic_read(&p->mapcount));
	memset(page_address(p), 0x6b, PAGE_SIZE << order);
#endif
}

static void free_block(struct page *p, unsigned order)
{
	unsigned zi = pfn_zone(page_to_pfn(p));
	struct zone *z = &zones[zi];
	unsigned long f;

	check_free(p, order);
	atomic_set(&p->refcount, 0);
	f = irq_save();
	if (likely(order == 0)) {
		struct pcp *pcp = this_cpu_ptr(&pcps[zi]);
		if (likely(pcp->limit)) {
			if (unlikely(pcp->count >= pcp->limit))
				pcp_flush(pcp, z, PCP_BATCH);
			p->flags = 1u << PG_PCP;
			pcp->pages[pcp->count++] = p;
			irq_restore(f);
			return;
		}
	}
	spin_lock(&z->lock);
	buddy_give(z, p, order);
	spin_unlock(&z->lock);
	irq_restore(f);
}

void page_free(struct page *p, unsigned order)
{
	/* A lock-free lookup in the page cache may hold a passing reference, taken for what the page was
	 * before: then its page_put frees. */
	if (atomic_read(&p->refcount) > 0 && unlikely(atomic_dec_return(&p->refcount) > 0))
		return;
	free_block(p, order);
}

void page_put_final(struct page *p)
{
	if (page_release_hook && p->flags & (1u << PG_LRU | 1u << PG_ANON | 1u << PG_SWAPBACKED))
		page_release_hook(p);
	free_block(p, p->alloc_order);
}

static u64 counter_sum(enum mem_counter c)
{
	s64 v = 0;

	for_each_possible_cpu (cpu) {
		v += (s64)READ_ONCE(*per_cpu_ptr(&counters[c], cpu));
	}
	return v < 0 ? 0 : (u64)v;
}

void mem_stats_get(struct mem_stats *s)
{
	memset(s, 0, sizeof(*s));
	for (unsigned i = 0; i < NR_ZONES; i++) {
		s->total += READ_ONCE(zones[i].managed);
		s->free += READ_ONCE(zones[i].nr_free);
		for_each_possible_cpu (cpu) {
			s->free += READ_ONCE(per_cpu_ptr(&pcps[i], cpu)->count);
		}
	}
	s->slab_reclaimable = counter_sum(MC_SLAB_RECLAIMABLE);
	s->slab = counter_sum(MC_SLAB) + s->slab_reclaimable;
	s->pagetables = counter_sum(MC_PAGETABLES);
	s->kstacks = counter_sum(MC_KSTACKS);
	s->vmalloc = counter_sum(MC_VMALLOC);
	s->file = counter_sum(MC_FILE);
	s->anon = counter_sum(MC_ANON);
	s->shmem = counter_sum(MC_SHMEM);
	s->dirty = counter_sum(MC_DIRTY);
	s->writeback = counter_sum(MC_WRITEBACK);
	s->mapped = counter_sum(MC_MAPPED);
}

void mem_zone_get(unsigned i, struct mem_zone *out)
{
	struct zone *z = &zones[i];
	unsigned long f;

	spin_lock_irqsave(&z->lock, f);
	*out = (struct mem_zone){
		.name = z->name,
		.free = z->nr_free,
		.managed = z->managed,
		.min = z->mark_min,
		.low = z->mark_kernel,
		.high = z->mark_user,
		.start_pfn = z->managed ? z->start_pfn : 0,
		.end_pfn = z->end_pfn,
	};
	for (unsigned o = 0; o <= MAX_ORDER; o++)
		out->blocks[o] = z->area[o].count;
	spin_unlock_irqrestore(&z->lock, f);
	for_each_possible_cpu (cpu) {
		out->pcp += READ_ONCE(per_cpu_ptr(&pcps[i], cpu)->count);
	}
}
