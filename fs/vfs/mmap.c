/*
 * mmap(2): from a descriptor and flags to a request for mm/vm. The checks are those of the manual page,
 * in Linux's order.
 */
#include <mm/vm.h>
#include <syscall/syscalls.h>
#include "vfs_priv.h"

/* What the file layer lets a mapping of f do; -EACCES, -EPERM, -ENODEV ... */
static int file_limits(struct file *f, struct vm_map *req)
{
	unsigned type = req->flags & MAP_TYPE;
	bool noexec = f->path.mnt && (f->path.mnt->flags & MS_NOEXEC);
	if (type == MAP_SHARED || type == MAP_SHARED_VALIDATE) {
		if ((req->prot & PROT_WRITE) && !(f->mode & FMODE_WRITE))
			return -EACCES;
		if ((req->prot & PROT_WRITE) && (f->flags & O_APPEND) && S_ISREG(f->inode->mode))
			return -EACCES;
		if (!(f->mode & FMODE_WRITE))
			req->vm_flags &= ~VM_MAYWRITE;
	}
	if (!(f->mode & FMODE_READ))
		return -EACCES;
	if (noexec) {
		if (req->prot & PROT_EXEC)
			return -EPERM;
		req->vm_flags &= ~VM_MAYEXEC;
	}
	if (!f->ops->mmap)
		return -ENODEV;
	return 0;
}

/* A shared writable mapping comes about with the inode's rwsem held, so that the look at a file's seals and
 * the count of its writable mappings go together. */
static s64 map_file(struct file *f, struct vm_map *req) __no_lock_check
{
	struct inode *i = f->inode;
	bool lock = (req->flags & MAP_TYPE) != MAP_PRIVATE && (req->vm_flags & VM_MAYWRITE) &&
		    S_ISREG(i->mode);
	if (lock)
		down_read(&i->rwsem);
	s64 ret = f->ops->mmap(f, req);
	if (!ret)
		ret = vm_mmap(current->mm, req);
	if (lock)
		up_read(&i->rwsem);
	return ret;
}

s64 sys_mmap(u64 addr, u64 len, u64 prot, u64 flags, u64 fd, u64 off)
{
	struct fdref r = {NULL, false};
	unsigned type = flags & MAP_TYPE;
	if (off & (PAGE_SIZE - 1))
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS)) {
		r = fdref_get((int)fd);
		if (!r.f)
			return -EBADF;
	}
	struct vm_map req = {
		.addr = addr,
		.len = ALIGN_UP(len, PAGE_SIZE),
		.prot = (u32)prot,
		.flags = (u32)flags,
		.pgoff = off >> PAGE_SHIFT,
		.vm_flags = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC,
		.file = r.f,
	};
	s64 ret = -EINVAL;
	if (!len)
		goto out;
	ret = -ENOMEM;
	if (!req.len)
		goto out;
	ret = -EOVERFLOW;
	if (req.pgoff + (req.len >> PAGE_SHIFT) < req.pgoff)
		goto out;
	/* Beyond what the file could ever hold. */
	if (r.f && S_ISREG(r.f->inode->mode) &&
	    (req.len > r.f->inode->sb->max_size || off > r.f->inode->sb->max_size - req.len))
		goto out;
	ret = -EINVAL;
	if (type != MAP_SHARED && type != MAP_PRIVATE && type != MAP_SHARED_VALIDATE)
		goto out;
	if (type == MAP_SHARED_VALIDATE) {
		ret = -EOPNOTSUPP;
		if (flags & ~(u64)(MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT |
				   MAP_GROWSDOWN | MAP_DENYWRITE | MAP_EXECUTABLE | MAP_LOCKED |
				   MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK |
				   MAP_HUGETLB | MAP_FIXED_NOREPLACE))
			goto out;
		req.flags = (req.flags & ~(u32)MAP_TYPE) | MAP_SHARED;
	}
	if (r.f) {
		ret = file_limits(r.f, &req);
		if (!ret)
			ret = map_file(r.f, &req);
	} else {
		ret = vm_mmap(current->mm, &req);
	}
out:
	fdref_put(r);
	return ret;
}
