/* The virtual file system: inodes, dentries, mounts, open files. Locks and references: fs/README.md. */
#pragma once
#include <lib/err.h>
#include <lib/list.h>
#include <mm/pagecache.h>
#include <sched/lock.h>
#include <sync/ref.h>
#include <sync/seqlock.h>
#include <uapi/stat.h>
#include <uapi/fcntl.h>

struct seq;
struct inode;
struct dentry;
struct file;
struct super_block;
struct mount;
struct poll_table;
struct vm_map;
struct fs_type;

struct fown;
#define PATH_MAX 4096
#define NAME_MAX 255

struct path {
	struct mount *mnt;
	struct dentry *dentry;
};

struct iattr {
	unsigned valid; /* ATTR_* */
	mode_t mode;
	uid_t uid;
	gid_t gid;
	u64 size;
	struct timespec atime, mtime;
};
#define ATTR_MODE  1u
#define ATTR_UID   2u
#define ATTR_GID   4u
#define ATTR_SIZE  8u
#define ATTR_ATIME 16u
#define ATTR_MTIME 32u
#define ATTR_CTIME 64u

/* Called with the directory's rwsem held (write for changes, read for lookup). Names are counted
 * strings of the dentry. -errno. */
struct inode_ops {
	/* Fill in d (dentry_instantiate, NULL inode: negative). Returns 0/-errno (not -ENOENT). */
	int (*lookup)(struct inode *dir, struct dentry *d);
	int (*create)(struct inode *dir, struct dentry *d, mode_t mode,
		      dev_t rdev); /* files, nodes, FIFOs, sockets by S_IFMT */
	int (*mkdir)(struct inode *dir, struct dentry *d, mode_t mode);
	int (*symlink)(struct inode *dir, struct dentry *d, const char *target);
	int (*link)(struct inode *dir, struct dentry *d, struct inode *target);
	int (*unlink)(struct inode *dir, struct dentry *d);
	int (*rmdir)(struct inode *dir, struct dentry *d);
	int (*rename)(struct inode *odir, struct dentry *od, struct inode *ndir, struct dentry *nd,
		      unsigned flags);
	int (*tmpfile)(struct inode *dir, struct dentry *d, mode_t mode);
	int (*setattr)(struct inode *i, const struct iattr *a);
	int (*getattr)(struct inode *i, struct kstat *st); /* NULL: generic */
	/* Target of a symlink: kmalloc'ed, or ERR_PTR. magic links set *jump instead (path referenced). */
	char *(*readlink)(struct inode *i, struct dentry *d, struct path *jump);
	int (*permission)(struct inode *i, int mask); /* NULL: generic mode bits */
	ssize_t (*getxattr)(struct inode *i, const char *name, void *buf, size_t n);
	int (*setxattr)(struct inode *i, const char *name, const void *buf, size_t n, int flags);
	ssize_t (*listxattr)(struct inode *i, char *buf, size_t n);
	int (*removexattr)(struct inode *i, const char *name);
};

