/* Page frames: struct page, the buddy allocator and its per-CPU lists. */
#pragma once
#include <lib/list.h>
#include <lib/err.h>
#include <arch/atomic.h>
#include <arch/pgtable.h>

/* Allocation flags. */
typedef unsigned gfp_t;
#define GFP_WAIT   0x01u /* may sleep and reclaim */
#define GFP_ZERO   0x02u /* zeroed */
#define GFP_DMA32  0x04u /* below 4 GiB */
#define GFP_NOWARN 0x08u
#define GFP_HIGH   0x10u /* may dip into the reserves */
#define GFP_USER   0x20u /* for user memory: fails before the kernel's own reserve is touched */
#define GFP_KERNEL GFP_WAIT
#define GFP_ATOMIC GFP_HIGH

struct mapping;
struct slab_cache;

/* page->flags bits */
enum page_flag {
	PG_BUDDY,    /* free, head of a block in the buddy lists */
	PG_RESERVED, /* never handed out (kernel image, firmware) */
	PG_SLAB,
	PG_TABLE,  /* a page table */
	PG_LOCKED, /* page lock: contents in transit (mm/cache) */
	PG_UPTODATE,
	PG_DIRTY,
	PG_WRITEBACK,
	PG_ERROR,
	PG_ANON, /* mapping is an anonymous-memory root */
	PG_LRU,
	PG_ACTIVE,
	PG_REFERENCED,
	PG_HEAD, /* compound: first page of an order > 0 allocation that asked for it */
	PG_TAIL,
	PG_PCP,	    /* free, on a per-CPU list */
	PG_WAITERS, /* somebody sleeps on the page lock */
	PG_RECLAIM,
	PG_SWAPBACKED,
	PG_MLOCKED,
};

/* One per page frame; 64 bytes, an array indexed by pfn at memmap_base. */
struct page {
	u32 flags;	   /* [a] PG_* bits */
	atomic_t refcount; /* [a] 0 = free */
	union {
		struct {			 /* page cache and anonymous pages */
			struct mapping *mapping; /* [page lock] */
			unsigned long index;	 /* [page lock] page offset in mapping */
			struct list lru;	 /* [lru lock] */
			void *private;		 /* owner's (file system, swap slot) */
		};
		struct { /* slab */
			struct slab_cache *slab;
			void *freelist;
			struct list slab_list;
			u32 inuse, objects;
		};
		struct { /* free block in the buddy */
			struct list buddy_list;
			u8 order;
			u8 zone;
		};
		struct { /* compound tail */
			struct page *head;
		};
		struct {	     /* page table */
			u32 pt_lock; /* spinlock ticket */
			u32 pt_used; /* entries in use */
			void *pt_mm;
		};
	};
	atomic_t mapcount; /* [a] number of page-table entries that map it */
	u8 alloc_order;	   /* [o] order it was allocated with */
} __aligned(64);
_Static_assert(sizeof(struct page) == 64, "one cache line, and shifts instead of divisions");

static __always_inline struct page *pfn_to_page(pfn_t f)
{
	return (struct page *)memmap_base + f.v;
}
static __always_inline pfn_t page_to_pfn(const struct page *p)
{
	return (pfn_t){(u64)(p - (const struct page *)memmap_base)};
}
static __always_inline paddr_t page_to_pa(const struct page *p)
{
	return pfn_to_pa(page_to_pfn(p));
}
static __always_inline struct page *pa_to_page(paddr_t p)
{
	return pfn_to_page(pa_to_pfn(p));
}
static __always_inline void *page_address(const struct page *p)
{
	return phys_to_virt(page_to_pa(p));
}
/* v in the direct map. */
static __always_inline struct page *virt_to_page(const void *v)
{
	return pa_to_page(pa((u64)v - direct_map_base));
}
/* Is there a struct page for this frame (RAM)? */
bool pfn_valid(pfn_t f);

