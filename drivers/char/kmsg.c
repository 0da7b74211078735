/* /dev/kmsg: the kernel log as records, one per read, and a way for programs to add to it.
 *
 * Each open file has a cursor [its mutex]. printk may run with any lock held, so it does not wake readers itself: it
 * leaves that to an irq_work, and only when somebody waits.
 * Source: the ABI as `dmesg` and the log daemons use it. */
#include <alloc/slab.h>
#include <arch/irq_work.h>
#include <fs/poll.h>
#include <lib/string.h>
#include <log/printk.h>
#include <mm/iov.h>
#include <sched/cred.h>
#include <sched/lock.h>
#include "char_priv.h"

#define RECORD_MAX 1280 /* text of a record as delivered, with its prefix */
#define WRITE_MAX  992

struct kmsg_reader {
	mutex_t lock;
	struct log_cursor cursor; /* [lock] */
	char text[RECORD_MAX];	  /* [lock] */
};

static DEFINE_WAIT_QUEUE(kmsg_wait);

static void wake_readers(struct irq_work *w)
{
	wake_up_interruptible_all(&kmsg_wait);
}
static struct irq_work wake_work = IRQ_WORK_INIT(wake_readers);

static void record_added(void)
{
	if (wait_queue_active(&kmsg_wait))
		irq_work_queue(&wake_work);
}

void kmsg_init(void)
{
	static struct log_wake_hook hook = {.fn = record_added};

	log_add_wake_hook(&hook);
}

static int kmsg_open(struct inode *i, struct file *f)
{
	if (!(f->mode & FMODE_READ))
		return 0;
	if (!capable(CAP_SYSLOG) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	struct kmsg_reader *r = kzalloc(sizeof(*r), GFP_KERNEL);
	if (!r)
		return -ENOMEM;
	mutex_init(&r->lock);
	r->cursor.seq = log_first_seq();
	f->private = r;
	return 0;
}

static void kmsg_release(struct inode *i, struct file *f)
{
	kfree(f->private);
}

/* -EPIPE once when records were lost: then the cursor stands on the oldest kept one. */
static ssize_t read_locked(struct kmsg_reader *r, struct iov_iter *to)
{
	u64 first = log_first_seq();
	struct log_record hdr;
	struct log_cursor c;

	if (r->cursor.seq < first) {
		r->cursor.seq = first;
		return -EPIPE;
	}
	c = r->cursor;
	size_t n = log_read(&c, &hdr, r->text, sizeof(r->text));
	if (!n)
		return -EAGAIN;
	if (n > to->count)
		return -EINVAL;
	if (iov_copy_to(to, r->text, n) != n)
		return -EFAULT;
	r->cursor = c;
	return n;
}

static ssize_t kmsg_read(struct file *f, struct iov_iter *to, u64 *pos)
{
	struct kmsg_reader *r = f->private;

	if (!r)
		return -EBADF;
	for (;;) {
		int err = mutex_lock_interruptible(&r->lock);
		if (err)
			return -ERESTARTSYS;
		ssize_t n = read_locked(r, to);
		u64 next = r->cursor.seq;
		mutex_unlock(&r->lock);
		if (n != -EAGAIN || (f->flags & O_NONBLOCK))
			return n;
		err = wait_event_interruptible(&kmsg_wait, log_next_seq() > next);
		if (err)
			return -ERESTARTSYS;
	}
}

/* "<prio>text": the level is prio's low three bits; without it KERN_WARNING's default for user messages: 4. */
static ssize_t kmsg_write(struct file *f, struct iov_iter *from, u64 *pos)
{
	char line[WRITE_MAX + 1], *text = line;
	size_t n = from->count;
	enum log_level level = LOG_WARNING;

	if (n > WRITE_MAX)
		return -EINVAL;
	if (iov_copy_from(from, line, n) != n)
		return -EFAULT;
	line[n] = 0;
	if (line[0] == '<') {
		unsigned v = 0;
		char *p = line + 1;
		while (*p >= '0' && *p <= '9' && v < 1000)
			v = v * 10 + (*p++ - '0');
		if (*p == '>' && p > line + 1) {
			level = v & 7;
			text = p + 1;
		}
	}
	size_t len = strlen(text);
	while (len && text[len - 1] == '\n')
		text[--len] = 0;
	printk(level, "%s", text);
	return n;
}

static s64 kmsg_llseek(struct file *f, s64 off, int whence)
{
	struct kmsg_reader *r = f->private;
	u64 seq;

	if (!r)
		return -EBADF;
	if (off)
		return -ESPIPE;
	switch (whence) {
	case SEEK_SET:
		seq = log_first_seq();
		break;
	case SEEK_DATA: /* behind the last SYSLOG_ACTION_CLEAR */
		seq = log_clear_seq;
		break;
	case SEEK_END:
		seq = log_next_seq();
		break;
	default:
		return -EINVAL;
	}
	mutex_lock(&r->lock);
	r->cursor.seq = seq;
	mutex_unlock(&r->lock);
	return 0;
}

static unsigned kmsg_poll(struct file *f, struct poll_table *t)
{
	struct kmsg_reader *r = f->private;
	unsigned mask = EPOLLOUT | EPOLLWRNORM;

	if (!r)
		return mask;
	poll_wait(f, &kmsg_wait, t);
	mutex_lock(&r->lock);
	u64 seq = r->cursor.seq;
	mutex_unlock(&r->lock);
	if (log_next_seq() > seq)
		mask |= EPOLLIN | EPOLLRDNORM;
	if (seq < log_first_seq())
		mask |= EPOLLERR | EPOLLPRI;
	return mask;
}

const struct file_ops kmsg_fops = {
	.open = kmsg_open,
	.release = kmsg_release,
	.read = kmsg_read,
	.write = kmsg_write,
	.llseek = kmsg_llseek,
	.poll = kmsg_poll,
};
