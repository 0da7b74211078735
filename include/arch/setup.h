/* The steps of the machine's start, called by kernel_main() in this order on the boot CPU. */
#pragma once

/* CPU features, GDT/IDT/TSS of the boot CPU, early console: exceptions are reported from here on. */
void arch_early_init(void);
/* Final page tables with the direct map of bootinfo.mem; after it early_alloc memory is reachable. */
void arch_memory_init(void);
/* Interrupt controllers, clocks, timer of the boot CPU. After smp_prepare(), which has read the ACPI tables; both run
 * before mem_init(), on early_alloc memory. */
void arch_platform_init(void);
/* Data that only init code writes becomes read-only. Before the first program runs. */
void arch_seal_memory(void);
