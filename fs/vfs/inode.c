/*
 * Inodes: birth, death, permissions, attributes.
 *
 * An inode lives while somebody holds a reference (a positive dentry, a file system's own table). The
 * last put evicts it: the file system sees it first (nlink tells whether it was deleted), then its
 * cached pages go, then its memory after an RCU grace period, because walkers without references
 * still look at its mode and owner.
 *
 * Locks: i->rwsem covers what i contains (directory entries, file size), i->lock times and the links
 * between an inode and its super block. i->lock is a leaf. inode_put may sleep.
 */
#include <alloc/slab.h>
#include <time/timer.h>
#include "vfs_priv.h"

static struct slab_cache *inode_slab;

struct timespec current_time(void)
{
	return ktime_to_timespec(ktime_get_real());
}

ino_t inode_next_ino(void)
{
	static atomic64_t last = ATOMIC_INIT(1);
	return (ino_t)atomic_add_return(&last, 1);
}

struct inode *inode_new(struct super_block *sb)
{
	struct inode *i = sb->ops && sb->ops->alloc_inode
				  ? sb->ops->alloc_inode(sb)
				  : slab_alloc(inode_slab, GFP_KERNEL | GFP_ZERO);
	if (!i)
		return NULL;
	ref_init(&i->ref, 1);
	spin_init(&i->lock);
	rwsem_init(&i->rwsem);
	i->sb = sb;
	i->nlink = 1;
	mapping_init(&i->own_mapping, NULL, i);
	i->mapping = &i->own_mapping;
	list_init(&i->sb_list);
	ref_get(&sb->memory);
	spin_lock(&sb->lock);
	list_add_tail(&i->sb_list, &sb->inodes);
	spin_unlock(&sb->lock);
	return i;
}

void inode_get(struct inode *i)
{
	ref_get(&i->ref);
}

struct inode *inode_tryget(struct inode *i)
{
	return ref_tryget(&i->ref) ? i : NULL;
}

static void inode_free_rcu(struct rcu_head *h)
{
	struct inode *i = container_of(h, struct inode, rcu);
	struct super_block *sb = i->sb;
	if (sb->ops && sb->ops->free_inode)
		sb->ops->free_inode(i);
	else
		slab_free(inode_slab, i);
	super_memory_put(sb);
}

void sb_inode_remove(struct inode *i)
{
	spin_lock(&i->sb->lock);
	list_del(&i->sb_list);
	spin_unlock(&i->sb->lock);
}

void inode_put(struct inode *i)
{
	if (!ref_put(&i->ref))
		return;
	sb_inode_remove(i);
	if (i->sb->ops && i->sb->ops->evict)
		i->sb->ops->evict(i);
	if (i->own_mapping.nr_pages)
		mapping_destroy(&i->own_mapping);
	if (i->locks)
		locks_free_inode(i);
	call_rcu(&i->rcu, inode_free_rcu);
}

/* ---- permissions: credentials(7), capabilities(7), path_resolution(7) ---- */

int permission_generic(struct inode *i, int mask)
{
	const struct cred *c = current_cred();
	mode_t mode = READ_ONCE(i->mode);
	if (likely(c->fsuid == i->uid))
		mode >>= 6;
	else if (cred_in_group(c, i->gid))
		mode >>= 3;
	if (likely(!(mask & ~mode & 7)))
		return 0;
	if (S_ISDIR(i->mode)) {
		if (!(mask & MAY_WRITE) && cred_capable(c, CAP_DAC_READ_SEARCH))
			return 0;
		return cred_capable(c, CAP_DAC_OVERRIDE) ? 0 : -EACCES;
	}
	if (mask == MAY_READ && cred_capable(c, CAP_DAC_READ_SEARCH))
		return 0;
	/* Execution needs at least one execute bit, also for the all-powerful. */
	if (!(mask & MAY_EXEC) || (i->mode & 0111))
		return cred_capable(c, CAP_DAC_OVERRIDE) ? 0 : -EACCES;
	return -EACCES;
}

int inode_permission(struct inode *i, int mask)
{
	if ((mask & MAY_WRITE) && (i->sb->flags & MS_RDONLY) &&
	    (S_ISREG(i->mode) || S_ISDIR(i->mode) || S_ISLNK(i->mode)))
		return -EROFS;
	if (unlikely(i->ops && i->ops->permission))
		return i->ops->permission(i, mask);
	return permission_generic(i, mask);
}

int path_permission(const struct path *p, int mask)
{
	struct inode *i = p->dentry->inode;
	if ((mask & MAY_EXEC) && S_ISREG(i->mode) && p->mnt && (p->mnt->flags & MS_NOEXEC))
		return -EACCES;
	return inode_permission(i, mask);
}

bool inode_owner_or_capable(const struct inode *i)
{
	return current_cred()->fsuid == i->uid || capable(CAP_FOWNER);
}

void inode_init_owner(struct inode *i, const struct inode *dir, mode_t mode)
{
	const struct cred *c = current_cred();
	i->uid = c->fsuid;
	i->gid = c->fsgid;
	if (dir && (dir->mode & S_ISGID)) {
		i->gid = dir->gid;
		if (S_ISDIR(mode))
			mode |= S_ISGID;
		else if ((mode & (S_ISGID | 0010)) == (S_ISGID | 0010) &&
			 !cred_in_group(c, i->gid) && !cred_capable(c, CAP_FSETID))
			mode &= ~S_ISGID;
	}
	i->mode = mode;
	i->atime = i->mtime = i->ctime = i->btime = current_time();
}

