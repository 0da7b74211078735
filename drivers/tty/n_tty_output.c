/* N_TTY, output half: OPOST processing, the echo ring, write(2).
 *
 * Echo is queued as bytes and small operations, because what an operation prints (how far to back up
 * over a tab) depends on the column when it is printed. ECHO_OP introduces an operation; the codes
 * from OP_MOVE_BACK on are operations, a control character is shown as ^X, ECHO_OP itself as a byte.
 * Echo waits in the ring while the driver has no room or is stopped, and drops at overflow.
 * Locks: lock (echo ring) > output_lock (columns, ops->write). termios_sem is held shared. */
#include <lib/string.h>
#include "n_tty_priv.h"

#define ECHO_OP	     0xff
#define OP_MOVE_BACK 0x80
#define OP_SET_CANON 0x81
#define OP_ERASE_TAB 0x82
#define TAB_AFTER    0x80 /* in OP_ERASE_TAB's argument: the count starts behind another tab */

static u8 to_upper(u8 c)
{
	return c >= 'a' && c <= 'z' ? c - 32 : c;
}

/* Bytes that c becomes with OPOST, into out (at least 9 long); keeps the columns. */
static unsigned output_char(struct tty *t, struct n_tty *n, u8 c, u8 *out)
{
	unsigned k;

	switch (c) {
	case '\n':
		if (O_FLAG(t, ONLRET))
			n->column = 0;
		if (O_FLAG(t, ONLCR)) {
			n->canon_column = n->column = 0;
			out[0] = '\r';
			out[1] = '\n';
			return 2;
		}
		n->canon_column = n->column;
		break;
	case '\r':
		if (O_FLAG(t, ONOCR) && n->column == 0)
			return 0;
		if (O_FLAG(t, OCRNL)) {
			c = '\n';
			if (O_FLAG(t, ONLRET))
				n->canon_column = n->column = 0;
			break;
		}
		n->canon_column = n->column = 0;
		break;
	case '\t':
		k = 8 - (n->column & 7);
		n->column += k;
		if ((t->termios.c_oflag & TABDLY) == TAB3) {
			memset(out, ' ', k);
			return k;
		}
		break;
	case '\b':
		if (n->column > 0)
			n->column--;
		break;
	default:
		if (!is_cntrl(c)) {
			if (O_FLAG(t, OLCUC))
				c = to_upper(c);
			if (!is_continuation(t, c))
				n->column++;
		}
	}
	out[0] = c;
	return 1;
}

/* --- the echo ring --------------------------------------------------------------------------- */

static void echo_put(struct n_tty *n, u8 c)
{
	n->echo[n->echo_head++ & ECHO_MASK] = c;
}

static bool echo_room(struct tty *t, struct n_tty *n, unsigned k)
{
	if (n->echo_head - n->echo_tail + k <= ECHO_SIZE)
		return true;
	n_tty_commit_echoes(t);
	return n->echo_head - n->echo_tail + k <= ECHO_SIZE;
}

void n_tty_echo_raw(struct tty *t, u8 c)
{
	struct n_tty *n = n_tty_of(t);

	if (!echo_room(t, n, 2))
		return;
	if (c == ECHO_OP)
		echo_put(n, ECHO_OP);
	echo_put(n, c);
}

void n_tty_echo_char(struct tty *t, u8 c)
{
	struct n_tty *n = n_tty_of(t);

	if (!echo_room(t, n, 2))
		return;
	if (c == ECHO_OP || (L_FLAG(t, ECHOCTL) && is_cntrl(c) && c != '\t'))
		echo_put(n, ECHO_OP);
	echo_put(n, c);
}

static void echo_op(struct tty *t, u8 op)
{
	struct n_tty *n = n_tty_of(t);

	if (!echo_room(t, n, 2))
		return;
	echo_put(n, ECHO_OP);
	echo_put(n, op);
}

void n_tty_echo_move_back(struct tty *t)
{
	echo_op(t, OP_MOVE_BACK);
}

void n_tty_echo_set_canon(struct tty *t)
{
	echo_op(t, OP_SET_CANON);
}

void n_tty_echo_erase_tab(struct tty *t, unsigned chars, bool after_tab)
{
	struct n_tty *n = n_tty_of(t);

	if (!echo_room(t, n, 3))
		return;
	echo_put(n, ECHO_OP);
	echo_put(n, OP_ERASE_TAB);
	echo_put(n, (chars & 7) | (after_tab ? TAB_AFTER : 0));
}

