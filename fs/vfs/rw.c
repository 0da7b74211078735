/*
 * read(2), write(2) and their relatives, lseek(2), sendfile(2), copy_file_range(2), and the generic
 * file operations over the page cache.
 *
 * f->pos moves under pos_lock, but only when somebody else could see it: the lock is skipped when
 * the descriptor table and the file belong to current alone. Locks: pos_lock > inode rwsem > page
 * cache. Contexts: process, may sleep.
 */
#include <alloc/slab.h>
#include <mm/vm.h>
#include <syscall/syscalls.h>
#include <uapi/resource.h>
#include "vfs_priv.h"

/* ---- generic operations of page-cache files ---- */

ssize_t generic_read(struct file *f, struct iov_iter *to, u64 *pos)
{
	struct inode *i = f->inode;
	u64 size = READ_ONCE(i->size);
	if (*pos >= size || !to->count)
		return 0;
	ssize_t n = mapping_read(i->mapping, *pos, size, to);
	if (n > 0)
		*pos += (u64)n;
	if (!(f->flags & O_NOATIME))
		inode_touch_atime(&f->path);
	return n;
}

/* Writing takes set-user-ID and set-group-ID away. rwsem held for writing. */
static int strip_privs(struct inode *i)
{
	if (likely(!(i->mode & (S_ISUID | S_ISGID))) || capable(CAP_FSETID))
		return 0;
	struct iattr a = {.valid = ATTR_MODE, .mode = i->mode & ~S_ISUID};
	if (i->mode & 0010)
		a.mode &= ~S_ISGID;
	return inode_setattr(i, &a);
}

ssize_t generic_write_locked(struct file *f, struct iov_iter *from, u64 *pos)
{
	struct inode *i = f->inode;
	size_t want = from->count;
	if (!want)
		return 0;
	u64 at = (f->flags | from->oflags) & O_APPEND ? i->size : *pos;
	u64 limit = vfs_rlimit(RLIMIT_FSIZE);
	ssize_t n = -EFBIG;
	if (unlikely(at >= limit)) {
		(void)signal_send_thread(current, SIGXFSZ, NULL);
		return n;
	}
	limit = min(limit, i->sb->max_size);
	if (unlikely(at >= limit))
		return n;
	size_t cut = want > limit - at ? want - (limit - at) : 0;
	from->count -= cut;
	n = strip_privs(i);
	if (n)
		return n;
	n = mapping_write(i->mapping, at, from);
	from->count += cut;
	if (n > 0) {
		at += (u64)n;
		if (at > i->size)
			WRITE_ONCE(i->size, at);
		*pos = at;
		inode_touch_mtime(i);
	}
	return n;
}

ssize_t generic_write(struct file *f, struct iov_iter *from, u64 *pos)
{
	struct inode *i = f->inode;
	if (!from->count)
		return 0;
	down_write(&i->rwsem);
	ssize_t n = generic_write_locked(f, from, pos);
	up_write(&i->rwsem);
	if (n > 0 && (f->flags & O_DSYNC)) {
		int err = vfs_fsync(f, *pos - (u64)n, *pos, (f->flags & O_SYNC) != O_SYNC);
		if (err)
			return err;
	}
	return n;
}

s64 seek_no_end(struct file *f, s64 off, int whence)
{
	if (whence == SEEK_CUR)
		off += (s64)f->pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (off < 0)
		return -EINVAL;
	f->pos = (u64)off;
	return off;
}

s64 generic_llseek(struct file *f, s64 off, int whence)
{
	struct inode *i = f->inode;
	s64 size = (s64)READ_ONCE(i->size);
	switch (whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		off += (s64)f->pos;
		break;
	case SEEK_END:
		off += size;
		break;
	case SEEK_DATA: /* without knowledge of holes: all is data, then a hole at the end */
	case SEEK_HOLE:
		if (off < 0 || off >= size)
			return -ENXIO;
		if (whence == SEEK_HOLE)
			off = size;
		break;
	default:
		return -EINVAL;
	}
	if (off < 0 || (u64)off > i->sb->max_size)
		return -EINVAL;
	f->pos = (u64)off;
	return off;
}

