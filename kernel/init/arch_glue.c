/* What arch/ needs of the layers above it, handed down as tables before its platform code runs. */
#include <alloc/page.h>
#include <alloc/slab.h>
#include <arch/memops.h>
#include <init/main.h>

static void *boot_alloc(size_t n, size_t align)
{
	return early_alloc(n, align);
}

static void *alloc(size_t n)
{
	return kzalloc(n, GFP_KERNEL);
}

static void free(void *p)
{
	kfree(p);
}

void arch_glue_init(void)
{
	static const struct arch_mem_ops ops = {boot_alloc, alloc, free};

	arch_set_mem_ops(&ops);
}
