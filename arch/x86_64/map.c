/* Permanent mappings of firmware tables and device registers that arch/ needs before (and without) mm/alloc: local
 * and IO-APICs, HPET, ACPI tables. They live in a window of their own in the top gigabyte of the address space, which
 * the kernel image (the gigabyte below) and vmalloc never use, and are handed out upwards and never taken back.
 * Boot CPU only, before other CPUs run; afterwards only lookups of existing mappings succeed cheaply, new ones are
 * serialised by map_lock. */
#include <arch/cpu.h>
#include <arch/pgtable.h>
#include <sync/spinlock.h>
#include "plat_priv.h"

#define MAP_BASE 0xffffffffc0000000ul
#define MAP_END	 0xfffffffff0000000ul

struct arch_mem_ops arch_mem __ro_after_init;

/* What is mapped already: tables share pages, so look here first. The list lives in the windows' own record page. */
struct window {
	u64 pa, size, va, flags;
	struct window *next;
};

static DEFINE_SPINLOCK(map_lock);
static u64 map_next = MAP_BASE; /* [map_lock] */
static struct window *windows;	/* [map_lock] */
static struct window *spare;	/* [map_lock] unused records of the last page */
static unsigned nr_spare;	/* [map_lock] */

void arch_set_mem_ops(const struct arch_mem_ops *ops)
{
	arch_mem = *ops;
}

static struct window *window_new(void)
{
	if (!nr_spare) {
		spare = pt_alloc_page();
		if (!spare)
			return NULL;
		nr_spare = PAGE_SIZE / sizeof(*spare);
	}
	nr_spare--;
	return spare++;
}

static void *map_locked(u64 start, u64 size, u64 flags)
{
	for (struct window *w = windows; w; w = w->next)
		if (w->flags == flags && start >= w->pa && start + size <= w->pa + w->size)
			return (void *)(w->va + (start - w->pa));
	struct window *w = window_new();
	if (!w || size > MAP_END - map_next)
		return NULL;
	if (pt_map_kernel(map_next, pa(start), size, flags | PTE_NX | PTE_GLOBAL))
		return NULL;
	*w = (struct window){start, size, map_next, flags, windows};
	windows = w;
	map_next += size + PAGE_SIZE; /* an unmapped page between two */
	return (void *)w->va;
}

void *arch_map_phys(paddr_t p, size_t n, u64 flags)
{
	u64 start = ALIGN_DOWN(p.v, PAGE_SIZE);
	u64 end = ALIGN_UP(p.v + n, PAGE_SIZE);
	unsigned bits = cpu_features.phys_bits ? cpu_features.phys_bits : 36;

	if (!n || end <= p.v || end - 1 > (1ul << bits) - 1)
		return NULL;
	unsigned long f;
	spin_lock_irqsave(&map_lock, f);
	char *v = map_locked(start, end - start, flags);
	spin_unlock_irqrestore(&map_lock, f);
	return v ? v + (p.v - start) : NULL;
}
