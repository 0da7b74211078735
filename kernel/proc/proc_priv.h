/* What the files of kernel/proc share. */
#pragma once
#include <fs/vfs.h>
#include <lib/string.h>
#include <mm/vm.h>
#include <proc/deliver.h>
#include <proc/process.h>

/* pid.c */
void pid_init(void);
/* A fresh number (or exactly `want` when not 0): uses 1, one reference. ERR_PTR: -EAGAIN, -EEXIST. */
struct pid *pid_alloc(pid_t want);
void pid_use(struct pid *p);   /* one more user of the number: pid_lock is taken inside */
void pid_unuse(struct pid *p); /* the last one frees the number */
/* Threads and processes by number, under RCU or tasklist_lock; not counted. */
struct pid *pid_lookup(pid_t nr);
struct process *process_lookup(pid_t nr);
/* First process with number >= *nr, counted; *nr is set. NULL: none. */
struct process *process_find_next(pid_t *nr);
extern int pid_max;
pid_t pid_last(void); /* handed out most recently */
#define PID_MAX_LIMIT (4 * 1024 * 1024)

/* process.c */
extern struct list all_processes; /* [tasklist_lock] */
extern unsigned nr_processes;	  /* [tasklist_lock] */
struct process *process_alloc(void);
struct sighand *sighand_alloc(void);
void sighand_put(struct sighand *s);
/* Join group and session lists. tasklist_lock held. */
void process_set_pgrp(struct process *p, struct pid *pgrp);
void process_set_session(struct process *p, struct pid *session);
extern const struct tty_hooks *tty_hooks; /* may be NULL */
void process_clear_tty(struct process *p);
u64 process_forks(void); /* since boot */
/* The credentials of p's leader; NULL once p is reaped. RCU. */
const struct cred *process_cred(struct process *p);
/* The descriptor table of t: counted or NULL. */
struct files *process_files(struct thread *t);
/* p loses parent (or dies): SIGHUP and SIGCONT if that orphans a stopped group. tasklist_lock held. */
void kill_orphaned_pgrp(struct process *p, struct process *parent, bool dying);
/* Threads of real user id uid, counted against RLIMIT_NPROC. */
struct user_count;
struct user_count *user_count_add(uid_t uid); /* NULL: no memory */
void user_count_sub(struct user_count *u);
long user_count_read(struct user_count *u);
/* Tell p's mm about its limits. */
void mm_set_limits(struct mm *mm, const struct rlimit *rlim);

/* fork.c */
struct clone_req {
	u64 flags;
	int __user *pidfd;
	int __user *child_tid, *parent_tid;
	int exit_signal;
	u64 stack, tls;
	pid_t set_tid;
};
/* Undo a thread that never ran, with its process if that is new. */
void thread_discard(struct thread *t, bool own_process);
s64 do_clone(const struct clone_req *r);

/* exit.c */
/* The address space is left (exit or exec): robust futexes, clear_child_tid, vfork parent. */
void mm_release(struct thread *t, bool exiting);
/* Take a zombie out of the tables. tasklist_lock held; then process_release_finish without it. */
void process_release_locked(struct process *p);
void process_release_finish(struct process *p);
/* Kill the other threads of current's group; waits until they are gone. -EAGAIN when killed itself. */
int kill_other_threads(void);

/* signal_deliver.c */
/* Notify the parent of p of a stop or continue. */
void notify_parent_jobctl(struct process *p, int why, int sig);
/* Start the death of the group with a wait status. siglock held. */
void group_exit_locked(struct thread_group *g, int status);
/* A new program: caught signals go back to default. */
void signal_reset_handlers(struct sighand *sh, bool all);

/* signal_calls.c */
bool may_signal(struct process *p, int sig);

/* futex.c */
void futex_init(void);
/* Wake n waiters at uaddr of current's address space. */
int futex_wake_user(u32 __user *uaddr, int n, bool shared);
void robust_list_exit(struct thread *t);

/* rseq.c */
void rseq_signal(struct regs *r);

/* exec.c */
struct exec_image; /* elf.c */
/* rlimits.c */
void thread_rusage(struct thread *t, struct rusage *r);
/* Own use (and of dead threads) plus, with children, that of children waited for. */
void process_rusage(struct process *p, bool self, bool children, struct rusage *r);

/* itimer.c, posix timers (sched engineer) */
void itimers_exit(struct process *p);
/* RLIMIT_CPU of p was set or inherited. */
void itimers_limit_changed(struct process *p);
void itimers_init(void);

/* procfs_pid.c */
void procfs_pid_init(void);
/* oom.c */
void oom_init(void);
u64 oom_badness(struct process *p); /* pages, weighed; 0: no memory of its own */
