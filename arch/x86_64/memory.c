/* The kernel's address-space layout and its final page tables.
 *
 * Top-level entries of the kernel half, 512 GiB each with 4 levels, 256 TiB with 5:
 *
 *   (slots in random order of distance, unless nokaslr)
 *   direct map	all RAM at direct_map_base + physical address, base 1 GiB aligned
 *   vmalloc	one slot; the area starts at a random GiB of its first half
 *   memmap	struct page array, as long as the largest possible memory asks for
 *   last slot	kernel image at -2 GiB, arch/ device window in the last GiB (map.c)
 *
 * Bases are fixed before the first allocation (arch_choose_layout), with an early mapping of the direct
 * map, so that no pointer ever moves. arch_memory_init() then builds kernel_root: text read-only and
 * executable, read-only data, everything else writable and never executable; the direct map's alias of
 * text and read-only data is read-only too.
 *
 * Source: Intel SDM vol. 3, 4.5; boot/start.asm for the early tables. Boot CPU only. */
#define LOG_PREFIX "memory: "
#include "arch_priv.h"
#include <arch/boot.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/pgtable.h>
#include <arch/setup.h>
#include <arch/uaccess.h>
#include <init/bootinfo.h>
#include <init/sections.h>
#include <lib/string.h>
#include <log/panic.h>
#include "plat_priv.h"

#define KERNEL_SLOTS_FIRST 256ul
#define KERNEL_SLOTS	   255ul /* the last one is the image's */
#define BYTES_PER_PAGE	   64ul	 /* of memmap: sizeof(struct page) */
#define KERNEL_FLAGS	   (PTE_GLOBAL)

static pte_t root_table[512] __aligned(4096) __section(".bss.page_aligned");
static u64 max_phys; /* end of the direct map's reach */

static __init u64 random_word(void)
{
	static u64 state __initdata;
	u64 hw = 0;

	/* Mixed as in G. Steele et al., SplitMix (OOPSLA 2014); the time stamp alone where there is no
	 * hardware source. */
	arch_random_u64(&hw);
	state += hw + rdtsc() + 0x9e3779b97f4a7c15ul;
	u64 z = state;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ul;
	z = (z ^ z >> 27) * 0x94d049bb133111ebul;
	return z ^ z >> 31;
}

/* A number below n; 0 without KASLR. */
static __init u64 slide(u64 n)
{
	return boot_nokaslr || n < 2 ? 0 : random_word() % n;
}

static __init u64 slot_base(u64 slot)
{
	u64 va = (KERNEL_SLOTS_FIRST + slot) << pt_shift(pt_levels);

	return va | ~0ul << (pt_shift(pt_levels) + 9); /* canonical */
}

/* Point the early tables at the direct map's place: 1 GiB pages as far as they go, else the 4 GiB of
 * 2 MiB pages that the entry code made. */
static __init void early_direct_map(void)
{
	u64 *top = pt_levels == 5 ? boot_early_l4_direct : boot_early_l4;
	u64 first = pt_index(direct_map_base, 3);
	u64 table_flags = PTE_PRESENT | PTE_WRITE;

	if (pt_levels == 5)
		boot_early_l5[pt_index(direct_map_base, 5)] =
			((u64)boot_early_l4_direct - KERNEL_IMAGE_BASE) | table_flags;
	top[pt_index(direct_map_base, 4)] =
		((u64)boot_early_l3_direct - KERNEL_IMAGE_BASE) | table_flags;
	for (u64 i = first; i < 512; i++) {
		if (cpu_features.pdpe1gb)
			boot_early_l3_direct[i] = (i - first) << 30 | PTE_HUGE | table_flags;
		else if (i - first < 4)
			boot_early_l3_direct[i] =
				((u64)boot_early_l2 - KERNEL_IMAGE_BASE + (i - first) * PAGE_SIZE) |
				table_flags;
	}
}

__init void arch_choose_layout(void)
{
	unsigned most = pt_levels == 5 ? 52 : 46;
	unsigned bits = min_t(unsigned, cpu_features.phys_bits, most);
	u64 span = pt_span(pt_levels), gib = span / GiB;

	max_phys = 1ul << bits;
	user_limit = (1ul << (pt_levels == 5 ? 56 : 47)) - PAGE_SIZE;
	/* Slots: the direct map may start anywhere in its first one. */
	u64 direct = (max_phys + span - 1) / span + 1;
	u64 map = (max_phys / PAGE_SIZE * BYTES_PER_PAGE + span - 1) / span + 1;
	u64 left = KERNEL_SLOTS - direct - map - 1;
	u64 slot = 1 + slide(left / 3);

	/* Its first 4 GiB share a level-3 table: the early one. */
	direct_map_base = slot_base(slot) + slide(min_t(u64, gib, 512) - 4) * GiB;
	slot += direct + slide(left / 3);
	vmalloc_base = slot_base(slot) + slide(gib / 2) * GiB;
	vmalloc_end = slot_base(slot) + span - GiB;
	slot += 1 + slide(left / 3);
	memmap_base = slot_base(slot) + slide(gib) * GiB;
	early_direct_map();
}

