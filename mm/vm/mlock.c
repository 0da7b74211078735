/* mlock(2) and its family, msync(2), mincore(2).
 *
 * Locked memory is faulted in and, mapped pages not being reclaimed, stays. VM_LOCKED on a VMA counts all its
 * pages in mm->locked_vm; mm->def_flags makes future mappings locked (MCL_FUTURE).
 * Locks: mm->lock, for writing where flags change. Process context. */
#include <alloc/slab.h>
#include <arch/uaccess.h>
#include <sched/thread.h>
#include <syscall/syscalls.h>
#include <uapi/resource.h>
#include "vm_priv.h"

#define MLOCK_ONFAULT 1

/* Set or clear the lock flags in [start, end); -ENOMEM for holes, after what could be done was done. */
static int set_lock_flags(struct mm *mm, u64 start, u64 end, u32 lock)
{
	struct vma *v = vma_find(mm, start);
	int err = 0;

	while (start < end && !err) {
		if (!v || v->start > start)
			return -ENOMEM;
		if (!(v->flags & VM_PFNMAP))
			err = vma_change_flags(&v, start, end,
					       (v->flags & ~(VM_LOCKED | VM_LOCKONFAULT)) | lock);
		start = v->end;
		v = vma_next(v);
	}
	return err;
}

static u64 locked_in(struct mm *mm, u64 start, u64 end)
{
	u64 n = 0;

	for (struct vma *v = vma_find(mm, start); v && v->start < end; v = vma_next(v))
		if (v->flags & VM_LOCKED)
			n += (min(v->end, end) - max(v->start, start)) >> PAGE_SHIFT;
	return n;
}

/* What mlock(2) says when faulting in failed. */
static int lock_error(int err)
{
	if (err == -EFAULT)
		return -ENOMEM;
	return err == -ENOMEM ? -EAGAIN : err;
}

