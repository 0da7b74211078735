/* Terminals as files: open and release, read, write, poll; /dev/tty, /dev/console, /dev/tty0.
 *
 * Sources: tty(4), console(4), open(2) (O_NOCTTY), POSIX.1-2017 XBD 11.1.
 * Locks: see tty_core.c. write_lock keeps the chunks of one write together. */
#define LOG_PREFIX "tty: "
#include <alloc/slab.h>
#include <fs/dev.h>
#include <init/bootinfo.h>
#include <init/initcall.h>
#include <lib/string.h>
#include <log/printk.h>
#include <mm/iov.h>
#include "tty_priv.h"

#define CLOSE_DRAIN_NS (30 * NSEC_PER_SEC)
#define WRITE_CHUNK    2048u

struct tty *file_tty(struct file *f)
{
	return ((struct tty_file *)f->private)->tty;
}

bool tty_hung_up(const struct file *f)
{
	return f && READ_ONCE(((struct tty_file *)f->private)->hung_up);
}

/* --- open and close -------------------------------------------------------------------------- */

void tty_shut(struct tty *t)
{
	t->initialized = false;
	tty_ldisc_detach(t);
	if (t->ops->close)
		t->ops->close(t);
	tty_rx_discard(t);
	tty_start(t);
	t->exclusive = false;
	WRITE_ONCE(t->io_error, false);
}

/* open_lock held, opens == 0. */
static int tty_bring_up(struct tty *t)
{
	int err;

	if (t->driver->flags & TTY_DRIVER_RESET_TERMIOS)
		t->termios = t->driver->init_termios;
	err = t->ops->open ? t->ops->open(t) : 0;
	if (err)
		return err;
	err = tty_ldisc_attach(t, N_TTY);
	if (err) {
		if (t->ops->close)
			t->ops->close(t);
		return err;
	}
	t->initialized = true;
	return 0;
}

/* Wait for the modem's carrier unless CLOCAL or O_NONBLOCK says not to. */
static int wait_for_carrier(struct tty *t, struct file *f)
{
	if ((f->flags & O_NONBLOCK) || !t->ops->carrier || (READ_ONCE(t->termios.c_cflag) & CLOCAL))
		return 0;
	return wait_event_interruptible(&t->open_wait, t->ops->carrier(t) || tty_hung_up(f));
}

static void tty_file_close(struct tty *t, struct tty_file *tf)
{
	bool last;

	mutex_lock(&t->open_lock);
	spin_lock(&t->files_lock);
	list_del(&tf->node);
	spin_unlock(&t->files_lock);
	last = !tf->hung_up && --t->opens == 0;
	if (last && t->initialized) {
		if (!(t->driver->flags & TTY_DRIVER_PTY))
			(void)tty_wait_until_sent(t, CLOSE_DRAIN_NS);
		tty_detach_session(t, false, false);
		tty_shut(t);
	}
	mutex_unlock(&t->open_lock);
	kfree(tf);
	tty_put(t);
}

int tty_open_file(struct tty *t, struct inode *inode, struct file *f, unsigned flags)
{
	struct tty_file *tf = kzalloc(sizeof(*tf), GFP_KERNEL);
	int err = -ENOMEM;

	if (!tf)
		goto out_put;
	tf->tty = t;
	tf->file = f;
	tf->is_console = flags & TTY_OPEN_CONSOLE;
	mutex_lock(&t->open_lock);
	err = -EBUSY;
	if (t->exclusive && t->opens && !capable(CAP_SYS_ADMIN))
		goto out_unlock;
	err = t->opens ? 0 : tty_bring_up(t);
	if (err)
		goto out_unlock;
	t->opens++;
	f->private = tf;
	spin_lock(&t->files_lock);
	list_add(&tf->node, &t->files);
	spin_unlock(&t->files_lock);
	mutex_unlock(&t->open_lock);

	err = wait_for_carrier(t, f);
	if (!err && tty_hung_up(f))
		err = -EIO;
	if (err) {
		f->private = NULL;
		tty_file_close(t, tf);
		return err;
	}
	if (!(flags & TTY_OPEN_NOCTTY) && !(f->flags & O_NOCTTY) &&
	    !(t->driver->flags & TTY_DRIVER_PTY_MASTER))
		tty_open_ctty(t, f);
	return 0;

out_unlock:
	mutex_unlock(&t->open_lock);
	kfree(tf);
out_put:
	tty_put(t);
	return err;
}

/* The terminal that a device number names now: counted, or ERR_PTR. */
static struct tty *tty_by_dev(dev_t dev, unsigned *flags)
{
	struct tty_driver *d;
	struct tty *t;

	if (dev == MKDEV(5, 0)) {
		t = tty_current();
		*flags |= TTY_OPEN_NOCTTY;
		return t ? t : ERR_PTR(-ENXIO);
	}
	if (dev == MKDEV(5, 1)) {
		*flags |= TTY_OPEN_NOCTTY | TTY_OPEN_CONSOLE;
		t = tty_console();
		return t ? t : ERR_PTR(-ENODEV);
	}
	if (dev == MKDEV(4, 0)) {
		*flags |= TTY_OPEN_NOCTTY;
		t = tty_foreground_vt ? tty_foreground_vt() : NULL;
		return t ? t : ERR_PTR(-ENXIO);
	}
	d = tty_driver_find(dev);
	if (!d || (d->flags & TTY_DRIVER_NO_DEVNODE))
		return ERR_PTR(-ENXIO);
	t = tty_driver_get(d, MINOR(dev) - d->minor);
	return t ? t : ERR_PTR(-ENXIO);
}

