/*
 * Extended attributes (xattr(7)): the system calls, the rules of the name spaces, and the inode's lock
 * around the file system's operations. ACLs are attributes of "system", which is refused whole.
 */
#include <alloc/slab.h>
#include <alloc/vmalloc.h>
#include <syscall/syscalls.h>
#include "vfs_priv.h"

#define XATTR_NAME_MAX 255
#define XATTR_SIZE_MAX 65536
#define XATTR_LIST_MAX 65536

/* May current use this name on i so? */
static int allowed(struct inode *i, const char *name, int mask)
{
	if (str_has_prefix(name, "trusted."))
		return capable(CAP_SYS_ADMIN) ? 0 : mask & MAY_WRITE ? -EPERM : -ENODATA;
	if (str_has_prefix(name, "security.")) {
		if (mask & MAY_WRITE)
			return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
		return 0;
	}
	if (!str_has_prefix(name, "user."))
		return -EOPNOTSUPP;
	if (!S_ISREG(i->mode) && !S_ISDIR(i->mode))
		return mask & MAY_WRITE ? -EPERM : -ENODATA;
	if (S_ISDIR(i->mode) && (i->mode & S_ISVTX) && (mask & MAY_WRITE) &&
	    !inode_owner_or_capable(i))
		return -EPERM;
	return inode_permission(i, mask);
}

static int get_name(char *name, const char __user *u)
{
	ssize_t n = strncpy_in(name, u, XATTR_NAME_MAX + 1);
	if (n == -ENAMETOOLONG || n == 0)
		return -ERANGE;
	return n < 0 ? (int)n : 0;
}

