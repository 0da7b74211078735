/* The C entry: the loader's data becomes struct bootinfo, then kernel_main().
 *
 * Runs on the early page tables and the boot stack, one CPU, interrupts off, before any allocator.
 * Everything that bootinfo points to is either inside the kernel image (command line, loader name) or in
 * the loader's own memory, which is reserved here: the memory map is translated in place, the module
 * list comes from early_alloc. The direct map is at its final place from the first instruction here. */
#define LOG_PREFIX "boot: "
#include "boot_priv.h"
#include <alloc/page.h>
#include <arch/boot.h>
#include <init/main.h>
#include <init/sections.h>
#include <lib/string.h>
#include <log/panic.h>

#define CMDLINE_SIZE 4096 /* twice Linux's COMMAND_LINE_SIZE */
#define LOW_PAGES    256  /* pages of the first MiB */

struct bootinfo bootinfo;
static char cmdline[CMDLINE_SIZE];
static char loader_name[64];
static unsigned long low_used[LOW_PAGES / 64] __initdata; /* pages of the first MiB in use */

void *boot_map(u64 p, u64 n)
{
	if (n == 0 || p > EARLY_REACH || n > EARLY_REACH - p)
		return NULL;
	return phys_to_virt(pa(p));
}

__init void boot_reserve(u64 p, u64 n)
{
	if (n == 0 || p + n < p)
		return;
	for (u64 page = p >> PAGE_SHIFT; page < LOW_PAGES && page <= (p + n - 1) >> PAGE_SHIFT;
	     page++)
		low_used[page / 64] |= 1ul << page % 64;
	early_reserve(pa(p), n);
}

static __init void copy_text(char *dst, size_t size, const char *s, u64 max)
{
	size_t n = strnlen(s, min_t(u64, max, size - 1));

	memcpy(dst, s, n);
	dst[n] = '\0';
}

__init void boot_set_cmdline(const char *s, u64 max)
{
	if (strnlen(s, max) >= CMDLINE_SIZE)
		pr_warn("command line cut to %d bytes", CMDLINE_SIZE - 1);
	copy_text(cmdline, sizeof(cmdline), s, max);
}

__init void boot_set_loader(const char *s, u64 max)
{
	copy_text(loader_name, sizeof(loader_name), s, max);
}

__init void boot_set_memmap(void *entries, u64 n, u64 stride)
{
	struct mem_region *out = entries;
	unsigned used = 0;

	_Static_assert(sizeof(struct mem_region) == 24, "translated in place");
	for (u64 i = 0; i < n; i++) {
		const char *e = (char *)entries + i * stride;
		struct mem_region r = {0};
		u32 type;

		memcpy(&r.start, e, 8);
		memcpy(&r.size, e + 8, 8);
		memcpy(&type, e + 16, 4);
		r.type = type >= MEM_RAM && type <= MEM_BAD ? (enum mem_type)type : MEM_RESERVED;
		if (r.size == 0 || r.start.v + r.size < r.start.v)
			continue;
		out[used++] = r;
	}
	bootinfo.mem = out;
	bootinfo.nr_mem = used;
	/* Reserving starts here, for mm/alloc reads the map then: real-mode vectors and BIOS data, the
	 * table itself, the image. */
	boot_reserve(0, PAGE_SIZE);
	boot_reserve(virt_to_phys(entries).v, n * stride);
	boot_reserve((u64)__boot_phys_start,
		     (u64)__image_end - KERNEL_IMAGE_BASE - (u64)__boot_phys_start);
}

__init paddr_t boot_low_page(void)
{
	for (u64 page = 0x9f; page > 0; page--) {
		u64 start = page << PAGE_SHIFT;

		if (low_used[page / 64] >> page % 64 & 1)
			continue;
		for (unsigned i = 0; i < bootinfo.nr_mem; i++) {
			const struct mem_region *r = &bootinfo.mem[i];
			if (r->type == MEM_RAM && r->start.v <= start &&
			    r->start.v + r->size >= start + PAGE_SIZE) {
				boot_reserve(start, PAGE_SIZE);
				return pa(start);
			}
		}
	}
	return pa(0);
}

void boot_main(enum boot_kind kind, u64 info);
__init void boot_main(enum boot_kind kind, u64 info)
{
	arch_boot_init();
	bootinfo.cmdline = cmdline;
	bootinfo.loader = loader_name;
	if (kind == BOOT_PVH)
		pvh_parse(pa(info));
	else
		multiboot2_parse(pa(info));
	if (!bootinfo.nr_mem)
		panic("the boot loader gave no memory map");
	kernel_main();
}
