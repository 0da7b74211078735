/* Red-black trees with parent pointers, optionally augmented.
 *
 * Invariants: the root is black; a red node has black children; every path from a node down to a leaf
 * has the same number of black nodes (Cormen et al., Introduction to Algorithms, chapter 13). With an
 * augment function every node's value is that function's result over its own and its children's values
 * after each operation: rotations recompute the two nodes they turn, and changes below are carried to
 * the root. Pure: the caller locks. */
#include <lib/rbtree.h>

#define RED   0ul
#define BLACK 1ul

static inline bool is_red(const struct rb_node *n)
{
	return n && !(n->parent_color & BLACK);
}

static inline void set_parent(struct rb_node *n, struct rb_node *parent)
{
	n->parent_color = (unsigned long)parent | (n->parent_color & BLACK);
}

static inline void set_color(struct rb_node *n, unsigned long color)
{
	n->parent_color = (n->parent_color & ~BLACK) | color;
}

static void replace_child(struct rb_root *root, struct rb_node *parent, struct rb_node *old,
			  struct rb_node *new)
{
	if (!parent)
		root->node = new;
	else if (parent->left == old)
		parent->left = new;
	else
		parent->right = new;
}

/* Turn n down to the left (or right): its right (left) child takes its place. */
static void rotate(struct rb_root *root, struct rb_node *n, bool to_left, rb_augment_fn aug)
{
	struct rb_node *parent = rb_parent(n);
	struct rb_node *up = to_left ? n->right : n->left;
	struct rb_node *inner = to_left ? up->left : up->right;

	if (to_left) {
		n->right = inner;
		up->left = n;
	} else {
		n->left = inner;
		up->right = n;
	}
	if (inner)
		set_parent(inner, n);
	set_parent(up, parent);
	replace_child(root, parent, n, up);
	set_parent(n, up);
	if (aug) {
		aug(n);
		aug(up);
	}
}

void rb_augment_path(struct rb_node *n, rb_augment_fn aug)
{
	for (; n; n = rb_parent(n))
		aug(n);
}

void rb_insert_fixup(struct rb_root *root, struct rb_node *n, rb_augment_fn aug)
{
	struct rb_node *parent;

	if (aug)
		rb_augment_path(n, aug);
	while (is_red(parent = rb_parent(n))) {
		struct rb_node *grand = rb_parent(parent);
		bool left = parent == grand->left;
		struct rb_node *uncle = left ? grand->right : grand->left;

		if (is_red(uncle)) {
			set_color(parent, BLACK);
			set_color(uncle, BLACK);
			set_color(grand, RED);
			n = grand;
			continue;
		}
		if (n == (left ? parent->right : parent->left)) {
			rotate(root, parent, left, aug);
			n = parent;
			parent = rb_parent(n);
		}
		set_color(parent, BLACK);
		set_color(grand, RED);
		rotate(root, grand, !left, aug);
	}
	set_color(root->node, BLACK);
}

/* The paths through n (possibly NULL, a child of parent) are one black node short. */
static void erase_fixup(struct rb_root *root, struct rb_node *n, struct rb_node *parent,
			rb_augment_fn aug)
{
	while (n != root->node && !is_red(n)) {
		bool left = n == parent->left;
		struct rb_node *sib = left ? parent->right : parent->left;

		if (is_red(sib)) {
			set_color(sib, BLACK);
			set_color(parent, RED);
			rotate(root, parent, left, aug);
			sib = left ? parent->right : parent->left;
		}
		if (!is_red(sib->left) && !is_red(sib->right)) {
			set_color(sib, RED);
			n = parent;
			parent = rb_parent(n);
			continue;
		}
		if (!is_red(left ? sib->right : sib->left)) {
			set_color(left ? sib->left : sib->right, BLACK);
			set_color(sib, RED);
			rotate(root, sib, !left, aug);
			sib = left ? parent->right : parent->left;
		}
		set_color(sib, is_red(parent) ? RED : BLACK);
		set_color(parent, BLACK);
		set_color(left ? sib->right : sib->left, BLACK);
		rotate(root, parent, left, aug);
		n = root->node;
		break;
	}
	if (n)
		set_color(n, BLACK);
}

void rb_erase(struct rb_root *root, struct rb_node *n, rb_augment_fn aug)
{
	struct rb_node *child, *parent; /* what moves up, and its new parent */
	bool black;

	if (n->left && n->right) {
		struct rb_node *next = n->right;

		while (next->left)
			next = next->left;
		black = !is_red(next);
		child = next->right;
		parent = rb_parent(next);
		if (parent == n) {
			parent = next;
		} else {
			parent->left = child;
			if (child)
				set_parent(child, parent);
			next->right = n->right;
			set_parent(next->right, next);
		}
		next->left = n->left;
		set_parent(next->left, next);
		replace_child(root, rb_parent(n), n, next);
		next->parent_color = n->parent_color;
	} else {
		black = !is_red(n);
		child = n->left ? n->left : n->right;
		parent = rb_parent(n);
		replace_child(root, parent, n, child);
		if (child)
			set_parent(child, parent);
	}
	if (aug)
		rb_augment_path(parent, aug);
	if (black && root->node)
		erase_fixup(root, child, parent, aug);
	rb_node_init(n);
}

struct rb_node *rb_first(const struct rb_root *root)
{
	struct rb_node *n = root->node;

	while (n && n->left)
		n = n->left;
	return n;
}

struct rb_node *rb_last(const struct rb_root *root)
{
	struct rb_node *n = root->node;

	while (n && n->right)
		n = n->right;
	return n;
}

struct rb_node *rb_next(const struct rb_node *n)
{
	struct rb_node *p;

	if (n->right) {
		for (p = n->right; p->left;)
			p = p->left;
		return p;
	}
	while ((p = rb_parent(n)) && n == p->right)
		n = p;
	return p;
}

struct rb_node *rb_prev(const struct rb_node *n)
{
	struct rb_node *p;

	if (n->left) {
		for (p = n->left; p->right;)
			p = p->right;
		return p;
	}
	while ((p = rb_parent(n)) && n == p->left)
		n = p;
	return p;
}

static struct rb_node *deepest_left(struct rb_node *n)
{
	while (n && (n->left || n->right))
		n = n->left ? n->left : n->right;
	return n;
}

struct rb_node *rb_first_postorder(const struct rb_root *root)
{
	return deepest_left(root->node);
}

struct rb_node *rb_next_postorder(const struct rb_node *n)
{
	struct rb_node *p = rb_parent(n);

	if (p && n == p->left && p->right)
		return deepest_left(p->right);
	return p;
}
