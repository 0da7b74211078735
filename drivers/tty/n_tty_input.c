/* N_TTY, input half: what termios(3) says happens to a received byte: signals, flow control, line
 * editing, echo, and the ring that read(2) empties.
 *
 * Invariant: at least one slot of the ring is free while no complete line is in it, so that a line
 * that fills it can still be ended; other bytes that come then are dropped (with a bell if IMAXBEL).
 * Locks: the receive work (rx_mutex) calls in; termios_sem shared, then lock. */
#include <lib/bits.h>
#include <lib/string.h>
#include "n_tty_priv.h"

#define THROTTLE_ROOM 128u

static u32 used(const struct n_tty *n)
{
	return n->head - n->tail;
}

static void set_delim(struct n_tty *n, u32 i, bool on)
{
	if (on)
		bit_set(n->delim, i & NTTY_MASK);
	else
		bit_clear(n->delim, i & NTTY_MASK);
}

/* Ordinary byte: the last slot stays free for a line end. */
static bool put(struct tty *t, struct n_tty *n, u8 c)
{
	if (used(n) >= NTTY_SIZE - 1) {
		if (I_FLAG(t, IMAXBEL))
			n_tty_echo_raw(t, '\a');
		return false;
	}
	set_delim(n, n->head, false);
	n->buf[n->head++ & NTTY_MASK] = c;
	return true;
}

static void wake_readers(struct tty *t)
{
	wake_up_poll(&t->read_wait, EPOLLIN | EPOLLRDNORM);
}

void n_tty_reset_input(struct n_tty *n)
{
	n->head = n->canon_head = n->tail = 0;
	n->lnext = n->erasing = n->push = false;
	memset(n->delim, 0, sizeof(n->delim));
}

/* --- erasing --------------------------------------------------------------------------------- */

static void finish_erasing(struct tty *t, struct n_tty *n)
{
	if (!n->erasing)
		return;
	n_tty_echo_raw(t, '/');
	n->erasing = false;
}

static void echo_str(struct tty *t, const char *s)
{
	while (*s)
		n_tty_echo_raw(t, (u8)*s++);
}

/* Take a tab off the screen: its width depends on what stands before it on the line. */
static void echo_tab_erased(struct tty *t, struct n_tty *n)
{
	unsigned chars = 0;
	bool after_tab = false;

	for (u32 i = n->head; i != n->canon_head && !after_tab;) {
		u8 c = n->buf[--i & NTTY_MASK];

		if (c == '\t')
			after_tab = true;
		else if (is_cntrl(c))
			chars += L_FLAG(t, ECHOCTL) ? 2 : 0;
		else if (!is_continuation(t, c))
			chars++;
	}
	n_tty_echo_erase_tab(t, chars, after_tab);
}

enum { ERASE_CHAR, ERASE_WORD, ERASE_LINE };

/* The character at buf[head..head+cnt) was just removed; first byte c. */
static void echo_erased(struct tty *t, struct n_tty *n, u8 c, unsigned cnt, int kind)
{
	if (L_FLAG(t, ECHOPRT)) {
		if (!n->erasing) {
			n_tty_echo_raw(t, '\\');
			n->erasing = true;
		}
		n_tty_echo_char(t, c);
		for (u32 i = n->head + 1; --cnt > 0; i++) {
			n_tty_echo_raw(t, n->buf[i & NTTY_MASK]);
			n_tty_echo_move_back(t);
		}
	} else if (kind == ERASE_CHAR && !L_FLAG(t, ECHOE)) {
		n_tty_echo_char(t, CC(t, VERASE));
	} else if (c == '\t') {
		echo_tab_erased(t, n);
	} else {
		if (is_cntrl(c) && L_FLAG(t, ECHOCTL))
			echo_str(t, "\b \b");
		if (!is_cntrl(c) || L_FLAG(t, ECHOCTL))
			echo_str(t, "\b \b");
	}
}

static bool is_word(u8 c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_' || c >= 0x80;
}

/* Kill without ECHOKE: the line is forgotten, the screen only told. True when that was all. */
static bool kill_line_short(struct tty *t, struct n_tty *n)
{
	if (L_FLAG(t, ECHO) && L_FLAG(t, ECHOK) && L_FLAG(t, ECHOKE) && L_FLAG(t, ECHOE))
		return false;
	n->head = n->canon_head;
	if (L_FLAG(t, ECHO)) {
		finish_erasing(t, n);
		n_tty_echo_char(t, CC(t, VKILL));
		if (L_FLAG(t, ECHOK))
			n_tty_echo_raw(t, '\n');
	}
	return true;
}

