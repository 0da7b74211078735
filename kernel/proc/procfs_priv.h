/* Between procfs_pid.c (names, inodes, access) and procfs_show.c (the texts). */
#pragma once
#include "proc_priv.h"
#include <fs/procfs.h>

/* One name in /proc/PID. p and t are counted by the caller; t is the thread of /proc/PID/task/TID, or the
 * leader. show and write run without locks. */
struct pid_entry {
	const char *name;
	mode_t mode;
	int (*show)(struct seq *s, struct process *p, struct thread *t);
	ssize_t (*write)(const char *buf, size_t n, struct process *p, struct thread *t);
	/* symlinks: the place (counted in *jump), or -errno */
	int (*jump)(struct process *p, struct path *jump);
	unsigned flags; /* PE_* */
};
#define PE_PRIVATE 1u /* only for whom process_may_access() lets in */
#define PE_GROUP   2u /* not in /proc/PID/task/TID */
#define PE_FD	   4u /* the directories fd, fdinfo, task */
#define PE_FDINFO  8u
#define PE_TASK	   16u
#define PE_MEM	   32u /* the memory itself */
extern const struct pid_entry pid_entries[];
extern const unsigned nr_pid_entries;
