/* The page cache's index: pages of one object by page offset.
 *
 * Invariants: a page in the tree holds one reference for the cache; page->mapping and page->index are set
 * before it becomes visible and mapping is cleared when it leaves, both under mapping->lock and the page
 * lock. A page without PG_UPTODATE is being filled by whoever has it locked.
 *
 * Lookups take no lock: under RCU they load a slot, take a reference unless the page is already dying,
 * and look whether the page is still the one they asked for. Radix nodes are freed after a grace period.
 *
 * Locks: invalidate_lock > page lock > mapping->lock > lru lock. mapping->lock is taken under page-table
 * locks too (page_set_dirty), never in interrupts. */
#include <lib/string.h>
#include <log/panic.h>
#include <sync/rcu.h>
#include "cache_priv.h"

void (*mapping_unmap_hook)(struct mapping *m, unsigned long first, unsigned long last,
			   bool even_cows);
bool (*mapping_clean_hook)(struct mapping *m, unsigned long first, unsigned long last);

void mapping_init(struct mapping *m, const struct pager_ops *ops, void *host)
{
	spin_init(&m->lock);
	radix_init(&m->pages);
	m->nr_pages = 0;
	m->ops = ops;
	m->host = host;
	rwsem_init(&m->i_mmap_lock);
	m->i_mmap.node = NULL;
	m->writable_maps = 0;
	rwsem_init(&m->invalidate_lock);
	m->gfp = GFP_WAIT | GFP_USER;
	m->wb_err = 0;
}

/* The caller holds a reference: the page may leave the mapping, but is not reused. */
static inline bool page_is(const struct page *p, const struct mapping *m, unsigned long index)
{
	return READ_ONCE(p->mapping) == m && READ_ONCE(p->index) == index;
}

struct page *mapping_find(struct mapping *m, unsigned long index)
{
	struct page *p;

	rcu_read_lock();
	for (;;) {
		p = radix_lookup(&m->pages, index);
		if (!p)
			break;
		if (!page_tryget(p))
			continue;
		if (likely(page_is(p, m, index)))
			break;
		page_put(p);
	}
	rcu_read_unlock();
	return p;
}

struct page *mapping_find_locked(struct mapping *m, unsigned long index)
{
	struct page *p;

	while ((p = mapping_find(m, index))) {
		page_lock(p);
		if (likely(p->mapping == m))
			break;
		page_unlock(p);
		page_put(p);
	}
	return p;
}

int mapping_add(struct mapping *m, struct page *p, unsigned long index)
{
	const struct pager_ops *ops = m->ops;
	int err;

	err = ops->charge ? ops->charge(m, 1) : 0;
	if (err)
		return err;
	p->mapping = m;
	p->index = index;
	list_init(&p->lru);
	p->private = NULL;
	page_get(p);
	spin_lock(&m->lock);
	err = radix_insert(&m->pages, index, p);
	if (likely(!err))
		m->nr_pages++;
	spin_unlock(&m->lock);
	if (unlikely(err)) {
		p->mapping = NULL;
		page_put(p);
		if (ops->charge)
			(void)ops->charge(m, -1);
		return err;
	}
	mem_count(MC_FILE, 1);
	if (ops->read_page) {
		lru_add(p);
	} else {
		page_flag_set(p, PG_SWAPBACKED);
		mem_count(MC_SHMEM, 1);
	}
	return 0;
}

void mapping_remove(struct mapping *m, struct page *p)
{
	bool dirty = page_flag_test_and_clear(p, PG_DIRTY);

	DEBUG_ON(!page_flag(p, PG_LOCKED) || p->mapping != m);
	mem_count(MC_FILE, -1);
	if (page_flag(p, PG_SWAPBACKED))
		mem_count(MC_SHMEM, -1);
	else if (dirty)
		mem_count(MC_DIRTY, -1);
	if (m->ops->charge)
		(void)m->ops->charge(m, -1);
	spin_lock(&m->lock);
	radix_remove(&m->pages, p->index);
	p->mapping = NULL;
	m->nr_pages--;
	spin_unlock(&m->lock);
	page_put(p);
}

struct page *mapping_new_page(struct mapping *m, unsigned long index, bool zero)
{
	struct page *p = page_alloc(0, m->gfp | (zero ? GFP_ZERO : 0));
	int err;

	if (!p)
		return ERR_PTR(-ENOMEM);
	page_flag_set(p, PG_LOCKED);
	err = mapping_add(m, p, index);
	if (unlikely(err)) {
		page_flag_clear(p, PG_LOCKED);
		page_put(p);
		return ERR_PTR(err);
	}
	return p;
}

int mapping_read_in(struct mapping *m, struct page *p)
{
	int err;

	page_flag_clear(p, PG_ERROR);
	err = m->ops->read_page(m, p);
	if (err)
		return err;
	page_lock(p);
	if (unlikely(p->mapping != m))
		err = -EAGAIN;
	else if (unlikely(!page_uptodate(p)))
		err = -EIO;
	if (err)
		page_unlock(p);
	return err;
}

/* Create and fill the page: locked and up to date, or ERR_PTR. */
static struct page *mapping_get_new(struct mapping *m, unsigned long index)
{
	struct page *p;
	int err;

	down_read(&m->invalidate_lock);
	p = mapping_new_page(m, index, !m->ops->read_page);
	if (!IS_ERR(p)) {
		if (!m->ops->read_page) {
			page_set_uptodate(p);
		} else if ((err = mapping_read_in(m, p))) {
			page_put(p);
			p = ERR_PTR(err);
		}
	}
	up_read(&m->invalidate_lock);
	return p;
}

struct page *mapping_get(struct mapping *m, unsigned long index, unsigned flags)
{
	struct page *p;
	int err;

again:
	p = mapping_find(m, index);
	if (!p) {
		if (!m->ops->read_page && !(flags & MGET_CREATE))
			return NULL;
		p = mapping_get_new(m, index);
		if (p == ERR_PTR(-EEXIST) || p == ERR_PTR(-EAGAIN))
			goto again;
		if (!IS_ERR(p) && !(flags & MGET_LOCKED))
			page_unlock(p);
		return p;
	}
	page_accessed(p);
	if (likely(page_uptodate(p) && !(flags & MGET_LOCKED)))
		return p;
	page_lock(p);
	err = p->mapping == m ? 0 : -EAGAIN;
	if (unlikely(err))
		page_unlock(p);
	else if (!page_uptodate(p))
		err = m->ops->read_page ? mapping_read_in(m, p) : (page_unlock(p), -EIO);
	if (unlikely(err)) {
		page_put(p);
		if (err == -EAGAIN)
			goto again;
		return ERR_PTR(err);
	}
	if (!(flags & MGET_LOCKED))
		page_unlock(p);
	return p;
}

void mapping_readahead(struct mapping *m, unsigned long index, unsigned long nr)
{
	struct page *p;

	unsigned long end = index + nr;

	if (!m->ops->read_page)
		return;
	if (m->ops->size)
		end = min(end, (m->ops->size(m) + PAGE_SIZE - 1) >> PAGE_SHIFT);
	down_read(&m->invalidate_lock);
	for (; index < end; index++) {
		p = mapping_find(m, index);
		if (!p) {
			p = mapping_new_page(m, index, false);
			if (IS_ERR(p)) {
				if (PTR_ERR(p) == -EEXIST)
					continue;
				break;
			}
			if (m->ops->read_page(m, p)) {
				page_put(p);
				break;
			}
		}
		page_put(p);
	}
	up_read(&m->invalidate_lock);
}

void pagecache_init(void)
{
	page_lock_init();
	lru_init();
}