int generic_mmap(struct file *f, struct vm_map *req)
{
	req->mapping = f->inode->mapping;
	inode_touch_atime(&f->path);
	return 0;
}

int vfs_fsync(struct file *f, u64 start, u64 end, bool datasync)
{
	if (!f->ops->fsync)
		return -EINVAL;
	return f->ops->fsync(f, start, end, datasync);
}

/* ---- through any file ---- */

static __always_inline ssize_t check_rw(struct file *f, unsigned mode, const u64 *pos)
{
	if (unlikely(!(f->mode & mode)))
		return -EBADF;
	if (unlikely(pos && (s64)*pos < 0))
		return -EINVAL;
	return 0;
}

ssize_t vfs_read_iter(struct file *f, struct iov_iter *it, u64 *pos)
{
	u64 none = 0;
	ssize_t err = check_rw(f, FMODE_READ, pos);
	if (err)
		return err;
	if (unlikely(!f->ops->read))
		return S_ISDIR(f->inode->mode) ? -EISDIR : -EINVAL;
	if (pos && it->count > (u64)INT64_MAX - *pos)
		it->count = (u64)INT64_MAX - *pos;
	ssize_t n = f->ops->read(f, it, pos ? pos : &none);
	struct io_account *io = &current->io;
	io->syscr++;
	if (n > 0)
		io->rchar += (u64)n;
	return n;
}

ssize_t vfs_write_iter(struct file *f, struct iov_iter *it, u64 *pos)
{
	u64 none = 0;
	ssize_t err = check_rw(f, FMODE_WRITE, pos);
	if (err)
		return err;
	if (unlikely(!f->ops->write))
		return -EINVAL;
	if (unlikely(pos && it->count > (u64)INT64_MAX - *pos && S_ISREG(f->inode->mode)))
		return -EFBIG;
	ssize_t n = f->ops->write(f, it, pos ? pos : &none);
	struct io_account *io = &current->io;
	io->syscw++;
	if (n > 0)
		io->wchar += (u64)n;
	return n;
}

static inline bool lock_pos(const struct fdref *r) __try_acquires(true, r->f->pos_lock)
{
	struct file *f = r->f;
	if (f->mode & FMODE_STREAM)
		return false;
	/* Borrowed from a table of our own and nowhere else: nobody can move it meanwhile. */
	if (likely(!r->counted && ref_read(&f->ref) == 1))
		return false;
	mutex_lock(&f->pos_lock);
	return true;
}

static s64 read_at_pos(int fd, struct iov_iter *it)
{
	struct fdref r = fdref_fast(fd);
	if (unlikely(!r.f))
		return -EBADF;
	bool locked = lock_pos(&r);
	ssize_t n = vfs_read_iter(r.f, it, r.f->mode & FMODE_STREAM ? NULL : &r.f->pos);
	if (locked)
		mutex_unlock(&r.f->pos_lock);
	fdref_put(r);
	return n;
}

static s64 write_at_pos(int fd, struct iov_iter *it)
{
	struct fdref r = fdref_fast(fd);
	if (unlikely(!r.f))
		return -EBADF;
	bool locked = lock_pos(&r);
	ssize_t n = vfs_write_iter(r.f, it, r.f->mode & FMODE_STREAM ? NULL : &r.f->pos);
	if (locked)
		mutex_unlock(&r.f->pos_lock);
	fdref_put(r);
	return n;
}

/* Lengths above MAX_RW_COUNT are cut; addresses are checked once, here. */
static inline int one_buffer(struct iov_iter *it, void __user *buf, size_t n)
{
	if (unlikely((s64)n < 0))
		return -EINVAL;
	if (unlikely(!access_ok(buf, n)))
		return -EFAULT;
	iov_user(it, buf, min(n, MAX_RW_COUNT));
	return 0;
}

/* The descriptor's errors come before the buffer's. */
static s64 bad_buffer(int fd, unsigned mode, int err)
{
	struct fdref r = fdref_get(fd);
	s64 e = !r.f || !(r.f->mode & mode) ? -EBADF : err;
	fdref_put(r);
	return e;
}

