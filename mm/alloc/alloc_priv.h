/* What the files of mm/alloc share: zones, the early ranges, start-up order. */
#pragma once
#include <alloc/page.h>
#include <sync/spinlock.h>

enum { ZONE_DMA32, ZONE_NORMAL, NR_ZONES };

struct free_area {
	struct list blocks; /* [zone lock] struct page.buddy_list */
	u64 count;	    /* [zone lock] */
};
struct zone {
	spinlock_t lock;
	u64 nr_free; /* [lock] pages in the lists; read without */
	u64 managed; /* [lock] pages handed to the allocator */
	/* Free pages that stay for: atomic requests, the kernel's own, everybody. [lock] */
	u64 mark_min, mark_kernel, mark_user;
	struct free_area area[MAX_ORDER + 1];
	const char *name;
	u64 start_pfn, end_pfn; /* [I] span */
};
extern struct zone zones[NR_ZONES];

static __always_inline unsigned pfn_zone(pfn_t f)
{
	return f.v >= 1ul << (32 - PAGE_SHIFT) ? ZONE_NORMAL : ZONE_DMA32;
}

/* buddy.c. The caller holds z->lock. */
struct page *buddy_take(struct zone *z, unsigned order) __requires_lock(z->lock);
void buddy_give(struct zone *z, struct page *p, unsigned order) __requires_lock(z->lock);
void zones_init(void);
void zone_set_marks(struct zone *z);

/* early.c: RAM as the loader told it, minus what is reserved. */
struct range {
	u64 start, end; /* bytes, page aligned */
};
/* The i-th piece of RAM (sorted, merged, clipped by mem=); false: no more. */
bool early_ram(unsigned i, struct range *r);
/* Call fn for each free piece of RAM in ascending order. */
void early_for_each_free(void (*fn)(struct range r));
void early_close(void); /* the page allocator takes over */

/* Give pages that nobody owns to the buddy allocator, in the largest blocks. */
void zone_add_range(struct range r);

/* slab.c: return what caches hold to the page allocator; pages freed. */
unsigned long slab_reap(void);
void slab_core_init(void);
struct slab_cache;
struct slab_cache *slab_cache_of(const void *obj); /* NULL: not from a slab */
size_t slab_object_size(const struct slab_cache *c);
void slab_percpu_init(void);
/* page.c: return the per-CPU lists of this CPU (or of all) to the zones. */
void pcp_drain_local(void);

/* vmalloc.c: n mapped pages behind one guard page (for stacks). */
void *vmalloc_guarded(size_t n, gfp_t gfp);
void kstack_percpu_init(void);
