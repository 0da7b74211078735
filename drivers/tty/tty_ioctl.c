/* ioctl(2) on terminals: attributes, draining and flushing, window size, modem lines, and the rest of
 * ioctl_tty(2). Order: the core's own requests, job control, the driver's, the line discipline's. */
#include <alloc/slab.h>
#include <arch/uaccess.h>
#include <fs/dev.h>
#include <lib/string.h>
#include "tty_priv.h"

/* --- attributes ------------------------------------------------------------------------------ */

enum { FORM_TERMIOS, FORM_TERMIOS2, FORM_TERMIO };

static void read_termios(struct tty *t, struct ktermios *k)
{
	down_read(&t->termios_sem);
	*k = t->termios;
	up_read(&t->termios_sem);
}

static int put_termios(void __user *arg, const struct ktermios *k, int form)
{
	struct termio o = {.c_iflag = (u16)k->c_iflag,
			   .c_oflag = (u16)k->c_oflag,
			   .c_cflag = (u16)k->c_cflag,
			   .c_lflag = (u16)k->c_lflag,
			   .c_line = k->c_line};

	switch (form) {
	case FORM_TERMIOS:
		return copy_out(arg, k, sizeof(struct termios1));
	case FORM_TERMIOS2:
		return copy_out(arg, k, sizeof(*k));
	}
	memcpy(o.c_cc, k->c_cc, sizeof(o.c_cc));
	return copy_out(arg, &o, sizeof(o));
}

/* k comes in as the present state. */
static int get_termios(struct ktermios *k, const void __user *arg, int form)
{
	struct termio o;

	switch (form) {
	case FORM_TERMIOS:
		if (copy_in(k, arg, sizeof(struct termios1)))
			return -EFAULT;
		return 0;
	case FORM_TERMIOS2:
		return copy_in(k, arg, sizeof(*k));
	}
	if (copy_in(&o, arg, sizeof(o)))
		return -EFAULT;
	k->c_iflag = (k->c_iflag & 0xffff0000u) | o.c_iflag;
	k->c_oflag = (k->c_oflag & 0xffff0000u) | o.c_oflag;
	k->c_cflag = (k->c_cflag & 0xffff0000u) | o.c_cflag;
	k->c_lflag = (k->c_lflag & 0xffff0000u) | o.c_lflag;
	memcpy(k->c_cc, o.c_cc, sizeof(o.c_cc));
	return 0;
}

/* Of a pty master the attributes are the slave's. */
static struct tty *termios_tty(struct tty *t)
{
	return (t->driver->flags & TTY_DRIVER_PTY_MASTER) && t->link ? t->link : t;
}

static int flush_input(struct tty *t)
{
	const struct tty_ldisc_ops *ld = tty_ldisc_ref(t);

	tty_rx_discard(t);
	if (!ld)
		return 0;
	if (ld->flush_buffer)
		ld->flush_buffer(t);
	tty_ldisc_unref(t);
	return 0;
}

enum { SET_NOW, SET_DRAIN, SET_FLUSH };

static int set_attr(struct tty *t, unsigned long arg, int form, int when)
{
	struct tty *real = termios_tty(t);
	struct ktermios k;
	int err = tty_check_change(real, SIGTTOU);

	if (err)
		return err;
	read_termios(real, &k);
	if (get_termios(&k, u64_to_user(arg), form))
		return -EFAULT;
	if (when != SET_NOW) {
		err = tty_wait_until_sent(real, KTIME_MAX);
		if (err)
			return err;
	}
	if (when == SET_FLUSH)
		(void)flush_input(real);
	tty_set_termios(real, &k);
	return 0;
}

static s64 attr_ioctl(struct tty *t, unsigned cmd, unsigned long arg)
{
	struct ktermios k;

	switch (cmd) {
	case TCGETS:
		read_termios(termios_tty(t), &k);
		return put_termios(u64_to_user(arg), &k, FORM_TERMIOS);
	case TCGETS2:
		read_termios(termios_tty(t), &k);
		return put_termios(u64_to_user(arg), &k, FORM_TERMIOS2);
	case TCGETA:
		read_termios(termios_tty(t), &k);
		return put_termios(u64_to_user(arg), &k, FORM_TERMIO);
	case TCSETS:
		return set_attr(t, arg, FORM_TERMIOS, SET_NOW);
	case TCSETSW:
		return set_attr(t, arg, FORM_TERMIOS, SET_DRAIN);
	case TCSETSF:
		return set_attr(t, arg, FORM_TERMIOS, SET_FLUSH);
	case TCSETS2:
		return set_attr(t, arg, FORM_TERMIOS2, SET_NOW);
	case TCSETSW2:
		return set_attr(t, arg, FORM_TERMIOS2, SET_DRAIN);
	case TCSETSF2:
		return set_attr(t, arg, FORM_TERMIOS2, SET_FLUSH);
	case TCSETA:
		return set_attr(t, arg, FORM_TERMIO, SET_NOW);
	case TCSETAW:
		return set_attr(t, arg, FORM_TERMIO, SET_DRAIN);
	case TCSETAF:
		return set_attr(t, arg, FORM_TERMIO, SET_FLUSH);
	case TIOCGLCKTRMIOS:
		down_read(&t->termios_sem);
		k = termios_tty(t)->termios_locked;
		up_read(&t->termios_sem);
		return put_termios(u64_to_user(arg), &k, FORM_TERMIOS);
	case TIOCSLCKTRMIOS:
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		memset(&k, 0, sizeof(k));
		if (get_termios(&k, u64_to_user(arg), FORM_TERMIOS))
			return -EFAULT;
		down_write(&termios_tty(t)->termios_sem);
		termios_tty(t)->termios_locked = k;
		up_write(&termios_tty(t)->termios_sem);
		return 0;
	}
	return -ENOIOCTLCMD;
}