s64 sys_read(int fd, void __user *buf, size_t n)
{
	struct iov_iter it;
	int err = one_buffer(&it, buf, n);
	return likely(!err) ? read_at_pos(fd, &it) : bad_buffer(fd, FMODE_READ, err);
}

s64 sys_write(int fd, const void __user *buf, size_t n)
{
	struct iov_iter it;
	int err = one_buffer(&it, (void __user *)buf, n);
	return likely(!err) ? write_at_pos(fd, &it) : bad_buffer(fd, FMODE_WRITE, err);
}

static s64 rw_at(int fd, struct iov_iter *it, s64 pos, bool write)
{
	if (pos < 0)
		return -EINVAL;
	struct fdref r = fdref_get(fd);
	if (unlikely(!r.f))
		return -EBADF;
	u64 at = (u64)pos;
	s64 n;
	if (!(r.f->mode & (write ? FMODE_PWRITE : FMODE_PREAD)))
		n = -ESPIPE;
	else
		n = write ? vfs_write_iter(r.f, it, &at) : vfs_read_iter(r.f, it, &at);
	fdref_put(r);
	return n;
}

s64 sys_pread64(int fd, void __user *buf, size_t n, s64 pos)
{
	struct iov_iter it;
	int err = pos < 0 ? -EINVAL : one_buffer(&it, buf, n);
	return err ? err : rw_at(fd, &it, pos, false);
}

s64 sys_pwrite64(int fd, const void __user *buf, size_t n, s64 pos)
{
	struct iov_iter it;
	int err = pos < 0 ? -EINVAL : one_buffer(&it, (void __user *)buf, n);
	return err ? err : rw_at(fd, &it, pos, true);
}

#define RWF_HIPRI  1
#define RWF_DSYNC  2
#define RWF_SYNC   4
#define RWF_NOWAIT 8
#define RWF_APPEND 16
/* at: -1 for the file position. Not waiting is offered where waiting may be long: by pipes. */
static s64 vector_rw(int fd, const void __user *vec, unsigned long n, s64 at, bool write, int flags)
{
	struct iov_iter it;
	struct iovec *mem;
	struct fdref r = fdref_get(fd);
	int err = !r.f							? -EBADF
		  : (flags & RWF_NOWAIT) && !S_ISFIFO(r.f->inode->mode) ? -EOPNOTSUPP
									: 0;
	fdref_put(r);
	if (err)
		return err;
	ssize_t total = iov_import((const struct iovec __user *)vec, n, &it, &mem);
	if (total < 0)
		return total;
	it.oflags = (flags & RWF_NOWAIT ? O_NONBLOCK : 0) | (flags & RWF_APPEND ? O_APPEND : 0);
	s64 ret = at >= 0 ? rw_at(fd, &it, at, write)
		  : write ? write_at_pos(fd, &it)
			  : read_at_pos(fd, &it);
	kfree(mem);
	return ret;
}

s64 sys_readv(int fd, const void __user *vec, unsigned long n)
{
	return vector_rw(fd, vec, n, -1, false, 0);
}
s64 sys_writev(int fd, const void __user *vec, unsigned long n)
{
	return vector_rw(fd, vec, n, -1, true, 0);
}
s64 sys_preadv(int fd, const void __user *vec, unsigned long n, u64 lo, u64 hi)
{
	return (s64)lo < 0 ? -EINVAL : vector_rw(fd, vec, n, (s64)lo, false, 0);
}
s64 sys_pwritev(int fd, const void __user *vec, unsigned long n, u64 lo, u64 hi)
{
	return (s64)lo < 0 ? -EINVAL : vector_rw(fd, vec, n, (s64)lo, true, 0);
}

s64 sys_preadv2(int fd, const void __user *vec, unsigned long n, u64 lo, u64 hi, int flags)
{
	if (flags & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT))
		return -EOPNOTSUPP;
	if ((s64)lo < -1)
		return -EINVAL;
	return vector_rw(fd, vec, n, (s64)lo, false, flags);
}

