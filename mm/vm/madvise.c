/* madvise(2): advice that changes VMAs (flags, under the write lock) and advice that acts on pages (under the
 * read lock, so that other threads go on faulting).
 *
 * MADV_FREE discards at once, which its contract allows. MADV_COLD and MADV_PAGEOUT are checked and
 * otherwise hints that nothing follows yet but the age of file pages. KSM and memory failure injection do not
 * exist here: their advice is invalid, as on a Linux built without them. */
#include <arch/trap.h>
#include <sched/thread.h>
#include <syscall/syscalls.h>
#include "vm_priv.h"

/* The flags that v has after advice about flags; 0 in *err or -errno. */
static u32 advised_flags(const struct vma *v, int advice, int *err)
{
	u32 f = v->flags;

	switch (advice) {
	case MADV_NORMAL:
		return f & ~(VM_RAND_READ | VM_SEQ_READ);
	case MADV_RANDOM:
		return (f & ~VM_SEQ_READ) | VM_RAND_READ;
	case MADV_SEQUENTIAL:
		return (f & ~VM_RAND_READ) | VM_SEQ_READ;
	case MADV_DONTFORK:
		return f | VM_DONTCOPY;
	case MADV_DOFORK:
		*err = f & VM_PFNMAP ? -EINVAL : 0;
		return f & ~VM_DONTCOPY;
	case MADV_WIPEONFORK:
		*err = v->mapping || v->file || f & VM_SHARED ? -EINVAL : 0;
		return f | VM_WIPEONFORK;
	case MADV_KEEPONFORK:
		return f & ~VM_WIPEONFORK;
	case MADV_DONTDUMP:
		return f | VM_DONTDUMP;
	case MADV_DODUMP:
		*err = f & (VM_PFNMAP | VM_DONTEXPAND) ? -EINVAL : 0;
		return f & ~VM_DONTDUMP;
	case MADV_HUGEPAGE:
		*err = f & (VM_PFNMAP | VM_DONTEXPAND) ? -EINVAL : 0;
		return (f & ~VM_NOHUGEPAGE) | VM_HUGEPAGE;
	case MADV_NOHUGEPAGE:
		*err = f & (VM_PFNMAP | VM_DONTEXPAND) ? -EINVAL : 0;
		return (f & ~VM_HUGEPAGE) | VM_NOHUGEPAGE;
	}
	*err = -EINVAL;
	return f;
}

static bool changes_flags(int advice)
{
	switch (advice) {
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_DONTFORK:
	case MADV_DOFORK:
	case MADV_WIPEONFORK:
	case MADV_KEEPONFORK:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
	case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE:
		return true;
	}
	return false;
}

static bool acts_on_pages(int advice)
{
	switch (advice) {
	case MADV_WILLNEED:
	case MADV_DONTNEED:
	case MADV_FREE:
	case MADV_REMOVE:
	case MADV_COLD:
	case MADV_PAGEOUT:
		return true;
	}
	return false;
}

static void discard(struct vma *v, u64 start, u64 end)
{
	struct tlb_batch b;

	tlb_batch_init(&b, v->mm, (end - start) >> PAGE_SHIFT);
	zap_range(&b, v, start, end, true);
	tlb_batch_end(&b);
}

/* Punch the object behind a shared mapping. */
static int remove_pages(struct vma *v, u64 start, u64 end)
{
	u64 off = vma_pgoff_of(v, start) << PAGE_SHIFT;

	if (v->flags & VM_LOCKED || !v->mapping)
		return -EINVAL;
	if ((v->flags & (VM_SHARED | VM_MAYWRITE)) != (VM_SHARED | VM_MAYWRITE))
		return -EACCES;
	if (v->mapping->ops->read_page)
		return -EOPNOTSUPP;
	mapping_punch(v->mapping, off, off + (end - start));
	return 0;
}

static int advise_pages(struct vma *v, u64 start, u64 end, int advice)
{
	switch (advice) {
	case MADV_WILLNEED:
		if (v->mapping)
			mapping_readahead(v->mapping, vma_pgoff_of(v, start),
					  (end - start) >> PAGE_SHIFT);
		return 0;
	case MADV_FREE:
		if (!vma_is_anon(v))
			return -EINVAL;
		__fallthrough;
	case MADV_DONTNEED:
		if (v->flags & (VM_LOCKED | VM_PFNMAP))
			return -EINVAL;
		discard(v, start, end);
		return 0;
	case MADV_REMOVE:
		return remove_pages(v, start, end);
	default: /* MADV_COLD, MADV_PAGEOUT */
		return v->flags & (VM_LOCKED | VM_PFNMAP) ? -EINVAL : 0;
	}
}

static int advise_range(struct mm *mm, u64 start, u64 end, int advice)
{
	struct vma *v = vma_find(mm, start);
	int err = 0, hole = 0;
	u32 flags;

	while (start < end && !err) {
		if (!v)
			return -ENOMEM;
		if (v->start > start) {
			hole = -ENOMEM;
			start = v->start;
			if (start >= end)
				break;
		}
		if (changes_flags(advice)) {
			flags = advised_flags(v, advice, &err);
			if (!err)
				err = vma_change_flags(&v, start, end, flags);
		} else {
			err = advise_pages(v, start, min(end, v->end), advice);
		}
		start = v->end;
		v = vma_next(v);
	}
	return err ? err : hole;
}

/* MADV_POPULATE_READ, _WRITE: fault in and tell what goes wrong. */
static int advise_populate(struct mm *mm, u64 addr, u64 end, unsigned fault)
{
	struct vma *v;
	int err = 0;

	down_read(&mm->lock);
	for (; addr < end && !err; addr += PAGE_SIZE) {
		v = vma_at(mm, addr);
		if (!v)
			err = -ENOMEM;
		else if (v->flags & VM_PFNMAP || !(v->flags & (fault ? VM_WRITE : VM_ACCESS)))
			err = -EINVAL;
		else if (fatal_signal_pending())
			err = -EINTR;
		else
			err = vm_handle_fault(v, addr, fault);
	}
	up_read(&mm->lock);
	return err;
}

s64 sys_madvise(u64 start, u64 len, int advice)
{
	struct mm *mm = current->mm;
	bool populate = advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE;
	u64 end = start + ALIGN_UP(len, PAGE_SIZE);
	int err;

	if (!populate && !changes_flags(advice) && !acts_on_pages(advice))
		return -EINVAL;
	if (start & ~PAGE_MASK || (len && !ALIGN_UP(len, PAGE_SIZE)) || end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	if (populate)
		return advise_populate(mm, start, end,
				       advice == MADV_POPULATE_WRITE ? FAULT_WRITE : 0);
	if (changes_flags(advice)) {
		if (down_write_killable(&mm->lock))
			return -EINTR;
		err = advise_range(mm, start, end, advice);
		up_write(&mm->lock);
	} else {
		down_read(&mm->lock);
		err = advise_range(mm, start, end, advice);
		up_read(&mm->lock);
	}
	return err;
}
