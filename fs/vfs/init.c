/*
 * The VFS comes up: caches, the root file system (tmpfs), the context of the kernel's own threads.
 */
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