s64 sys_pwritev2(int fd, const void __user *vec, unsigned long n, u64 lo, u64 hi, int flags)
{
	if (flags & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND))
		return -EOPNOTSUPP;
	if ((s64)lo < -1)
		return -EINVAL;
	s64 ret = vector_rw(fd, vec, n, (s64)lo, true, flags);
	if (ret > 0 && (flags & (RWF_DSYNC | RWF_SYNC))) {
		struct fdref r = fdref_get(fd);
		int err = r.f ? vfs_fsync(r.f, 0, INT64_MAX, !(flags & RWF_SYNC)) : 0;
		fdref_put(r);
		if (err && err != -EINVAL)
			return err;
	}
	return ret;
}

s64 sys_lseek(int fd, s64 off, int whence)
{
	struct fdref r = fdref_get(fd);
	if (!r.f)
		return -EBADF;
	s64 ret = -EINVAL;
	if ((unsigned)whence > SEEK_HOLE)
		goto out;
	ret = -ESPIPE;
	if (!(r.f->mode & FMODE_LSEEK) || !r.f->ops->llseek)
		goto out;
	bool locked = lock_pos(&r);
	ret = r.f->ops->llseek(r.f, off, whence);
	if (locked)
		mutex_unlock(&r.f->pos_lock);
out:
	fdref_put(r);
	return ret;
}

static s64 do_fsync(int fd, bool datasync)
{
	struct fdref r = fdref_get(fd);
	if (!r.f)
		return -EBADF;
	int err = vfs_fsync(r.f, 0, INT64_MAX, datasync);
	fdref_put(r);
	return err;
}
s64 sys_fsync(int fd)
{
	return do_fsync(fd, false);
}
s64 sys_fdatasync(int fd)
{
	return do_fsync(fd, true);
}

/* ---- from file to file ---- */

