/*
 * Path resolution (path_resolution(7), symlink(7)).
 *
 * First a walk under RCU without any reference (walk_fast): it succeeds when every component is
 * cached and plain, and is valid if walk_seq did not change meanwhile. Anything else (a symlink,
 * "..", a miss, a file system with its own rules) starts over in the walk with references, which
 * may sleep. Symlink bodies are walked in place with a small stack of what is left behind each link.
 *
 * Locks: a miss takes the directory's rwsem for writing around the file system's lookup. Contexts:
 * process, may sleep.
 */
#include <alloc/slab.h>
#include "vfs_priv.h"

/* ---- names from user space ---- */

int name_get(struct name_buf *n, const char __user *u, bool empty_ok)
{
	n->s = n->small;
	ssize_t len = strncpy_in(n->small, u, sizeof(n->small));
	if (unlikely(len == -ENAMETOOLONG)) {
		n->s = kmalloc(PATH_MAX, GFP_KERNEL);
		if (!n->s)
			return -ENOMEM;
		len = strncpy_in(n->s, u, PATH_MAX);
		if (len < 0) {
			kfree(n->s);
			return (int)len;
		}
	}
	if (unlikely(len == 0 && !empty_ok))
		return -ENOENT;
	return (int)len;
}

void name_put(struct name_buf *n)
{
	if (unlikely(n->s != n->small))
		kfree(n->s);
}

/* ---- one component ---- */

static struct dentry *find_valid(struct dentry *parent, const char *name, size_t len, u32 hash)
{
	struct dentry *d = dcache_find(parent, name, len, hash);
	if (d && unlikely(d->sb->ops && d->sb->ops->revalidate) && !d->sb->ops->revalidate(d)) {
		dentry_invalidate(d);
		dentry_put(d);
		return NULL;
	}
	return d;
}

static struct dentry *lookup_locked_hash(struct dentry *parent, const char *name, size_t len,
					 u32 hash)
{
	struct inode *dir = parent->inode;
	if (len > NAME_MAX)
		return ERR_PTR(-ENAMETOOLONG);
	struct dentry *d = find_valid(parent, name, len, hash);
	if (d)
		return d;
	if (!dir->ops || !dir->ops->lookup)
		return ERR_PTR(-ENOTDIR);
	if (!dir->nlink)
		return ERR_PTR(-ENOENT); /* a removed directory */
	d = dentry_alloc(parent, parent->sb, name, len, hash);
	if (!d)
		return ERR_PTR(-ENOMEM);
	int err = dir->ops->lookup(dir, d);
	if (err) {
		dentry_put(d);
		return ERR_PTR(err);
	}
	if (!(d->flags & DENTRY_NOCACHE))
		dentry_hash(d);
	return d;
}

struct dentry *dentry_lookup_locked(struct dentry *parent, const char *name, size_t len)
{
	return lookup_locked_hash(parent, name, len, name_hash(name, len));
}

struct dentry *walk_lookup_last(struct walk *w)
{
	return lookup_locked_hash(w->path.dentry, w->last, w->last_len, w->last_hash);
}

static struct dentry *lookup_child(struct dentry *parent, const char *name, size_t len, u32 hash)
{
	struct dentry *d = len <= NAME_MAX ? find_valid(parent, name, len, hash) : NULL;
	if (d)
		return d;
	struct inode *dir = parent->inode;
	down_write(&dir->rwsem);
	d = lookup_locked_hash(parent, name, len, hash);
	up_write(&dir->rwsem);
	return d;
}

/* ---- the walk without references ---- */

/* Cross mounts below (*mnt, *d) under RCU. */
static inline void cross_rcu(struct mount **mnt, struct dentry **d)
{
	while (unlikely(READ_ONCE((*d)->flags) & DENTRY_MOUNTED)) {
		struct mount *m = mount_lookup_rcu(*mnt, *d);
		if (!m)
			return;
		*mnt = m;
		*d = m->root;
	}
}

