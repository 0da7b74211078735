/*
 * The VFS comes up: caches, the root file system (tmpfs), the context of the kernel's own threads; and
 * the files of /proc that show the VFS's figures.
 */
#include <fs/procfs.h>
#include <init/initcall.h>
#include <log/panic.h>
#include <fs/pipe.h>
#include "vfs_priv.h"

static void mount_root(void)
{
	const struct fs_type *t = fs_type_find("tmpfs", 5);
	struct super_block *sb = t ? t->mount(t, 0, "rootfs", "mode=755") : ERR_PTR(-ENODEV);
	struct mount *m = IS_ERR(sb) ? NULL : mount_new(sb, sb->root, "rootfs", MS_RELATIME);
	if (!m)
		panic("cannot mount the root file system");
	m->ns = &init_mnt_ns;
	list_add_tail(&m->ns_list, &init_mnt_ns.mounts);
	init_mnt_ns.nr = 1;
	init_mnt_ns.root = m;
	struct path root = {m, m->root};
	path_get(&root);
	path_get(&root);
	init_fs->root = init_fs->cwd = root;
}

/* Called by kernel_main once memory works; before initcalls, interrupts may be off. */
void vfs_init(void)
{
	dcache_init();
	inode_init_caches();
	mount_init();
	file_init();
	fdtable_init();
	pipe_init();
	tmpfs_init();
	devtmpfs_init();
	mount_root();
}

static int show_filesystems(struct seq *s, void *arg)
{
	for (const struct fs_type *const *t = __fs_types_start; t < __fs_types_end; t++)
		seq_printf(s, "%s\t%s\n", (*t)->flags & FS_NODEV ? "nodev" : "", (*t)->name);
	return 0;
}

static int show_file_nr(struct seq *s, void *arg)
{
	seq_printf(s, "%lu\t0\t9223372036854775807\n", (unsigned long)file_count());
	return 0;
}

static int show_number(struct seq *s, void *arg)
{
	seq_printf(s, "%lu\n", (unsigned long)arg);
	return 0;
}

static int vfs_proc(void)
{
	static const struct {
		const char *path;
		unsigned long value;
	} numbers[] = {
		{"sys/fs/nr_open", 1ul << 20},
		{"sys/fs/file-max", INT64_MAX},
		{"sys/fs/pipe-max-size", 1ul << 20},
	};
	int err = proc_create("filesystems", 0444, show_filesystems, NULL, NULL);
	if (!err)
		err = proc_create("sys/fs/file-nr", 0444, show_file_nr, NULL, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(numbers) && !err; i++)
		err = proc_create(numbers[i].path, 0444, show_number, NULL,
				  (void *)numbers[i].value);
	return err;
}
INITCALL(late, vfs_proc);