ssize_t vfs_copy(struct file *in, u64 *ipos, struct file *out, u64 *opos, size_t n)
{
	size_t chunk = 16 * PAGE_SIZE;
	size_t done = 0;
	ssize_t ret = 0;
	if (n < chunk)
		chunk = max_t(size_t, n, 1);
	char *buf = kmalloc(chunk, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	while (done < n) {
		struct iov_iter it;
		u64 from = ipos ? *ipos : 0;
		iov_kernel(&it, buf, min(n - done, chunk));
		ret = vfs_read_iter(in, &it, ipos);
		if (ret <= 0)
			break;
		size_t got = (size_t)ret;
		iov_kernel(&it, buf, got);
		ret = vfs_write_iter(out, &it, opos);
		if (ret > 0)
			done += (size_t)ret;
		if (ret < (ssize_t)got) { /* what was not written was not read */
			if (ipos)
				*ipos = from + (ret > 0 ? (size_t)ret : 0);
			break;
		}
		if (got < chunk && !S_ISREG(in->inode->mode))
			break;
		if (signal_pending())
			break;
		cond_resched();
	}
	kfree(buf);
	return done ? (ssize_t)done : ret;
}

static u64 *pos_of(struct file *f)
{
	return f->mode & FMODE_STREAM ? NULL : &f->pos;
}

s64 sys_sendfile(int out, int in, s64 __user *uoff, size_t n)
{
	s64 off = 0;
	if (uoff && get_user(off, uoff))
		return -EFAULT;
	struct fdref i = fdref_get(in), o = fdref_get(out);
	s64 ret = -EBADF;
	if (!i.f || !o.f || !(i.f->mode & FMODE_READ) || !(o.f->mode & FMODE_WRITE))
		goto out;
	ret = -ESPIPE;
	if (uoff && !(i.f->mode & FMODE_PREAD))
		goto out;
	ret = -EINVAL;
	if (off < 0 || (o.f->flags & O_APPEND) || S_ISDIR(i.f->inode->mode) || (s64)n < 0)
		goto out;
	if (!S_ISREG(i.f->inode->mode) && !S_ISBLK(i.f->inode->mode) && !S_ISCHR(i.f->inode->mode))
		goto out;
	/* Positions are read before and stored after, without their locks: two of them over a copy that may
	 * block would dead-lock with the copy the other way. */
	u64 *ipos = pos_of(i.f), *opos = pos_of(o.f);
	u64 ip = uoff ? (u64)off : ipos ? READ_ONCE(*ipos) : 0, op = opos ? READ_ONCE(*opos) : 0;
	ret = vfs_copy(i.f, uoff || ipos ? &ip : NULL, o.f, opos ? &op : NULL,
		       min(n, MAX_RW_COUNT));
	if (opos && ret > 0)
		WRITE_ONCE(*opos, op);
	if (!uoff && ipos && ret > 0)
		WRITE_ONCE(*ipos, ip);
	off = (s64)ip;
	if (uoff && put_user(off, uoff))
		ret = -EFAULT;
out:
	fdref_put(i);
	fdref_put(o);
	return ret;
}

s64 sys_copy_file_range(int in, s64 __user *uioff, int out, s64 __user *uooff, size_t n,
			unsigned flags)
{
	s64 ioff = 0, ooff = 0, ret = -EBADF;
	if (flags)
		return -EINVAL;
	struct fdref i = fdref_get(in), o = fdref_get(out);
	if (!i.f || !o.f)
		goto out;
	ret = -EFAULT;
	if ((uioff && get_user(ioff, uioff)) || (uooff && get_user(ooff, uooff)))
		goto out;
	ret = S_ISDIR(i.f->inode->mode) || S_ISDIR(o.f->inode->mode) ? -EISDIR : -EINVAL;
	if (!S_ISREG(i.f->inode->mode) || !S_ISREG(o.f->inode->mode) || ioff < 0 || ooff < 0)
		goto out;
	ret = -EBADF;
	if (!(i.f->mode & FMODE_READ) || !(o.f->mode & FMODE_WRITE) || (o.f->flags & O_APPEND))
		goto out;
	u64 ip = uioff ? (u64)ioff : i.f->pos, op = uooff ? (u64)ooff : o.f->pos;
	n = min(n, MAX_RW_COUNT);
	ret = -EINVAL;
	if (i.f->inode == o.f->inode && ip < op + n && op < ip + n)
		goto out;
	ret = vfs_copy(i.f, &ip, o.f, &op, n);
	if (ret <= 0)
		goto out;
	ioff = (s64)ip;
	ooff = (s64)op;
	if (!uioff)
		i.f->pos = ip;
	else if (put_user(ioff, uioff))
		ret = -EFAULT;
	if (!uooff)
		o.f->pos = op;
	else if (put_user(ooff, uooff))
		ret = -EFAULT;
out:
	fdref_put(i);
	fdref_put(o);
	return ret;
}

/* Advice: the page cache reads ahead by itself; WILLNEED and readahead(2) bring pages in. */
static void bring_in(struct file *f, u64 off, u64 len)
{
	struct mapping *m = f->inode->mapping;
	u64 end = min(off + len, READ_ONCE(f->inode->size));
	if (!m->ops || !m->ops->read_page)
		return;
	for (u64 at = ALIGN_DOWN(off, PAGE_SIZE); at < end && !signal_pending(); at += PAGE_SIZE) {
		struct page *p = mapping_get(m, at >> PAGE_SHIFT, 0);
		if (IS_ERR_OR_NULL(p))
			break;
		page_put(p);
	}
}

s64 sys_fadvise64(int fd, s64 off, size_t len, int advice)
{
	struct fdref r = fdref_get(fd);
	if (!r.f)
		return -EBADF;
	s64 err = S_ISFIFO(r.f->inode->mode) ? -ESPIPE : 0;
	if (!err && ((s64)len < 0 || (unsigned)advice > 5))
		err = -EINVAL;
	if (!err && advice == 3)
		bring_in(r.f, (u64)off, len ? len : (u64)INT64_MAX - (u64)off);
	fdref_put(r);
	return err;
}

s64 sys_readahead(int fd, s64 off, size_t n)
{
	struct fdref r = fdref_get(fd);
	if (!r.f || !(r.f->mode & FMODE_READ)) {
		fdref_put(r);
		return -EBADF;
	}
	s64 err = S_ISREG(r.f->inode->mode) || S_ISBLK(r.f->inode->mode) ? 0 : -EINVAL;
	if (!err && off >= 0)
		bring_in(r.f, (u64)off, min_t(u64, n, MAX_RW_COUNT));
	fdref_put(r);
	return err;
}
