/* File systems built by registration (procfs, sysfs): a tree of nodes that other subsystems fill, and the
 * inode and file operations that show it.
 *
 * Nodes are never removed, so that inodes may point to them without counting. A directory keeps its
 * children in a tree by name for lookups, and in a list in the order of creation for readdir, where a
 * child's cookie is the directory position behind the one before it: positions stay good while entries
 * are added. Inodes come and go with the dentry cache; what chmod and chown change is kept in the node.
 * Names that do not exist are not cached, as they may be registered later.
 *
 * Lock: tree_lock (rwsem) guards all nodes' children; inode rwsem > tree_lock. It is not held while show
 * and write functions run. */
#include <alloc/slab.h>
#include <alloc/vmalloc.h>
#include <fs/pseudofs.h>
#include <lib/string.h>

enum kind { NODE_DIR, NODE_SHOW, NODE_LINK, NODE_CUSTOM };

struct pseudo_node {
	struct rb_node by_name;	     /* [tree_lock] in parent->names */
	struct list sibling;	     /* [tree_lock] in parent->children */
	struct pseudo_node *parent;  /* [I] root: itself */
	struct pseudo_fs *fs;	     /* [I] */
	const char *name;	     /* [I] behind the node */
	enum kind kind;		     /* [I] */
	mode_t mode;		     /* [tree_lock] with type */
	uid_t uid;		     /* [tree_lock] */
	gid_t gid;		     /* [tree_lock] */
	ino_t ino;		     /* [I] */
	u64 cookie;		     /* [I] */
	struct rb_root names;	     /* [tree_lock] */
	struct list children;	     /* [tree_lock] */
	u64 next_cookie;	     /* [tree_lock] */
	u32 subdirs;		     /* [tree_lock] */
	proc_show_fn show;	     /* [I] */
	proc_write_fn write;	     /* [I] */
	const struct file_ops *fops; /* [I] NODE_CUSTOM */
	void *arg;		     /* [I] show's argument, inode->private, or the link's target */
};

#define MAX_WRITE (64 * KiB)
#define PID_BASE  (1ul << 20) /* directory positions of made-up entries */

static DEFINE_RWSEM(tree_lock);
static atomic64_t last_ino = ATOMIC_INIT(1);

/* ---- the tree ----------------------------------------------------------------------------------- */
static int name_cmp(const char *s, size_t n, const struct pseudo_node *c)
{
	int r = strncmp(s, c->name, n);

	return r ? r : c->name[n] ? -1 : 0;
}

static struct pseudo_node *find_child(struct pseudo_node *dir, const char *s, size_t n)
{
	struct rb_node *r = dir->names.node;

	while (r) {
		struct pseudo_node *c = rb_entry(r, struct pseudo_node, by_name);
		int d = name_cmp(s, n, c);
		if (!d)
			return c;
		r = d < 0 ? r->left : r->right;
	}
	return NULL;
}

static struct pseudo_node *node_new(struct pseudo_fs *fs, const char *name, size_t n,
				    enum kind kind, mode_t mode)
{
	struct pseudo_node *p = kzalloc(sizeof(*p) + n + 1, GFP_KERNEL);

	if (!p)
		return NULL;
	memcpy(p + 1, name, n);
	p->name = (const char *)(p + 1);
	p->fs = fs;
	p->kind = kind;
	p->mode = mode;
	p->ino = (ino_t)atomic_add_return(&last_ino, 1);
	p->next_cookie = 2;
	list_init(&p->children);
	return p;
}

static void add_child(struct pseudo_node *dir, struct pseudo_node *c)
{
	struct rb_node *parent = NULL, **link = &dir->names.node;

	while (*link) {
		parent = *link;
		int d = strcmp(c->name, rb_entry(parent, struct pseudo_node, by_name)->name);
		link = d < 0 ? &parent->left : &parent->right;
	}
	rb_link(&c->by_name, parent, link);
	rb_insert_fixup(&dir->names, &c->by_name, NULL);
	list_add_tail(&c->sibling, &dir->children);
	c->cookie = dir->next_cookie++;
	c->parent = dir;
	dir->subdirs += c->kind == NODE_DIR;
}

/* The directory that path's last component goes into, made as needed; *last is that component. */
static struct pseudo_node *make_parents(struct pseudo_fs *fs, const char *path, const char **last)
{
	struct pseudo_node *dir = fs->root;

	for (;;) {
		const char *slash = strchr(path, '/');
		struct pseudo_node *c;
		size_t n;

		if (!slash) {
			*last = path;
			return *path ? dir : ERR_PTR(-EINVAL);
		}
		n = (size_t)(slash - path);
		if (!n)
			return ERR_PTR(-EINVAL);
		c = find_child(dir, path, n);
		if (!c) {
			c = node_new(fs, path, n, NODE_DIR, S_IFDIR | 0555);
			if (!c)
				return ERR_PTR(-ENOMEM);
			add_child(dir, c);
		}
		if (c->kind != NODE_DIR)
			return ERR_PTR(-ENOTDIR);
		dir = c;
		path = slash + 1;
	}
}

