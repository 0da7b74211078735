/*
 * tmpfs: super blocks, inodes, directories. The root file system; mount types "tmpfs" and "ramfs".
 *
 * A directory's entries are its dentries: each existing name is a pinned dentry, in the parent's list
 * of children in the order of its position (dentry.private, growing), which is what readdir's offsets
 * are made of. A lookup that misses the cache is therefore a name that does not exist. File contents
 * are page-cache pages without a pager to write them; pages and inodes are counted against limits.
 *
 * Locks: the VFS holds the directory's (and victim's) rwsem. Counters are atomic.
 * Source: tmpfs(5), mount(8).
 */
#include <alloc/slab.h>
#include <fs/mount.h>
#include <fs/seq.h>
#include <lib/string.h>
#include <sched/cred.h>
#include "tmpfs_priv.h"

#define TMPFS_MAGIC 0x01021994
#define DIRENT_SIZE 20 /* what a name adds to the size of a directory, as stat shows it */

static struct slab_cache *inode_slab;
static const struct inode_ops dir_ops, file_iops, link_ops, special_ops;
static const struct file_ops dir_fops;

static inline struct tmpfs_sb *tsb(const struct super_block *sb)
{
	return sb->private;
}

/* ---- accounting ---- */

static int charge(struct mapping *m, long pages)
{
	struct inode *i = m->host;
	struct tmpfs_sb *s = tsb(i->sb);
	u64 max = READ_ONCE(s->max_pages);
	if (atomic_add_return(&s->pages, pages) > (s64)max && max && pages > 0) {
		atomic_sub(&s->pages, pages);
		return -ENOSPC;
	}
	__atomic_fetch_add(&i->blocks, (u64)(pages * (long)(PAGE_SIZE / 512)), __ATOMIC_RELAXED);
	return 0;
}

static u64 mapping_size(struct mapping *m)
{
	struct inode *i = m->host;
	return READ_ONCE(i->size);
}

static const struct pager_ops tmpfs_pager = {.charge = charge, .size = mapping_size};

/* ---- inodes ---- */

static struct inode *alloc_inode(struct super_block *sb)
{
	struct tmpfs_inode *t = slab_alloc(inode_slab, GFP_KERNEL | GFP_ZERO);
	return t ? &t->i : NULL;
}

static void free_inode(struct inode *i)
{
	slab_free(inode_slab, TMPFS_I(i));
}

static void evict(struct inode *i)
{
	struct tmpfs_inode *t = TMPFS_I(i);
	kfree(t->link);
	tmpfs_free_xattrs(t);
	atomic_dec(&tsb(i->sb)->inodes);
}

struct inode *tmpfs_inode_new(struct super_block *sb, const struct inode *dir, mode_t mode,
			      dev_t rdev)
{
	struct tmpfs_sb *s = tsb(sb);
	u64 max = READ_ONCE(s->max_inodes);
	if (atomic_add_return(&s->inodes, 1) > (s64)max && max) {
		atomic_dec(&s->inodes);
		return ERR_PTR(-ENOSPC);
	}
	struct inode *i = inode_new(sb);
	if (!i) {
		atomic_dec(&s->inodes);
		return ERR_PTR(-ENOMEM);
	}
	struct tmpfs_inode *t = TMPFS_I(i);
	list_init(&t->xattrs);
	i->ino = inode_next_ino();
	i->own_mapping.ops = &tmpfs_pager;
	inode_init_owner(i, dir, mode);
	switch (mode & S_IFMT) {
	case S_IFREG:
		i->ops = &file_iops;
		i->fops = &tmpfs_file_ops;
		break;
	case S_IFDIR:
		i->ops = &dir_ops;
		i->fops = &dir_fops;
		i->nlink = 2;
		i->size = 2 * DIRENT_SIZE;
		t->next_off = 2;
		break;
	case S_IFLNK:
		i->ops = &link_ops;
		break;
	default:
		i->ops = &special_ops;
		inode_init_special(i, i->mode, rdev);
	}
	return i;
}

/* ---- directories ---- */

static int lookup(struct inode *dir, struct dentry *d)
{
	dentry_instantiate(d, NULL);
	return 0;
}

