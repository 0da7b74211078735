/* /dev/null, /dev/zero, /dev/full (null(4), full(4)), and the registration of major 1. No state, no locks. */
#include <fs/dev.h>
#include <fs/poll.h>
#include <init/initcall.h>
#include <log/printk.h>
#include <mm/iov.h>
#include <mm/vm.h>
#include <sched/thread.h>
#include "char_priv.h"

static ssize_t null_read(struct file *f, struct iov_iter *to, u64 *pos)
{
	return 0;
}

static ssize_t null_write(struct file *f, struct iov_iter *from, u64 *pos)
{
	size_t n = from->count;

	iov_advance(from, n);
	return n;
}

static ssize_t zero_read(struct file *f, struct iov_iter *to, u64 *pos)
{
	size_t done = 0;

	while (to->count) {
		size_t n = min_t(size_t, to->count, 64 * KiB);
		size_t k = iov_zero(to, n);
		done += k;
		if (k < n)
			return done ? (ssize_t)done : -EFAULT;
		if (signal_pending())
			break; /* a huge read ends early rather than making the signal wait */
		cond_resched();
	}
	return done;
}

static ssize_t full_write(struct file *f, struct iov_iter *from, u64 *pos)
{
	return -ENOSPC;
}

/* Seeking succeeds and changes nothing. */
static s64 null_llseek(struct file *f, s64 off, int whence)
{
	f->pos = 0;
	return 0;
}

/* A private mapping of zeros is anonymous memory; a shared one is a nameless shared-memory object. */
static int zero_mmap(struct file *f, struct vm_map *req)
{
	req->mapping = NULL;
	req->file = NULL;
	if (!(req->flags & MAP_SHARED))
		return 0;
	if (!shmem_mapping_hook)
		return -ENODEV;
	struct file *object = NULL;
	struct mapping *m = shmem_mapping_hook(req->len, &object);
	if (IS_ERR(m))
		return PTR_ERR(m);
	req->mapping = m;
	req->file = object;
	req->pgoff = 0;
	return 0;
}

static unsigned always_ready(struct file *f, struct poll_table *t)
{
	return EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM;
}

static const struct file_ops null_fops = {
	.read = null_read, .write = null_write, .llseek = null_llseek, .poll = always_ready};
static const struct file_ops zero_fops = {.read = zero_read,
					  .write = null_write,
					  .llseek = null_llseek,
					  .mmap = zero_mmap,
					  .poll = always_ready};
static const struct file_ops full_fops = {
	.read = zero_read, .write = full_write, .llseek = null_llseek, .poll = always_ready};

static const struct {
	const char *name;
	unsigned minor;
	mode_t mode;
	const struct file_ops *fops;
} devices[] = {
	{"null", MEM_NULL, 0666, &null_fops},	       {"zero", MEM_ZERO, 0666, &zero_fops},
	{"full", MEM_FULL, 0666, &full_fops},	       {"random", MEM_RANDOM, 0666, &random_fops},
	{"urandom", MEM_URANDOM, 0666, &urandom_fops}, {"kmsg", MEM_KMSG, 0644, &kmsg_fops},
};

static int mem_init_devices(void)
{
	int first = 0;

	kmsg_init();
	for (unsigned i = 0; i < ARRAY_SIZE(devices); i++) {
		int err = chrdev_register(MEM_MAJOR, devices[i].minor, 1, devices[i].name,
					  devices[i].fops);
		if (!err)
			err = devtmpfs_create(devices[i].name, S_IFCHR | devices[i].mode,
					      MKDEV(MEM_MAJOR, devices[i].minor));
		if (err) {
			pr_err("/dev/%s: %d", devices[i].name, err);
			first = first ? first : err;
		}
	}
	return first;
}
INITCALL(driver, mem_init_devices);
