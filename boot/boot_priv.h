/* Shared by the protocol translators. */
#pragma once
#include <arch/pgtable.h>
#include <init/bootinfo.h>

enum boot_kind { BOOT_MULTIBOOT2 = 1, BOOT_PVH }; /* as in start.asm */

#define EARLY_REACH (4 * GiB) /* what the early tables map on every CPU */

/* Fill bootinfo from the loader's data. Physical addresses that the early tables do not reach and
 * sizes that make no sense are left out with a message. */
void multiboot2_parse(paddr_t info);
void pvh_parse(paddr_t start_info);

/* The early mapping of [p, p + n), or NULL if n is 0 or the range is out of reach. */
void *boot_map(u64 p, u64 n);
/* Keep a range that the loader filled. */
void boot_reserve(u64 p, u64 n);
/* Copy the command line (no longer than max bytes, NUL or not) and the loader's name. */
void boot_set_cmdline(const char *s, u64 max);
void boot_set_loader(const char *s, u64 max);
/* Turn a table of E820-like entries {u64 base, u64 length, u32 type} of the given stride (at least
 * sizeof(struct mem_region)) into bootinfo.mem, in place. */
void boot_set_memmap(void *entries, u64 n, u64 stride);