/* --- draining, flushing, flow ---------------------------------------------------------------- */

static int send_break(struct tty *t, s64 ns)
{
	int err;

	if (!t->ops->break_ctl)
		return 0;
	err = t->ops->break_ctl(t, true);
	if (err)
		return err;
	set_current_state(T_INTERRUPTIBLE);
	(void)schedule_timeout(ns);
	err = t->ops->break_ctl(t, false);
	return err ? err : signal_pending() ? -EINTR : 0;
}

static int send_xchar(struct tty *t, u8 c)
{
	bool was_stopped = tty_is_stopped(t);

	if (c == POSIX_VDISABLE)
		return 0;
	if (t->ops->send_xchar) {
		t->ops->send_xchar(t, c);
		return 0;
	}
	if (mutex_lock_interruptible(&t->write_lock))
		return -ERESTARTSYS;
	if (was_stopped)
		tty_start(t);
	(void)t->ops->write(t, &c, 1);
	if (was_stopped)
		tty_stop(t);
	mutex_unlock(&t->write_lock);
	return 0;
}

static s64 tcxonc(struct tty *t, unsigned long arg)
{
	struct ktermios k;
	int err = tty_check_change(t, SIGTTOU);

	if (err)
		return err;
	read_termios(t, &k);
	switch (arg) {
	case TCOOFF:
		tty_flow_off(t);
		return 0;
	case TCOON:
		tty_flow_on(t);
		return 0;
	case TCIOFF:
		return send_xchar(t, k.c_cc[VSTOP]);
	case TCION:
		return send_xchar(t, k.c_cc[VSTART]);
	}
	return -EINVAL;
}

static s64 tcflsh(struct tty *t, unsigned long arg)
{
	int err = tty_check_change(t, SIGTTOU);

	if (err)
		return err;
	if (arg > TCIOFLUSH)
		return -EINVAL;
	if (arg != TCOFLUSH)
		(void)flush_input(t);
	if (arg != TCIFLUSH)
		tty_driver_flush(t);
	return 0;
}

static s64 flow_ioctl(struct tty *t, unsigned cmd, unsigned long arg)
{
	int err;

	switch (cmd) {
	case TCXONC:
		return tcxonc(t, arg);
	case TCFLSH:
		return tcflsh(t, arg);
	case TCSBRK:
	case TCSBRKP:
	case TIOCSBRK:
	case TIOCCBRK:
		err = tty_check_change(t, SIGTTOU);
		if (!err && cmd != TIOCCBRK)
			err = tty_wait_until_sent(t, KTIME_MAX);
		if (err)
			return err;
		if (cmd == TCSBRK)
			return arg ? 0 : send_break(t, 250 * NSEC_PER_MSEC);
		if (cmd == TCSBRKP)
			return send_break(t, arg ? (s64)min(arg, 600ul) * 100 * NSEC_PER_MSEC
						 : 250 * NSEC_PER_MSEC);
		return t->ops->break_ctl ? t->ops->break_ctl(t, cmd == TIOCSBRK) : 0;
	}
	return -ENOIOCTLCMD;
}

/* --- the rest -------------------------------------------------------------------------------- */

static s64 modem_ioctl(struct tty *t, unsigned cmd, unsigned long arg)
{
	unsigned set = 0, clear = 0, v;
	int r;

	if (cmd == TIOCMGET) {
		if (!t->ops->tiocmget)
			return -ENOTTY;
		r = t->ops->tiocmget(t);
		return r < 0 ? r : put_user(r, (int __user *)u64_to_user(arg));
	}
	if (!t->ops->tiocmset)
		return -ENOTTY;
	if (copy_in(&v, u64_to_user(arg), sizeof(v)))
		return -EFAULT;
	if (cmd != TIOCMBIC)
		set = v;
	if (cmd == TIOCMBIC)
		clear = v;
	else if (cmd == TIOCMSET)
		clear = ~v;
	v = TIOCM_DTR | TIOCM_RTS | TIOCM_OUT1 | TIOCM_OUT2 | TIOCM_LOOP;
	return t->ops->tiocmset(t, set & v, clear & v);
}