/* d is a name in dir from now on, at the end of it. */
static void enter(struct inode *dir, struct dentry *d)
{
	struct tmpfs_inode *t = TMPFS_I(dir);
	struct dentry *parent = d->parent;
	d->private = (void *)(uintptr_t)t->next_off++;
	spin_lock(&parent->lock);
	list_move_tail(&d->sibling, &parent->children);
	spin_unlock(&parent->lock);
}

static void count_entry(struct inode *dir, int n)
{
	TMPFS_I(dir)->entries += (u64)(s64)n;
	WRITE_ONCE(dir->size, dir->size + (u64)(s64)(n * DIRENT_SIZE));
	inode_touch_mtime(dir);
}

static int add_name(struct inode *dir, struct dentry *d, struct inode *i)
{
	dentry_instantiate(d, i);
	dentry_pin(d);
	enter(dir, d);
	count_entry(dir, 1);
	return 0;
}

static int create(struct inode *dir, struct dentry *d, mode_t mode, dev_t rdev)
{
	struct inode *i = tmpfs_inode_new(dir->sb, dir, mode, rdev);
	if (IS_ERR(i))
		return (int)PTR_ERR(i);
	return add_name(dir, d, i);
}

static int mkdir(struct inode *dir, struct dentry *d, mode_t mode)
{
	int err = create(dir, d, mode, 0);
	if (!err)
		dir->nlink++;
	return err;
}

static int symlink(struct inode *dir, struct dentry *d, const char *target)
{
	struct inode *i = tmpfs_inode_new(dir->sb, dir, S_IFLNK | 0777, 0);
	if (IS_ERR(i))
		return (int)PTR_ERR(i);
	TMPFS_I(i)->link = kstrdup(target, GFP_KERNEL);
	if (!TMPFS_I(i)->link) {
		inode_put(i);
		return -ENOMEM;
	}
	i->size = strlen(target);
	return add_name(dir, d, i);
}

static void touch_ctime(struct inode *i)
{
	struct timespec now = current_time();
	spin_lock(&i->lock);
	i->ctime = now;
	spin_unlock(&i->lock);
}

static int link(struct inode *dir, struct dentry *d, struct inode *target)
{
	inode_get(target);
	target->nlink++;
	touch_ctime(target);
	return add_name(dir, d, target);
}

static void drop_name(struct inode *dir, struct dentry *d)
{
	count_entry(dir, -1);
	touch_ctime(d->inode);
	dentry_unpin(d);
}

static int unlink(struct inode *dir, struct dentry *d)
{
	d->inode->nlink--;
	drop_name(dir, d);
	return 0;
}

static int rmdir(struct inode *dir, struct dentry *d)
{
	if (TMPFS_I(d->inode)->entries)
		return -ENOTEMPTY;
	d->inode->nlink = 0;
	dir->nlink--;
	drop_name(dir, d);
	return 0;
}

static int rename(struct inode *odir, struct dentry *od, struct inode *ndir, struct dentry *nd,
		  unsigned flags)
{
	struct inode *src = od->inode, *dst = nd->inode;
	bool dir = S_ISDIR(src->mode), xchg_dir = dst && S_ISDIR(dst->mode);
	if (flags & RENAME_EXCHANGE) {
		if (odir != ndir) {
			/* Each takes its place at the end of its new directory. */
			od->private = (void *)(uintptr_t)TMPFS_I(ndir)->next_off++;
			nd->private = (void *)(uintptr_t)TMPFS_I(odir)->next_off++;
			odir->nlink = odir->nlink - dir + xchg_dir;
			ndir->nlink = ndir->nlink - xchg_dir + dir;
			inode_touch_mtime(ndir);
		}
		inode_touch_mtime(odir);
		touch_ctime(src);
		touch_ctime(dst);
		return 0;
	}
	if (dst) {
		if (dir && TMPFS_I(dst)->entries)
			return -ENOTEMPTY;
		if (dir) {
			dst->nlink = 0;
			ndir->nlink--;
		} else {
			dst->nlink--;
		}
		drop_name(ndir, nd);
	}
	count_entry(odir, -1);
	if (odir == ndir)
		enter(ndir, od);
	else
		od->private = (void *)(uintptr_t)TMPFS_I(ndir)->next_off++;
	count_entry(ndir, 1);
	if (dir) {
		odir->nlink--;
		ndir->nlink++;
	}
	touch_ctime(src);
	return 0;
}

