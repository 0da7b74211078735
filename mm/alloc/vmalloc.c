/* Kernel virtual areas: vmalloc, ioremap, and the guarded areas of kernel stacks.
 *
 * Areas lie between vmalloc_base and vmalloc_end in a red-black tree by address; each knows the free gap
 * below it, and every node the largest gap in its subtree, so that the lowest gap that fits is found in
 * O(log n). An area ends in a page that is never mapped; stacks also begin with one.
 *
 * Freeing unmaps and frees the pages at once, but the addresses stay taken (LAZY) until enough has come
 * together for one TLB shootdown of everything: stale TLB entries can only be reached by a use after
 * free. The shootdown is done from a context that may wait for the other CPUs, by whoever allocates or
 * frees next.
 *
 * Locks: area_lock (interrupts off) guards the tree, the counts and the creation of page tables (tables
 * of this region are never freed); entries of an area belong to its owner. Page allocator locks nest
 * inside. Sources: SDM vol. 3, 4.10 (TLB invalidation may be delayed). */
#include "alloc_priv.h"
#include <alloc/slab.h>
#include <alloc/vmalloc.h>
#include <arch/thread.h>
#include <lib/rbtree.h>
#include <lib/string.h>
#include <log/panic.h>

struct area {
	struct rb_node node; /* [area_lock] */
	u64 start, end;	     /* [I] with guard pages */
	u64 gap, max_gap;    /* [area_lock] free bytes below start; largest in the subtree */
	enum { AREA_PAGES, AREA_DEVICE, AREA_STACK, AREA_LAZY } kind; /* [area_lock] */
	u32 nr_pages;						      /* [I] mapped pages */
	struct area *next_lazy;					      /* [area_lock] */
};

#define LAZY_MAX_BYTES (16 * MiB)

static DEFINE_SPINLOCK(area_lock);
static struct rb_root areas; /* [area_lock] */
static struct area *lazy;    /* [area_lock] */
static u64 lazy_bytes;	     /* [area_lock] */
static struct slab_cache *area_cache;

static void augment(struct rb_node *n)
{
	struct area *a = rb_entry(n, struct area, node);
	u64 m = a->gap;

	if (n->left)
		m = max(m, rb_entry(n->left, struct area, node)->max_gap);
	if (n->right)
		m = max(m, rb_entry(n->right, struct area, node)->max_gap);
	a->max_gap = m;
}

static u64 end_of(struct rb_node *n)
{
	return n ? rb_entry(n, struct area, node)->end : vmalloc_base;
}

/* The area with the lowest address whose gap takes size bytes, or NULL. */
static struct area *find_gap(u64 size)
{
	struct rb_node *n = areas.node;

	if (!n || rb_entry(n, struct area, node)->max_gap < size)
		return NULL;
	for (;;) {
		struct area *a = rb_entry(n, struct area, node);
		if (n->left && rb_entry(n->left, struct area, node)->max_gap >= size)
			n = n->left;
		else if (a->gap >= size)
			return a;
		else
			n = n->right;
	}
}

/* Place a at the lowest free address that is aligned; false: the region is full. */
static bool area_insert(struct area *a, u64 size, u64 align) __requires_lock(area_lock)
{
	/* A gap of size + align - 1 always holds an aligned start. */
	u64 need = size + align - PAGE_SIZE;
	struct area *above = find_gap(need);
	struct rb_node *parent = NULL, **link = &areas.node;
	u64 low = above ? above->start - above->gap : end_of(rb_last(&areas));
	u64 start = ALIGN_UP(low, align);

	if (!above && (start + size < start || start + size > vmalloc_end))
		return false;
	a->start = start;
	a->end = start + size;
	a->gap = start - low;
	while (*link) {
		parent = *link;
		link = start < rb_entry(parent, struct area, node)->start ? &parent->left
									  : &parent->right;
	}
	rb_link(&a->node, parent, link);
	rb_insert_fixup(&areas, &a->node, augment);
	if (above) {
		above->gap = above->start - a->end;
		rb_augment_path(&above->node, augment);
	}
	return true;
}

static void area_remove(struct area *a) __requires_lock(area_lock)
{
	struct rb_node *next = rb_next(&a->node);

	rb_erase(&areas, &a->node, augment);
	if (next) {
		struct area *above = rb_entry(next, struct area, node);
		above->gap = above->start - end_of(rb_prev(next));
		rb_augment_path(next, augment);
	}
}

static struct area *area_find(u64 addr) __requires_lock(area_lock)
{
	struct rb_node *n = areas.node;