static s64 winsize_ioctl(struct tty *t, unsigned cmd, unsigned long arg)
{
	struct winsize ws;

	if (cmd == TIOCGWINSZ) {
		mutex_lock(&t->winsize_lock);
		ws = t->winsize;
		mutex_unlock(&t->winsize_lock);
		return copy_out(u64_to_user(arg), &ws, sizeof(ws));
	}
	if (copy_in(&ws, u64_to_user(arg), sizeof(ws)))
		return -EFAULT;
	t = termios_tty(t);
	if (t->ops->resize)
		return t->ops->resize(t, &ws);
	tty_set_winsize(t, &ws);
	return 0;
}

/* Pretend that a byte was typed: only with the privilege, since it runs commands in others' shells. */
static s64 tiocsti(struct tty *t, unsigned long arg)
{
	u8 c;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (copy_in(&c, u64_to_user(arg), 1))
		return -EFAULT;
	return tty_receive(t, &c, 1, TTY_NORMAL) == 1 ? 0 : -EAGAIN;
}

static s64 misc_ioctl(struct tty *t, unsigned cmd, unsigned long arg)
{
	const struct tty_ldisc_ops *ld;
	int v;

	switch (cmd) {
	case TIOCSTI:
		return tiocsti(t, arg);
	case TIOCEXCL:
	case TIOCNXCL:
		WRITE_ONCE(t->exclusive, cmd == TIOCEXCL);
		return 0;
	case TIOCGEXCL:
		v = READ_ONCE(t->exclusive);
		return put_user(v, (int __user *)u64_to_user(arg));
	case TIOCGETD:
		ld = READ_ONCE(t->ldisc); /* a hang-up takes it away */
		v = ld ? ld->num : N_TTY;
		return put_user(v, (int __user *)u64_to_user(arg));
	case TIOCSETD:
		if (copy_in(&v, u64_to_user(arg), sizeof(v)))
			return -EFAULT;
		return tty_ldisc_set(t, v);
	case TIOCVHANGUP:
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		tty_hangup(t);
		return 0;
	case TIOCGDEV: {
		u32 d = (u32)dev_encode(t->dev);
		return copy_out(u64_to_user(arg), &d, sizeof(d));
	}
	case TIOCGSOFTCAR:
		v = !!(READ_ONCE(t->termios.c_cflag) & CLOCAL);
		return put_user(v, (int __user *)u64_to_user(arg));
	case TIOCSSOFTCAR: {
		struct ktermios k;

		if (copy_in(&v, u64_to_user(arg), sizeof(v)))
			return -EFAULT;
		read_termios(t, &k);
		k.c_cflag = v ? k.c_cflag | CLOCAL : k.c_cflag & ~CLOCAL;
		tty_set_termios(t, &k);
		return 0;
	}
	}
	return -ENOIOCTLCMD;
}

static s64 core_ioctl(struct tty *t, struct file *f, unsigned cmd, unsigned long arg)
{
	s64 r;

	switch (cmd) {
	case TIOCGWINSZ:
	case TIOCSWINSZ:
		return winsize_ioctl(t, cmd, arg);
	case TIOCMGET:
	case TIOCMSET:
	case TIOCMBIS:
	case TIOCMBIC:
		return modem_ioctl(t, cmd, arg);
	}
	r = tty_jobctl_ioctl(t, f, cmd, arg);
	if (r == -ENOIOCTLCMD)
		r = attr_ioctl(t, cmd, arg);
	if (r == -ENOIOCTLCMD)
		r = flow_ioctl(t, cmd, arg);
	if (r == -ENOIOCTLCMD)
		r = misc_ioctl(t, cmd, arg);
	return r;
}

s64 tty_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct tty *t = file_tty(f);
	const struct tty_ldisc_ops *ld;
	s64 r;

	if (tty_hung_up(f))
		return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
	r = core_ioctl(t, f, cmd, arg);
	if (r == -ENOIOCTLCMD && t->ops->ioctl)
		r = t->ops->ioctl(t, cmd, arg);
	if (r != -ENOIOCTLCMD)
		return r;
	ld = tty_ldisc_ref(t);
	if (!ld)
		return -EIO;
	if (ld->ioctl)
		r = ld->ioctl(t, f, cmd, arg);
	tty_ldisc_unref(t);
	return r == -ENOIOCTLCMD ? -ENOTTY : r;
}
