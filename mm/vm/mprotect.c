/* mprotect(2): other permissions for a range, VMA by VMA, and in the entries that exist.
 *
 * An entry keeps what the CPU noted (accessed, dirty). It becomes writable at once only where no copy and no
 * notice is due: it was writable before, or the page is private to this entry; otherwise the first store
 * faults. PROT_NONE entries lose PRESENT and are marked PTE_PROTNONE.
 * Locks: mm->lock for writing, page-table locks below. One flush at the end of each VMA. */
#include <sched/thread.h>
#include <syscall/syscalls.h>
#include "vm_priv.h"

#define PROT_SEM 0x8u

static u64 new_entry(const struct vma *v, pte_t old)
{
	u64 e = (old.v & (PTE_ADDR | PTE_ACCESSED | PTE_DIRTY | PTE_SPECIAL | PTE_PWT | PTE_PCD)) |
		v->page_prot;
	struct page *p;

	if (!(v->flags & VM_WRITE) || old.v & PTE_SPECIAL)
		return e;
	p = pte_page(old);
	if (old.v & PTE_WRITE ||
	    (page_flag(p, PG_ANON) && old.v & PTE_DIRTY && atomic_read(&p->refcount) == 1))
		e |= PTE_WRITE;
	return e;
}

static void change_entries(struct vma *v, u64 start, u64 end)
{
	u64 first = ~0ul, last = 0, stop, e;
	pte_t *pte, old;

	for (u64 addr = start; (pte = pt_next(v->mm, &addr, end, &stop));) {
		spinlock_t *l = pt_lock_of(pt_page_of(pte));

		spin_lock(l);
		for (; addr < stop; addr += PAGE_SIZE, pte++) {
			old = pte_read(pte);
			if (!pte_mapped(old))
				continue;
			old = pte_xchg(pte, (pte_t){0});
			e = new_entry(v, old);
			pte_write(pte, (pte_t){e});
			/* More permission needs no flush: the stale entry only faults once. */
			if ((old.v & ~e) & (PTE_PRESENT | PTE_WRITE | PTE_USER) ||
			    (e & ~old.v) & PTE_NX) {
				first = min(first, addr);
				last = addr + PAGE_SIZE;
			}
		}
		spin_unlock(l);
	}
	vm_flush_range(v->mm, first, last);
}

/* The part of *vp in [start, end) gets the permissions prot. */
static int protect_vma(struct vma **vp, u64 start, u64 end, u32 prot)
{
	struct vma *v = *vp;
	u32 flags = (v->flags & ~VM_ACCESS) | prot;
	int err;

	start = max(start, v->start);
	end = min(end, v->end);
	if (prot & ~(flags >> 4))
		return -EACCES;
	if (flags == v->flags)
		return 0;
	if (flags & VM_WRITE && !(v->flags & (VM_WRITE | VM_SHARED))) {
		if (vm_may_expand(v->mm, flags, false, 0) ||
		    v->mm->data_vm + ((end - start) >> PAGE_SHIFT) > v->mm->rlim_data >> PAGE_SHIFT)
			return -ENOMEM;
		if (!(flags & VM_NORESERVE)) {
			if (vm_overcommits((end - start) >> PAGE_SHIFT))
				return -ENOMEM;
			flags |= VM_ACCOUNT;
		}
	}
	err = vma_change_flags(vp, start, end, flags);
	if (!err)
		change_entries(*vp, start, end);
	return err;
}

/* Where PROT_GROWSDOWN starts; -errno. */
static s64 protect_start(struct mm *mm, u64 start, u64 end, u32 grows)
{
	struct vma *v = vma_find(mm, start);

	if (!v)
		return -ENOMEM;
	if (grows == PROT_GROWSDOWN) {
		if (v->start >= end)
			return -ENOMEM;
		return v->flags & VM_GROWSDOWN ? (s64)v->start : -EINVAL;
	}
	if (v->start > start)
		return -ENOMEM;
	return grows ? -EINVAL : (s64)start; /* nothing grows up here */
}

s64 sys_mprotect(u64 start, u64 len, u64 prot)
{
	u32 grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
	struct mm *mm = current->mm;
	u64 end = start + ALIGN_UP(len, PAGE_SIZE);
	struct vma *v;
	s64 err;

	prot &= ~(u64)(PROT_GROWSDOWN | PROT_GROWSUP);
	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || start & ~PAGE_MASK)
		return -EINVAL;
	if (!len)
		return 0;
	if (end <= start)
		return -ENOMEM;
	if (prot & ~(u64)(VM_ACCESS | PROT_SEM))
		return -EINVAL;
	if (down_write_killable(&mm->lock))
		return -EINTR;
	err = protect_start(mm, start, end, grows);
	if (err < 0)
		goto out;
	for (start = err, err = 0; start < end && !err;) {
		v = vma_at(mm, start);
		if (!v) {
			err = -ENOMEM;
			break;
		}
		err = protect_vma(&v, start, end, prot & VM_ACCESS);
		start = v->end;
	}
out:
	up_write(&mm->lock);
	return err;
}
