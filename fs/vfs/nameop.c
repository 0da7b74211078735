/*
 * Operations on names: mknod, mkdir, symlink, link, unlink, rmdir, rename, with the checks and the
 * order of errors of their manual pages (section 2).
 *
 * Locks: the parent's rwsem for writing around lookup and change, then the victim's (whose link count
 * changes). rename takes rename_mutex when it moves between directories, then the parents, ancestor
 * first, then the victims by address.
 */
#include <alloc/slab.h>
#include <syscall/syscalls.h>
#include "vfs_priv.h"

static DEFINE_MUTEX(rename_mutex);

int may_create(struct inode *dir, struct dentry *d)
{
	if (d->inode)
		return -EEXIST;
	if (!dir->nlink)
		return -ENOENT;
	return inode_permission(dir, MAY_WRITE | MAY_EXEC);
}

int may_delete(struct inode *dir, struct dentry *d, bool isdir)
{
	struct inode *v = d->inode;
	if (!v)
		return -ENOENT;
	int err = inode_permission(dir, MAY_WRITE | MAY_EXEC);
	if (err)
		return err;
	uid_t me = current_cred()->fsuid;
	if ((dir->mode & S_ISVTX) && v->uid != me && dir->uid != me && !capable(CAP_FOWNER))
		return -EPERM;
	if (isdir) {
		if (!S_ISDIR(v->mode))
			return -ENOTDIR;
		if (d->parent == d)
			return -EBUSY;
	} else if (S_ISDIR(v->mode)) {
		return -EISDIR;
	}
	return 0;
}

/* dir's rwsem held for writing, d negative. S_IFMT of mode says what. */
int vfs_create_locked(struct path *dirp, struct dentry *d, mode_t mode, dev_t rdev)
{
	struct inode *dir = dirp->dentry->inode;
	int err = may_create(dir, d);
	if (err)
		return err;
	if (S_ISDIR(mode))
		return dir->ops->mkdir ? dir->ops->mkdir(dir, d, mode) : -EPERM;
	return dir->ops->create ? dir->ops->create(dir, d, mode, rdev) : -EACCES;
}

/* Walk to the parent of a name about to be made, lock it, look the name up: a counted negative dentry
 * or ERR_PTR. On success create_end undoes all of it. */
static struct dentry *create_begin(struct walk *w, int dirfd, const char *name, bool isdir)
	__no_lock_check /* the directory stays locked unless an error comes back */
{
	int err = walk_begin(w, dirfd, name, LOOKUP_PARENT);
	struct dentry *d;
	if (err)
		goto fail;
	err = -EEXIST;
	if (w->last_type != LAST_NORM)
		goto fail;
	int ro = mount_write_get(w->path.mnt);
	struct inode *dir = w->path.dentry->inode;
	down_write(&dir->rwsem);
	d = walk_lookup_last(w);
	if (IS_ERR(d)) {
		err = (int)PTR_ERR(d);
		goto fail_locked;
	}
	if (d->inode)
		err = -EEXIST;
	else if (!isdir && w->must_dir)
		err = -ENOENT;
	else
		err = ro;
	if (!err)
		return d;
	dentry_put(d);
fail_locked:
	up_write(&dir->rwsem);
	if (!ro)
		mount_write_put(w->path.mnt);
fail:
	walk_end(w);
	return ERR_PTR(err);
}

static void create_end(struct walk *w, struct dentry *d) __no_lock_check
{
	up_write(&w->path.dentry->inode->rwsem);
	dentry_put(d);
	mount_write_put(w->path.mnt);
	walk_end(w);
}

int vfs_mknod(int dirfd, const char *name, mode_t mode, dev_t dev)
{
	struct walk w;
	mode &= S_IFMT | 07777;
	if (!(mode & S_IFMT))
		mode |= S_IFREG;
	if (S_ISDIR(mode))
		return -EPERM;
	if (!S_ISREG(mode) && !S_ISCHR(mode) && !S_ISBLK(mode) && !S_ISFIFO(mode) &&
	    !S_ISSOCK(mode))
		return -EINVAL;
	struct dentry *d = create_begin(&w, dirfd, name, false);
	if (IS_ERR(d))
		return (int)PTR_ERR(d);
	mode &= ~current_fs()->umask;
	int err = -EPERM;
	if ((!S_ISCHR(mode) && !S_ISBLK(mode)) || capable(CAP_MKNOD))
		err = vfs_create_locked(&w.path, d, mode, dev);
	create_end(&w, d);
	return err;
}

