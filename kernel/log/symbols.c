/* The image's own symbol table, laid into .symtab_blob by tools/symtab.py after linking:
 *   u32 count; u32 address[count], relative to __text_start, ascending; u32 name[count], offsets into
 *   the NUL-terminated names that follow.
 * Pure lookups, any context. */
#include <log/panic.h>
#include <init/sections.h>
#include <lib/string.h>

struct symbol_blob {
	u32 count;
	u32 data[];
};
extern const struct symbol_blob symbol_blob __weak;

const char *symbol_lookup(u64 addr, u64 *offset, u64 *size)
{
	const struct symbol_blob *b = &symbol_blob;
	u64 base = (u64)__text_start;

	if (!b || !b->count || addr < base || addr >= (u64)__init_end ||
	    (addr >= (u64)__text_end && addr < (u64)__init_start))
		return NULL;
	const u32 *a = b->data;
	u32 rel = (u32)(addr - base), lo = 0, hi = b->count;
	while (hi - lo > 1) {
		u32 mid = (lo + hi) / 2;
		if (a[mid] <= rel)
			lo = mid;
		else
			hi = mid;
	}
	if (a[lo] > rel)
		return NULL;
	if (offset)
		*offset = rel - a[lo];
	if (size)
		*size = lo + 1 < b->count ? a[lo + 1] - a[lo] : 0;
	return (const char *)(a + 2 * b->count) + a[b->count + lo];
}
