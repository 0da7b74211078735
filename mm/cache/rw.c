/* read(2), write(2) and lseek(2) over the page cache, one page at a time.
 *
 * Readers hold a reference to the page, no lock: a page truncated under them stays readable until they
 * let go. Writers hold the page lock while they copy, with page faults disabled, because the source may be
 * a mapping of the very page; when the copy stops at an absent user page, they let go, touch it and retry.
 * Process context. */
#include <lib/string.h>
#include <sched/thread.h>
#include <sync/rcu.h>
#include "cache_priv.h"

ssize_t mapping_read(struct mapping *m, u64 pos, u64 size, struct iov_iter *to)
{
	size_t done = 0, n, off, got;
	struct page *p;

	while (to->count && pos < size) {
		off = pos & ~PAGE_MASK;
		n = min_t(u64, min_t(u64, PAGE_SIZE - off, to->count), size - pos);
		p = mapping_get(m, pos >> PAGE_SHIFT, 0);
		if (IS_ERR(p))
			return done ? (ssize_t)done : PTR_ERR(p);
		if (p) {
			got = iov_copy_to(to, (char *)page_address(p) + off, n);
			page_put(p);
		} else {
			got = iov_zero(to, n);
		}
		done += got;
		pos += got;
		if (got < n)
			return done ? (ssize_t)done : -EFAULT;
		if (unlikely(fatal_signal_pending()))
			break;
		cond_resched();
	}
	return done;
}

/* Does any of the page's old contents survive a write of [off, off + len)? */
static bool write_needs_old(struct mapping *m, unsigned long index, size_t off, size_t len)
{
	if (!m->ops->read_page || len == PAGE_SIZE)
		return false;
	return !m->ops->size || (u64)index << PAGE_SHIFT < m->ops->size(m);
}

/* The page to write to, locked and referenced. Either up to date, or fresh with the bytes outside of
 * [off, off + len) zeroed. ERR_PTR. */
static struct page *write_page_get(struct mapping *m, unsigned long index, size_t off, size_t len)
{
	struct page *p;
	char *a;
	int err;

	for (;;) {
		p = mapping_find_locked(m, index);
		if (!p) {
			p = mapping_new_page(m, index, false);
			if (p == ERR_PTR(-EEXIST))
				continue;
			if (IS_ERR(p))
				return p;
		}
		if (page_uptodate(p))
			return p;
		if (!write_needs_old(m, index, off, len))
			break;
		err = mapping_read_in(m, p);
		if (!err)
			return p;
		page_put(p);
		if (err != -EAGAIN)
			return ERR_PTR(err);
	}
	a = page_address(p);
	memset(a, 0, off);
	memset(a + off + len, 0, PAGE_SIZE - off - len);
	return p;
}

/* One page's share of a write: bytes copied, or -errno; 0: the source is not there. */
static ssize_t write_one(struct mapping *m, u64 pos, struct iov_iter *from, size_t len)
{
	size_t off = pos & ~PAGE_MASK, got = 0;
	struct page *p;
	char *a;
	int err;

	p = write_page_get(m, pos >> PAGE_SHIFT, off, len);
	if (IS_ERR(p))
		return PTR_ERR(p);
	page_wait_writeback(p);
	a = page_address(p);
	err = m->ops->write_begin ? m->ops->write_begin(m, p, off, len) : 0;
	if (!err) {
		pagefault_disable();
		got = iov_copy_from(from, a + off, len);
		pagefault_enable();
	}
	if (!page_uptodate(p)) {
		/* Fresh: what was not copied must read as zeroes. */
		memset(a + off + got, 0, len - got);
		if (got || !m->ops->read_page)
			page_set_uptodate(p);
	}
	if (got)
		page_set_dirty(p);
	page_accessed(p);
	page_unlock(p);
	page_put(p);
	return err ? err : (ssize_t)got;
}

ssize_t mapping_write(struct mapping *m, u64 pos, struct iov_iter *from)
{
	size_t done = 0, len;
	ssize_t got;

	while (from->count) {
		len = min_t(size_t, PAGE_SIZE - (pos & ~PAGE_MASK), from->count);
		got = write_one(m, pos, from, len);
		if (got < 0)
			return done ? (ssize_t)done : got;
		if (got == 0 && !iov_fault_in(from, len))
			return done ? (ssize_t)done : -EFAULT;
		done += got;
		pos += got;
		if (unlikely(fatal_signal_pending()))
			break;
		cond_resched();
	}
	return done;
}

s64 mapping_seek(struct mapping *m, u64 pos, u64 size, bool data)
{
	unsigned long index = pos >> PAGE_SHIFT;
	bool found;

	if (pos >= size)
		return -ENXIO;
	if (data) {
		spin_lock(&m->lock);
		found = radix_next(&m->pages, &index);
		spin_unlock(&m->lock);
		if (!found || (u64)index << PAGE_SHIFT >= size)
			return -ENXIO;
	} else {
		do {
			rcu_read_lock();
			found = radix_lookup(&m->pages, index);
			rcu_read_unlock();
		} while (found && (u64)++index << PAGE_SHIFT < size);
	}
	return min_t(u64, max_t(u64, pos, (u64)index << PAGE_SHIFT), size);
}
