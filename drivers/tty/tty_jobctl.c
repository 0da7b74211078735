/* Controlling terminals and job control.
 *
 * A session's terminal: tty->session and tty->pgrp (ctrl_lock) on one side, process.tty (siglock; a
 * counted reference in each process of the session) on the other. ctty_lock makes the acquisition
 * of both one step. Sources: ioctl_tty(2), credentials(7), setsid(2), POSIX.1-2017 XBD 11.1.3-11.1.4.
 * Locks: open_lock > ctty_lock > tasklist_lock > siglock > ctrl_lock. */
#include <fs/dev.h>
#include <log/printk.h>
#include <syscall/syscalls.h>
#include "tty_priv.h"

static DEFINE_MUTEX(ctty_lock);

struct tty *tty_current(void)
{
	struct process *p = current_process();
	struct tty *t;
	unsigned long f;

	if (!p)
		return NULL;
	f = siglock(&p->tg);
	t = p->tty;
	if (t)
		tty_get(t);
	sigunlock(&p->tg, f);
	return t;
}

/* What one of t's fields that ctrl_lock protects holds: counted or NULL. */
static struct pid *counted(struct tty *t, struct pid *const *field)
{
	struct pid *p;
	unsigned long f;

	spin_lock_irqsave(&t->ctrl_lock, f);
	p = *field ? pid_get(*field) : NULL;
	spin_unlock_irqrestore(&t->ctrl_lock, f);
	return p;
}

static struct pid *fg_pgrp(struct tty *t)
{
	return counted(t, &t->pgrp);
}

static struct pid *tty_session(struct tty *t)
{
	return counted(t, &t->session);
}

static void put_pid(struct pid *p)
{
	if (p)
		pid_put(p);
}

/* Consumes both. */
static void set_pids(struct tty *t, struct pid *session, struct pid *pgrp)
{
	struct pid *os, *op;
	unsigned long f;

	spin_lock_irqsave(&t->ctrl_lock, f);
	os = t->session;
	op = t->pgrp;
	t->session = session;
	t->pgrp = pgrp;
	spin_unlock_irqrestore(&t->ctrl_lock, f);
	put_pid(os);
	put_pid(op);
}

void tty_signal_fg(struct tty *t, int sig)
{
	struct pid *p = fg_pgrp(t);

	if (!p)
		return;
	(void)pgrp_signal(p, sig);
	pid_put(p);
}

/* Is sig blocked or ignored by current? */
static bool sig_ignored(int sig)
{
	struct thread_group *g = &current_process()->tg;
	bool r;
	unsigned long f = siglock(g);

	r = sigset_test(&current->blocked, sig) ||
	    user_to_u64(g->sighand->action[sig - 1].handler) == SIG_IGN;
	sigunlock(g, f);
	return r;
}

int tty_check_change(struct tty *t, int sig)
{
	struct process *p = current_process();
	struct pid *mine, *fg;
	int err = 0;

	if (!p || READ_ONCE(p->tty) != t)
		return 0;
	fg = fg_pgrp(t);
	mine = process_pgrp(p);
	if (fg && mine != fg) {
		if (sig_ignored(sig)) {
			if (sig == SIGTTIN)
				err = -EIO;
		} else if (pgrp_is_orphaned(mine)) {
			err = -EIO;
		} else {
			(void)pgrp_signal(mine, sig);
			thread_set_work(current, TIF_SIGPENDING);
			err = -ERESTARTSYS;
		}
	}
	put_pid(mine);
	put_pid(fg);
	return err;
}

/* --- acquiring ------------------------------------------------------------------------------- */

/* ctty_lock held; t has no session (or it was just stolen from). */
static void acquire_ctty(struct tty *t)
{
	struct process *p = current_process();
	struct tty *old;
	struct pid *old_pgrp;
	unsigned long f;

	set_pids(t, process_session(p), process_pgrp(p));
	tty_get(t);
	f = siglock(&p->tg);
	old = p->tty;
	old_pgrp = p->tty_old_pgrp;
	p->tty = t;
	p->tty_old_pgrp = NULL;
	sigunlock(&p->tg, f);
	put_pid(old_pgrp);
	if (old)
		tty_put(old);
}

