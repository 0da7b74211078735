/*
 * mount(2), umount2(2), pivot_root(2): checks and the operations on the tree of mounts.
 *
 * One mount namespace: propagation types that make no difference in it (private, slave) are accepted,
 * shared and unbindable are refused with -EINVAL, because they would not do what they say.
 */
#include <alloc/slab.h>
#include <alloc/vmalloc.h>
#include <syscall/syscalls.h>
#include "vfs_priv.h"

static u32 mount_flags_of(unsigned long flags)
{
	u32 f = flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW |
			 MS_NOATIME | MS_NODIRATIME);
	if (!(flags & (MS_NOATIME | MS_STRICTATIME)))
		f |= MS_RELATIME;
	return f;
}

static int new_mount(const struct path *at, const char *type, unsigned long flags,
		     const char *source, const char *data)
{
	if (!type)
		return -EINVAL;
	const struct fs_type *t = fs_type_find(type, strlen(type));
	if (!t)
		return -ENODEV;
	struct super_block *sb = t->mount(t, (unsigned)flags, source, data);
	if (IS_ERR(sb))
		return (int)PTR_ERR(sb);
	struct mount *m = mount_new(sb, sb->root, source, mount_flags_of(flags));
	if (!m)
		return -ENOMEM;
	down_write(&init_mnt_ns.sem);
	int err = -EBUSY;
	struct path top = *at;
	path_get(&top);
	path_cross_mounts(&top); /* somebody may have been quicker */
	if (top.mnt->sb != sb || top.mnt->root != top.dentry)
		err = mount_graft(m, &top);
	up_write(&init_mnt_ns.sem);
	path_put(&top);
	if (err)
		mount_put(m);
	return err;
}

static int bind_mount(const struct path *at, const char *source, bool recursive)
{
	struct path from;
	struct mount *m;
	if (!source || !*source)
		return -EINVAL;
	int err = path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &from);
	if (err)
		return err;
	down_write(&init_mnt_ns.sem);
	err = -EINVAL;
	if (from.mnt->ns && at->mnt->ns) {
		err = mount_copy_tree(&from, recursive, &m);
		if (!err) {
			err = mount_graft(m, at);
			if (err) {
				LIST_HEAD(drop);
				while (!list_empty(&m->children)) {
					struct mount *c = m;
					while (!list_empty(&c->children))
						c = list_first_entry(&c->children, struct mount,
								     sibling);
					mount_reattach(c, NULL, NULL);
					mount_put(c);
				}
				mount_put(m);
			}
		}
	}
	up_write(&init_mnt_ns.sem);
	path_put(&from);
	return err;
}

static int move_mount(const struct path *at, const char *source)
{
	struct path from;
	if (!source || !*source)
		return -EINVAL;
	int err = path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, &from);
	if (err)
		return err;
	down_write(&init_mnt_ns.sem);
	struct mount *m = from.mnt, *a;
	err = -EINVAL;
	if (from.dentry != m->root || m->parent == m || !m->ns || !at->mnt->ns ||
	    S_ISDIR(from.dentry->inode->mode) != S_ISDIR(at->dentry->inode->mode))
		goto out;
	err = -ELOOP;
	for (a = at->mnt;; a = a->parent) {
		if (a == m)
			goto out;
		if (a->parent == a)
			break;
	}
	mount_reattach(m, at->mnt, at->dentry);
	mount_changed();
	err = 0;
out:
	up_write(&init_mnt_ns.sem);
	path_put(&from);
	return err;
}

/* Files open for writing anywhere on sb (or through one mount) keep it writable. */
static bool has_writers(const struct super_block *sb, const struct mount *only)
{
	struct mount *m;
	list_for_each_entry (m, &init_mnt_ns.mounts, ns_list)
		if (m->sb == sb && (!only || m == only) && atomic_read(&m->writers) > 0)
			return true;
	return false;
}

