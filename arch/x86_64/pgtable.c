/* Page tables: walking, kernel mappings, switching, this CPU's TLB.
 *
 * Invariants: the top-level entries of the kernel half that are ever used exist before the first
 * pt_new_root() (memory.c) and never change, so that every address space sees the same kernel. Tables of
 * the kernel half are added without a lock, by compare-and-exchange, and never freed; the leaves of an
 * area belong to whoever owns the area (vmalloc, map.c). User halves are serialised by mm/vm.
 * Kernel leaves are global: with PCIDs, INVLPG reaches them from within any space, and only them.
 *
 * Source: Intel SDM vol. 3, 4.5 (4- and 5-level paging), 4.10 (TLBs). */
#include "arch_priv.h"
#include <arch/cpu.h>
#include <arch/atomic.h>
#include <arch/irqflags.h>
#include <arch/pgtable.h>
#include <lib/string.h>
#include <uapi/errno.h>

#define CR4_PGE	     (1ul << 7)
#define CR3_NOFLUSH  (1ul << 63)
#define TOP_ENTRIES  512
#define KERNEL_FIRST 256 /* first top-level entry of the kernel half */

unsigned pt_levels = 4;
u64 direct_map_base, vmalloc_base, vmalloc_end, memmap_base;
pte_t *kernel_root;
void *(*pt_alloc_page)(void);
void (*pt_free_page)(void *p);

paddr_t virt_to_phys(const void *v)
{
	u64 a = (u64)v;

	return pa(a >= KERNEL_IMAGE_BASE ? a - KERNEL_IMAGE_BASE : a - direct_map_base);
}

/* The table under the upper-level entry e, made if there is none. NULL: no memory, or a huge page. */
static pte_t *table_under(pte_t *e, u64 va, bool alloc)
{
	pte_t old = pte_read(e);

	if (pte_is_table(old))
		return pte_table(old);
	if (!pte_none(old) || !alloc)
		return NULL;
	void *page = pt_alloc_page();
	if (!page)
		return NULL;
	pte_t new = pte_make(virt_to_phys(page),
			     PTE_PRESENT | PTE_WRITE | ((s64)va >= 0 ? PTE_USER : 0));
	if (cmpxchg(&e->v, 0ul, new.v) != 0) { /* another CPU was first */
		if (pt_free_page)
			pt_free_page(page);
		old = pte_read(e);
		return pte_is_table(old) ? pte_table(old) : NULL;
	}
	return page;
}

pte_t *pt_walk(pte_t *root, u64 va, unsigned level, bool alloc)
{
	pte_t *table = root;

	for (unsigned l = pt_levels; l > level; l--) {
		table = table_under(&table[pt_index(va, l)], va, alloc);
		if (!table)
			return NULL;
	}
	return &table[pt_index(va, level)];
}

/* The present leaf that maps va, its level in *level; NULL if there is none. */
static pte_t *kernel_leaf(u64 va, unsigned *level)
{
	pte_t *table = kernel_root;

	for (unsigned l = pt_levels;; l--) {
		pte_t *e = &table[pt_index(va, l)], v = pte_read(e);

		if (!pte_present(v))
			return NULL;
		if (l == 1 || !pte_is_table(v)) {
			*level = l;
			return e;
		}
		table = pte_table(v);
	}
}

bool pt_kernel_mapped(u64 va)
{
	unsigned level;

	return kernel_root && kernel_leaf(va, &level);
}

static unsigned best_level(u64 va, u64 p, u64 size)
{
	if (cpu_features.pdpe1gb && IS_ALIGNED(va | p, pt_span(3)) && size >= pt_span(3))
		return 3;
	if (IS_ALIGNED(va | p, pt_span(2)) && size >= pt_span(2))
		return 2;
	return 1;
}

int pt_map_kernel(u64 va, paddr_t p, u64 size, u64 flags)
{
	u64 end = va + ALIGN_UP(size, PAGE_SIZE);

	while (va < end) {
		unsigned level = best_level(va, p.v, end - va);
		pte_t *e = pt_walk(kernel_root, va, level, true);

		/* Where smaller pages were once, their table stays: then smaller pages it is again. */
		while (level > 1 && (!e || !pte_none(pte_read(e)))) {
			level--;
			e = pt_walk(kernel_root, va, level, true);
		}
		if (!e)
			return -ENOMEM;
		if (!pte_none(pte_read(e)))
			return -EEXIST;
		pte_write(e, pte_make(p, flags | PTE_PRESENT | PTE_ACCESSED | PTE_GLOBAL |
						 (flags & PTE_WRITE ? PTE_DIRTY : 0) |
						 (level > 1 ? PTE_HUGE : 0)));
		va += pt_span(level);
		p = pa_add(p, pt_span(level));
	}
	return 0;
}

