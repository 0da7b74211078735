/*
 * Descriptor tables: a growable array of files with bitmaps (open, close-on-exec, and "full", one bit
 * per word of open that has no free bit, so that the lowest free descriptor is found in two scans).
 *
 * Writers hold files->lock. Readers are lock-free: the array is replaced whole when it grows and freed
 * through RCU; a file found in it is only used after ref_tryget and a second look at the slot. When
 * the table belongs to current alone (count 1) nobody can take a file away during a call, and
 * fdref_get lends the table's own reference instead.
 */
#include <alloc/slab.h>
#include <alloc/vmalloc.h>
#include <lib/bits.h>
#include <syscall/syscalls.h>
#include <uapi/resource.h>
#include "vfs_priv.h"

#define FD_MAX (1u << 20) /* fs.nr_open */

static struct slab_cache *files_slab;

static struct files *files_new(void)
{
	struct files *fs = slab_alloc(files_slab, GFP_KERNEL | GFP_ZERO);
	if (!fs)
		return NULL;
	ref_init(&fs->count, 1);
	spin_init(&fs->lock);
	fs->tab0.max = FD_INLINE;
	fs->tab0.fd = fs->fd0;
	fs->tab0.open = &fs->open0;
	fs->tab0.cloexec = &fs->cloexec0;
	fs->tab0.full = &fs->full0;
	fs->table = &fs->tab0;
	return fs;
}

struct files *files_init(void)
{
	return files_new();
}

struct files *files_get(struct files *f)
{
	ref_get(&f->count);
	return f;
}

static void table_free_rcu(struct rcu_head *h)
{
	struct fdtable *t = container_of(h, struct fdtable, rcu);
	kvfree(t->fd);
	kfree(t);
}

/* max is a multiple of 64. The bitmaps follow the array. */
static struct fdtable *table_alloc(u32 max)
{
	size_t words = max / 64, fulls = DIV_ROUND_UP(words, 64);
	struct fdtable *t = kmalloc(sizeof(*t), GFP_KERNEL);
	if (!t)
		return NULL;
	t->fd = kvmalloc(max * sizeof(void *) + (2 * words + fulls) * 8, GFP_KERNEL | GFP_ZERO);
	if (!t->fd) {
		kfree(t);
		return NULL;
	}
	t->max = max;
	t->open = (unsigned long *)(t->fd + max);
	t->cloexec = t->open + words;
	t->full = t->cloexec + words;
	return t;
}

static void table_copy(struct fdtable *to, const struct fdtable *from, u32 n)
{
	memcpy(to->fd, from->fd, n * sizeof(void *));
	memcpy(to->open, from->open, n / 8);
	memcpy(to->cloexec, from->cloexec, n / 8);
	for (u32 w = 0; w < n / 64; w++)
		if (to->open[w] == ~0ul)
			bit_set(to->full, w);
}

/* Room for descriptor want; lock held before and after, dropped in between. -EMFILE, -ENOMEM. */
static int expand(struct files *fs, u32 want) __requires_lock(fs->lock)
{
	while (want >= fs->table->max) {
		u32 max = fs->table->max;
		if (want >= FD_MAX)
			return -EMFILE;
		spin_unlock(&fs->lock);
		while (max <= want)
			max *= 2;
		struct fdtable *t = table_alloc(max);
		spin_lock(&fs->lock);
		if (!t)
			return -ENOMEM;
		struct fdtable *old = fs->table;
		if (old->max >= max) { /* another thread was quicker */
			kvfree(t->fd);
			kfree(t);
			continue;
		}
		table_copy(t, old, old->max);
		rcu_assign_pointer(fs->table, t);
		if (old != &fs->tab0)
			call_rcu(&old->rcu, table_free_rcu);
	}
	return 0;
}

static u32 find_free(const struct fdtable *t, u32 from)
{
	u32 words = t->max / 64, w = from / 64;
	if (from >= t->max)
		return from;
	unsigned long free = ~t->open[w] & (~0ul << (from % 64));
	if (free)
		return w * 64 + ffs64(free);
	w = (u32)bitmap_find_clear(t->full, words, w + 1);
	return w < words ? w * 64 + ffs64(~t->open[w]) : t->max;
}

