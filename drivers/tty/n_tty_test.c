/* The line discipline driven by a driver that keeps what is written to it. */
#include <alloc/slab.h>
#include <init/ktest.h>
#include <lib/string.h>
#include <log/printk.h>
#include <mm/iov.h>
#include "n_tty_priv.h"

struct rig {
	struct tty *t;
	struct file *f;
	struct tty_file tf;
	char out[512];
	size_t out_len;
	size_t room;
};

static size_t fake_write(struct tty *t, const u8 *p, size_t n)
{
	struct rig *r = t->driver_data;

	n = min(n, min(r->room, sizeof(r->out) - 1 - r->out_len));
	memcpy(r->out + r->out_len, p, n);
	r->out_len += n;
	r->out[r->out_len] = 0;
	return n;
}

static size_t fake_room(struct tty *t)
{
	struct rig *r = t->driver_data;

	return tty_is_stopped(t) ? 0 : min(r->room, sizeof(r->out) - 1 - r->out_len);
}

static const struct tty_ops fake_ops = {.write = fake_write, .write_room = fake_room};
static struct tty_driver fake_driver = {.name = "fake", .ops = &fake_ops, .count = 1};

static struct rig *rig_new(void)
{
	struct rig *r = kzalloc(sizeof(*r), GFP_KERNEL);

	if (!r)
		return NULL;
	fake_driver.init_termios = tty_std_termios;
	fake_driver.init_termios.c_iflag |= IUTF8;
	r->room = sizeof(r->out);
	r->t = tty_new(&fake_driver, 0, r);
	r->f = kzalloc(sizeof(*r->f), GFP_KERNEL);
	if (IS_ERR(r->t) || !r->f || tty_ldisc_attach(r->t, N_TTY))
		return NULL;
	r->tf.tty = r->t;
	r->f->private = &r->tf;
	r->f->flags = O_NONBLOCK;
	return r;
}

static void rig_free(struct rig *r)
{
	tty_ldisc_detach(r->t);
	tty_put(r->t);
	kfree(r->f);
	/* The tty is freed by a work item that does not touch driver_data. */
	kfree(r);
}

static void type(struct rig *r, const char *s, size_t n)
{
	(void)r->t->ldisc->receive(r->t, (const u8 *)s, NULL, n);
}
#define TYPE(r, s) type(r, s, sizeof(s) - 1)

static ssize_t get(struct rig *r, char *buf, size_t n)
{
	struct iov_iter it;
	ssize_t k;

	iov_kernel(&it, buf, n);
	k = r->t->ldisc->read(r->t, r->f, &it);
	if (k >= 0)
		buf[k] = 0;
	return k;
}

/* Does a read give s? */
static bool reads(struct rig *r, const char *s)
{
	char buf[300];
	ssize_t k = get(r, buf, sizeof(buf) - 1);

	return k == (ssize_t)strlen(s) && !memcmp(buf, s, (size_t)k);
}

/* Was s written since the last question? */
static bool wrote(struct rig *r, const char *s)
{
	bool ok = !strcmp(r->out, s);

	if (!ok)
		printk(LOG_ERR, "# written: \"%s\"\n", r->out);
	r->out_len = 0;
	r->out[0] = 0;
	return ok;
}

static void set_mode(struct rig *r, u32 iflag, u32 oflag, u32 lflag)
{
	struct ktermios k = r->t->termios;

	k.c_iflag = iflag;
	k.c_oflag = oflag;
	k.c_lflag = lflag;
	tty_set_termios(r->t, &k);
}

static void set_min_time(struct rig *r, u8 vmin, u8 vtime)
{
	struct ktermios k = r->t->termios;

	k.c_lflag &= ~(ICANON | ECHO);
	k.c_cc[VMIN] = vmin;
	k.c_cc[VTIME] = vtime;
	tty_set_termios(r->t, &k);
}

KTEST(n_tty, canonical_line)
{
	struct rig *r = rig_new();
	char b[8];

	REQUIRE(r);
	TYPE(r, "abc");
	CHECK_EQ(get(r, b, 7), -EAGAIN);
	TYPE(r, "d\r");
	CHECK(wrote(r, "abcd\r\n"));
	CHECK(reads(r, "abcd\n"));
	TYPE(r, "one\ntwo\n");
	CHECK(reads(r, "one\n"));
	CHECK_EQ(get(r, b, 2), 2);
	CHECK(!memcmp(b, "tw", 2));
	CHECK(reads(r, "o\n"));
	rig_free(r);
}

