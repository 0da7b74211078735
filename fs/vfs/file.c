/*
 * Open files: struct file, its last put, files without a name, kernel reads and writes.
 *
 * A file is counted by descriptors, VMAs, messages in flight and calls in progress. The last put runs
 * flush-like work that may sleep: from atomic context, and while current holds its address space for
 * writing (munmap), it is put off to a work queue. Memory goes
 * through RCU, because fd lookups try for a reference without a lock.
 */
#include <alloc/slab.h>
#include <log/panic.h>
#include <mm/vm.h>
#include <sched/workqueue.h>
#include "vfs_priv.h"

struct slab_cache *file_cache;
static atomic64_t nr_files;

struct file *file_alloc(void)
{
	struct file *f = slab_alloc(file_cache, GFP_KERNEL | GFP_ZERO);
	if (!f)
		return NULL;
	ref_init(&f->ref, 1);
	mutex_init(&f->pos_lock);
	list_init(&f->epoll);
	f->cred = cred_get(current_cred());
	atomic_inc(&nr_files);
	return f;
}

static void file_free_rcu(struct rcu_head *h)
{
	slab_free(file_cache, container_of(h, struct file, rcu));
}

void file_free(struct file *f)
{
	cred_put(f->cred);
	if (f->owner)
		kfree_rcu(f->owner, rcu);
	atomic_dec(&nr_files);
	call_rcu(&f->rcu, file_free_rcu);
}

static void file_release(struct file *f)
{
	struct inode *i = f->inode;
	if (!(f->mode & FMODE_PATH)) {
		if (unlikely(i->locks))
			locks_remove_file(f);
		if (unlikely(f->flags & O_ASYNC) && f->ops->fasync)
			(void)f->ops->fasync(f, false);
		if (f->ops->release)
			f->ops->release(i, f);
		if ((f->mode & FMODE_WRITE) && (S_ISREG(i->mode) || S_ISBLK(i->mode))) {
			inode_write_put(i);
			mount_write_put(f->path.mnt);
		}
		if (f->mode & FMODE_EXEC)
			file_allow_write(f);
	}
	path_put(&f->path);
	file_free(f);
}

/* ---- putting off ---- */

static DEFINE_SPINLOCK(late_lock);
static struct rcu_head *late_list; /* [late_lock] linked through file.rcu.next */
static struct work late_work;

static void run_late(struct work *w)
{
	unsigned long fl;
	spin_lock_irqsave(&late_lock, fl);
	struct rcu_head *h = late_list;
	late_list = NULL;
	spin_unlock_irqrestore(&late_lock, fl);
	while (h) {
		struct file *f = container_of(h, struct file, rcu);
		h = h->next;
		file_release(f);
	}
}

void file_put(struct file *f)
{
	if (likely(!ref_put(&f->ref)))
		return;
	struct mm *mm = current->mm;
	if (likely(!in_atomic() && !(mm && mm->lock.owner == current))) {
		file_release(f);
		return;
	}
	unsigned long fl;
	spin_lock_irqsave(&late_lock, fl);
	f->rcu.next = late_list;
	late_list = &f->rcu;
	spin_unlock_irqrestore(&late_lock, fl);
	(void)work_queue(&late_work);
}

/* ---- files without a name ---- */

static struct super_block *anon_sb;
static struct inode *anon_inode; /* shared by all that need none of their own */

static const struct fs_type anon_type = {.name = "anon_inodefs", .flags = FS_NODEV};

struct super_block *anon_super(void)
{
	return anon_sb;
}

/* Consumes i's reference. */
struct file *anon_file_inode(const char *name, struct inode *i, const struct file_ops *ops,
			     void *priv, int flags)
{
	struct file *f = file_alloc();
	struct dentry *d = f ? dentry_alloc(NULL, i->sb, name, strlen(name), 0) : NULL;
	if (!d) {
		if (f)
			file_free(f);
		inode_put(i);
		return ERR_PTR(-ENOMEM);
	}
	d->flags |= DENTRY_ANON;
	dentry_instantiate(d, i);
	f->path.dentry = d;
	f->inode = i;
	f->ops = ops;
	f->private = priv;
	f->flags = (u32)flags & ~(u32)O_CLOEXEC;
	unsigned acc = (unsigned)flags & O_ACCMODE;
	f->mode = acc == O_RDWR	    ? FMODE_READ | FMODE_WRITE
		  : acc == O_WRONLY ? FMODE_WRITE
				    : FMODE_READ;
	f->mode |= ops->llseek ? FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE : FMODE_STREAM;
	return f;
}

struct file *anon_file(const char *name, const struct file_ops *ops, void *priv, int flags)
{
	inode_get(anon_inode);
	return anon_file_inode(name, anon_inode, ops, priv, flags);
}

/* ---- reads and writes by the kernel ---- */

ssize_t file_read_kernel(struct file *f, void *buf, size_t n, u64 pos)
{
	struct iov_iter it;
	if (!(f->mode & FMODE_READ))
		return -EBADF;
	if (!f->ops->read)
		return -EINVAL;
	iov_kernel(&it, buf, n);
	return f->ops->read(f, &it, &pos);
}

ssize_t file_write_kernel(struct file *f, const void *buf, size_t n, u64 pos)
{
	struct iov_iter it;
	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if (!f->ops->write)
		return -EINVAL;
	iov_kernel(&it, (void *)buf, n);
	return f->ops->write(f, &it, &pos);
}

u64 file_count(void)
{
	return (u64)atomic_read(&nr_files);
}

static void vm_get(struct file *f)
{
	file_get(f);
}
static const struct vm_file_ops vm_ops = {.get = vm_get, .put = file_put};

void file_init(void)
{
	static const struct super_ops none;
	file_cache = slab_cache_create("file", sizeof(struct file), 0, SLAB_PANIC, NULL);
	work_init(&late_work, run_late);
	vm_set_file_ops(&vm_ops);
	anon_sb = super_new(&anon_type, 0);
	if (anon_sb) {
		anon_sb->ops = &none;
		anon_inode = inode_new(anon_sb);
	}
	if (!anon_inode)
		panic("no memory for the first inode");
	anon_inode->ino = inode_next_ino();
	anon_inode->mode = 0600;
}
