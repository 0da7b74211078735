/* getrandom(2), /dev/random and /dev/urandom (random(4)) over the generators of kernel/log/random.c.
 *
 * Waiting for the first 256 bits: a machine without a hardware generator is stirred between timer interrupts, whose
 * moments are the entropy, so waiting always ends. */
#include <arch/uaccess.h>
#include <fs/poll.h>
#include <lib/chacha20.h>
#include <lib/string.h>
#include <log/random.h>
#include <mm/iov.h>
#include <sched/cred.h>
#include <sched/thread.h>
#include <syscall/syscalls.h>
#include "char_priv.h"

#define GRND_NONBLOCK 1u
#define GRND_RANDOM   2u
#define GRND_INSECURE 4u

/* ioctl numbers of random(4). */
#define RNDGETENTCNT   0x80045200u
#define RNDADDTOENTCNT 0x40045201u
#define RNDADDENTROPY  0x40085203u
#define RNDZAPENTCNT   0x5204u
#define RNDCLEARPOOL   0x5206u
#define RNDRESEEDCRNG  0x5207u

/* 0, -EAGAIN, -ERESTARTSYS. */
static int wait_ready(bool nonblock)
{
	while (!random_stir()) {
		if (nonblock)
			return -EAGAIN;
		set_current_state(T_INTERRUPTIBLE);
		schedule_timeout(NSEC_PER_MSEC);
		if (signal_pending())
			return random_ready() ? 0 : -ERESTARTSYS;
	}
	return 0;
}

/* At most 256 bytes come without interruption; more may be cut short by a signal (getrandom(2)). */
static ssize_t fill(struct iov_iter *to)
{
	u8 block[CHACHA20_BLOCK];
	u32 state[16];
	size_t done = 0;

	random_begin(state);
	while (to->count) {
		size_t n = min_t(size_t, to->count, sizeof(block));
		chacha20_block(state, block);
		size_t k = iov_copy_to(to, block, n);
		done += k;
		if (k < n)
			break;
		if (done % PAGE_SIZE == 0) {
			if (signal_pending())
				break;
			cond_resched();
		}
	}
	memset(block, 0, sizeof(block));
	random_end(state);
	return done || !to->count ? (ssize_t)done : -EFAULT;
}

s64 sys_getrandom(void __user *buf, size_t n, unsigned flags)
{
	struct iov_iter it;

	if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) ||
	    (flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	n = min_t(size_t, n, MAX_RW_COUNT);
	if (!(flags & GRND_INSECURE)) {
		int err = wait_ready(flags & GRND_NONBLOCK);
		if (err)
			return err;
	}
	if (!access_ok(buf, n))
		return -EFAULT;
	iov_user(&it, buf, n);
	return fill(&it);
}

static ssize_t random_read(struct file *f, struct iov_iter *to, u64 *pos)
{
	int err = to->count ? wait_ready(f->flags & O_NONBLOCK) : 0;

	return err ? err : fill(to);
}

static ssize_t urandom_read(struct file *f, struct iov_iter *to, u64 *pos)
{
	(void)random_stir();
	return fill(to);
}

/* What is written is mixed in; it counts for nothing. */
static ssize_t random_write(struct file *f, struct iov_iter *from, u64 *pos)
{
	u8 chunk[64];
	size_t done = 0;

	while (from->count) {
		size_t n = min_t(size_t, from->count, sizeof(chunk));
		size_t k = iov_copy_from(from, chunk, n);
		random_add(chunk, k, 0);
		done += k;
		if (k < n)
			return done ? (ssize_t)done : -EFAULT;
		if (done % PAGE_SIZE == 0) {
			if (signal_pending())
				break;
			cond_resched();
		}
	}
	return done;
}

static s64 add_entropy(const int __user *arg)
{
	int head[2]; /* bits claimed, bytes that follow */
	struct iov_iter it;

	if (copy_in(head, arg, sizeof(head)))
		return -EFAULT;
	if (head[0] < 0 || head[1] < 0)
		return -EINVAL;
	iov_user(&it, (void __user *)(arg + 2), head[1]);
	ssize_t n = random_write(NULL, &it, NULL);
	if (n < 0)
		return n;
	if (n != head[1])
		return -EINTR;
	random_add(NULL, 0, min_t(unsigned, head[0], (unsigned)n * 8));
	return 0;
}

static s64 random_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	int __user *p = u64_to_user(arg);
	int v;

	switch (cmd) {
	case RNDGETENTCNT:
		v = random_entropy_bits();
		return put_user(v, p);
	case RNDADDTOENTCNT:
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		if (get_user(v, p))
			return -EFAULT;
		if (v < 0)
			return -EINVAL;
		random_add(NULL, 0, v);
		return 0;
	case RNDADDENTROPY:
		return capable(CAP_SYS_ADMIN) ? add_entropy(p) : -EPERM;
	case RNDZAPENTCNT:
	case RNDCLEARPOOL:
		/* The pool never forgets: nothing to do, as the caller may. */
		return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
	case RNDRESEEDCRNG:
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		if (!random_ready())
			return -ENODATA;
		random_reseed();
		return 0;
	default:
		return -ENOIOCTLCMD;
	}
}

static s64 random_llseek(struct file *f, s64 off, int whence)
{
	return 0;
}

static unsigned random_poll(struct file *f, struct poll_table *t)
{
	return (random_stir() ? EPOLLIN | EPOLLRDNORM : 0) | EPOLLOUT | EPOLLWRNORM;
}

const struct file_ops random_fops = {
	.read = random_read,
	.write = random_write,
	.llseek = random_llseek,
	.ioctl = random_ioctl,
	.poll = random_poll,
};
const struct file_ops urandom_fops = {
	.read = urandom_read,
	.write = random_write,
	.llseek = random_llseek,
	.ioctl = random_ioctl,
};
