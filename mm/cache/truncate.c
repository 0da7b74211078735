/* Taking pages out of the cache: truncation, hole punching, the end of an object.
 *
 * invalidate_lock is held for writing, so no page enters the range through a read or a fault meanwhile;
 * pages already cached are removed under their page lock, after their user mappings. A fault maps a page
 * only under its page lock and after seeing that it is still in the mapping, so none stays mapped.
 * For truncation the caller has published the new size first. Process context. */
#include <lib/string.h>
#include <log/panic.h>
#include <sched/thread.h>
#include "cache_priv.h"

static void unmap_pages(struct mapping *m, unsigned long first, unsigned long last, bool even_cows)
{
	if (mapping_unmap_hook && READ_ONCE(m->i_mmap.node))
		mapping_unmap_hook(m, first, last, even_cows);
}

/* The first page at or after *index, referenced; *index is set to it. */
static struct page *next_page(struct mapping *m, unsigned long *index)
{
	struct page *p;

	spin_lock(&m->lock);
	p = radix_next(&m->pages, index);
	if (p)
		page_get(p); /* in the tree, so the cache's reference is there */
	spin_unlock(&m->lock);
	return p;
}

static void remove_range(struct mapping *m, unsigned long first, unsigned long last, bool even_cows)
{
	struct page *p;

	for (unsigned long i = first; i <= last && (p = next_page(m, &i)); i++) {
		if (i > last) {
			page_put(p);
			break;
		}
		page_lock(p);
		if (likely(p->mapping == m)) {
			page_wait_writeback(p);
			if (unlikely(atomic_read(&p->mapcount)))
				unmap_pages(m, i, i, even_cows);
			mapping_remove(m, p);
		}
		page_unlock(p);
		page_put(p);
		cond_resched();
		if (i == ~0ul)
			break;
	}
}

/* Zero bytes [from, to) of the page at index. A page that only the pager has is brought in first. */
static void zero_part(struct mapping *m, unsigned long index, size_t from, size_t to)
{
	struct page *p;
	int err;

	p = mapping_find_locked(m, index);
	while (!p && m->ops->read_page) {
		p = mapping_new_page(m, index, false);
		if (p == ERR_PTR(-EEXIST))
			p = mapping_find_locked(m, index);
	}
	if (IS_ERR_OR_NULL(p))
		return;
	if (!page_uptodate(p)) {
		err = m->ops->read_page ? mapping_read_in(m, p) : (page_unlock(p), -EIO);
		if (err)
			goto out_put;
	}
	page_wait_writeback(p);
	memset((char *)page_address(p) + from, 0, to - from);
	page_set_dirty(p);
	page_unlock(p);
out_put:
	page_put(p);
}

void mapping_truncate(struct mapping *m, u64 newsize)
{
	unsigned long first = (newsize + PAGE_SIZE - 1) >> PAGE_SHIFT;

	down_write(&m->invalidate_lock);
	unmap_pages(m, first, ~0ul, true);
	remove_range(m, first, ~0ul, true);
	/* Once more: a fault that had its page before may have put a private copy there since. */
	unmap_pages(m, first, ~0ul, true);
	if (newsize & ~PAGE_MASK)
		zero_part(m, newsize >> PAGE_SHIFT, newsize & ~PAGE_MASK, PAGE_SIZE);
	up_write(&m->invalidate_lock);
}

void mapping_punch(struct mapping *m, u64 start, u64 end)
{
	unsigned long first = (start + PAGE_SIZE - 1) >> PAGE_SHIFT, last = end >> PAGE_SHIFT;

	if (end <= start)
		return;
	down_write(&m->invalidate_lock);
	if (start >> PAGE_SHIFT == last && start & ~PAGE_MASK) {
		zero_part(m, last, start & ~PAGE_MASK, end & ~PAGE_MASK);
		goto out;
	}
	if (start & ~PAGE_MASK)
		zero_part(m, start >> PAGE_SHIFT, start & ~PAGE_MASK, PAGE_SIZE);
	if (end & ~PAGE_MASK)
		zero_part(m, last, 0, end & ~PAGE_MASK);
	if (first < last) {
		unmap_pages(m, first, last - 1, false);
		remove_range(m, first, last - 1, false);
	}
out:
	up_write(&m->invalidate_lock);
}

void mapping_destroy(struct mapping *m)
{
	DEBUG_ON(m->i_mmap.node);
	remove_range(m, 0, ~0ul, true);
	/* A reclaimer that took the last page is still inside the lock, if anywhere. */
	spin_lock(&m->lock);
	DEBUG_ON(m->nr_pages);
	spin_unlock(&m->lock);
}
