/* Memory that arch/ asks of the layers above: handed down by kernel_main before smp_prepare(). */
#pragma once
#include <lib/types.h>

struct arch_mem_ops {
	/* Zeroed, never freed, boot CPU only; does not fail (panics). Until mem_init(). */
	void *(*boot_alloc)(size_t n, size_t align);
	/* Zeroed; NULL: no memory. May sleep. After slab_init(). */
	void *(*alloc)(size_t n);
	void (*free)(void *p);
};
void arch_set_mem_ops(const struct arch_mem_ops *ops);
