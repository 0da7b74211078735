/* Page tables of user space: finding and making entries, zapping, freeing tables.
 *
 * Every table page knows how many of its entries are in use (pt_used): level-1 entries that are not zero,
 * child tables above. Level-1 entries and their count change under the table's own lock (pt_lock_of), upper
 * tables under mm->pt_lock. A table is freed only when no VMA is left that it could serve, after
 * the VMAs around have left the reverse maps, and after the TLBs were flushed; so whoever holds mm->lock or
 * finds a VMA through a reverse map walks without a lock. A table that is freed is all zero: a few per CPU
 * are kept as they are, which spares fork and exec the clearing; so are top tables, whose kernel half is the
 * same in all.
 * Order of an unmapping: clear entries, flush, then drop the pages. Source: Intel SDM vol. 3, 4.10. */
#include <arch/smp.h>
#include <log/panic.h>
#include <sync/preempt.h>
#include "vm_priv.h"

#define CACHED_TABLES 32
#define CACHED_ROOTS  4

struct pt_cache {
	u32 tables, roots;
	struct page *table[CACHED_TABLES];
	pte_t *root[CACHED_ROOTS];
};
static DEFINE_PER_CPU(struct pt_cache, pt_cache);

/* --- table pages --- */

static struct page *table_alloc(struct mm *mm)
{
	struct page *p = NULL;
	struct pt_cache *c;

	preempt_disable();
	c = this_cpu_ptr(&pt_cache);
	if (c->tables)
		p = c->table[--c->tables];
	preempt_enable();
	if (!p) {
		p = page_alloc(0, GFP_KERNEL | GFP_ZERO | GFP_USER);
		if (!p)
			return NULL;
		page_flag_set(p, PG_TABLE);
	}
	p->pt_used = 0;
	p->pt_mm = mm;
#ifndef CONFIG_DEBUG_LOCKS
	spin_init(pt_lock_of(p));
#endif
	atomic_inc(&mm->pt_pages);
	mem_count(MC_PAGETABLES, 1);
	return p;
}

/* All entries are zero and no TLB knows the table. */
static void table_free(struct page *p)
{
	struct pt_cache *c;

	preempt_disable();
	c = this_cpu_ptr(&pt_cache);
	if (c->tables < CACHED_TABLES) {
		c->table[c->tables++] = p;
		p = NULL;
	}
	preempt_enable();
	if (p) {
		page_flag_clear(p, PG_TABLE);
		page_free(p, 0);
	}
}

pte_t *pt_root_alloc(void)
{
	struct pt_cache *c;
	pte_t *r = NULL;

	preempt_disable();
	c = this_cpu_ptr(&pt_cache);
	if (c->roots)
		r = c->root[--c->roots];
	preempt_enable();
	return r ? r : pt_new_root();
}

void pt_root_free(pte_t *root)
{
	struct pt_cache *c;

	preempt_disable();
	c = this_cpu_ptr(&pt_cache);
	if (c->roots < CACHED_ROOTS) {
		c->root[c->roots++] = root;
		root = NULL;
	}
	preempt_enable();
	if (root)
		pt_free_root(root);
}

/* --- walking --- */

pte_t *pt_find(struct mm *mm, u64 addr)
{
	pte_t *t = mm->root, e;

	for (unsigned level = pt_levels; level > 1; level--) {
		e = pte_read(&t[pt_index(addr, level)]);
		if (!pte_is_table(e))
			return NULL;
		t = pte_table(e);
	}
	return &t[pt_index(addr, 1)];
}

/* Make the table that entry (in an upper table) shall point to; another CPU may be faster. */
static __noinline pte_t table_install(struct mm *mm, pte_t *entry)
{
	struct page *p = table_alloc(mm);
	pte_t e = {0};

	if (!p)
		return e;
	spin_lock(&mm->pt_lock);
	e = pte_read(entry);
	if (likely(!pte_present(e))) {
		e = pte_make(page_to_pa(p), PTE_PRESENT | PTE_WRITE | PTE_USER);
		smp_store_release(&entry->v, e.v);
		pt_page_of(entry)->pt_used++;
		p = NULL;
	}
	spin_unlock(&mm->pt_lock);
	if (unlikely(p)) {
		atomic_dec(&mm->pt_pages);
		mem_count(MC_PAGETABLES, -1);
		table_free(p);
	}
	return e;
}

pte_t *pt_get(struct mm *mm, u64 addr)
{
	pte_t *t = mm->root, e;

	for (unsigned level = pt_levels; level > 1; level--) {
		e = pte_read(&t[pt_index(addr, level)]);
		if (unlikely(!pte_present(e))) {
			e = table_install(mm, &t[pt_index(addr, level)]);
			if (!pte_present(e))
				return NULL;
		}
		t = pte_table(e);
	}
	return &t[pt_index(addr, 1)];
}

pte_t *pt_next(struct mm *mm, u64 *addr, u64 end, u64 *stop)
{
	u64 a = *addr;

again:
	while (a < end) {
		pte_t *t = mm->root, e;

		for (unsigned level = pt_levels; level > 1; level--) {
			e = pte_read(&t[pt_index(a, level)]);
			if (!pte_is_table(e)) {
				a = ALIGN_DOWN(a, pt_span(level)) + pt_span(level);
				goto again;
			}
			t = pte_table(e);
		}
		*addr = a;
		*stop = min(end, ALIGN_DOWN(a, pt_span(2)) + pt_span(2));
		return &t[pt_index(a, 1)];
	}
	return NULL;
}

/* --- batches --- */