int vfs_mkdir(int dirfd, const char *name, mode_t mode)
{
	struct walk w;
	struct dentry *d = create_begin(&w, dirfd, name, true);
	if (IS_ERR(d))
		return (int)PTR_ERR(d);
	mode = (mode & 01777 & ~current_fs()->umask) | S_IFDIR;
	int err = vfs_create_locked(&w.path, d, mode, 0);
	create_end(&w, d);
	return err;
}

int vfs_symlink(const char *target, int dirfd, const char *name)
{
	struct walk w;
	struct dentry *d = create_begin(&w, dirfd, name, false);
	if (IS_ERR(d))
		return (int)PTR_ERR(d);
	struct inode *dir = w.path.dentry->inode;
	int err = may_create(dir, d);
	if (!err)
		err = dir->ops->symlink ? dir->ops->symlink(dir, d, target) : -EPERM;
	create_end(&w, d);
	return err;
}

static int remove_locked(struct inode *dir, struct dentry *d, bool isdir)
{
	struct inode *v = d->inode;
	int err = may_delete(dir, d, isdir);
	if (err)
		return err;
	if (isdir ? !dir->ops->rmdir : !dir->ops->unlink)
		return -EPERM;
	inode_get(v); /* outlives the lock */
	down_write_nested(&v->rwsem, INODE_CHILD);
	if (dentry_is_mountpoint(d))
		err = -EBUSY;
	else
		err = isdir ? dir->ops->rmdir(dir, d) : dir->ops->unlink(dir, d);
	up_write(&v->rwsem);
	if (!err) {
		if (isdir)
			dentry_prune(d);
		dentry_delete(d);
	}
	inode_put(v);
	return err;
}

static int do_remove(int dirfd, const char *name, bool isdir)
{
	struct walk w;
	int err = walk_begin(&w, dirfd, name, LOOKUP_PARENT);
	if (err)
		goto out;
	if (w.last_type != LAST_NORM) {
		err = -EISDIR;
		if (isdir)
			err = w.last_type == LAST_DOTDOT ? -ENOTEMPTY
			      : w.last_type == LAST_DOT	 ? -EINVAL
							 : -EBUSY;
		goto out;
	}
	err = mount_write_get(w.path.mnt);
	if (err)
		goto out;
	struct inode *dir = w.path.dentry->inode;
	down_write(&dir->rwsem);
	struct dentry *d = walk_lookup_last(&w);
	if (IS_ERR(d)) {
		err = (int)PTR_ERR(d);
	} else {
		if (!d->inode)
			err = -ENOENT;
		else if (!isdir && w.must_dir)
			err = S_ISDIR(d->inode->mode) ? -EISDIR : -ENOTDIR;
		else
			err = remove_locked(dir, d, isdir);
	}
	up_write(&dir->rwsem);
	if (!IS_ERR(d))
		dentry_put(d); /* may end the inode: not under the lock */
	mount_write_put(w.path.mnt);
out:
	walk_end(&w);
	return err;
}

int vfs_unlink(int dirfd, const char *name, int flags)
{
	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	return do_remove(dirfd, name, flags & AT_REMOVEDIR);
}

int vfs_link(int odfd, const char *old, int ndfd, const char *new, int flags)
{
	struct walk w;
	struct path p;
	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if ((flags & AT_EMPTY_PATH) && !capable(CAP_DAC_READ_SEARCH))
		return -ENOENT;
	int err = path_lookup(odfd, old,
			      (flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0) |
				      (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0),
			      &p);
	if (err)
		return err;
	struct dentry *d = create_begin(&w, ndfd, new, false);
	if (IS_ERR(d)) {
		err = (int)PTR_ERR(d);
		goto out;
	}
	struct inode *dir = w.path.dentry->inode, *i = p.dentry->inode;
	err = -EXDEV;
	if (p.mnt != w.path.mnt)
		goto out_end;
	err = may_create(dir, d);
	if (err)
		goto out_end;
	err = -EPERM;
	if (S_ISDIR(i->mode) || !dir->ops->link)
		goto out_end;
	down_write_nested(&i->rwsem, INODE_CHILD);
	if (!i->nlink && !(i->flags & INODE_LINKABLE))
		err = -ENOENT;
	else
		err = dir->ops->link(dir, d, i);
	up_write(&i->rwsem);
out_end:
	create_end(&w, d);
out:
	path_put(&p);
	return err;
}

/* ---- rename ---- */

/* Both parents locked, the ancestor first. They may be one, which the analysis cannot follow. */
static void lock_parents(struct dentry *a, struct dentry *b) __no_lock_check
{
	if (a == b) {
		down_write(&a->inode->rwsem);
		return;
	}
	mutex_lock(&rename_mutex);
	if (dentry_is_ancestor(b, a)) {
		struct dentry *t = a;
		a = b;
		b = t;
	}
	down_write(&a->inode->rwsem);
	down_write_nested(&b->inode->rwsem, INODE_PARENT2);
}