static s64 do_mlock(u64 start, u64 len, u32 lock)
{
	struct mm *mm = current->mm;
	u64 limit = mm->rlim_memlock >> PAGE_SHIFT, pages, end;
	int err = -ENOMEM;

	if (!vm_can_mlock(mm))
		return -EPERM;
	len = ALIGN_UP(len + (start & ~PAGE_MASK), PAGE_SIZE);
	start &= PAGE_MASK;
	end = start + len;
	if (end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	if (down_write_killable(&mm->lock))
		return -EINTR;
	pages = mm->locked_vm + (len >> PAGE_SHIFT);
	if (pages > limit && !capable(CAP_IPC_LOCK))
		pages -= locked_in(mm, start, end);
	if (pages <= limit || capable(CAP_IPC_LOCK))
		err = set_lock_flags(mm, start, end, lock);
	up_write(&mm->lock);
	if (err || lock & VM_LOCKONFAULT)
		return err;
	return lock_error(vm_populate(mm, start, len));
}

s64 sys_mlock(u64 addr, u64 len)
{
	return do_mlock(addr, len, VM_LOCKED);
}

s64 sys_mlock2(u64 addr, u64 len, int flags)
{
	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	return do_mlock(addr, len, VM_LOCKED | (flags & MLOCK_ONFAULT ? VM_LOCKONFAULT : 0));
}

s64 sys_munlock(u64 start, u64 len)
{
	struct mm *mm = current->mm;
	u64 end;
	int err;

	len = ALIGN_UP(len + (start & ~PAGE_MASK), PAGE_SIZE);
	start &= PAGE_MASK;
	end = start + len;
	if (end < start)
		return -EINVAL;
	if (down_write_killable(&mm->lock))
		return -EINTR;
	err = set_lock_flags(mm, start, end, 0);
	up_write(&mm->lock);
	return err;
}

/* Every VMA, whatever lies between. */
static void lock_all(struct mm *mm, u32 lock)
{
	struct vma *v = vma_find(mm, 0);

	while (v) {
		u64 end = v->end;

		if (!(v->flags & VM_PFNMAP) &&
		    vma_change_flags(&v, v->start, end,
				     (v->flags & ~(VM_LOCKED | VM_LOCKONFAULT)) | lock))
			break;
		v = vma_find(mm, end);
	}
}

s64 sys_mlockall(int flags)
{
	struct mm *mm = current->mm;
	u32 lock = VM_LOCKED | (flags & MCL_ONFAULT ? VM_LOCKONFAULT : 0);
	int err = -ENOMEM;

	if (!flags || flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || flags == MCL_ONFAULT)
		return -EINVAL;
	if (!vm_can_mlock(mm))
		return -EPERM;
	if (down_write_killable(&mm->lock))
		return -EINTR;
	if (!(flags & MCL_CURRENT) || mm->total_vm <= mm->rlim_memlock >> PAGE_SHIFT ||
	    capable(CAP_IPC_LOCK)) {
		mm->def_flags = flags & MCL_FUTURE ? lock : 0;
		if (flags & MCL_CURRENT)
			lock_all(mm, lock);
		err = 0;
	}
	up_write(&mm->lock);
	if (!err && flags & MCL_CURRENT && !(flags & MCL_ONFAULT)) {
		struct vma *v;

		/* VMA by VMA: the space between is wide. What does not come in now comes later. */
		for (u64 at = 0;;) {
			u64 start = 0, len = 0;

			down_read(&mm->lock);
			v = vma_find(mm, at);
			if (v) {
				start = v->start;
				len = v->end - v->start;
			}
			up_read(&mm->lock);
			if (!v)
				break;
			(void)vm_populate(mm, start, len);
			at = start + len;
		}
	}
	return err;
}

s64 sys_munlockall(void)
{
	struct mm *mm = current->mm;

	if (down_write_killable(&mm->lock))
		return -EINTR;
	mm->def_flags = 0;
	lock_all(mm, 0);
	up_write(&mm->lock);
	return 0;
}

/* --- msync --- */

/* Write out what [start, end) shows of v's file. Called with mm->lock read; returns without it. */
static int sync_vma(struct mm *mm, struct vma *v, u64 start, u64 end) __releases_shared(mm->lock)
{
	struct mapping *m = v->mapping;
	struct file *f = v->file;
	u64 from = vma_pgoff_of(v, start) << PAGE_SHIFT;
	int err;

	vm_file_get(f); /* keeps the mapping */
	up_read(&mm->lock);
	err = mapping_sync(m, from, from + (end - start));
	vm_file_put(f);
	return err;
}

s64 sys_msync(u64 start, u64 len, int flags)
{
	struct mm *mm = current->mm;
	u64 end = start + ALIGN_UP(len, PAGE_SIZE), stop;
	struct vma *v;
	int err = 0, hole = 0;

	if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || start & ~PAGE_MASK ||
	    (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
		return -EINVAL;
	if (end < start)
		return -ENOMEM;
	while (start < end && !err) {
		down_read(&mm->lock);
		v = vma_find(mm, start);
		if (!v || v->start >= end) {
			up_read(&mm->lock);
			return -ENOMEM;
		}
		if (v->start > start) {
			hole = -ENOMEM;
			start = v->start;
		}
		stop = min(end, v->end);
		if (flags & MS_INVALIDATE && v->flags & VM_LOCKED) {
			err = -EBUSY;
			up_read(&mm->lock);
		} else if (flags & MS_SYNC && v->flags & VM_SHARED && v->file && v->mapping) {
			err = sync_vma(mm, v, start, stop);
		} else {
			up_read(&mm->lock);
		}
		start = stop;
	}
	return err ? err : hole;
}

/* --- mincore --- */

static u8 page_resident(struct vma *v, u64 addr)
{
	pte_t *pte = pt_find(v->mm, addr);
	struct page *p;
	u8 in;

	if (pte && pte_mapped(pte_read(pte)))
		return 1;
	if (!v->mapping)
		return 0;
	p = mapping_find(v->mapping, vma_pgoff_of(v, addr));
	if (!p)
		return 0;
	in = page_uptodate(p);
	page_put(p);
	return in;
}

s64 sys_mincore(u64 start, u64 len, u8 __user *vec)
{
	u64 end = start + ALIGN_UP(len, PAGE_SIZE), n;
	struct mm *mm = current->mm;
	struct vma *v = NULL;
	u8 out[256];
	int err = 0;

	if (start & ~PAGE_MASK)
		return -EINVAL;
	if (!access_ok(u64_to_user(start), len) || end < start)
		return -ENOMEM;
	if (!access_ok(vec, (end - start) >> PAGE_SHIFT))
		return -EFAULT;
	while (start < end && !err) {
		down_read(&mm->lock);
		for (n = 0; n < sizeof(out) && start < end; n++, start += PAGE_SIZE) {
			if (!n || start >= v->end)
				v = vma_at(mm, start);
			if (!v) {
				err = -ENOMEM;
				break;
			}
			out[n] = page_resident(v, start);
		}
		up_read(&mm->lock);
		if (copy_out(vec, out, n))
			return -EFAULT;
		vec += n;
	}
	return err;
}
