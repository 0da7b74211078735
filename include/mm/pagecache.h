/* The page cache: struct mapping holds the cached pages of one object (an inode, a memfd, shared
 * anonymous memory). Pages are found by page offset; a page is filled and written through pager ops.
 * One cache serves read, write, mmap and exec. May sleep unless said otherwise. */
#pragma once
#include <alloc/page.h>
#include <lib/radix.h>
#include <lib/rbtree.h>
#include <mm/iov.h>
#include <sched/lock.h>

struct mapping;
struct pager_ops {
	/* Fill a locked page and set PG_UPTODATE (page_set_uptodate); unlock when done (may be later,
	 * asynchronously). NULL: a hole reads as zeroes (tmpfs). */
	int (*read_page)(struct mapping *m, struct page *p);
	/* Write a locked page (PG_WRITEBACK set, no longer dirty): the pager unlocks it once it needs
	 * no stable contents any more, and calls page_end_writeback() when the write is over, also
	 * when it fails. NULL: pages are the only copy (tmpfs) and are never reclaimed except to swap. */
	int (*write_page)(struct mapping *m, struct page *p);
	/* About to dirty [off, off+len) of a page: reserve space. May be NULL. -ENOSPC ... */
	int (*write_begin)(struct mapping *m, struct page *p, unsigned off, unsigned len);
	/* Account for pages added to or removed from the mapping (tmpfs size limits); may be NULL.
	 * -ENOSPC refuses. */
	int (*charge)(struct mapping *m, long pages);
	/* Size of the object in bytes: faults beyond it are SIGBUS. NULL: no limit. Lock-free. */
	u64 (*size)(struct mapping *m);
};
struct mapping {
	spinlock_t lock;	     /* pages tree and tags */
	struct radix_tree pages;     /* [lock] struct page *, lookups under RCU */
	unsigned long nr_pages;	     /* [lock] */
	const struct pager_ops *ops; /* [I] */
	void *host;		     /* [I] struct inode * or NULL */
	rwsem_t i_mmap_lock;
	struct rb_root i_mmap; /* [i_mmap_lock] VMAs that map it, interval tree by pgoff */
	u64 writable_maps;     /* [i_mmap_lock] */
	rwsem_t invalidate_lock; /* read: faults and reads that add pages; write: truncate, hole punch */
	gfp_t gfp;		 /* [I] for page_alloc; default GFP_WAIT | GFP_USER */
	int wb_err;		 /* [a] first error of writeback since mapping_sync last told it */
};
enum { MTAG_DIRTY, MTAG_WRITEBACK };

void mapping_init(struct mapping *m, const struct pager_ops *ops, void *host);
/* Drop all pages (inode eviction). No users left. */
void mapping_destroy(struct mapping *m);

/* Page at index with a reference, or NULL when not cached. Lock-free. Any context. */
struct page *mapping_find(struct mapping *m, unsigned long index);
/* The page, created and read in when missing: referenced, up to date, unlocked. ERR_PTR. With
 * MGET_CREATE a hole is filled with a zeroed page; without it, in a hole (no read_page) NULL. */
struct page *mapping_get(struct mapping *m, unsigned long index, unsigned flags);
#define MGET_CREATE 1u
#define MGET_LOCKED 2u /* return it locked */
/* Start reading what is missing of [index, index + nr); best effort, does not wait for the pager. */
void mapping_readahead(struct mapping *m, unsigned long index, unsigned long nr);

void page_lock(struct page *p);
bool page_trylock(struct page *p);
void page_unlock(struct page *p);
/* Wait until p is not locked / not under writeback. The caller holds a reference. */
void page_wait_writeback(struct page *p);
void page_end_writeback(struct page *p, int err); /* any context; err 0 or -errno */
static inline bool page_uptodate(const struct page *p)
{
	return __atomic_load_n(&p->flags, __ATOMIC_ACQUIRE) >> PG_UPTODATE & 1;
}
/* Contents are written before: release. */
static inline void page_set_uptodate(struct page *p)
{
	page_flag_set(p, PG_UPTODATE);
}
/* Contents changed: tags the page for writeback when the mapping has a pager that writes. p has a
 * reference; the page lock or a page-table lock that maps it keeps it in its mapping. */
void page_set_dirty(struct page *p);
/* Insert a locked, fresh page. -EEXIST/-ENOMEM. */
int mapping_add(struct mapping *m, struct page *p, unsigned long index) __must_check;

/* Generic file read and write over the cache. size: current file size (read under the caller's lock
 * for writes). Return bytes or -errno; the caller updates size and times. */
ssize_t mapping_read(struct mapping *m, u64 pos, u64 size, struct iov_iter *to);
ssize_t mapping_write(struct mapping *m, u64 pos, struct iov_iter *from);
/* Remove pages beyond newsize, zero the tail of the last, unmap them from all VMAs. */
void mapping_truncate(struct mapping *m, u64 newsize);
/* Same for a hole: whole pages go, the edges are zeroed. */
void mapping_punch(struct mapping *m, u64 start, u64 end);
/* SEEK_DATA / SEEK_HOLE over cached pages (tmpfs). -ENXIO. */
s64 mapping_seek(struct mapping *m, u64 pos, u64 size, bool data);
/* Write dirty pages of [start, end) bytes and wait for them: 0 or the first error since the last call. */
int mapping_sync(struct mapping *m, u64 start, u64 end);
/* Is there any dirty page? */
bool mapping_dirty(struct mapping *m);

/* Installed by mm/vm: unmap [first, last] page offsets of m from all VMAs. */
extern void (*mapping_unmap_hook)(struct mapping *m, unsigned long first, unsigned long last,
				  bool even_cows);
/* Same: make the shared mappings of the page offsets clean and write-protected; true if one was dirty. */
extern bool (*mapping_clean_hook)(struct mapping *m, unsigned long first, unsigned long last);
void pagecache_init(void);
