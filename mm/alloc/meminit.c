/* From the loader's memory map to a running page allocator: builds the memmap (struct page array,
 * virtually contiguous, backed only where there is RAM) and hands free memory to the zones.
 *
 * An all-zero struct page is "not free, owned by nobody": setting the array up is one memset, and only
 * the heads of free blocks and reserved frames are written. Boot CPU only. */
#include "alloc_priv.h"
#include <lib/string.h>
#include <log/panic.h>

#define HUGE (2 * MiB)

/* RAM ranges for pfn_valid, sorted [I] */
static struct range *ram;
static unsigned nr_ram;

bool pfn_valid(pfn_t f)
{
	u64 a = f.v << PAGE_SHIFT;
	unsigned lo = 0, hi = nr_ram;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;
		if (a < ram[mid].start)
			hi = mid;
		else if (a >= ram[mid].end)
			lo = mid + 1;
		else
			return true;
	}
	return false;
}

/* Back [va, end) of the memmap: 2 MiB pages where a whole one is needed, else 4 KiB pages. */
static void __init map_memmap(u64 va, u64 end)
{
	while (va < end) {
		u64 n = min(ALIGN_DOWN(va, HUGE) + HUGE, end) - va;
		paddr_t p = early_alloc_phys(n, n == HUGE ? HUGE : PAGE_SIZE);

		if (pt_map_kernel(va, p, n, PTE_WRITE | PTE_NX | PTE_GLOBAL))
			panic("cannot map the page array at %#lx", va);
		va += n;
	}
}

static void __init build_memmap(void)
{
	const u64 block = (PAGE_SIZE << MAX_ORDER);
	u64 mapped = 0; /* memmap bytes done so far: blocks of neighbouring ranges may be shared */
	struct range r;

	for (unsigned i = 0; early_ram(i, &r); i++)
		nr_ram++;
	ram = early_alloc((nr_ram + 1) * sizeof(*ram), 8);
	for (unsigned i = 0; i < nr_ram && early_ram(i, &r); i++) {
		u64 start = ALIGN_DOWN(r.start, block) / PAGE_SIZE * sizeof(struct page);
		u64 end = ALIGN_UP(r.end, block) / PAGE_SIZE * sizeof(struct page);

		ram[i] = r;
		start = max(start, mapped);
		if (start < end)
			map_memmap(memmap_base + start, memmap_base + end);
		mapped = max(mapped, end);
	}
}

static u64 free_end __initdata; /* end of the last free piece seen */

static void __init mark_reserved(u64 start, u64 end)
{
	for (unsigned i = 0; i < nr_ram; i++) {
		u64 stop = min(end, ram[i].end);
		for (u64 a = max(start, ram[i].start); a < stop; a += PAGE_SIZE)
			pa_to_page(pa(a))->flags = 1u << PG_RESERVED;
	}
}

static void __init add_free(struct range r)
{
	mark_reserved(free_end, r.start);
	zone_add_range(r);
	free_end = r.end;
}

static void *table_alloc(void)
{
	struct page *p = page_alloc(0, GFP_ZERO);

	if (!p)
		return NULL;
	p->flags = 1u << PG_TABLE;
	mem_count(MC_PAGETABLES, 1);
	return page_address(p);
}

static void table_free(void *v)
{
	mem_count(MC_PAGETABLES, -1);
	page_free(virt_to_page(v), 0);
}

void __init mem_init(void)
{
	zones_init();
	build_memmap();
	early_for_each_free(add_free);
	mark_reserved(free_end, ~0ul);
	early_close();
	if (!zones[ZONE_DMA32].managed && !zones[ZONE_NORMAL].managed)
		panic("no usable memory in the boot loader's map");
	pt_alloc_page = table_alloc;
	pt_free_page = table_free;
	for (unsigned i = 0; i < NR_ZONES; i++) {
		if (zones[i].managed)
			pr_info("zone %s: %lu KiB free", zones[i].name, zones[i].nr_free * 4);
	}
}

void mem_free_range(paddr_t start, u64 size)
{
	struct range r = {ALIGN_UP(start.v, PAGE_SIZE), ALIGN_DOWN(start.v + size, PAGE_SIZE)};

	/* Only RAM that the memmap knows; the rest (above mem=) stays unused. */
	for (u64 a = r.start; a < r.end; a += PAGE_SIZE) {
		u64 b = a;

		while (b < r.end && pfn_valid((pfn_t){b >> PAGE_SHIFT})) {
			struct page *p = pfn_to_page((pfn_t){b >> PAGE_SHIFT});
			if (WARN_ON(p->flags & ~(1u << PG_RESERVED) || atomic_read(&p->refcount)))
				break;
			p->flags = 0;
			b += PAGE_SIZE;
		}
		if (b > a)
			zone_add_range((struct range){a, b});
		a = b;
	}
}