KTEST(n_tty, end_of_file)
{
	struct rig *r = rig_new();
	char b[8];

	REQUIRE(r);
	TYPE(r, "ab\004");
	CHECK(reads(r, "ab"));
	TYPE(r, "\004");
	CHECK_EQ(get(r, b, 7), 0);
	CHECK_EQ(get(r, b, 7), -EAGAIN);
	rig_free(r);
}

KTEST(n_tty, erase)
{
	struct rig *r = rig_new();

	REQUIRE(r);
	TYPE(r, "ax\177b\n");
	CHECK(wrote(r, "ax\b \bb\r\n"));
	CHECK(reads(r, "ab\n"));
	/* one character of two bytes, then a control character shown as two */
	TYPE(r, "\303\244\177\177\026\001\177y\n");
	CHECK(wrote(r, "\303\244\b \b^\b^A\b \b\b \by\r\n"));
	CHECK(reads(r, "y\n"));
	rig_free(r);
}

KTEST(n_tty, erase_word_and_line)
{
	struct rig *r = rig_new();

	REQUIRE(r);
	TYPE(r, "one two  \027z\n");
	CHECK(reads(r, "one z\n"));
	r->out_len = 0;
	TYPE(r, "abc\025d\n");
	CHECK(wrote(r, "abc\b \b\b \b\b \bd\r\n"));
	CHECK(reads(r, "d\n"));
	set_mode(r, ICRNL, OPOST | ONLCR, ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | IEXTEN);
	TYPE(r, "abc\025d\n");
	CHECK(wrote(r, "abc^U\r\nd\r\n"));
	CHECK(reads(r, "d\n"));
	rig_free(r);
}

KTEST(n_tty, erase_tab)
{
	struct rig *r = rig_new();

	REQUIRE(r);
	TYPE(r, "ab\t\177c\n");
	CHECK(wrote(r, "ab\t\b\b\b\b\b\bc\r\n"));
	CHECK(reads(r, "abc\n"));
	rig_free(r);
}

KTEST(n_tty, echoprt)
{
	struct rig *r = rig_new();

	REQUIRE(r);
	set_mode(r, ICRNL, OPOST | ONLCR, ICANON | ECHO | ECHOE | ECHOPRT);
	TYPE(r, "abc\177\177d\n");
	CHECK(wrote(r, "abc\\cb/d\r\n"));
	CHECK(reads(r, "ad\n"));
	rig_free(r);
}

KTEST(n_tty, literal_next_and_reprint)
{
	struct rig *r = rig_new();

	REQUIRE(r);
	TYPE(r, "a\026\003b\n");
	CHECK(wrote(r, "a^\b^Cb\r\n"));
	CHECK(reads(r, "a\003b\n"));
	TYPE(r, "xy\022z\n");
	CHECK(wrote(r, "xy^R\r\nxyz\r\n"));
	CHECK(reads(r, "xyz\n"));
	rig_free(r);
}

KTEST(n_tty, extra_line_ends)
{
	struct rig *r = rig_new();
	struct ktermios k;

	REQUIRE(r);
	k = r->t->termios;
	k.c_cc[VEOL] = ';';
	k.c_cc[VEOL2] = '#';
	tty_set_termios(r->t, &k);
	TYPE(r, "a;b#c\n");
	CHECK(reads(r, "a;"));
	CHECK(reads(r, "b#"));
	CHECK(reads(r, "c\n"));
	rig_free(r);
}

KTEST(n_tty, signal_flushes)
{
	struct rig *r = rig_new();

	REQUIRE(r);
	TYPE(r, "lost\003kept\n");
	CHECK(wrote(r, "lost^Ckept\r\n"));
	CHECK(reads(r, "kept\n"));
	r->t->termios.c_lflag |= NOFLSH;
	TYPE(r, "a\003b\n");
	CHECK(reads(r, "ab\n"));
	rig_free(r);
}

