/* Tests of the page cache: a memory object (no pager) and one with a pager over a kernel buffer. */
#include <alloc/slab.h>
#include <init/ktest.h>
#include <lib/string.h>
#include <log/random.h>
#include <sched/thread.h>
#include <mm/pagecache.h>

#define STORE_PAGES 32ul

struct store {
	struct mapping m;
	u64 size;
	long charged, limit;
	unsigned reads, writes;
	char *data; /* STORE_PAGES pages: what the pager has */
};

static struct store *store_of(struct mapping *m)
{
	return container_of(m, struct store, m);
}

static int store_charge(struct mapping *m, long pages)
{
	struct store *s = store_of(m);

	if (pages > 0 && s->charged + pages > s->limit)
		return -ENOSPC;
	s->charged += pages;
	return 0;
}

static u64 store_size(struct mapping *m)
{
	return store_of(m)->size;
}

static int store_read(struct mapping *m, struct page *p)
{
	struct store *s = store_of(m);
	char *a = page_address(p);

	s->reads++;
	if (p->index < STORE_PAGES)
		memcpy(a, s->data + p->index * PAGE_SIZE, PAGE_SIZE);
	else
		memset(a, 0, PAGE_SIZE);
	page_set_uptodate(p);
	page_unlock(p);
	return 0;
}

static int store_write(struct mapping *m, struct page *p)
{
	struct store *s = store_of(m);

	s->writes++;
	if (p->index < STORE_PAGES)
		memcpy(s->data + p->index * PAGE_SIZE, page_address(p), PAGE_SIZE);
	page_unlock(p);
	page_end_writeback(p, 0);
	return 0;
}

static const struct pager_ops memory_ops = {.charge = store_charge, .size = store_size};
static const struct pager_ops store_ops = {.read_page = store_read,
					   .write_page = store_write,
					   .charge = store_charge,
					   .size = store_size};

static struct store *store_new(const struct pager_ops *ops)
{
	struct store *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return NULL;
	mapping_init(&s->m, ops, NULL);
	s->limit = 1 << 20;
	if (ops->read_page) {
		s->data = kzalloc(STORE_PAGES * PAGE_SIZE, GFP_KERNEL);
		s->size = STORE_PAGES * PAGE_SIZE;
	}
	return s;
}

static void store_free(struct store *s)
{
	mapping_destroy(&s->m);
	CHECK_EQ(s->charged, 0);
	CHECK_EQ(s->m.nr_pages, 0);
	kfree(s->data);
	kfree(s);
}

static ssize_t put(struct store *s, u64 pos, void *buf, size_t n)
{
	struct iov_iter it;
	ssize_t got;

	iov_kernel(&it, buf, n);
	got = mapping_write(&s->m, pos, &it);
	if (got > 0)
		s->size = max(s->size, pos + got);
	return got;
}

static ssize_t get(struct store *s, u64 pos, void *buf, size_t n)
{
	struct iov_iter it;

	iov_kernel(&it, buf, n);
	return mapping_read(&s->m, pos, s->size, &it);
}

KTEST(pagecache, holes_read_as_zero_without_pages)
{
	struct store *s = store_new(&memory_ops);
	char buf[100];

	REQUIRE(s);
	s->size = 1 << 20;
	memset(buf, 1, sizeof(buf));
	CHECK_EQ(get(s, 70000, buf, sizeof(buf)), sizeof(buf));
	CHECK_EQ(buf[0], 0);
	CHECK_EQ(buf[99], 0);
	CHECK_EQ(s->m.nr_pages, 0);
	CHECK(mapping_get(&s->m, 3, 0) == NULL);
	CHECK_EQ(get(s, s->size - 10, buf, sizeof(buf)), 10);
	CHECK_EQ(get(s, s->size, buf, sizeof(buf)), 0);
	store_free(s);
}

/* Writes, truncations, punches and reads at random against a flat array. */
static void random_ops(const struct pager_ops *ops)
{
	const u64 room = 16 * PAGE_SIZE;
	struct store *s = store_new(ops);
	char *model = kzalloc(room, GFP_KERNEL), *buf = kmalloc(room, GFP_KERNEL);
	u64 size;

	REQUIRE(s && model && buf);
	size = s->size = 0;
	for (unsigned i = 0; i < 400; i++) {
		u64 pos = random_below(room), n = random_below(min(room - pos, 3 * PAGE_SIZE)) + 1;

		switch (random_below(8)) {
		case 0:
			s->size = pos;
			mapping_truncate(&s->m, pos);
			if (s->data)
				memset(s->data + ALIGN_UP(pos, PAGE_SIZE), 0,
				       STORE_PAGES * PAGE_SIZE - ALIGN_UP(pos, PAGE_SIZE));
			memset(model + pos, 0, room - pos);
			size = pos;
			break;
		case 1:
			if (s->data)
				break; /* a pager must punch its own side as well */
			mapping_punch(&s->m, pos, pos + n);
			memset(model + pos, 0, n);
			break;
		case 2:
			CHECK_EQ(mapping_sync(&s->m, 0, ~0ul), 0);
			CHECK(!mapping_dirty(&s->m));
			break;
		case 3:
			if (page_reclaim_hook)
				page_reclaim_hook(8, GFP_KERNEL);
			break;
		default:
			random_bytes(buf, n);
			CHECK_EQ(put(s, pos, buf, n), n);
			memcpy(model + pos, buf, n);
			size = max(size, pos + n);
		}
		CHECK_EQ(s->size, size);
		CHECK_EQ(get(s, 0, buf, room), size);
		if (!ktest_check(!memcmp(buf, model, size), __FILE__, __LINE__, "contents"))
			break;
	}
	store_free(s);
	kfree(model);
	kfree(buf);
}

