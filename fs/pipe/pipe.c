/*
 * Pipes and FIFOs (pipe(7), fifo(7)).
 *
 * Invariants: slots tail..head-1 of the ring hold data, each at least one byte. Writes of up to
 * PIPE_BUF (a page) go into one slot whole, so they are atomic. Sleepers are exclusive; whoever leaves
 * something for the next one wakes it. A writer wakes readers after each write (edge-triggered pollers
 * want every one), a reader wakes writers when the ring was full.
 *
 * Locks: pipe->lock (mutex; held over copies from and to user memory) > wait-queue locks.
 */
#include <alloc/slab.h>
#include <fs/mount.h>
#include <lib/bits.h>
#include <lib/string.h>
#include <sched/thread.h>
#include <syscall/syscalls.h>
#include "pipe_priv.h"

#define PIPE_SLOTS    16
#define PIPE_MAX_SIZE (1u << 20)

static struct slab_cache *pipe_slab;

static struct pipe *pipe_new(void)
{
	struct pipe *p = slab_alloc(pipe_slab, GFP_KERNEL | GFP_ZERO);
	if (!p)
		return NULL;
	p->bufs = kmalloc(PIPE_SLOTS * sizeof(*p->bufs), GFP_KERNEL);
	if (!p->bufs) {
		slab_free(pipe_slab, p);
		return NULL;
	}
	p->size = PIPE_SLOTS;
	mutex_init(&p->lock);
	wait_queue_init(&p->rd);
	wait_queue_init(&p->wr);
	return p;
}

static void pipe_free(struct pipe *p)
{
	for (u32 n = p->tail; n != p->head; n++)
		page_put(p->bufs[n & (p->size - 1)].page);
	if (p->spare)
		page_put(p->spare);
	kfree(p->bufs);
	slab_free(pipe_slab, p);
}

static struct page *take_page(struct pipe *p)
{
	struct page *pg = p->spare;
	if (pg) {
		p->spare = NULL;
		return pg;
	}
	return page_alloc(0, GFP_KERNEL | GFP_USER);
}

static void drop_page(struct pipe *p, struct page *pg)
{
	if (!p->spare && atomic_read(&pg->refcount) == 1)
		p->spare = pg;
	else
		page_put(pg);
}

/* ---- reading ---- */

/* What is there, up to the cursor's end or one packet. lock held. */
static ssize_t read_some(struct pipe *p, struct iov_iter *to)
{
	ssize_t done = 0;
	while (to->count && p->head != p->tail) {
		struct pipe_buf *b = &p->bufs[p->tail & (p->size - 1)];
		size_t n = min_t(size_t, b->len, to->count);
		size_t got = iov_copy_to(to, (u8 *)page_address(b->page) + b->off, n);
		done += (ssize_t)got;
		b->off += (u32)got;
		b->len -= (u32)got;
		if (got < n)
			return done ? done : -EFAULT;
		bool packet = b->packet;
		if (!b->len || packet) {
			drop_page(p, b->page);
			WRITE_ONCE(p->tail, p->tail + 1);
		}
		if (packet)
			break;
	}
	return done;
}

static ssize_t pipe_read(struct file *f, struct iov_iter *to, u64 *pos)
{
	struct pipe *p = f->private;
	ssize_t ret = 0;
	bool nonblock = (f->flags | to->oflags) & O_NONBLOCK;
	if (!to->count)
		return 0;
	mutex_lock(&p->lock);
	bool was_full;
	for (;;) {
		was_full = pipe_full(p);
		ret = read_some(p, to);
		if (ret || !p->writers)
			break;
		if (nonblock) {
			ret = -EAGAIN;
			break;
		}
		mutex_unlock(&p->lock);
		int err = wait_event_interruptible_exclusive(
			&p->rd, !pipe_empty(p) || !READ_ONCE(p->writers));
		if (err)
			return err;
		mutex_lock(&p->lock);
	}
	bool more = p->head != p->tail, room = was_full && !pipe_full(p);
	mutex_unlock(&p->lock);
	if (room && wait_queue_active(&p->wr))
		wake_up_poll(&p->wr, EPOLLOUT | EPOLLWRNORM);
	if (more && wait_queue_active(&p->rd))
		wake_up_poll(&p->rd, EPOLLIN | EPOLLRDNORM);
	return ret;
}

