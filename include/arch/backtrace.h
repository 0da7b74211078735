/* Stack walking by frame pointers (the kernel is built with -fno-omit-frame-pointer). */
#pragma once
#include <arch/regs.h>

/* Fill pcs with return addresses from frame pointer fp (0: the caller's own); returns how many. Stops at anything that
 * is not a mapped kernel-stack address. Any context, also NMI. */
unsigned backtrace(u64 fp, u64 *pcs, unsigned n);
void regs_print(const struct regs *r); /* printk */
