/* procfs and sysfs as frameworks: the subsystem that owns a figure registers the file that shows it.
 * May sleep; callable from INITCALL fs level on (entries made before the mount are kept). */
#pragma once
#include <fs/seq.h>
#include <fs/vfs.h>

/* Show the whole file into s. 0 or -errno. */
typedef int (*proc_show_fn)(struct seq *s, void *arg);
/* A write of n bytes (NUL-terminated copy): bytes taken or -errno. */
typedef ssize_t (*proc_write_fn)(const char *buf, size_t n, void *arg);

/* path relative to /proc, e.g. "sys/kernel/ostype"; missing directories are made. mode e.g. 0444. */
int proc_create(const char *path, mode_t mode, proc_show_fn show, proc_write_fn write, void *arg);
int proc_create_file(const char *path, mode_t mode, const struct file_ops *ops,
		     void *arg); /* arg: inode->private */
int proc_symlink(const char *path, const char *target);
int proc_mkdir(const char *path);
/* Same for /sys. */
int sysfs_create(const char *path, mode_t mode, proc_show_fn show, proc_write_fn write, void *arg);
int sysfs_mkdir(const char *path);
int sysfs_symlink(const char *path, const char *target);

/* The per-process half is kernel/proc's: it installs lookups for /proc/PID, /proc/self, /proc/PID/task.
 * lookup: inode for name in the root of procfs or NULL. */
struct proc_pid_ops {
	int (*lookup)(struct inode *dir, struct dentry *d); /* -ENOENT: not a pid */
	int (*iterate)(struct file *f, struct dir_context *c,
		       u64 base); /* positions from base on */
	void (*evict)(
		struct
		inode *i); /* an inode of proc_inode_new goes: free its private data; may be NULL */
};
void proc_set_pid_ops(const struct proc_pid_ops *ops);
/* Make an inode of procfs with these operations (for kernel/proc). */
struct inode *proc_inode_new(struct super_block *sb, mode_t mode, const struct inode_ops *iops,
			     const struct file_ops *fops, void *priv);
/* A text file of kernel/proc's own: open calls seq_open(f, show, arg) of fs/seq.h, the other operations are
 * seq_file_read, seek_no_end and seq_file_release (or call them). */
extern struct super_block *proc_sb;

/* Figures of processes that /proc/stat and /proc/loadavg show; kernel/proc installs the hook. */
struct proc_totals {
	u64 forks;	  /* since boot */
	unsigned running; /* runnable now */
	unsigned blocked; /* waiting for I/O */
	unsigned threads;
	pid_t last_pid;
};
extern void (*proc_totals_hook)(struct proc_totals *t);
/* MemAvailable in pages (for sysinfo-like callers). */
u64 mem_available(void);
