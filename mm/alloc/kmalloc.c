/* kmalloc: size classes over the slab allocator up to 8 KiB, page blocks above, and its relatives.
 *
 * Classes are powers of two and, from 32 bytes on, the values half way between; a power-of-two class is
 * aligned to its size (up to a page), the others to their largest power-of-two divisor. Blocks above 8
 * KiB are page_alloc blocks whose first struct page knows the order. Any context, by gfp. */
#include "alloc_priv.h"
#include <alloc/slab.h>
#include <alloc/vmalloc.h>
#include <lib/bits.h>
#include <lib/decompress.h>
#include <lib/radix.h>
#include <lib/string.h>
#include <log/panic.h>
#include <sync/rcu.h>

#define MAX_SLAB_SIZE 8192

static const u16 class_sizes[] = {8,   16,  32,	 48,   64,   96,   128,	 192,  256,
				  384, 512, 768, 1024, 1536, 2048, 3072, 4096, 8192};
static struct slab_cache *classes[ARRAY_SIZE(class_sizes)];
static u8 class_of[1024 / 8 + 1]; /* (size + 7) / 8 -> class; sizes up to 1024 */

static unsigned class_index(size_t n)
{
	unsigned i;

	if (likely(n <= 1024))
		return class_of[(n + 7) / 8];
	for (i = class_of[128]; class_sizes[i] < n;)
		i++;
	return i;
}

static void *kmalloc_large(size_t n, gfp_t gfp)
{
	unsigned order = order_of(DIV_ROUND_UP(n, PAGE_SIZE));
	struct page *p;

	if (n > PAGE_SIZE << MAX_ORDER)
		return NULL;
	p = page_alloc(order, gfp);
	if (!p)
		return NULL;
	mem_count(MC_SLAB, 1l << order);
	return page_address(p);
}

void *kmalloc(size_t n, gfp_t gfp)
{
	if (unlikely(n > MAX_SLAB_SIZE))
		return kmalloc_large(n, gfp);
	void *p = slab_alloc(classes[class_index(n)], gfp & ~GFP_ZERO);
	if (gfp & GFP_ZERO && likely(p))
		memset(p, 0, n);
	return p;
}

void kfree(const void *p)
{
	struct slab_cache *c;

	if (!p)
		return;
	c = slab_cache_of(p);
	if (likely(c)) {
		slab_free(c, (void *)p);
		return;
	}
	struct page *pg = virt_to_page(p);
	DEBUG_ON((u64)p & ~PAGE_MASK || atomic_read(&pg->refcount) != 1);
	mem_count(MC_SLAB, -(1l << pg->alloc_order));
	page_free(pg, pg->alloc_order);
}

size_t ksize(const void *p)
{
	struct slab_cache *c;

	if (!p)
		return 0;
	c = slab_cache_of(p);
	return c ? slab_object_size(c) : PAGE_SIZE << virt_to_page(p)->alloc_order;
}

void *kcalloc(size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return kmalloc(bytes, gfp | GFP_ZERO);
}

void *krealloc(void *p, size_t n, gfp_t gfp)
{
	size_t have = ksize(p);
	void *q;

	if (p && n <= have && n > have / 4)
		return p;
	q = kmalloc(n, gfp);
	if (!q)
		return NULL;
	if (p) {
		memcpy(q, p, min(have, n));
		kfree(p);
	}
	return q;
}

void *kmemdup(const void *s, size_t n, gfp_t gfp)
{
	void *p = kmalloc(n, gfp);

	if (p)
		memcpy(p, s, n);
	return p;
}

char *kstrndup(const char *s, size_t n, gfp_t gfp)
{
	size_t len = strnlen(s, n);
	char *p = kmalloc(len + 1, gfp);

	if (p) {
		memcpy(p, s, len);
		p[len] = '\0';
	}
	return p;
}

char *kstrdup(const char *s, gfp_t gfp)
{
	return kmemdup(s, strlen(s) + 1, gfp);
}

char *kasprintf(gfp_t gfp, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	p = kmalloc((size_t)n + 1, gfp);
	if (p) {
		va_start(ap, fmt);
		vsnprintf(p, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	return p;
}

/* ---- radix nodes: freed after a grace period; the rcu_head lies behind the node ------------------ */
static struct slab_cache *radix_cache;
static size_t radix_node_size;

static void *radix_node_alloc(size_t n)
{
	DEBUG_ON(n != radix_node_size);
	return slab_alloc(radix_cache, GFP_ATOMIC | GFP_ZERO);
}

static void radix_node_rcu(struct rcu_head *h)
{
	slab_free(radix_cache, (char *)h - radix_node_size);
}

static void radix_node_free(void *p, size_t n)
{
	call_rcu((struct rcu_head *)((char *)p + n), radix_node_rcu);
}

static void *decoder_alloc(size_t n)
{
	return kvmalloc(n, GFP_KERNEL);
}

static void decoder_free(void *p)
{
	kvfree(p);
}

void slab_init(void)
{
	static const char *const names[] = {
		"kmalloc-8",	"kmalloc-16",	"kmalloc-32",	"kmalloc-48",	"kmalloc-64",
		"kmalloc-96",	"kmalloc-128",	"kmalloc-192",	"kmalloc-256",	"kmalloc-384",
		"kmalloc-512",	"kmalloc-768",	"kmalloc-1024", "kmalloc-1536", "kmalloc-2048",
		"kmalloc-3072", "kmalloc-4096", "kmalloc-8192"};
	unsigned c = 0;

	_Static_assert(ARRAY_SIZE(names) == ARRAY_SIZE(class_sizes), "one name per class");
	slab_core_init();
	for (unsigned i = 0; i < ARRAY_SIZE(class_sizes); i++) {
		size_t size = class_sizes[i];
		size_t align = min_t(size_t, size & -size, PAGE_SIZE);
		classes[i] = slab_cache_create(names[i], size, align, SLAB_PANIC, NULL);
	}
	for (unsigned i = 0; i <= 128; i++) {
		if (class_sizes[c] < i * 8)
			c++;
		class_of[i] = (u8)c;
	}
	radix_node_size = radix_node_bytes();
	radix_cache = slab_cache_create("radix_node", radix_node_size + sizeof(struct rcu_head), 8,
					SLAB_PANIC, NULL);
	decompress_allocator = (struct decompress_allocator){decoder_alloc, decoder_free};
	radix_allocator = (struct radix_allocator){radix_node_alloc, radix_node_free};
}