struct dir_context {
	/* false: buffer full, stop before this entry. off: the position to continue after it. */
	bool (*emit)(struct dir_context *c, const char *name, size_t len, ino_t ino, unsigned type,
		     u64 off);
	u64 pos;
};
struct file_ops {
	int (*open)(struct inode *i, struct file *f);
	void (*release)(struct inode *i, struct file *f);
	int (*flush)(struct file *f); /* each close(2) */
	ssize_t (*read)(struct file *f, struct iov_iter *to, u64 *pos);
	ssize_t (*write)(struct file *f, struct iov_iter *from, u64 *pos);
	s64 (*llseek)(struct file *f, s64 off, int whence);
	int (*iterate)(struct file *f, struct dir_context *c);
	/* Ready events now (EPOLL*); calls poll_wait() for each queue when t is not NULL. */
	unsigned (*poll)(struct file *f, struct poll_table *t);
	s64 (*ioctl)(struct file *f, unsigned cmd, unsigned long arg); /* -ENOIOCTLCMD -> ENOTTY */
	int (*mmap)(struct file *f, struct vm_map *req);
	int (*fsync)(struct file *f, u64 start, u64 end, bool datasync);
	s64 (*fallocate)(struct file *f, int mode, u64 off, u64 len);
	int (*fasync)(struct file *f, bool on);
	void (*show_fdinfo)(struct file *f, struct seq *s);
};
struct inode {
	struct ref ref;
	ino_t ino;				    /* [I] */
	mode_t mode;				    /* [rwsem] */
	uid_t uid;				    /* [rwsem] */
	gid_t gid;				    /* [rwsem] */
	u32 nlink;				    /* [rwsem] */
	dev_t rdev;				    /* [I] */
	u64 size;				    /* [rwsem] read with READ_ONCE */
	u64 blocks;				    /* 512-byte units [a] */
	struct timespec atime, mtime, ctime, btime; /* [lock] */
	spinlock_t lock;
	rwsem_t rwsem;		     /* contents of directories, size of files */
	struct super_block *sb;	     /* [I] */
	const struct inode_ops *ops; /* [I] */
	const struct file_ops *fops; /* [I] */
	struct mapping *mapping;     /* [I] usually &own_mapping */
	struct mapping own_mapping;
	void *private;		/* file system's / pipe / device */
	u32 flags;		/* INODE_* */
	atomic_t write_count;	/* > 0 writers, < 0 denied (executing) */
	struct hlist_node hash; /* inode hash of file systems that want one */
	struct list sb_list;	/* [sb->lock] */
	void *locks;		/* flock/POSIX locks (fs/locks) */
	void *watches;		/* inotify */
	struct rcu_head rcu;
};
#define INODE_LINKABLE 1u /* O_TMPFILE without O_EXCL: linkat may name it although nlink is 0 */
#define INODE_NOATIME  2u

struct dentry {
	struct ref ref;
	spinlock_t lock;
	struct hlist_node hash; /* [bucket lock] readers under RCU */
	u32 hash_val;
	u16 name_len;
	u16 flags;		       /* DENTRY_* [lock] */
	seqcount_t seq;		       /* name/parent changes */
	char *name;		       /* inline_name or kmalloc'ed */
	char inline_name[32];	       /* the last byte stays NUL: lock-free readers stop there */
	struct dentry *parent;	       /* counted; itself for roots */
	struct inode *inode;	       /* counted; NULL: negative */
	struct list children, sibling; /* [parent->lock] */
	struct list lru;
	struct super_block *sb;
	void *private;
	struct rcu_head rcu;
};
#define DENTRY_MOUNTED	1u /* something is mounted here */
#define DENTRY_UNHASHED 2u
#define DENTRY_NOCACHE	4u  /* dropped with its last reference (procfs); set before or in lookup */
#define DENTRY_PINNED	8u  /* the only copy of a directory entry (tmpfs): dentry_pin */
#define DENTRY_LRU	16u /* [lru lock] */
#define DENTRY_REFD	32u /* looked up since the last scan */
#define DENTRY_ANON	64u /* pipes, eventfds: in no directory; path_name shows the bare name */

struct super_ops {
	struct inode *(*alloc_inode)(struct super_block *sb); /* NULL: plain struct inode */
	void (*free_inode)(struct inode *i);		      /* RCU callback */
	void (*evict)(struct inode *i); /* last reference gone; nlink tells whether deleted */
	int (*statfs)(struct super_block *sb, struct kstatfs *st);
	int (*sync)(struct super_block *sb, bool wait);
	int (*remount)(struct super_block *sb, unsigned *flags, const char *data);
	void (*put_super)(struct super_block *sb);
	void (*show_options)(struct super_block *sb, struct seq *s);
	/* Revalidate a cached dentry: false = drop it (procfs). May be NULL. */
	bool (*revalidate)(struct dentry *d);
};
struct super_block {
	struct ref ref;
	struct ref memory; /* one for ref > 0, one per inode until its own memory is free */
	const struct fs_type *type;
	const struct super_ops *ops;
	const struct xattr_ops *xattr;
	dev_t dev;
	u32 flags; /* SB_RDONLY ... = MS_* */
	u32 block_size;
	u64 max_size;
	struct dentry *root;
	void *private;
	spinlock_t lock;
	struct list inodes;
	char *source;
	rwsem_t umount_sem;
};
struct fs_type {
	const char *name;
	unsigned flags; /* FS_* */
	/* Build a super block (root dentry set). source may be NULL. ERR_PTR. */
	struct super_block *(*mount)(const struct fs_type *t, unsigned flags, const char *source,
				     const char *data);
};
#define FS_NODEV  1u
#define FS_USERNS 2u
extern const struct fs_type *const __fs_types_start[], *const __fs_types_end[];
#define FILESYSTEM(var)                                                                          \
	static const struct fs_type *const CONCAT(__fs_type_, var) __used __section(".fs_types") \
		__aligned(8) = &var

