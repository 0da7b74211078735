/* N_TTY, the ordinary line discipline: attaching, read(2), poll, changes of termios. Editing and echo
 * are in n_tty_input.c and n_tty_output.c.
 *
 * Source: termios(3) (canonical and noncanonical mode, MIN and TIME), POSIX.1-2017 XBD 11.1.
 * Locks: read_lock (one reader) > termios_sem (shared) > lock > output_lock. */
#include <alloc/vmalloc.h>
#include <alloc/slab.h>
#include <arch/uaccess.h>
#include <lib/bits.h>
#include <lib/string.h>
#include <mm/iov.h>
#include "n_tty_priv.h"

static int n_tty_open(struct tty *t)
{
	struct n_tty *n = kvmalloc(sizeof(*n), GFP_KERNEL | GFP_ZERO);

	if (!n)
		return -ENOMEM;
	mutex_init(&n->lock);
	mutex_init(&n->read_lock);
	mutex_init(&n->output_lock);
	t->ldisc_data = n;
	t->echo_pending = false;
	tty_unthrottle(t);
	return 0;
}

static void n_tty_close(struct tty *t)
{
	kvfree(t->ldisc_data);
	t->echo_pending = false;
}

static void n_tty_flush(struct tty *t)
{
	struct n_tty *n = n_tty_of(t);

	mutex_lock(&n->lock);
	n_tty_reset_input(n);
	mutex_unlock(&n->lock);
	tty_unthrottle(t);
	tty_unthrottle_input(t);
	if (t->link)
		tty_packet_event(t, TIOCPKT_FLUSHREAD);
}

static void n_tty_wakeup(struct tty *t)
{
	struct n_tty *n = n_tty_of(t);

	down_read(&t->termios_sem);
	mutex_lock(&n->lock);
	n_tty_process_echoes(t);
	mutex_unlock(&n->lock);
	up_read(&t->termios_sem);
}

static bool canonical(struct tty *t)
{
	return L_FLAG(t, ICANON) && !L_FLAG(t, EXTPROC);
}

/* ICANON or EXTPROC changed: what was typed so far keeps its bytes; entering canonical mode it counts
 * as one finished line. lock held. */
static void mode_switched(struct tty *t, struct n_tty *n)
{
	memset(n->delim, 0, sizeof(n->delim));
	if (!L_FLAG(t, ICANON) || n->head == n->tail) {
		n->canon_head = n->tail;
		n->push = false;
	} else {
		bit_set(n->delim, (n->head - 1) & NTTY_MASK);
		n->canon_head = n->head;
		n->push = true;
	}
	n->erasing = n->lnext = false;
}

/* termios_sem held for writing. */
static void n_tty_set_termios(struct tty *t, const struct ktermios *old)
{
	struct n_tty *n = n_tty_of(t);

	mutex_lock(&n->lock);
	if (!old || ((old->c_lflag ^ t->termios.c_lflag) & (ICANON | EXTPROC)))
		mode_switched(t, n);
	n_tty_build_special(t);
	if (old && (old->c_iflag & IXON) && !I_FLAG(t, IXON)) {
		tty_start(t);
		n_tty_process_echoes(t);
	}
	mutex_unlock(&n->lock);
	wake_up_all(&t->write_wait);
	wake_up_all(&t->read_wait);
}

/* --- read(2) --------------------------------------------------------------------------------- */

/* Bytes that a read could get now: of the finished lines, or of all. lock not needed. */
static u32 available(struct tty *t, struct n_tty *n)
{
	u32 tail = READ_ONCE(n->tail);

	return (canonical(t) ? READ_ONCE(n->canon_head) : READ_ONCE(n->head)) - tail;
}

/* Copy buf[tail .. tail+len) and advance; bytes copied. lock held. */
static size_t copy_ring(struct n_tty *n, struct iov_iter *to, size_t len)
{
	size_t done = 0;

	while (done < len) {
		u32 at = n->tail & NTTY_MASK;
		size_t k = min_t(size_t, len - done, NTTY_SIZE - at);
		size_t c = iov_copy_to(to, n->buf + at, k);

		n->tail += (u32)c;
		done += c;
		if (c < k)
			break;
	}
	return done;
}

