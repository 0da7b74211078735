/* The slab allocator: caches of equal objects with per-CPU magazines (Bonwick and Adams, USENIX 2001),
 * kmalloc size classes over them. Any context with GFP_ATOMIC; GFP_KERNEL may sleep. */
#pragma once
#include <alloc/page.h>

/* ctor runs when a slab is made, not at each allocation; may be NULL. align 0: natural. Caches of
 * static lifetime; panics at boot on failure. */
struct slab_cache *slab_cache_create(const char *name, size_t size, size_t align, unsigned flags,
				     void (*ctor)(void *));
#define SLAB_RECLAIMABLE 1u
#define SLAB_RCU	 2u /* the slab's pages are freed only after an RCU grace period */
#define SLAB_PANIC	 4u
void *slab_alloc(struct slab_cache *c, gfp_t gfp) __must_check;
void slab_free(struct slab_cache *c, void *p);

void *kmalloc(size_t n, gfp_t gfp) __must_check;
static inline void *kzalloc(size_t n, gfp_t gfp)
{
	return kmalloc(n, gfp | GFP_ZERO);
}
/* n * size with overflow check, zeroed. */
void *kcalloc(size_t n, size_t size, gfp_t gfp) __must_check;
void *krealloc(void *p, size_t n, gfp_t gfp) __must_check;
void kfree(const void *p); /* NULL allowed */
size_t ksize(const void *p);
char *kstrdup(const char *s, gfp_t gfp) __must_check;
char *kstrndup(const char *s, size_t n, gfp_t gfp) __must_check;
void *kmemdup(const void *s, size_t n, gfp_t gfp) __must_check;
char *kasprintf(gfp_t gfp, const char *fmt, ...) __printf(2, 3);
/* Walk all caches for /proc/slabinfo. */
struct slab_info {
	const char *name;
	size_t size;
	unsigned long active, total, slabs, per_slab;
	unsigned order;
};
void slab_for_each(void (*fn)(const struct slab_info *i, void *arg), void *arg);
void slab_init(void);
