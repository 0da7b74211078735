/* Tests of the page allocator, the slab allocator, kmalloc, vmalloc and kernel stacks in the running
 * kernel. Other threads allocate meanwhile: figures are compared with room for them. */
#include "alloc_priv.h"
#include <alloc/slab.h>
#include <alloc/vmalloc.h>
#include <arch/thread.h>
#include <init/ktest.h>
#include <lib/string.h>

static u64 free_pages(void)
{
	struct mem_stats m;

	mem_stats_get(&m);
	return m.free;
}

static bool near(u64 a, u64 b)
{
	u64 d = a > b ? a - b : b - a;

	return d < 256;
}

KTEST(buddy, blocks_are_aligned_and_apart)
{
	struct page *p[MAX_ORDER + 1];

	for (unsigned o = 0; o <= MAX_ORDER; o++) {
		p[o] = page_alloc(o, GFP_KERNEL | GFP_NOWARN);
		if (!p[o])
			continue;
		CHECK_EQ(page_to_pfn(p[o]).v & ((1ul << o) - 1), 0);
		CHECK_EQ(atomic_read(&p[o]->refcount), 1);
		CHECK_EQ(p[o]->flags, 0);
		CHECK_EQ(p[o]->alloc_order, o);
		memset(page_address(p[o]), (int)o, PAGE_SIZE << o);
	}
	for (unsigned o = 0; o <= MAX_ORDER; o++) {
		if (!p[o])
			continue;
		u8 *b = page_address(p[o]);
		CHECK_EQ(b[0], o);
		CHECK_EQ(b[(PAGE_SIZE << o) - 1], o);
		page_free(p[o], o);
	}
}

/* A zone of its own over one largest block of the real memmap: nothing outside can merge with it. */
static struct zone test_zone;

KTEST(buddy, splits_and_coalesces)
{
	enum { N = 1 << MAX_ORDER };
	static struct page *p[N];
	struct page *block = page_alloc(MAX_ORDER, GFP_KERNEL | GFP_NOWARN), *none, *whole;
	u64 largest, left;
	unsigned long f;

	if (!block) {
		ktest_skip("no block of the largest order is free");
		return;
	}
	spin_init(&test_zone.lock);
	test_zone.nr_free = 0;
	for (unsigned o = 0; o <= MAX_ORDER; o++)
		list_init(&test_zone.area[o].blocks);
	atomic_set(&block->refcount, 0);
	spin_lock_irqsave(&test_zone.lock, f);
	for (unsigned i = 0; i < N; i++)
		buddy_give(&test_zone, block + (i * 7 & (N - 1)), 0);
	largest = test_zone.area[MAX_ORDER].count;
	for (unsigned i = 0; i < N; i++)
		p[i] = buddy_take(&test_zone, 0);
	none = buddy_take(&test_zone, 0);
	for (unsigned i = 0; i < N; i++)
		buddy_give(&test_zone, p[N - 1 - i], 0);
	whole = buddy_take(&test_zone, MAX_ORDER);
	left = test_zone.nr_free;
	spin_unlock_irqrestore(&test_zone.lock, f);
	CHECK_EQ(largest, 1);
	CHECK(none == NULL);
	CHECK(whole == block);
	CHECK_EQ(left, 0);
	atomic_set(&block->refcount, 1);
	page_free(block, MAX_ORDER);
}

KTEST(buddy, nothing_is_lost)
{
	u64 before = free_pages();
	struct page *list = NULL;
	unsigned n = 0;

	for (; n < 1000; n++) {
		struct page *p = page_alloc(n % 3, GFP_KERNEL);
		if (!p)
			break;
		p->private = list;
		list = p;
	}
	CHECK_EQ(n, 1000);
	CHECK(free_pages() + 1900 < before);
	while (list) {
		struct page *p = list;
		list = p->private;
		page_put(p);
	}
	CHECK(near(free_pages(), before));
}

KTEST(buddy, zeroed_and_dma32)
{
	struct page *p = page_alloc(1, GFP_KERNEL);

	REQUIRE(p);
	memset(page_address(p), 0xff, 2 * PAGE_SIZE);
	page_free(p, 1);
	p = page_alloc(1, GFP_KERNEL | GFP_ZERO | GFP_DMA32);
	REQUIRE(p);
	CHECK(page_to_pa(p).v + 2 * PAGE_SIZE <= 4 * GiB);
	const u64 *w = page_address(p);
	u64 sum = 0;
	for (unsigned i = 0; i < 2 * PAGE_SIZE / 8; i++)
		sum |= w[i];
	CHECK_EQ(sum, 0);
	page_free(p, 1);
	CHECK(page_alloc(MAX_ORDER + 1, GFP_KERNEL) == NULL);
}