static void erase(struct tty *t, struct n_tty *n, int kind)
{
	bool seen_word = false;

	if (n->head == n->canon_head || (kind == ERASE_LINE && kill_line_short(t, n)))
		return;
	while (n->head != n->canon_head) {
		u32 h = n->head;
		u8 c;

		do {
			c = n->buf[--h & NTTY_MASK];
		} while (is_continuation(t, c) && h != n->canon_head);
		if (is_continuation(t, c))
			break; /* not a whole character */
		if (kind == ERASE_WORD) {
			if (is_word(c))
				seen_word = true;
			else if (seen_word)
				break;
		}
		u32 cnt = n->head - h;
		n->head = h;
		if (L_FLAG(t, ECHO))
			echo_erased(t, n, c, cnt, kind);
		if (kind == ERASE_CHAR)
			break;
	}
	if (n->head == n->canon_head && L_FLAG(t, ECHO))
		finish_erasing(t, n);
}

/* --- signals and flow ------------------------------------------------------------------------ */

/* The echo goes out before the signal, since what dies of it makes the shell write at once. */
static void signal_char(struct tty *t, struct n_tty *n, int sig, u8 c)
{
	if (!L_FLAG(t, NOFLSH)) {
		n->echo_head = n->echo_commit = n->echo_tail = 0;
		if (t->ops->flush_buffer)
			t->ops->flush_buffer(t);
		n_tty_reset_input(n);
		tty_packet_event(t, TIOCPKT_FLUSHREAD | TIOCPKT_FLUSHWRITE);
	}
	if (I_FLAG(t, IXON))
		tty_start(t);
	if (L_FLAG(t, ECHO)) {
		n_tty_echo_char(t, c);
		n_tty_commit_echoes(t);
	} else {
		n_tty_process_echoes(t);
	}
	tty_signal_fg(t, sig);
	tty_write_wakeup(t);
}

static void restart_output(struct tty *t)
{
	tty_start(t);
	n_tty_process_echoes(t);
}

static bool cc_is(struct tty *t, unsigned i, u8 c)
{
	return CC(t, i) != POSIX_VDISABLE && CC(t, i) == c;
}

/* True when c was a signal or flow control character and is done with. */
static bool control_char(struct tty *t, struct n_tty *n, u8 c)
{
	if (I_FLAG(t, IXON)) {
		if (cc_is(t, VSTART, c)) {
			restart_output(t);
			return true;
		}
		if (cc_is(t, VSTOP, c)) {
			tty_stop(t);
			return true;
		}
	}
	if (!L_FLAG(t, ISIG))
		return false;
	if (cc_is(t, VINTR, c))
		signal_char(t, n, SIGINT, c);
	else if (cc_is(t, VQUIT, c))
		signal_char(t, n, SIGQUIT, c);
	else if (cc_is(t, VSUSP, c))
		signal_char(t, n, SIGTSTP, c);
	else
		return false;
	return true;
}

/* --- canonical mode -------------------------------------------------------------------------- */

static void end_line(struct tty *t, struct n_tty *n, u8 c)
{
	if (used(n) >= NTTY_SIZE)
		return; /* complete lines fill the ring: receive offers nothing then */
	set_delim(n, n->head, true);
	n->buf[n->head++ & NTTY_MASK] = c;
	n->canon_head = n->head;
	wake_readers(t);
}

static void reprint(struct tty *t, struct n_tty *n, u8 c)
{
	finish_erasing(t, n);
	n_tty_echo_char(t, c);
	n_tty_echo_raw(t, '\n');
	for (u32 i = n->canon_head; i != n->head; i++)
		n_tty_echo_char(t, n->buf[i & NTTY_MASK]);
	n_tty_commit_echoes(t);
}

/* An ordinary or line-ending byte is shown. */
static void echo_input(struct tty *t, struct n_tty *n, u8 c)
{
	finish_erasing(t, n);
	if (c == '\n') {
		n_tty_echo_raw(t, '\n');
		return;
	}
	if (n->canon_head == n->head)
		n_tty_echo_set_canon(t);
	n_tty_echo_char(t, c);
}