/* Replace a huge kernel leaf by a table of the next smaller pages with the same flags. */
static bool split(pte_t *e, unsigned level)
{
	pte_t old = pte_read(e);
	u64 flags = old.v & ~PTE_ADDR & (level == 2 ? ~PTE_HUGE : ~0ul);
	u64 step = pt_span(level - 1);
	pte_t *table = pt_alloc_page();

	if (!table)
		return false;
	for (unsigned i = 0; i < TOP_ENTRIES; i++)
		table[i] = pte_make(pa_add(pte_pa(old), i * step), flags);
	pte_write(e, pte_make(virt_to_phys(table), PTE_PRESENT | PTE_WRITE));
	return true;
}

/* The leaf for va, no larger than what is left of [va, end). NULL: not mapped, or no memory to split. */
static pte_t *leaf_within(u64 va, u64 end, unsigned *level)
{
	for (;;) {
		pte_t *e = kernel_leaf(va, level);

		if (!e || (IS_ALIGNED(va, pt_span(*level)) && end - va >= pt_span(*level)))
			return e;
		if (!split(e, *level))
			return NULL;
	}
}

void pt_unmap_kernel(u64 va, u64 size)
{
	u64 end = va + ALIGN_UP(size, PAGE_SIZE);
	unsigned level;

	for (u64 at = va; at < end;) {
		pte_t *e = leaf_within(at, end, &level);

		if (e)
			pte_write(e, (pte_t){0});
		at += e ? pt_span(level) : PAGE_SIZE;
	}
	tlb_shootdown_kernel(va, size);
}

void pt_protect_kernel(u64 va, u64 size, u64 flags)
{
	u64 end = va + ALIGN_UP(size, PAGE_SIZE);
	unsigned level;

	for (u64 at = va; at < end;) {
		pte_t *e = leaf_within(at, end, &level);

		if (e)
			pte_write(e, pte_make(pte_pa(pte_read(e)),
					      flags | PTE_PRESENT | PTE_ACCESSED | PTE_GLOBAL |
						      (flags & PTE_WRITE ? PTE_DIRTY : 0) |
						      (level > 1 ? PTE_HUGE : 0)));
		at += e ? pt_span(level) : PAGE_SIZE;
	}
	tlb_shootdown_kernel(va, size);
}

pte_t *pt_new_root(void)
{
	pte_t *root = pt_alloc_page();

	if (root)
		memcpy(root + KERNEL_FIRST, kernel_root + KERNEL_FIRST,
		       (TOP_ENTRIES - KERNEL_FIRST) * sizeof(*root));
	return root;
}

void pt_free_root(pte_t *root)
{
	if (root)
		pt_free_page(root);
}

void pt_switch(pte_t *root)
{
	write_cr3(virt_to_phys(root).v);
}

void pt_switch_pcid(pte_t *root, unsigned pcid, bool flush)
{
	write_cr3(virt_to_phys(root).v | pcid | (flush ? 0 : CR3_NOFLUSH));
}

void tlb_flush_page_local(u64 va)
{
	__asm__ volatile("invlpg (%0)" ::"r"(va) : "memory");
}

/* An interrupt in between could load another table, which must stay. */
void tlb_flush_all_local(void)
{
	unsigned long f = irq_save();

	write_cr3(read_cr3());
	irq_restore(f);
}

/* All PCIDs, global entries too: INVPCID type 2, or a change of CR4.PGE (SDM vol. 3, 4.10.4.1). */
void tlb_flush_kernel_local(void)
{
	if (cpu_features.invpcid) {
		struct {
			u64 pcid, address;
		} d = {0, 0};
		__asm__ volatile("invpcid %0, %1" ::"m"(d), "r"(2ul) : "memory");
		return;
	}
	unsigned long f = irq_save();
	u64 cr4 = read_cr4();

	if (cr4 & CR4_PGE) {
		write_cr4(cr4 & ~CR4_PGE);
		write_cr4(cr4);
	} else {
		tlb_flush_all_local();
	}
	irq_restore(f);
}
