/*
 * devtmpfs: a tmpfs instance that the kernel fills with device nodes as drivers register them. One
 * instance, however often it is mounted.
 *
 * The kernel changes it through an internal mount of its own with the ordinary name operations, as
 * root; a thread of a user cannot be the one that registers a driver. Source: mount(8).
 */
#include <fs/dev.h>
#include <fs/mount.h>
#include <init/initcall.h>
#include <lib/string.h>
#include <log/panic.h>
#include <sched/lock.h>
#include "../vfs/vfs_priv.h"

static struct super_block *dev_sb; /* [I] */

static struct super_block *mount_dev(const struct fs_type *t, unsigned flags, const char *source,
				     const char *data)
{
	return super_get(dev_sb);
}

static const struct fs_type devtmpfs_type = {
	.name = "devtmpfs", .flags = FS_NODEV, .mount = mount_dev};
FILESYSTEM(devtmpfs_type);

/* The parent directory of name below the root (directories made when missing), counted; *last is the
 * final component. */
static struct dentry *parent_of(const char *name, bool make, const char **last)
{
	struct dentry *d = dev_sb->root;
	const char *slash;
	dentry_get(d);
	while ((slash = strchr(name, '/'))) {
		struct inode *dir = d->inode;
		down_write(&dir->rwsem);
		struct dentry *c = dentry_lookup_locked(d, name, (size_t)(slash - name));
		int err = IS_ERR(c) ? (int)PTR_ERR(c) : 0;
		if (!err && !c->inode)
			err = make ? dir->ops->mkdir(dir, c, S_IFDIR | 0755) : -ENOENT;
		else if (!err && !S_ISDIR(c->inode->mode))
			err = -ENOTDIR;
		up_write(&dir->rwsem);
		dentry_put(d);
		if (err) {
			if (!IS_ERR(c))
				dentry_put(c);
			return ERR_PTR(err);
		}
		d = c;
		name = slash + 1;
	}
	*last = name;
	return d;
}

int devtmpfs_create(const char *name, mode_t mode, dev_t dev)
{
	const char *last;
	struct dentry *parent = parent_of(name, true, &last);
	if (IS_ERR(parent))
		return (int)PTR_ERR(parent);
	struct inode *dir = parent->inode;
	down_write(&dir->rwsem);
	struct dentry *d = dentry_lookup_locked(parent, last, strlen(last));
	int err = IS_ERR(d) ? (int)PTR_ERR(d) : d->inode ? -EEXIST : 0;
	if (!err)
		err = dir->ops->create(dir, d, mode, dev);
	up_write(&dir->rwsem);
	if (!IS_ERR(d))
		dentry_put(d);
	dentry_put(parent);
	return err;
}

int devtmpfs_remove(const char *name)
{
	const char *last;
	struct dentry *parent = parent_of(name, false, &last);
	if (IS_ERR(parent))
		return (int)PTR_ERR(parent);
	struct inode *dir = parent->inode;
	down_write(&dir->rwsem);
	struct dentry *d = dentry_lookup_locked(parent, last, strlen(last));
	int err = IS_ERR(d) ? (int)PTR_ERR(d) : d->inode ? 0 : -ENOENT;
	if (!err)
		err = S_ISDIR(d->inode->mode) ? -EISDIR : dir->ops->unlink(dir, d);
	if (!err)
		dentry_delete(d);
	up_write(&dir->rwsem);
	if (!IS_ERR(d))
		dentry_put(d);
	dentry_put(parent);
	return err;
}

/* Called by vfs_init once tmpfs works. */
void devtmpfs_init(void)
{
	const struct fs_type *t = fs_type_find("tmpfs", 5);
	struct super_block *sb = t ? t->mount(t, 0, "devtmpfs", "mode=755") : ERR_PTR(-ENODEV);
	if (IS_ERR(sb))
		panic("no memory for devtmpfs");
	sb->type = &devtmpfs_type;
	dev_sb = sb;
}