	while (n) {
		struct area *a = rb_entry(n, struct area, node);
		if (addr < a->start)
			n = n->left;
		else if (addr >= a->end)
			n = n->right;
		else
			return a;
	}
	return NULL;
}

/* Give the addresses of lazily freed areas back after one shootdown. Not from atomic context. */
static void purge(void)
{
	struct area *list, *next;
	u64 lo = ~0ul, hi = 0;
	unsigned long f;

	spin_lock_irqsave(&area_lock, f);
	list = lazy;
	lazy = NULL;
	lazy_bytes = 0;
	spin_unlock_irqrestore(&area_lock, f);
	if (!list)
		return;
	for (struct area *a = list; a; a = a->next_lazy) {
		lo = min(lo, a->start);
		hi = max(hi, a->end);
	}
	tlb_shootdown_kernel(lo, hi - lo);
	for (; list; list = next) {
		next = list->next_lazy;
		spin_lock_irqsave(&area_lock, f);
		area_remove(list);
		spin_unlock_irqrestore(&area_lock, f);
		slab_free(area_cache, list);
	}
}

static void purge_if_due(void)
{
	if (READ_ONCE(lazy_bytes) > LAZY_MAX_BYTES && !irqs_disabled() && !in_atomic())
		purge();
}

static struct area *area_alloc(u64 size, u64 align, int kind, gfp_t gfp)
{
	struct area *a = slab_alloc(area_cache, gfp & ~GFP_ZERO);
	unsigned long f;
	bool ok;

	if (!a)
		return NULL;
	a->kind = kind;
	a->nr_pages = 0;
	purge_if_due();
	for (unsigned tries = 0; tries < 2; tries++) {
		spin_lock_irqsave(&area_lock, f);
		ok = area_insert(a, size, align);
		spin_unlock_irqrestore(&area_lock, f);
		if (ok)
			return a;
		if (irqs_disabled() || in_atomic())
			break;
		purge();
	}
	slab_free(area_cache, a);
	return NULL;
}

/* ---- page mappings ---------------------------------------------------------------------------- */
static enum mem_counter counter_of(const struct area *a)
{
	return a->kind == AREA_STACK ? MC_KSTACKS : MC_VMALLOC;
}

/* Unmap and free the n pages from va on. No flush: see above. */
static void unmap_pages(u64 va, unsigned n)
{
	pte_t *pte = NULL;

	for (unsigned i = 0; i < n; i++, va += PAGE_SIZE) {
		pte = pte && pt_index(va, 1) ? pte + 1 : pt_walk(kernel_root, va, 1, false);
		pte_t old = pte_xchg(pte, (pte_t){0});
		page_free(pa_to_page(pte_pa(old)), 0);
	}
}

static bool map_new_pages(struct area *a, u64 va, unsigned n, gfp_t gfp)
{
	pte_t *pte = NULL;
	unsigned long f;

	for (; a->nr_pages < n; a->nr_pages++, va += PAGE_SIZE) {
		struct page *p = page_alloc(0, gfp);
		if (!p)
			return false;
		if (pte && pt_index(va, 1)) {
			pte++;
		} else {
			spin_lock_irqsave(&area_lock, f);
			pte = pt_walk(kernel_root, va, 1, true);
			spin_unlock_irqrestore(&area_lock, f);
			if (!pte) {
				page_free(p, 0);
				return false;
			}
		}
		pte_write(pte,
			  pte_make(page_to_pa(p), PTE_PRESENT | PTE_WRITE | PTE_NX | PTE_GLOBAL |
							  PTE_ACCESSED | PTE_DIRTY));
	}
	return true;
}

/* Take the area out of use, freeing its pages; any context. */
static void area_free_pages(struct area *a, u64 va)
{
	unsigned long f;

	mem_count(counter_of(a), -(long)a->nr_pages);
	unmap_pages(va, a->nr_pages);
	spin_lock_irqsave(&area_lock, f);
	a->kind = AREA_LAZY;
	a->next_lazy = lazy;
	lazy = a;
	lazy_bytes += a->end - a->start;
	spin_unlock_irqrestore(&area_lock, f);
	purge_if_due();
}

/* n bytes mapped page by page, front bytes of guard in front. */
static void *alloc_pages_area(size_t n, u64 front, int kind, gfp_t gfp)
{
	struct area *a;
	u64 va;

	n = ALIGN_UP(n, PAGE_SIZE);
	if (!n || n > vmalloc_end - vmalloc_base)
		return NULL;
	a = area_alloc(front + n + PAGE_SIZE, PAGE_SIZE, kind, gfp);
	if (!a)
		return NULL;
	va = a->start + front;
	bool ok = map_new_pages(a, va, (unsigned)(n / PAGE_SIZE), gfp);
	mem_count(counter_of(a), a->nr_pages);
	if (!ok) {
		area_free_pages(a, va);
		return NULL;
	}
	return (void *)va;
}