static int remount_sb(struct super_block *sb, unsigned long flags, const char *data)
{
	unsigned f = flags & (MS_RDONLY | MS_SYNCHRONOUS | MS_MANDLOCK | MS_DIRSYNC | MS_LAZYTIME);
	if ((f & MS_RDONLY) && !(sb->flags & MS_RDONLY) && has_writers(sb, NULL))
		return -EBUSY;
	down_write(&sb->umount_sem);
	int err = 0;
	if (sb->ops && sb->ops->remount)
		err = sb->ops->remount(sb, &f, data);
	if (!err)
		WRITE_ONCE(sb->flags, f);
	up_write(&sb->umount_sem);
	return err;
}

static int remount(const struct path *at, unsigned long flags, const char *data)
{
	struct mount *m = at->mnt;
	if (at->dentry != m->root)
		return -EINVAL;
	down_write(&init_mnt_ns.sem);
	int err = 0;
	u32 mf = mount_flags_of(flags);
	if (!(flags & (MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME)))
		mf = (mf & ~MS_RELATIME) | (m->flags & (MS_NOATIME | MS_NODIRATIME | MS_RELATIME));
	if (flags & MS_BIND) {
		if ((mf & MS_RDONLY) && !(m->flags & MS_RDONLY) && has_writers(m->sb, m))
			err = -EBUSY;
	} else {
		err = remount_sb(m->sb, flags, data);
	}
	if (!err) {
		WRITE_ONCE(m->flags, mf);
		mount_changed();
	}
	up_write(&init_mnt_ns.sem);
	return err;
}

static int change_type(const struct path *at, unsigned long flags)
{
	unsigned long type = flags & (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE);
	if (flags & ~(type | MS_REC | MS_SILENT) || (type & (type - 1)))
		return -EINVAL;
	if (at->dentry != at->mnt->root)
		return -EINVAL;
	return type & (MS_PRIVATE | MS_SLAVE) ? 0 : -EINVAL;
}

int do_mount(const char *source, const struct path *at, const char *type, unsigned long flags,
	     const char *data)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (flags & MS_REMOUNT)
		return remount(at, flags, data);
	if (flags & MS_BIND)
		return bind_mount(at, source, flags & MS_REC);
	if (flags & (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE))
		return change_type(at, flags);
	if (flags & MS_MOVE)
		return move_mount(at, source);
	return new_mount(at, type, flags, source, data);
}

int vfs_mount(const char *source, const char *target, const char *type, unsigned long flags,
	      const char *data)
{
	struct path at;
	int err = path_lookup(AT_FDCWD, target, LOOKUP_FOLLOW, &at);
	if (err)
		return err;
	err = do_mount(source, &at, type, flags, data);
	path_put(&at);
	return err;
}

/* A string argument that may be absent: kmalloc'ed, NULL or ERR_PTR. */
static char *copy_string(const char __user *u)
{
	if (!u)
		return NULL;
	char *s = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!s)
		return ERR_PTR(-ENOMEM);
	ssize_t n = strncpy_in(s, u, PATH_MAX);
	if (n < 0) {
		kfree(s);
		return ERR_PTR(n == -ENAMETOOLONG ? -EINVAL : n);
	}
	return s;
}

/* The data page: up to a page, shorter where user memory ends. */
static char *copy_data(const void __user *u)
{
	if (!u)
		return NULL;
	char *s = kmalloc(PAGE_SIZE, GFP_KERNEL | GFP_ZERO);
	if (!s)
		return ERR_PTR(-ENOMEM);
	if (copy_in_partial(s, u, PAGE_SIZE - 1) == PAGE_SIZE - 1) {
		kfree(s);
		return ERR_PTR(-EFAULT);
	}
	return s;
}

s64 sys_mount(const char __user *src, const char __user *target, const char __user *type, u64 flags,
	      const void __user *data)
{
	char *s = NULL, *t, *d = NULL;
	struct path at;
	s64 err;
	t = copy_string(type);
	if (IS_ERR(t))
		return PTR_ERR(t);
	s = copy_string(src);
	if (IS_ERR(s)) {
		err = PTR_ERR(s);
		s = NULL;
		goto out;
	}
	d = copy_data(data);
	if (IS_ERR(d)) {
		err = PTR_ERR(d);
		d = NULL;
		goto out;
	}
	if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
		flags &= ~(u64)MS_MGC_MSK;
	err = path_lookup_user(AT_FDCWD, target, LOOKUP_FOLLOW, &at);
	if (err)
		goto out;
	err = do_mount(s, &at, t, flags, d);
	path_put(&at);
out:
	kfree(d);
	kfree(s);
	kfree(t);
	return err;
}

