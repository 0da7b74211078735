/*
 * tmpfs files: reading, writing, holes; shared memory without a name (memfd_create, MAP_SHARED |
 * MAP_ANONYMOUS) on an internal instance.
 *
 * Seals (F_ADD_SEALS of fcntl(2)) only ever grow; they are checked under the inode's rwsem by
 * whatever they forbid (mmap: sys_mmap holds it until the mapping counts as writable).
 */
#include <alloc/slab.h>
#include <fs/mount.h>
#include <lib/string.h>
#include <log/panic.h>
#include <mm/vm.h>
#include <sched/thread.h>
#include <syscall/syscalls.h>
#include "tmpfs_priv.h"

#define FALLOC_FL_KEEP_SIZE  1
#define FALLOC_FL_PUNCH_HOLE 2
#define FALLOC_FL_ZERO_RANGE 16

static struct super_block *shm_sb; /* [I] after tmpfs_shm_init */

static ssize_t write(struct file *f, struct iov_iter *from, u64 *pos)
{
	ssize_t n = -EPERM;
	down_write(&f->inode->rwsem);
	u32 seals = TMPFS_I(f->inode)->seals;
	if (unlikely(seals)) {
		if (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
			goto out;
		u64 at = (f->flags | from->oflags) & O_APPEND ? f->inode->size : *pos;
		if ((seals & F_SEAL_GROW) && at + from->count > f->inode->size) {
			if (at >= f->inode->size)
				goto out;
			from->count = f->inode->size - at;
		}
	}
	n = generic_write_locked(f, from, pos);
out:
	up_write(&f->inode->rwsem);
	return n;
}

static s64 llseek(struct file *f, s64 off, int whence)
{
	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return generic_llseek(f, off, whence);
	u64 size = READ_ONCE(f->inode->size);
	if (off < 0 || (u64)off >= size)
		return -ENXIO;
	s64 at = mapping_seek(f->inode->mapping, (u64)off, size, whence == SEEK_DATA);
	if (at >= 0)
		f->pos = (u64)at;
	return at;
}

static int populate(struct inode *i, u64 start, u64 end)
{
	for (u64 at = ALIGN_DOWN(start, PAGE_SIZE); at < end; at += PAGE_SIZE) {
		struct page *p = mapping_get(i->mapping, at >> PAGE_SHIFT, MGET_CREATE);
		if (IS_ERR(p))
			return (int)PTR_ERR(p);
		page_put(p);
		if (signal_pending())
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static s64 fallocate(struct file *f, int mode, u64 off, u64 len)
{
	struct inode *i = f->inode;
	struct tmpfs_inode *t = TMPFS_I(i);
	s64 err = 0;
	u64 end = off + len;
	down_write(&i->rwsem);
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) {
		if (t->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) {
			err = -EPERM;
			goto out;
		}
		u64 size = i->size;
		if (off < size)
			mapping_punch(i->mapping, off, min(end, ALIGN_UP(size, PAGE_SIZE)));
		if (mode & FALLOC_FL_PUNCH_HOLE)
			goto done;
	}
	if (!(mode & FALLOC_FL_KEEP_SIZE) && end > i->size && (t->seals & F_SEAL_GROW)) {
		err = -EPERM;
		goto out;
	}
	err = populate(i, off, end);
	if (!err && !(mode & FALLOC_FL_KEEP_SIZE) && end > i->size)
		WRITE_ONCE(i->size, end);
done:
	if (!err)
		inode_touch_mtime(i);
out:
	up_write(&i->rwsem);
	return err;
}

static int fsync(struct file *f, u64 start, u64 end, bool datasync)
{
	return 0; /* memory is all there is */
}

static int mmap(struct file *f, struct vm_map *req)
{
	u32 seals = READ_ONCE(TMPFS_I(f->inode)->seals);
	if ((seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) && (req->flags & MAP_SHARED)) {
		if (req->prot & PROT_WRITE)
			return -EPERM;
		req->vm_flags &= ~VM_MAYWRITE;
	}
	return generic_mmap(f, req);
}

const struct file_ops tmpfs_file_ops = {.read = generic_read,
					.write = write,
					.llseek = llseek,
					.mmap = mmap,
					.fsync = fsync,
					.fallocate = fallocate};

/* ---- without a name ---- */

struct file *shmem_file(const char *name, u64 size, mode_t mode)
{
	struct inode *i = tmpfs_inode_new(shm_sb, NULL, S_IFREG | mode, 0);
	if (IS_ERR(i))
		return ERR_CAST(i);
	i->nlink = 0;
	i->size = size;
	TMPFS_I(i)->seals = F_SEAL_SEAL;
	if (inode_write_get(i)) {
		inode_put(i);
		return ERR_PTR(-ETXTBSY);
	}
	struct file *f = anon_file_inode(name, i, &tmpfs_file_ops, NULL, O_RDWR | O_LARGEFILE);
	return f;
}

static struct mapping *shared_anonymous(u64 size, struct file **file)
{
	struct file *f = shmem_file("/dev/zero (deleted)", size, 0666);
	if (IS_ERR(f))
		return ERR_CAST(f);
	*file = f;
	return f->inode->mapping;
}

#define MFD_CLOEXEC	  1u
#define MFD_ALLOW_SEALING 2u
#define MFD_NOEXEC_SEAL	  8u
#define MFD_EXEC	  16u
s64 sys_memfd_create(const char __user *uname, unsigned flags)
{
	char name[NAME_MAX + 24] = "/memfd:";
	if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING))
		return -EINVAL;
	ssize_t n = strncpy_in(name + 7, uname, NAME_MAX - 6 + 1);
	if (n < 0)
		return n == -ENAMETOOLONG ? -EINVAL : n;
	memcpy(name + 7 + n, " (deleted)", 11);
	struct file *f = shmem_file(name, 0, 0777);
	if (IS_ERR(f))
		return PTR_ERR(f);
	if (flags & MFD_ALLOW_SEALING)
		TMPFS_I(f->inode)->seals = 0;
	return fd_install_new(f, flags & MFD_CLOEXEC ? O_CLOEXEC : 0);
}

/* F_ADD_SEALS and F_GET_SEALS. */
s64 tmpfs_seals(struct file *f, bool add, u32 seals)
{
	struct inode *i = f->inode;
	if (f->ops != &tmpfs_file_ops)
		return -EINVAL;
	struct tmpfs_inode *t = TMPFS_I(i);
	if (!add)
		return READ_ONCE(t->seals);
	if (!(f->mode & FMODE_WRITE))
		return -EPERM;
	if (seals &
	    ~(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EINVAL;
	s64 err = 0;
	down_write(&i->rwsem);
	if (t->seals & F_SEAL_SEAL)
		err = -EPERM;
	else if ((seals & F_SEAL_WRITE) && !(t->seals & F_SEAL_WRITE) && i->mapping->writable_maps)
		err = -EBUSY;
	else
		t->seals |= seals;
	up_write(&i->rwsem);
	return err;
}

void tmpfs_shm_init(void)
{
	shm_sb = ramfs_instance();
	if (!shm_sb)
		panic("no memory for the shared-memory file system");
	shmem_mapping_hook = shared_anonymous;
}
