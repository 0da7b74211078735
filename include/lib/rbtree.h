/* Red-black tree, intrusive, optionally augmented. Pure: the caller locks.
 * Insert: descend yourself, then rb_link(node, parent, link) and rb_insert_fixup(). */
#pragma once
#include <lib/types.h>

struct rb_node {
	unsigned long parent_color; /* parent pointer | colour in bit 0 (1 = black) */
	struct rb_node *left, *right;
};
struct rb_root {
	struct rb_node *node;
};

/* Recompute node's augmented value from its own and its children's; called bottom-up. May be NULL. */
typedef void (*rb_augment_fn)(struct rb_node *node);

#define RB_ROOT_INIT \
	{            \
		NULL \
	}
#define rb_entry(p, type, member) container_of(p, type, member)

static inline struct rb_node *rb_parent(const struct rb_node *n)
{
	return (struct rb_node *)(n->parent_color & ~3ul);
}
static inline bool rb_empty(const struct rb_root *r)
{
	return !r->node;
}
/* A node that is in no tree points to itself. */
static inline void rb_node_init(struct rb_node *n)
{
	n->parent_color = (unsigned long)n;
}
static inline bool rb_node_unlinked(const struct rb_node *n)
{
	return n->parent_color == (unsigned long)n;
}
static inline void rb_link(struct rb_node *n, struct rb_node *parent, struct rb_node **link)
{
	n->parent_color = (unsigned long)parent;
	n->left = n->right = NULL;
	*link = n;
}
void rb_insert_fixup(struct rb_root *root, struct rb_node *n, rb_augment_fn aug);
/* Unlinks n and leaves it rb_node_unlinked(). */
void rb_erase(struct rb_root *root, struct rb_node *n, rb_augment_fn aug);
/* Recompute augmented values from n up to the root (after n's own value changed). */
void rb_augment_path(struct rb_node *n, rb_augment_fn aug);
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *n);
struct rb_node *rb_prev(const struct rb_node *n);
/* Children before their parents: for taking a whole tree apart, each node's successor being asked for
 * before the node is freed. */
struct rb_node *rb_first_postorder(const struct rb_root *root);
struct rb_node *rb_next_postorder(const struct rb_node *n);

#define rb_for_each(p, root) for (struct rb_node *p = rb_first(root); p; p = rb_next(p))
