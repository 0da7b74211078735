/* Between boot/ and arch/x86_64: what the entry code left and what arch asks of it. */
#pragma once
#include <lib/types.h>

extern u32 boot_levels;		 /* levels of paging that the entry code chose: 4 or 5 */
extern char __boot_phys_start[]; /* linker.ld: physical start of the image */
/* The boot CPU's stack, KSTACK_SIZE bytes: later its idle thread's. */
extern char boot_stack[], boot_stack_top[];

/* Load a GDT, TSS and IDT for the boot CPU, so that an exception in the boot path is reported. */
void arch_traps_init_early(void);

/* bootinfo's pointers into the direct map move by delta. */
void bootinfo_rebase(u64 delta);
/* A free page of RAM below 1 MiB, now reserved (for the AP trampoline); 0 if there is none. Before
 * mem_init(). */
paddr_t boot_low_page(void);
