/* struct process: making and freeing it, groups and sessions, what other layers ask about it.
 *
 * A process holds one reference on itself until it is reaped, one more per struct thread; its memory
 * goes after an RCU grace period, so that lookups by id need no lock. The family (parent, children,
 * groups, sessions) is under tasklist_lock, everything about signals under siglock. */
#include "proc_priv.h"
#include <alloc/slab.h>
#include <log/panic.h>
#include <sync/rcu.h>

DEFINE_SPINLOCK(tasklist_lock);
LIST_HEAD(all_processes);
unsigned nr_processes;
struct process *init_process;
const struct tty_hooks *tty_hooks;
static struct slab_cache *process_cache, *sighand_cache;

/* ---- threads per user, for RLIMIT_NPROC ---- */

struct user_count {
	struct hlist_node hash; /* [user_lock] */
	uid_t uid;		/* [I] */
	u32 refs;		/* [user_lock] */
};
#define USER_HASH 64
static struct hlist user_hash[USER_HASH];
static DEFINE_SPINLOCK(user_lock);

struct user_count *user_count_add(uid_t uid)
{
	struct hlist *h = &user_hash[uid % USER_HASH];
	struct user_count *u, *fresh = NULL;
	unsigned long f;

again:
	spin_lock_irqsave(&user_lock, f);
	hlist_for_each_entry (u, h, hash) {
		if (u->uid == uid) {
			u->refs++;
			goto out;
		}
	}
	u = fresh;
	if (u) {
		fresh = NULL;
		hlist_add(&u->hash, h);
		goto out;
	}
	spin_unlock_irqrestore(&user_lock, f);
	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL);
	if (!fresh)
		return NULL;
	fresh->uid = uid;
	fresh->refs = 1;
	goto again;
out:
	spin_unlock_irqrestore(&user_lock, f);
	kfree(fresh);
	return u;
}

void user_count_sub(struct user_count *u)
{
	unsigned long f;

	if (!u)
		return;
	spin_lock_irqsave(&user_lock, f);
	bool last = --u->refs == 0;
	if (last)
		hlist_del(&u->hash);
	spin_unlock_irqrestore(&user_lock, f);
	if (last)
		kfree(u);
}

long user_count_read(struct user_count *u)
{
	return u ? READ_ONCE(u->refs) : 0;
}

/* ---- handler tables ---- */

struct sighand *sighand_alloc(void)
{
	struct sighand *s = slab_alloc(sighand_cache, GFP_KERNEL);

	if (s) {
		ref_init(&s->ref, 1);
		spin_init(&s->lock);
		s->signalfd = NULL;
	}
	return s;
}

void sighand_put(struct sighand *s)
{
	if (s && ref_put(&s->ref))
		slab_free(sighand_cache, s);
}

/* ---- life ---- */

static atomic64_t forks;

u64 process_forks(void)
{
	return atomic_read(&forks);
}

struct process *process_alloc(void)
{
	struct process *p = slab_alloc(process_cache, GFP_KERNEL | GFP_ZERO);

	if (!p)
		return NULL;
	ref_init(&p->ref, 1);
	list_init(&p->tg.threads);
	sigpending_init(&p->tg.shared);
	list_init(&p->children);
	list_init(&p->sibling);
	list_init(&p->pgrp_node);
	list_init(&p->session_node);
	list_init(&p->all_node);
	wait_queue_init(&p->wait_chldexit);
	p->dumpable = true;
	atomic_inc(&forks);
	return p;
}

static void process_free_rcu(struct rcu_head *h)
{
	struct process *p = container_of(h, struct process, rcu);

	sighand_put(p->tg.sighand);
	slab_free(process_cache, p);
}

void process_get(struct process *p)
{
	ref_get(&p->ref);
}

void process_put(struct process *p)
{
	if (!p || !ref_put(&p->ref))
		return;
	sigpending_flush(&p->tg.shared);
	pid_put(p->pid);
	call_rcu(&p->rcu, process_free_rcu);
}

/* The last reference to a thread is gone. Any context. */
static void thread_gone(struct thread *t)
{
	sigpending_flush(&t->pending);
	user_count_sub(t->user_count);
	process_put(t->proc);
}

/* ---- groups and sessions ---- */

void process_set_pgrp(struct process *p, struct pid *pgrp)
{
	struct pid *old = p->pgrp;

	if (pgrp)
		pid_use(pgrp);
	list_del(&p->pgrp_node);
	p->pgrp = pgrp;
	if (pgrp)
		list_add_tail(&p->pgrp_node, &pgrp->pgrp);
	pid_unuse(old);
}