static int tmpfile(struct inode *dir, struct dentry *d, mode_t mode)
{
	struct inode *i = tmpfs_inode_new(dir->sb, dir, mode, 0);
	if (IS_ERR(i))
		return (int)PTR_ERR(i);
	i->nlink = 0;
	dentry_instantiate(d, i);
	return 0;
}

static char *readlink(struct inode *i, struct dentry *d, struct path *jump)
{
	char *s = kmemdup(TMPFS_I(i)->link, i->size + 1, GFP_KERNEL);
	return s ? s : ERR_PTR(-ENOMEM);
}

/* Next existing entry at or after pos behind the hint (consumed); counted or NULL. rwsem held. */
static struct dentry *next_entry(struct dentry *dir, struct dentry *hint, u64 pos)
{
	struct dentry *found = NULL;
	spin_lock(&dir->lock);
	struct list *l = dir->children.next;
	if (hint && hint->parent == dir && !list_empty(&hint->sibling) && hint->inode &&
	    (u64)(uintptr_t)hint->private < pos)
		l = hint->sibling.next;
	for (; l != &dir->children; l = l->next) {
		struct dentry *d = list_entry(l, struct dentry, sibling);
		if (d->inode && (d->flags & DENTRY_PINNED) && (u64)(uintptr_t)d->private >= pos &&
		    ref_tryget(&d->ref)) {
			found = d;
			break;
		}
	}
	spin_unlock(&dir->lock);
	if (hint)
		dentry_put(hint);
	return found;
}

/* f->private keeps the last entry given out, so that a long directory is walked once. */
static int iterate(struct file *f, struct dir_context *c)
{
	struct dentry *dir = f->path.dentry, *hint = xchg(&f->private, NULL), *d;
	ino_t up = dir->parent->inode->ino;
	if (c->pos == 0) {
		if (!c->emit(c, ".", 1, f->inode->ino, DT_OF_MODE(S_IFDIR), 1))
			goto out;
		c->pos = 1;
	}
	if (c->pos == 1) {
		if (!c->emit(c, "..", 2, up, DT_OF_MODE(S_IFDIR), 2))
			goto out;
		c->pos = 2;
	}
	while ((d = next_entry(dir, hint, c->pos))) {
		u64 off = (u64)(uintptr_t)d->private;
		hint = d;
		if (!c->emit(c, d->name, d->name_len, d->inode->ino, DT_OF_MODE(d->inode->mode),
			     off + 1))
			break;
		c->pos = off + 1;
	}
	if (!d)
		hint = NULL;
out:
	f->private = hint;
	return 0;
}

static void dir_release(struct inode *i, struct file *f)
{
	if (f->private)
		dentry_put(f->private);
}

static s64 dir_llseek(struct file *f, s64 off, int whence)
{
	u64 before = f->pos;
	s64 at = seek_no_end(f, off, whence);

	if (at >= 0 && (u64)at != before) {
		struct dentry *hint = xchg(&f->private, NULL);
		if (hint)
			dentry_put(hint);
	}
	return at;
}

static int no_fsync(struct file *f, u64 start, u64 end, bool datasync)
{
	return 0;
}

static const struct file_ops dir_fops = {
	.iterate = iterate, .llseek = dir_llseek, .release = dir_release, .fsync = no_fsync};

/* ---- attributes ---- */

static int setattr(struct inode *i, const struct iattr *a)
{
	struct tmpfs_inode *t = TMPFS_I(i);
	u64 old = i->size;
	if ((a->valid & ATTR_SIZE) && a->size != old) {
		if (t->seals & (a->size < old ? F_SEAL_SHRINK : F_SEAL_GROW))
			return -EPERM;
	}
	int err = generic_setattr(i, a);
	if (!err && (a->valid & ATTR_SIZE) && (a->size < old || i->blocks))
		mapping_truncate(i->mapping, a->size);
	return err;
}

