/*
 * Super blocks (one per mounted file-system instance) and the table of file-system types.
 *
 * A super block's reference count counts its mounts (and the kernel's own holders, such as devtmpfs).
 * The last put takes the tree of cached names apart, then the file system's put_super. Inodes on their
 * way out through RCU, on whatever CPU, still name it: the memory goes a grace period after the last.
 *
 * Locks: supers_lock (the list of all) > sb->lock (its inodes). umount_sem is held for reading by sync.
 */
#include <alloc/slab.h>
#include <fs/dev.h>
#include <lib/idr.h>
#include <log/panic.h>
#include <syscall/syscalls.h>
#include "vfs_priv.h"

static DEFINE_MUTEX(supers_lock);
static LIST_HEAD(supers);      /* [supers_lock] */
static struct idr anon_minors; /* [supers_lock] */
static bool idr_ready;	       /* [supers_lock] */

struct sb_node {
	struct super_block sb;
	struct list all; /* [supers_lock] */
	u32 anon_minor;	 /* [I] */
	struct rcu_head rcu;
};

const struct fs_type *fs_type_find(const char *name, size_t len)
{
	for (const struct fs_type *const *t = __fs_types_start; t < __fs_types_end; t++)
		if (strlen((*t)->name) == len && !memcmp((*t)->name, name, len))
			return *t;
	return NULL;
}

struct super_block *super_new(const struct fs_type *t, unsigned flags)
{
	struct sb_node *n = kzalloc(sizeof(*n), GFP_KERNEL);
	if (!n)
		return NULL;
	struct super_block *sb = &n->sb;
	ref_init(&sb->ref, 1);
	ref_init(&sb->memory, 1);
	sb->type = t;
	sb->flags = flags & (MS_RDONLY | MS_SYNCHRONOUS | MS_MANDLOCK | MS_DIRSYNC | MS_LAZYTIME);
	sb->block_size = PAGE_SIZE;
	sb->max_size = INT64_MAX;
	spin_init(&sb->lock);
	list_init(&sb->inodes);
	rwsem_init(&sb->umount_sem);
	mutex_lock(&supers_lock);
	if (!idr_ready) {
		idr_init(&anon_minors);
		idr_ready = true;
	}
	/* Major 0: no device. Block file systems overwrite it. */
	long minor = idr_alloc(&anon_minors, sb, 1, 1ul << 20);
	if (minor > 0) {
		n->anon_minor = (u32)minor;
		sb->dev = MKDEV(0, n->anon_minor);
		list_add_tail(&n->all, &supers);
	}
	mutex_unlock(&supers_lock);
	if (minor < 0) {
		kfree(n);
		return NULL;
	}
	return sb;
}

struct super_block *super_get(struct super_block *sb)
{
	ref_get(&sb->ref);
	return sb;
}

static void super_free_rcu(struct rcu_head *h)
{
	kfree(container_of(h, struct sb_node, rcu));
}

void super_memory_put(struct super_block *sb)
{
	if (ref_put(&sb->memory))
		call_rcu(&container_of(sb, struct sb_node, sb)->rcu, super_free_rcu);
}

void super_kill(struct super_block *sb)
{
	struct sb_node *n = container_of(sb, struct sb_node, sb);
	mutex_lock(&supers_lock);
	list_del(&n->all);
	mutex_unlock(&supers_lock);
	down_write(&sb->umount_sem);
	if (sb->ops && sb->ops->sync)
		(void)sb->ops->sync(sb, true);
	if (sb->root)
		dentry_kill_tree(sb->root);
	sb->root = NULL;
	WARN_ON(!list_empty(&sb->inodes)); /* who holds one must hold a mount as well */
	if (sb->ops && sb->ops->put_super)
		sb->ops->put_super(sb);
	up_write(&sb->umount_sem);
	mutex_lock(&supers_lock);
	(void)idr_remove(&anon_minors, n->anon_minor);
	mutex_unlock(&supers_lock);
	kfree(sb->source);
	super_memory_put(sb);
}

void super_put(struct super_block *sb)
{
	if (ref_put(&sb->ref))
		super_kill(sb);
}

/* Next super block of the list after sb (NULL: the first), counted; sb's reference is dropped. */
static struct super_block *super_next(struct super_block *sb)
{
	struct super_block *found = NULL;
	mutex_lock(&supers_lock);
	struct list *l = sb ? container_of(sb, struct sb_node, sb)->all.next : supers.next;
	for (; l != &supers; l = l->next) {
		struct sb_node *n = list_entry(l, struct sb_node, all);
		if (ref_tryget(&n->sb.ref)) {
			found = &n->sb;
			break;
		}
	}
	mutex_unlock(&supers_lock);
	if (sb)
		super_put(sb);
	return found;
}

static int super_sync(struct super_block *sb, bool wait)
{
	if (!sb->ops || !sb->ops->sync || (sb->flags & MS_RDONLY))
		return 0;
	down_read(&sb->umount_sem);
	int err = sb->ops->sync(sb, wait);
	up_read(&sb->umount_sem);
	return err;
}

int vfs_sync_all(bool wait)
{
	int err = 0;
	for (struct super_block *sb = super_next(NULL); sb; sb = super_next(sb)) {
		int e = super_sync(sb, wait);
		if (e && !err)
			err = e;
	}
	return err;
}

s64 sys_sync(void)
{
	(void)vfs_sync_all(false);
	(void)vfs_sync_all(true);
	return 0;
}

s64 sys_syncfs(int fd)
{
	struct fdref r = fdref_get(fd);
	if (!r.f)
		return -EBADF;
	int err = super_sync(r.f->inode->sb, true);
	fdref_put(r);
	return err;
}
