/* All linker-section names and the symbols that linker.ld defines, in one place. */
#pragma once
#include <lib/types.h>

extern char __image_start[], __image_end[]; /* whole loaded image, virtual */
extern char __text_start[], __text_end[];
extern char __rodata_start[], __rodata_end[];
extern char __data_start[], __data_end[];
extern char __ro_after_init_start[], __ro_after_init_end[];
extern char __init_start[], __init_end[]; /* page aligned: freed after boot */
extern char __init_text_end[];		  /* between init code and init data, page aligned */
extern char __bss_start[], __bss_end[];
extern char __percpu_start[], __percpu_end[];
extern char __initramfs_start[],
	__initramfs_end[]; /* built-in cpio, in its own pages, freed after unpacking */

struct extable_entry {
	s32 insn, fixup; /* relative to the field's own address */
};
extern struct extable_entry __extable_start[], __extable_end[];

/* Instructions that arch/x86_64/alternative.c patches at boot. */
struct altinstr {
	u64 addr, kind;
};
extern const struct altinstr __altinstr_start[], __altinstr_end[];

/* Table sections: entries are structs laid out one after the other. */
#define SECTION_TABLE_ENTRY(sec) __used __section(sec) __aligned(8)