static inline void mark_open(struct fdtable *t, u32 fd, bool cloexec)
{
	bit_set(t->open, fd);
	if (t->open[fd / 64] == ~0ul)
		bit_set(t->full, fd / 64);
	if (cloexec)
		bit_set(t->cloexec, fd);
	else
		bit_clear(t->cloexec, fd);
}

static inline void mark_free(struct files *fs, struct fdtable *t, u32 fd)
{
	bit_clear(t->open, fd);
	bit_clear(t->full, fd / 64);
	if (fd < fs->next)
		fs->next = fd;
}

int fd_reserve(unsigned from, int o_cloexec)
{
	struct files *fs = current->files;
	u64 limit = vfs_rlimit(RLIMIT_NOFILE);
	if (from >= limit)
		return -EMFILE;
	spin_lock(&fs->lock);
	int err;
	u32 fd;
	do {
		fd = find_free(fs->table, max(from, fs->next));
		err = -EMFILE;
		if (fd >= limit)
			goto out;
		u32 max_before = fs->table->max;
		err = expand(fs, fd);
		if (err)
			goto out;
		if (fs->table->max == max_before)
			break;
	} while (1); /* the lock was dropped: look again */
	mark_open(fs->table, fd, o_cloexec & O_CLOEXEC);
	if (from <= fs->next)
		fs->next = fd + 1;
	err = (int)fd;
out:
	spin_unlock(&fs->lock);
	return err;
}

void fd_install(unsigned fd, struct file *f)
{
	struct files *fs = current->files;
	spin_lock(&fs->lock);
	rcu_assign_pointer(fs->table->fd[fd], f);
	spin_unlock(&fs->lock);
}

void fd_release(unsigned fd)
{
	struct files *fs = current->files;
	spin_lock(&fs->lock);
	mark_free(fs, fs->table, fd);
	spin_unlock(&fs->lock);
}

/* Lowest free descriptor for f (consumed, also on error). */
int fd_install_new(struct file *f, int o_cloexec)
{
	int fd = fd_reserve(0, o_cloexec);
	if (fd < 0)
		file_put(f);
	else
		fd_install((unsigned)fd, f);
	return fd;
}

/* What close(2) does to a file beyond dropping it. */
static int close_file(struct files *fs, struct file *f)
{
	int err = 0;
	if (!(f->mode & FMODE_PATH)) {
		if (f->ops->flush)
			err = f->ops->flush(f);
		if (unlikely(f->inode->locks))
			locks_remove_posix(f, fs);
	}
	file_put(f);
	return err;
}

int fd_close(unsigned fd)
{
	struct files *fs = current->files;
	struct file *f = NULL;
	spin_lock(&fs->lock);
	struct fdtable *t = fs->table;
	if (fd < t->max && (f = t->fd[fd])) {
		rcu_assign_pointer(t->fd[fd], NULL);
		mark_free(fs, t, fd);
	}
	spin_unlock(&fs->lock);
	if (!f)
		return -EBADF;
	return close_file(fs, f);
}

static struct file *get_rcu(struct files *fs, unsigned fd)
{
	struct file *f = NULL;
	rcu_read_lock();
	for (;;) {
		struct fdtable *t = rcu_dereference(fs->table);
		if (fd >= t->max || !(f = rcu_dereference(t->fd[fd])))
			break;
		if (ref_tryget(&f->ref)) {
			if (likely(READ_ONCE(t->fd[fd]) == f))
				break;
			rcu_read_unlock();
			file_put(f); /* closed and perhaps reused meanwhile */
			rcu_read_lock();
		}
	}
	rcu_read_unlock();
	return f;
}

struct fdref fdref_get_raw(int fd)
{
	struct files *fs = current->files;
	if (likely(ref_read(&fs->count) == 1)) {
		const struct fdtable *t = fs->table;
		return (struct fdref){(u32)fd < t->max ? t->fd[(u32)fd] : NULL, false};
	}
	struct file *f = get_rcu(fs, (u32)fd);
	return (struct fdref){f, f != NULL};
}

