/*
 * The mount tree: which super block's tree hangs where.
 *
 * A mount is found by (parent mount, mountpoint dentry) in a hash that walkers read under RCU; the
 * walk_seq counter tells them when the tree moved under their feet. The tree holds one reference per
 * attached mount, a path held by anyone another; a mount that is detached lives on until the last
 * path is gone, then drops its super block.
 *
 * Locks: ns->sem (shape of the tree, flags) > rename_lock (hash, parent, mountpoint; walk_seq is odd
 * during a change). mount_put may sleep.
 */
#include <alloc/slab.h>
#include <fs/dev.h>
#include <fs/seq.h>
#include <lib/idr.h>
#include "vfs_priv.h"

#define NR_BUCKETS 256
static struct hlist buckets[NR_BUCKETS]; /* [rename_lock] readers under RCU */

struct mnt_ns init_mnt_ns;
DEFINE_WAIT_QUEUE(mounts_wait);

static inline struct hlist *bucket(const struct mount *parent, const struct dentry *d)
{
	u64 h = ((u64)parent >> 6) * 0x9e3779b97f4a7c15ul + ((u64)d >> 6);
	return &buckets[(h * 0x9e3779b97f4a7c15ul) >> 56];
}

struct mount *mount_lookup_rcu(const struct mount *parent, const struct dentry *d)
{
	struct mount *m;
	hlist_for_each_entry (m, bucket(parent, d), hash)
		if (READ_ONCE(m->parent) == parent && READ_ONCE(m->mountpoint) == d)
			return m;
	return NULL;
}

struct mount *mount_lookup(struct mount *parent, struct dentry *d)
{
	struct mount *m;
	for (;;) {
		rcu_read_lock();
		u32 seq = seq_read_begin(&walk_seq);
		m = mount_lookup_rcu(parent, d);
		if (m && !ref_tryget(&m->ref))
			m = NULL;
		rcu_read_unlock();
		if (!seq_read_retry(&walk_seq, seq))
			return m;
		if (m)
			mount_put(m);
	}
}

void mount_get(struct mount *m)
{
	ref_get(&m->ref);
}

static void mount_free_rcu(struct rcu_head *h)
{
	struct mount *m = container_of(h, struct mount, rcu);
	kfree(m->source);
	kfree(m);
}

void mount_put(struct mount *m)
{
	if (!m || !ref_put(&m->ref))
		return;
	dentry_put(m->root);
	super_put(m->sb);
	call_rcu(&m->rcu, mount_free_rcu);
}

void path_get(const struct path *p)
{
	if (p->mnt)
		mount_get(p->mnt);
	dentry_get(p->dentry);
}

void path_put(const struct path *p)
{
	dentry_put(p->dentry);
	mount_put(p->mnt);
}

/* Consumes a reference on sb, takes one on root. A detached mount, one reference. NULL: no memory. */
struct mount *mount_new(struct super_block *sb, struct dentry *root, const char *source, u32 flags)
{
	static atomic_t ids = ATOMIC_INIT(0);
	struct mount *m = kzalloc(sizeof(*m), GFP_KERNEL);
	char *src = kstrdup(source ? source : "none", GFP_KERNEL);
	if (!m || !src) {
		kfree(m);
		kfree(src);
		super_put(sb);
		return NULL;
	}
	ref_init(&m->ref, 1);
	m->id = (u32)atomic_inc_return(&ids);
	m->flags = flags;
	m->sb = sb;
	dentry_get(root);
	m->root = root;
	m->mountpoint = root;
	m->parent = m;
	m->source = src;
	list_init(&m->children);
	list_init(&m->sibling);
	list_init(&m->ns_list);
	return m;
}

void mount_changed(void)
{
	init_mnt_ns.generation++;
	wake_up_poll(&mounts_wait, 0);
}

u64 mounts_generation(void)
{
	return READ_ONCE(init_mnt_ns.generation);
}