/* ---- writing ---- */

/* Append what is over whole pages to the page written last, if it fits there. */
static ssize_t merge(struct pipe *p, struct iov_iter *from)
{
	if (p->head == p->tail)
		return 0;
	struct pipe_buf *b = &p->bufs[(p->head - 1) & (p->size - 1)];
	size_t n = from->count & (PAGE_SIZE - 1);
	if (!n || b->packet || b->off + b->len + n > PAGE_SIZE ||
	    atomic_read(&b->page->refcount) != 1)
		return 0;
	size_t got = iov_copy_from(from, (u8 *)page_address(b->page) + b->off + b->len, n);
	b->len += (u32)got;
	return got ? (ssize_t)got : -EFAULT;
}

/* One slot's worth. lock held, not full. */
static ssize_t fill_slot(struct pipe *p, struct iov_iter *from, bool packet)
{
	struct page *pg = take_page(p);
	if (!pg)
		return -ENOMEM;
	size_t n = min(from->count, PAGE_SIZE);
	size_t got = iov_copy_from(from, page_address(pg), n);
	if (!got) {
		drop_page(p, pg);
		return -EFAULT;
	}
	p->bufs[p->head & (p->size - 1)] =
		(struct pipe_buf){.page = pg, .len = (u32)got, .packet = packet};
	__atomic_store_n(&p->head, p->head + 1, __ATOMIC_RELEASE);
	return (ssize_t)got;
}

static ssize_t broken(void)
{
	(void)signal_send_thread(current, SIGPIPE, NULL);
	return -EPIPE;
}

static ssize_t pipe_write(struct file *f, struct iov_iter *from, u64 *pos)
{
	struct pipe *p = f->private;
	bool packet = f->flags & O_DIRECT;
	ssize_t done = 0, ret = 0;
	if (!from->count)
		return 0;
	mutex_lock(&p->lock);
	if (p->readers && !packet) {
		ret = merge(p, from);
		done = ret > 0 ? ret : 0;
	}
	while (from->count && ret >= 0) {
		if (!p->readers) {
			ret = broken();
			break;
		}
		if (!pipe_full(p)) {
			size_t want = min(from->count, PAGE_SIZE);
			ret = fill_slot(p, from, packet);
			if (ret > 0)
				done += ret;
			if (ret < (ssize_t)want) {
				ret = ret < 0 ? ret : -EFAULT;
				break;
			}
			continue;
		}
		if ((f->flags | from->oflags) & O_NONBLOCK) {
			ret = -EAGAIN;
			break;
		}
		mutex_unlock(&p->lock);
		if (done && wait_queue_active(&p->rd))
			wake_up_poll(&p->rd, EPOLLIN | EPOLLRDNORM);
		int err = wait_event_interruptible_exclusive(
			&p->wr, !pipe_full(p) || !READ_ONCE(p->readers));
		mutex_lock(&p->lock);
		if (err) {
			ret = err;
			break;
		}
	}
	bool room = !pipe_full(p);
	mutex_unlock(&p->lock);
	if (done && wait_queue_active(&p->rd))
		wake_up_poll(&p->rd, EPOLLIN | EPOLLRDNORM);
	if (room && wait_queue_active(&p->wr))
		wake_up_poll(&p->wr, EPOLLOUT | EPOLLWRNORM);
	return done ? done : ret;
}

/* ---- poll, ioctl, fcntl ---- */

static unsigned pipe_poll(struct file *f, struct poll_table *t)
{
	struct pipe *p = f->private;
	unsigned ev = 0;
	if (f->mode & FMODE_READ)
		poll_wait(f, &p->rd, t);
	if (f->mode & FMODE_WRITE)
		poll_wait(f, &p->wr, t);
	if (f->mode & FMODE_READ) {
		if (!pipe_empty(p))
			ev |= EPOLLIN | EPOLLRDNORM;
		/* A FIFO's reader sees no hang-up before the first writer came. */
		if (!READ_ONCE(p->writers) && (u32)f->pos != READ_ONCE(p->w_counter))
			ev |= EPOLLHUP;
	}
	if (f->mode & FMODE_WRITE) {
		if (!pipe_full(p))
			ev |= EPOLLOUT | EPOLLWRNORM;
		if (!READ_ONCE(p->readers))
			ev |= EPOLLERR;
	}
	return ev;
}