static __always_inline bool page_flag(const struct page *p, enum page_flag f)
{
	return READ_ONCE(p->flags) >> f & 1;
}
static __always_inline void page_flag_set(struct page *p, enum page_flag f)
{
	__atomic_fetch_or(&p->flags, 1u << f, __ATOMIC_SEQ_CST);
}
static __always_inline void page_flag_clear(struct page *p, enum page_flag f)
{
	__atomic_fetch_and(&p->flags, ~(1u << f), __ATOMIC_SEQ_CST);
}
static __always_inline bool page_flag_test_and_set(struct page *p, enum page_flag f)
{
	return __atomic_fetch_or(&p->flags, 1u << f, __ATOMIC_SEQ_CST) >> f & 1;
}
static __always_inline bool page_flag_test_and_clear(struct page *p, enum page_flag f)
{
	return __atomic_fetch_and(&p->flags, ~(1u << f), __ATOMIC_SEQ_CST) >> f & 1;
}

#define MAX_ORDER 10 /* largest block: 4 MiB */

/* 2^order contiguous frames, refcount 1 on the first; NULL when there are none. With GFP_WAIT may
 * sleep (the reclaim hook); otherwise any context, also with interrupts off. */
struct page *page_alloc(unsigned order, gfp_t gfp) __must_check;
/* Free what page_alloc gave (whatever its refcount). Any context. */
void page_free(struct page *p, unsigned order);
/* Reference counting; page_put frees at zero (single pages and heads, by alloc_order). */
static __always_inline void page_get(struct page *p)
{
	atomic_inc(&p->refcount);
}
void page_put_final(struct page *p);
static __always_inline void page_put(struct page *p)
{
	if (atomic_dec_return(&p->refcount) == 0)
		page_put_final(p);
}
static inline bool page_tryget(struct page *p)
{
	s32 v = atomic_read(&p->refcount);
	do {
		if (v <= 0)
			return false;
	} while (!atomic_try_cmpxchg(&p->refcount, &v, v + 1));
	return true;
}
/* Installed by mm/cache: a page whose last reference goes is taken off the LRU first. */
extern void (*page_release_hook)(struct page *p);
/* Installed by reclaim: try to free nr pages; how many were freed. May sleep. */
extern unsigned long (*page_reclaim_hook)(unsigned long nr, gfp_t gfp);
/* Installed by kernel/proc: no memory left; kills somebody, true if it is worth trying again. */
extern bool (*oom_hook)(gfp_t gfp, unsigned order);

struct mem_stats {
	u64 total, free, slab, slab_reclaimable, pagetables, kstacks, vmalloc, percpu, file, anon,
		shmem, dirty, writeback, mapped; /* pages */
};
void mem_stats_get(struct mem_stats *s);
/* One zone, for /proc/buddyinfo and zoneinfo: i < MEM_ZONES. Figures in pages. */
#define MEM_ZONES 2
struct mem_zone {
	const char *name;
	u64 free, managed, min, low, high, pcp, start_pfn, end_pfn;
	u64 blocks[MAX_ORDER + 1];
};
void mem_zone_get(unsigned i, struct mem_zone *out);
/* Counters that other layers keep (per-CPU, summed on reading). */
enum mem_counter {
	MC_FILE,
	MC_ANON,
	MC_SHMEM,
	MC_DIRTY,
	MC_WRITEBACK,
	MC_MAPPED,
	MC_PAGETABLES,
	MC_KSTACKS,
	MC_SLAB,
	MC_SLAB_RECLAIMABLE,
	MC_VMALLOC,
	MC_COUNTERS
};
void mem_count(enum mem_counter c, long pages);

/* Boot: build the allocator from bootinfo.mem. Before it, early_alloc hands out zeroed memory that is
 * never freed (from the boot CPU only); panics when there is none. */
void mem_init(void);
/* Turn the per-CPU lists and magazines on: once, when every CPU's per-CPU area is final (right after
 * smp_prepare). Until then everything works, only slower. */
void alloc_percpu_init(void);
void *early_alloc(size_t size, size_t align);
paddr_t early_alloc_phys(size_t size, size_t align);
/* Keep a physical range out of the allocator (modules, tables); before mem_init. */
void early_reserve(paddr_t start, u64 size);
/* Give a reserved range to the allocator (init memory, unpacked initrd). */
void mem_free_range(paddr_t start, u64 size);
