/* A file system whose tree is built by registration: the common part of procfs and sysfs. Nodes live as
 * long as the kernel. May sleep. */
#pragma once
#include <fs/procfs.h>
#include <lib/rbtree.h>

struct pseudo_node;
struct pseudo_fs {
	const struct fs_type *type;
	const struct super_ops *sops;
	u64 file_size;		  /* what stat shows for show files */
	struct super_block *sb;	  /* [I] after pseudofs_init; never goes */
	struct pseudo_node *root; /* [I] */
	/* The part of the root directory that is made up on each look; may be NULL. */
	const struct proc_pid_ops *root_ops;
};
int pseudofs_init(struct pseudo_fs *fs);
/* What fs_type.mount gives: the one super block, counted. */
struct super_block *pseudofs_mount(struct pseudo_fs *fs);
/* path: missing directories are made. 0, -EEXIST, -ENOTDIR, -ENOMEM, -EINVAL. */
int pseudofs_mkdir(struct pseudo_fs *fs, const char *path);
int pseudofs_symlink(struct pseudo_fs *fs, const char *path, const char *target);
int pseudofs_show_file(struct pseudo_fs *fs, const char *path, mode_t mode, proc_show_fn show,
		       proc_write_fn write, void *arg);
int pseudofs_file(struct pseudo_fs *fs, const char *path, mode_t mode, const struct file_ops *ops,
		  void *arg);
