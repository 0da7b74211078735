/* Touching the memory of an address space from the kernel's side: copying to and from another process
 * (exec's arguments, ptrace(2), /proc/PID/mem), faulting ranges in, and counting what is there.
 *
 * The pages are found through the page tables, faulted in when missing, and copied through the direct map
 * with a reference held. mm->lock is held for reading throughout one page, so fork cannot come between the
 * look whether a page is private to this space and the copy. Writing to a read-only private mapping works
 * (debuggers plant breakpoints) and gives that space its own copy; read-only shared memory is never written.
 * Process context. */
#include <arch/trap.h>
#include <lib/string.h>
#include <sched/thread.h>
#include "vm_priv.h"

/* The page that addr shows now, referenced; NULL: has to be faulted in first. */
static struct page *page_now(struct mm *mm, u64 addr, bool write)
{
	pte_t *pte = pt_find(mm, addr), e;
	struct page *p = NULL;
	spinlock_t *l;

	if (!pte)
		return NULL;
	l = pt_lock_of(pt_page_of(pte));
	spin_lock(l);
	e = pte_read(pte);
	if (!pte_mapped(e))
		goto out;
	p = pte_page(e);
	if (e.v & PTE_SPECIAL && (write || p != zero_page)) {
		p = NULL;
		goto out;
	}
	if (write && !(e.v & PTE_WRITE) &&
	    !(page_flag(p, PG_ANON) && atomic_read(&p->refcount) == 1)) {
		p = NULL;
		goto out;
	}
	page_get(p);
out:
	spin_unlock(l);
	return p;
}

static struct page *page_fault_in(struct vma *v, u64 addr, bool write)
{
	struct page *p;
	int err;

	while (!(p = page_now(v->mm, addr, write))) {
		err = vm_handle_fault(v, addr, write ? FAULT_WRITE | FAULT_FORCE : 0);
		if (err)
			return ERR_PTR(err);
		if (fatal_signal_pending())
			return ERR_PTR(-EINTR);
	}
	return p;
}

static bool may_access(const struct vma *v, bool write)
{
	if (v->flags & VM_PFNMAP)
		return false;
	if (write)
		return v->flags & VM_WRITE || (v->flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE;
	return v->flags & (VM_READ | VM_MAYREAD);
}

/* One page's share: bytes, or -errno. */
static ssize_t access_page(struct mm *mm, u64 addr, void *buf, size_t n, bool write)
{
	struct vma *v = vma_find(mm, addr);
	struct page *p;
	char *a;

	if (!v || v->start > addr || !may_access(v, write))
		return -EFAULT;
	p = page_fault_in(v, addr, write);
	if (IS_ERR(p))
		return PTR_ERR(p);
	a = (char *)page_address(p) + (addr & ~PAGE_MASK);
	n = min_t(size_t, n, PAGE_SIZE - (addr & ~PAGE_MASK));
	if (write) {
		memcpy(a, buf, n);
		page_set_dirty(p);
	} else {
		memcpy(buf, a, n);
	}
	page_put(p);
	return n;
}

/* Let the stack right above addr grow down to it. */
static void grow_stack_to(struct mm *mm, u64 addr)
{
	struct vma *v;

	down_write(&mm->lock);
	v = vma_find(mm, addr);
	if (v && v->start > addr && v->flags & VM_GROWSDOWN)
		(void)stack_expand(v, addr);
	up_write(&mm->lock);
}

ssize_t vm_access(struct mm *mm, u64 addr, void *buf, size_t n, bool write)
{
	bool grown = false;
	size_t done = 0;
	ssize_t got;

	while (done < n) {
		if (down_read_killable(&mm->lock))
			return done ? (ssize_t)done : -EINTR;
		got = access_page(mm, addr + done, (char *)buf + done, n - done, write);
		up_read(&mm->lock);
		if (got == -EFAULT && !grown) {
			grow_stack_to(mm, addr + done);
			grown = true;
			continue;
		}
		if (got < 0)
			return done ? (ssize_t)done : got;
		done += got;
		cond_resched();
	}
	return done;
}

/* --- populate --- */

/* Fault in the part of v from addr on that lies below end; mm->lock held for reading. */
static int populate_vma(struct vma *v, u64 addr, u64 end, unsigned flags)
{
	int err = 0;

	end = min(end, v->end);
	for (addr = max(addr, v->start); addr < end && !err; addr += PAGE_SIZE) {
		pte_t *pte = pt_find(v->mm, addr), e = pte ? pte_read(pte) : (pte_t){0};

		if (pte_present(e) && (!(flags & FAULT_WRITE) || e.v & PTE_WRITE))
			continue;
		if (fatal_signal_pending())
			return -EINTR;
		err = vm_handle_fault(v, addr, flags);
	}
	return err;
}

int vm_populate(struct mm *mm, u64 addr, u64 len)
{
	u64 end = addr + len;
	struct vma *v;
	int err = 0;

	while (addr < end && !err) {
		u64 step = min(end, addr + 512 * PAGE_SIZE);

		down_read(&mm->lock);
		for (v = vma_find(mm, addr); v && v->start < step && !err; v = vma_next(v)) {
			if (v->flags & VM_PFNMAP || !(v->flags & VM_ACCESS))
				continue;
			if (v->flags & VM_LOCKONFAULT)
				continue;
			/* Private memory at once, so that the first write does not fault again. */
			err = populate_vma(
				v, addr, step,
				(v->flags & (VM_WRITE | VM_SHARED)) == VM_WRITE ? FAULT_WRITE : 0);
		}
		up_read(&mm->lock);
		addr = step;
		cond_resched();
	}
	return err;
}

/* --- statistics --- */

static void count_entry(pte_t e, struct vma_stats *s)
{
	struct page *p;
	bool dirty;
	s32 maps;

	if (!pte_mapped(e) || e.v & PTE_SPECIAL)
		return;
	p = pte_page(e);
	maps = max_t(s32, atomic_read(&p->mapcount), 1);
	dirty = e.v & PTE_DIRTY || page_flag(p, PG_DIRTY);
	s->rss += PAGE_SIZE;
	s->pss += PAGE_SIZE / maps;
	if (page_flag(p, PG_ANON))
		s->anon += PAGE_SIZE;
	if (e.v & PTE_ACCESSED || page_flag(p, PG_REFERENCED))
		s->referenced += PAGE_SIZE;
	if (maps > 1)
		*(dirty ? &s->shared_dirty : &s->shared_clean) += PAGE_SIZE;
	else
		*(dirty ? &s->private_dirty : &s->private_clean) += PAGE_SIZE;
}

void vma_stats(struct vma *v, struct vma_stats *s)
{
	u64 stop;
	pte_t *pte;

	*s = (struct vma_stats){0};
	for (u64 addr = v->start; (pte = pt_next(v->mm, &addr, v->end, &stop));) {
		spinlock_t *l = pt_lock_of(pt_page_of(pte));

		spin_lock(l);
		for (; addr < stop; addr += PAGE_SIZE, pte++)
			count_entry(pte_read(pte), s);
		spin_unlock(l);
	}
}
