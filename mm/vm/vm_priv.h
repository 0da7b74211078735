/* Shared by the files of mm/vm only. The picture, locks and references: mm/vm/README.md. */
#pragma once
#include <alloc/page.h>
#include <lib/bits.h>
#include <mm/vm.h>
#include <sync/spinlock.h>

#define VM_ACCESS      (VM_READ | VM_WRITE | VM_EXEC)
#define VM_MAYALL      (VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC)
#define VM_LOCKONFAULT 0x80000u

#define WINDOW_END    ((1ul << 47) - PAGE_SIZE) /* end of user space unless a hint lies above */
#define MMAP_MIN_ADDR 0x10000ul
#define MAX_VMAS      65530u
#define STACK_GUARD   (256 * PAGE_SIZE) /* kept free below a stack that grows */

/* Software bits of page-table entries. */
#define PTE_SPECIAL  PTE_SW1 /* no struct page to count: zero page, device memory */
#define PTE_PROTNONE PTE_SW2 /* PROT_NONE: not present for the CPU, but a page is there */

static __always_inline bool pte_mapped(pte_t e)
{
	return e.v & (PTE_PRESENT | PTE_PROTNONE);
}
static __always_inline struct page *pte_page(pte_t e)
{
	return pa_to_page(pte_pa(e));
}

/* What private pages of related VMAs (a fork family) belong to: page->mapping of a PG_ANON page, while
 * page->index is the page offset in the VMA (vma_pgoff_of). Whoever wants all places where such a page may
 * be mapped walks vmas. Counted by its VMAs. */
struct anon_root {
	struct ref ref;
	spinlock_t lock;
	struct list vmas; /* [lock] struct vma.anon_node */
};

static inline u64 vma_pages(const struct vma *v)
{
	return (v->end - v->start) >> PAGE_SHIFT;
}
static inline u64 vma_pgoff_of(const struct vma *v, u64 addr)
{
	return v->pgoff + ((addr - v->start) >> PAGE_SHIFT);
}
static inline u64 vma_addr_of(const struct vma *v, u64 pgoff)
{
	return v->start + ((pgoff - v->pgoff) << PAGE_SHIFT);
}
/* Private memory that is zeroed on demand: no object behind it. */
static inline bool vma_is_anon(const struct vma *v)
{
	return !v->mapping && !(v->ops && v->ops->fault);
}
static inline unsigned page_rss(const struct page *p)
{
	u32 f = p->flags;

	return f & 1u << PG_ANON ? RSS_ANON : f & 1u << PG_SWAPBACKED ? RSS_SHMEM : RSS_FILE;
}

/* vma.c: the tree, splitting and merging. mm->lock held for writing unless said otherwise. */
struct vma *vma_new(struct mm *mm, u64 start, u64 end, u32 flags) __must_check;
struct vma *vma_dup(const struct vma *v) __must_check; /* not linked, no references */
/* Take the references and reverse maps that the copy's fields promise (file, mapping, anon, open). */
void vma_attach(struct vma *v);
void vma_detach_rmap(struct vma *v); /* page tables may go once no reverse map leads to v */
void vma_release(struct vma *v);     /* after detach: close, put the file, free */
void vma_free(struct vma *v);	     /* memory only */
void vma_link(struct mm *mm, struct vma *v);
void vma_unlink(struct mm *mm, struct vma *v);
void vma_resize(struct vma *v, u64 start, u64 end, u64 pgoff);
/* Cut at addr (inside v): v keeps the lower part, the new VMA above is returned. ERR_PTR. */
struct vma *vma_split(struct vma *v, u64 addr) __must_check;
/* Cut v down to [start, end) by splitting what sticks out: 0 or -ENOMEM. */
int vma_isolate(struct vma **v, u64 start, u64 end) __must_check;
/* Join v with its neighbours where nothing distinguishes them; returns the VMA that holds v's range. */
struct vma *vma_merge(struct vma *v);
bool vma_can_merge(const struct vma *a, const struct vma *b);
struct vma *vma_prev(struct vma *v);
struct vma *vma_last(struct mm *mm);
/* The VMA that contains addr, or NULL. */
static inline struct vma *vma_at(struct mm *mm, u64 addr)
{
	struct vma *v = vma_find(mm, addr);

	return v && v->start <= addr ? v : NULL;
}
static inline bool vma_overlaps(struct mm *mm, u64 start, u64 end)
{
	struct vma *v = vma_find(mm, start);

	return v && v->start < end;
}
/* Lowest address that v claims: a growing stack keeps a guard gap. */
u64 vma_guard_start(const struct vma *v);
/* Free space of len bytes inside [low, high), as high (or low) as possible; 0: none. */
u64 vma_gap_high(struct mm *mm, u64 len, u64 low, u64 high);
u64 vma_gap_low(struct mm *mm, u64 len, u64 low, u64 high);
void vma_set_flags(struct vma *v, u32 flags); /* flags and page_prot */
/* pages of this kind came (or went) */
void vm_account(struct mm *mm, u32 flags, bool file, s64 pages);
void vma_init(void);

