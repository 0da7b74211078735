/*
 * stat(2), statx(2), statfs(2), readlink(2), access(2): what is said about files.
 */
#include <alloc/slab.h>
#include <fs/dev.h>
#include <syscall/syscalls.h>
#include "vfs_priv.h"

/* The kernel's form (12 bits major above 20 bits minor) and stat(2)'s 64-bit form. */
u64 dev_encode(dev_t d)
{
	u64 ma = MAJOR(d), mi = MINOR(d);
	return (mi & 0xff) | (ma & 0xfff) << 8 | (mi & ~0xfful) << 12;
}

dev_t dev_decode(u64 v)
{
	return MKDEV(v >> 8 & 0xfff, (v & 0xff) | (v >> 12 & 0xfff00));
}

static int path_kstat(const struct path *p, struct kstat *st)
{
	struct inode *i = p->dentry->inode;
	inode_fill_kstat(i, st);
	if (unlikely(i->ops && i->ops->getattr)) {
		int err = i->ops->getattr(i, st);
		if (err)
			return err;
	}
	st->mnt_id = p->mnt ? p->mnt->id : 0;
	return 0;
}

static int put_stat(const struct kstat *k, struct stat __user *u)
{
	struct stat st = {
		.st_dev = dev_encode((dev_t)k->dev),
		.st_ino = k->ino,
		.st_nlink = k->nlink,
		.st_mode = k->mode,
		.st_uid = k->uid,
		.st_gid = k->gid,
		.st_rdev = dev_encode(k->rdev),
		.st_size = (s64)k->size,
		.st_blksize = k->blksize,
		.st_blocks = (s64)k->blocks,
		.st_atim = k->atime,
		.st_mtim = k->mtime,
		.st_ctim = k->ctime,
	};
	return copy_out(u, &st, sizeof(st));
}

/* An empty name with AT_EMPTY_PATH on an open file needs no walk. */
static int kstat_at(int dfd, const char __user *path, int flags, struct kstat *k)
{
	struct path p;
	unsigned lookup = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	if (flags & AT_EMPTY_PATH) {
		char first = 0;
		if (!path || (!get_user(first, path) && !first)) {
			if (dfd >= 0) {
				struct fdref r = fdref_get_raw(dfd);
				if (!r.f)
					return -EBADF;
				int err = path_kstat(&r.f->path, k);
				fdref_put(r);
				return err;
			}
		}
		lookup |= LOOKUP_EMPTY;
	}
	int err = path_lookup_user(dfd, path, lookup, &p);
	if (err)
		return err;
	err = path_kstat(&p, k);
	path_put(&p);
	return err;
}

s64 sys_newfstatat(int dfd, const char __user *path, struct stat __user *st, int flags)
{
	struct kstat k;
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
		return -EINVAL;
	int err = kstat_at(dfd, path, flags, &k);
	return err ? err : put_stat(&k, st);
}

s64 sys_stat(const char __user *path, struct stat __user *st)
{
	struct kstat k;
	int err = kstat_at(AT_FDCWD, path, 0, &k);
	return err ? err : put_stat(&k, st);
}

s64 sys_lstat(const char __user *path, struct stat __user *st)
{
	struct kstat k;
	int err = kstat_at(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &k);
	return err ? err : put_stat(&k, st);
}

s64 sys_fstat(int fd, struct stat __user *st)
{
	struct kstat k;
	struct fdref r = fdref_get_raw(fd);
	if (!r.f)
		return -EBADF;
	int err = path_kstat(&r.f->path, &k);
	fdref_put(r);
	return err ? err : put_stat(&k, st);
}

#define STATX_BASIC_STATS     0x7ffu
#define STATX_BTIME	      0x800u
#define STATX_MNT_ID	      0x1000u
#define STATX__RESERVED	      0x80000000u
#define STATX_ATTR_MOUNT_ROOT 0x2000u

static struct statx_timestamp sxt(const struct timespec *t)
{
	return (struct statx_timestamp){.tv_sec = t->tv_sec, .tv_nsec = (u32)t->tv_nsec};
}

s64 sys_statx(int dfd, const char __user *path, unsigned flags, unsigned mask,
	      struct statx __user *u)
{
	struct kstat k;
	if (flags & ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH |
				AT_STATX_SYNC_TYPE) ||
	    (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE || (mask & STATX__RESERVED))
		return -EINVAL;
	int err = kstat_at(dfd, path, (int)flags, &k);
	if (err)
		return err;
	struct statx s = {
		.stx_mask = STATX_BASIC_STATS | STATX_MNT_ID | (k.has_btime ? STATX_BTIME : 0),
		.stx_blksize = k.blksize,
		.stx_attributes = k.attributes,
		.stx_attributes_mask = k.attributes_mask,
		.stx_nlink = (u32)k.nlink,
		.stx_uid = k.uid,
		.stx_gid = k.gid,
		.stx_mode = (u16)k.mode,
		.stx_ino = k.ino,
		.stx_size = k.size,
		.stx_blocks = k.blocks,
		.stx_atime = sxt(&k.atime),
		.stx_btime = sxt(&k.btime),
		.stx_ctime = sxt(&k.ctime),
		.stx_mtime = sxt(&k.mtime),
		.stx_rdev_major = MAJOR(k.rdev),
		.stx_rdev_minor = MINOR(k.rdev),
		.stx_dev_major = MAJOR((dev_t)k.dev),
		.stx_dev_minor = MINOR((dev_t)k.dev),
		.stx_mnt_id = k.mnt_id,
	};
	return copy_out(u, &s, sizeof(s));
}

/* ---- statfs ---- */

