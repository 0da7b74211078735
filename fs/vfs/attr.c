/*
 * Changing modes, owners and times: chmod(2), chown(2), utimensat(2) and their relatives. All go
 * through inode_setattr with the inode's rwsem held for writing.
 */
#include <syscall/syscalls.h>
#include <time/timer.h>
#include "vfs_priv.h"

static int change(const struct path *p, const struct iattr *a,
		  int (*check)(struct inode *i, struct iattr *a))
{
	struct inode *i = p->dentry->inode;
	struct iattr b = *a;
	int err = mount_write_get(p->mnt);
	if (err)
		return err;
	down_write(&i->rwsem);
	err = check(i, &b);
	if (!err)
		err = inode_setattr(i, &b);
	up_write(&i->rwsem);
	mount_write_put(p->mnt);
	return err;
}

/* ---- modes ---- */

static int check_mode(struct inode *i, struct iattr *a)
{
	if (S_ISLNK(i->mode))
		return -EOPNOTSUPP;
	if (!inode_owner_or_capable(i))
		return -EPERM;
	if (!cred_in_group(current_cred(), i->gid) && !capable(CAP_FSETID))
		a->mode &= ~S_ISGID;
	return 0;
}

static int chmod_path(const struct path *p, mode_t mode)
{
	struct iattr a = {.valid = ATTR_MODE, .mode = mode & 07777};
	return change(p, &a, check_mode);
}

s64 sys_fchmodat2(int dfd, const char __user *path, mode_t mode, int flags)
{
	struct path p;
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	int err = path_lookup_user(dfd, path, lookup_of_at(flags), &p);
	if (err)
		return err;
	err = chmod_path(&p, mode);
	path_put(&p);
	return err;
}
s64 sys_fchmodat(int dfd, const char __user *path, mode_t mode)
{
	return sys_fchmodat2(dfd, path, mode, 0);
}
s64 sys_chmod(const char __user *path, mode_t mode)
{
	return sys_fchmodat2(AT_FDCWD, path, mode, 0);
}
s64 sys_fchmod(int fd, mode_t mode)
{
	struct fdref r = fdref_get(fd);
	if (!r.f)
		return -EBADF;
	int err = chmod_path(&r.f->path, mode);
	fdref_put(r);
	return err;
}

/* ---- owners ---- */

static int check_owner(struct inode *i, struct iattr *a)
{
	const struct cred *c = current_cred();
	bool chown = cred_capable(c, CAP_CHOWN);
	if ((a->valid & ATTR_UID) && !chown && (c->fsuid != i->uid || a->uid != i->uid))
		return -EPERM;
	if ((a->valid & ATTR_GID) && !chown &&
	    (c->fsuid != i->uid || (!cred_in_group(c, a->gid) && a->gid != i->gid)))
		return -EPERM;
	/* Somebody else's program must not stay set-id. */
	if (!S_ISDIR(i->mode) && (i->mode & (S_ISUID | S_ISGID))) {
		if (!inode_owner_or_capable(i))
			return -EPERM; /* chown(path, -1, -1) asks nothing else */
		a->valid |= ATTR_MODE;
		a->mode = i->mode & ~S_ISUID;
		if (i->mode & 0010)
			a->mode &= ~S_ISGID;
	}
	return 0;
}

static int chown_path(const struct path *p, uid_t uid, gid_t gid)
{
	struct iattr a = {.uid = uid, .gid = gid};
	if (uid != (uid_t)-1)
		a.valid |= ATTR_UID;
	if (gid != (gid_t)-1)
		a.valid |= ATTR_GID;
	return change(p, &a, check_owner);
}

s64 sys_fchownat(int dfd, const char __user *path, uid_t uid, gid_t gid, int flags)
{
	struct path p;
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	int err = path_lookup_user(dfd, path, lookup_of_at(flags), &p);
	if (err)
		return err;
	err = chown_path(&p, uid, gid);
	path_put(&p);
	return err;
}
s64 sys_chown(const char __user *path, uid_t uid, gid_t gid)
{
	return sys_fchownat(AT_FDCWD, path, uid, gid, 0);
}
s64 sys_lchown(const char __user *path, uid_t uid, gid_t gid)
{
	return sys_fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}