KTEST(buddy, references)
{
	struct page *p = page_alloc(0, GFP_KERNEL);

	REQUIRE(p);
	page_get(p);
	CHECK(page_tryget(p));
	page_put(p);
	page_put(p);
	CHECK_EQ(atomic_read(&p->refcount), 1);
	page_put(p);
	CHECK(pfn_valid(page_to_pfn(p)));
	CHECK(!pfn_valid((pfn_t){1ul << 40}));
}

/* ---- slab ------------------------------------------------------------------------------------------ */
struct obj {
	u64 magic;
	u8 body[112];
};
static unsigned ctor_runs;

static void obj_ctor(void *p)
{
	((struct obj *)p)->magic = 0xfeedface;
	ctor_runs++;
}

KTEST(slab, objects_do_not_overlap)
{
	static struct slab_cache *c;
	static u8 *p[500];

	if (!c)
		c = slab_cache_create("test-120", 120, 0, 0, NULL);
	REQUIRE(c);
	for (unsigned i = 0; i < 500; i++) {
		p[i] = slab_alloc(c, GFP_KERNEL);
		REQUIRE(p[i]);
		CHECK_EQ((u64)p[i] % 8, 0);
		memset(p[i], (int)(i & 255), 120);
	}
	for (unsigned i = 0; i < 500; i++) {
		CHECK_EQ(p[i][0], i & 255);
		CHECK_EQ(p[i][119], i & 255);
		slab_free(c, p[i]);
	}
	/* Zeroing is for the whole object. */
	u8 *z = slab_alloc(c, GFP_KERNEL | GFP_ZERO);
	REQUIRE(z);
	for (unsigned i = 0; i < 120; i++)
		CHECK_EQ(z[i], 0);
	slab_free(c, z);
}

KTEST(slab, constructed_state_survives)
{
	static struct slab_cache *c;
	struct obj *o[50];
	unsigned runs;

	if (!c)
		c = slab_cache_create("test-ctor", sizeof(struct obj), 64, 0, obj_ctor);
	REQUIRE(c);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 50; i++) {
			o[i] = slab_alloc(c, GFP_KERNEL);
			REQUIRE(o[i]);
			CHECK_EQ(o[i]->magic, 0xfeedface);
			CHECK_EQ((u64)o[i] % 64, 0);
		}
		for (unsigned i = 0; i < 50; i++)
			slab_free(c, o[i]);
	}
	runs = ctor_runs;
	CHECK(runs >= 50 && runs < 150);
}

struct find {
	const char *name;
	struct slab_info info;
};

static void find_cache(const struct slab_info *i, void *arg)
{
	struct find *f = arg;

	if (strcmp(i->name, f->name) == 0)
		f->info = *i;
}

KTEST(slab, reaping_returns_slabs)
{
	static struct slab_cache *c;
	static void *p[600];
	struct find f = {.name = "test-reap"};

	if (!c)
		c = slab_cache_create("test-reap", 512, 0, 0, NULL);
	REQUIRE(c);
	for (unsigned i = 0; i < 600; i++) {
		p[i] = slab_alloc(c, GFP_KERNEL);
		REQUIRE(p[i]);
	}
	slab_for_each(find_cache, &f);
	CHECK(f.info.slabs >= 75);
	for (unsigned i = 0; i < 600; i++)
		slab_free(c, p[i]);
	slab_reap();
	slab_for_each(find_cache, &f);
	/* Two magazines of this CPU may hold on to some. */
	CHECK(f.info.slabs <= 40);
}

KTEST(kmalloc, sizes_and_alignment)
{
	static const size_t sizes[] = {1,    7,	   8,	 9,    16,   33,   48,	  64,	 65,
				       100,  128,  129,	 500,  512,  1000, 1024,  1025,	 1500,
				       2048, 3000, 4096, 5000, 8192, 8193, 12000, 65536, 100000};

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t n = sizes[i];
		u8 *p = kmalloc(n, GFP_KERNEL);

		REQUIRE(p);
		CHECK(ksize(p) >= n);
		CHECK_EQ((u64)p % 8, 0);
		if (!(n & (n - 1)) && n <= PAGE_SIZE)
			CHECK_EQ((u64)p % n, 0);
		memset(p, 0xab, n);
		kfree(p);
		p = kzalloc(n, GFP_KERNEL);
		REQUIRE(p);
		CHECK_EQ(p[0] | p[n - 1] | p[n / 2], 0);
		kfree(p);
	}
	kfree(NULL);
	CHECK(kcalloc(~0ul / 2, 3, GFP_KERNEL) == NULL);
	CHECK(kmalloc(PAGE_SIZE << (MAX_ORDER + 1), GFP_KERNEL | GFP_NOWARN) == NULL);
}

