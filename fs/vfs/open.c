/*
 * open(2), openat2(2), creat(2): from a name to a struct file, and truncation.
 *
 * O_CREAT takes the directory's rwsem for writing only when the name is not cached as an existing
 * plain file. Order of errors as in open(2).
 */
#include <alloc/slab.h>
#include <syscall/syscalls.h>
#include <uapi/resource.h>
#include "vfs_priv.h"

#define O_TMPFILE_BIT (O_TMPFILE & ~O_DIRECTORY)
#define O_VALID                                                                                \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_DSYNC | \
	 O_ASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | \
	 O_SYNC | O_PATH | O_TMPFILE_BIT)

static int acc_mode(int flags)
{
	static const u8 of[4] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE};
	return of[flags & O_ACCMODE] | (flags & O_TRUNC ? MAY_WRITE : 0);
}

/* May path be opened so by current? Strips O_TRUNC where it has no meaning. */
static int may_open(const struct path *p, int *flags, bool created)
{
	struct inode *i = p->dentry->inode;
	int acc = created ? 0 : acc_mode(*flags);
	switch (i->mode & S_IFMT) {
	case S_IFLNK:
		return -ELOOP;
	case S_IFDIR:
		if (acc & MAY_WRITE)
			return -EISDIR;
		break;
	case S_IFBLK:
	case S_IFCHR:
		if (p->mnt && (p->mnt->flags & MS_NODEV))
			return -EACCES;
		__fallthrough;
	case S_IFIFO:
	case S_IFSOCK:
		*flags &= ~O_TRUNC;
		break;
	}
	int err = acc ? inode_permission(i, acc) : 0;
	if (err)
		return err;
	if ((*flags & O_NOATIME) && !inode_owner_or_capable(i))
		return -EPERM;
	return 0;
}

/* Fill in f for p (reference consumed on success) and let the file system open it. */
int file_do_open(struct file *f, const struct path *p, int flags)
{
	struct inode *i = p->dentry->inode;
	unsigned acc = (unsigned)flags & O_ACCMODE;
	int err;
	f->inode = i;
	f->flags = (u32)flags & ~(u32)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
	if (flags & O_PATH) {
		f->mode = FMODE_PATH;
		f->path = *p;
		return 0;
	}
	f->mode = acc == O_RDONLY   ? FMODE_READ
		  : acc == O_WRONLY ? FMODE_WRITE
		  : acc == O_RDWR   ? FMODE_READ | FMODE_WRITE
				    : 0;
	f->ops = i->fops;
	if (!f->ops)
		return -ENXIO;
	bool counted = (f->mode & FMODE_WRITE) && (S_ISREG(i->mode) || S_ISBLK(i->mode));
	if (counted) {
		err = inode_write_get(i);
		if (err)
			return err;
		err = S_ISREG(i->mode) ? mount_write_get(p->mnt) : 0;
		if (err) {
			inode_write_put(i);
			return err;
		}
		if (S_ISBLK(i->mode) && p->mnt)
			atomic_inc(&p->mnt->writers);
	}
	if (f->ops->llseek)
		f->mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	f->path = *p;
	err = f->ops->open ? f->ops->open(i, f) : 0;
	if (!err && (flags & O_DIRECT) && S_ISDIR(i->mode))
		err = -EINVAL;
	if (err) {
		if (counted) {
			inode_write_put(i);
			mount_write_put(p->mnt);
		}
		f->path.mnt = NULL;
		f->path.dentry = NULL;
		return err;
	}
	if (!f->ops->llseek && !(f->mode & FMODE_LSEEK))
		f->mode |= FMODE_STREAM;
	return 0;
}

/* O_TRUNC of a file that is open; also with O_RDONLY, which does not count as a writer. */
static int open_truncate(struct file *f)
{
	struct inode *i = f->inode;
	int err = inode_write_get(i);
	if (err)
		return err;
	err = vfs_truncate_inode(i, 0, true);
	inode_write_put(i);
	return err;
}

/* The last steps, p's reference consumed. */
static struct file *open_finish(struct path *p, int flags, bool created)
{
	struct inode *i = p->dentry->inode;
	int err = flags & O_PATH ? 0 : may_open(p, &flags, created);
	if (!err && (flags & O_TRUNC) && mount_readonly(p->mnt))
		err = -EROFS;
	if (err) {
		path_put(p);
		return ERR_PTR(err);
	}
	struct file *f = file_alloc();
	if (!f) {
		path_put(p);
		return ERR_PTR(-ENOMEM);
	}
	err = file_do_open(f, p, flags);
	if (err) {
		path_put(p);
		file_free(f);
		return ERR_PTR(err);
	}
	if ((flags & O_TRUNC) && !created && S_ISREG(i->mode)) {
		err = open_truncate(f);
		if (err) {
			file_put(f);
			return ERR_PTR(err);
		}
	}
	return f;
}

