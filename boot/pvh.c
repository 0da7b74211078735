/* PVH: Xen's struct hvm_start_info into struct bootinfo.
 *
 * Source: Xen "public/arch-x86/hvm/start_info.h" (the x86/HVM direct boot ABI), versions 0 and 1. All
 * addresses in it are physical; each is checked for reach before it is used. */
#define LOG_PREFIX "pvh: "
#include "boot_priv.h"
#include <alloc/page.h>
#include <log/printk.h>

#define PVH_MAGIC	0x336ec578u
#define PVH_MAX_ENTRIES 65536u /* more than any firmware has: a damaged block */
#define PVH_MAX_CMDLINE 65536u

struct pvh_start_info {
	u32 magic, version, flags, nr_modules;
	u64 modlist, cmdline, rsdp;
	u64 memmap; /* version 1 */
	u32 memmap_entries, reserved;
};
_Static_assert(sizeof(struct pvh_start_info) == 56, "PVH ABI");

struct pvh_module {
	u64 start, size, cmdline, reserved;
};
struct pvh_memmap_entry {
	u64 addr, size;
	u32 type, reserved;
};

static __init void take_modules(const struct pvh_start_info *si)
{
	u32 n = si->nr_modules;
	const struct pvh_module *m;

	if (n == 0)
		return;
	m = n <= PVH_MAX_ENTRIES ? boot_map(si->modlist, n * sizeof(*m)) : NULL;
	if (!m) {
		pr_warn("module list is damaged, ignored");
		return;
	}
	for (u32 i = 0; i < n; i++)
		boot_reserve(m[i].start, m[i].size);
	bootinfo.modules = early_alloc(n * sizeof(*bootinfo.modules), 16);
	for (u32 i = 0; i < n; i++) {
		if (m[i].size == 0 || m[i].start + m[i].size < m[i].start)
			continue;
		bootinfo.modules[bootinfo.nr_modules++] =
			(struct boot_module){pa(m[i].start), m[i].size};
	}
}

__init void pvh_parse(paddr_t start_info)
{
	struct pvh_start_info *si = boot_map(start_info.v, sizeof(*si));

	bootinfo.protocol = "pvh";
	if (!si || si->magic != PVH_MAGIC) {
		pr_err("start_info has no magic, ignored");
		return;
	}
	const char *cmdline = si->cmdline ? boot_map(si->cmdline, 1) : NULL;
	if (cmdline)
		boot_set_cmdline(cmdline, min_t(u64, PVH_MAX_CMDLINE, EARLY_REACH - si->cmdline));
	bootinfo.rsdp = pa(si->rsdp);
	if (si->version >= 1 && si->memmap_entries && si->memmap_entries <= PVH_MAX_ENTRIES) {
		u64 bytes = si->memmap_entries * sizeof(struct pvh_memmap_entry);
		void *map = boot_map(si->memmap, bytes);

		if (map)
			boot_set_memmap(map, si->memmap_entries, sizeof(struct pvh_memmap_entry));
	}
	if (!bootinfo.nr_mem)
		return;
	boot_reserve(start_info.v, sizeof(*si));
	take_modules(si);
}