KTEST(n_tty, input_mapping)
{
	struct rig *r = rig_new();

	REQUIRE(r);
	set_mode(r, IGNCR | ISTRIP, OPOST, ICANON);
	TYPE(r, "a\r\341b\n");
	CHECK(reads(r, "aab\n"));
	set_mode(r, INLCR, OPOST, 0);
	TYPE(r, "a\n");
	CHECK(reads(r, "a\r"));
	set_mode(r, PARMRK, OPOST, 0);
	TYPE(r, "\377");
	CHECK(reads(r, "\377\377"));
	rig_free(r);
}

KTEST(n_tty, break_and_parity)
{
	static const u8 bytes[] = {0, 'x'}, flags[] = {TTY_BREAK, TTY_PARITY};
	struct rig *r = rig_new();
	char b[16];

	REQUIRE(r);
	set_mode(r, PARMRK | INPCK, OPOST, 0);
	(void)r->t->ldisc->receive(r->t, bytes, flags, 2);
	CHECK_EQ(get(r, b, 15), 6);
	CHECK(!memcmp(b, "\377\0\0\377\0x", 6));
	set_mode(r, IGNBRK | IGNPAR | INPCK, OPOST, 0);
	(void)r->t->ldisc->receive(r->t, bytes, flags, 2);
	CHECK_EQ(get(r, b, 15), -EAGAIN);
	rig_free(r);
}

KTEST(n_tty, long_line_can_end)
{
	struct rig *r = rig_new();
	char *b = kmalloc(8192, GFP_KERNEL);
	ssize_t k;

	REQUIRE(r && b);
	set_mode(r, 0, OPOST, ICANON);
	memset(b, 'x', 8192);
	CHECK_EQ(r->t->ldisc->receive(r->t, (u8 *)b, NULL, 5000), 5000);
	TYPE(r, "\n");
	k = get(r, b, 8191);
	CHECK_EQ(k, 4096);
	CHECK_EQ(b[4095], '\n');
	kfree(b);
	rig_free(r);
}

KTEST(n_tty, backpressure)
{
	struct rig *r = rig_new();
	char *b = kzalloc(8192, GFP_KERNEL);

	REQUIRE(r && b);
	set_mode(r, 0, 0, 0);
	CHECK_EQ(r->t->ldisc->receive(r->t, (u8 *)b, NULL, 8192), 4095);
	CHECK_EQ(get(r, b, 1000), 1000);
	CHECK_EQ(r->t->ldisc->receive(r->t, (u8 *)b, NULL, 8192), 1000);
	kfree(b);
	rig_free(r);
}

KTEST(n_tty, min_and_time)
{
	struct rig *r = rig_new();
	ktime_t t0;
	char b[16];

	REQUIRE(r);
	set_min_time(r, 0, 0);
	r->f->flags = 0;
	CHECK_EQ(get(r, b, 8), 0);
	set_min_time(r, 0, 1);
	t0 = ktime_get();
	CHECK_EQ(get(r, b, 8), 0);
	CHECK(ktime_get() - t0 >= 100 * NSEC_PER_MSEC);
	TYPE(r, "ab");
	CHECK_EQ(get(r, b, 8), 2);
	set_min_time(r, 3, 1);
	TYPE(r, "ab");
	t0 = ktime_get();
	CHECK_EQ(get(r, b, 8), 2); /* the time between bytes ran out */
	CHECK(ktime_get() - t0 >= 100 * NSEC_PER_MSEC);
	TYPE(r, "abc");
	CHECK_EQ(get(r, b, 8), 3);
	set_min_time(r, 4, 0);
	TYPE(r, "abcdef");
	CHECK_EQ(get(r, b, 5), 5);
	r->f->flags = O_NONBLOCK;
	CHECK_EQ(get(r, b, 5), 1);
	CHECK_EQ(get(r, b, 5), -EAGAIN);
	rig_free(r);
}

