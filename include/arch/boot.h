/* Between boot/ and arch/x86_64: what the entry code left and what arch asks of it. */
#pragma once
#include <lib/types.h>

extern u32 boot_levels;		 /* levels of paging that the entry code chose: 4 or 5 */
extern u8 boot_nokaslr;		 /* "nokaslr" is on the command line */
extern char __boot_phys_start[]; /* linker.ld: physical start of the image */
/* The boot CPU's stack, KSTACK_SIZE bytes: later its idle thread's. */
extern char boot_stack[], boot_stack_top[];

/* Early page tables of start.asm, by their kernel addresses (init memory). */
extern u64 boot_early_l5[512], boot_early_l4[512], boot_early_l4_direct[512],
	boot_early_l3_direct[512], boot_early_l2[4 * 512];

/* The first C of all: CPU features, descriptor tables (exceptions are reported from here on), the bases of
 * the address-space layout and the early direct map. */
void arch_boot_init(void);

/* A free page of RAM below 1 MiB, now reserved (for the AP trampoline); 0 if there is none. Before
 * mem_init(). */
paddr_t boot_low_page(void);