/* Under RCU from (mnt, d): 1 done and counted in w->path, 0 cannot tell, -ENOENT. */
static int walk_fast(struct walk *w, struct mount *mnt, struct dentry *d, const char *s, u32 seq)
{
	unsigned flags = w->flags;
	bool slash = false;
	struct inode *i = READ_ONCE(d->inode);
	for (;;) {
		while (*s == '/')
			s++;
		if (!*s) {
			if (flags & LOOKUP_PARENT)
				return 0;
			break;
		}
		if (!i || !S_ISDIR(i->mode) || i->ops->permission ||
		    permission_generic(i, MAY_EXEC))
			return 0;
		const char *name = s;
		u32 h = NAME_HASH_INIT;
		do
			h = name_hash_step(h, (u8)*s++);
		while (*s && *s != '/');
		size_t len = (size_t)(s - name);
		slash = *s == '/';
		if (name[0] == '.' && len <= 2) {
			if (len == 2 && name[1] == '.')
				return 0;
			if (len == 1)
				return 0;
		}
		const char *next = s;
		while (*next == '/')
			next++;
		if (!*next && (flags & LOOKUP_PARENT)) {
			w->last = name;
			w->last_len = (u32)len;
			w->last_hash = h;
			w->last_type = LAST_NORM;
			w->must_dir = slash;
			break;
		}
		struct dentry *c = dcache_find_rcu(d, name, len, h);
		if (!c || (c->sb->ops && c->sb->ops->revalidate))
			return 0;
		if (unlikely(!(READ_ONCE(c->flags) & DENTRY_REFD))) {
			spin_lock(&c->lock);
			c->flags |= DENTRY_REFD;
			spin_unlock(&c->lock);
		}
		d = c;
		cross_rcu(&mnt, &d);
		i = __atomic_load_n(&d->inode, __ATOMIC_ACQUIRE);
		if (!i)
			return seq_read_retry(&walk_seq, seq) ? 0 : -ENOENT;
		if (S_ISLNK(i->mode) && (*s || (flags & LOOKUP_FOLLOW) || w->must_dir))
			return 0;
		s = next;
	}
	if ((slash || w->must_dir) && !(flags & LOOKUP_PARENT) && (!i || !S_ISDIR(i->mode)))
		return 0;
	if (!ref_tryget(&d->ref))
		return 0;
	if (!ref_tryget(&mnt->ref)) {
		w->path.dentry = d; /* put outside the RCU section */
		return 0;
	}
	w->path.mnt = mnt;
	w->path.dentry = d;
	return d->inode == i && i && !seq_read_retry(&walk_seq, seq);
}

/* ---- the walk with references ---- */

static void need_root(struct walk *w)
{
	if (!w->root.dentry)
		current_root(&w->root);
}

static void set_path(struct walk *w, struct path *p)
{
	path_put(&w->path);
	w->path = *p;
}

/* A symlink's body begins with a slash. */
static int go_root(struct walk *w)
{
	if (w->flags & LOOKUP_BENEATH)
		return -EXDEV;
	need_root(w);
	if ((w->flags & LOOKUP_NO_XDEV) && w->path.mnt != w->root.mnt)
		return -EXDEV;
	struct path p = w->root;
	path_get(&p);
	set_path(w, &p);
	return 0;
}

static struct dentry *get_parent(struct dentry *d)
{
	struct dentry *p;
	for (;;) {
		rcu_read_lock();
		u32 seq = seq_read_begin(&walk_seq);
		p = READ_ONCE(d->parent);
		bool got = ref_tryget(&p->ref);
		rcu_read_unlock();
		if (got && !seq_read_retry(&walk_seq, seq))
			return p;
		if (got)
			dentry_put(p);
	}
}