struct file {
	struct ref ref;		    /* fds, in-flight users, VMAs */
	u32 flags;		    /* O_* [a]; without O_CLOEXEC */
	u32 mode;		    /* FMODE_* [I] */
	struct path path;	    /* counted [I]; dentry may be anonymous (pipes) */
	struct inode *inode;	    /* = path.dentry->inode [I] */
	const struct file_ops *ops; /* [I] */
	mutex_t pos_lock;
	u64 pos;		 /* [pos_lock] */
	const struct cred *cred; /* of the opener */
	void *private;
	struct list epoll;  /* watchers */
	struct fown *owner; /* F_SETOWN, F_SETSIG [a] set once; NULL: none */
	struct rcu_head rcu;
};
#define FMODE_READ	1u
#define FMODE_WRITE	2u
#define FMODE_LSEEK	4u
#define FMODE_PREAD	8u
#define FMODE_PWRITE	16u
#define FMODE_EXEC	32u
#define FMODE_PATH	64u
#define FMODE_STREAM	128u /* no position: pipes, ttys, sockets */
#define FMODE_NOWAIT_OK 256u

static inline void file_get(struct file *f)
{
	ref_get(&f->ref);
}
void file_put(struct file *f); /* last: release; deferred to a work item from atomic context */
void path_get(const struct path *p);
void path_put(const struct path *p);
void inode_get(struct inode *i);
void inode_put(struct inode *i);
void dentry_get(struct dentry *d);
void dentry_put(struct dentry *d);