/* One line, or as much of it as fits. *more: the line goes on. */
static ssize_t copy_line(struct n_tty *n, struct iov_iter *to, bool *more)
{
	u32 len = n->canon_head - n->tail, i;
	size_t want, got;
	bool eof;

	*more = false;
	for (i = 0; i < len; i++)
		if (bit_test(n->delim, (n->tail + i) & NTTY_MASK))
			break;
	if (i == len) { /* cannot be: canon_head stands behind a delimiter */
		want = min_t(size_t, len, to->count);
		return (ssize_t)copy_ring(n, to, want);
	}
	eof = n->buf[(n->tail + i) & NTTY_MASK] == EOF_BYTE && !n->push;
	want = eof ? i : i + 1;
	if (want > to->count) {
		want = to->count;
		*more = true;
	}
	got = copy_ring(n, to, want);
	if (got < want)
		return got ? (ssize_t)got : -EFAULT;
	if (!*more) {
		if (eof)
			n->tail++;
		n->push = false;
	}
	return (ssize_t)got;
}

/* What is there, by the mode: bytes, -EFAULT, or -ENODATA when a flush was faster. */
static ssize_t take(struct tty *t, struct n_tty *n, struct iov_iter *to, bool *more)
{
	ssize_t r;

	mutex_lock(&n->lock);
	*more = false;
	if (canonical(t)) {
		r = n->canon_head == n->tail ? -ENODATA : copy_line(n, to, more);
	} else {
		size_t want = min_t(size_t, n->head - n->tail, to->count);

		r = (ssize_t)copy_ring(n, to, want);
		if (!r && want)
			r = -EFAULT;
		n->canon_head = n->tail;
	}
	mutex_unlock(&n->lock);
	if (n->head - n->tail <= 128)
		tty_unthrottle(t);
	tty_unthrottle_input(t);
	return r;
}

struct reader {
	size_t min;  /* bytes that end the read */
	s64 between; /* time-out after a byte, 0: none */
	s64 timeout; /* left for the next byte */
};

static void reader_init(struct tty *t, struct reader *r)
{
	*r = (struct reader){.min = 1, .timeout = KTIME_MAX};
	if (L_FLAG(t, ICANON))
		return;
	if (CC(t, VMIN)) {
		r->min = CC(t, VMIN);
		r->between = (s64)CC(t, VTIME) * 100 * NSEC_PER_MSEC;
	} else {
		r->timeout = (s64)CC(t, VTIME) * 100 * NSEC_PER_MSEC;
	}
}

/* Sleep until there is input: 1; 0: end of the read; -errno. */
static ssize_t wait_input(struct tty *t, struct file *f, struct n_tty *n, struct reader *r)
{
	struct wait_entry e;
	ssize_t res;

	wait_entry_init(&e, wait_wake_thread);
	for (;;) {
		wait_prepare(&t->read_wait, &e, T_INTERRUPTIBLE);
		res = 1;
		if (available(t, n) || (t->packet && t->link && READ_ONCE(t->link->pktstatus)))
			break;
		res = -ELDISC;
		if (tty_ldisc_changing(t))
			break;
		res = -EIO;
		if (READ_ONCE(t->other_closed))
			break;
		res = 0;
		if (tty_hung_up(f) || !r->timeout)
			break;
		res = -EAGAIN;
		if (f && (f->flags & O_NONBLOCK))
			break;
		res = -ERESTARTSYS;
		if (signal_pending())
			break;
		r->timeout = schedule_timeout(r->timeout);
	}
	wait_finish(&t->read_wait, &e);
	return res;
}

/* Packet mode (a pty master): a status byte, or TIOCPKT_DATA before the data. 1: the status was all. */
static ssize_t read_packet(struct tty *t, struct iov_iter *to)
{
	struct tty *slave = t->link;
	unsigned long f;
	u8 status;

	spin_lock_irqsave(&slave->ctrl_lock, f);
	status = slave->pktstatus;
	slave->pktstatus = 0;
	spin_unlock_irqrestore(&slave->ctrl_lock, f);
	if (iov_copy_to(to, &status, 1) != 1)
		return -EFAULT;
	return status ? 1 : 0;
}