static int umount_locked(struct mount *m, int flags, struct list *drop)
{
	if (flags & MNT_EXPIRE) {
		/* Marked by one call, unmounted by the next if nobody used it in between. */
		if (!list_empty(&m->children) || ref_read(&m->ref) > 2)
			return -EBUSY;
		if (!m->expire_mark) {
			m->expire_mark = true;
			return -EAGAIN;
		}
	} else if (!(flags & MNT_DETACH)) {
		/* The tree's reference and the caller's path. */
		if (!list_empty(&m->children) || ref_read(&m->ref) > 2)
			return -EBUSY;
	}
	mount_detach(m, drop);
	return 0;
}

s64 sys_umount2(const char __user *target, int flags)
{
	LIST_HEAD(drop);
	struct path at, root;
	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	s64 err = path_lookup_user(AT_FDCWD, target, flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW,
				   &at);
	if (err)
		return err;
	err = -EPERM;
	if (!capable(CAP_SYS_ADMIN))
		goto out;
	err = -EINVAL;
	if (at.dentry != at.mnt->root)
		goto out;
	if ((flags & MNT_EXPIRE) && (flags & (MNT_FORCE | MNT_DETACH)))
		goto out;
	current_root(&root);
	bool is_root = at.mnt == root.mnt && at.dentry == root.dentry;
	path_put(&root);
	down_write(&init_mnt_ns.sem);
	if (!at.mnt->ns)
		err = -EINVAL;
	else if (is_root && !(flags & MNT_DETACH))
		/* The root itself cannot go; it becomes read-only, for a clean end. */
		err = flags & MNT_EXPIRE ? -EINVAL : remount_sb(at.mnt->sb, MS_RDONLY, NULL);
	else if (at.mnt->parent == at.mnt)
		err = -EINVAL;
	else
		err = umount_locked(at.mnt, flags, &drop);
	up_write(&init_mnt_ns.sem);
out:
	path_put(&at);
	mount_drop_list(&drop);
	return err;
}

static int pivot(struct path *new, struct path *old, struct path *root)
{
	struct mount *nm = new->mnt, *rm = root->mnt;
	if (!nm->ns || !rm->ns || !old->mnt->ns)
		return -EINVAL;
	if ((new->dentry->flags &DENTRY_UNHASHED) && new->dentry->parent != new->dentry)
		return -ENOENT;
	if (nm == rm || old->mnt == rm)
		return -EBUSY;
	if (root->dentry != rm->root || rm->parent == rm)
		return -EINVAL; /* the first rootfs cannot move */
	if (new->dentry != nm->root || nm->parent == nm)
		return -EINVAL;
	if (!path_reachable(old, new) || !path_reachable(new, root))
		return -EINVAL;
	struct path place = {rm->parent, rm->mountpoint};
	path_get(&place);
	mount_reattach(nm, NULL, NULL);
	mount_reattach(rm, old->mnt, old->dentry);
	mount_reattach(nm, place.mnt, place.dentry);
	path_put(&place);
	mount_changed();
	return 0;
}

s64 sys_pivot_root(const char __user *new_root, const char __user *put_old)
{
	struct path new, old, root;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	s64 err = path_lookup_user(AT_FDCWD, new_root, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &new);
	if (err)
		return err;
	err = path_lookup_user(AT_FDCWD, put_old, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &old);
	if (err)
		goto out_new;
	current_root(&root);
	down_write(&init_mnt_ns.sem);
	err = pivot(&new, &old, &root);
	up_write(&init_mnt_ns.sem);
	if (!err)
		fs_ctx_replace_root(&root, &new);
	path_put(&root);
	path_put(&old);
out_new:
	path_put(&new);
	return err;
}
