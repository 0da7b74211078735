/* sysfs: the tree of registered files (fs/proc/pseudofs.c) under the type "sysfs". One super block serves
 * every mount. */
#include <fs/pseudofs.h>
#include <log/panic.h>

#define SYSFS_MAGIC 0x62656572

static const struct fs_type sysfs_type;

static int sysfs_statfs(struct super_block *sb, struct kstatfs *st)
{
	st->f_type = SYSFS_MAGIC;
	st->f_bsize = st->f_frsize = PAGE_SIZE;
	st->f_namelen = NAME_MAX;
	return 0;
}

static const struct super_ops sysfs_sops = {.statfs = sysfs_statfs};
/* Attributes are at most a page: that is the size that stat(2) tells. */
static struct pseudo_fs sysfs = {
	.type = &sysfs_type,
	.sops = &sysfs_sops,
	.file_size = PAGE_SIZE,
};

static struct pseudo_fs *tree(void)
{
	static DEFINE_MUTEX(lock);

	mutex_lock(&lock);
	if (!sysfs.sb && pseudofs_init(&sysfs))
		panic("sysfs: no memory");
	mutex_unlock(&lock);
	return &sysfs;
}

int sysfs_create(const char *path, mode_t mode, proc_show_fn show, proc_write_fn write, void *arg)
{
	return pseudofs_show_file(tree(), path, mode, show, write, arg);
}

int sysfs_mkdir(const char *path)
{
	return pseudofs_mkdir(tree(), path);
}

int sysfs_symlink(const char *path, const char *target)
{
	return pseudofs_symlink(tree(), path, target);
}

static struct super_block *sysfs_mount(const struct fs_type *t, unsigned flags, const char *source,
				       const char *data)
{
	return pseudofs_mount(tree());
}

static const struct fs_type sysfs_type = {
	.name = "sysfs",
	.flags = FS_NODEV,
	.mount = sysfs_mount,
};
FILESYSTEM(sysfs_type);