KTEST(n_tty, output_processing)
{
	struct rig *r = rig_new();
	const struct tty_ldisc_ops *ld;

	REQUIRE(r);
	ld = r->t->ldisc;
	CHECK_EQ(ld->write(r->t, r->f, (const u8 *)"a\nb", 3), 3);
	CHECK(wrote(r, "a\r\nb"));
	set_mode(r, 0, OPOST | TAB3, ICANON);
	CHECK_EQ(ld->write(r->t, r->f, (const u8 *)"\r12\tx", 5), 5);
	CHECK(wrote(r, "\r12      x"));
	set_mode(r, 0, OPOST | OCRNL | ONOCR, ICANON);
	CHECK_EQ(ld->write(r->t, r->f, (const u8 *)"\r", 1), 1);
	CHECK(wrote(r, "\n"));
	set_mode(r, 0, OPOST | OLCUC, ICANON);
	CHECK_EQ(ld->write(r->t, r->f, (const u8 *)"up", 2), 2);
	CHECK(wrote(r, "UP"));
	set_mode(r, 0, 0, ICANON);
	CHECK_EQ(ld->write(r->t, r->f, (const u8 *)"\n\t", 2), 2);
	CHECK(wrote(r, "\n\t"));
	rig_free(r);
}

KTEST(n_tty, flow_control)
{
	struct rig *r = rig_new();

	REQUIRE(r);
	TYPE(r, "\023");
	CHECK(tty_is_stopped(r->t));
	CHECK_EQ(r->t->ldisc->write(r->t, r->f, (const u8 *)"x", 1), -EAGAIN);
	TYPE(r, "q");
	CHECK(wrote(r, ""));
	TYPE(r, "\021");
	CHECK(!tty_is_stopped(r->t));
	CHECK(wrote(r, "q"));
	r->t->termios.c_iflag |= IXANY;
	TYPE(r, "\023r");
	CHECK(!tty_is_stopped(r->t));
	CHECK(wrote(r, "r"));
	/* turning IXON off lets the output go on */
	TYPE(r, "\023");
	set_mode(r, ICRNL, OPOST | ONLCR, ICANON | ECHO);
	CHECK(!tty_is_stopped(r->t));
	rig_free(r);
}

KTEST(n_tty, echo_waits_for_room)
{
	struct rig *r = rig_new();

	REQUIRE(r);
	r->room = 0;
	TYPE(r, "abc");
	CHECK(wrote(r, ""));
	CHECK(r->t->echo_pending);
	r->room = 400;
	r->t->ldisc->write_wakeup(r->t);
	CHECK(wrote(r, "abc"));
	CHECK(!r->t->echo_pending);
	rig_free(r);
}

KTEST(n_tty, changing_mode_keeps_input)
{
	struct rig *r = rig_new();

	REQUIRE(r);
	TYPE(r, "part");
	set_mode(r, 0, 0, 0);
	CHECK(reads(r, "part"));
	TYPE(r, "more");
	set_mode(r, 0, 0, ICANON);
	CHECK(reads(r, "more"));
	rig_free(r);
}

KTEST(n_tty, poll_tells)
{
	struct rig *r = rig_new();
	unsigned m;

	REQUIRE(r);
	m = r->t->ldisc->poll(r->t, r->f, NULL);
	CHECK_EQ(m, EPOLLOUT | EPOLLWRNORM);
	TYPE(r, "x");
	CHECK(!(r->t->ldisc->poll(r->t, r->f, NULL) & EPOLLIN));
	TYPE(r, "\n");
	CHECK(r->t->ldisc->poll(r->t, r->f, NULL) & EPOLLIN);
	rig_free(r);
}

KTEST(tty, baud_rates)
{
	struct ktermios k = tty_std_termios;

	CHECK_EQ(tty_baud_rate(&k), 38400);
	tty_encode_baud(&k, 115200);
	CHECK_EQ(k.c_cflag & CBAUD, B115200);
	tty_encode_baud(&k, 12345);
	CHECK_EQ(k.c_cflag & CBAUD, BOTHER);
	CHECK_EQ(tty_baud_rate(&k), 12345);
}

KTEST(tty, receive_queue)
{
	struct rig *r = rig_new();
	static u8 big[1024];
	size_t n = 0, k;

	REQUIRE(r);
	set_mode(r, 0, 0, 0);
	/* Faster than anybody reads: the ring and the queue fill, then bytes are refused. */
	for (unsigned i = 0; i < 100; i++) {
		k = tty_receive(r->t, big, sizeof(big), TTY_NORMAL);
		n += k;
		if (k < sizeof(big))
			break;
	}
	tty_rx_flush_work(r->t);
	CHECK(n >= 64 * KiB && n < 72 * KiB);
	tty_rx_discard(r->t);
	CHECK_EQ(tty_receive_room(r->t), 64 * KiB);
	rig_free(r);
}
