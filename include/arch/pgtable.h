/* Page-table mechanics for 4 and 5 levels (Intel SDM vol. 3, chapter 4). The number of levels is a
 * boot-time variable; a table at level L maps 512 entries of pt_span(L) bytes each: level 1 entries
 * are 4 KiB pages, 2: 2 MiB, 3: 1 GiB, 4: 512 GiB, 5: 256 TiB. No policy here: mm/vm decides. */
#pragma once
#include <lib/types.h>

extern unsigned pt_levels; /* 4 or 5 [I] */
/* Runtime bases of the kernel's halves [I] */
extern u64 direct_map_base; /* every byte of RAM is at direct_map_base + physical address */
extern u64 vmalloc_base, vmalloc_end;
extern u64 memmap_base; /* struct page array, indexed by pfn */

#define KERNEL_IMAGE_BASE 0xffffffff80000000ul

static __always_inline void *phys_to_virt(paddr_t p)
{
	return (void *)(direct_map_base + p.v);
}
/* Direct map and kernel image addresses only. */
paddr_t virt_to_phys(const void *v);

typedef struct {
	u64 v;
} pte_t;

#define PTE_PRESENT  (1ul << 0)
#define PTE_WRITE    (1ul << 1)
#define PTE_USER     (1ul << 2)
#define PTE_PWT	     (1ul << 3)
#define PTE_PCD	     (1ul << 4)
#define PTE_ACCESSED (1ul << 5)
#define PTE_DIRTY    (1ul << 6)
#define PTE_HUGE     (1ul << 7) /* levels 2 and 3 */
#define PTE_GLOBAL   (1ul << 8)
#define PTE_SW1	     (1ul << 9) /* free for mm/vm: PTE_SPECIAL (no struct page) */
#define PTE_SW2	     (1ul << 10)
#define PTE_SW3	     (1ul << 11)
#define PTE_NX	     (1ul << 63)
#define PTE_ADDR     0x000ffffffffff000ul

/* Cache types, programmed into PAT: write-back, write-combining, uncached. */
#define PTE_CACHE_WB 0ul
#define PTE_CACHE_WC PTE_PWT
#define PTE_CACHE_UC (PTE_PCD | PTE_PWT)

static __always_inline unsigned pt_shift(unsigned level)
{
	return 12 + 9 * (level - 1);
}
static __always_inline u64 pt_span(unsigned level)
{
	return 1ul << pt_shift(level);
}
static __always_inline unsigned pt_index(u64 va, unsigned level)
{
	return va >> pt_shift(level) & 511;
}
static __always_inline pte_t pte_make(paddr_t p, u64 flags)
{
	return (pte_t){(p.v & PTE_ADDR) | flags};
}
static __always_inline paddr_t pte_pa(pte_t e)
{
	return pa(e.v & PTE_ADDR);
}
static __always_inline bool pte_present(pte_t e)
{
	return e.v & PTE_PRESENT;
}
static __always_inline bool pte_none(pte_t e)
{
	return e.v == 0;
}
/* Present upper-level entry that points to a table, not a huge page. */
static __always_inline bool pte_is_table(pte_t e)
{
	return (e.v & (PTE_PRESENT | PTE_HUGE)) == PTE_PRESENT;
}
/* The table that an upper-level entry points to. */
static __always_inline pte_t *pte_table(pte_t e)
{
	return (pte_t *)phys_to_virt(pte_pa(e));
}
static __always_inline pte_t pte_read(const pte_t *p)
{
	return (pte_t){READ_ONCE(p->v)};
}
static __always_inline void pte_write(pte_t *p, pte_t e)
{
	WRITE_ONCE(p->v, e.v);
}
/* Atomically replace, returning the old entry (keeps dirty/accessed bits the CPU sets meanwhile). */
static __always_inline pte_t pte_xchg(pte_t *p, pte_t e)
{
	return (pte_t){__atomic_exchange_n(&p->v, e.v, __ATOMIC_SEQ_CST)};
}

/* Pages for tables: zeroed page (kernel virtual address in the direct map) or NULL. Installed by
 * boot code first, by mm/alloc later. */
extern void *(*pt_alloc_page)(void);
extern void (*pt_free_page)(void *p);

/* The entry for va at the given level in the tree under root (the top table), or NULL. With alloc,
 * missing tables are created (upper entries present|write|user for user addresses); NULL then means
 * no memory, or a huge page is in the way. Caller serialises. */
pte_t *pt_walk(pte_t *root, u64 va, unsigned level, bool alloc);

/* Kernel mappings (in the shared kernel half), largest pages that fit. flags: PTE_* without
 * PRESENT. -ENOMEM, -EEXIST. unmap flushes all CPUs. Any context without IRQs off. */
extern pte_t *kernel_root;
int pt_map_kernel(u64 va, paddr_t p, u64 size, u64 flags) __must_check;
void pt_unmap_kernel(u64 va, u64 size);
/* Change flags of 4 KiB kernel mappings (W^X sealing). */
void pt_protect_kernel(u64 va, u64 size, u64 flags);

/* A new top table with the kernel half filled in (shared with all); NULL: no memory. */
pte_t *pt_new_root(void);
void pt_free_root(pte_t *root);
/* Load root into CR3 of this CPU and forget all other user translations (of PCID 0, with PCIDs). Interrupts off. */
void pt_switch(pte_t *root);
/* With cpu_features.pcid: load root as address space pcid, 1..4095, whose translations are kept unless flush. What
 * a PCID means on which CPU, and when it is stale, is the caller's business. Interrupts off. */
#define PCID_MAX 4095u
void pt_switch_pcid(pte_t *root, unsigned pcid, bool flush);

/* TLB, this CPU. */
void tlb_flush_page_local(u64 va);
void tlb_flush_all_local(void);	   /* user entries; with PCIDs those of the loaded one, as above */
void tlb_flush_kernel_local(void); /* all entries of all PCIDs, also global ones */
/* Run fn(arg) on the CPUs in mask, this one included if it is in it, on a channel of its own (hard IRQ; here: as the
 * caller runs), and wait until all have. fn flushes what it finds right. Interrupts on. */
void tlb_call(const unsigned long *cpumask, void (*fn)(void *arg), void *arg);
void tlb_shootdown_kernel(u64 start, u64 size); /* all CPUs */