void tty_open_ctty(struct tty *t, struct file *f)
{
	struct process *p = current_process();

	if (!p || !READ_ONCE(p->leader) || !(f->mode & FMODE_READ))
		return;
	mutex_lock(&ctty_lock);
	if (!READ_ONCE(p->tty) && !READ_ONCE(t->session))
		acquire_ctty(t);
	mutex_unlock(&ctty_lock);
}

struct clear_ctx {
	struct tty *tty;
	struct pid *pgrp;
	bool signal;
	unsigned refs; /* dropped by the walk, to be put outside the lock */
};

/* tasklist_lock held. */
static void clear_one(struct process *p, void *arg)
{
	struct clear_ctx *c = arg;
	bool mine;
	struct pid *old = NULL;
	unsigned long f = siglock(&p->tg);

	mine = p->tty == c->tty;
	if (mine) {
		p->tty = NULL;
		c->refs++;
		if (c->signal && p->leader) {
			old = p->tty_old_pgrp;
			p->tty_old_pgrp = c->pgrp ? pid_get(c->pgrp) : NULL;
		}
	}
	sigunlock(&p->tg, f);
	put_pid(old);
	if (mine && c->signal && READ_ONCE(p->leader)) {
		(void)process_signal(p, SIGHUP, NULL);
		(void)process_signal(p, SIGCONT, NULL);
	}
}

static void detach_locked(struct tty *t, bool signal, bool exit_session)
{
	struct pid *session = tty_session(t);
	struct clear_ctx c = {.tty = t, .pgrp = fg_pgrp(t), .signal = signal};

	if (session) {
		session_for_each(session, clear_one, &c);
		pid_put(session);
	}
	set_pids(t, NULL, NULL);
	if (c.pgrp) {
		if (exit_session)
			(void)pgrp_signal(c.pgrp, SIGHUP);
		pid_put(c.pgrp);
	}
	while (c.refs--)
		tty_put(t);
}

void tty_detach_session(struct tty *t, bool signal, bool exit_session)
{
	mutex_lock(&ctty_lock);
	detach_locked(t, signal, exit_session);
	mutex_unlock(&ctty_lock);
}

/* current, a session leader, gives its terminal up (TIOCNOTTY). */
static void disassociate(struct tty *t)
{
	tty_signal_fg(t, SIGHUP);
	tty_signal_fg(t, SIGCONT);
	tty_detach_session(t, false, false);
}

static void session_exit(struct tty *t)
{
	tty_get(t); /* the detaching drops the process's own */
	if (!(t->driver->flags & TTY_DRIVER_PTY)) {
		tty_hangup_session(t, true);
	} else {
		tty_signal_fg(t, SIGHUP);
		tty_detach_session(t, false, false);
	}
	tty_put(t);
}

static dev_t tty_devnr(struct tty *t)
{
	return t->dev;
}

static const struct tty_hooks hooks = {
	.get = tty_get,
	.session_exit = session_exit,
	.release = tty_put,
	.devnr = tty_devnr,
	.fg_pgrp = fg_pgrp,
};

void tty_jobctl_init(void)
{
	process_set_tty_hooks(&hooks);
}

/* --- ioctls ---------------------------------------------------------------------------------- */

static int tiocsctty(struct tty *t, struct file *f, unsigned long arg)
{
	struct process *p = current_process();
	struct pid *session = process_session(p);
	int err = 0;

	mutex_lock(&ctty_lock);
	if (READ_ONCE(p->leader) && session == READ_ONCE(t->session))
		goto out;
	err = -EPERM;
	if (!READ_ONCE(p->leader) || READ_ONCE(p->tty))
		goto out;
	if (READ_ONCE(t->session)) {
		/* Steal it from another session: root with argument 1 only. */
		if (arg != 1 || !capable(CAP_SYS_ADMIN))
			goto out;
		detach_locked(t, false, false);
	}
	if (!(f->mode & FMODE_READ) && !capable(CAP_SYS_ADMIN))
		goto out;
	acquire_ctty(t);
	err = 0;
out:
	mutex_unlock(&ctty_lock);
	put_pid(session);
	return err;
}

