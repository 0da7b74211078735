/* Mounts: where a super block's tree hangs in the one tree of names. mount(2), fs/vfs/mount.c. */
#pragma once
#include <fs/vfs.h>

/* struct mount.flags and the flags of mount(2) share their values where both exist. */
#define MS_RDONLY      1u
#define MS_NOSUID      2u
#define MS_NODEV       4u
#define MS_NOEXEC      8u
#define MS_SYNCHRONOUS 16u
#define MS_REMOUNT     32u
#define MS_MANDLOCK    64u
#define MS_DIRSYNC     128u
#define MS_NOSYMFOLLOW 256u
#define MS_NOATIME     1024u
#define MS_NODIRATIME  2048u
#define MS_BIND	       4096u
#define MS_MOVE	       8192u
#define MS_REC	       16384u
#define MS_SILENT      32768u
#define MS_UNBINDABLE  (1u << 17)
#define MS_PRIVATE     (1u << 18)
#define MS_SLAVE       (1u << 19)
#define MS_SHARED      (1u << 20)
#define MS_RELATIME    (1u << 21)
#define MS_STRICTATIME (1u << 24)
#define MS_LAZYTIME    (1u << 25)
#define MS_MGC_VAL     0xc0ed0000u
#define MS_MGC_MSK     0xffff0000u
#define MNT_USER_FLAGS                                                                \
	(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW | MS_NOATIME | \
	 MS_NODIRATIME | MS_RELATIME)
#define MNT_FORCE	1
#define MNT_DETACH	2
#define MNT_EXPIRE	4
#define UMOUNT_NOFOLLOW 8

struct mnt_ns; /* there is one; everything that is per namespace hangs off it */
struct mount {
	struct ref ref;		   /* the tree holds one, each path one */
	u32 id;			   /* [I] */
	u32 flags;		   /* [ns sem] MNT_USER_FLAGS; read without */
	struct super_block *sb;	   /* counted [I] */
	struct dentry *root;	   /* counted [I] */
	struct mount *parent;	   /* [ns sem, rename_lock] itself: a root or detached; counted */
	struct dentry *mountpoint; /* [same] counted */
	struct hlist_node hash;	   /* [rename_lock] readers under RCU with walk_seq */
	struct list children, sibling; /* [ns sem] */
	struct list ns_list;	       /* [ns sem] */
	struct mnt_ns *ns;	       /* [ns sem] NULL: detached */
	char *source;		       /* [I] */
	atomic_t writers;	       /* files open for writing through it */
	bool expire_mark;	       /* [ns sem] */
	struct rcu_head rcu;
};
void mount_get(struct mount *m);
void mount_put(struct mount *m);
/* Is p's name reachable from a read-only mount or super block? */
static inline bool mount_readonly(const struct mount *m)
{
	return m && ((READ_ONCE(m->flags) | READ_ONCE(m->sb->flags)) & MS_RDONLY);
}
/* The texts of /proc/PID/mounts, mountinfo and mountstats as current's root sees them. */
enum mounts_kind { MOUNTS_MTAB, MOUNTS_INFO, MOUNTS_STATS };
void mounts_show(struct seq *s, const struct path *root, enum mounts_kind kind);
/* Woken when the mount table changes; the generation for poll. */
extern struct wait_queue mounts_wait;
u64 mounts_generation(void);
