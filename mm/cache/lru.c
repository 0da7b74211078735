/* Reclaim of cached file pages: one list of pages that their pager can bring back, oldest first, with a
 * second chance for pages used since they were last looked at (PG_REFERENCED). Memory objects without a
 * pager (tmpfs) are not on it: their pages are the only copy.
 *
 * Invariants: PG_LRU is set exactly while page->lru is linked; the list holds no reference: the last
 * reference's end unlinks the page (page_release_hook), so whoever finds a page here under the lock takes
 * a reference with page_tryget. A page is freed only when clean, unmapped, and referenced by the cache and
 * the reclaimer alone: the count is then frozen to zero, which makes lock-free lookups fail.
 * Locks: lru_lock is innermost and taken with interrupts off (a last page_put may come from anywhere). */
#include <log/panic.h>
#include <sched/thread.h>
#include "cache_priv.h"

static DEFINE_SPINLOCK(lru_lock);
static struct list lru_list = LIST_INIT(lru_list); /* [lru_lock] newest first */
static unsigned long lru_pages;			   /* [lru_lock] */

void lru_add(struct page *p)
{
	unsigned long f;

	spin_lock_irqsave(&lru_lock, f);
	page_flag_set(p, PG_LRU);
	list_add(&p->lru, &lru_list);
	lru_pages++;
	spin_unlock_irqrestore(&lru_lock, f);
}

static void lru_remove(struct page *p)
{
	unsigned long f;

	if (!page_flag(p, PG_LRU))
		return;
	spin_lock_irqsave(&lru_lock, f);
	if (page_flag_test_and_clear(p, PG_LRU)) {
		list_del(&p->lru);
		lru_pages--;
	}
	spin_unlock_irqrestore(&lru_lock, f);
}

/* The oldest page, moved to the front of the list, referenced; NULL: none that lives. */
static struct page *lru_rotate(void)
{
	struct page *p = NULL;
	unsigned long f;

	spin_lock_irqsave(&lru_lock, f);
	if (!list_empty(&lru_list)) {
		p = list_last_entry(&lru_list, struct page, lru);
		list_move(&p->lru, &lru_list);
		if (!page_tryget(p))
			p = NULL;
	}
	spin_unlock_irqrestore(&lru_lock, f);
	return p;
}

/* Free a page that we hold locked with a reference, if nobody else uses it. true: gone. */
static bool reclaim_page(struct page *p)
{
	struct mapping *m = p->mapping;
	s32 refs = 2;

	if (!m || p->flags & (1u << PG_DIRTY | 1u << PG_WRITEBACK) || atomic_read(&p->mapcount))
		return false;
	spin_lock(&m->lock);
	if (!atomic_try_cmpxchg(&p->refcount, &refs, 0)) {
		spin_unlock(&m->lock);
		return false;
	}
	/* Dirtied after the look above? Then by somebody whose reference is gone again. */
	if (unlikely(page_flag(p, PG_DIRTY))) {
		atomic_set_release(&p->refcount, 2);
		spin_unlock(&m->lock);
		return false;
	}
	radix_remove(&m->pages, p->index);
	p->mapping = NULL;
	m->nr_pages--;
	if (m->ops->charge)
		(void)m->ops->charge(m, -1);
	spin_unlock(&m->lock); /* the mapping may be freed from here on */
	mem_count(MC_FILE, -1);
	page_unlock(p);
	page_put_final(p);
	return true;
}

static unsigned long lru_reclaim(unsigned long nr, gfp_t gfp)
{
	unsigned long freed = 0, scan = READ_ONCE(lru_pages) * 2;
	struct page *p;

	while (freed < nr && scan--) {
		p = lru_rotate();
		if (!p)
			continue;
		if (!page_flag_test_and_clear(p, PG_REFERENCED) && page_trylock(p)) {
			if (reclaim_page(p)) {
				freed++;
				continue;
			}
			page_unlock(p);
		}
		page_put(p);
		cond_resched();
	}
	return freed;
}

void lru_init(void)
{
	page_release_hook = lru_remove;
	page_reclaim_hook = lru_reclaim;
}
