/* The terminal core: ttys and their drivers, references, flow control, hang-up.
 *
 * Sources: ioctl_tty(2), termios(3), credentials(7), POSIX.1-2017 XBD chapter 11.
 * Invariants: a tty of a fixed device lives from its first use on (the driver's table holds a
 * reference) and keeps its attributes over closes; `opens` counts the files that are not hung up;
 * the driver is open and a discipline attached exactly while opens > 0.
 * Locks: driver->lock > open_lock > ldisc_sem > termios_sem > the discipline's own; ctrl_lock,
 * flow_lock, rx_lock and files_lock are innermost. Process context, but for what the header says. */
#define LOG_PREFIX "tty: "
#include <alloc/slab.h>
#include <fs/dev.h>
#include <init/initcall.h>
#include <lib/string.h>
#include <log/printk.h>
#include "tty_priv.h"

const struct ktermios tty_std_termios = {
	.c_iflag = ICRNL | IXON,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = B38400 | CS8 | CREAD | HUPCL,
	.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.c_cc = {[VINTR] = 3,
		 [VQUIT] = 28,
		 [VERASE] = 127,
		 [VKILL] = 21,
		 [VEOF] = 4,
		 [VMIN] = 1,
		 [VSTART] = 17,
		 [VSTOP] = 19,
		 [VSUSP] = 26,
		 [VREPRINT] = 18,
		 [VDISCARD] = 15,
		 [VWERASE] = 23,
		 [VLNEXT] = 22},
	.c_ispeed = 38400,
	.c_ospeed = 38400,
};

/* --- references ------------------------------------------------------------------------------ */

void tty_get(struct tty *t)
{
	ref_get(&t->ref);
}

static void tty_free_work(struct work *w)
{
	struct tty *t = container_of(w, struct tty, free_work);

	tty_rx_destroy(t);
	if (t->pgrp)
		pid_put(t->pgrp);
	if (t->session)
		pid_put(t->session);
	if (t->ops->free)
		t->ops->free(t);
	kfree(t);
}

void tty_put(struct tty *t)
{
	if (ref_put(&t->ref))
		work_queue(&t->free_work);
}

static void tty_hangup_work(struct work *w)
{
	struct tty *t = container_of(w, struct tty, hangup_work);

	tty_hangup(t);
	tty_put(t);
}

struct tty *tty_new(struct tty_driver *d, unsigned index, void *driver_data)
{
	struct tty *t = kzalloc(sizeof(*t), GFP_KERNEL);

	if (!t)
		return ERR_PTR(-ENOMEM);
	ref_init(&t->ref, 1);
	t->driver = d;
	t->ops = d->ops;
	t->driver_data = driver_data;
	t->index = index;
	snprintf(t->name, sizeof(t->name), "%s%u", d->name, index + d->name_base);
	t->dev = MKDEV(d->major, d->minor + index);
	t->termios = d->init_termios;
	mutex_init(&t->open_lock);
	list_init(&t->files);
	spin_init(&t->files_lock);
	rwsem_init(&t->termios_sem);
	mutex_init(&t->winsize_lock);
	rwsem_init(&t->ldisc_sem);
	mutex_init(&t->write_lock);
	wait_queue_init(&t->read_wait);
	wait_queue_init(&t->write_wait);
	wait_queue_init(&t->open_wait);
	spin_init(&t->ctrl_lock);
	spin_init(&t->flow_lock);
	tty_rx_init(t);
	work_init(&t->hangup_work, tty_hangup_work);
	work_init(&t->free_work, tty_free_work);
	return t;
}

/* --- drivers --------------------------------------------------------------------------------- */

static DEFINE_MUTEX(drivers_lock);
static LIST_HEAD(drivers); /* [drivers_lock] */

int tty_driver_register(struct tty_driver *d)
{
	int err;

	mutex_init(&d->lock);
	radix_init(&d->ttys);
	err = chrdev_register(d->major, d->minor, d->count, d->name, &tty_file_ops);
	if (err)
		return err;
	mutex_lock(&drivers_lock);
	list_add_tail(&d->node, &drivers);
	mutex_unlock(&drivers_lock);
	return 0;
}