/* Paths. dirfd: AT_FDCWD or an fd of current. flags: LOOKUP_*. *out is referenced. */
#define LOOKUP_FOLLOW	 1u
#define LOOKUP_DIRECTORY 2u
#define LOOKUP_EMPTY	 4u /* AT_EMPTY_PATH */
#define LOOKUP_PARENT	 8u
/* The resolve rules of openat2(2), as they are there, shifted. All but the last walk slowly. */
#define LOOKUP_RESOLVE(resolve) ((unsigned)(resolve) << 8)
#define LOOKUP_NO_XDEV		LOOKUP_RESOLVE(1)
#define LOOKUP_NO_MAGICLINKS	LOOKUP_RESOLVE(2)
#define LOOKUP_NO_SYMLINKS	LOOKUP_RESOLVE(4)
#define LOOKUP_BENEATH		LOOKUP_RESOLVE(8)
#define LOOKUP_IN_ROOT		LOOKUP_RESOLVE(16)
#define LOOKUP_RULES		LOOKUP_RESOLVE(31)
#define LOOKUP_CACHED		LOOKUP_RESOLVE(32)
/* LOOKUP_FOLLOW and LOOKUP_EMPTY from AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH. */
static inline unsigned lookup_of_at(int flags)
{
	return (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
	       (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
}
int path_lookup_user(int dirfd, const char __user *name, unsigned flags,
		     struct path *out) __must_check;
int path_lookup(int dirfd, const char *name, unsigned flags, struct path *out) __must_check;
/* Open from the kernel (exec, init): ERR_PTR. */
struct file *file_open(int dirfd, const char *name, int flags, mode_t mode) __must_check;
struct file *file_open_path(const struct path *p, int flags) __must_check;
/* For execve: a regular file for reading without asking for read permission (the caller has checked
 * MAY_EXEC). Writers are refused with -ETXTBSY until the last reference to this struct file goes. */
struct file *file_open_exec(const struct path *p) __must_check;
ssize_t file_read_kernel(struct file *f, void *buf, size_t n, u64 pos);
ssize_t file_write_kernel(struct file *f, const void *buf, size_t n, u64 pos);
/* A file without a name in any directory: pipes, epoll, eventfd, pidfd. name shows in /proc/PID/fd. */
struct file *anon_file(const char *name, const struct file_ops *ops, void *priv, int flags);
/* The same around an inode of its own (consumed), e.g. of anon_super(). */
struct file *anon_file_inode(const char *name, struct inode *i, const struct file_ops *ops,
			     void *priv, int flags);
struct super_block *anon_super(void);
/* Absolute name of p as current's root sees it: pointer into buf. ERR_PTR(-ENAMETOOLONG/-ENOENT). */
char *path_name(const struct path *p, char *buf, size_t n);
int inode_permission(struct inode *i, int mask); /* MAY_*: 0, -EACCES, -EROFS */
#define MAY_EXEC  1
#define MAY_WRITE 2
#define MAY_READ  4
int path_permission(const struct path *p, int mask);
int vfs_mkdir(int dirfd, const char *name, mode_t mode);
int vfs_mknod(int dirfd, const char *name, mode_t mode, dev_t dev);
int vfs_symlink(const char *target, int dirfd, const char *name);
int vfs_unlink(int dirfd, const char *name, int flags);
int vfs_mount(const char *source, const char *target, const char *type, unsigned long flags,
	      const char *data);
/* deny writes while a file is executed: -ETXTBSY */
int file_deny_write(struct file *f);
void file_allow_write(struct file *f);

/* Descriptors of current. fd_get: counted file or NULL (fd_put = file_put). */
struct file *fd_get(unsigned fd);
#define fd_put file_put
/* Reserve the lowest free fd >= from; -EMFILE. Then fd_install (consumes the file reference) or fd_release. */
int fd_reserve(unsigned from, int o_cloexec);
void fd_install(unsigned fd, struct file *f);
void fd_release(unsigned fd);
int fd_close(unsigned fd);
bool fd_is_cloexec(int fd);	      /* false for none */
struct file *fd_get_raw(unsigned fd); /* O_PATH files too */
/* The lowest free descriptor for f, whose reference is consumed also on error. */
int fd_install_new(struct file *f, int o_cloexec);
/* Process-level tables: clone and exec use these. */
struct files *files_init(void);
struct files *files_get(struct files *f);
void files_put(struct files *f);
struct files *files_copy(struct files *f); /* ERR_PTR */
int files_unshare(void);		   /* exec: own table */
void files_close_on_exec(void);
struct fs_ctx *fs_ctx_get(struct fs_ctx *f);
void fs_ctx_put(struct fs_ctx *f);
struct fs_ctx *fs_ctx_copy(struct fs_ctx *f); /* ERR_PTR */
struct fs_ctx {
	struct ref ref;
	spinlock_t lock;
	struct path root, cwd; /* [lock] */
	mode_t umask;	       /* [a] */
	struct list all;       /* [fs_list_lock] every fs_ctx, for pivot_root */
};
/* Files of another task, for /proc/PID/fd: counted or NULL. *fd: search from, set to the one found. */
struct file *files_next(struct files *fs, unsigned *fd, bool *cloexec);

/* What kernel/proc (above) hands down: limits of current and signals to a file's owner. */
struct vfs_proc_ops {
	u64 (*rlimit)(unsigned res); /* soft limit of current */
	/* F_SETOWN's target by number: type F_OWNER_*; may the opener signal it is checked there. */
	void (*sigio)(int type, pid_t id, const struct cred *cred, int sig, int fd, s64 band);
};
void vfs_set_proc_ops(const struct vfs_proc_ops *ops);
u64 vfs_rlimit(unsigned res);
/* SIGIO (or F_SETSIG's) to the owner of f if O_ASYNC is set. band: EPOLL*. Any context. */
void file_sigio(struct file *f, unsigned band);

/* Cheap access to a descriptor for the length of one call: borrows the table's reference when nobody
 * shares the table. fdref_put exactly once, by the same thread. f == NULL: no such file. */
struct fdref {
	struct file *f;
	bool counted;
};
struct fdref fdref_get(int fd);
struct fdref fdref_get_raw(int fd); /* O_PATH files too */
static inline void fdref_put(struct fdref r)
{
	if (unlikely(r.counted))
		file_put(r.f);
}
/* Read and write through any file, with all checks of read(2) and write(2). pos NULL: f->pos. */
ssize_t vfs_read_iter(struct file *f, struct iov_iter *it, u64 *pos);
ssize_t vfs_write_iter(struct file *f, struct iov_iter *it, u64 *pos);
/* Copy up to n bytes from in to out inside the kernel (sendfile, copy_file_range). */
ssize_t vfs_copy(struct file *in, u64 *ipos, struct file *out, u64 *opos, size_t n);

/* A path from user space: the small ones stay on the stack. name_get: length or -errno. */
struct name_buf {
	char *s;
	char small[240];
};
int name_get(struct name_buf *n, const char __user *u, bool empty_ok) __must_check;
void name_put(struct name_buf *n);

/* A tmpfs directory entry lives in the dentry cache only: one more reference until unpinned. */
void dentry_pin(struct dentry *d);
void dentry_unpin(struct dentry *d);
/* Forget d's cached children that nobody uses. */
void dentry_prune(struct dentry *d);
/* Drop d from the cache: the next lookup asks the file system. */
void dentry_invalidate(struct dentry *d);
/* Child of a directory by name: looked up (may be negative), counted; dir's rwsem held for writing. */
struct dentry *dentry_lookup_locked(struct dentry *parent, const char *name, size_t len);
/* At most nr unused names leave the cache; how many did. May sleep (inode eviction). */
unsigned long dcache_shrink(unsigned long nr);
struct inode *inode_tryget(struct inode *i); /* NULL: going away */
/* Writers of i's contents: open for writing. -ETXTBSY while it is executed. */
int inode_write_get(struct inode *i);
void inode_write_put(struct inode *i);
/* Run a change of attributes through the file system, i->rwsem held for writing. */
int inode_setattr(struct inode *i, const struct iattr *a);
struct timespec current_time(void);
bool inode_owner_or_capable(const struct inode *i);
/* New inodes of dir: owner and group (setgid directories), mode after it. */
void inode_init_owner(struct inode *i, const struct inode *dir, mode_t mode);
ino_t inode_next_ino(void);
const struct fs_type *fs_type_find(const char *name, size_t len);
/* Kernel-made super blocks (devtmpfs, procfs): the same instance at every mount. */
struct super_block *super_get(struct super_block *sb);
void super_put(struct super_block *sb);
extern struct fs_ctx *init_fs; /* root and cwd of kernel threads and of PID 1 */
int vfs_truncate_inode(struct inode *i, u64 size, bool opened);
int vfs_fsync(struct file *f, u64 start, u64 end, bool datasync);
int vfs_rename(int odfd, const char *old, int ndfd, const char *new, unsigned flags);
int vfs_link(int odfd, const char *old, int ndfd, const char *new, int flags);
int vfs_sync_all(bool wait);
extern const struct file_ops fifo_fops;	   /* FIFOs and pipes */
extern const struct file_ops chrdev_fops;  /* dispatches by inode->rdev */
extern const struct file_ops *blkdev_fops; /* set by fs/block; NULL: -ENXIO */

/* Generic pieces for file systems. */
struct inode *inode_new(struct super_block *sb); /* zeroed, ref 1; NULL */
struct super_block *super_new(const struct fs_type *t, unsigned flags);
struct dentry *dentry_make_root(struct inode *root); /* consumes root; NULL */
void dentry_instantiate(struct dentry *d,
			struct inode *i); /* consumes the reference; NULL: negative */
ssize_t generic_read(struct file *f, struct iov_iter *to, u64 *pos);
ssize_t generic_write(struct file *f, struct iov_iter *from, u64 *pos);
/* The same with the inode's rwsem held for writing, and without O_DSYNC. */
ssize_t generic_write_locked(struct file *f, struct iov_iter *from, u64 *pos);
s64 generic_llseek(struct file *f, s64 off, int whence);
/* SEEK_SET and SEEK_CUR only: positions are cookies, or the text has no length before it is made. */
s64 seek_no_end(struct file *f, s64 off, int whence);
int generic_mmap(struct file *f, struct vm_map *req);
int generic_setattr(struct inode *i, const struct iattr *a); /* copies the fields */
void inode_fill_kstat(struct inode *i, struct kstat *st);
void inode_touch_atime(const struct path *p);
void inode_touch_mtime(struct inode *i); /* mtime and ctime */
/* Device nodes and FIFOs: sets fops by mode and rdev. */
void inode_init_special(struct inode *i, mode_t mode, dev_t rdev);
u64 file_count(void); /* open files of the whole machine */
void tmpfs_init(void);
void devtmpfs_init(void);
/* A file of size bytes on the internal tmpfs, without a name; for memfd and shared memory. ERR_PTR. */
s64 tmpfs_seals(struct file *f, bool add, u32 seals);
struct file *shmem_file(const char *name, u64 size, mode_t mode);
void vfs_init(void); /* caches, rootfs type; then rootfs_mount at the end of INITCALL fs level */
int initramfs_unpack(const void *data,
		     size_t n); /* cpio, plain or compressed, concatenated; into "/" */
