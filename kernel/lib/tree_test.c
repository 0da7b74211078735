/* Tests of the red-black tree, the radix tree and the idr against flat models, with random operations. */
#include <init/ktest.h>
#include <lib/bits.h>
#include <lib/idr.h>
#include <lib/rbtree.h>
#include <lib/string.h>
#include <uapi/errno.h>
#ifdef HOST_TEST
#include <stdlib.h>
#endif

/* xorshift64: the same sequence on every run */
static u64 seed;
static u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* ---- red-black tree ---- */
#define KEYS 300

struct item {
	struct rb_node node;
	u32 key, value, max; /* max: largest value in the subtree */
	bool in;
};
static struct item items[KEYS];
static struct rb_root root;

static void aug(struct rb_node *n)
{
	struct item *i = rb_entry(n, struct item, node);

	i->max = i->value;
	if (n->left)
		i->max = max(i->max, rb_entry(n->left, struct item, node)->max);
	if (n->right)
		i->max = max(i->max, rb_entry(n->right, struct item, node)->max);
}

/* Black height, or -1 when a rule is broken. */
static int check_node(const struct rb_node *n, u32 *max_value)
{
	u32 lm = 0, rm = 0;
	const struct item *i;
	int l, r;
	bool red;

	if (!n)
		return 1;
	i = rb_entry(n, const struct item, node);
	red = !(n->parent_color & 1);
	if ((n->left && rb_parent(n->left) != n) || (n->right && rb_parent(n->right) != n))
		return -1;
	if (red && ((n->left && !(n->left->parent_color & 1)) ||
		    (n->right && !(n->right->parent_color & 1))))
		return -1;
	l = check_node(n->left, &lm);
	r = check_node(n->right, &rm);
	*max_value = max(i->value, max(lm, rm));
	if (l < 0 || l != r || i->max != *max_value)
		return -1;
	return l + !red;
}

static void insert(struct item *it)
{
	struct rb_node *parent = NULL, **link = &root.node;

	while (*link) {
		parent = *link;
		link = it->key < rb_entry(parent, struct item, node)->key ? &parent->left
									  : &parent->right;
	}
	rb_link(&it->node, parent, link);
	rb_insert_fixup(&root, &it->node, aug);
	it->in = true;
}

static bool matches_model(void)
{
	struct rb_node *n = rb_first(&root), *prev = NULL;
	u32 m = 0;

	for (unsigned i = 0; i < KEYS; i++) {
		if (!items[i].in)
			continue;
		if (!n || rb_entry(n, struct item, node) != &items[i] || rb_prev(n) != prev)
			return false;
		prev = n;
		n = rb_next(n);
	}
	return !n && rb_last(&root) == prev && check_node(root.node, &m) >= 0;
}

KTEST(rbtree, random_against_model)
{
	seed = 88172645463325252ul;
	root = (struct rb_root){NULL};
	for (unsigned i = 0; i < KEYS; i++) {
		items[i] = (struct item){.key = i};
		rb_node_init(&items[i].node);
	}
	for (unsigned step = 0; step < 3000; step++) {
		struct item *it = &items[rnd() % KEYS];

		if (!it->in) {
			it->value = (u32)rnd();
			insert(it);
		} else if (rnd() & 1) {
			rb_erase(&root, &it->node, aug);
			it->in = false;
			CHECK(rb_node_unlinked(&it->node));
		} else {
			it->value = (u32)rnd();
			rb_augment_path(&it->node, aug);
		}
		if (step % 16 == 0)
			REQUIRE(matches_model());
	}
	unsigned in = 0, freed = 0;
	for (unsigned i = 0; i < KEYS; i++)
		in += items[i].in;
	/* What was visited is "freed": it must not be looked at again. */
	for (struct rb_node *n = rb_first_postorder(&root), *next; n; n = next) {
		next = rb_next_postorder(n);
		memset(n, 0x6b, sizeof(*n));
		freed++;
	}
	CHECK_EQ(in, freed);
}

/* ---- radix tree ---- */
#define SLOTS 512

static bool present[SLOTS];
static u8 tags[SLOTS];

/* A spread of indices: dense, sparse and enormous. */
static unsigned long index_of(unsigned i)
{
	if (i < 200)
		return i;
	if (i < 400)
		return (unsigned long)(i - 199) * 5003;
	if (i == SLOTS - 1)
		return ~0ul;
	return (1ul << (20 + (i - 400) % 43)) + i;
}

static void *ptr_of(unsigned i)
{
	return (void *)(uintptr_t)(0x1000 + i * 8ul);
}

#ifdef HOST_TEST
static void *host_alloc(size_t n)
{
	return calloc(1, n);
}
static void host_free(void *p, size_t n)
{
	free(p);
}
#endif

static void allocator(void)
{
#ifdef HOST_TEST
	radix_allocator = (struct radix_allocator){host_alloc, host_free};
#endif
}

static bool index_order(unsigned a, unsigned b)
{
	return index_of(a) < index_of(b);
}