KTEST(kmalloc, realloc_and_strings)
{
	char *s = kstrdup("daedalus", GFP_KERNEL), *t;

	REQUIRE(s);
	s = krealloc(s, 5000, GFP_KERNEL);
	REQUIRE(s);
	CHECK(strcmp(s, "daedalus") == 0);
	s = krealloc(s, 16, GFP_KERNEL);
	REQUIRE(s);
	CHECK(strcmp(s, "daedalus") == 0);
	CHECK(ksize(s) < 5000);
	t = kstrndup(s, 3, GFP_KERNEL);
	CHECK(t && strcmp(t, "dae") == 0);
	kfree(t);
	t = kasprintf(GFP_KERNEL, "%s-%d", s, 42);
	CHECK(t && strcmp(t, "daedalus-42") == 0);
	kfree(t);
	kfree(s);
}

/* ---- vmalloc ---------------------------------------------------------------------------------------- */
KTEST(vmalloc, pages_and_guards)
{
	u64 before = free_pages();
	u8 *p = vmalloc(10 * PAGE_SIZE + 1, GFP_KERNEL | GFP_ZERO), *q;

	REQUIRE(p);
	CHECK(is_vmalloc_addr(p));
	for (unsigned i = 0; i < 11; i++) {
		CHECK_EQ(p[i * PAGE_SIZE], 0);
		p[i * PAGE_SIZE] = (u8)i;
	}
	for (unsigned i = 0; i < 11; i++)
		CHECK_EQ(p[i * PAGE_SIZE], i);
	CHECK(vmalloc_fault_reason((u64)p + 11 * PAGE_SIZE) != NULL);
	CHECK(vmalloc_fault_reason((u64)p + 5) == NULL);
	q = vmalloc(1, GFP_KERNEL);
	CHECK(q && q != p);
	vfree(q);
	vfree(p);
	CHECK(strstr(vmalloc_fault_reason((u64)p), "freed") ||
	      strstr(vmalloc_fault_reason((u64)p), "unused"));
	CHECK(near(free_pages(), before));
	vfree(NULL);
	CHECK(vmalloc(0, GFP_KERNEL) == NULL);
	CHECK(vmalloc(1ul << 50, GFP_KERNEL) == NULL);
}

KTEST(vmalloc, many_areas_and_purges)
{
	static void *p[200];
	u64 before = free_pages();

	for (unsigned round = 0; round < 12; round++) {
		for (unsigned i = 0; i < 200; i++) {
			p[i] = vmalloc((1 + (i * 13 + round) % 9) * PAGE_SIZE, GFP_KERNEL);
			REQUIRE(p[i]);
			*(u32 *)p[i] = i;
		}
		for (unsigned i = 0; i < 200; i++) {
			unsigned k = (i * 77) % 200;
			CHECK_EQ(*(u32 *)p[k], k);
			vfree(p[k]);
		}
	}
	CHECK(near(free_pages(), before));
}

KTEST(vmalloc, kvmalloc_and_ioremap)
{
	struct page *page = page_alloc(0, GFP_KERNEL | GFP_ZERO);
	u8 *small = kvmalloc(100, GFP_KERNEL), *large = kvmalloc(3 * MiB, GFP_KERNEL);
	u32 *io;

	REQUIRE(small && large && page);
	CHECK(!is_vmalloc_addr(small));
	CHECK(is_vmalloc_addr(large));
	large[3 * MiB - 1] = 1;
	kvfree(small);
	kvfree(large);
	io = ioremap(pa_add(page_to_pa(page), 0x104), 8, PTE_CACHE_WB);
	REQUIRE(io);
	CHECK_EQ((u64)io & 0xfff, 0x104);
	*io = 0x12345678;
	CHECK_EQ(*(u32 *)((char *)page_address(page) + 0x104), 0x12345678);
	iounmap(io);
	page_free(page, 0);
}

KTEST(vmalloc, kernel_stacks)
{
	u8 *s[20];

	for (unsigned i = 0; i < 20; i++) {
		s[i] = kstack_alloc();
		REQUIRE(s[i]);
		CHECK_EQ((u64)s[i] & ~PAGE_MASK, 0);
		memset(s[i], (int)i, KSTACK_SIZE);
		CHECK(strcmp(vmalloc_fault_reason((u64)s[i] - 8), "kernel stack overflow") == 0);
	}
	for (unsigned i = 0; i < 20; i++) {
		CHECK_EQ(s[i][0], i);
		CHECK_EQ(s[i][KSTACK_SIZE - 1], i);
		kstack_free(s[i]);
	}
}