/* O_CREAT's last component. 0: w->path is the file; 1: another round (a symlink); *created. */
static int create_last(struct walk *w, int flags, mode_t mode, bool *created)
{
	struct dentry *parent = w->path.dentry, *d;
	struct inode *dir = parent->inode;
	int err, ro = 1;
	if (w->last_type == LAST_JUMP)
		return flags & O_EXCL ? -EEXIST : 0;
	if (w->last_type != LAST_NORM || w->must_dir)
		return -EISDIR;
	d = flags & O_EXCL || (dir->sb->ops && dir->sb->ops->revalidate)
		    ? NULL
		    : dcache_find(parent, w->last, w->last_len, w->last_hash);
	if (!d || !d->inode) {
		if (d)
			dentry_put(d);
		err = inode_permission(dir, MAY_EXEC);
		if (err)
			return err;
		ro = mount_write_get(w->path.mnt);
		down_write(&dir->rwsem);
		d = walk_lookup_last(w);
		err = IS_ERR(d) ? (int)PTR_ERR(d) : 0;
		if (!err && !d->inode) {
			err = ro;
			if (!err)
				err = vfs_create_locked(
					&w->path, d,
					(mode & 07777 & ~current_fs()->umask) | S_IFREG, 0);
			*created = !err;
		} else if (!err && (flags & O_EXCL)) {
			err = -EEXIST;
		}
		up_write(&dir->rwsem);
		if (!ro)
			mount_write_put(w->path.mnt);
		if (err) {
			if (!IS_ERR(d))
				dentry_put(d);
			return err;
		}
	} else {
		err = inode_permission(dir, MAY_EXEC);
		if (err) {
			dentry_put(d);
			return err;
		}
	}
	if (S_ISLNK(d->inode->mode)) {
		if (flags & O_NOFOLLOW) {
			dentry_put(d);
			return -ELOOP;
		}
		err = walk_follow_last(w, d);
		return err ? err : 1;
	}
	struct path p = {w->path.mnt, d};
	mount_get(p.mnt);
	path_cross_mounts(&p);
	bool crossed = p.mnt != w->path.mnt;
	path_put(&w->path);
	w->path = p;
	if (crossed && (w->flags & LOOKUP_NO_XDEV))
		return -EXDEV;
	return S_ISDIR(p.dentry->inode->mode) ? -EISDIR : 0;
}

static struct file *open_tmpfile(struct path *dirp, int flags, mode_t mode)
{
	struct inode *dir = dirp->dentry->inode;
	int err = S_ISDIR(dir->mode) ? 0 : -ENOTDIR;
	if (!err)
		err = mount_write_get(dirp->mnt);
	if (err)
		return ERR_PTR(err);
	struct dentry *d = NULL;
	err = inode_permission(dir, MAY_WRITE | MAY_EXEC);
	if (!err && !dir->ops->tmpfile)
		err = -EOPNOTSUPP;
	if (!err) {
		d = dentry_alloc(dirp->dentry, dir->sb, "", 0, 0);
		err = d ? 0 : -ENOMEM;
	}
	if (!err)
		err = dir->ops->tmpfile(dir, d, (mode & 07777 & ~current_fs()->umask) | S_IFREG);
	mount_write_put(dirp->mnt);
	if (err) {
		if (d)
			dentry_put(d);
		return ERR_PTR(err);
	}
	char name[24];
	snprintf(name, sizeof(name), "#%lu", (unsigned long)d->inode->ino);
	str_copy(d->inline_name, name, sizeof(d->inline_name) - 1);
	d->name_len = (u16)strlen(d->inline_name);
	if (!(flags & O_EXCL))
		d->inode->flags |= INODE_LINKABLE;
	struct path p = {dirp->mnt, d};
	mount_get(p.mnt);
	return open_finish(&p, flags, true);
}

static int check_flags(int *flags)
{
	int f = *flags & O_VALID;
	if (f & O_PATH) {
		f &= O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC;
	} else if (f & O_TMPFILE_BIT) {
		if ((f & O_TMPFILE) != O_TMPFILE || !(acc_mode(f & O_ACCMODE) & MAY_WRITE) ||
		    (f & O_CREAT))
			return -EINVAL;
	} else if ((f & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY)) {
		return -EINVAL;
	}
	*flags = f;
	return 0;
}