struct tty_driver *tty_driver_find(dev_t dev)
{
	struct tty_driver *d, *found = NULL;

	mutex_lock(&drivers_lock);
	list_for_each_entry (d, &drivers, node)
		if (d->major == MAJOR(dev) && MINOR(dev) - d->minor < d->count)
			found = d;
	mutex_unlock(&drivers_lock);
	return found;
}

struct tty *tty_find_by_name(const char *name)
{
	struct tty_driver *d;
	struct tty *t = NULL;

	mutex_lock(&drivers_lock);
	list_for_each_entry (d, &drivers, node) {
		size_t n = strlen(d->name);
		u64 num;

		if (strncmp(name, d->name, n) || parse_u64(name + n, 10, &num))
			continue;
		if (num < d->name_base || num - d->name_base >= d->count)
			continue;
		t = tty_driver_get(d, (unsigned)num - d->name_base);
		break;
	}
	mutex_unlock(&drivers_lock);
	return IS_ERR(t) ? NULL : t;
}

/* d->lock held: enters t; the table takes the caller's reference. */
static int table_add(struct tty_driver *d, struct tty *t)
{
	return radix_insert(&d->ttys, t->index, t);
}

struct tty *tty_driver_get(struct tty_driver *d, unsigned index)
{
	struct tty *t;
	int err;

	mutex_lock(&d->lock);
	t = radix_lookup(&d->ttys, index);
	if (!t && d->create) {
		t = d->create(d, index);
		if (!IS_ERR_OR_NULL(t)) {
			err = table_add(d, t);
			if (err) {
				tty_put(t);
				t = ERR_PTR(err);
			}
		}
	}
	if (!IS_ERR_OR_NULL(t))
		tty_get(t);
	mutex_unlock(&d->lock);
	return t;
}

struct tty *tty_device_add(struct tty_driver *d, unsigned index, void *driver_data)
{
	struct tty *t = tty_new(d, index, driver_data);
	int err;

	if (IS_ERR(t))
		return t;
	mutex_lock(&d->lock);
	err = table_add(d, t);
	mutex_unlock(&d->lock);
	if (!err && !(d->flags & TTY_DRIVER_NO_DEVNODE)) {
		err = devtmpfs_create(t->name, S_IFCHR | 0620, t->dev);
		if (err)
			pr_warn("%s: no device node (%d)\n", t->name, err);
		err = 0;
	}
	if (err) {
		tty_put(t);
		return ERR_PTR(err);
	}
	return t;
}

void tty_device_remove(struct tty *t)
{
	struct tty_driver *d = (struct tty_driver *)t->driver;

	mutex_lock(&d->lock);
	if (radix_lookup(&d->ttys, t->index) == t)
		radix_remove(&d->ttys, t->index);
	mutex_unlock(&d->lock);
	if (!(d->flags & TTY_DRIVER_NO_DEVNODE))
		(void)devtmpfs_remove(t->name);
	tty_hangup(t);
	tty_put(t);
}

/* --- flow control ---------------------------------------------------------------------------- */

void tty_write_wakeup(struct tty *t)
{
	if (READ_ONCE(t->echo_pending))
		tty_rx_kick(t);
	wake_up_poll(&t->write_wait, EPOLLOUT | EPOLLWRNORM);
}

/* flow_lock held. */
static void start_locked(struct tty *t)
{
	if (t->stopped || t->tco_stopped)
		return;
	if (t->ops->start)
		t->ops->start(t);
	tty_packet_event(t, TIOCPKT_START);
}

/* flow_lock held. */
static void stop_locked(struct tty *t)
{
	if (t->ops->stop)
		t->ops->stop(t);
	tty_packet_event(t, TIOCPKT_STOP);
}

void tty_stop(struct tty *t)
{
	unsigned long f;

	spin_lock_irqsave(&t->flow_lock, f);
	if (!t->stopped) {
		t->stopped = true;
		stop_locked(t);
	}
	spin_unlock_irqrestore(&t->flow_lock, f);
}

