/* Radix trees: 64-way, from unsigned long to pointer, with three tags per entry.
 *
 * A node at shift s covers index bits s..s+5. The root pointer carries a node; its own shift tells the
 * height, so that a lock-free reader that loaded an old root walks a consistent (if shorter) tree.
 * Invariants: count = used slots, a node without any is freed; tag bit i of a node is set exactly when
 * the entry or subtree i has an entry with that tag. Nodes are published with release stores, after they
 * are complete, and freed by the allocator hook after concurrent readers are gone. Writers are serialised
 * by the caller. The tree grows at the root when an index does not fit and shrinks when only slot 0 of
 * the root is left. */
#include <lib/bits.h>
#include <lib/radix.h>
#include <uapi/errno.h>

#define BITS   6
#define FANOUT (1u << BITS)

struct radix_node {
	u8 shift;  /* [I] */
	u8 offset; /* [I] slot in parent */
	u16 count;
	struct radix_node *parent;
	u64 tags[RADIX_TAGS];
	void *slots[FANOUT];
};

struct radix_allocator radix_allocator;

size_t radix_node_bytes(void)
{
	return sizeof(struct radix_node);
}

static struct radix_node *node_new(struct radix_node *parent, unsigned offset, unsigned shift)
{
	struct radix_node *n = radix_allocator.alloc(sizeof(*n));

	if (n) {
		n->parent = parent;
		n->offset = (u8)offset;
		n->shift = (u8)shift;
	}
	return n;
}

static void node_free(struct radix_node *n)
{
	radix_allocator.free(n, sizeof(*n));
}

static inline unsigned slot_of(const struct radix_node *n, unsigned long index)
{
	return index >> n->shift & (FANOUT - 1);
}

/* Does the tree under a node with this shift reach index? */
static inline bool covers(unsigned shift, unsigned long index)
{
	return shift + BITS >= 64 || !(index >> (shift + BITS));
}

static inline void *load_slot(const struct radix_node *n, unsigned i)
{
	return __atomic_load_n(&n->slots[i], __ATOMIC_CONSUME);
}

static inline void store_slot(struct radix_node *n, unsigned i, void *p)
{
	__atomic_store_n(&n->slots[i], p, __ATOMIC_RELEASE);
}

static inline void set_root(struct radix_tree *t, struct radix_node *n)
{
	__atomic_store_n(&t->root, n, __ATOMIC_RELEASE);
	t->height = n ? n->shift / BITS + 1 : 0;
}

void radix_init(struct radix_tree *t)
{
	t->root = NULL;
	t->height = 0;
	t->count = 0;
}

/* The leaf node that would hold index, or NULL. */
static struct radix_node *find_leaf(const struct radix_tree *t, unsigned long index)
{
	struct radix_node *n = __atomic_load_n(&t->root, __ATOMIC_CONSUME);

	if (!n || !covers(n->shift, index))
		return NULL;
	while (n && n->shift)
		n = load_slot(n, slot_of(n, index));
	return n;
}

void *radix_lookup(const struct radix_tree *t, unsigned long index)
{
	struct radix_node *n = find_leaf(t, index);

	return n ? load_slot(n, index & (FANOUT - 1)) : NULL;
}

/* Put nodes above the root until it covers index. */
static int grow(struct radix_tree *t, unsigned long index)
{
	while (!covers(t->root->shift, index)) {
		struct radix_node *old = t->root;
		struct radix_node *n = node_new(NULL, 0, old->shift + BITS);

		if (!n)
			return -ENOMEM;
		n->slots[0] = old;
		n->count = 1;
		for (unsigned tag = 0; tag < RADIX_TAGS; tag++)
			n->tags[tag] = old->tags[tag] != 0;
		old->parent = n;
		set_root(t, n);
	}
	return 0;
}

static void shrink(struct radix_tree *t)
{
	struct radix_node *n;

	while ((n = t->root) && n->shift && n->count == 1 && n->slots[0]) {
		struct radix_node *child = n->slots[0];

		child->parent = NULL;
		set_root(t, child);
		node_free(n);
	}
}

/* Free n if it is empty, and then its parents. */
static void prune(struct radix_tree *t, struct radix_node *n)
{
	while (n && !n->count) {
		struct radix_node *parent = n->parent;

		if (parent) {
			store_slot(parent, n->offset, NULL);
			parent->count--;
		} else {
			set_root(t, NULL);
		}
		node_free(n);
		n = parent;
	}
	shrink(t);
}

int radix_insert(struct radix_tree *t, unsigned long index, void *p)
{
	struct radix_node *n;

	if (!t->root) {
		unsigned shift = 0;

		while (!covers(shift, index))
			shift += BITS;
		n = node_new(NULL, 0, shift);
		if (!n)
			return -ENOMEM;
		set_root(t, n);
	} else if (grow(t, index)) {
		shrink(t);
		return -ENOMEM;
	}
	for (n = t->root; n->shift;) {
		unsigned i = slot_of(n, index);
		struct radix_node *child = n->slots[i];

		if (!child) {
			child = node_new(n, i, n->shift - BITS);
			if (!child) {
				prune(t, n);
				return -ENOMEM;
			}
			store_slot(n, i, child);
			n->count++;
		}
		n = child;
	}
	if (n->slots[index & (FANOUT - 1)])
		return -EEXIST;
	store_slot(n, index & (FANOUT - 1), p);
	n->count++;
	t->count++;
	return 0;
}

