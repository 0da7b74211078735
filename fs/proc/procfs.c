/* procfs (proc(5)): the tree of registered files, and the numbered directories that kernel/proc makes up
 * through struct proc_pid_ops. One super block serves every mount. */
#include <fs/pseudofs.h>
#include <init/initcall.h>
#include <log/panic.h>

#define PROC_SUPER_MAGIC 0x9fa0

struct super_block *proc_sb;
static const struct fs_type proc_type;

static int proc_statfs(struct super_block *sb, struct kstatfs *st)
{
	st->f_type = PROC_SUPER_MAGIC;
	st->f_bsize = st->f_frsize = PAGE_SIZE;
	st->f_namelen = NAME_MAX;
	return 0;
}

#define MADE_INO (1ul << 32) /* proc_inode_new's are above: those of registered files are below */
static void proc_evict(struct inode *i);
static const struct super_ops proc_sops = {.statfs = proc_statfs, .evict = proc_evict};
static struct pseudo_fs procfs = {.type = &proc_type, .sops = &proc_sops};

static void proc_evict(struct inode *i)
{
	const struct proc_pid_ops *ops = smp_load_acquire(&procfs.root_ops);

	if (i->ino > MADE_INO && ops && ops->evict)
		ops->evict(i);
}

/* Registrations come from several initcalls of one level: whoever is first sets the tree up. */
static struct pseudo_fs *tree(void)
{
	static DEFINE_MUTEX(lock);

	mutex_lock(&lock);
	if (!procfs.sb) {
		if (pseudofs_init(&procfs))
			panic("procfs: no memory");
		proc_sb = procfs.sb;
	}
	mutex_unlock(&lock);
	return &procfs;
}

int proc_create(const char *path, mode_t mode, proc_show_fn show, proc_write_fn write, void *arg)
{
	return pseudofs_show_file(tree(), path, mode, show, write, arg);
}

int proc_create_file(const char *path, mode_t mode, const struct file_ops *ops, void *arg)
{
	return pseudofs_file(tree(), path, mode, ops, arg);
}

int proc_symlink(const char *path, const char *target)
{
	return pseudofs_symlink(tree(), path, target);
}

int proc_mkdir(const char *path)
{
	return pseudofs_mkdir(tree(), path);
}

void proc_set_pid_ops(const struct proc_pid_ops *ops)
{
	smp_store_release(&tree()->root_ops, ops);
}

struct inode *proc_inode_new(struct super_block *sb, mode_t mode, const struct inode_ops *iops,
			     const struct file_ops *fops, void *priv)
{
	static atomic64_t last_ino = ATOMIC_INIT(MADE_INO);
	struct inode *i = inode_new(sb);

	if (!i)
		return NULL;
	i->ino = (ino_t)atomic_add_return(&last_ino, 1);
	i->mode = mode;
	i->ops = iops;
	i->fops = fops;
	i->private = priv;
	i->nlink = S_ISDIR(mode) ? 2 : 1;
	i->atime = i->mtime = i->ctime = ktime_to_timespec(ktime_get_real());
	return i;
}

static struct super_block *proc_mount(const struct fs_type *t, unsigned flags, const char *source,
				      const char *data)
{
	return pseudofs_mount(tree());
}

static const struct fs_type proc_type = {
	.name = "proc",
	.flags = FS_NODEV,
	.mount = proc_mount,
};
FILESYSTEM(proc_type);
