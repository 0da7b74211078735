/* Kernel stacks: vmalloc areas with a guard page below, and a few kept per CPU, so that a fork and an
 * exit in turn map and unmap nothing. The per-CPU stack of stacks is touched by its CPU with interrupts
 * off. Stacks come back with old contents. May be freed in any context. */
#include "alloc_priv.h"
#include <alloc/vmalloc.h>
#include <arch/smp.h>
#include <arch/thread.h>

#define CACHED 6

struct stack_cache {
	u32 count;
	void *stack[CACHED];
};
static DEFINE_PER_CPU(struct stack_cache, stack_cache);
static bool cache_on; /* [I] after alloc_percpu_init */

void kstack_percpu_init(void)
{
	for_each_possible_cpu (c) {
		per_cpu_ptr(&stack_cache, c)->count = 0;
	}
	cache_on = true;
}

void *kstack_alloc(void)
{
	unsigned long f = irq_save();
	struct stack_cache *sc = this_cpu_ptr(&stack_cache);
	void *s = sc->count ? sc->stack[--sc->count] : NULL;

	irq_restore(f);
	return s ? s : vmalloc_guarded(KSTACK_SIZE, GFP_KERNEL);
}

void kstack_free(void *stack)
{
	unsigned long f;
	struct stack_cache *sc;

	if (!stack)
		return;
	f = irq_save();
	sc = this_cpu_ptr(&stack_cache);
	if (cache_on && sc->count < CACHED) {
		sc->stack[sc->count++] = stack;
		stack = NULL;
	}
	irq_restore(f);
	if (stack)
		vfree(stack);
}