static ssize_t read_locked(struct tty *t, struct file *f, struct iov_iter *to)
{
	struct n_tty *n = n_tty_of(t);
	size_t done = 0, head = 0;
	struct reader r;
	ssize_t k = 0;
	bool more;

	reader_init(t, &r);
	while (to->count) {
		k = wait_input(t, f, n, &r);
		if (k <= 0)
			break;
		if (t->packet && t->link && !head) {
			k = read_packet(t, to);
			if (k)
				return k;
			head = 1;
		}
		down_read(&t->termios_sem);
		k = take(t, n, to, &more);
		up_read(&t->termios_sem);
		if (k == -ENODATA)
			continue;
		if (k < 0)
			break;
		done += (size_t)k;
		/* A line is a read, also an empty one (end of file). */
		if (canonical(t) || done >= r.min)
			return (ssize_t)(done + head);
		if (r.between)
			r.timeout = r.between;
		k = 0;
	}
	return done ? (ssize_t)(done + head) : k;
}

static ssize_t n_tty_read(struct tty *t, struct file *f, struct iov_iter *to)
{
	struct n_tty *n = n_tty_of(t);
	struct tty_file *tf = f ? f->private : NULL;
	ssize_t r;

	if (tf && !tf->is_console) {
		r = tty_check_change(t, SIGTTIN);
		if (r)
			return r;
	}
	if (f && (f->flags & O_NONBLOCK)) {
		if (!mutex_trylock(&n->read_lock))
			return -EAGAIN;
	} else if (mutex_lock_interruptible(&n->read_lock)) {
		return -ERESTARTSYS;
	}
	r = read_locked(t, f, to);
	mutex_unlock(&n->read_lock);
	return r;
}

/* --- poll, ioctl ----------------------------------------------------------------------------- */

static unsigned n_tty_poll(struct tty *t, struct file *f, struct poll_table *pt)
{
	struct n_tty *n = n_tty_of(t);
	u32 want = 1;
	unsigned m = 0;

	poll_wait(f, &t->read_wait, pt);
	poll_wait(f, &t->write_wait, pt);
	if (!canonical(t) && !CC(t, VTIME) && CC(t, VMIN))
		want = CC(t, VMIN);
	if (available(t, n) >= want)
		m |= EPOLLIN | EPOLLRDNORM;
	if (t->packet && t->link && READ_ONCE(t->link->pktstatus))
		m |= EPOLLPRI | EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(t->other_closed) || tty_hung_up(f))
		m |= EPOLLHUP;
	if (t->ops->write_room(t) >= 9 &&
	    (!t->ops->chars_in_buffer || t->ops->chars_in_buffer(t) < 256))
		m |= EPOLLOUT | EPOLLWRNORM;
	return m;
}

/* What read(2) would give now, end-of-file marks not counted. */
static int input_count(struct tty *t, struct n_tty *n)
{
	u32 k;

	mutex_lock(&n->lock);
	k = (canonical(t) ? n->canon_head : n->head) - n->tail;
	if (canonical(t))
		for (u32 i = n->tail; i != n->canon_head; i++)
			if (bit_test(n->delim, i & NTTY_MASK) && n->buf[i & NTTY_MASK] == EOF_BYTE)
				k--;
	mutex_unlock(&n->lock);
	return (int)k;
}

static s64 n_tty_ioctl(struct tty *t, struct file *f, unsigned cmd, unsigned long arg)
{
	int v;

	switch (cmd) {
	case FIONREAD:
		v = input_count(t, n_tty_of(t));
		return put_user(v, (int __user *)u64_to_user(arg));
	case TIOCOUTQ:
		v = t->ops->chars_in_buffer ? (int)t->ops->chars_in_buffer(t) : 0;
		return put_user(v, (int __user *)u64_to_user(arg));
	}
	return -ENOIOCTLCMD;
}

struct tty_ldisc_ops n_tty_ops = {
	.num = N_TTY,
	.name = "n_tty",
	.open = n_tty_open,
	.close = n_tty_close,
	.flush_buffer = n_tty_flush,
	.read = n_tty_read,
	.write = n_tty_write,
	.ioctl = n_tty_ioctl,
	.set_termios = n_tty_set_termios,
	.poll = n_tty_poll,
	.receive = n_tty_receive,
	.write_wakeup = n_tty_wakeup,
};