#define ANON_INODE_FS_MAGIC 0x09041934
#define PIPEFS_MAGIC	    0x50495045

static int do_statfs(const struct path *p, struct statfs __user *u)
{
	struct super_block *sb = p->dentry->sb;
	struct statfs st = {.f_bsize = sb->block_size, .f_namelen = NAME_MAX};
	int err = sb->ops && sb->ops->statfs ? sb->ops->statfs(sb, &st) : 0;
	if (err)
		return err;
	if (sb == anon_super())
		st.f_type = S_ISFIFO(p->dentry->inode->mode) ? PIPEFS_MAGIC : ANON_INODE_FS_MAGIC;
	if (!st.f_frsize)
		st.f_frsize = st.f_bsize;
	if (!st.f_fsid[0])
		st.f_fsid[0] = (s32)sb->dev;
	u32 f = (p->mnt ? p->mnt->flags : 0) | (sb->flags & (MS_RDONLY | MS_SYNCHRONOUS));
	/* ST_*: VALID 0x20, RELATIME 0x1000, NOSYMFOLLOW 0x2000; the others have the values of MS_*. */
	st.f_flags = 0x20 |
		     (f & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS |
			   MS_NOATIME | MS_NODIRATIME)) |
		     (f & MS_RELATIME ? 0x1000 : 0) | (f & MS_NOSYMFOLLOW ? 0x2000 : 0);
	return copy_out(u, &st, sizeof(st));
}

s64 sys_statfs(const char __user *path, struct statfs __user *buf)
{
	struct path p;
	int err = path_lookup_user(AT_FDCWD, path, LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	err = do_statfs(&p, buf);
	path_put(&p);
	return err;
}

s64 sys_fstatfs(int fd, struct statfs __user *buf)
{
	struct fdref r = fdref_get_raw(fd);
	if (!r.f)
		return -EBADF;
	int err = do_statfs(&r.f->path, buf);
	fdref_put(r);
	return err;
}

/* ---- readlink ---- */

/* The text of a magic link is the name of what it points to. */
static s64 link_text(struct path *p, char __user *buf, size_t n)
{
	struct inode *i = p->dentry->inode;
	struct path jump = {NULL, NULL};
	char *body = i->ops->readlink(i, p->dentry, &jump), *tmp = NULL;
	const char *s = body;
	s64 err;
	if (jump.dentry) {
		tmp = kmalloc(PATH_MAX, GFP_KERNEL);
		s = tmp ? path_name(&jump, tmp, PATH_MAX) : ERR_PTR(-ENOMEM);
		path_put(&jump);
		body = NULL;
	}
	if (IS_ERR_OR_NULL(s)) {
		err = s ? PTR_ERR(s) : -EINVAL;
	} else {
		size_t len = min(strlen(s), n);
		err = copy_out(buf, s, len) ? -EFAULT : (s64)len;
	}
	kfree(tmp);
	if (!IS_ERR(body))
		kfree(body);
	return err;
}

s64 sys_readlinkat(int dfd, const char __user *path, char __user *buf, int n)
{
	struct path p;
	if (n <= 0)
		return -EINVAL;
	s64 err = path_lookup_user(dfd, path, LOOKUP_EMPTY, &p);
	if (err)
		return err;
	struct inode *i = p.dentry->inode;
	char first = 0;
	if (S_ISLNK(i->mode) && i->ops->readlink) {
		inode_touch_atime(&p);
		err = link_text(&p, buf, (size_t)n);
	} else {
		err = get_user(first, path) || !first ? -ENOENT : -EINVAL;
	}
	path_put(&p);
	return err;
}

s64 sys_readlink(const char __user *path, char __user *buf, int n)
{
	return sys_readlinkat(AT_FDCWD, path, buf, n);
}

/* ---- access ---- */

/* Ask as the real user: a copy of the credentials with the file-system ids and capabilities replaced. */
static const struct cred *real_cred(void)
{
	struct cred *c = cred_prepare();
	if (!c)
		return NULL;
	c->fsuid = c->uid;
	c->fsgid = c->gid;
	c->cap_effective = c->uid ? 0 : c->cap_permitted;
	return c;
}

s64 sys_faccessat2(int dfd, const char __user *path, int mode, int flags)
{
	struct path p;
	if ((mode & ~(MAY_READ | MAY_WRITE | MAY_EXEC)) ||
	    (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
		return -EINVAL;
	const struct cred *c = current->cred, *saved = NULL;
	if (!(flags & AT_EACCESS) && (c->fsuid != c->uid || c->fsgid != c->gid ||
				      c->cap_effective != (c->uid ? 0 : c->cap_permitted))) {
		const struct cred *r = real_cred();
		if (!r)
			return -ENOMEM;
		saved = c;
		rcu_assign_pointer(current->cred, r);
	}
	int err = path_lookup_user(dfd, path, lookup_of_at(flags), &p);
	if (!err) {
		mode_t m = p.dentry->inode->mode;
		if (mode)
			err = path_permission(&p, mode);
		if (!err && (mode & MAY_WRITE) && (S_ISREG(m) || S_ISDIR(m) || S_ISLNK(m)) &&
		    mount_readonly(p.mnt))
			err = -EROFS;
		path_put(&p);
	}
	if (saved) {
		const struct cred *r = current->cred;
		rcu_assign_pointer(current->cred, saved);
		cred_put((struct cred *)r);
	}
	return err;
}

s64 sys_faccessat(int dfd, const char __user *path, int mode)
{
	return sys_faccessat2(dfd, path, mode, 0);
}

s64 sys_access(const char __user *path, int mode)
{
	return sys_faccessat2(AT_FDCWD, path, mode, 0);
}
