/* What the files of fs/vfs share: the path walker's state, the dentry cache's and the mount tree's
 * inner calls, the descriptor table. */
#pragma once
#include <fs/mount.h>
#include <fs/vfs.h>
#include <lib/string.h>
#include <sched/cred.h>
#include <sched/thread.h>
#include <sync/rcu.h>

/* ---- dentry cache (dcache.c) ---- */
#define NAME_HASH_INIT 0x811c9dc5u
static __always_inline u32 name_hash_step(u32 h, u8 c)
{
	return (h ^ c) * 0x01000193u;
}
u32 name_hash(const char *s, size_t n);
/* Under RCU: child of parent by name without a reference, or NULL. */
struct dentry *dcache_find_rcu(const struct dentry *parent, const char *name, size_t len, u32 hash);
/* The same, counted. */
struct dentry *dcache_find(struct dentry *parent, const char *name, size_t len, u32 hash);
struct dentry *dentry_alloc(struct dentry *parent, struct super_block *sb, const char *name,
			    size_t len, u32 hash);
void dentry_hash(struct dentry *d);
void dentry_unhash(struct dentry *d);
/* After unlink or rmdir: negative when unused otherwise, else unhashed. */
void dentry_delete(struct dentry *d);
/* d takes target's place (name and parent); target is unhashed. Both parents' rwsems held. */
void dentry_move(struct dentry *d, struct dentry *target);
void dentry_exchange(struct dentry *a, struct dentry *b);
bool dentry_is_ancestor(const struct dentry *anc, const struct dentry *d);
void dentry_kill_tree(struct dentry *root); /* umount */
void dcache_init(void);
/* Bumped by renames and by changes of the mount tree: a walk without references that saw one value
 * from start to end saw one tree. */
extern seqcount_t walk_seq;
/* Two inode locks nest in this order only: a directory (the ancestor, or a lone inode: 0), the other parent
 * of a rename, what is removed, linked, renamed or replaced (two of these by address). */
enum { INODE_PARENT2 = 1, INODE_CHILD, INODE_CHILD2 };
extern spinlock_t rename_lock; /* writers of walk_seq */

/* ---- inodes, super blocks ---- */
void inode_init_caches(void);
int permission_generic(struct inode *i, int mask);
void super_kill(struct super_block *sb);
void super_memory_put(struct super_block *sb);
void sb_inode_remove(struct inode *i);

/* ---- mounts (mount.c) ---- */
struct mnt_ns {
	rwsem_t sem; /* the shape of the tree */
	struct mount *root;
	struct list mounts; /* [sem] */
	unsigned nr;
	u64 generation; /* [sem] */
};
extern struct mnt_ns init_mnt_ns;
struct mount *mount_lookup_rcu(const struct mount *parent, const struct dentry *d);
struct mount *mount_lookup(struct mount *parent, struct dentry *d); /* counted */
/* Is p the root of a mount in use or has it one on top? For rmdir, unlink, rename. */
bool dentry_is_mountpoint(const struct dentry *d);
int mount_write_get(struct mount *m); /* -EROFS */
void mount_write_put(struct mount *m);
struct mount *mount_new(struct super_block *sb, struct dentry *root, const char *source, u32 flags);
int mount_graft(struct mount *m,
		const struct path *at); /* ns sem held for writing; consumes m's first reference */
bool path_reachable(const struct path *p, const struct path *root);
void mount_init(void);
void mount_changed(void);
int mount_copy_tree(const struct path *from, bool recursive, struct mount **out);
void mount_detach(struct mount *m, struct list *drop);
void mount_drop_list(struct list *drop);
void mount_reattach(struct mount *m, struct mount *parent, struct dentry *at);
void fs_ctx_replace_root(const struct path *from, const struct path *to);
int do_mount(const char *source, const struct path *at, const char *type, unsigned long flags,
	     const char *data);

