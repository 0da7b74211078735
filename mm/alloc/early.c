/* Memory before the page allocator: the loader's map, reservations, and a first-fit allocator.
 *
 * bootinfo.mem is sorted in place at first use; RAM entries that overlap are merged, anything else that
 * overlaps RAM is a reservation. Reservations are a sorted array of disjoint ranges; allocating is
 * reserving. The first megabyte is never handed out (firmware data, AP trampoline). Memory comes from
 * low addresses up, where the boot page tables reach it. Boot CPU only, interrupts off. */
#include "alloc_priv.h"
#include <init/bootinfo.h>
#include <init/sections.h>
#include <lib/sort.h>
#include <lib/string.h>
#include <log/panic.h>

#define LOW_MEMORY (1 * MiB)

static u64 mem_limit __initdata = ~0ul;
static bool ready __initdata, closed;
static unsigned nr_ram __initdata;

/* The static part is enough for the reservations that the boot path makes; more are moved to memory. */
static struct range first_ranges[64] __initdata;
static struct range *reserved __initdata = first_ranges;
static unsigned nr_reserved __initdata, max_reserved __initdata = ARRAY_SIZE(first_ranges);

static void __init param_mem(const char *value)
{
	const char *end;
	u64 v = value ? parse_size(value, &end) : 0;

	/* mem=SIZE@START and friends of other systems are not ours. */
	if (v >= 4 * MiB && !*end)
		mem_limit = v;
}
BOOT_PARAM("mem", param_mem);

static int __init by_start(const void *a, const void *b)
{
	const struct mem_region *x = a, *y = b;

	return x->start.v < y->start.v ? -1 : x->start.v > y->start.v;
}

/* Sort in place; RAM to the front, merged and page aligned inwards. */
static void __init sanitise_map(void)
{
	struct mem_region *m = bootinfo.mem;

	sort(m, bootinfo.nr_mem, sizeof(*m), by_start);
	for (unsigned i = 0; i < bootinfo.nr_mem; i++) {
		u64 start = ALIGN_UP(m[i].start.v, PAGE_SIZE);
		u64 end = m[i].start.v + m[i].size;

		if (m[i].type != MEM_RAM || end < m[i].start.v)
			continue;
		end = ALIGN_DOWN(end, PAGE_SIZE);
		if (end <= start)
			continue;
		struct mem_region *last = nr_ram ? &m[nr_ram - 1] : NULL;
		if (last && start <= last->start.v + last->size) {
			if (end > last->start.v + last->size)
				last->size = end - last->start.v;
			continue;
		}
		/* Swap into place: the entry that stood there is not RAM and must not be lost. */
		struct mem_region old = m[nr_ram];
		struct mem_region ram = {.start = pa(start), .size = end - start, .type = MEM_RAM};
		if (nr_ram != i)
			m[i] = old;
		m[nr_ram++] = ram;
	}
}

static void __init reserve_range(u64 start, u64 end);

static void __init setup(void)
{
	ready = true;
	sanitise_map();
	reserve_range(0, LOW_MEMORY);
	reserve_range(LOW_MEMORY, ALIGN_UP((u64)__image_end - KERNEL_IMAGE_BASE, PAGE_SIZE));
	for (unsigned i = nr_ram; i < bootinfo.nr_mem; i++) {
		const struct mem_region *m = &bootinfo.mem[i];
		if (m->type != MEM_RAM)
			reserve_range(m->start.v, m->start.v + m->size);
	}
	for (unsigned i = 0; i < bootinfo.nr_modules; i++) {
		const struct boot_module *m = &bootinfo.modules[i];
		reserve_range(m->start.v, m->start.v + m->size);
	}
}

bool __init early_ram(unsigned i, struct range *r)
{
	if (!ready)
		setup();
	if (i >= nr_ram)
		return false;
	r->start = bootinfo.mem[i].start.v;
	r->end = r->start + bootinfo.mem[i].size;
	r->end = min(r->end, ALIGN_DOWN(mem_limit, PAGE_SIZE));
	if (r->end <= r->start)
		return false; /* sorted: nothing further up either */
	return true;
}

