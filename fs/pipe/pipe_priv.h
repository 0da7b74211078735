/* A pipe: a ring of pages between readers and writers. */
#pragma once
#include <alloc/page.h>
#include <fs/pipe.h>
#include <fs/poll.h>
#include <sched/lock.h>

struct pipe_buf {
	struct page *page;
	u32 off, len;
	bool packet; /* O_DIRECT: a read takes at most this one, and all of it */
};
struct pipe {
	mutex_t lock;
	u32 head, tail;	      /* [lock] free-running; looked at without it by sleepers and poll */
	u32 size;	      /* [lock] slots, a power of two */
	u32 readers, writers; /* [lock] open files */
	u32 r_counter, w_counter; /* [lock] opens so far, for those who wait for the other end */
	u32 files;		  /* [inode->lock] open files, also those still opening */
	struct pipe_buf *bufs;	  /* [lock] */
	struct page *spare;	  /* [lock] the last page emptied, to fill next */
	struct wait_queue rd, wr;
};
static inline bool pipe_empty(const struct pipe *p)
{
	return READ_ONCE(p->head) == READ_ONCE(p->tail);
}
static inline bool pipe_full(const struct pipe *p)
{
	return READ_ONCE(p->head) - READ_ONCE(p->tail) >= READ_ONCE(p->size);
}