static s64 set_on(const struct path *p, const char *name, const void __user *val, size_t n,
		  int flags)
{
	struct inode *i = p->dentry->inode;
	void *buf = kvmalloc(n ? n : 1, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	s64 err = n && copy_in(buf, val, n) ? -EFAULT : mount_write_get(p->mnt);
	if (err)
		goto out;
	down_write(&i->rwsem);
	err = allowed(i, name, MAY_WRITE);
	if (!err)
		err = i->ops && i->ops->setxattr ? i->ops->setxattr(i, name, buf, n, flags)
						 : -EOPNOTSUPP;
	up_write(&i->rwsem);
	mount_write_put(p->mnt);
out:
	kvfree(buf);
	return err;
}

static s64 get_on(const struct path *p, const char *name, void __user *val, size_t n)
{
	struct inode *i = p->dentry->inode;
	n = min(n, (size_t)XATTR_SIZE_MAX);
	void *buf = n ? kvmalloc(n, GFP_KERNEL) : NULL;
	if (n && !buf)
		return -ENOMEM;
	down_read(&i->rwsem);
	s64 ret = allowed(i, name, MAY_READ);
	if (!ret)
		ret = i->ops && i->ops->getxattr ? i->ops->getxattr(i, name, buf, n) : -EOPNOTSUPP;
	up_read(&i->rwsem);
	if (ret > 0 && n && copy_out(val, buf, (size_t)ret))
		ret = -EFAULT;
	kvfree(buf);
	return ret;
}

/* Without the capability trusted.* is not there: cut those names out; the length that is left. */
static ssize_t cut_hidden(char *list, ssize_t n)
{
	ssize_t kept = 0;

	for (ssize_t at = 0; at < n;) {
		ssize_t len = (ssize_t)strlen(list + at) + 1;
		if (!str_has_prefix(list + at, "trusted.")) {
			memmove(list + kept, list + at, (size_t)len);
			kept += len;
		}
		at += len;
	}
	return kept;
}

static s64 list_on(const struct path *p, char __user *list, size_t n)
{
	struct inode *i = p->dentry->inode;
	char *buf = NULL;

	if (!i->ops || !i->ops->listxattr)
		return 0;
	down_read(&i->rwsem);
	s64 ret = i->ops->listxattr(i, NULL, 0);
	if (ret > 0) {
		buf = kvmalloc((size_t)ret, GFP_KERNEL);
		ret = buf ? i->ops->listxattr(i, buf, (size_t)ret) : -ENOMEM;
	}
	up_read(&i->rwsem);
	if (ret > 0 && !capable(CAP_SYS_ADMIN))
		ret = cut_hidden(buf, ret);
	if (ret > 0 && n) {
		if ((size_t)ret > n)
			ret = n < XATTR_LIST_MAX ? -ERANGE : -E2BIG;
		else if (copy_out(list, buf, (size_t)ret))
			ret = -EFAULT;
	}
	kvfree(buf);
	return ret;
}

static s64 remove_on(const struct path *p, const char *name)
{
	struct inode *i = p->dentry->inode;
	s64 err = mount_write_get(p->mnt);
	if (err)
		return err;
	down_write(&i->rwsem);
	err = allowed(i, name, MAY_WRITE);
	if (!err)
		err = i->ops && i->ops->removexattr ? i->ops->removexattr(i, name) : -EOPNOTSUPP;
	up_write(&i->rwsem);
	mount_write_put(p->mnt);
	return err;
}

/* The three forms of each call: by name, by name without following, by descriptor (path NULL). */
static s64 target(const char __user *path, int fd, unsigned lookup, struct path *p)
{
	if (path)
		return path_lookup_user(AT_FDCWD, path, lookup, p);
	struct fdref r = fdref_get(fd);
	if (!r.f)
		return -EBADF;
	*p = r.f->path;
	path_get(p);
	fdref_put(r);
	return 0;
}

static s64 do_set(const char __user *path, int fd, unsigned lookup, const char __user *uname,
		  const void __user *val, size_t n, int flags)
{
	char name[XATTR_NAME_MAX + 1];
	struct path p;
	if (flags & ~3)
		return -EINVAL;
	s64 err = get_name(name, uname);
	if (err)
		return err;
	if (n > XATTR_SIZE_MAX)
		return -E2BIG;
	err = target(path, fd, lookup, &p);
	if (err)
		return err;
	err = set_on(&p, name, val, n, flags);
	path_put(&p);
	return err;
}

static s64 do_get(const char __user *path, int fd, unsigned lookup, const char __user *uname,
		  void __user *val, size_t n)
{
	char name[XATTR_NAME_MAX + 1];
	struct path p;
	s64 err = get_name(name, uname);
	if (!err)
		err = target(path, fd, lookup, &p);
	if (err)
		return err;
	err = get_on(&p, name, val, n);
	path_put(&p);
	return err;
}

static s64 do_list(const char __user *path, int fd, unsigned lookup, char __user *list, size_t n)
{
	struct path p;
	s64 err = target(path, fd, lookup, &p);
	if (err)
		return err;
	err = list_on(&p, list, n);
	path_put(&p);
	return err;
}

static s64 do_remove(const char __user *path, int fd, unsigned lookup, const char __user *uname)
{
	char name[XATTR_NAME_MAX + 1];
	struct path p;
	s64 err = get_name(name, uname);
	if (!err)
		err = target(path, fd, lookup, &p);
	if (err)
		return err;
	err = remove_on(&p, name);
	path_put(&p);
	return err;
}

/* A NULL path is a bad address for the forms by name. */
#define BY_NAME(p)                      \
	do {                            \
		if (!(p))               \
			return -EFAULT; \
	} while (0)

s64 sys_setxattr(const char __user *path, const char __user *name, const void __user *val, size_t n,
		 int flags)
{
	BY_NAME(path);
	return do_set(path, -1, LOOKUP_FOLLOW, name, val, n, flags);
}
s64 sys_lsetxattr(const char __user *path, const char __user *name, const void __user *val,
		  size_t n, int flags)
{
	BY_NAME(path);
	return do_set(path, -1, 0, name, val, n, flags);
}
s64 sys_fsetxattr(int fd, const char __user *name, const void __user *val, size_t n, int flags)
{
	return do_set(NULL, fd, 0, name, val, n, flags);
}
s64 sys_getxattr(const char __user *path, const char __user *name, void __user *val, size_t n)
{
	BY_NAME(path);
	return do_get(path, -1, LOOKUP_FOLLOW, name, val, n);
}
s64 sys_lgetxattr(const char __user *path, const char __user *name, void __user *val, size_t n)
{
	BY_NAME(path);
	return do_get(path, -1, 0, name, val, n);
}
s64 sys_fgetxattr(int fd, const char __user *name, void __user *val, size_t n)
{
	return do_get(NULL, fd, 0, name, val, n);
}
s64 sys_listxattr(const char __user *path, char __user *list, size_t n)
{
	BY_NAME(path);
	return do_list(path, -1, LOOKUP_FOLLOW, list, n);
}
s64 sys_llistxattr(const char __user *path, char __user *list, size_t n)
{
	BY_NAME(path);
	return do_list(path, -1, 0, list, n);
}
s64 sys_flistxattr(int fd, char __user *list, size_t n)
{
	return do_list(NULL, fd, 0, list, n);
}
s64 sys_removexattr(const char __user *path, const char __user *name)
{
	BY_NAME(path);
	return do_remove(path, -1, LOOKUP_FOLLOW, name);
}
s64 sys_lremovexattr(const char __user *path, const char __user *name)
{
	BY_NAME(path);
	return do_remove(path, -1, 0, name);
}
s64 sys_fremovexattr(int fd, const char __user *name)
{
	return do_remove(NULL, fd, 0, name);
}