static void unlock_parents(struct dentry *a, struct dentry *b) __no_lock_check
{
	up_write(&a->inode->rwsem);
	if (a != b) {
		up_write(&b->inode->rwsem);
		mutex_unlock(&rename_mutex);
	}
}

/* By address; b may be NULL or a. */
static void lock_two(struct inode *a, struct inode *b) __no_lock_check
{
	if (b && (uintptr_t)b < (uintptr_t)a) {
		struct inode *t = a;
		a = b;
		b = t;
	}
	down_write_nested(&a->rwsem, INODE_CHILD);
	if (b && b != a)
		down_write_nested(&b->rwsem, INODE_CHILD2);
}

static void unlock_two(struct inode *a, struct inode *b) __no_lock_check
{
	if (b && b != a)
		up_write(&b->rwsem);
	up_write(&a->rwsem);
}

static int rename_locked(struct inode *odir, struct dentry *od, struct inode *ndir,
			 struct dentry *nd, unsigned flags)
{
	struct inode *src = od->inode, *dst = nd->inode;
	bool isdir = S_ISDIR(src->mode);
	if (src == dst)
		return 0; /* two links to one file */
	int err = may_delete(odir, od, isdir);
	if (err)
		return err;
	if (!dst)
		err = may_create(ndir, nd);
	else if (flags & RENAME_EXCHANGE)
		err = may_delete(ndir, nd, S_ISDIR(dst->mode));
	else
		err = may_delete(ndir, nd, isdir);
	if (err)
		return err;
	if (!odir->ops->rename)
		return -EPERM;
	if (odir != ndir) { /* ".." changes */
		if (isdir)
			err = inode_permission(src, MAY_WRITE);
		if (!err && (flags & RENAME_EXCHANGE) && S_ISDIR(dst->mode))
			err = inode_permission(dst, MAY_WRITE);
		if (err)
			return err;
	}
	if (dst)
		inode_get(dst);
	lock_two(src, dst);
	if (dentry_is_mountpoint(od) || dentry_is_mountpoint(nd))
		err = -EBUSY;
	else
		err = odir->ops->rename(odir, od, ndir, nd, flags);
	unlock_two(src, dst);
	if (!err) {
		if (flags & RENAME_EXCHANGE) {
			dentry_exchange(od, nd);
		} else {
			if (dst && isdir)
				dentry_prune(nd);
			dentry_move(od, nd);
		}
	}
	if (dst)
		inode_put(dst);
	return err;
}

static int rename_lookup(struct walk *ow, struct walk *nw, struct dentry **od, struct dentry **nd,
			 unsigned flags)
{
	*nd = NULL;
	*od = walk_lookup_last(ow);
	if (IS_ERR(*od)) {
		int err = (int)PTR_ERR(*od);
		*od = NULL;
		return err;
	}
	if (!(*od)->inode)
		return -ENOENT;
	*nd = walk_lookup_last(nw);
	if (IS_ERR(*nd)) {
		int err = (int)PTR_ERR(*nd);
		*nd = NULL;
		return err;
	}
	struct inode *src = (*od)->inode, *dst = (*nd)->inode;
	if ((flags & RENAME_NOREPLACE) && dst)
		return -EEXIST;
	if (flags & RENAME_EXCHANGE) {
		if (!dst)
			return -ENOENT;
		if (!S_ISDIR(dst->mode) && nw->must_dir)
			return -ENOTDIR;
	}
	if (!S_ISDIR(src->mode)) {
		if (ow->must_dir || (!(flags & RENAME_EXCHANGE) && nw->must_dir))
			return -ENOTDIR;
	}
	/* Nothing may become its own descendant; a non-empty ancestor cannot be replaced. Inside one
	 * directory neither can be, and without rename_mutex the way up does not stand still. */
	if (ow->path.dentry == nw->path.dentry)
		return 0;
	if (dentry_is_ancestor(*od, nw->path.dentry))
		return -EINVAL;
	if (dentry_is_ancestor(*nd, ow->path.dentry))
		return flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	return 0;
}