struct fdref fdref_get(int fd)
{
	struct fdref r = fdref_get_raw(fd);
	if (likely(r.f && !(r.f->mode & FMODE_PATH)))
		return r;
	fdref_put(r);
	return (struct fdref){NULL, false};
}

struct file *fd_get(unsigned fd)
{
	struct file *f = get_rcu(current->files, fd);
	if (f && (f->mode & FMODE_PATH)) {
		file_put(f);
		return NULL;
	}
	return f;
}

struct file *fd_get_raw(unsigned fd)
{
	return get_rcu(current->files, fd);
}

bool fd_is_cloexec(int sfd)
{
	struct files *fs = current->files;
	u32 fd = (u32)sfd;
	spin_lock(&fs->lock);
	bool on = fd < fs->table->max && bit_test(fs->table->cloexec, fd);
	spin_unlock(&fs->lock);
	return on;
}

int fd_set_cloexec(unsigned fd, bool on)
{
	struct files *fs = current->files;
	int err = -EBADF;
	spin_lock(&fs->lock);
	struct fdtable *t = fs->table;
	if (fd < t->max && t->fd[fd]) {
		if (on)
			bit_set(t->cloexec, fd);
		else
			bit_clear(t->cloexec, fd);
		err = 0;
	}
	spin_unlock(&fs->lock);
	return err;
}

struct file *files_next(struct files *fs, unsigned *fd, bool *cloexec)
{
	struct file *f = NULL;
	spin_lock(&fs->lock);
	const struct fdtable *t = fs->table;
	for (u32 n = *fd; n < t->max; n++) {
		n = (u32)bitmap_find_set(t->open, t->max, n);
		if (n >= t->max)
			break;
		f = t->fd[n];
		if (f) {
			file_get(f);
			*fd = n;
			if (cloexec)
				*cloexec = bit_test(t->cloexec, n);
			break;
		}
	}
	spin_unlock(&fs->lock);
	return f;
}

/* ---- whole tables ---- */

static u32 count_open(const struct fdtable *t)
{
	u32 w = t->max / 64;
	while (w && !t->open[w - 1])
		w--;
	return w * 64;
}

struct files *files_copy(struct files *old)
{
	struct files *n = files_new();
	if (!n)
		return ERR_PTR(-ENOMEM);
	if (!old)
		return n;
	spin_lock(&old->lock);
	u32 open = count_open(old->table);
	while (open > n->table->max) {
		spin_unlock(&old->lock);
		u32 max = n->table->max;
		while (max < open)
			max *= 2;
		struct fdtable *t = table_alloc(max);
		if (!t) {
			files_put(n);
			return ERR_PTR(-ENOMEM);
		}
		if (n->table != &n->tab0)
			table_free_rcu(&n->table->rcu);
		n->table = t;
		spin_lock(&old->lock);
		open = count_open(old->table);
	}
	const struct fdtable *from = old->table;
	struct fdtable *t = n->table;
	for (u32 w = 0; w < open / 64; w++) {
		unsigned long bits = from->open[w];
		while (bits) {
			u32 fd = w * 64 + ffs64(bits);
			bits &= bits - 1;
			struct file *f = from->fd[fd];
			if (!f)
				continue; /* reserved, not installed yet */
			file_get(f);
			t->fd[fd] = f;
			mark_open(t, fd, bit_test(from->cloexec, fd));
		}
	}
	spin_unlock(&old->lock);
	n->next = find_free(t, 0);
	return n;
}

void files_put(struct files *fs)
{
	if (!fs || !ref_put(&fs->count))
		return;
	struct fdtable *t = fs->table;
	for (u32 w = 0; w < t->max / 64; w++) {
		unsigned long bits = t->open[w];
		while (bits) {
			struct file *f = t->fd[w * 64 + ffs64(bits)];
			bits &= bits - 1;
			if (f)
				(void)close_file(fs, f);
		}
	}
	if (t != &fs->tab0)
		call_rcu(&t->rcu, table_free_rcu);
	slab_free(files_slab, fs);
}

int files_unshare(void)
{
	struct files *old = current->files;
	if (!old || ref_read(&old->count) == 1)
		return 0;
	struct files *n = files_copy(old);
	if (IS_ERR(n))
		return (int)PTR_ERR(n);
	current->files = n;
	files_put(old);
	return 0;
}