#define XATTR_OPS                                                                             \
	.getxattr = tmpfs_getxattr, .setxattr = tmpfs_setxattr, .listxattr = tmpfs_listxattr, \
	.removexattr = tmpfs_removexattr

static const struct inode_ops dir_ops = {.lookup = lookup,
					 .create = create,
					 .mkdir = mkdir,
					 .symlink = symlink,
					 .link = link,
					 .unlink = unlink,
					 .rmdir = rmdir,
					 .rename = rename,
					 .tmpfile = tmpfile,
					 XATTR_OPS};
static const struct inode_ops file_iops = {.setattr = setattr, XATTR_OPS};
static const struct inode_ops special_ops = {XATTR_OPS};
static const struct inode_ops link_ops = {.readlink = readlink, XATTR_OPS};

/* ---- super block ---- */

static int statfs(struct super_block *sb, struct kstatfs *st)
{
	struct tmpfs_sb *s = tsb(sb);
	st->f_type = TMPFS_MAGIC;
	st->f_bsize = PAGE_SIZE;
	st->f_namelen = NAME_MAX;
	if (s->max_pages) {
		u64 used = (u64)atomic_read(&s->pages);
		st->f_blocks = s->max_pages;
		st->f_bavail = st->f_bfree = s->max_pages > used ? s->max_pages - used : 0;
	}
	if (s->max_inodes) {
		u64 used = (u64)atomic_read(&s->inodes);
		st->f_files = s->max_inodes;
		st->f_ffree = s->max_inodes > used ? s->max_inodes - used : 0;
	}
	return 0;
}

static int number(const char *v, unsigned base, u64 *out)
{
	return *v ? parse_u64(v, base, out) : -EINVAL;
}

/* size= takes suffixes and percent of memory. */
static int parse_bytes(const char *v, u64 *bytes)
{
	const char *end;
	u64 n = parse_size(v, &end);
	if (end == v)
		return -EINVAL;
	if (*end == '%') {
		struct mem_stats ms;
		mem_stats_get(&ms);
		n = (ms.total << PAGE_SHIFT) / 100 * n;
		end++;
	}
	*bytes = n;
	return *end ? -EINVAL : 0;
}

static int parse_option(struct tmpfs_sb *s, const char *key, const char *v)
{
	u64 n = 0;
	int err = 0;
	if (!strcmp(key, "size")) {
		err = parse_bytes(v, &n);
		s->max_pages = DIV_ROUND_UP(n, PAGE_SIZE);
	} else if (!strcmp(key, "nr_blocks")) {
		err = parse_bytes(v, &n);
		s->max_pages = n;
	} else if (!strcmp(key, "nr_inodes")) {
		err = parse_bytes(v, &n);
		s->max_inodes = n;
	} else if (!strcmp(key, "mode")) {
		err = number(v, 8, &n);
		s->mode = n & 07777;
	} else if (!strcmp(key, "uid")) {
		err = number(v, 10, &n);
		s->uid = (uid_t)n;
	} else if (!strcmp(key, "gid")) {
		err = number(v, 10, &n);
		s->gid = (gid_t)n;
	} else if (strcmp(key, "huge") && strcmp(key, "mpol") && strcmp(key, "inode64") &&
		   strcmp(key, "inode32")) {
		err = -EINVAL;
	}
	return err;
}

static int parse_options(struct tmpfs_sb *s, const char *data)
{
	if (!data || !*data)
		return 0;
	char *copy = kstrdup(data, GFP_KERNEL), *p = copy;
	int err = copy ? 0 : -ENOMEM;
	while (p && !err) {
		char *next = strchr(p, ',');
		if (next)
			*next++ = '\0';
		char *v = strchr(p, '=');
		if (v)
			*v++ = '\0';
		if (*p)
			err = parse_option(s, p, v ? v : "");
		p = next;
	}
	kfree(copy);
	return err;
}