static int tty_open(struct inode *inode, struct file *f)
{
	unsigned flags = 0;
	struct tty *t = tty_by_dev(inode->rdev, &flags);

	if (IS_ERR(t))
		return (int)PTR_ERR(t);
	return tty_open_file(t, inode, f, flags);
}

static void tty_release(struct inode *inode, struct file *f)
{
	struct tty_file *tf = f->private;

	if (tf)
		tty_file_close(tf->tty, tf);
}

/* --- read, write, poll ----------------------------------------------------------------------- */

static ssize_t tty_read(struct file *f, struct iov_iter *to, u64 *pos)
{
	struct tty *t = file_tty(f);
	const struct tty_ldisc_ops *ld;
	ssize_t r;

	do {
		if (tty_hung_up(f))
			return 0;
		ld = tty_ldisc_ref(t);
		if (!ld)
			return tty_hung_up(f) ? 0 : -EIO;
		r = ld->read(t, f, to);
		tty_ldisc_unref(t);
	} while (r == -ELDISC);
	return r;
}

/* One chunk through the line discipline, entering again after a change of it. */
static ssize_t write_chunk(struct tty *t, struct file *f, const u8 *p, size_t n)
{
	const struct tty_ldisc_ops *ld;
	ssize_t r;

	do {
		if (tty_hung_up(f) || READ_ONCE(t->io_error))
			return -EIO;
		ld = tty_ldisc_ref(t);
		if (!ld)
			return -EIO;
		r = ld->write(t, f, p, n);
		tty_ldisc_unref(t);
	} while (r == -ELDISC);
	return r;
}

static int lock_writer(struct tty *t, bool nonblock) __try_acquires(0, t->write_lock)
{
	if (mutex_trylock(&t->write_lock))
		return 0;
	if (nonblock)
		return -EAGAIN;
	return mutex_lock_interruptible(&t->write_lock) ? -ERESTARTSYS : 0;
}

static ssize_t tty_write(struct file *f, struct iov_iter *from, u64 *pos)
{
	struct tty *t = file_tty(f);
	u8 small[256], *buf = small;
	size_t size = sizeof(small);
	ssize_t done = 0, r;

	if (tty_hung_up(f))
		return -EIO;
	r = lock_writer(t, f->flags & O_NONBLOCK);
	if (r)
		return r;
	if (from->count > sizeof(small)) {
		buf = kmalloc(WRITE_CHUNK, GFP_KERNEL);
		if (buf)
			size = WRITE_CHUNK;
		else
			buf = small;
	}
	r = 0;
	while (from->count) {
		size_t want = min(size, from->count), n = iov_copy_from(from, buf, want);

		if (!n) {
			r = -EFAULT;
			break;
		}
		r = write_chunk(t, f, buf, n);
		if (r <= 0)
			break;
		done += r;
		if ((size_t)r < n)
			break;
		if (from->count && signal_pending()) {
			r = -ERESTARTSYS;
			break;
		}
		cond_resched();
	}
	mutex_unlock(&t->write_lock);
	/* A writer that polled in vain behind us can go on. */
	if (buf != small)
		kfree(buf);
	return done ? done : r;
}

static unsigned tty_poll(struct file *f, struct poll_table *pt)
{
	struct tty *t = file_tty(f);
	const struct tty_ldisc_ops *ld;
	unsigned m = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDNORM | EPOLLWRNORM;

	if (tty_hung_up(f))
		return m;
	ld = tty_ldisc_ref(t);
	if (!ld)
		return m;
	m = ld->poll ? ld->poll(t, f, pt) : 0;
	tty_ldisc_unref(t);
	return m;
}

/* No llseek: the file is a stream, and reads and writes of one description do not wait for each other. */
const struct file_ops tty_file_ops = {
	.open = tty_open,
	.release = tty_release,
	.read = tty_read,
	.write = tty_write,
	.poll = tty_poll,
	.ioctl = tty_ioctl,
};

/* --- the console ----------------------------------------------------------------------------- */

struct tty *(*tty_foreground_vt)(void);
bool tty_have_screen;

/* console=NAME[,options]: the last one on the command line, else a screen, else the first port. */
const char *tty_console_name(void)
{
	static char name[24];
	const char *v = boot_option("console");
	size_t n = 0;

	if (!v || !*v)
		return tty_have_screen ? "tty0" : "ttyS0";
	while (v[n] && v[n] != ',' && n < sizeof(name) - 1)
		n++;
	memcpy(name, v, n);
	name[n] = 0;
	return name;
}

struct tty *tty_console(void)
{
	const char *name = tty_console_name();
	struct tty *t;

	if (!strcmp(name, "tty0") || !strcmp(name, "tty"))
		t = tty_foreground_vt ? tty_foreground_vt() : NULL;
	else
		t = tty_find_by_name(name);
	if (IS_ERR_OR_NULL(t))
		t = tty_foreground_vt ? tty_foreground_vt() : NULL;
	return IS_ERR(t) ? NULL : t;
}

static int tty_init(void)
{
	int err = chrdev_register(5, 0, 2, "tty", &tty_file_ops);

	if (err)
		return err;
	tty_ldisc_register(&n_tty_ops);
	tty_jobctl_init();
	err = devtmpfs_create("tty", S_IFCHR | 0666, MKDEV(5, 0));
	if (err)
		return err;
	return devtmpfs_create("console", S_IFCHR | 0600, MKDEV(5, 1));
}
INITCALL(bus, tty_init);
