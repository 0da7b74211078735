/* The page lock and the waits for page flags.
 *
 * PG_LOCKED is a sleeping lock in one bit: contents and mapping of the page are stable while it is held.
 * Sleepers queue on one of a fixed number of hashed wait queues (shared by unrelated pages: the wake-up
 * carries the page as its key). PG_WAITERS says that somebody may sleep; it is set by a sleeper after it
 * queued itself and before its last look at the flag, and cleared by the waker before it wakes all: so
 * either the sleeper sees the flag gone or the waker sees PG_WAITERS with the sleeper already queued.
 * Contexts: lock and wait in process context, unlock anywhere. */
#include <lib/bits.h>
#include <log/panic.h>
#include <mm/pagecache.h>
#include <sched/wait.h>
#include "cache_priv.h"

#define HASH_BITS 7

static struct wait_queue page_waits[1u << HASH_BITS];

struct page_wait {
	struct wait_entry entry;
	struct page *page;
};

static struct wait_queue *wait_of(const struct page *p)
{
	u64 h = page_to_pfn(p).v * 0x9e3779b97f4a7c15ul;

	return &page_waits[h >> (64 - HASH_BITS)];
}

static bool page_wake(struct wait_entry *e, unsigned mode, unsigned long key)
{
	struct page_wait *w = container_of(e, struct page_wait, entry);

	if ((unsigned long)w->page != key)
		return false;
	return wait_autoremove_wake(e, mode, key);
}

static __noinline void page_wait_flag(struct page *p, enum page_flag f, bool take)
{
	struct wait_queue *q = wait_of(p);
	struct page_wait w = {.page = p};

	wait_entry_init(&w.entry, page_wake);
	for (;;) {
		wait_prepare(q, &w.entry, T_UNINTERRUPTIBLE);
		page_flag_set(p, PG_WAITERS);
		if (take ? !page_flag_test_and_set(p, f) : !page_flag(p, f))
			break;
		schedule();
	}
	wait_finish(q, &w.entry);
}

static void page_clear_wake(struct page *p, enum page_flag f)
{
	u32 old = __atomic_fetch_and(&p->flags, ~(1u << f), __ATOMIC_SEQ_CST);

	if (likely(!(old & 1u << PG_WAITERS)))
		return;
	page_flag_clear(p, PG_WAITERS);
	__wake_up(wait_of(p), T_NORMAL, 0x7fffffff, (unsigned long)p);
}

void page_lock(struct page *p)
{
	if (unlikely(page_flag_test_and_set(p, PG_LOCKED)))
		page_wait_flag(p, PG_LOCKED, true);
}

bool page_trylock(struct page *p)
{
	return !page_flag_test_and_set(p, PG_LOCKED);
}

void page_unlock(struct page *p)
{
	DEBUG_ON(!page_flag(p, PG_LOCKED));
	page_clear_wake(p, PG_LOCKED);
}

void page_wait_writeback(struct page *p)
{
	if (unlikely(page_flag(p, PG_WRITEBACK)))
		page_wait_flag(p, PG_WRITEBACK, false);
}

/* The mapping is alive: truncation waits for writeback before it lets a page go. */
void page_end_writeback(struct page *p, int err)
{
	if (err) {
		page_flag_set(p, PG_ERROR);
		WRITE_ONCE(p->mapping->wb_err, err);
	}
	mem_count(MC_WRITEBACK, -1);
	page_clear_wake(p, PG_WRITEBACK);
}

void page_lock_init(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(page_waits); i++)
		wait_queue_init(&page_waits[i]);
}
