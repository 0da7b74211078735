/* Processes: identity, family, sessions; what other layers may ask of them. */
#pragma once
#include <sched/thread.h>
#include <lib/list.h>
#include <uapi/resource.h>

struct tty;
struct pid; /* a number that outlives its task while referenced */

/* Process group and session are struct pid objects with member lists. */
struct process {
	struct thread_group tg;	   /* tg.sighand->lock is "siglock" */
	struct ref ref;
	struct pid *pid;	   /* [I] counted */
	struct pid *pgrp, *session; /* [tasklist lock] counted */
	struct process *parent;	   /* [tasklist lock] */
	struct list children, sibling; /* [tasklist lock] */
	struct list pgrp_node, session_node; /* [tasklist lock] */
	struct wait_queue wait_chldexit;
	struct tty *tty;	   /* [siglock] controlling terminal; leader's session */
	struct pid *tty_old_pgrp;
	struct rlimit rlim[RLIM_NLIMITS]; /* [siglock] */
	bool leader;		   /* session leader */
	bool did_exec, vfork;
	u32 state;		   /* PROC_* [tasklist lock] */
	int exit_code;
	u64 cutime, cstime, cminflt, cmajflt, cnvcsw, cnivcsw, cmaxrss; /* of waited-for children */
	u64 maxrss;
	u32 personality;
	u32 pdeath_signal;
	bool child_subreaper, dumpable;
	u64 start_boottime;
	void *itimers;
	void *posix_timers;
};
#define current_process() (current->proc)

struct pid *pid_get(struct pid *p);
void pid_put(struct pid *p);
pid_t pid_nr(const struct pid *p); /* 0 for NULL */
/* Look up under RCU: counted or NULL. */
struct process *process_find(pid_t pid);
struct thread *thread_find(pid_t tid);
void process_put(struct process *p);

/* Signals by target; permission is checked by the *_user forms only. 0 or -errno. */
int process_signal(struct process *p, int sig, const siginfo_t *info);
int pgrp_signal(struct pid *pgrp, int sig); /* from the kernel (tty) */
bool pgrp_is_orphaned(struct pid *pgrp);
bool pgrp_in_session(struct pid *pgrp, struct pid *session);
struct pid *pid_find(pid_t nr); /* counted or NULL: as group or session id too */
u64 rlimit_get(unsigned res); /* of current, soft */
/* The group and session of a process: counted. */
struct pid *process_pgrp(struct process *p);
struct pid *process_session(struct process *p);
/* Call fn for each process of the session, tasklist lock held: fn may take siglock and send signals,
 * must not sleep. */
void session_for_each(struct pid *session, void (*fn)(struct process *p, void *arg), void *arg);

/* Controlling terminals. A process's tty pointer is a counted reference: fork copies it under
 * siglock through get; setsid clears it and releases it. The exit of a session leader calls
 * session_exit (process context, no locks, tty and pids still set), which hangs the terminal up,
 * signals its foreground group and clears the tty of all processes of the session; a leader without
 * tty but with tty_old_pgrp sends that group SIGHUP and SIGCONT. Other exits release. */
struct tty_hooks {
	void (*get)(struct tty *t);	       /* one more reference: any context */
	void (*session_exit)(struct tty *t);   /* current, a session leader, exits */
	void (*release)(struct tty *t);	       /* drop a reference: any context */
	dev_t (*devnr)(struct tty *t);	       /* for /proc/PID/stat */
	struct pid *(*fg_pgrp)(struct tty *t); /* counted, or NULL */
};
void process_set_tty_hooks(const struct tty_hooks *h);
/* Create PID 1 executing path (stdio on /dev/console); -ENOENT and other exec errors leave nothing behind,
 * so that kernel/init can try the next candidate. */
int process_start_init(const char *path, char *const argv[], char *const envp[]);