/* rules: LOOKUP_RESOLVE of openat2's resolve, or 0. */
static struct file *open_with(int dirfd, const char *name, int flags, mode_t mode, unsigned rules)
{
	struct walk w;
	struct path p;
	struct file *f;
	bool created = false;
	int err = check_flags(&flags);
	if (err)
		return ERR_PTR(err);
	unsigned lookup = rules | (flags & O_NOFOLLOW ? 0 : LOOKUP_FOLLOW);
	if (flags & O_DIRECTORY)
		lookup |= LOOKUP_DIRECTORY;
	if (!(flags & O_CREAT)) {
		err = walk_begin(&w, dirfd, name, lookup);
	} else {
		err = walk_begin(&w, dirfd, name, rules | LOOKUP_PARENT);
		while (!err) {
			err = create_last(&w, flags, mode, &created);
			if (err <= 0)
				break;
			err = 0;
		}
	}
	if (err) {
		f = ERR_PTR(err);
	} else {
		walk_take(&w, &p);
		if (flags & O_TMPFILE_BIT) {
			f = open_tmpfile(&p, flags & ~O_TMPFILE, mode);
			path_put(&p);
		} else {
			f = open_finish(&p, flags, created);
		}
	}
	walk_end(&w);
	return f;
}

struct file *file_open(int dirfd, const char *name, int flags, mode_t mode)
{
	return open_with(dirfd, name, flags, mode, 0);
}

struct file *file_open_path(const struct path *p, int flags)
{
	struct path q = *p;
	path_get(&q);
	return open_finish(&q, flags, false);
}

struct file *file_open_exec(const struct path *p)
{
	struct path q = *p;
	if (!S_ISREG(p->dentry->inode->mode))
		return ERR_PTR(-EACCES);
	struct file *f = file_alloc();
	if (!f)
		return ERR_PTR(-ENOMEM);
	path_get(&q);
	int err = file_do_open(f, &q, O_RDONLY);
	if (err) {
		path_put(&q);
		file_free(f);
		return ERR_PTR(err);
	}
	err = file_deny_write(f);
	if (err) {
		file_put(f);
		return ERR_PTR(err);
	}
	f->mode |= FMODE_EXEC;
	return f;
}

static s64 open_fd(int dfd, const char __user *path, int flags, mode_t mode, unsigned rules)
{
	struct name_buf n;
	int err = name_get(&n, path, false);
	if (err < 0)
		return err;
	int fd = fd_reserve(0, flags);
	if (fd >= 0) {
		struct file *f = open_with(dfd, n.s, flags, mode, rules);
		if (IS_ERR(f)) {
			fd_release((unsigned)fd);
			fd = (int)PTR_ERR(f);
		} else {
			fd_install((unsigned)fd, f);
		}
	}
	name_put(&n);
	return fd;
}

s64 sys_openat(int dfd, const char __user *path, int flags, mode_t mode)
{
	return open_fd(dfd, path, flags, mode, 0);
}

s64 sys_open(const char __user *path, int flags, mode_t mode)
{
	return sys_openat(AT_FDCWD, path, flags, mode);
}