static int remount(struct super_block *sb, unsigned *flags, const char *data)
{
	struct tmpfs_sb *s = tsb(sb), n = *s;
	int err = parse_options(&n, data);
	if (err)
		return err;
	if ((n.max_pages && (u64)atomic_read(&s->pages) > n.max_pages) ||
	    (n.max_inodes && (u64)atomic_read(&s->inodes) > n.max_inodes) ||
	    (!s->max_pages && n.max_pages) || (!s->max_inodes && n.max_inodes))
		return -EINVAL;
	WRITE_ONCE(s->max_pages, n.max_pages);
	WRITE_ONCE(s->max_inodes, n.max_inodes);
	return 0;
}

static void show_options(struct super_block *sb, struct seq *q)
{
	struct tmpfs_sb *s = tsb(sb);
	if (s->max_pages)
		seq_printf(q, ",size=%luk", (unsigned long)(s->max_pages * (PAGE_SIZE / 1024)));
	if (s->max_inodes)
		seq_printf(q, ",nr_inodes=%lu", (unsigned long)s->max_inodes);
	if (s->mode != 01777)
		seq_printf(q, ",mode=%03o", s->mode);
	if (s->uid)
		seq_printf(q, ",uid=%u", s->uid);
	if (s->gid)
		seq_printf(q, ",gid=%u", s->gid);
}

static void put_super(struct super_block *sb)
{
	kfree(sb->private);
}

static const struct super_ops tmpfs_sops = {.alloc_inode = alloc_inode,
					    .free_inode = free_inode,
					    .evict = evict,
					    .statfs = statfs,
					    .remount = remount,
					    .put_super = put_super,
					    .show_options = show_options};

static struct super_block *mount_with(const struct fs_type *t, unsigned flags, const char *data,
				      bool limits)
{
	struct mem_stats ms;
	struct tmpfs_sb *s = kzalloc(sizeof(*s), GFP_KERNEL);
	int err = -ENOMEM;
	if (!s)
		return ERR_PTR(err);
	mem_stats_get(&ms);
	s->mode = limits ? 01777 : 0755;
	s->uid = current_cred()->fsuid;
	s->gid = current_cred()->fsgid;
	if (limits)
		s->max_pages = s->max_inodes = ms.total / 2;
	err = limits ? parse_options(s, data) : 0;
	if (err)
		goto out_free;
	struct super_block *sb = super_new(t, flags);
	err = -ENOMEM;
	if (!sb)
		goto out_free;
	sb->ops = &tmpfs_sops;
	sb->private = s;
	struct inode *root = tmpfs_inode_new(sb, NULL, S_IFDIR | s->mode, 0);
	if (IS_ERR(root))
		goto out_super;
	root->uid = s->uid;
	root->gid = s->gid;
	sb->root = dentry_make_root(root);
	if (!sb->root)
		goto out_super;
	return sb;
out_super:
	super_put(sb); /* frees s */
	return ERR_PTR(err);
out_free:
	kfree(s);
	return ERR_PTR(err);
}

static struct super_block *mount_tmpfs(const struct fs_type *t, unsigned flags, const char *source,
				       const char *data)
{
	return mount_with(t, flags, data, true);
}

static struct super_block *mount_ramfs(const struct fs_type *t, unsigned flags, const char *source,
				       const char *data)
{
	return mount_with(t, flags, data, false);
}

const struct fs_type tmpfs_type = {
	.name = "tmpfs", .flags = FS_NODEV | FS_USERNS, .mount = mount_tmpfs};
static const struct fs_type ramfs_type = {
	.name = "ramfs", .flags = FS_NODEV | FS_USERNS, .mount = mount_ramfs};
FILESYSTEM(tmpfs_type);
FILESYSTEM(ramfs_type);

/* An instance without limits that nothing mounts. */
struct super_block *ramfs_instance(void)
{
	struct super_block *sb = mount_with(&tmpfs_type, 0, NULL, false);
	return IS_ERR(sb) ? NULL : sb;
}

void tmpfs_init(void)
{
	inode_slab = slab_cache_create("tmpfs_inode", sizeof(struct tmpfs_inode), 0,
				       SLAB_RECLAIMABLE | SLAB_PANIC, NULL);
	tmpfs_shm_init();
}