/* Close [first, last] (those with the close-on-exec flag only, if asked). */
static void close_many(struct files *fs, u32 first, u32 last, bool only_cloexec)
{
	spin_lock(&fs->lock);
	for (u32 w = first / 64; w <= last / 64 && w < fs->table->max / 64; w++) {
		struct fdtable *t = fs->table;
		unsigned long bits = only_cloexec ? t->open[w] & t->cloexec[w] : t->open[w];
		if (w == first / 64)
			bits &= ~0ul << (first % 64);
		if (w == last / 64 && last % 64 != 63)
			bits &= (1ul << (last % 64 + 1)) - 1;
		while (bits) {
			u32 fd = w * 64 + ffs64(bits);
			bits &= bits - 1;
			struct file *f = fs->table->fd[fd];
			if (!f)
				continue;
			rcu_assign_pointer(fs->table->fd[fd], NULL);
			mark_free(fs, fs->table, fd);
			spin_unlock(&fs->lock);
			(void)close_file(fs, f);
			spin_lock(&fs->lock);
		}
	}
	spin_unlock(&fs->lock);
}

void files_close_on_exec(void)
{
	if (current->files)
		close_many(current->files, 0, FD_MAX - 1, true);
}

/* ---- close, dup, close_range ---- */

s64 sys_close(unsigned fd)
{
	int err = fd_close(fd);
	/* The descriptor is gone whatever flush said: the call cannot be restarted. */
	return err == -ERESTARTSYS ? -EINTR : err;
}

s64 sys_dup(unsigned oldfd)
{
	struct file *f = fd_get_raw(oldfd);
	return f ? fd_install_new(f, 0) : -EBADF;
}

static s64 dup_to(unsigned oldfd, unsigned newfd, int flags)
{
	struct files *fs = current->files;
	if (newfd >= vfs_rlimit(RLIMIT_NOFILE))
		return -EBADF;
	struct file *f = fd_get_raw(oldfd);
	if (!f)
		return -EBADF;
	spin_lock(&fs->lock);
	s64 err = expand(fs, newfd);
	if (err) {
		err = err == -EMFILE ? -EBADF : err;
		goto out;
	}
	struct fdtable *t = fs->table;
	struct file *victim = t->fd[newfd];
	err = -EBUSY; /* being opened by another thread right now */
	if (!victim && bit_test(t->open, newfd))
		goto out;
	rcu_assign_pointer(t->fd[newfd], f);
	mark_open(t, newfd, flags & O_CLOEXEC);
	spin_unlock(&fs->lock);
	if (victim)
		(void)close_file(fs, victim);
	return newfd;
out:
	spin_unlock(&fs->lock);
	file_put(f);
	return err;
}

s64 sys_dup2(unsigned oldfd, unsigned newfd)
{
	if (oldfd == newfd) {
		struct fdref r = fdref_get_raw((int)oldfd);
		fdref_put(r);
		return r.f ? (s64)newfd : -EBADF;
	}
	return dup_to(oldfd, newfd, 0);
}

s64 sys_dup3(unsigned oldfd, unsigned newfd, int flags)
{
	if ((flags & ~O_CLOEXEC) || oldfd == newfd)
		return -EINVAL;
	return dup_to(oldfd, newfd, flags);
}

#define CLOSE_RANGE_UNSHARE 2u
#define CLOSE_RANGE_CLOEXEC 4u
s64 sys_close_range(unsigned first, unsigned last, unsigned flags)
{
	if (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) || first > last)
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE) {
		int err = files_unshare();
		if (err)
			return err;
	}
	struct files *fs = current->files;
	if (!(flags & CLOSE_RANGE_CLOEXEC)) {
		close_many(fs, first, last, false);
		return 0;
	}
	spin_lock(&fs->lock);
	struct fdtable *t = fs->table;
	for (u32 fd = first; fd <= last && fd < t->max; fd++)
		if (bit_test(t->open, fd))
			bit_set(t->cloexec, fd);
	spin_unlock(&fs->lock);
	return 0;
}

void fdtable_init(void)
{
	files_slab = slab_cache_create("files", sizeof(struct files), 0, SLAB_PANIC, NULL);
}
