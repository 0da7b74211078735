/* What the files of fs/tmpfs share. */
#pragma once
#include <fs/vfs.h>

struct tmpfs_sb {
	u64 max_pages;	  /* [a] 0: no limit */
	u64 max_inodes;	  /* [a] 0: no limit */
	atomic64_t pages; /* in use */
	atomic64_t inodes;
	mode_t mode; /* [I] of the root directory, and its owner */
	uid_t uid;
	gid_t gid;
};

struct tmpfs_xattr {
	struct list list;
	char *name;
	size_t size;
	u8 value[];
};

struct tmpfs_inode {
	struct inode i;
	u64 next_off;	    /* [i.rwsem] directories: position of the next entry */
	u64 entries;	    /* [i.rwsem] directories: names in it */
	char *link;	    /* [I] symlinks */
	struct list xattrs; /* [i.rwsem] */
	u32 seals;	    /* [i.rwsem] F_SEAL_* */
};
#define TMPFS_I(x) container_of(x, struct tmpfs_inode, i)

struct inode *tmpfs_inode_new(struct super_block *sb, const struct inode *dir, mode_t mode,
			      dev_t rdev);
extern const struct file_ops tmpfs_file_ops;
extern const struct fs_type tmpfs_type;
ssize_t tmpfs_getxattr(struct inode *i, const char *name, void *buf, size_t n);
int tmpfs_setxattr(struct inode *i, const char *name, const void *buf, size_t n, int flags);
ssize_t tmpfs_listxattr(struct inode *i, char *buf, size_t n);
int tmpfs_removexattr(struct inode *i, const char *name);
struct super_block *ramfs_instance(void);
void tmpfs_shm_init(void);
void tmpfs_free_xattrs(struct tmpfs_inode *t);

#define F_SEAL_SEAL	    1u
#define F_SEAL_SHRINK	    2u
#define F_SEAL_GROW	    4u
#define F_SEAL_WRITE	    8u
#define F_SEAL_FUTURE_WRITE 16u