/* ---- path walk (namei.c) ---- */
#define MAX_SYMLINKS 40
enum last_type { LAST_NORM, LAST_ROOT, LAST_DOT, LAST_DOTDOT, LAST_JUMP };
struct walk {
	struct path path; /* counted once the walk has begun */
	struct path root; /* counted */
	unsigned flags;
	enum last_type last_type;
	const char *last; /* LOOKUP_PARENT: the last component, not NUL-terminated */
	u32 last_len, last_hash;
	bool must_dir; /* slashes behind the last component */
	u8 nlinks;     /* symlinks followed */
	u8 depth;
	u8 pending; /* frames with something left behind the link */
	struct {
		char *body;
		const char *rest;
	} frame[MAX_SYMLINKS];
};
/* Resolve name; on success w->path is the result (or the parent, with LOOKUP_PARENT). Always follow
 * with walk_end, which drops everything but a path taken out with walk_take. */
int walk_begin(struct walk *w, int dirfd, const char *name, unsigned flags) __must_check;
/* With LOOKUP_PARENT: the last component turned out to be the symlink d (counted, consumed): go on. */
int walk_follow_last(struct walk *w, struct dentry *d) __must_check;
/* The last component's dentry (counted, maybe negative; mounts not crossed); w->path.dentry's inode
 * rwsem held for writing. */
struct dentry *walk_lookup_last(struct walk *w);
void walk_take(struct walk *w, struct path *out);
void walk_end(struct walk *w);
void path_cross_mounts(struct path *p); /* p counted before and after */
void path_up_mounts(struct path *p, const struct path *root);

/* ---- name operations (nameop.c) ---- */
int may_create(struct inode *dir, struct dentry *d);
int may_delete(struct inode *dir, struct dentry *d, bool isdir);
int vfs_create_locked(struct path *dir, struct dentry *d, mode_t mode, dev_t rdev);

/* ---- files ---- */
extern struct slab_cache *file_cache;
struct file *file_alloc(void);
void file_free(struct file *f); /* never opened: its memory and what file_alloc took */
void file_init(void);
int file_do_open(struct file *f, const struct path *p, int flags);
void locks_remove_posix(struct file *f, struct files *owner); /* fs/locks */
void locks_remove_file(struct file *f);
void locks_free_inode(struct inode *i);
struct fown {
	spinlock_t lock;
	int type;
	pid_t id;
	int sig;
	struct rcu_head rcu;
};
s64 fcntl_lock(unsigned fd, struct file *f, unsigned cmd, void __user *arg);
void fs_ctx_read_rcu(struct fs_ctx *fs, struct path *root, struct path *cwd);
static inline struct fs_ctx *current_fs(void)
{
	return current->fs ? current->fs : init_fs;
}
void current_root(struct path *p);
void current_cwd(struct path *p);

/* ---- descriptor table (fdtable.c) ---- */
struct fdtable {
	u32 max;
	struct file **fd;	/* [files->lock] readers under RCU */
	unsigned long *open;	/* [files->lock] */
	unsigned long *cloexec; /* [files->lock] */
	unsigned long *full;	/* [files->lock] one bit per word of open that is all ones */
	struct rcu_head rcu;
};
#define FD_INLINE 64
struct files {
	struct ref count;
	spinlock_t lock;
	struct fdtable *table; /* [lock] readers under RCU */
	u32 next;	       /* [lock] no free descriptor below */
	struct fdtable tab0;
	unsigned long open0, cloexec0, full0;
	struct file *fd0[FD_INLINE];
};
int fd_set_cloexec(unsigned fd, bool on);
void fdtable_init(void);

/* fdref_get for the commonest case, inline: a table of current's own, an ordinary file. */
static __always_inline struct fdref fdref_fast(int fd)
{
	struct files *fs = current->files;
	if (likely(ref_read(&fs->count) == 1)) {
		const struct fdtable *t = fs->table;
		struct file *f = (u32)fd < t->max ? t->fd[(u32)fd] : NULL;
		if (likely(f && !(f->mode & FMODE_PATH)))
			return (struct fdref){f, false};
	}
	return fdref_get(fd);
}