static int go_up(struct walk *w)
{
	need_root(w);
	if (w->path.mnt == w->root.mnt && w->path.dentry == w->root.dentry)
		return w->flags & LOOKUP_BENEATH ? -EXDEV : 0;
	struct mount *was = w->path.mnt;
	path_up_mounts(&w->path, &w->root);
	if (w->path.mnt == w->root.mnt && w->path.dentry == w->root.dentry) {
		if (w->flags & LOOKUP_BENEATH)
			return -EXDEV;
	} else if (w->path.dentry != w->path.mnt->root) {
		struct dentry *p = get_parent(w->path.dentry);
		dentry_put(w->path.dentry);
		w->path.dentry = p;
	}
	path_cross_mounts(&w->path);
	return (w->flags & LOOKUP_NO_XDEV) && w->path.mnt != was ? -EXDEV : 0;
}

/* A link of a file system like procfs leads to jump: do the rules of openat2 let it? */
static int may_jump(const struct walk *w, const struct path *jump)
{
	if (w->flags & LOOKUP_NO_MAGICLINKS)
		return -ELOOP;
	if ((w->flags & LOOKUP_NO_XDEV) && w->path.mnt != jump->mnt)
		return -EXDEV;
	return w->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT) ? -EXDEV : 0;
}

/* link (counted path, consumed) is followed; what is left of the name behind it is in the new frame. */
static int follow(struct walk *w, struct path *link, const char *rest, const char **s)
{
	struct inode *i = link->dentry->inode;
	struct path jump = {NULL, NULL};
	int err = -ELOOP;
	*s = "";
	if (w->nlinks++ >= MAX_SYMLINKS || (link->mnt->flags & MS_NOSYMFOLLOW) ||
	    (w->flags & LOOKUP_NO_SYMLINKS))
		goto out;
	inode_touch_atime(link);
	char *body = i->ops->readlink ? i->ops->readlink(i, link->dentry, &jump) : ERR_PTR(-EINVAL);
	err = 0;
	if (jump.dentry) {
		err = may_jump(w, &jump);
		if (err) {
			path_put(&jump);
			goto out;
		}
		set_path(w, &jump);
		w->last_type = LAST_JUMP;
		body = NULL;
	} else if (IS_ERR_OR_NULL(body)) {
		err = body ? (int)PTR_ERR(body) : -EINVAL;
		goto out;
	} else if (!*body) {
		kfree(body);
		err = -ENOENT;
		goto out;
	}
	w->frame[w->depth].body = body;
	w->frame[w->depth++].rest = rest;
	if (rest)
		w->pending++;
	if (body) {
		*s = body;
		if (*body == '/')
			err = go_root(w);
	}
out:
	path_put(link);
	return err;
}

/* The end of a link's body: on with what is behind the link. False: that was all. */
static bool pop_rest(struct walk *w, const char **s)
{
	if (!w->pending)
		return false;
	for (;;) {
		w->depth--;
		kfree(w->frame[w->depth].body);
		w->frame[w->depth].body = NULL;
		if (w->frame[w->depth].rest) {
			*s = w->frame[w->depth].rest;
			w->pending--;
			return true;
		}
	}
}

static int finish(struct walk *w)
{
	if (w->must_dir && !S_ISDIR(w->path.dentry->inode->mode))
		return -ENOTDIR;
	return 0;
}