static int tiocnotty(struct tty *t)
{
	struct process *p = current_process();
	unsigned long f;
	bool had;

	if (READ_ONCE(p->tty) != t)
		return -ENOTTY;
	if (READ_ONCE(p->leader)) {
		tty_get(t);
		disassociate(t);
		tty_put(t);
		return 0;
	}
	f = siglock(&p->tg);
	had = p->tty == t;
	if (had)
		p->tty = NULL;
	sigunlock(&p->tg, f);
	if (had)
		tty_put(t);
	return 0;
}

/* The tty that TIOC[GS]PGRP and TIOCGSID act on: of a pty master its slave. */
static struct tty *real_tty(struct tty *t)
{
	return (t->driver->flags & TTY_DRIVER_PTY_MASTER) && t->link ? t->link : t;
}

static int tiocgpgrp(struct tty *t, struct tty *real, int __user *arg)
{
	struct pid *p;
	int nr;

	if (t == real && READ_ONCE(current_process()->tty) != real)
		return -ENOTTY;
	p = fg_pgrp(real);
	nr = pid_nr(p);
	put_pid(p);
	return put_user(nr, arg);
}

static int tiocspgrp(struct tty *t, struct tty *real, int __user *arg)
{
	struct process *p = current_process();
	struct pid *pgrp, *session, *mine;
	int nr, err = tty_check_change(real, SIGTTOU);
	unsigned long f;

	if (err == -EIO)
		return -ENOTTY;
	if (err)
		return err;
	if (get_user(nr, arg))
		return -EFAULT;
	if (nr < 0)
		return -EINVAL;
	session = tty_session(real);
	mine = process_session(p);
	err = -ENOTTY;
	pgrp = NULL;
	if (READ_ONCE(p->tty) != real || session != mine)
		goto out;
	err = -ESRCH;
	pgrp = pid_find(nr);
	if (!pgrp)
		goto out;
	err = -EPERM;
	if (!pgrp_in_session(pgrp, mine))
		goto out;
	spin_lock_irqsave(&real->ctrl_lock, f);
	{
		struct pid *old = real->pgrp;

		real->pgrp = pgrp;
		pgrp = old;
	}
	spin_unlock_irqrestore(&real->ctrl_lock, f);
	err = 0;
out:
	put_pid(pgrp);
	put_pid(session);
	put_pid(mine);
	return err;
}

static int tiocgsid(struct tty *t, struct tty *real, int __user *arg)
{
	struct pid *s;
	int nr;

	if (t == real && READ_ONCE(current_process()->tty) != real)
		return -ENOTTY;
	s = tty_session(real);
	if (!s)
		return -ENOTTY;
	nr = pid_nr(s);
	pid_put(s);
	return put_user(nr, arg);
}

s64 tty_jobctl_ioctl(struct tty *t, struct file *f, unsigned cmd, unsigned long arg)
{
	struct tty *real = real_tty(t);

	switch (cmd) {
	case TIOCSCTTY:
		return tiocsctty(real, f, arg);
	case TIOCNOTTY:
		return tiocnotty(t);
	case TIOCGPGRP:
		return tiocgpgrp(t, real, u64_to_user(arg));
	case TIOCSPGRP:
		return tiocspgrp(t, real, u64_to_user(arg));
	case TIOCGSID:
		return tiocgsid(t, real, u64_to_user(arg));
	}
	return -ENOIOCTLCMD;
}

/* vhangup(2): as if the line of the caller's terminal had dropped. */
s64 sys_vhangup(void)
{
	struct tty *t;

	if (!capable(CAP_SYS_TTY_CONFIG))
		return -EPERM;
	t = tty_current();
	if (t) {
		tty_hangup(t);
		tty_put(t);
	}
	return 0;
}