/* Takes over init's kind, mode, functions and arg. */
static int create(struct pseudo_fs *fs, const char *path, const struct pseudo_node *init)
{
	struct pseudo_node *dir, *c;
	const char *name;
	int err = 0;

	down_write(&tree_lock);
	dir = make_parents(fs, path, &name);
	if (IS_ERR(dir)) {
		err = (int)PTR_ERR(dir);
		goto out;
	}
	if (find_child(dir, name, strlen(name))) {
		err = -EEXIST;
		goto out;
	}
	c = node_new(fs, name, strlen(name), init->kind, init->mode);
	if (!c) {
		err = -ENOMEM;
		goto out;
	}
	c->show = init->show;
	c->write = init->write;
	c->fops = init->fops;
	c->arg = init->arg;
	add_child(dir, c);
out:
	up_write(&tree_lock);
	return err;
}

int pseudofs_mkdir(struct pseudo_fs *fs, const char *path)
{
	struct pseudo_node n = {.kind = NODE_DIR, .mode = S_IFDIR | 0555};
	int err = create(fs, path, &n);

	return err == -EEXIST ? 0 : err;
}

int pseudofs_symlink(struct pseudo_fs *fs, const char *path, const char *target)
{
	struct pseudo_node n = {.kind = NODE_LINK, .mode = S_IFLNK | 0777};
	int err;

	n.arg = kstrdup(target, GFP_KERNEL);
	if (!n.arg)
		return -ENOMEM;
	err = create(fs, path, &n);
	if (err)
		kfree(n.arg);
	return err;
}

int pseudofs_show_file(struct pseudo_fs *fs, const char *path, mode_t mode, proc_show_fn show,
		       proc_write_fn write, void *arg)
{
	struct pseudo_node n = {
		.kind = NODE_SHOW,
		.mode = S_IFREG | (mode & 07777),
		.show = show,
		.write = write,
		.arg = arg,
	};
	return create(fs, path, &n);
}

int pseudofs_file(struct pseudo_fs *fs, const char *path, mode_t mode, const struct file_ops *ops,
		  void *arg)
{
	struct pseudo_node n = {
		.kind = NODE_CUSTOM,
		.mode = S_IFREG | (mode & 07777),
		.fops = ops,
		.arg = arg,
	};
	return create(fs, path, &n);
}

/* ---- show files ----------------------------------------------------------------------------------- */
static int no_show(struct seq *s, void *arg)
{
	return -EIO; /* a file for writing only */
}

static int show_open(struct inode *i, struct file *f)
{
	struct pseudo_node *n = i->private;

	return seq_open(f, n->show ? n->show : no_show, n->arg);
}

