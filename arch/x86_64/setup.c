/* The machine's part of kernel_main(): the order in which the boot CPU is set up. */
#include "arch_priv.h"
#include <arch/boot.h>
#include <arch/setup.h>
#include <arch/pgtable.h>

unsigned pt_levels;
u64 direct_map_base;
void arch_traps_init_early(void)
{
}
void arch_early_init(void)
{
}