KTEST(pagecache, memory_object_matches_model)
{
	random_ops(&memory_ops);
}

KTEST(pagecache, paged_object_matches_model)
{
	random_ops(&store_ops);
}

KTEST(pagecache, charge_limits)
{
	struct store *s = store_new(&memory_ops);
	char *buf = kzalloc(4 * PAGE_SIZE, GFP_KERNEL);

	REQUIRE(s && buf);
	s->limit = 2;
	CHECK_EQ(put(s, 0, buf, 4 * PAGE_SIZE), 2 * PAGE_SIZE);
	CHECK_EQ(put(s, 2 * PAGE_SIZE, buf, 1), -ENOSPC);
	mapping_truncate(&s->m, PAGE_SIZE);
	CHECK_EQ(s->charged, 1);
	store_free(s);
	kfree(buf);
}

KTEST(pagecache, pager_reads_once_and_writes_dirty_only)
{
	struct store *s = store_new(&store_ops);
	struct page *p;
	char c = 'x';

	REQUIRE(s);
	s->data[5 * PAGE_SIZE] = 'a';
	for (unsigned i = 0; i < 3; i++)
		CHECK_EQ(get(s, 5 * PAGE_SIZE, &c, 1), 1);
	CHECK_EQ(c, 'a');
	CHECK_EQ(s->reads, 1);
	c = 'b';
	CHECK_EQ(put(s, 5 * PAGE_SIZE, &c, 1), 1);
	CHECK(mapping_dirty(&s->m));
	CHECK_EQ(s->data[5 * PAGE_SIZE], 'a');
	CHECK_EQ(mapping_sync(&s->m, 0, 4 * PAGE_SIZE), 0);
	CHECK_EQ(s->writes, 0);
	CHECK_EQ(mapping_sync(&s->m, 0, ~0ul), 0);
	CHECK_EQ(s->writes, 1);
	CHECK_EQ(s->data[5 * PAGE_SIZE], 'b');
	/* A reader's reference outlives truncation. */
	p = mapping_find(&s->m, 5);
	REQUIRE(p);
	s->size = 0;
	mapping_truncate(&s->m, 0);
	CHECK(p->mapping == NULL);
	CHECK_EQ(*(char *)page_address(p), 'b');
	CHECK(mapping_find(&s->m, 5) == NULL);
	page_put(p);
	store_free(s);
}

KTEST(pagecache, reclaim_takes_clean_pages)
{
	struct store *s = store_new(&store_ops);
	char c = 1;

	REQUIRE(s);
	for (unsigned i = 0; i < 16; i++)
		CHECK_EQ(get(s, i * PAGE_SIZE, &c, 1), 1);
	c = 7;
	CHECK_EQ(put(s, 0, &c, 1), 1);
	for (unsigned i = 0; i < 10 && s->m.nr_pages > 1; i++)
		page_reclaim_hook(64, GFP_KERNEL);
	CHECK_EQ(s->m.nr_pages, 1);
	c = 0;
	CHECK_EQ(get(s, 0, &c, 1), 1);
	CHECK_EQ(c, 7);
	store_free(s);
}

KTEST(pagecache, seek_data_and_hole)
{
	struct store *s = store_new(&memory_ops);
	char c = 1;

	REQUIRE(s);
	CHECK_EQ(put(s, 3 * PAGE_SIZE + 5, &c, 1), 1);
	s->size = 10 * PAGE_SIZE;
	CHECK_EQ(mapping_seek(&s->m, 0, s->size, true), 3 * PAGE_SIZE);
	CHECK_EQ(mapping_seek(&s->m, 3 * PAGE_SIZE + 7, s->size, true), 3 * PAGE_SIZE + 7);
	CHECK_EQ(mapping_seek(&s->m, 4 * PAGE_SIZE, s->size, true), -ENXIO);
	CHECK_EQ(mapping_seek(&s->m, 0, s->size, false), 0);
	CHECK_EQ(mapping_seek(&s->m, 3 * PAGE_SIZE, s->size, false), 4 * PAGE_SIZE);
	CHECK_EQ(mapping_seek(&s->m, s->size, s->size, false), -ENXIO);
	store_free(s);
}

/* --- the page lock under contention --- */

struct lock_test {
	struct page *p;
	int counter;
};

static int lock_worker(void *arg)
{
	struct lock_test *t = arg;

	for (unsigned i = 0; i < 200; i++) {
		page_lock(t->p);
		int c = READ_ONCE(t->counter);
		yield();
		WRITE_ONCE(t->counter, c + 1);
		page_unlock(t->p);
	}
	return 0;
}

KTEST(pagecache, page_lock_excludes)
{
	struct lock_test t = {.p = page_alloc(0, GFP_KERNEL)};
	struct join_handle h[4];
	unsigned n = 0;

	REQUIRE(t.p);
	while (n < ARRAY_SIZE(h) && !thread_spawn(&h[n], lock_worker, &t, "pagelock/%u", n))
		n++;
	for (unsigned i = 0; i < n; i++)
		thread_join(&h[i]);
	CHECK_EQ(t.counter, n * 200);
	page_put(t.p);
}
