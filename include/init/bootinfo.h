/* What the boot path (Multiboot2 or PVH) tells the kernel, in one form. Filled by boot/ before
 * kernel_main(); memory that it points to is reserved. */
#pragma once
#include <lib/types.h>

enum mem_type { MEM_RAM = 1, MEM_RESERVED, MEM_ACPI, MEM_NVS, MEM_BAD };
struct mem_region {
	paddr_t start;
	u64 size;
	enum mem_type type;
};
struct boot_module {
	paddr_t start;
	u64 size;
};
struct boot_framebuffer {
	paddr_t addr;
	u32 pitch, width, height, bpp;
	u8 red_pos, red_size, green_pos, green_size, blue_pos, blue_size;
	enum { BOOT_FB_NONE, BOOT_FB_RGB, BOOT_FB_TEXT } type;
};
struct bootinfo {
	const char *protocol; /* "multiboot2" or "pvh" */
	const char *loader;   /* boot loader name or "" */
	char *cmdline;	      /* NUL-terminated copy */
	struct mem_region *mem;
	unsigned nr_mem;
	struct boot_module *modules;
	unsigned nr_modules;
	struct boot_framebuffer fb;
	paddr_t rsdp;	    /* 0: not given, search */
	paddr_t efi_systab; /* 0: not EFI */
	bool efi_boot;
};
extern struct bootinfo bootinfo;

/* Linux's command-line syntax: "name" or "name=value", quotes around values with blanks; everything
 * after "--" goes to init. BOOT_PARAM handlers run in kernel_main before anything else; value is
 * NULL for a bare name. Unknown names are handed to init (name=value in its environment, bare names
 * as arguments), as Linux does. */
struct boot_param {
	const char *name;
	void (*fn)(const char *value);
};
#define BOOT_PARAM(n, f)                                                                       \
	static const struct boot_param CONCAT(__bootparam_, f) __used __section(".bootparams") \
		__aligned(8) = {n, f}
extern const struct boot_param __bootparams_start[], __bootparams_end[];
/* Value of the last occurrence of name; "" for a bare one; NULL if absent. */
const char *boot_option(const char *name);