/* The model's entry with the smallest index >= at, tag < 3: tagged; SLOTS if none. */
static unsigned model_next(unsigned long at, unsigned tag)
{
	unsigned best = SLOTS;

	for (unsigned i = 0; i < SLOTS; i++) {
		if (present[i] && index_of(i) >= at && (tag >= 3 || tags[i] >> tag & 1) &&
		    (best == SLOTS || index_order(i, best)))
			best = i;
	}
	return best;
}

static void check_walk(struct radix_tree *t, unsigned tag)
{
	unsigned long at = 0;

	for (;;) {
		unsigned want = model_next(at, tag);
		void *p = tag < 3 ? radix_next_tagged(t, &at, tag) : radix_next(t, &at);

		REQUIRE(p == (want == SLOTS ? NULL : ptr_of(want)));
		if (!p)
			return;
		REQUIRE(at == index_of(want));
		if (++at == 0)
			return;
	}
}

static void radix_step(struct radix_tree *t)
{
	unsigned i = rnd() % SLOTS, tag = rnd() % 3;
	unsigned long x = index_of(i);

	switch (rnd() % 5) {
	case 0:
	case 1:
		CHECK_EQ(radix_insert(t, x, ptr_of(i)), present[i] ? -EEXIST : 0);
		present[i] = true;
		break;
	case 2:
		CHECK(radix_remove(t, x) == (present[i] ? ptr_of(i) : NULL));
		present[i] = false;
		tags[i] = 0;
		break;
	case 3:
		radix_tag_set(t, x, tag);
		if (present[i])
			tags[i] |= (u8)(1 << tag);
		break;
	default:
		radix_tag_clear(t, x, tag);
		tags[i] &= (u8) ~(1 << tag);
	}
	CHECK(radix_lookup(t, x) == (present[i] ? ptr_of(i) : NULL));
	CHECK_EQ(radix_tag_get(t, x, tag), tags[i] >> tag & 1);
}

KTEST(radix, random_against_model)
{
	struct radix_tree t;
	unsigned long count = 0;

	allocator();
	seed = 0x9e3779b97f4a7c15ul;
	memset(present, 0, sizeof(present));
	memset(tags, 0, sizeof(tags));
	radix_init(&t);
	for (unsigned step = 0; step < 4000; step++) {
		radix_step(&t);
		if (step % 400 == 0) {
			for (unsigned tag = 0; tag <= 3; tag++)
				check_walk(&t, tag);
		}
	}
	for (unsigned i = 0; i < SLOTS; i++)
		count += present[i];
	CHECK_EQ(t.count, count);
	for (unsigned i = 0; i < SLOTS; i++) {
		if (present[i])
			CHECK(radix_remove(&t, index_of(i)) == ptr_of(i));
	}
	CHECK(t.root == NULL);
	CHECK_EQ(t.count, 0);
}

KTEST(radix, replace_and_gaps)
{
	struct radix_tree t;

	allocator();
	radix_init(&t);
	CHECK(radix_replace(&t, 5, ptr_of(1)) == NULL);
	for (unsigned long i = 0; i < 200; i++)
		CHECK_EQ(radix_insert(&t, i, ptr_of(0)), 0);
	CHECK(radix_replace(&t, 5, ptr_of(1)) == ptr_of(0));
	CHECK(radix_lookup(&t, 5) == ptr_of(1));
	CHECK_EQ(radix_find_gap(&t, 0, 1000), 200);
	CHECK_EQ(radix_find_gap(&t, 0, 150), 150);
	CHECK(radix_remove(&t, 77) != NULL);
	CHECK_EQ(radix_find_gap(&t, 10, 1000), 77);
	CHECK_EQ(radix_find_gap(&t, 78, 1000), 200);
	for (unsigned long i = 0; i < 200; i++)
		(void)radix_remove(&t, i);
	CHECK(t.root == NULL);
}

KTEST(idr, lowest_and_cyclic)
{
	struct idr i;
	unsigned long at = 0;

	allocator();
	idr_init(&i);
	for (long k = 1; k <= 100; k++)
		CHECK_EQ(idr_alloc(&i, ptr_of(0), 1, 1000), k);
	CHECK(idr_remove(&i, 50) != NULL);
	CHECK(idr_find(&i, 50) == NULL);
	CHECK_EQ(idr_alloc(&i, ptr_of(1), 1, 1000), 50);
	CHECK_EQ(idr_alloc(&i, ptr_of(1), 1, 101), -ENOSPC);
	CHECK(idr_remove(&i, 10) != NULL);
	CHECK_EQ(idr_alloc_cyclic(&i, ptr_of(2), 101, 104), 101);
	CHECK_EQ(idr_alloc_cyclic(&i, ptr_of(2), 101, 104), 102);
	CHECK(idr_remove(&i, 101) != NULL);
	CHECK_EQ(idr_alloc_cyclic(&i, ptr_of(2), 101, 104), 103);
	CHECK_EQ(idr_alloc_cyclic(&i, ptr_of(2), 101, 104), 101);
	CHECK_EQ(idr_alloc_cyclic(&i, ptr_of(2), 101, 104), -ENOSPC);
	CHECK(idr_next(&i, &at) != NULL);
	CHECK_EQ(at, 1);
	while (idr_next(&i, &at))
		(void)idr_remove(&i, at);
	CHECK_EQ(i.tree.count, 0);
}