static void set_mounted(struct dentry *d, bool on)
{
	spin_lock(&d->lock);
	WRITE_ONCE(d->flags, on ? d->flags | DENTRY_MOUNTED : d->flags & ~DENTRY_MOUNTED);
	spin_unlock(&d->lock);
}

/* Hang m (unhashed) at (parent, at); both gain a reference. ns sem held for writing. */
static void attach(struct mount *m, struct mount *parent, struct dentry *at)
{
	mount_get(parent);
	dentry_get(at);
	set_mounted(at, true);
	spin_lock(&rename_lock);
	seq_write_begin(&walk_seq);
	m->parent = parent;
	m->mountpoint = at;
	hlist_add(&m->hash, bucket(parent, at));
	seq_write_end(&walk_seq);
	spin_unlock(&rename_lock);
	list_add_tail(&m->sibling, &parent->children);
}

static bool mountpoint_in_use(const struct dentry *d)
{
	struct mount *m;
	list_for_each_entry (m, &init_mnt_ns.mounts, ns_list)
		if (m->parent != m && m->mountpoint == d)
			return true;
	return false;
}

/* Take m off its place; the references on parent and mountpoint go. ns sem held for writing. */
static void unhang(struct mount *m)
{
	struct mount *parent = m->parent;
	struct dentry *at = m->mountpoint;
	if (parent == m)
		return;
	spin_lock(&rename_lock);
	seq_write_begin(&walk_seq);
	hlist_del(&m->hash);
	m->parent = m;
	m->mountpoint = m->root;
	seq_write_end(&walk_seq);
	spin_unlock(&rename_lock);
	list_del(&m->sibling);
	if (!mountpoint_in_use(at))
		set_mounted(at, false);
	dentry_put(at);
	mount_put(parent);
}

void mount_reattach(struct mount *m, struct mount *parent, struct dentry *at)
{
	unhang(m);
	if (parent)
		attach(m, parent, at);
}

static void enter_ns(struct mount *m)
{
	m->ns = &init_mnt_ns;
	list_add_tail(&m->ns_list, &init_mnt_ns.mounts);
	init_mnt_ns.nr++;
}

int mount_graft(struct mount *m, const struct path *at)
{
	if (S_ISDIR(at->dentry->inode->mode) != S_ISDIR(m->root->inode->mode))
		return -ENOTDIR;
	if ((at->dentry->flags & DENTRY_UNHASHED) && at->dentry->parent != at->dentry)
		return -ENOENT;
	if (!at->mnt->ns)
		return -EINVAL;
	attach(m, at->mnt, at->dentry);
	/* m may be a whole tree (recursive bind): all of it enters the namespace. */
	struct mount *top = m;
	for (;;) {
		enter_ns(m);
		if (!list_empty(&m->children)) {
			m = list_first_entry(&m->children, struct mount, sibling);
			continue;
		}
		while (m != top && m->sibling.next == &m->parent->children)
			m = m->parent;
		if (m == top)
			break;
		m = list_entry(m->sibling.next, struct mount, sibling);
	}
	mount_changed();
	return 0;
}

/* m and everything below it leave the namespace, each on its own; the tree's references are dropped
 * by mount_drop_list after the semaphore. */
void mount_detach(struct mount *m, struct list *drop)
{
	/* Leaves first, in a loop: mounts nest as deep as somebody likes. */
	for (struct mount *c = m, *up;; c = up) {
		while (!list_empty(&c->children))
			c = list_first_entry(&c->children, struct mount, sibling);
		up = c->parent;
		list_del(&c->ns_list);
		c->ns = NULL;
		init_mnt_ns.nr--;
		unhang(c);
		list_add_tail(&c->ns_list, drop);
		if (c == m)
			break;
	}
	mount_changed();
}

void mount_drop_list(struct list *drop)
{
	struct mount *m, *n;
	list_for_each_entry_safe (m, n, drop, ns_list) {
		list_del(&m->ns_list);
		mount_put(m);
	}
}

