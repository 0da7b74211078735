/* Per-CPU variables: where each CPU's copy is.
 *
 * The boot CPU runs on the linked copy (offset 0) until smp_prepare() gives it one of its own. %gs base
 * is the offset, so that %gs:variable is the copy. Written before the CPU in question runs. */
#include "arch_priv.h"
#include <arch/current.h>

static unsigned long boot_offset[1];
unsigned long *percpu_offset = boot_offset;

DEFINE_PER_CPU(unsigned long, percpu_this_offset);
DEFINE_PER_CPU(u32, percpu_cpu_id);
DEFINE_PER_CPU(struct thread *, current_thread);
