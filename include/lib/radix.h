/* Radix tree from unsigned long to pointer, 64-way, with three tag bits per entry (as the page cache
 * wants). Pure: writers are serialised by the caller; radix_lookup may run concurrently under RCU
 * when the node allocator frees through RCU. Stored pointers must be 4-byte aligned and not NULL. */
#pragma once
#include <lib/types.h>

struct radix_node;
struct radix_tree {
	struct radix_node *root;
	unsigned height; /* levels; 0 = empty */
	unsigned long count;
};
#define RADIX_TAGS 3

/* The allocator hooks: set once at boot (mm/alloc) or by a host test. alloc returns a zeroed node
 * of size n or NULL; free is deferred past concurrent readers. */
struct radix_allocator {
	void *(*alloc)(size_t n);
	void (*free)(void *p, size_t n);
};
extern struct radix_allocator radix_allocator;
size_t radix_node_bytes(void); /* the only n that the hooks see */

void radix_init(struct radix_tree *t);
void *radix_lookup(const struct radix_tree *t, unsigned long index);
/* Store p at index. -EEXIST if occupied, -ENOMEM. */
int radix_insert(struct radix_tree *t, unsigned long index, void *p) __must_check;
/* Replace an existing entry in place; returns the old one (NULL: nothing there, nothing done). */
void *radix_replace(struct radix_tree *t, unsigned long index, void *p);
/* Remove and return the entry (NULL if none). */
void *radix_remove(struct radix_tree *t, unsigned long index);
/* First entry with index >= *index; sets *index. NULL if none. */
void *radix_next(const struct radix_tree *t, unsigned long *index);
/* First index in [lo, hi) without an entry; hi if there is none. */
unsigned long radix_find_gap(const struct radix_tree *t, unsigned long lo, unsigned long hi);
void *radix_next_tagged(const struct radix_tree *t, unsigned long *index, unsigned tag);
void radix_tag_set(struct radix_tree *t, unsigned long index, unsigned tag);
void radix_tag_clear(struct radix_tree *t, unsigned long index, unsigned tag);
bool radix_tag_get(const struct radix_tree *t, unsigned long index, unsigned tag);
