/* Dirty pages and their way to the pager.
 *
 * PG_DIRTY and the tag MTAG_DIRTY say that a page has changes the pager has not seen. Writing: under the
 * page lock the shared user mappings are made clean and read-only (so that the next store faults and
 * dirties the page again), then PG_DIRTY goes, PG_WRITEBACK comes, and the pager gets the page.
 * MTAG_WRITEBACK is a hint where to look for writes in flight: set when one starts, cleared by whoever
 * waited for it (page_end_writeback may run in an interrupt and takes no lock).
 * Locks: page lock > mapping->lock. Process context, but for page_set_dirty (not in interrupts). */
#include <log/panic.h>
#include <sched/thread.h>
#include "cache_priv.h"

void page_set_dirty(struct page *p)
{
	struct mapping *m = READ_ONCE(p->mapping);

	if (page_flag(p, PG_DIRTY) || page_flag(p, PG_ANON) || !m)
		return;
	if (!m->ops->write_page) {
		page_flag_set(p, PG_DIRTY);
		return;
	}
	spin_lock(&m->lock);
	if (p->mapping == m && !page_flag_test_and_set(p, PG_DIRTY)) {
		radix_tag_set(&m->pages, p->index, MTAG_DIRTY);
		mem_count(MC_DIRTY, 1);
	}
	spin_unlock(&m->lock);
}

bool mapping_dirty(struct mapping *m)
{
	unsigned long i = 0;
	bool dirty;

	spin_lock(&m->lock);
	dirty = radix_next_tagged(&m->pages, &i, MTAG_DIRTY);
	spin_unlock(&m->lock);
	return dirty;
}

static struct page *next_tagged(struct mapping *m, unsigned long *index, unsigned tag)
{
	struct page *p;

	spin_lock(&m->lock);
	p = radix_next_tagged(&m->pages, index, tag);
	if (p)
		page_get(p);
	spin_unlock(&m->lock);
	return p;
}

/* Hand one dirty page to the pager. The caller has a reference. */
static int write_out(struct mapping *m, struct page *p)
{
	page_lock(p);
	if (p->mapping != m)
		goto out;
	page_wait_writeback(p);
	if (mapping_clean_hook && atomic_read(&p->mapcount))
		(void)mapping_clean_hook(m, p->index, p->index);
	spin_lock(&m->lock);
	if (!page_flag_test_and_clear(p, PG_DIRTY)) {
		spin_unlock(&m->lock);
		goto out;
	}
	page_flag_set(p, PG_WRITEBACK);
	radix_tag_clear(&m->pages, p->index, MTAG_DIRTY);
	radix_tag_set(&m->pages, p->index, MTAG_WRITEBACK);
	spin_unlock(&m->lock);
	mem_count(MC_DIRTY, -1);
	mem_count(MC_WRITEBACK, 1);
	return m->ops->write_page(m, p);
out:
	page_unlock(p);
	return 0;
}

int mapping_sync(struct mapping *m, u64 start, u64 end)
{
	unsigned long first = start >> PAGE_SHIFT, i;
	unsigned long last = end ? (end - 1) >> PAGE_SHIFT : 0;
	struct page *p;
	int err = 0, e;

	if (!m->ops->write_page || end <= start)
		return 0;
	for (i = first; (p = next_tagged(m, &i, MTAG_DIRTY)) && i <= last; i++) {
		e = write_out(m, p);
		if (e && !err)
			err = e;
		page_put(p);
		cond_resched();
	}
	if (p)
		page_put(p);
	for (i = first; (p = next_tagged(m, &i, MTAG_WRITEBACK)) && i <= last; i++) {
		page_wait_writeback(p);
		spin_lock(&m->lock);
		if (p->mapping == m && !page_flag(p, PG_WRITEBACK))
			radix_tag_clear(&m->pages, i, MTAG_WRITEBACK);
		spin_unlock(&m->lock);
		page_put(p);
	}
	if (p)
		page_put(p);
	e = xchg(&m->wb_err, 0);
	return err ? err : e;
}
