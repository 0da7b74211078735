/* What arch/ needs of the layers above it, handed down as tables before its platform code runs. */
#include <alloc/page.h>
#include <alloc/slab.h>
#include <arch/memops.h>
#include <arch/thread.h>
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

/* FPU areas: one size for all threads. */
static struct slab_cache *fpu_cache;

static void *fpu_alloc(void)
{
	return slab_alloc(fpu_cache, GFP_KERNEL);
}

static void fpu_free(void *p)
{
	slab_free(fpu_cache, p);
}

void arch_glue_slab_init(void)
{
	fpu_cache = slab_cache_create("fpu_state", arch_fpu_area_size(), 64, SLAB_PANIC, NULL);
	arch_fpu_set_allocator(fpu_alloc, fpu_free);
}

void arch_glue_init(void)
{
	static const struct arch_mem_ops ops = {boot_alloc, alloc, free};

	arch_set_mem_ops(&ops);
}