void *vmalloc(size_t n, gfp_t gfp)
{
	struct mem_stats s;

	if (n > 64 * MiB) {
		/* Do not strip the machine bare before failing. */
		mem_stats_get(&s);
		if (n / PAGE_SIZE > s.total)
			return NULL;
	}
	return alloc_pages_area(n, 0, AREA_PAGES, gfp);
}

void *vmalloc_guarded(size_t n, gfp_t gfp)
{
	return alloc_pages_area(n, PAGE_SIZE, AREA_STACK, gfp);
}

static struct area *area_of(const void *p)
{
	unsigned long f;
	struct area *a;

	spin_lock_irqsave(&area_lock, f);
	a = area_find((u64)p);
	if (a && a->kind == AREA_LAZY)
		a = NULL;
	spin_unlock_irqrestore(&area_lock, f);
	if (!a)
		panic("vmalloc: %p is not an area", p);
	return a;
}

void vfree(const void *p)
{
	if (p)
		area_free_pages(area_of(p), (u64)p);
}

bool is_vmalloc_addr(const void *p)
{
	return (u64)p >= vmalloc_base && (u64)p < vmalloc_end;
}

void *kvmalloc(size_t n, gfp_t gfp)
{
	void *p;

	if (n <= 2 * PAGE_SIZE)
		return kmalloc(n, gfp);
	if (n <= 16 * PAGE_SIZE) {
		p = kmalloc(n, (gfp & ~GFP_WAIT) | GFP_NOWARN);
		if (p)
			return p;
	}
	return vmalloc(n, gfp);
}

void kvfree(const void *p)
{
	if (is_vmalloc_addr(p))
		vfree(p);
	else
		kfree(p);
}

/* ---- device memory ----------------------------------------------------------------------------- */
void *ioremap(paddr_t p, size_t n, u64 cache)
{
	u64 off = p.v & ~PAGE_MASK, size = ALIGN_UP(n + off, PAGE_SIZE);
	paddr_t base = pa(p.v - off);
	/* Large mappings are placed so that large pages fit. */
	u64 align = size >= 2 * MiB ? 2 * MiB : PAGE_SIZE;
	struct area *a;
	unsigned long f;
	u64 skew, va;
	int err;

	if (!n || size < n)
		return NULL;
	skew = base.v & (align - 1);
	a = area_alloc(skew + size + PAGE_SIZE, align, AREA_DEVICE, GFP_KERNEL);
	if (!a)
		return NULL;
	va = a->start + skew;
	spin_lock_irqsave(&area_lock, f);
	err = pt_map_kernel(va, base, size, PTE_WRITE | PTE_NX | PTE_GLOBAL | cache);
	spin_unlock_irqrestore(&area_lock, f);
	if (err) {
		spin_lock_irqsave(&area_lock, f);
		area_remove(a);
		spin_unlock_irqrestore(&area_lock, f);
		slab_free(area_cache, a);
		return NULL;
	}
	a->nr_pages = (u32)(size / PAGE_SIZE);
	return (void *)(va + off);
}

void iounmap(void *p)
{
	struct area *a;
	unsigned long f;

	if (!p)
		return;
	a = area_of(p);
	pt_unmap_kernel((u64)p & PAGE_MASK, (u64)a->nr_pages * PAGE_SIZE);
	spin_lock_irqsave(&area_lock, f);
	area_remove(a);
	spin_unlock_irqrestore(&area_lock, f);
	slab_free(area_cache, a);
}

const char *vmalloc_fault_reason(u64 addr)
{
	const char *why = NULL;
	struct area *a;

	if (!is_vmalloc_addr((void *)addr))
		return NULL;
	/* Called while crashing: rather no answer than a dead lock. */
	if (!spin_trylock(&area_lock))
		return NULL;
	a = area_find(addr);
	if (!a)
		why = "unused vmalloc address";
	else if (a->kind == AREA_LAZY)
		why = "use of freed vmalloc memory";
	else if (a->kind == AREA_STACK)
		why = addr < a->start + PAGE_SIZE ? "kernel stack overflow"
						  : "access behind a kernel stack";
	else if (addr >= a->end - PAGE_SIZE)
		why = a->kind == AREA_DEVICE ? "access behind an ioremap area" : "vmalloc overrun";
	spin_unlock(&area_lock);
	return why;
}

void vmalloc_init(void)
{
	area_cache = slab_cache_create("vmalloc_area", sizeof(struct area), 0, SLAB_PANIC, NULL);
}