/* Find n free bytes; ~0 if there are none. */
static u64 __init find_free(u64 size, u64 align)
{
	struct range r;

	for (unsigned i = 0; early_ram(i, &r); i++) {
		u64 at = ALIGN_UP(r.start, align);
		for (unsigned k = 0; k < nr_reserved; k++) {
			if (reserved[k].end <= at)
				continue;
			if (reserved[k].start >= at + size)
				break;
			at = ALIGN_UP(reserved[k].end, align);
		}
		if (at >= r.start && at + size <= r.end)
			return at;
	}
	return ~0ul;
}

static void __init insert_range(unsigned i, struct range r)
{
	memmove(&reserved[i + 1], &reserved[i], (nr_reserved - i) * sizeof(*reserved));
	reserved[i] = r;
	nr_reserved++;
}

/* Twice the room. Needs one free entry itself. */
static void __init grow_reserved(void)
{
	u64 size = ALIGN_UP(2 * max_reserved * sizeof(*reserved), PAGE_SIZE);
	u64 at = find_free(size, PAGE_SIZE);

	if (at == ~0ul)
		panic("early memory: no room for %u reservations", 2 * max_reserved);
	struct range *n = phys_to_virt(pa(at));
	memcpy(n, reserved, nr_reserved * sizeof(*n));
	reserved = n;
	max_reserved = (unsigned)(size / sizeof(*n));
	reserve_range(at, at + size);
}

static void __init reserve_range(u64 start, u64 end)
{
	unsigned i = 0, j;

	start = ALIGN_DOWN(start, PAGE_SIZE);
	end = ALIGN_UP(end, PAGE_SIZE);
	if (end <= start)
		return;
	while (i < nr_reserved && reserved[i].end < start)
		i++;
	/* [i, j) touch the new range and become one with it. */
	for (j = i; j < nr_reserved && reserved[j].start <= end; j++) {
		start = min(start, reserved[j].start);
		end = max(end, reserved[j].end);
	}
	if (j > i) {
		reserved[i] = (struct range){start, end};
		memmove(&reserved[i + 1], &reserved[j], (nr_reserved - j) * sizeof(*reserved));
		nr_reserved -= j - i - 1;
		return;
	}
	insert_range(i, (struct range){start, end});
	if (nr_reserved + 2 > max_reserved)
		grow_reserved();
}

void __init early_reserve(paddr_t start, u64 size)
{
	if (!ready)
		setup();
	BUG_ON(closed);
	reserve_range(start.v, start.v + size);
}

paddr_t __init early_alloc_phys(size_t size, size_t align)
{
	u64 at;

	if (!ready)
		setup();
	BUG_ON(closed);
	/* Whole pages: what is left of the last one would only cost a reservation. */
	size = ALIGN_UP(size, PAGE_SIZE);
	at = find_free(size, max_t(u64, align, PAGE_SIZE));
	if (at == ~0ul)
		panic("early memory: no %zu bytes free", size);
	reserve_range(at, at + size);
	memset(phys_to_virt(pa(at)), 0, size);
	return pa(at);
}

/* Small requests share pages. */
void *__init early_alloc(size_t size, size_t align)
{
	static u64 next __initdata, end __initdata;

	align = max_t(size_t, align, 8);
	if (size < PAGE_SIZE / 2 && align <= PAGE_SIZE / 2) {
		u64 at = ALIGN_UP(next, align);
		if (!next || at + size > end) {
			at = early_alloc_phys(PAGE_SIZE, PAGE_SIZE).v;
			end = at + PAGE_SIZE;
		}
		next = at + size;
		return phys_to_virt(pa(at));
	}
	return phys_to_virt(early_alloc_phys(size, align));
}

void __init early_for_each_free(void (*fn)(struct range r))
{
	struct range r;

	for (unsigned i = 0; early_ram(i, &r); i++) {
		u64 at = r.start;
		for (unsigned k = 0; k < nr_reserved && at < r.end; k++) {
			if (reserved[k].end <= at)
				continue;
			if (reserved[k].start >= r.end)
				break;
			if (reserved[k].start > at)
				fn((struct range){at, reserved[k].start});
			at = reserved[k].end;
		}
		if (at < r.end)
			fn((struct range){at, r.end});
	}
}

void __init early_close(void)
{
	closed = true;
}
