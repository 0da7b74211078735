/*
 * Extended attributes of tmpfs: a list per inode. Which name spaces current may use is checked by the
 * VFS (fs/vfs/xattr.c). Lock: the inode's rwsem, held by the caller.
 */
#include <alloc/slab.h>
#include <lib/string.h>
#include "tmpfs_priv.h"

#define XATTR_CREATE  1
#define XATTR_REPLACE 2

static struct tmpfs_xattr *find(struct tmpfs_inode *t, const char *name)
{
	struct tmpfs_xattr *x;
	list_for_each_entry (x, &t->xattrs, list)
		if (!strcmp(x->name, name))
			return x;
	return NULL;
}

static void drop(struct tmpfs_xattr *x)
{
	list_del(&x->list);
	kfree(x->name);
	kfree(x);
}

/* n == 0 asks for the size. */
ssize_t tmpfs_getxattr(struct inode *i, const char *name, void *buf, size_t n)
{
	struct tmpfs_xattr *x = find(TMPFS_I(i), name);
	if (!x)
		return -ENODATA;
	if (n) {
		if (n < x->size)
			return -ERANGE;
		memcpy(buf, x->value, x->size);
	}
	return (ssize_t)x->size;
}

int tmpfs_setxattr(struct inode *i, const char *name, const void *buf, size_t n, int flags)
{
	struct tmpfs_inode *t = TMPFS_I(i);
	struct tmpfs_xattr *old = find(t, name);
	if (old && (flags & XATTR_CREATE))
		return -EEXIST;
	if (!old && (flags & XATTR_REPLACE))
		return -ENODATA;
	struct tmpfs_xattr *x = kmalloc(sizeof(*x) + n, GFP_KERNEL);
	char *copy = kstrdup(name, GFP_KERNEL);
	if (!x || !copy) {
		kfree(x);
		kfree(copy);
		return -ENOMEM;
	}
	x->name = copy;
	x->size = n;
	memcpy(x->value, buf, n);
	if (old)
		drop(old);
	list_add_tail(&x->list, &t->xattrs);
	return 0;
}

ssize_t tmpfs_listxattr(struct inode *i, char *buf, size_t n)
{
	struct tmpfs_xattr *x;
	size_t len = 0;
	list_for_each_entry (x, &TMPFS_I(i)->xattrs, list) {
		size_t l = strlen(x->name) + 1;
		if (n) {
			if (len + l > n)
				return -ERANGE;
			memcpy(buf + len, x->name, l);
		}
		len += l;
	}
	return (ssize_t)len;
}

int tmpfs_removexattr(struct inode *i, const char *name)
{
	struct tmpfs_xattr *x = find(TMPFS_I(i), name);
	if (!x)
		return -ENODATA;
	drop(x);
	return 0;
}

void tmpfs_free_xattrs(struct tmpfs_inode *t)
{
	struct tmpfs_xattr *x, *n;
	list_for_each_entry_safe (x, n, &t->xattrs, list)
		drop(x);
}