void process_set_session(struct process *p, struct pid *session)
{
	struct pid *old = p->session;

	if (session)
		pid_use(session);
	list_del(&p->session_node);
	p->session = session;
	if (session)
		list_add_tail(&p->session_node, &session->session);
	pid_unuse(old);
}

struct pid *process_pgrp(struct process *p)
{
	unsigned long f;

	spin_lock_irqsave(&tasklist_lock, f);
	struct pid *r = pid_get(p->pgrp);
	spin_unlock_irqrestore(&tasklist_lock, f);
	return r;
}

struct pid *process_session(struct process *p)
{
	unsigned long f;

	spin_lock_irqsave(&tasklist_lock, f);
	struct pid *r = pid_get(p->session);
	spin_unlock_irqrestore(&tasklist_lock, f);
	return r;
}

void session_for_each(struct pid *session, void (*fn)(struct process *p, void *arg), void *arg)
{
	struct process *p;
	unsigned long f;

	spin_lock_irqsave(&tasklist_lock, f);
	list_for_each_entry (p, &session->session, session_node)
		fn(p, arg);
	spin_unlock_irqrestore(&tasklist_lock, f);
}

/* POSIX: a group is orphaned when no member has a parent in another group of the same session. */
static bool pgrp_orphaned_locked(struct pid *pgrp, struct process *ignore)
{
	struct process *p;

	list_for_each_entry (p, &pgrp->pgrp, pgrp_node) {
		if (p == ignore || p->state != PROC_RUNNING || !p->parent ||
		    p->parent == init_process)
			continue;
		if (p->parent->pgrp != pgrp && p->parent->session == p->session)
			return false;
	}
	return true;
}

bool pgrp_is_orphaned(struct pid *pgrp)
{
	unsigned long f;

	spin_lock_irqsave(&tasklist_lock, f);
	bool r = pgrp_orphaned_locked(pgrp, NULL);
	spin_unlock_irqrestore(&tasklist_lock, f);
	return r;
}

/* p leaves (ignore = p: it dies) or lost its parent: if that orphans its group and a member is stopped,
 * the group gets SIGHUP and SIGCONT (setpgid(2), POSIX exit). tasklist_lock held. */
void kill_orphaned_pgrp(struct process *p, struct process *parent, bool dying)
{
	struct pid *pgrp = p->pgrp;
	struct process *m;
	bool stopped = false;

	if (!pgrp || !parent || parent->pgrp == pgrp || parent->session != p->session)
		return;
	if (!pgrp_orphaned_locked(pgrp, dying ? p : NULL))
		return;
	list_for_each_entry (m, &pgrp->pgrp, pgrp_node) {
		if (m->tg.flags & TG_STOPPED)
			stopped = true;
	}
	if (!stopped)
		return;
	list_for_each_entry (m, &pgrp->pgrp, pgrp_node) {
		(void)signal_send_group(&m->tg, SIGHUP, NULL);
		(void)signal_send_group(&m->tg, SIGCONT, NULL);
	}
}

bool pgrp_in_session(struct pid *pgrp, struct pid *session)
{
	struct process *p;
	unsigned long f;
	bool r = false;

	spin_lock_irqsave(&tasklist_lock, f);
	list_for_each_entry (p, &pgrp->pgrp, pgrp_node) {
		if (p->session == session) {
			r = true;
			break;
		}
	}
	spin_unlock_irqrestore(&tasklist_lock, f);
	return r;
}

/* ---- signals from other layers ---- */

int process_signal(struct process *p, int sig, const siginfo_t *info)
{
	return signal_send_group(&p->tg, sig, info);
}

int pgrp_signal(struct pid *pgrp, int sig)
{
	struct process *p;
	unsigned long f;
	int err = -ESRCH;

	if (!pgrp)
		return err;
	spin_lock_irqsave(&tasklist_lock, f);
	list_for_each_entry (p, &pgrp->pgrp, pgrp_node) {
		int e = signal_send_group(&p->tg, sig, NULL);
		if (err)
			err = e;
	}
	spin_unlock_irqrestore(&tasklist_lock, f);
	return err;
}

/* ---- terminals ---- */

void process_set_tty_hooks(const struct tty_hooks *h)
{
	tty_hooks = h;
}

void process_clear_tty(struct process *p)
{
	unsigned long f = siglock(&p->tg);
	struct tty *tty = p->tty;
	struct pid *old = p->tty_old_pgrp;

	p->tty = NULL;
	p->tty_old_pgrp = NULL;
	sigunlock(&p->tg, f);
	if (tty && tty_hooks)
		tty_hooks->release(tty);
	pid_put(old);
}

/* ---- questions ---- */