static ssize_t show_write(struct file *f, struct iov_iter *from, u64 *pos)
{
	struct pseudo_node *n = f->inode->private;
	size_t len = from->count;
	ssize_t r;
	char *buf;

	if (!n->write)
		return -EIO;
	if (len > MAX_WRITE)
		return -EFBIG;
	buf = kvmalloc(len + 1, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	if (iov_copy_from(from, buf, len) != len) {
		r = -EFAULT;
	} else {
		buf[len] = '\0';
		r = n->write(buf, len, n->arg);
	}
	kvfree(buf);
	if (r > 0)
		*pos += (u64)r;
	return r;
}

static const struct file_ops show_fops = {
	.open = show_open,
	.release = seq_file_release,
	.read = seq_file_read,
	.write = show_write,
	.llseek = seek_no_end,
};

/* ---- inodes --------------------------------------------------------------------------------------- */
static const struct inode_ops dir_iops, file_iops, link_iops, custom_iops;
static const struct file_ops dir_fops;

static struct inode *inode_for(struct super_block *sb, struct pseudo_node *n)
{
	struct inode *i = inode_new(sb);

	if (!i)
		return NULL;
	i->ino = n->ino;
	i->mode = n->mode;
	i->uid = n->uid;
	i->gid = n->gid;
	i->atime = i->mtime = i->ctime = ktime_to_timespec(ktime_get_real());
	i->private = n;
	switch (n->kind) {
	case NODE_DIR:
		i->ops = &dir_iops;
		i->fops = &dir_fops;
		i->nlink = 2 + n->subdirs;
		break;
	case NODE_SHOW:
		i->ops = &file_iops;
		i->fops = &show_fops;
		i->size = n->fs->file_size;
		break;
	case NODE_LINK:
		i->ops = &link_iops;
		i->size = strlen(n->arg);
		break;
	case NODE_CUSTOM:
		i->ops = &custom_iops;
		i->fops = n->fops;
		i->private = n->arg;
		break;
	}
	return i;
}

static int dir_lookup(struct inode *dir, struct dentry *d)
{
	struct pseudo_node *n = dir->private, *c;
	struct inode *i = NULL;

	down_read(&tree_lock);
	c = find_child(n, d->name, d->name_len);
	if (c)
		i = inode_for(dir->sb, c);
	up_read(&tree_lock);
	if (c) {
		if (!i)
			return -ENOMEM;
		dentry_instantiate(d, i);
		return 0;
	}
	d->flags |= DENTRY_NOCACHE;
	if (n == n->fs->root && n->fs->root_ops) {
		return n->fs->root_ops->lookup(dir, d);
	}
	/* Nothing can be made in procfs, and the answer to trying is that the name is not there. */
	return n->fs->root_ops ? -ENOENT : 0;
}

static int node_setattr(struct inode *i, const struct iattr *a)
{
	struct pseudo_node *n = i->private;

	if (a->valid & ATTR_SIZE && a->valid == (ATTR_SIZE | ATTR_CTIME))
		return 0; /* O_TRUNC: there is nothing to cut */
	down_write(&tree_lock);
	if (a->valid & ATTR_MODE)
		n->mode = (n->mode & S_IFMT) | (a->mode & 07777);
	if (a->valid & ATTR_UID)
		n->uid = a->uid;
	if (a->valid & ATTR_GID)
		n->gid = a->gid;
	up_write(&tree_lock);
	struct iattr b = *a;
	b.valid &= ~ATTR_SIZE;
	return generic_setattr(i, &b);
}

static int custom_setattr(struct inode *i, const struct iattr *a)
{
	struct iattr b = *a;

	b.valid &= ~ATTR_SIZE;
	return generic_setattr(i, &b);
}

/* A directory's link count follows what is registered. */
static int dir_getattr(struct inode *i, struct kstat *st)
{
	struct pseudo_node *n = i->private;

	inode_fill_kstat(i, st);
	st->nlink = 2 + READ_ONCE(n->subdirs);
	return 0;
}

static char *link_readlink(struct inode *i, struct dentry *d, struct path *jump)
{
	struct pseudo_node *n = i->private;
	char *s = kstrdup(n->arg, GFP_KERNEL);

	return s ? s : ERR_PTR(-ENOMEM);
}

/* First child with a cookie at or after pos. */
static struct pseudo_node *child_at(struct pseudo_node *dir, struct pseudo_node *after, u64 pos)
{
	struct list *l = after ? after->sibling.next : dir->children.next;

	for (; l != &dir->children; l = l->next) {
		struct pseudo_node *c = list_entry(l, struct pseudo_node, sibling);
		if (c->cookie >= pos)
			return c;
	}
	return NULL;
}

static int dir_iterate(struct file *f, struct dir_context *c)
{
	struct pseudo_node *n = f->inode->private, *child = NULL;
	struct dentry *dir = f->path.dentry;

	if (c->pos == 0) {
		if (!c->emit(c, ".", 1, n->ino, DT_OF_MODE(S_IFDIR), 1))
			return 0;
		c->pos = 1;
	}
	if (c->pos == 1) {
		if (!c->emit(c, "..", 2, dir->parent->inode->ino, DT_OF_MODE(S_IFDIR), 2))
			return 0;
		c->pos = 2;
	}
	while (c->pos < PID_BASE) {
		/* emit may fault on user memory: not under the lock. Nodes stay. */
		down_read(&tree_lock);
		child = child_at(n, child, c->pos);
		up_read(&tree_lock);
		if (!child)
			break;
		if (!c->emit(c, child->name, strlen(child->name), child->ino,
			     DT_OF_MODE(child->mode), child->cookie + 1))
			return 0;
		c->pos = child->cookie + 1;
	}
	if (n == n->fs->root && n->fs->root_ops) {
		c->pos = max(c->pos, PID_BASE);
		return n->fs->root_ops->iterate(f, c, PID_BASE);
	}
	return 0;
}

static const struct inode_ops dir_iops = {
	.lookup = dir_lookup,
	.setattr = node_setattr,
	.getattr = dir_getattr,
};
static const struct inode_ops file_iops = {.setattr = node_setattr};
static const struct inode_ops custom_iops = {.setattr = custom_setattr};
static const struct inode_ops link_iops = {.readlink = link_readlink};
static const struct file_ops dir_fops = {.iterate = dir_iterate, .llseek = seek_no_end};

/* ---- mounting --------------------------------------------------------------------------------------- */
int pseudofs_init(struct pseudo_fs *fs)
{
	struct super_block *sb;
	struct inode *i;

	fs->root = node_new(fs, "", 0, NODE_DIR, S_IFDIR | 0555);
	if (!fs->root)
		return -ENOMEM;
	fs->root->parent = fs->root;
	sb = super_new(fs->type, 0);
	if (!sb)
		return -ENOMEM;
	sb->ops = fs->sops;
	i = inode_for(sb, fs->root);
	if (!i)
		return -ENOMEM;
	sb->root = dentry_make_root(i);
	if (!sb->root)
		return -ENOMEM;
	fs->sb = sb;
	return 0;
}

struct super_block *pseudofs_mount(struct pseudo_fs *fs)
{
	if (!fs->sb)
		return ERR_PTR(-ENODEV);
	ref_get(&fs->sb->ref);
	return fs->sb;
}