int vfs_rename(int odfd, const char *old, int ndfd, const char *new, unsigned flags)
{
	struct walk *w; /* two walkers are too much for the stack */
	struct dentry *od, *nd;
	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
	    (flags & (RENAME_NOREPLACE | RENAME_EXCHANGE)) == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	w = kmalloc(2 * sizeof(*w), GFP_KERNEL);
	if (!w)
		return -ENOMEM;
	int err = walk_begin(&w[0], odfd, old, LOOKUP_PARENT);
	if (err)
		goto out_old;
	err = walk_begin(&w[1], ndfd, new, LOOKUP_PARENT);
	if (err)
		goto out;
	err = -EXDEV;
	if (w[0].path.mnt != w[1].path.mnt)
		goto out;
	err = -EBUSY;
	if (w[0].last_type != LAST_NORM)
		goto out;
	if (flags & RENAME_NOREPLACE)
		err = -EEXIST;
	if (w[1].last_type != LAST_NORM)
		goto out;
	err = mount_write_get(w[0].path.mnt);
	if (err)
		goto out;
	struct dentry *op = w[0].path.dentry, *np = w[1].path.dentry;
	lock_parents(op, np);
	err = rename_lookup(&w[0], &w[1], &od, &nd, flags);
	if (!err)
		err = rename_locked(op->inode, od, np->inode, nd, flags);
	unlock_parents(op, np);
	if (nd)
		dentry_put(nd);
	if (od)
		dentry_put(od);
	mount_write_put(w[0].path.mnt);
out:
	walk_end(&w[1]);
out_old:
	walk_end(&w[0]);
	kfree(w);
	return err;
}

/* ---- system calls ---- */

s64 sys_mknodat(int dfd, const char __user *path, mode_t mode, unsigned dev)
{
	struct name_buf n;
	/* mknod(2) passes the old 32-bit form: 12 bits major, 8 + 12 bits minor. */
	dev_t d = (dev & 0xfff00u) >> 8 << 20 | (dev & 0xff) | (dev >> 12 & 0xfff00);
	int err = name_get(&n, path, false);
	if (err < 0)
		return err;
	err = vfs_mknod(dfd, n.s, mode, d);
	name_put(&n);
	return err;
}
s64 sys_mknod(const char __user *path, mode_t mode, unsigned dev)
{
	return sys_mknodat(AT_FDCWD, path, mode, dev);
}

s64 sys_mkdirat(int dfd, const char __user *path, mode_t mode)
{
	struct name_buf n;
	int err = name_get(&n, path, false);
	if (err < 0)
		return err;
	err = vfs_mkdir(dfd, n.s, mode);
	name_put(&n);
	return err;
}
s64 sys_mkdir(const char __user *path, mode_t mode)
{
	return sys_mkdirat(AT_FDCWD, path, mode);
}

s64 sys_unlinkat(int dfd, const char __user *path, int flags)
{
	struct name_buf n;
	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	int err = name_get(&n, path, false);
	if (err < 0)
		return err;
	err = vfs_unlink(dfd, n.s, flags);
	name_put(&n);
	return err;
}
s64 sys_unlink(const char __user *path)
{
	return sys_unlinkat(AT_FDCWD, path, 0);
}
s64 sys_rmdir(const char __user *path)
{
	return sys_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

s64 sys_symlinkat(const char __user *target, int dfd, const char __user *path)
{
	struct name_buf t, n;
	int err = name_get(&t, target, false);
	if (err < 0)
		return err;
	err = name_get(&n, path, false);
	if (err >= 0) {
		err = vfs_symlink(t.s, dfd, n.s);
		name_put(&n);
	}
	name_put(&t);
	return err;
}
s64 sys_symlink(const char __user *target, const char __user *path)
{
	return sys_symlinkat(target, AT_FDCWD, path);
}

s64 sys_linkat(int odfd, const char __user *old, int ndfd, const char __user *new, int flags)
{
	struct name_buf o, n;
	int err = name_get(&o, old, flags & AT_EMPTY_PATH);
	if (err < 0)
		return err;
	err = name_get(&n, new, false);
	if (err >= 0) {
		err = vfs_link(odfd, o.s, ndfd, n.s, flags);
		name_put(&n);
	}
	name_put(&o);
	return err;
}
s64 sys_link(const char __user *old, const char __user *new)
{
	return sys_linkat(AT_FDCWD, old, AT_FDCWD, new, 0);
}

s64 sys_renameat2(int odfd, const char __user *old, int ndfd, const char __user *new,
		  unsigned flags)
{
	struct name_buf o, n;
	int err = name_get(&o, old, false);
	if (err < 0)
		return err;
	err = name_get(&n, new, false);
	if (err >= 0) {
		err = vfs_rename(odfd, o.s, ndfd, n.s, flags);
		name_put(&n);
	}
	name_put(&o);
	return err;
}
s64 sys_renameat(int odfd, const char __user *old, int ndfd, const char __user *new)
{
	return sys_renameat2(odfd, old, ndfd, new, 0);
}
s64 sys_rename(const char __user *old, const char __user *new)
{
	return sys_renameat2(AT_FDCWD, old, AT_FDCWD, new, 0);
}