/* ---- attributes ---- */

int generic_setattr(struct inode *i, const struct iattr *a)
{
	spin_lock(&i->lock);
	if (a->valid & ATTR_UID)
		i->uid = a->uid;
	if (a->valid & ATTR_GID)
		i->gid = a->gid;
	if (a->valid & ATTR_MODE)
		i->mode = (i->mode & S_IFMT) | (a->mode & 07777);
	if (a->valid & ATTR_SIZE)
		WRITE_ONCE(i->size, a->size);
	if (a->valid & ATTR_ATIME)
		i->atime = a->atime;
	if (a->valid & ATTR_MTIME)
		i->mtime = a->mtime;
	if (a->valid & ATTR_CTIME)
		i->ctime = current_time();
	spin_unlock(&i->lock);
	return 0;
}

int inode_setattr(struct inode *i, const struct iattr *a)
{
	struct iattr b = *a;
	b.valid |= ATTR_CTIME;
	if (i->ops && i->ops->setattr)
		return i->ops->setattr(i, &b);
	return generic_setattr(i, &b);
}

void inode_fill_kstat(struct inode *i, struct kstat *st)
{
	st->dev = i->sb->dev;
	st->ino = i->ino;
	st->nlink = i->nlink;
	st->mode = i->mode;
	st->uid = i->uid;
	st->gid = i->gid;
	st->rdev = i->rdev;
	st->size = READ_ONCE(i->size);
	st->blocks = READ_ONCE(i->blocks);
	st->blksize = i->sb->block_size ? i->sb->block_size : PAGE_SIZE;
	spin_lock(&i->lock);
	st->atime = i->atime;
	st->mtime = i->mtime;
	st->ctime = i->ctime;
	st->btime = i->btime;
	spin_unlock(&i->lock);
	st->has_btime = st->btime.tv_sec || st->btime.tv_nsec;
	st->attributes = st->attributes_mask = 0;
	st->mnt_id = 0;
}

static inline bool ts_after(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

/* relatime, as mount(8) explains it: only if older than the last change or than a day. */
void inode_touch_atime(const struct path *p)
{
	struct inode *i = p->dentry->inode;
	u32 mf = p->mnt ? p->mnt->flags : 0;
	if (!i || ((mf | i->sb->flags) & (MS_NOATIME | MS_RDONLY)) ||
	    (S_ISDIR(i->mode) && ((mf | i->sb->flags) & MS_NODIRATIME)))
		return;
	if ((mf & MS_RELATIME) && ts_after(&i->atime, &i->mtime) &&
	    ts_after(&i->atime, &i->ctime) &&
	    ktime_get_real() / NSEC_PER_SEC - i->atime.tv_sec < 24 * 3600)
		return;
	struct timespec now = current_time();
	if (now.tv_sec == i->atime.tv_sec && now.tv_nsec == i->atime.tv_nsec)
		return;
	spin_lock(&i->lock);
	i->atime = now;
	spin_unlock(&i->lock);
}

void inode_touch_mtime(struct inode *i)
{
	struct timespec now = current_time();
	spin_lock(&i->lock);
	i->mtime = i->ctime = now;
	spin_unlock(&i->lock);
}

/* ---- writers against execution ---- */

int inode_write_get(struct inode *i)
{
	s32 v = atomic_read(&i->write_count);
	do {
		if (v < 0)
			return -ETXTBSY;
	} while (!atomic_try_cmpxchg(&i->write_count, &v, v + 1));
	return 0;
}
void inode_write_put(struct inode *i)
{
	atomic_dec(&i->write_count);
}
int file_deny_write(struct file *f)
{
	s32 v = atomic_read(&f->inode->write_count);
	do {
		if (v > 0)
			return -ETXTBSY;
	} while (!atomic_try_cmpxchg(&f->inode->write_count, &v, v - 1));
	return 0;
}
void file_allow_write(struct file *f)
{
	atomic_inc(&f->inode->write_count);
}

/* Device nodes, FIFOs and sockets. */
static int no_open(struct inode *i, struct file *f)
{
	return -ENXIO;
}
static const struct file_ops no_open_fops = {.open = no_open};
const struct file_ops *blkdev_fops;

void inode_init_special(struct inode *i, mode_t mode, dev_t rdev)
{
	i->mode = mode;
	if (S_ISCHR(mode)) {
		i->fops = &chrdev_fops;
		i->rdev = rdev;
	} else if (S_ISBLK(mode)) {
		i->fops = blkdev_fops ? blkdev_fops : &no_open_fops;
		i->rdev = rdev;
	} else if (S_ISFIFO(mode)) {
		i->fops = &fifo_fops;
	} else {
		i->fops = &no_open_fops;
	}
}

void inode_init_caches(void)
{
	inode_slab = slab_cache_create("inode_cache", sizeof(struct inode), 0,
				       SLAB_RECLAIMABLE | SLAB_PANIC, NULL);
}