void process_times(struct process *p, u64 *utime, u64 *stime)
{
	unsigned long f = siglock(&p->tg);
	u64 u = p->tg.sum_utime, s = p->tg.sum_stime;
	struct thread *t;

	list_for_each_entry (t, &p->tg.threads, group_node) {
		u64 tu, ts;

		thread_times(t, &tu, &ts);
		u += tu;
		s += ts;
	}
	sigunlock(&p->tg, f);
	*utime = u;
	*stime = s;
}

const struct cred *process_cred(struct process *p)
{
	struct thread *t = READ_ONCE(p->tg.leader);

	return t ? rcu_dereference(t->cred) : NULL;
}

int process_may_access(struct process *p)
{
	const struct cred *c = current_cred(), *tc;
	int err = -EPERM;

	if (p == current->proc)
		return 0;
	rcu_read_lock();
	tc = process_cred(p);
	if (cred_capable(c, CAP_SYS_PTRACE))
		err = 0;
	else if (tc && p->dumpable && c->fsuid == tc->euid && c->fsuid == tc->suid &&
		 c->fsuid == tc->uid && c->fsgid == tc->egid && c->fsgid == tc->sgid &&
		 c->fsgid == tc->gid && !(tc->cap_permitted & ~c->cap_permitted))
		err = 0;
	rcu_read_unlock();
	return err;
}

struct mm *process_mm(struct process *p)
{
	struct mm *mm = NULL;
	struct thread *t;
	unsigned long f = siglock(&p->tg);

	list_for_each_entry (t, &p->tg.threads, group_node) {
		mm = READ_ONCE(t->mm);
		if (mm && !mm_tryget(mm))
			mm = NULL;
		if (mm)
			break;
	}
	sigunlock(&p->tg, f);
	return mm;
}

struct files *process_files(struct thread *t)
{
	unsigned long f = siglock(&t->proc->tg);
	struct files *r = t->files;

	if (!r && t == t->proc->tg.leader && !list_empty(&t->proc->tg.threads))
		r = list_first_entry(&t->proc->tg.threads, struct thread, group_node)->files;
	if (r)
		r = files_get(r);
	sigunlock(&t->proc->tg, f);
	return r;
}

u64 rlimit_get(unsigned res)
{
	struct process *p = current->proc;

	return p ? READ_ONCE(p->rlim[res].rlim_cur) : RLIM_INFINITY;
}

/* F_SETOWN's signal: the owner of the descriptor must have been allowed to send it (fcntl(2)). */
static bool sigio_allowed(const struct cred *c, struct process *p)
{
	rcu_read_lock();
	const struct cred *t = process_cred(p);
	bool ok = t && (!c->euid || c->euid == t->suid || c->euid == t->uid || c->uid == t->suid ||
			c->uid == t->uid);
	rcu_read_unlock();
	return ok;
}

enum { F_OWNER_TID, F_OWNER_PID, F_OWNER_PGRP };

static void send_sigio(int type, pid_t id, const struct cred *cred, int sig, int fd, s64 band)
{
	siginfo_t info = {.si_signo = sig ? sig : SIGIO, .si_code = sig ? SI_SIGIO : SI_KERNEL};
	unsigned long f;

	info.poll.band = band;
	info.poll.fd = fd;
	if (type == F_OWNER_TID) {
		struct thread *t = thread_find(id);

		if (t && sigio_allowed(cred, t->proc))
			(void)signal_send_thread(t, info.si_signo, &info);
		if (t)
			thread_put(t);
	} else if (type == F_OWNER_PID) {
		struct process *p = process_find(id);

		if (p && sigio_allowed(cred, p))
			(void)signal_send_group(&p->tg, info.si_signo, &info);
		process_put(p);
	} else {
		struct pid *g = pid_find(id);
		struct process *p;

		if (!g)
			return;
		spin_lock_irqsave(&tasklist_lock, f);
		list_for_each_entry (p, &g->pgrp, pgrp_node) {
			if (sigio_allowed(cred, p))
				(void)signal_send_group(&p->tg, info.si_signo, &info);
		}
		spin_unlock_irqrestore(&tasklist_lock, f);
		pid_put(g);
	}
}

static const struct vfs_proc_ops vfs_ops = {.rlimit = rlimit_get, .sigio = send_sigio};

void process_init(void)
{
	pid_init();
	process_cache = slab_cache_create("process", sizeof(struct process), 64, SLAB_PANIC, NULL);
	sighand_cache = slab_cache_create("sighand", sizeof(struct sighand), 64, SLAB_PANIC, NULL);
	thread_free_hook = thread_gone;
	vfs_set_proc_ops(&vfs_ops);
	futex_init();
	itimers_init();
	oom_init();
}
