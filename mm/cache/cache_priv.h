/* Shared by the files of mm/cache only. */
#pragma once
#include <mm/pagecache.h>

/* A cached page of m at index, locked, after a look that it is still there; NULL: not cached.
 * Referenced. May sleep. */
struct page *mapping_find_locked(struct mapping *m, unsigned long index);
/* A fresh page, locked, referenced by the caller and by the cache. zero: cleared. ERR_PTR:
 * -EEXIST (somebody was faster), -ENOMEM, what ops->charge says. */
struct page *mapping_new_page(struct mapping *m, unsigned long index, bool zero);
/* Read a locked page in and wait: 0 with the page locked again and up to date, or -errno unlocked;
 * -EAGAIN: it left the mapping meanwhile. */
int mapping_read_in(struct mapping *m, struct page *p);
/* Take a locked page, not under writeback, out of its mapping; drops the cache's reference. */
void mapping_remove(struct mapping *m, struct page *p);
/* Note that a pager-backed page was used. */
static inline void page_accessed(struct page *p)
{
	if ((p->flags & (1u << PG_LRU | 1u << PG_REFERENCED)) == 1u << PG_LRU)
		page_flag_set(p, PG_REFERENCED);
}

void page_lock_init(void);
void lru_init(void);
/* A page that the pager can bring back enters the list of reclaimable pages. */
void lru_add(struct page *p);