/* True when c was an editing character or ended the line. */
static bool canon_char(struct tty *t, struct n_tty *n, u8 c)
{
	bool ext = L_FLAG(t, IEXTEN), erased = true;

	if (cc_is(t, VERASE, c))
		erase(t, n, ERASE_CHAR);
	else if (cc_is(t, VKILL, c))
		erase(t, n, ERASE_LINE);
	else if (ext && cc_is(t, VWERASE, c))
		erase(t, n, ERASE_WORD);
	else
		erased = false;
	if (erased) {
		n_tty_commit_echoes(t);
		return true;
	}
	if (ext && cc_is(t, VLNEXT, c)) {
		n->lnext = true;
		if (L_FLAG(t, ECHO)) {
			finish_erasing(t, n);
			if (L_FLAG(t, ECHOCTL)) {
				echo_str(t, "^\b");
				n_tty_commit_echoes(t);
			}
		}
		return true;
	}
	if (ext && L_FLAG(t, ECHO) && cc_is(t, VREPRINT, c)) {
		reprint(t, n, c);
		return true;
	}
	if (c == '\n') {
		if (L_FLAG(t, ECHO) || L_FLAG(t, ECHONL)) {
			n_tty_echo_raw(t, '\n');
			n_tty_commit_echoes(t);
		}
		end_line(t, n, c);
		return true;
	}
	if (cc_is(t, VEOF, c)) {
		end_line(t, n, EOF_BYTE);
		return true;
	}
	if (cc_is(t, VEOL, c) || (ext && cc_is(t, VEOL2, c))) {
		if (L_FLAG(t, ECHO)) {
			echo_input(t, n, c);
			n_tty_commit_echoes(t);
		}
		if (I_FLAG(t, PARMRK) && c == 0xff)
			put(t, n, c);
		end_line(t, n, c);
		return true;
	}
	return false;
}

/* --- one byte -------------------------------------------------------------------------------- */

static void ordinary_char(struct tty *t, struct n_tty *n, u8 c)
{
	if (tty_is_stopped(t) && I_FLAG(t, IXON) && I_FLAG(t, IXANY))
		restart_output(t);
	if (L_FLAG(t, ECHO)) {
		echo_input(t, n, c);
		n_tty_commit_echoes(t);
	}
	if (I_FLAG(t, PARMRK) && c == 0xff)
		put(t, n, c);
	put(t, n, c);
}

static void receive_char(struct tty *t, struct n_tty *n, u8 c)
{
	if (I_FLAG(t, ISTRIP))
		c &= 0x7f;
	if (I_FLAG(t, IUCLC) && L_FLAG(t, IEXTEN) && c >= 'A' && c <= 'Z')
		c += 32;
	if (L_FLAG(t, EXTPROC)) {
		put(t, n, c);
		return;
	}
	if (n->lnext) {
		n->lnext = false;
		ordinary_char(t, n, c);
		return;
	}
	if (!bit_test(n->special, c)) {
		ordinary_char(t, n, c);
		return;
	}
	if (control_char(t, n, c))
		return;
	if (tty_is_stopped(t) && I_FLAG(t, IXON) && I_FLAG(t, IXANY))
		restart_output(t);
	if (c == '\r') {
		if (I_FLAG(t, IGNCR))
			return;
		if (I_FLAG(t, ICRNL))
			c = '\n';
	} else if (c == '\n' && I_FLAG(t, INLCR)) {
		c = '\r';
	}
	if (L_FLAG(t, ICANON) && canon_char(t, n, c))
		return;
	ordinary_char(t, n, c);
}

static void receive_break(struct tty *t, struct n_tty *n)
{
	if (I_FLAG(t, IGNBRK))
		return;
	if (I_FLAG(t, BRKINT)) {
		/* Like the INTR character, but nothing is echoed. */
		tty_signal_fg(t, SIGINT);
		if (!L_FLAG(t, NOFLSH)) {
			if (t->ops->flush_buffer)
				t->ops->flush_buffer(t);
			n_tty_reset_input(n);
		}
		return;
	}
	if (I_FLAG(t, PARMRK)) {
		put(t, n, 0xff);
		put(t, n, 0);
	}
	put(t, n, 0);
}