static __init void map(u64 va, u64 p, u64 size, u64 flags)
{
	if (size && pt_map_kernel(va, pa(p), size, flags | KERNEL_FLAGS))
		panic("cannot map %lx bytes at %lx", size, va);
}

static __init void map_image(const char *from, const char *to, u64 flags)
{
	map((u64)from, (u64)from - KERNEL_IMAGE_BASE, (u64)(to - from), flags);
}

/* Direct map of [start, end), read-only where it shows text and read-only data, in pages of their own
 * where it shows what is sealed later. */
static __init void map_direct(u64 start, u64 end)
{
	u64 ro = (u64)__image_start - KERNEL_IMAGE_BASE,
	    ro_end = (u64)__data_start - KERNEL_IMAGE_BASE;
	u64 cuts[] = {start, clamp_t(u64, ro, start, end), clamp_t(u64, ro_end, start, end), end};

	for (unsigned i = 0; i < 3; i++)
		map(direct_map_base + cuts[i], cuts[i], cuts[i + 1] - cuts[i],
		    PTE_NX | (i == 1 ? 0 : PTE_WRITE));
}

static __init void map_ram(void)
{
	u64 done = 0, left_out = 0;

	/* Ascending and merged by the first early_alloc (mm/alloc); overlaps are cut all the same. */
	for (unsigned i = 0; i < bootinfo.nr_mem; i++) {
		const struct mem_region *r = &bootinfo.mem[i];
		u64 start = max(ALIGN_UP(r->start.v, PAGE_SIZE), done);
		u64 end = ALIGN_DOWN(r->start.v + r->size, PAGE_SIZE);

		if (r->type != MEM_RAM || start >= end)
			continue;
		if (end > max_phys) {
			left_out += end - max(start, max_phys);
			end = max_phys;
		}
		if (start >= end)
			continue;
		map_direct(start, end);
		done = end;
	}
	if (left_out)
		pr_warn("%lu MiB of RAM are above what the CPU reaches, not used", left_out / MiB);
}

static __init void *early_table(void)
{
	return arch_mem.boot_alloc(PAGE_SIZE, PAGE_SIZE);
}

/* Top-level entries of [start, end) exist from now on. */
static __init void preallocate(u64 start, u64 end)
{
	for (u64 va = start; va < end && va >= start; va += pt_span(pt_levels))
		if (!pt_walk(kernel_root, va, pt_levels - 1, true))
			panic("no memory for kernel page tables");
}

__init void arch_memory_init(void)
{
	u64 highest = 0;

	/* The loader's table may lie in firmware memory, which the direct map leaves out. */
	size_t bytes = bootinfo.nr_mem * sizeof(*bootinfo.mem);
	bootinfo.mem = memcpy(arch_mem.boot_alloc(bytes, 8), bootinfo.mem, bytes);
	kernel_root = root_table;
	pt_alloc_page = early_table;
	ap_page = boot_low_page();
	map_ram();
	for (unsigned i = 0; i < bootinfo.nr_mem; i++)
		if (bootinfo.mem[i].type == MEM_RAM)
			highest = max(highest, bootinfo.mem[i].start.v + bootinfo.mem[i].size);
	highest = min(highest, max_phys);
	preallocate(vmalloc_base, vmalloc_end);
	preallocate(ALIGN_DOWN(memmap_base, pt_span(pt_levels)),
		    memmap_base + highest / PAGE_SIZE * BYTES_PER_PAGE);
	map_image(__text_start, __text_end, 0);
	map_image(__rodata_start, __rodata_end, PTE_NX);
	map_image(__data_start, __bss_end, PTE_NX | PTE_WRITE);
	map_image(__init_start, __init_text_end, 0);
	map_image(__init_text_end, __init_end, PTE_NX | PTE_WRITE);
	pt_switch(kernel_root);
	tlb_flush_kernel_local();
	pr_debug("%u levels, direct map %lx, vmalloc %lx, memmap %lx", pt_levels, direct_map_base,
		 vmalloc_base, memmap_base);
}

void arch_seal_memory(void)
{
	u64 start = (u64)__ro_after_init_start,
	    size = (u64)(__ro_after_init_end - __ro_after_init_start);

	if (!size)
		return;
	pt_protect_kernel(start, size, PTE_NX | KERNEL_FLAGS);
	pt_protect_kernel(start - KERNEL_IMAGE_BASE + direct_map_base, size, PTE_NX | KERNEL_FLAGS);
}
