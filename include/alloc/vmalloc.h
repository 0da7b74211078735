/* Virtually contiguous kernel memory with a guard page behind each area, and mappings of device
 * memory. May sleep, except vfree (defers from atomic context). */
#pragma once
#include <alloc/page.h>

void *vmalloc(size_t n, gfp_t gfp) __must_check; /* GFP_ZERO honoured */
void vfree(const void *p);
/* kmalloc for small sizes, vmalloc for large. */
void *kvmalloc(size_t n, gfp_t gfp) __must_check;
void kvfree(const void *p);
bool is_vmalloc_addr(const void *p);
/* Map device memory; cache: PTE_CACHE_UC, PTE_CACHE_WC, PTE_CACHE_WB. NULL: no memory. */
void *ioremap(paddr_t p, size_t n, u64 cache) __must_check;
void iounmap(void *p);
/* Kernel stacks: KSTACK_SIZE with a guard page below, cached per CPU. NULL: no memory. */
void *kstack_alloc(void) __must_check;
void kstack_free(void *stack);
/* A readable name for an address fault in a guard page ("kernel stack overflow", "vmalloc overrun"). */
const char *vmalloc_fault_reason(u64 addr);
void vmalloc_init(void);