/* The next echo item as output in out; its length in the ring in *used. output_lock held. */
static unsigned echo_expand(struct tty *t, struct n_tty *n, u8 *out, unsigned *used)
{
	u8 c = n->echo[n->echo_tail & ECHO_MASK], arg;
	unsigned k;

	*used = 1;
	if (c != ECHO_OP)
		return O_FLAG(t, OPOST) ? output_char(t, n, c, out) : (out[0] = c, 1);
	*used = 2;
	c = n->echo[(n->echo_tail + 1) & ECHO_MASK];
	switch (c) {
	case OP_MOVE_BACK:
		if (n->column > 0)
			n->column--;
		return 0;
	case OP_SET_CANON:
		n->canon_column = n->column;
		return 0;
	case OP_ERASE_TAB:
		*used = 3;
		arg = n->echo[(n->echo_tail + 2) & ECHO_MASK];
		k = arg & 7;
		if (!(arg & TAB_AFTER))
			k += n->canon_column;
		k = 8 - (k & 7);
		memset(out, '\b', k);
		n->column = n->column > k ? n->column - k : 0;
		return k;
	case ECHO_OP:
		return O_FLAG(t, OPOST) ? output_char(t, n, c, out) : (out[0] = c, 1);
	}
	out[0] = '^';
	out[1] = c ^ 0100;
	n->column += 2;
	return 2;
}

void n_tty_process_echoes(struct tty *t)
{
	struct n_tty *n = n_tty_of(t);
	u8 out[128];
	unsigned len = 0, used;
	size_t room;

	if (n->echo_tail == n->echo_commit) {
		WRITE_ONCE(t->echo_pending, false);
		return;
	}
	mutex_lock(&n->output_lock);
	/* Told before looking for room: a wake-up between the two is not lost. */
	WRITE_ONCE(t->echo_pending, true);
	smp_mb();
	room = t->ops->write_room(t);
	while (n->echo_tail != n->echo_commit && room >= len + 9) {
		len += echo_expand(t, n, out + len, &used);
		n->echo_tail += used;
		if (len + 9 > sizeof(out)) {
			(void)t->ops->write(t, out, len);
			len = 0;
			room = t->ops->write_room(t);
		}
	}
	if (len)
		(void)t->ops->write(t, out, len);
	if (n->echo_tail == n->echo_commit)
		WRITE_ONCE(t->echo_pending, false);
	mutex_unlock(&n->output_lock);
}

void n_tty_commit_echoes(struct tty *t)
{
	struct n_tty *n = n_tty_of(t);

	n->echo_commit = n->echo_head;
	n_tty_process_echoes(t);
}

/* --- write(2) -------------------------------------------------------------------------------- */

/* As much of p as there is room for, with OPOST: bytes of p taken. output_lock held. */
static size_t write_opost(struct tty *t, struct n_tty *n, const u8 *p, size_t len)
{
	u8 out[256];
	size_t taken = 0;

	for (;;) {
		size_t room = t->ops->write_room(t), k = 0;

		room = min(room, sizeof(out));
		while (taken < len && k + 9 <= room)
			k += output_char(t, n, p[taken++], out + k);
		if (!k)
			return taken;
		(void)t->ops->write(t, out, k);
		if (taken == len)
			return taken;
	}
}

static size_t write_some(struct tty *t, const u8 *p, size_t len)
{
	struct n_tty *n = n_tty_of(t);
	size_t r;

	if (READ_ONCE(n->echo_tail) != READ_ONCE(n->echo_commit)) {
		mutex_lock(&n->lock);
		n_tty_process_echoes(t);
		mutex_unlock(&n->lock);
	}
	mutex_lock(&n->output_lock);
	r = O_FLAG(t, OPOST) ? write_opost(t, n, p, len) : t->ops->write(t, p, len);
	mutex_unlock(&n->output_lock);
	return r;
}

static bool is_console_file(struct file *f)
{
	return f && ((struct tty_file *)f->private)->is_console;
}

/* -EIO once nobody can take the output any more. */
static int writable(struct tty *t, struct file *f)
{
	if (tty_hung_up(f) || READ_ONCE(t->io_error) || (t->link && READ_ONCE(t->other_closed)))
		return -EIO;
	return tty_ldisc_changing(t) ? -ELDISC : 0;
}

ssize_t n_tty_write(struct tty *t, struct file *f, const u8 *p, size_t len)
{
	struct wait_entry e;
	size_t done = 0;
	ssize_t err = 0;

	if (L_FLAG(t, TOSTOP) && !is_console_file(f)) {
		err = tty_check_change(t, SIGTTOU);
		if (err)
			return err;
	}
	wait_entry_init(&e, wait_wake_thread);
	for (;;) {
		wait_prepare(&t->write_wait, &e, T_INTERRUPTIBLE);
		err = signal_pending() ? -ERESTARTSYS : writable(t, f);
		if (err)
			break;
		/* Writing takes mutexes: running state, and the condition is checked again. */
		set_current_state(T_RUNNING);
		down_read(&t->termios_sem);
		done += write_some(t, p + done, len - done);
		up_read(&t->termios_sem);
		if (done == len)
			break;
		if (f && (f->flags & O_NONBLOCK)) {
			err = -EAGAIN;
			break;
		}
		wait_prepare(&t->write_wait, &e, T_INTERRUPTIBLE);
		if (t->ops->write_room(t) < 9 && !signal_pending() && !writable(t, f))
			schedule();
	}
	wait_finish(&t->write_wait, &e);
	return done ? (ssize_t)done : err;
}
