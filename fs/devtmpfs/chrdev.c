/*
 * Character devices by number: major -> ordered ranges of minors -> file operations.
 *
 * A radix tree by major holds a sorted array of ranges (replaced whole, freed through RCU), so opening
 * a node is a tree lookup and a binary search. Lock: chrdev_lock for registration. Registrations live
 * as long as the kernel.
 */
#include <alloc/slab.h>
#include <fs/dev.h>
#include <fs/procfs.h>
#include <init/initcall.h>
#include <lib/radix.h>
#include <lib/string.h>
#include <sched/lock.h>
#include <sync/rcu.h>

struct range {
	u32 first, last; /* minors, inclusive */
	const char *name;
	const struct file_ops *ops;
};
struct major {
	struct rcu_head rcu;
	u32 n;
	struct range r[]; /* [I] sorted by first, disjoint */
};

static DEFINE_MUTEX(chrdev_lock);
static struct radix_tree majors; /* [chrdev_lock] readers under RCU; zero is a valid empty tree */

/* Index of the first range whose last minor is not below minor. */
static u32 search(const struct major *m, u32 minor)
{
	u32 lo = 0, hi = m->n;
	while (lo < hi) {
		u32 mid = (lo + hi) / 2;
		if (m->r[mid].last < minor)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct major *with_range(const struct major *old, const struct range *r)
{
	u32 n = old ? old->n : 0, at = old ? search(old, r->first) : 0;
	if (at < n && old->r[at].first <= r->last)
		return ERR_PTR(-EBUSY);
	struct major *m = kmalloc(sizeof(*m) + (n + 1) * sizeof(*r), GFP_KERNEL);
	if (!m)
		return ERR_PTR(-ENOMEM);
	m->n = n + 1;
	if (at)
		memcpy(m->r, old->r, at * sizeof(*r));
	m->r[at] = *r;
	if (n > at)
		memcpy(m->r + at + 1, old->r + at, (n - at) * sizeof(*r));
	return m;
}

int chrdev_register(unsigned major, unsigned minor, unsigned count, const char *name,
		    const struct file_ops *ops)
{
	if (!count || major > 0xfff || minor > 0xfffff || count > 0x100000 - minor)
		return -EINVAL;
	struct range r = {minor, minor + count - 1, name, ops};
	int err = 0;
	mutex_lock(&chrdev_lock);
	struct major *old = radix_lookup(&majors, major), *m = with_range(old, &r);
	if (IS_ERR(m)) {
		err = (int)PTR_ERR(m);
	} else if (old) {
		(void)radix_replace(&majors, major, m);
		kfree_rcu(old, rcu);
	} else {
		err = radix_insert(&majors, major, m);
		if (err)
			kfree(m);
	}
	mutex_unlock(&chrdev_lock);
	return err;
}

static const struct file_ops *find(dev_t dev)
{
	const struct file_ops *ops = NULL;
	rcu_read_lock();
	const struct major *m = radix_lookup(&majors, MAJOR(dev));
	if (m) {
		u32 at = search(m, MINOR(dev));
		if (at < m->n && m->r[at].first <= MINOR(dev))
			ops = m->r[at].ops;
	}
	rcu_read_unlock();
	return ops;
}

/* From here on the file belongs to the device's operations. */
static int chrdev_open(struct inode *i, struct file *f)
{
	const struct file_ops *ops = find(i->rdev);
	if (!ops)
		return -ENXIO;
	f->ops = ops;
	if (ops->llseek)
		f->mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	return ops->open ? ops->open(i, f) : 0;
}

const struct file_ops chrdev_fops = {.open = chrdev_open};

/* /proc/devices */
static int show_devices(struct seq *s, void *arg)
{
	seq_puts(s, "Character devices:\n");
	mutex_lock(&chrdev_lock);
	unsigned long n = 0;
	for (struct major *m; (m = radix_next(&majors, &n)); n++) {
		const char *last = NULL;
		for (u32 k = 0; k < m->n; k++) {
			if (!last || strcmp(last, m->r[k].name))
				seq_printf(s, "%3lu %s\n", n, m->r[k].name);
			last = m->r[k].name;
		}
	}
	mutex_unlock(&chrdev_lock);
	seq_puts(s, "\nBlock devices:\n");
	return 0;
}

static int chrdev_late(void)
{
	return proc_create("devices", 0444, show_devices, NULL, NULL);
}
INITCALL(late, chrdev_late);