static int walk_string(struct walk *w, const char *s)
{
	for (;;) {
		while (*s == '/')
			s++;
		if (!*s) {
			if (pop_rest(w, &s))
				continue;
			return finish(w);
		}
		struct inode *dir = w->path.dentry->inode;
		if (!S_ISDIR(dir->mode))
			return -ENOTDIR;
		int err = inode_permission(dir, MAY_EXEC);
		if (err)
			return err;
		const char *name = s;
		u32 h = NAME_HASH_INIT;
		do
			h = name_hash_step(h, (u8)*s++);
		while (*s && *s != '/');
		size_t len = (size_t)(s - name);
		const char *next = s;
		while (*next == '/')
			next++;
		bool last = !*next && !w->pending;
		enum last_type type = LAST_NORM;
		if (name[0] == '.' && len <= 2) {
			if (len == 1)
				type = LAST_DOT;
			else if (name[1] == '.')
				type = LAST_DOTDOT;
		}
		w->last_type = type;
		if (last && next != s)
			w->must_dir = true;
		if (last && (w->flags & LOOKUP_PARENT)) {
			w->last = name;
			w->last_len = (u32)len;
			w->last_hash = h;
			return 0;
		}
		s = next;
		if (type != LAST_NORM) {
			err = type == LAST_DOTDOT ? go_up(w) : 0;
			if (err)
				return err;
			continue;
		}
		struct path p = {w->path.mnt, lookup_child(w->path.dentry, name, len, h)};
		if (IS_ERR(p.dentry))
			return (int)PTR_ERR(p.dentry);
		if (!__atomic_load_n(&p.dentry->inode, __ATOMIC_ACQUIRE)) {
			dentry_put(p.dentry);
			return -ENOENT;
		}
		mount_get(p.mnt);
		path_cross_mounts(&p);
		if ((w->flags & LOOKUP_NO_XDEV) && p.mnt != w->path.mnt) {
			path_put(&p);
			return -EXDEV;
		}
		if (S_ISLNK(p.dentry->inode->mode) &&
		    (!last || (w->flags & LOOKUP_FOLLOW) || w->must_dir)) {
			err = follow(w, &p, *next ? next : NULL, &s);
			if (err)
				return err;
			continue;
		}
		set_path(w, &p);
	}
}

static int walk_slow(struct walk *w, int dirfd, const char *name)
{
	w->must_dir = w->flags & LOOKUP_DIRECTORY;
	w->last_type = LAST_ROOT;
	if (*name == '/' && (w->flags & LOOKUP_BENEATH))
		return -EXDEV;
	if (*name == '/' && !(w->flags & LOOKUP_IN_ROOT)) {
		need_root(w);
		w->path = w->root;
		path_get(&w->path);
	} else if (dirfd == AT_FDCWD) {
		current_cwd(&w->path);
	} else {
		struct fdref r = fdref_get_raw(dirfd);
		if (!r.f)
			return -EBADF;
		if (*name && !S_ISDIR(r.f->inode->mode)) {
			fdref_put(r);
			return -ENOTDIR;
		}
		w->path = r.f->path;
		path_get(&w->path);
		fdref_put(r);
	}
	if (w->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT)) {
		w->root = w->path;
		path_get(&w->root);
	}
	return walk_string(w, name);
}

int walk_begin(struct walk *w, int dirfd, const char *name, unsigned flags)
{
	struct path base;
	struct fdref r = {NULL, false};
	w->flags = flags;
	w->path.mnt = w->root.mnt = NULL;
	w->path.dentry = w->root.dentry = NULL;
	w->nlinks = w->depth = w->pending = 0;
	w->must_dir = flags & LOOKUP_DIRECTORY;
	if (unlikely(!*name)) {
		if (!(flags & LOOKUP_EMPTY))
			return -ENOENT;
		return walk_slow(w, dirfd, name);
	}
	if (unlikely(flags & LOOKUP_RULES))
		return flags & LOOKUP_CACHED ? -EAGAIN : walk_slow(w, dirfd, name);
	if (*name != '/' && dirfd != AT_FDCWD) {
		r = fdref_get_raw(dirfd);
		if (!r.f)
			return -EBADF;
	}
	rcu_read_lock();
	u32 seq = seq_read_begin(&walk_seq);
	if (*name == '/')
		fs_ctx_read_rcu(current_fs(), &base, NULL);
	else if (dirfd == AT_FDCWD)
		fs_ctx_read_rcu(current_fs(), NULL, &base);
	else
		base = r.f->path;
	int done = base.mnt ? walk_fast(w, base.mnt, base.dentry, name, seq) : 0;
	rcu_read_unlock();
	if (r.f)
		fdref_put(r);
	if (done)
		return done < 0 ? done : 0;
	if (w->path.mnt)
		path_put(&w->path);
	else if (w->path.dentry)
		dentry_put(w->path.dentry);
	w->path.mnt = NULL;
	w->path.dentry = NULL;
	return flags & LOOKUP_CACHED ? -EAGAIN : walk_slow(w, dirfd, name);
}

