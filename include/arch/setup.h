/* The steps of the machine's start, called by kernel_main() in this order on the boot CPU. */
#pragma once

/* CPU features, GDT/IDT/TSS of the boot CPU, early console: exceptions are reported from here on. */
void arch_early_init(void);
/* Final page tables with the direct map of bootinfo.mem; after it early_alloc memory is reachable. */
void arch_memory_init(void);
/* ACPI tables, interrupt controllers, clocks; after slab and vmalloc. */
void arch_platform_init(void);
