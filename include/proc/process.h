/* Processes: identity, family, sessions; what other layers may ask of them.
 * Locks: tasklist_lock (spinlock, IRQ-safe) > siglock (tg.sighand->lock, IRQ-safe). */
#pragma once
#include <sched/thread.h>
#include <lib/list.h>
#include <sync/rcu.h>
#include <uapi/resource.h>

struct tty;
struct file;

/* A number that outlives its task while referenced: thread id, process id, group id or session id.
 * Found under RCU through the id table; `thread` and `proc` are weak (cleared under tasklist_lock
 * when the task goes). */
struct pid {
	struct ref ref; /* memory */
	u32 uses;	/* [pid_lock] thread, members as group and session: the number is taken */
	pid_t nr;	/* [I] */
	struct thread *thread; /* [tasklist_lock] readers under RCU */
	struct process *proc; /* [tasklist_lock] readers under RCU; only while nr is a process id */
	struct list pgrp;     /* [tasklist_lock] process.pgrp_node: members of this group */
	struct list session;  /* [tasklist_lock] process.session_node */
	struct wait_queue *exit_wait; /* pidfd pollers */
	struct rcu_head rcu;
};

enum { PROC_RUNNING, PROC_ZOMBIE, PROC_DEAD };

struct process {
	struct thread_group tg; /* tg.sighand->lock is "siglock" */
	struct ref ref; /* 1 until reaped, 1 per struct thread; freed after an RCU grace period */
	u32 nr_live; /* [siglock] threads that have not finished exiting (tg.nr_threads: not begun) */
	struct pid *pid;		     /* [I] counted */
	struct pid *pgrp, *session;	     /* [tasklist_lock] counted */
	struct process *parent;		     /* [tasklist_lock] */
	struct list children, sibling;	     /* [tasklist_lock] */
	struct list pgrp_node, session_node; /* [tasklist_lock] */
	struct list all_node;		     /* [tasklist_lock] every process */
	struct wait_queue wait_chldexit;
	struct tty *tty; /* [siglock] controlling terminal; leader's session */
	struct pid *
		tty_old_pgrp; /* [siglock] counted: gets SIGHUP and SIGCONT when the leader exits */
	struct rlimit rlim[RLIM_NLIMITS]; /* [siglock] */
	bool leader;			  /* [tasklist_lock] session leader */
	bool did_exec, vfork;
	bool keep_caps; /* [o] prctl(PR_SET_KEEPCAPS) */
	bool child_subreaper, dumpable;
	u32 state;	  /* PROC_* [tasklist_lock] */
	int exit_code;	  /* [tasklist_lock] wait status of a zombie */
	int stop_code;	  /* [siglock] stop signal not yet reported by wait, 0: none */
	pid_t parent_tid; /* [tasklist_lock] the thread that forked it (__WNOTHREAD) */
	u64 cutime, cstime, cminflt, cmajflt, cnvcsw, cnivcsw,
		cmaxrss; /* [siglock] of waited-for children */
	u64 maxrss;
	u32 personality;
	u32 pdeath_signal;
	u64 start_boottime; /* [I] ns */
	s16 oom_score_adj;
	u64 timer_slack_ns;
	struct thread *exec_thread; /* [siglock] waits in exec for the others to die */
	struct io_account io;	    /* [siglock] of threads that have exited */
	void *itimers;
	void *posix_timers;
	void *ptrace; /* kernel/proc/ptrace */
	struct rcu_head rcu;
};
#define current_process() (current->proc)
/* The process whose thread_group this is. */
static inline struct process *group_process(struct thread_group *g)
{
	return container_of(g, struct process, tg);
}
extern spinlock_t tasklist_lock;
extern struct process *init_process; /* PID 1; NULL before it starts */

/* siglock of a group: exec may swap the handler table, so look again after locking; the old one stays
 * for a grace period. */
static inline unsigned long siglock(struct thread_group *g) __no_lock_check
{
	for (;;) {
		unsigned long f;

		rcu_read_lock();
		struct sighand *sh = READ_ONCE(g->sighand);
		spin_lock_irqsave(&sh->lock, f);
		rcu_read_unlock(); /* the lock keeps it from here on */
		if (likely(sh == READ_ONCE(g->sighand)))
			return f;
		spin_unlock_irqrestore(&sh->lock, f);
	}
}
static inline void sigunlock(struct thread_group *g, unsigned long f) __no_lock_check
{
	spin_unlock_irqrestore(&g->sighand->lock, f);
}

struct pid *pid_get(struct pid *p);
void pid_put(struct pid *p);
static inline pid_t pid_nr(const struct pid *p) /* 0 for NULL */
{
	return p ? p->nr : 0;
}
/* Look up under RCU: counted or NULL. */
struct process *process_find(pid_t pid);
struct thread *thread_find(pid_t tid);
struct pid *pid_find(pid_t nr); /* as group or session id too */
void process_get(struct process *p);
void process_put(struct process *p);

/* Signals by target; permission is checked by the *_user forms only. 0 or -errno. Any context. */
int process_signal(struct process *p, int sig, const siginfo_t *info);
int pgrp_signal(struct pid *pgrp, int sig); /* from the kernel (tty) */
bool pgrp_is_orphaned(struct pid *pgrp);
bool pgrp_in_session(struct pid *pgrp, struct pid *session);
u64 rlimit_get(unsigned res); /* of current, soft */
/* The group and session of a process: counted. */
struct pid *process_pgrp(struct process *p);
struct pid *process_session(struct process *p);
/* Call fn for each process of the session, tasklist lock held: fn may take siglock and send signals,
 * must not sleep. */
void session_for_each(struct pid *session, void (*fn)(struct process *p, void *arg), void *arg);
/* CPU time of the whole group so far, exited threads included (ns). */
void process_times(struct process *p, u64 *utime, u64 *stime);
/* May current look into p (ptrace access rules, /proc/PID)? 0 or -EPERM. */
int process_may_access(struct process *p);
/* The address space of p, a user reference, or NULL (kernel thread, zombie). */
struct mm *process_mm(struct process *p);
/* End the calling thread, or its whole process, with a wait status. */
void do_exit(int code) __noreturn;
void do_group_exit(int code) __noreturn;

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
/* Ctrl+Alt+Del from a keyboard: restart, or SIGINT to PID 1 (reboot(2)). Process context. */
void ctrl_alt_del_pressed(void);
/* Caches, the id table, hooks; before the first user process (kernel_main). */
void process_init(void);