int walk_follow_last(struct walk *w, struct dentry *d)
{
	struct path link = {w->path.mnt, d};
	const char *s;
	mount_get(link.mnt);
	int err = follow(w, &link, NULL, &s);
	if (err || w->last_type == LAST_JUMP)
		return err ? err : finish(w);
	w->last_type = LAST_ROOT;
	return walk_string(w, s);
}

void walk_take(struct walk *w, struct path *out)
{
	*out = w->path;
	w->path.mnt = NULL;
	w->path.dentry = NULL;
}

void walk_end(struct walk *w)
{
	while (w->depth)
		kfree(w->frame[--w->depth].body);
	if (w->path.dentry)
		path_put(&w->path);
	if (w->root.dentry)
		path_put(&w->root);
}

int path_lookup(int dirfd, const char *name, unsigned flags, struct path *out)
{
	struct walk w;
	int err = walk_begin(&w, dirfd, name, flags);
	if (!err)
		walk_take(&w, out);
	walk_end(&w);
	return err;
}

int path_lookup_user(int dirfd, const char __user *name, unsigned flags, struct path *out)
{
	struct name_buf n;
	int err = name_get(&n, name, flags & LOOKUP_EMPTY);
	if (err < 0)
		return err;
	err = path_lookup(dirfd, n.s, flags, out);
	name_put(&n);
	return err;
}

/* ---- names of paths ---- */

static int prepend(char **p, char *buf, const char *s, size_t n)
{
	if ((size_t)(*p - buf) < n)
		return -ENAMETOOLONG;
	*p -= n;
	memcpy(*p, s, n);
	return 0;
}

/* Under rename_lock: names and parents stand still. */
static int build_name(const struct path *p, const struct path *root, char *buf, char **pos)
{
	struct dentry *d = p->dentry;
	struct mount *m = p->mnt;
	char *end = *pos;
	while (!(root && d == root->dentry && m == root->mnt)) {
		if (d->parent == d || (m && d == m->root)) {
			if (!m || m->parent == m)
				break;
			d = m->mountpoint;
			m = m->parent;
			continue;
		}
		if (prepend(pos, buf, d->name, d->name_len) || prepend(pos, buf, "/", 1))
			return -ENAMETOOLONG;
		d = d->parent;
	}
	if (*pos == end && prepend(pos, buf, "/", 1))
		return -ENAMETOOLONG;
	return 0;
}

char *path_name(const struct path *p, char *buf, size_t n)
{
	struct path root = {NULL, NULL};
	char *pos = buf + n;
	struct dentry *d = p->dentry;
	u16 flags = READ_ONCE(d->flags);
	if (prepend(&pos, buf, "", 1))
		return ERR_PTR(-ENAMETOOLONG);
	if (flags & DENTRY_ANON)
		return prepend(&pos, buf, d->name, d->name_len) ? ERR_PTR(-ENAMETOOLONG) : pos;
	if ((flags & (DENTRY_UNHASHED | DENTRY_NOCACHE)) == DENTRY_UNHASHED && d->parent != d &&
	    prepend(&pos, buf, " (deleted)", 10))
		return ERR_PTR(-ENAMETOOLONG);
	if (p->mnt)
		current_root(&root);
	spin_lock(&rename_lock);
	int err = build_name(p, p->mnt ? &root : NULL, buf, &pos);
	spin_unlock(&rename_lock);
	if (root.dentry)
		path_put(&root);
	return err ? ERR_PTR(err) : pos;
}