bool dentry_is_mountpoint(const struct dentry *d)
{
	return READ_ONCE(d->flags) & DENTRY_MOUNTED;
}

static struct mount *clone_one(const struct mount *m, struct dentry *root)
{
	return mount_new(super_get(m->sb), root, m->source, m->flags);
}

/* A detached copy of the mount at from, with what is mounted below it if asked. ns sem held. */
int mount_copy_tree(const struct path *from, bool recursive, struct mount **out)
{
	struct mount *top = clone_one(from->mnt, from->dentry);
	if (!top)
		return -ENOMEM;
	*out = top;
	if (!recursive)
		return 0;
	struct mount *src = from->mnt, *dst = top;
	for (;;) {
		struct mount *next = NULL;
		if (!list_empty(&src->children)) {
			next = list_first_entry(&src->children, struct mount, sibling);
		} else {
			while (src != from->mnt && src->sibling.next == &src->parent->children) {
				src = src->parent;
				dst = dst->parent;
			}
			if (src == from->mnt)
				return 0;
			next = list_entry(src->sibling.next, struct mount, sibling);
			dst = dst->parent;
		}
		/* Only what hangs below the bound directory comes along. */
		while (next && next->parent == from->mnt &&
		       !dentry_is_ancestor(from->dentry, next->mountpoint))
			next = next->sibling.next == &next->parent->children
				       ? NULL
				       : list_entry(next->sibling.next, struct mount, sibling);
		if (!next)
			return 0;
		struct mount *c = clone_one(next, next->root);
		if (!c) {
			struct mount *m = top; /* take the copy apart, leaves first */
			while (!list_empty(&m->children))
				m = list_first_entry(&m->children, struct mount, sibling);
			while (m != top) {
				struct mount *up = m->parent;
				unhang(m);
				mount_put(m);
				m = up;
				while (!list_empty(&m->children))
					m = list_first_entry(&m->children, struct mount, sibling);
			}
			mount_put(top);
			return -ENOMEM;
		}
		attach(c, dst, next->mountpoint);
		src = next;
		dst = c;
	}
}

int mount_write_get(struct mount *m)
{
	if (!m)
		return 0;
	atomic_inc(&m->writers);
	smp_mb();
	if (mount_readonly(m)) {
		atomic_dec(&m->writers);
		return -EROFS;
	}
	return 0;
}

void mount_write_put(struct mount *m)
{
	if (m)
		atomic_dec(&m->writers);
}

/* p is below root: by d's parents and the mountpoints. */
bool path_reachable(const struct path *p, const struct path *root)
{
	bool ok = false;
	spin_lock(&rename_lock);
	struct mount *m = p->mnt;
	struct dentry *d = p->dentry;
	while (m != root->mnt && m->parent != m) {
		d = m->mountpoint;
		m = m->parent;
	}
	ok = m == root->mnt && dentry_is_ancestor(root->dentry, d);
	spin_unlock(&rename_lock);
	return ok;
}

/* p: counted; becomes the root of what is mounted on it, however often. */
void path_cross_mounts(struct path *p)
{
	while (unlikely(READ_ONCE(p->dentry->flags) & DENTRY_MOUNTED)) {
		struct mount *m = mount_lookup(p->mnt, p->dentry);
		if (!m)
			break;
		dentry_get(m->root);
		path_put(p);
		p->mnt = m;
		p->dentry = m->root;
	}
}

/* p: counted; while it is the root of a mount, becomes the mountpoint below. Not beyond root, which may be a
 * mountpoint itself when something was mounted there after chroot. */
void path_up_mounts(struct path *p, const struct path *root)
{
	while (p->dentry == p->mnt->root && !(p->mnt == root->mnt && p->dentry == root->dentry)) {
		struct path up;
		spin_lock(&rename_lock);
		up.mnt = p->mnt->parent;
		up.dentry = p->mnt->mountpoint;
		if (up.mnt == p->mnt) {
			spin_unlock(&rename_lock);
			return;
		}
		path_get(&up);
		spin_unlock(&rename_lock);
		path_put(p);
		*p = up;
	}
}