/* rmap.c */
void i_mmap_insert(struct vma *v); /* mapping->i_mmap_lock held for writing */
void i_mmap_remove(struct vma *v);
int anon_prepare(struct vma *v) __must_check; /* v->anon exists afterwards; mm->lock read */
void anon_join(struct vma *v, struct anon_root *r);
void anon_leave(struct vma *v);
void rmap_init(void);

/* pt.c: page tables. */
pte_t *pt_find(struct mm *mm, u64 addr);	     /* level-1 entry or NULL */
pte_t *pt_get(struct mm *mm, u64 addr) __must_check; /* makes missing tables; NULL: no memory */
/* The level-1 entry for the lowest address >= *addr below end that has a table; *addr is set to it and
 * *stop to where the table (or end) ends. NULL: none. */
pte_t *pt_next(struct mm *mm, u64 *addr, u64 end, u64 *stop);
static __always_inline struct page *pt_page_of(const pte_t *entry)
{
	return virt_to_page(entry);
}
/* The lock of the entries in a level-1 table. */
static __always_inline spinlock_t *pt_lock_of(struct page *table)
{
#ifdef CONFIG_DEBUG_LOCKS
	return &((struct mm *)table->pt_mm)->pt_lock; /* no room for the checker's fields */
#else
	return (spinlock_t *)&table->pt_lock;
#endif
}
pte_t *pt_root_alloc(void) __must_check;
void pt_root_free(pte_t *root); /* user half empty */

/* Unmapped pages and tables wait here until no TLB holds them. One operation, one thread. */
#define BATCH_INLINE 48
struct tlb_batch {
	struct mm *mm;
	u64 start, end; /* to flush: nothing if start >= end */
	bool full;	/* no CPU has the space loaded: nothing to flush, entries need no atomics */
	u32 nr, max;
	struct page **pages;
	struct page *more;   /* one page of room, or NULL */
	struct page *tables; /* dead tables, chained by pt_mm */
	u32 nr_tables;
	s64 rss[3];
	s64 mapped, anon; /* pages no longer mapped by anybody */
	struct page *room[BATCH_INLINE];
};
void tlb_batch_init(struct tlb_batch *b, struct mm *mm, u64 pages);
void tlb_batch_flush(struct tlb_batch *b); /* may be used on */
void tlb_batch_end(struct tlb_batch *b);
/* Unmap [start, end) of v. cows false: leave private copies. */
void zap_range(struct tlb_batch *b, struct vma *v, u64 start, u64 end, bool cows);
/* Free the tables that only served [start, end); nothing else is mapped in [floor, ceil). */
void pt_free_range(struct tlb_batch *b, u64 start, u64 end, u64 floor, u64 ceil);

/* tlb.c */
void vm_flush_range(struct mm *mm, u64 start, u64 end); /* entries are written; process context */
void vm_flush_page(struct mm *mm, u64 addr);
void switch_mm(struct mm *prev, struct mm *next); /* sched_mm_ops */
/* No thread runs in mm any more: take it off the CPUs that have it loaded lazily. */
void tlb_unload_everywhere(struct mm *mm);
u64 tlb_new_id(void);	  /* for mm->id */
u64 tlb_loads_kept(void); /* this CPU's loads that needed no flush, for tests */

/* fault.c */
#define FAULT_FORCE \
	(1u << 8) /* a debugger writes: copy a private page although the VMA is read-only */
/* 0: try again, the access may work; -ENOMEM, -EFAULT (SIGBUS), -EHWPOISON unused. mm->lock read. */
int vm_handle_fault(struct vma *v, u64 addr, unsigned flags);
extern struct page *zero_page;
static inline void rss_add(struct mm *mm, unsigned kind, s64 n)
{
	atomic_add(&mm->rss[kind], n);
}
/* PTE flags of a page in v, without PTE_WRITE unless every page may have it. */
u64 vma_page_prot(const struct vma *v);

/* mmap.c and stack.c; mm->lock held for writing. */
int munmap_locked(struct mm *mm, u64 start, u64 len);
s64 vm_place(struct mm *mm, u64 addr, u64 len, u32 flags); /* an address, or -errno */
int vm_may_expand(struct mm *mm, u32 flags, bool file, u64 pages);
bool vm_overcommits(u64 pages);
int vm_lock_limit(struct mm *mm, u64 more_bytes); /* -EAGAIN */
bool vm_can_mlock(struct mm *mm);
int stack_expand(struct vma *v, u64 addr);
/* A VMA at addr that continues prev or next, or a new one. ERR_PTR. References are taken. */
struct vma *vm_map_region(struct mm *mm, const struct vm_map *req, u64 addr, u32 flags);

struct vm_file_ops;
extern const struct vm_file_ops *vm_file_ops;
static inline void vm_file_get(struct file *f)
{
	if (f)
		vm_file_ops->get(f);
}
static inline void vm_file_put(struct file *f)
{
	if (f)
		vm_file_ops->put(f);
}

/* Give [start, end) (clipped to *v) of *v other flags, splitting and merging; *v becomes the VMA that holds
 * the part. Page tables are the caller's business. 0 or -ENOMEM. */
int vma_change_flags(struct vma **v, u64 start, u64 end, u32 flags) __must_check;