void tlb_batch_init(struct tlb_batch *b, struct mm *mm, u64 pages)
{
	b->mm = mm;
	b->start = ~0ul;
	b->end = 0;
	b->full = false;
	b->nr = b->nr_tables = 0;
	b->tables = NULL;
	b->rss[0] = b->rss[1] = b->rss[2] = b->mapped = b->anon = 0;
	b->pages = b->room;
	b->max = BATCH_INLINE;
	b->more = pages > BATCH_INLINE ? page_alloc(0, GFP_NOWARN) : NULL;
	if (b->more) {
		b->pages = page_address(b->more);
		b->max = PAGE_SIZE / sizeof(struct page *);
	}
}

static void batch_counters(struct tlb_batch *b)
{
	for (unsigned i = 0; i < 3; i++) {
		if (b->rss[i])
			rss_add(b->mm, i, b->rss[i]);
		b->rss[i] = 0;
	}
	if (b->mapped)
		mem_count(MC_MAPPED, b->mapped);
	if (b->anon)
		mem_count(MC_ANON, b->anon);
	b->mapped = b->anon = 0;
}

void tlb_batch_flush(struct tlb_batch *b)
{
	struct page *p;

	if (!b->full)
		vm_flush_range(b->mm, b->start, b->end);
	b->start = ~0ul;
	b->end = 0;
	batch_counters(b);
	for (u32 i = 0; i < b->nr; i++)
		page_put(b->pages[i]);
	b->nr = 0;
	if (!b->tables)
		return;
	atomic_sub(&b->mm->pt_pages, b->nr_tables);
	mem_count(MC_PAGETABLES, -(long)b->nr_tables);
	b->nr_tables = 0;
	while ((p = b->tables)) {
		b->tables = p->pt_mm;
		table_free(p);
	}
}

void tlb_batch_end(struct tlb_batch *b)
{
	tlb_batch_flush(b);
	if (b->more)
		page_free(b->more, 0);
}

/* --- unmapping --- */

/* A mapped page loses one mapping: into the batch with it. Page-table lock held. */
static void zap_page(struct tlb_batch *b, struct page *p, pte_t old)
{
	unsigned kind = page_rss(p);

	b->rss[kind]--;
	if (kind == RSS_ANON) {
		if (atomic_read(&p->refcount) == 1) {
			atomic_set(&p->mapcount, 0); /* ours alone */
			b->anon--;
		} else if (atomic_dec_return(&p->mapcount) == 0) {
			b->anon--;
		}
	} else {
		if (old.v & PTE_DIRTY)
			page_set_dirty(p);
		if (atomic_dec_return(&p->mapcount) == 0)
			b->mapped--;
	}
	b->pages[b->nr++] = p;
}

/* Zap entries of one table from addr to stop: where it got to (the batch may fill up). */
static u64 zap_table(struct tlb_batch *b, pte_t *pte, u64 addr, u64 stop, bool cows)
{
	struct page *table = pt_page_of(pte);
	spinlock_t *l = pt_lock_of(table);
	pte_t e;

	spin_lock(l);
	for (; addr < stop; addr += PAGE_SIZE, pte++) {
		e = pte_read(pte);
		if (pte_none(e))
			continue;
		if (!(e.v & PTE_SPECIAL)) {
			if (!cows && page_flag(pte_page(e), PG_ANON))
				continue;
			if (b->nr == b->max)
				break;
		}
		if (b->full)
			pte_write(pte, (pte_t){0});
		else
			e = pte_xchg(pte, (pte_t){0});
		if (!(e.v & PTE_SPECIAL))
			zap_page(b, pte_page(e), e);
		b->start = min(b->start, addr);
		b->end = max(b->end, addr + PAGE_SIZE);
		if (--table->pt_used == 0) {
			addr = stop;
			break;
		}
	}
	spin_unlock(l);
	return addr;
}

void zap_range(struct tlb_batch *b, struct vma *v, u64 start, u64 end, bool cows)
{
	u64 stop, addr = start;
	pte_t *pte;

	while ((pte = pt_next(v->mm, &addr, end, &stop))) {
		if (!READ_ONCE(pt_page_of(pte)->pt_used)) {
			addr = stop;
			continue;
		}
		addr = zap_table(b, pte, addr, stop, cows);
		if (addr < stop)
			tlb_batch_flush(b);
	}
}

/* Free the tables below t (at level) that lie within [floor, ceil) and near [start, end). */
static void free_level(struct tlb_batch *b, pte_t *t, unsigned level, u64 start, u64 end, u64 floor,
		       u64 ceil)
{
	u64 span = pt_span(level), base = ALIGN_DOWN(start, span);
	pte_t *e = &t[pt_index(start, level)];
	struct page *child;

	for (; base < end; base += span, e++) {
		if (!pte_is_table(*e))
			continue;
		if (level > 2)
			free_level(b, pte_table(*e), level - 1, max(start, base),
				   min(end, base + span), floor, ceil);
		if (base < floor || base + span > ceil)
			continue;
		child = pa_to_page(pte_pa(*e));
		DEBUG_ON(child->pt_used);
		pte_write(e, (pte_t){0});
		pt_page_of(e)->pt_used--;
		child->pt_mm = b->tables;
		b->tables = child;
		b->nr_tables++;
		/* The flush must also reach the paging-structure caches: any page of it will do. */
		b->start = min(b->start, max(start, base));
		b->end = max(b->end, min(end, base + span));
	}
}

void pt_free_range(struct tlb_batch *b, u64 start, u64 end, u64 floor, u64 ceil)
{
	free_level(b, b->mm->root, pt_levels, start, end, floor, ceil);
}