s64 sys_fchown(int fd, uid_t uid, gid_t gid)
{
	struct fdref r = fdref_get(fd);
	if (!r.f)
		return -EBADF;
	int err = chown_path(&r.f->path, uid, gid);
	fdref_put(r);
	return err;
}

/* ---- times ---- */

#define UTIME_NOW  0x3fffffff
#define UTIME_OMIT 0x3ffffffe

static int check_set_times(struct inode *i, struct iattr *a)
{
	return inode_owner_or_capable(i) ? 0 : -EPERM;
}

/* Setting to the present also whoever may write. */
static int check_touch(struct inode *i, struct iattr *a)
{
	return inode_owner_or_capable(i) ? 0 : inode_permission(i, MAY_WRITE);
}

static int utimes_path(const struct path *p, const struct timespec *ts)
{
	struct timespec now = current_time();
	struct iattr a = {.valid = ATTR_ATIME | ATTR_MTIME, .atime = now, .mtime = now};
	bool touch = !ts || (ts[0].tv_nsec == UTIME_NOW && ts[1].tv_nsec == UTIME_NOW);
	if (!touch) {
		if (ts[0].tv_nsec == UTIME_OMIT)
			a.valid &= ~ATTR_ATIME;
		else if (ts[0].tv_nsec != UTIME_NOW)
			a.atime = ts[0];
		if (ts[1].tv_nsec == UTIME_OMIT)
			a.valid &= ~ATTR_MTIME;
		else if (ts[1].tv_nsec != UTIME_NOW)
			a.mtime = ts[1];
		if (!a.valid)
			return 0;
	}
	return change(p, &a, touch ? check_touch : check_set_times);
}

static bool nsec_ok(s64 ns)
{
	return ns == UTIME_NOW || ns == UTIME_OMIT || (u64)ns < 1000000000ul;
}

static s64 do_utimes(int dfd, const char __user *path, const struct timespec *ts, int flags)
{
	struct path p;
	if (ts && (!nsec_ok(ts[0].tv_nsec) || !nsec_ok(ts[1].tv_nsec)))
		return -EINVAL;
	if (!path && dfd != AT_FDCWD) {
		if (flags)
			return -EINVAL;
		struct fdref r = fdref_get(dfd);
		if (!r.f)
			return -EBADF;
		int err = utimes_path(&r.f->path, ts);
		fdref_put(r);
		return err;
	}
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	int err = path_lookup_user(dfd, path, lookup_of_at(flags), &p);
	if (err)
		return err;
	err = utimes_path(&p, ts);
	path_put(&p);
	return err;
}

s64 sys_utimensat(int dfd, const char __user *path, const struct timespec __user *uts, int flags)
{
	struct timespec ts[2];
	if (uts) {
		if (copy_in(ts, uts, sizeof(ts)))
			return -EFAULT;
		if (ts[0].tv_nsec == UTIME_OMIT && ts[1].tv_nsec == UTIME_OMIT)
			return 0;
	}
	return do_utimes(dfd, path, uts ? ts : NULL, flags);
}

s64 sys_futimesat(int dfd, const char __user *path, const struct timeval __user *utv)
{
	struct timeval tv[2];
	struct timespec ts[2];
	if (!utv)
		return do_utimes(dfd, path, NULL, 0);
	if (copy_in(tv, utv, sizeof(tv)))
		return -EFAULT;
	for (int i = 0; i < 2; i++) {
		if ((u64)tv[i].tv_usec >= 1000000)
			return -EINVAL;
		ts[i].tv_sec = tv[i].tv_sec;
		ts[i].tv_nsec = tv[i].tv_usec * 1000;
	}
	return do_utimes(dfd, path, ts, 0);
}

s64 sys_utimes(const char __user *path, const struct timeval __user *tv)
{
	return sys_futimesat(AT_FDCWD, path, tv);
}

s64 sys_utime(const char __user *path, void __user *times)
{
	s64 t[2];
	struct timespec ts[2] = {{0, 0}, {0, 0}};
	if (!times)
		return do_utimes(AT_FDCWD, path, NULL, 0);
	if (copy_in(t, times, sizeof(t)))
		return -EFAULT;
	ts[0].tv_sec = t[0];
	ts[1].tv_sec = t[1];
	return do_utimes(AT_FDCWD, path, ts, 0);
}