void tty_start(struct tty *t)
{
	bool started = false;
	unsigned long f;

	spin_lock_irqsave(&t->flow_lock, f);
	if (t->stopped && !t->tco_stopped) {
		t->stopped = false;
		start_locked(t);
		started = true;
	}
	spin_unlock_irqrestore(&t->flow_lock, f);
	if (started)
		tty_write_wakeup(t);
}

void tty_flow_off(struct tty *t)
{
	unsigned long f;

	spin_lock_irqsave(&t->flow_lock, f);
	if (!t->tco_stopped) {
		t->tco_stopped = true;
		if (!t->stopped) {
			t->stopped = true;
			stop_locked(t);
		}
	}
	spin_unlock_irqrestore(&t->flow_lock, f);
}

void tty_flow_on(struct tty *t)
{
	bool on;
	unsigned long f;

	spin_lock_irqsave(&t->flow_lock, f);
	on = t->tco_stopped;
	t->tco_stopped = false;
	spin_unlock_irqrestore(&t->flow_lock, f);
	if (on)
		tty_start(t);
}

bool tty_is_stopped(struct tty *t)
{
	return READ_ONCE(t->stopped);
}

void tty_throttle(struct tty *t)
{
	if (__atomic_exchange_n(&t->throttled, true, __ATOMIC_SEQ_CST))
		return;
	if (t->ops->throttle)
		t->ops->throttle(t);
}

void tty_unthrottle(struct tty *t)
{
	if (!__atomic_exchange_n(&t->throttled, false, __ATOMIC_SEQ_CST))
		return;
	if (t->ops->unthrottle)
		t->ops->unthrottle(t);
}

void tty_driver_flush(struct tty *t)
{
	if (t->ops->flush_buffer)
		t->ops->flush_buffer(t);
	tty_write_wakeup(t);
}

static size_t chars_in_buffer(struct tty *t)
{
	return t->ops->chars_in_buffer ? t->ops->chars_in_buffer(t) : 0;
}

int tty_wait_until_sent(struct tty *t, s64 timeout_ns)
{
	s64 left = __wait_event(&t->write_wait, !chars_in_buffer(t), T_INTERRUPTIBLE, false,
				timeout_ns);

	if (left < 0)
		return (int)left;
	if (t->ops->wait_until_sent)
		t->ops->wait_until_sent(t, left);
	return 0;
}

/* --- attributes ------------------------------------------------------------------------------ */

static const struct {
	u32 baud, code;
} bauds[] = {
	{0, 0},
	{50, 1},
	{75, 2},
	{110, 3},
	{134, 4},
	{150, 5},
	{200, 6},
	{300, 7},
	{600, 8},
	{1200, 9},
	{1800, 10},
	{2400, 11},
	{4800, 12},
	{9600, 13},
	{19200, 14},
	{38400, 15},
	{57600, 0x1001},
	{115200, 0x1002},
	{230400, 0x1003},
	{460800, 0x1004},
	{500000, 0x1005},
	{576000, 0x1006},
	{921600, 0x1007},
	{1000000, 0x1008},
	{1152000, 0x1009},
	{1500000, 0x100a},
	{2000000, 0x100b},
	{2500000, 0x100c},
	{3000000, 0x100d},
	{3500000, 0x100e},
	{4000000, 0x100f},
};

static u32 baud_of(u32 code, u32 other)
{
	if (code == BOTHER)
		return other;
	for (size_t i = 0; i < ARRAY_SIZE(bauds); i++)
		if (bauds[i].code == code)
			return bauds[i].baud;
	return 0;
}

u32 tty_baud_rate(const struct ktermios *k)
{
	return baud_of(k->c_cflag & CBAUD, k->c_ospeed);
}

void tty_encode_baud(struct ktermios *k, u32 baud)
{
	u32 code = BOTHER;

	for (size_t i = 0; i < ARRAY_SIZE(bauds); i++)
		if (bauds[i].baud == baud)
			code = bauds[i].code;
	k->c_cflag = (k->c_cflag & ~(CBAUD | CIBAUD)) | code;
	k->c_ispeed = k->c_ospeed = baud;
}