static s64 pipe_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct pipe *p = f->private;
	int n = 0;
	if (cmd != 0x541b) /* FIONREAD */
		return -ENOIOCTLCMD;
	mutex_lock(&p->lock);
	for (u32 i = p->tail; i != p->head; i++)
		n += (int)p->bufs[i & (p->size - 1)].len;
	mutex_unlock(&p->lock);
	return put_user(n, (int __user *)u64_to_user(arg));
}

static s64 resize(struct pipe *p, u64 bytes)
{
	if (!bytes || bytes > (1ul << 31))
		return -EINVAL;
	u32 slots = 1u << order_of(DIV_ROUND_UP(bytes, PAGE_SIZE));
	if (slots > p->size && (u64)slots * PAGE_SIZE > PIPE_MAX_SIZE && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	struct pipe_buf *n = kcalloc(slots, sizeof(*n), GFP_KERNEL);
	if (!n)
		return -ENOMEM;
	mutex_lock(&p->lock);
	u32 used = p->head - p->tail;
	if (used > slots) {
		mutex_unlock(&p->lock);
		kfree(n);
		return -EBUSY;
	}
	for (u32 i = 0; i < used; i++)
		n[i] = p->bufs[(p->tail + i) & (p->size - 1)];
	struct pipe_buf *old = p->bufs;
	p->bufs = n;
	WRITE_ONCE(p->size, slots);
	WRITE_ONCE(p->tail, 0);
	WRITE_ONCE(p->head, used);
	mutex_unlock(&p->lock);
	kfree(old);
	wake_up_all(&p->wr);
	return (s64)slots * (s64)PAGE_SIZE;
}

s64 pipe_fcntl(struct file *f, unsigned cmd, unsigned long arg)
{
	if (f->ops != &fifo_fops)
		return -EBADF;
	struct pipe *p = f->private;
	return cmd == F_SETPIPE_SZ ? resize(p, (u32)arg) : (s64)READ_ONCE(p->size) * (s64)PAGE_SIZE;
}

/* ---- open and release ---- */

/* The pipe of a FIFO's inode, made at the first open. */
static struct pipe *pipe_of(struct inode *i)
{
	struct pipe *p, *fresh = NULL;
	spin_lock(&i->lock);
	p = i->private;
	if (!p) {
		spin_unlock(&i->lock);
		fresh = pipe_new();
		if (!fresh)
			return NULL;
		spin_lock(&i->lock);
		if (!i->private) {
			i->private = fresh;
			fresh = NULL;
		}
		p = i->private;
	}
	p->files++;
	spin_unlock(&i->lock);
	if (fresh)
		pipe_free(fresh);
	return p;
}

static void pipe_unref(struct inode *i, struct pipe *p)
{
	spin_lock(&i->lock);
	bool last = --p->files == 0;
	if (last)
		i->private = NULL;
	spin_unlock(&i->lock);
	if (last)
		pipe_free(p);
}

static void leave(struct pipe *p, unsigned mode)
{
	mutex_lock(&p->lock);
	if (mode & FMODE_READ)
		WRITE_ONCE(p->readers, p->readers - 1);
	if (mode & FMODE_WRITE)
		WRITE_ONCE(p->writers, p->writers - 1);
	bool tell = !p->readers != !p->writers;
	mutex_unlock(&p->lock);
	if (tell) {
		__wake_up(&p->rd, T_NORMAL, 0x7fffffff, EPOLLIN | EPOLLRDNORM | EPOLLHUP);
		__wake_up(&p->wr, T_NORMAL, 0x7fffffff, EPOLLOUT | EPOLLWRNORM | EPOLLERR);
	}
}

static int fifo_open(struct inode *i, struct file *f)
{
	struct pipe *p = pipe_of(i);
	int err = 0;
	if (!p)
		return -ENOMEM;
	f->private = p;
	f->mode |= FMODE_STREAM;
	/* A pipe without a name, by way of /proc/PID/fd, is there already: there is nobody to wait for. */
	bool named = i->sb != anon_super();
	mutex_lock(&p->lock);
	unsigned rw = f->mode & (FMODE_READ | FMODE_WRITE);
	if (named && rw == FMODE_WRITE && (f->flags & O_NONBLOCK) && !p->readers) {
		err = -ENXIO;
		goto out;
	}
	if (rw & FMODE_READ) {
		p->r_counter++;
		if (!p->readers++)
			wake_up_all(&p->wr);
	}
	if (rw & FMODE_WRITE) {
		p->w_counter++;
		if (!p->writers++)
			wake_up_all(&p->rd);
	}
	u32 seen;
	if (named && rw == FMODE_READ && !p->writers) {
		f->pos = seen = p->w_counter;
		if (!(f->flags & O_NONBLOCK)) {
			mutex_unlock(&p->lock);
			err = wait_event_interruptible(&p->rd, READ_ONCE(p->w_counter) != seen);
			f->pos = 0;
			goto waited;
		}
	} else if (named && rw == FMODE_WRITE && !p->readers) {
		seen = p->r_counter;
		mutex_unlock(&p->lock);
		err = wait_event_interruptible(&p->wr, READ_ONCE(p->r_counter) != seen);
		goto waited;
	}
out:
	mutex_unlock(&p->lock);
	if (err)
		pipe_unref(i, p);
	return err;
waited:
	if (err) {
		leave(p, rw);
		pipe_unref(i, p);
	}
	return err;
}

static void fifo_release(struct inode *i, struct file *f)
{
	struct pipe *p = f->private;
	leave(p, f->mode);
	pipe_unref(i, p);
}

const struct file_ops fifo_fops = {.open = fifo_open,
				   .release = fifo_release,
				   .read = pipe_read,
				   .write = pipe_write,
				   .poll = pipe_poll,
				   .ioctl = pipe_ioctl};

int pipe_create(struct file *ends[2], int flags)
{
	struct super_block *sb = anon_super();
	struct inode *i = inode_new(sb);
	struct pipe *p = i ? pipe_new() : NULL;
	char name[32];
	if (!p) {
		if (i)
			inode_put(i);
		return -ENOMEM;
	}
	i->ino = inode_next_ino();
	inode_init_owner(i, NULL, S_IFIFO | 0600);
	i->fops = &fifo_fops;
	i->private = p;
	p->files = 2;
	p->readers = p->writers = p->r_counter = p->w_counter = 1;
	snprintf(name, sizeof(name), "pipe:[%lu]", (unsigned long)i->ino);
	inode_get(i);
	ends[0] = anon_file_inode(name, i, &fifo_fops, p, O_RDONLY | (flags & O_NONBLOCK));
	if (IS_ERR(ends[0])) {
		int err = (int)PTR_ERR(ends[0]);
		pipe_free(p);
		inode_put(i);
		return err;
	}
	ends[1] = anon_file_inode(name, i, &fifo_fops, p,
				  O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT)));
	if (IS_ERR(ends[1])) {
		int err = (int)PTR_ERR(ends[1]);
		p->files = 1;
		file_put(ends[0]);
		return err;
	}
	return 0;
}

s64 sys_pipe2(int __user *ufds, int flags)
{
	struct file *ends[2];
	int fds[2];
	if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	int err = pipe_create(ends, flags);
	if (err)
		return err;
	fds[0] = fd_reserve(0, flags);
	fds[1] = fds[0] < 0 ? fds[0] : fd_reserve(0, flags);
	err = fds[1] < 0 ? fds[1] : 0;
	if (!err && copy_out(ufds, fds, sizeof(fds)))
		err = -EFAULT;
	if (err) {
		if (fds[0] >= 0)
			fd_release((unsigned)fds[0]);
		if (fds[1] >= 0)
			fd_release((unsigned)fds[1]);
		file_put(ends[0]);
		file_put(ends[1]);
		return err;
	}
	fd_install((unsigned)fds[0], ends[0]);
	fd_install((unsigned)fds[1], ends[1]);
	return 0;
}

s64 sys_pipe(int __user *fds)
{
	return sys_pipe2(fds, 0);
}

void pipe_init(void)
{
	pipe_slab = slab_cache_create("pipe", sizeof(struct pipe), 0, SLAB_PANIC, NULL);
}