s64 sys_creat(const char __user *path, mode_t mode)
{
	return sys_openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* openat2(2): stricter about flags, and rules about the way. */
s64 sys_openat2(int dfd, const char __user *path, void __user *uhow, size_t sz)
{
	struct {
		u64 flags, mode, resolve;
	} how;
	if (sz < sizeof(how))
		return -EINVAL;
	if (sz > PAGE_SIZE)
		return -E2BIG;
	if (copy_in(&how, uhow, sizeof(how)))
		return -EFAULT;
	for (size_t n = sizeof(how); n < sz; n++) {
		u8 b;
		if (get_user(b, (u8 __user *)uhow + n))
			return -EFAULT;
		if (b)
			return -E2BIG;
	}
	if ((how.flags & ~(u64)O_VALID) || (how.mode & ~07777ul) ||
	    (how.mode && !(how.flags & (O_CREAT | O_TMPFILE_BIT))))
		return -EINVAL;
	if ((how.flags & O_PATH) &&
	    (how.flags & ~(u64)(O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC)))
		return -EINVAL;
	unsigned rules = LOOKUP_RESOLVE(how.resolve);
	if ((how.resolve & ~0x3ful) ||
	    (rules & (LOOKUP_BENEATH | LOOKUP_IN_ROOT)) == (LOOKUP_BENEATH | LOOKUP_IN_ROOT))
		return -EINVAL;
	if ((rules & LOOKUP_CACHED) && (how.flags & (O_TRUNC | O_CREAT | O_TMPFILE_BIT)))
		return -EAGAIN;
	if (rules & LOOKUP_NO_SYMLINKS)
		rules |= LOOKUP_NO_MAGICLINKS;
	return open_fd(dfd, path, (int)how.flags, (mode_t)how.mode, rules);
}

/* ---- sizes ---- */

int vfs_truncate_inode(struct inode *i, u64 size, bool opened)
{
	struct iattr a = {.valid = ATTR_SIZE | ATTR_MTIME, .size = size, .mtime = current_time()};
	if (size > i->size && size > vfs_rlimit(RLIMIT_FSIZE)) {
		(void)signal_send_thread(current, SIGXFSZ, NULL);
		return -EFBIG;
	}
	if (size > i->sb->max_size)
		return -EFBIG;
	down_write(&i->rwsem);
	/* Losing the set-id bits: as a write would. */
	if ((i->mode & (S_ISUID | S_ISGID)) && !capable(CAP_FSETID)) {
		a.valid |= ATTR_MODE;
		a.mode = i->mode & ~S_ISUID;
		if (i->mode & 0010)
			a.mode &= ~S_ISGID;
	}
	int err = inode_setattr(i, &a);
	up_write(&i->rwsem);
	return err;
}

s64 sys_truncate(const char __user *path, s64 len)
{
	struct path p;
	if (len < 0)
		return -EINVAL;
	int err = path_lookup_user(AT_FDCWD, path, LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	struct inode *i = p.dentry->inode;
	err = S_ISDIR(i->mode) ? -EISDIR : S_ISREG(i->mode) ? 0 : -EINVAL;
	if (err)
		goto out;
	err = mount_write_get(p.mnt);
	if (err)
		goto out;
	err = inode_permission(i, MAY_WRITE);
	if (!err)
		err = inode_write_get(i);
	if (!err) {
		err = vfs_truncate_inode(i, (u64)len, false);
		inode_write_put(i);
	}
	mount_write_put(p.mnt);
out:
	path_put(&p);
	return err;
}

s64 sys_ftruncate(int fd, s64 len)
{
	if (len < 0)
		return -EINVAL;
	struct fdref r = fdref_get(fd);
	if (!r.f)
		return -EBADF;
	s64 err = -EINVAL;
	if (S_ISREG(r.f->inode->mode) && (r.f->mode & FMODE_WRITE))
		err = vfs_truncate_inode(r.f->inode, (u64)len, true);
	fdref_put(r);
	return err;
}

#define FALLOC_FL_KEEP_SIZE  1
#define FALLOC_FL_PUNCH_HOLE 2
#define FALLOC_FL_ZERO_RANGE 16
s64 sys_fallocate(int fd, int mode, s64 off, s64 len)
{
	struct fdref r = fdref_get(fd);
	struct file *f = r.f;
	if (!f)
		return -EBADF;
	struct inode *i = f->inode;
	s64 err = -EINVAL;
	if (off < 0 || len <= 0)
		goto out;
	err = -EOPNOTSUPP;
	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		goto out;
	if ((mode & FALLOC_FL_PUNCH_HOLE) &&
	    (!(mode & FALLOC_FL_KEEP_SIZE) || (mode & FALLOC_FL_ZERO_RANGE)))
		goto out;
	err = -EBADF;
	if (!(f->mode & FMODE_WRITE))
		goto out;
	err = S_ISFIFO(i->mode) ? -ESPIPE : S_ISDIR(i->mode) ? -EISDIR : -ENODEV;
	if (!S_ISREG(i->mode) && !S_ISBLK(i->mode))
		goto out;
	err = -EFBIG;
	if (len > INT64_MAX - off || (u64)(off + len) > i->sb->max_size)
		goto out;
	if (!(mode & FALLOC_FL_KEEP_SIZE) && (u64)(off + len) > vfs_rlimit(RLIMIT_FSIZE)) {
		(void)signal_send_thread(current, SIGXFSZ, NULL);
		goto out;
	}
	err = f->ops->fallocate ? f->ops->fallocate(f, mode, (u64)off, (u64)len) : -EOPNOTSUPP;
out:
	fdref_put(r);
	return err;
}
