/*
 * Root, working directory and umask of a task (shared with CLONE_FS), and what kernel/proc hands down
 * to the file layer. Lock: fs->lock covers the two paths; a context that only current uses needs none
 * for reading. fs_list_lock > fs->lock.
 */
#include <alloc/slab.h>
#include <syscall/syscalls.h>
#include <uapi/resource.h>
#include "vfs_priv.h"

static DEFINE_SPINLOCK(fs_list_lock);
static LIST_HEAD(fs_list); /* [fs_list_lock] */
static struct fs_ctx first_fs = {.ref = {ATOMIC_INIT(1)},
				 .lock = SPINLOCK_INIT(first_fs.lock),
				 .umask = 022,
				 .all = LIST_INIT(first_fs.all)};
struct fs_ctx *init_fs = &first_fs;

static const struct vfs_proc_ops *proc_ops;

void vfs_set_proc_ops(const struct vfs_proc_ops *ops)
{
	proc_ops = ops;
}

u64 vfs_rlimit(unsigned res)
{
	if (likely(proc_ops && current->proc))
		return proc_ops->rlimit(res);
	return res == RLIMIT_NOFILE ? 1024 : RLIM_INFINITY;
}

void file_sigio(struct file *f, unsigned band)
{
	struct fown *o = __atomic_load_n(&f->owner, __ATOMIC_ACQUIRE);
	if (o && o->id && (f->flags & O_ASYNC) && proc_ops && proc_ops->sigio)
		proc_ops->sigio(o->type, o->id, f->cred, o->sig, -1, (s64)band);
}

/* Under RCU, without references. Unlocked when the context is not shared (more than the analysis follows). */
void fs_ctx_read_rcu(struct fs_ctx *fs, struct path *root, struct path *cwd) __no_lock_check
{
	bool shared = ref_read(&fs->ref) > 1;
	if (shared)
		spin_lock(&fs->lock);
	if (root)
		*root = fs->root;
	if (cwd)
		*cwd = fs->cwd;
	if (shared)
		spin_unlock(&fs->lock);
}

void current_root(struct path *p)
{
	struct fs_ctx *fs = current_fs();
	spin_lock(&fs->lock);
	*p = fs->root;
	path_get(p);
	spin_unlock(&fs->lock);
}

void current_cwd(struct path *p)
{
	struct fs_ctx *fs = current_fs();
	spin_lock(&fs->lock);
	*p = fs->cwd;
	path_get(p);
	spin_unlock(&fs->lock);
}

struct fs_ctx *fs_ctx_get(struct fs_ctx *f)
{
	if (!f)
		f = init_fs;
	ref_get(&f->ref);
	return f;
}

void fs_ctx_put(struct fs_ctx *f)
{
	if (!f || !ref_put(&f->ref))
		return;
	spin_lock(&fs_list_lock);
	list_del(&f->all);
	spin_unlock(&fs_list_lock);
	path_put(&f->root);
	path_put(&f->cwd);
	kfree(f);
}

struct fs_ctx *fs_ctx_copy(struct fs_ctx *f)
{
	struct fs_ctx *n = kmalloc(sizeof(*n), GFP_KERNEL);
	if (!n)
		return ERR_PTR(-ENOMEM);
	if (!f)
		f = init_fs;
	ref_init(&n->ref, 1);
	spin_init(&n->lock);
	spin_lock(&f->lock);
	n->root = f->root;
	n->cwd = f->cwd;
	path_get(&n->root);
	path_get(&n->cwd);
	n->umask = f->umask;
	spin_unlock(&f->lock);
	spin_lock(&fs_list_lock);
	list_add(&n->all, &fs_list);
	spin_unlock(&fs_list_lock);
	return n;
}

static bool replace(struct path *p, const struct path *from, const struct path *to)
{
	if (p->mnt != from->mnt || p->dentry != from->dentry)
		return false;
	path_get(to);
	*p = *to;
	return true;
}

/* pivot_root: whoever stood at from stands at to. */
void fs_ctx_replace_root(const struct path *from, const struct path *to)
{
	struct fs_ctx *f;
	unsigned drop = 0;
	spin_lock(&fs_list_lock);
	list_for_each_entry (f, &fs_list, all) {
		spin_lock(&f->lock);
		drop += replace(&f->root, from, to);
		drop += replace(&f->cwd, from, to);
		spin_unlock(&f->lock);
	}
	spin_lock(&init_fs->lock);
	drop += replace(&init_fs->root, from, to);
	drop += replace(&init_fs->cwd, from, to);
	spin_unlock(&init_fs->lock);
	spin_unlock(&fs_list_lock);
	while (drop--)
		path_put(from);
}

static void set_path(struct path *slot, struct path *p)
{
	struct fs_ctx *fs = current_fs();
	spin_lock(&fs->lock);
	struct path old = *slot;
	*slot = *p;
	spin_unlock(&fs->lock);
	if (old.dentry)
		path_put(&old);
}

s64 sys_chdir(const char __user *path)
{
	struct path p;
	int err = path_lookup_user(AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);
	if (err)
		return err;
	err = path_permission(&p, MAY_EXEC);
	if (err)
		path_put(&p);
	else
		set_path(&current_fs()->cwd, &p);
	return err;
}

s64 sys_fchdir(int fd)
{
	struct fdref r = fdref_get_raw(fd);
	if (!r.f)
		return -EBADF;
	int err = -ENOTDIR;
	if (S_ISDIR(r.f->inode->mode)) {
		err = path_permission(&r.f->path, MAY_EXEC);
		if (!err) {
			struct path p = r.f->path;
			path_get(&p);
			set_path(&current_fs()->cwd, &p);
		}
	}
	fdref_put(r);
	return err;
}

s64 sys_chroot(const char __user *path)
{
	struct path p;
	int err = path_lookup_user(AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);
	if (err)
		return err;
	err = path_permission(&p, MAY_EXEC);
	if (!err && !capable(CAP_SYS_CHROOT))
		err = -EPERM;
	if (err)
		path_put(&p);
	else
		set_path(&current_fs()->root, &p);
	return err;
}

s64 sys_getcwd(char __user *buf, unsigned long n)
{
	struct path cwd, root;
	char *tmp = kmalloc(PATH_MAX, GFP_KERNEL), *s;
	s64 err = -ENOENT;
	if (!tmp)
		return -ENOMEM;
	current_cwd(&cwd);
	if ((cwd.dentry->flags & (DENTRY_UNHASHED | DENTRY_NOCACHE)) == DENTRY_UNHASHED &&
	    cwd.dentry->parent != cwd.dentry)
		goto out;
	s = path_name(&cwd, tmp + 13, PATH_MAX - 13);
	err = PTR_ERR(s);
	if (IS_ERR(s))
		goto out;
	current_root(&root);
	if (!path_reachable(&cwd, &root)) {
		s -= 13;
		memcpy(s, "(unreachable)", 13);
	}
	path_put(&root);
	size_t len = strlen(s) + 1;
	err = -ERANGE;
	if (len <= n)
		err = copy_out(buf, s, len) ? -EFAULT : (s64)len;
out:
	path_put(&cwd);
	kfree(tmp);
	return err;
}

s64 sys_umask(int mask)
{
	struct fs_ctx *fs = current_fs();
	return xchg(&fs->umask, (mode_t)mask & 0777);
}
