/* poll(2) plumbing: a file's poll operation names the wait queues that it would wake. */
#pragma once
#include <sched/wait.h>

struct file;
struct poll_table {
	void (*queue)(struct poll_table *t, struct file *f, struct wait_queue *q);
};
static inline void poll_wait(struct file *f, struct wait_queue *q, struct poll_table *t)
{
	if (t && t->queue && q)
		t->queue(t, f, q);
}
#define EPOLLIN	       0x001u
#define EPOLLPRI       0x002u
#define EPOLLOUT       0x004u
#define EPOLLERR       0x008u
#define EPOLLHUP       0x010u
#define EPOLLNVAL      0x020u
#define EPOLLRDNORM    0x040u
#define EPOLLRDBAND    0x080u
#define EPOLLWRNORM    0x100u
#define EPOLLWRBAND    0x200u
#define EPOLLMSG       0x400u
#define EPOLLRDHUP     0x2000u
#define EPOLLEXCLUSIVE (1u << 28)
#define EPOLLWAKEUP    (1u << 29)
#define EPOLLONESHOT   (1u << 30)
#define EPOLLET	       (1u << 31)
