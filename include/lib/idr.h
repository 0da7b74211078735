/* Small-integer allocator: maps ids to pointers over a radix tree, lowest free id at or above a
 * start, with a cyclic variant (PIDs). Pure: the caller locks. */
#pragma once
#include <lib/radix.h>

struct idr {
	struct radix_tree tree;
	unsigned long next; /* for idr_alloc_cyclic */
};
void idr_init(struct idr *i);
/* Id in [lo, hi) or -ENOSPC/-ENOMEM. p may not be NULL. */
long idr_alloc(struct idr *i, void *p, unsigned long lo, unsigned long hi) __must_check;
long idr_alloc_cyclic(struct idr *i, void *p, unsigned long lo, unsigned long hi) __must_check;
void *idr_find(const struct idr *i, unsigned long id);
void *idr_remove(struct idr *i, unsigned long id);
/* First entry with id >= *id. */
void *idr_next(const struct idr *i, unsigned long *id);