static void receive_error(struct tty *t, struct n_tty *n, u8 c)
{
	if (!I_FLAG(t, INPCK)) {
		receive_char(t, n, c);
		return;
	}
	if (I_FLAG(t, IGNPAR))
		return;
	if (I_FLAG(t, PARMRK)) {
		put(t, n, 0xff);
		put(t, n, 0);
		put(t, n, c);
	} else {
		put(t, n, 0);
	}
}

static void receive_flagged(struct tty *t, struct n_tty *n, u8 c, u8 flag)
{
	switch (flag) {
	case TTY_NORMAL:
		receive_char(t, n, c);
		break;
	case TTY_BREAK:
		receive_break(t, n);
		break;
	case TTY_PARITY:
	case TTY_FRAME:
		receive_error(t, n, c);
		break;
	default: /* overrun: the byte itself was lost, nothing to store */
		break;
	}
}

/* Nothing is special: straight into the ring. */
static void receive_raw(struct n_tty *n, const u8 *p, size_t len)
{
	while (len) {
		u32 at = n->head & NTTY_MASK;
		size_t k = min_t(size_t, len, NTTY_SIZE - at);

		memcpy(n->buf + at, p, k);
		n->head += k;
		p += k;
		len -= k;
	}
}

/* How many bytes may be processed now: each needs up to three slots with PARMRK. */
static size_t input_room(struct tty *t, struct n_tty *n)
{
	size_t room = NTTY_SIZE - 1 - min_t(u32, used(n), NTTY_SIZE - 1);

	if (I_FLAG(t, PARMRK))
		room = (room + 2) / 3;
	if (!room && L_FLAG(t, ICANON) && !L_FLAG(t, EXTPROC) && n->canon_head == n->tail)
		return 1; /* a full line without end: only its end gets in */
	return room;
}

static void check_throttle(struct tty *t, struct n_tty *n)
{
	if (L_FLAG(t, ICANON) && n->canon_head == n->tail)
		return;
	if (NTTY_SIZE - used(n) < THROTTLE_ROOM)
		tty_throttle(t);
}

size_t n_tty_receive(struct tty *t, const u8 *p, const u8 *flags, size_t len)
{
	struct n_tty *n = n_tty_of(t);
	size_t done = 0;
	bool canon;

	down_read(&t->termios_sem);
	mutex_lock(&n->lock);
	canon = L_FLAG(t, ICANON) && !L_FLAG(t, EXTPROC);
	while (done < len) {
		size_t k = min(input_room(t, n), len - done);

		if (!k)
			break;
		if (n->raw && !flags) {
			receive_raw(n, p + done, k);
			done += k;
			continue;
		}
		for (size_t end = done + k; done < end; done++)
			receive_flagged(t, n, p[done], flags ? flags[done] : TTY_NORMAL);
	}
	if (!canon && n->head != n->tail)
		wake_readers(t);
	check_throttle(t, n);
	mutex_unlock(&n->lock);
	up_read(&t->termios_sem);
	return done;
}

/* lock held, termios_sem held. */
void n_tty_build_special(struct tty *t)
{
	static const u8 sig_cc[] = {VINTR, VQUIT, VSUSP}, flow_cc[] = {VSTART, VSTOP};
	static const u8 canon_cc[] = {VERASE, VKILL, VEOF, VEOL, VWERASE, VLNEXT, VREPRINT, VEOL2};
	struct n_tty *n = n_tty_of(t);

	memset(n->special, 0, sizeof(n->special));
	if (I_FLAG(t, IGNCR | ICRNL))
		bit_set(n->special, '\r');
	if (I_FLAG(t, INLCR) || L_FLAG(t, ICANON))
		bit_set(n->special, '\n');
	if (L_FLAG(t, ISIG))
		for (unsigned i = 0; i < ARRAY_SIZE(sig_cc); i++)
			bit_set(n->special, CC(t, sig_cc[i]));
	if (I_FLAG(t, IXON))
		for (unsigned i = 0; i < ARRAY_SIZE(flow_cc); i++)
			bit_set(n->special, CC(t, flow_cc[i]));
	if (L_FLAG(t, ICANON)) {
		bit_set(n->special, '\r');
		for (unsigned i = 0; i < ARRAY_SIZE(canon_cc); i++)
			bit_set(n->special, CC(t, canon_cc[i]));
	}
	bit_clear(n->special, POSIX_VDISABLE);
	n->raw = !I_FLAG(t, IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IUCLC |
				    IXON | INPCK) &&
		 !L_FLAG(t, ISIG | ICANON | ECHO | EXTPROC);
}