static void keep_locked(struct ktermios *n, const struct ktermios *old, const struct ktermios *l)
{
#define KEEP(field) n->field = (old->field & l->field) | (n->field & ~l->field)
	KEEP(c_iflag);
	KEEP(c_oflag);
	KEEP(c_cflag);
	KEEP(c_lflag);
#undef KEEP
	if (l->c_line)
		n->c_line = old->c_line;
	for (unsigned i = 0; i < NCCS; i++)
		if (l->c_cc[i])
			n->c_cc[i] = old->c_cc[i];
}

static void termios_packet_event(struct tty *t, const struct ktermios *old)
{
	const struct ktermios *n = &t->termios;
	bool was = (old->c_iflag & IXON) && old->c_cc[VSTOP] == 19 && old->c_cc[VSTART] == 17;
	bool now = (n->c_iflag & IXON) && n->c_cc[VSTOP] == 19 && n->c_cc[VSTART] == 17;
	bool extproc = (old->c_lflag & EXTPROC) || (n->c_lflag & EXTPROC);

	if (was != now)
		tty_packet_event(t, now ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP);
	if (extproc)
		tty_packet_event(t, TIOCPKT_IOCTL);
}

void tty_set_termios(struct tty *t, const struct ktermios *n)
{
	const struct tty_ldisc_ops *ld = tty_ldisc_ref(t);
	struct ktermios old;

	down_write(&t->termios_sem);
	old = t->termios;
	t->termios = *n;
	keep_locked(&t->termios, &old, &t->termios_locked);
	t->termios.c_line = old.c_line;
	t->termios.c_ospeed = baud_of(t->termios.c_cflag & CBAUD, n->c_ospeed);
	t->termios.c_ispeed = t->termios.c_cflag & CIBAUD
				      ? baud_of(t->termios.c_cflag >> IBSHIFT & CBAUD, n->c_ispeed)
				      : t->termios.c_ospeed;
	if (t->ops->set_termios)
		t->ops->set_termios(t, &old);
	termios_packet_event(t, &old);
	if (ld && ld->set_termios)
		ld->set_termios(t, &old);
	up_write(&t->termios_sem);
	if (ld)
		tty_ldisc_unref(t);
}

void tty_set_winsize(struct tty *t, const struct winsize *ws)
{
	bool changed;

	mutex_lock(&t->winsize_lock);
	changed = memcmp(ws, &t->winsize, sizeof(*ws)) != 0;
	t->winsize = *ws;
	mutex_unlock(&t->winsize_lock);
	if (!changed)
		return;
	tty_signal_fg(t, SIGWINCH);
	if (t->link) {
		mutex_lock(&t->link->winsize_lock);
		t->link->winsize = *ws;
		mutex_unlock(&t->link->winsize_lock);
	}
}

/* --- hang-up --------------------------------------------------------------------------------- */

void tty_hangup_session(struct tty *t, bool exit_session)
{
	struct tty_file *tf;

	mutex_lock(&t->open_lock);
	spin_lock(&t->files_lock);
	list_for_each_entry (tf, &t->files, node) {
		if (tf->is_console || tf->hung_up)
			continue;
		WRITE_ONCE(tf->hung_up, true);
		t->opens--;
	}
	spin_unlock(&t->files_lock);
	if (t->initialized)
		tty_ldisc_hangup(t, t->driver->flags & TTY_DRIVER_RESET_TERMIOS);
	wake_up_poll(&t->read_wait, EPOLLIN | EPOLLHUP);
	wake_up_poll(&t->write_wait, EPOLLOUT | EPOLLHUP);
	wake_up_all(&t->open_wait);
	tty_detach_session(t, true, exit_session);
	if (t->initialized && t->ops->hangup)
		t->ops->hangup(t);
	if (t->initialized && !t->opens)
		tty_shut(t);
	mutex_unlock(&t->open_lock);
}

void tty_hangup(struct tty *t)
{
	tty_hangup_session(t, false);
}

void tty_hangup_async(struct tty *t)
{
	tty_get(t);
	if (!work_queue(&t->hangup_work))
		tty_put(t);
}
