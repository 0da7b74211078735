/* Small-integer allocator over a radix tree. The lowest free id is found by walking runs of used ids
 * leaf by leaf through the tree. Pure: the caller locks; idr_find may run under RCU as radix_lookup. */
#include <lib/idr.h>
#include <uapi/errno.h>

void idr_init(struct idr *i)
{
	radix_init(&i->tree);
	i->next = 0;
}

long idr_alloc(struct idr *i, void *p, unsigned long lo, unsigned long hi)
{
	unsigned long id;
	int r;

	if (hi > INT64_MAX)
		hi = INT64_MAX;
	if (lo >= hi)
		return -ENOSPC;
	id = radix_find_gap(&i->tree, lo, hi);
	if (id >= hi)
		return -ENOSPC;
	r = radix_insert(&i->tree, id, p);
	return r ? r : (long)id;
}

long idr_alloc_cyclic(struct idr *i, void *p, unsigned long lo, unsigned long hi)
{
	unsigned long start = i->next < lo || i->next >= hi ? lo : i->next;
	long id = idr_alloc(i, p, start, hi);

	if (id == -ENOSPC && start > lo)
		id = idr_alloc(i, p, lo, start);
	if (id >= 0)
		i->next = (unsigned long)id + 1;
	return id;
}

void *idr_find(const struct idr *i, unsigned long id)
{
	return radix_lookup(&i->tree, id);
}

void *idr_remove(struct idr *i, unsigned long id)
{
	return radix_remove(&i->tree, id);
}

void *idr_next(const struct idr *i, unsigned long *id)
{
	return radix_next(&i->tree, id);
}