void mount_init(void)
{
	rwsem_init(&init_mnt_ns.sem);
	list_init(&init_mnt_ns.mounts);
}

/* ---- /proc/PID/mounts and friends ---- */

static void show_flags(struct seq *s, u32 f)
{
	static const struct {
		u32 flag;
		const char *text;
	} names[] = {
		{MS_NOSUID, ",nosuid"},		  {MS_NODEV, ",nodev"},
		{MS_NOEXEC, ",noexec"},		  {MS_NOATIME, ",noatime"},
		{MS_NODIRATIME, ",nodiratime"},	  {MS_RELATIME, ",relatime"},
		{MS_NOSYMFOLLOW, ",nosymfollow"},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (f & names[i].flag)
			seq_puts(s, names[i].text);
}

static void show_sb_options(struct seq *s, struct super_block *sb)
{
	if (sb->flags & MS_SYNCHRONOUS)
		seq_puts(s, ",sync");
	if (sb->flags & MS_DIRSYNC)
		seq_puts(s, ",dirsync");
	if (sb->ops && sb->ops->show_options)
		sb->ops->show_options(sb, s);
}

static void show_one(struct seq *s, struct mount *m, char *buf, enum mounts_kind kind)
{
	struct path p = {m, m->root};
	char *name = path_name(&p, buf, PATH_MAX);
	if (IS_ERR(name))
		return;
	const char *ro = mount_readonly(m) ? "ro" : "rw";
	if (kind == MOUNTS_INFO) {
		seq_printf(s, "%u %u %u:%u ", m->id, m->parent->id, MAJOR(m->sb->dev),
			   MINOR(m->sb->dev));
		char *root = kmalloc(PATH_MAX, GFP_KERNEL);
		struct path r = {NULL, m->root};
		char *rn = root ? path_name(&r, root, PATH_MAX) : ERR_PTR(-ENOMEM);
		seq_escape(s, IS_ERR(rn) ? "/" : rn, " \t\n");
		kfree(root);
		seq_putc(s, ' ');
		seq_escape(s, name, " \t\n");
		seq_printf(s, " %s", m->flags & MS_RDONLY ? "ro" : "rw");
		show_flags(s, m->flags);
		seq_puts(s, " - ");
		seq_escape(s, m->sb->type->name, " \t\n#");
		seq_putc(s, ' ');
		seq_escape(s, m->source, " \t\n#");
		seq_printf(s, " %s", m->sb->flags & MS_RDONLY ? "ro" : "rw");
		show_sb_options(s, m->sb);
		seq_putc(s, '\n');
		return;
	}
	if (kind == MOUNTS_STATS)
		seq_puts(s, "device ");
	seq_escape(s, m->source, " \t\n#");
	seq_puts(s, kind == MOUNTS_STATS ? " mounted on " : " ");
	seq_escape(s, name, " \t\n");
	seq_puts(s, kind == MOUNTS_STATS ? " with fstype " : " ");
	seq_puts(s, m->sb->type->name);
	if (kind == MOUNTS_STATS) {
		seq_putc(s, '\n');
		return;
	}
	seq_printf(s, " %s", ro);
	show_flags(s, m->flags);
	show_sb_options(s, m->sb);
	seq_puts(s, " 0 0\n");
}

void mounts_show(struct seq *s, const struct path *root, enum mounts_kind kind)
{
	char *buf = kmalloc(PATH_MAX, GFP_KERNEL);
	struct mount *m;
	if (!buf)
		return;
	down_read(&init_mnt_ns.sem);
	list_for_each_entry (m, &init_mnt_ns.mounts, ns_list) {
		struct path p = {m, m->root};
		if (!root || path_reachable(&p, root))
			show_one(s, m, buf, kind);
	}
	up_read(&init_mnt_ns.sem);
	kfree(buf);
}