void *radix_replace(struct radix_tree *t, unsigned long index, void *p)
{
	struct radix_node *n = find_leaf(t, index);
	void *old = n ? n->slots[index & (FANOUT - 1)] : NULL;

	if (old)
		store_slot(n, index & (FANOUT - 1), p);
	return old;
}

static void clear_tag_up(struct radix_node *n, unsigned i, unsigned tag)
{
	for (;;) {
		n->tags[tag] &= ~(1ul << i);
		if (n->tags[tag] || !n->parent)
			return;
		i = n->offset;
		n = n->parent;
	}
}

void *radix_remove(struct radix_tree *t, unsigned long index)
{
	struct radix_node *n = find_leaf(t, index);
	unsigned i = index & (FANOUT - 1);
	void *old = n ? n->slots[i] : NULL;

	if (!old)
		return NULL;
	for (unsigned tag = 0; tag < RADIX_TAGS; tag++) {
		if (n->tags[tag] >> i & 1)
			clear_tag_up(n, i, tag);
	}
	store_slot(n, i, NULL);
	n->count--;
	t->count--;
	prune(t, n);
	return old;
}

/* First entry at or after *index whose path is allowed by the tag (tag >= RADIX_TAGS: all). A lock-free
 * reader may see a node that is being emptied: it then simply goes on to the next. */
static void *next_entry(const struct radix_tree *t, unsigned long *index, unsigned tag)
{
	struct radix_node *root = __atomic_load_n(&t->root, __ATOMIC_CONSUME), *n = root;
	unsigned long at = *index;

	if (!n || !covers(n->shift, at))
		return NULL;
	for (;;) {
		unsigned i = slot_of(n, at);
		void *child = NULL;

		for (; i < FANOUT; i++) {
			if (tag < RADIX_TAGS && !(READ_ONCE(n->tags[tag]) >> i & 1))
				continue;
			child = load_slot(n, i);
			if (child)
				break;
		}
		if (child) {
			unsigned long found = (unsigned long)i << n->shift;
			unsigned long above = n->shift + BITS >= 64
						      ? 0
						      : at >> (n->shift + BITS)
									<< (n->shift + BITS);

			if ((above | found) > at)
				at = above | found;
			if (!n->shift) {
				*index = at;
				return child;
			}
			n = child;
			continue;
		}
		/* Nothing left here: restart from the root behind this node's range. */
		if (n->shift + BITS >= 64)
			return NULL;
		unsigned long span = 1ul << (n->shift + BITS);
		at = (at & ~(span - 1)) + span;
		if (!at || !covers(root->shift, at))
			return NULL;
		n = root;
	}
}

/* Full leaves are skipped at once: 64 ids a step. */
unsigned long radix_find_gap(const struct radix_tree *t, unsigned long lo, unsigned long hi)
{
	while (lo < hi) {
		struct radix_node *n = find_leaf(t, lo);
		unsigned i = lo & (FANOUT - 1);

		if (!n)
			return lo;
		if (n->count < FANOUT) {
			for (; i < FANOUT && lo < hi; i++, lo++) {
				if (!n->slots[i])
					return lo;
			}
		} else {
			lo = (lo | (FANOUT - 1)) + 1;
		}
	}
	return hi;
}

void *radix_next(const struct radix_tree *t, unsigned long *index)
{
	return next_entry(t, index, RADIX_TAGS);
}

void *radix_next_tagged(const struct radix_tree *t, unsigned long *index, unsigned tag)
{
	return next_entry(t, index, tag);
}

void radix_tag_set(struct radix_tree *t, unsigned long index, unsigned tag)
{
	struct radix_node *n = find_leaf(t, index);
	unsigned i = index & (FANOUT - 1);

	if (!n || !n->slots[i])
		return;
	while (n && !(n->tags[tag] >> i & 1)) {
		n->tags[tag] |= 1ul << i;
		i = n->offset;
		n = n->parent;
	}
}

void radix_tag_clear(struct radix_tree *t, unsigned long index, unsigned tag)
{
	struct radix_node *n = find_leaf(t, index);
	unsigned i = index & (FANOUT - 1);

	if (n && n->tags[tag] >> i & 1)
		clear_tag_up(n, i, tag);
}

bool radix_tag_get(const struct radix_tree *t, unsigned long index, unsigned tag)
{
	struct radix_node *n = find_leaf(t, index);

	return n && READ_ONCE(n->tags[tag]) >> (index & (FANOUT - 1)) & 1;
}
