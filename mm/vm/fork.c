/* fork(2)'s part: a copy of an address space, copy-on-write.
 *
 * VMAs are copied one by one. Page tables are copied only for VMAs that have private pages or device memory;
 * everything else comes back by faults. Of a table only the used entries are looked at, and those of private
 * pages become read-only on both sides: the first to write copies, the last one finds the page its own.
 * The parent's TLBs are flushed once, at the end, before its lock is released: until then another of its
 * threads may still write through an old entry, which is a write before the fork.
 * Locks: the parent's mm->lock for writing; the child's space is known to the reverse maps only. */
#include <log/panic.h>
#include <sched/thread.h>
#include "vm_priv.h"

/* Counts of one table's copy, added up once. */
struct copied {
	s64 rss[3];
	bool protected; /* entries of the parent lost PTE_WRITE */
};

/* The entry for the child, the parent's adjusted. */
static pte_t copy_entry(pte_t *src, pte_t e, bool cow, struct copied *c)
{
	struct page *p;

	if (e.v & PTE_SPECIAL)
		return e;
	p = pte_page(e);
	if (cow && e.v & PTE_WRITE) {
		__atomic_fetch_and(&src->v, ~PTE_WRITE, __ATOMIC_RELAXED);
		e.v &= ~PTE_WRITE;
		c->protected = true;
	}
	page_get(p);
	atomic_inc(&p->mapcount);
	c->rss[page_rss(p)]++;
	e.v &= ~PTE_ACCESSED;
	if (!cow)
		e.v &= ~PTE_DIRTY;
	return e;
}

/* One lock where tables share theirs (debug builds), which the analysis cannot follow. */
static void lock_two(spinlock_t *a, spinlock_t *b) __acquires(*a, *b) __no_lock_check
{
	spin_lock(a);
	if (b != a)
		spin_lock_nested(b, LOCK_NESTED); /* the child's: nobody else nests them */
}

static void unlock_two(spinlock_t *a, spinlock_t *b) __releases(*a, *b) __no_lock_check
{
	if (b != a)
		spin_unlock(b);
	spin_unlock(a);
}

static int copy_range(struct mm *child, struct vma *v, struct copied *c)
{
	bool cow = !(v->flags & VM_SHARED);
	struct page *stab, *dtab;
	pte_t *src, *dst, e;
	u64 stop;

	for (u64 addr = v->start; (src = pt_next(v->mm, &addr, v->end, &stop)); addr = stop) {
		u32 left;

		stab = pt_page_of(src);
		if (!READ_ONCE(stab->pt_used))
			continue;
		dst = pt_get(child, addr);
		if (!dst)
			return -ENOMEM;
		dtab = pt_page_of(dst);
		lock_two(pt_lock_of(stab), pt_lock_of(dtab));
		left = stab->pt_used;
		for (u64 a = addr; a < stop && left; a += PAGE_SIZE, src++, dst++) {
			e = pte_read(src);
			if (pte_none(e))
				continue;
			left--;
			pte_write(dst, copy_entry(src, e, cow, c));
			dtab->pt_used++;
		}
		unlock_two(pt_lock_of(stab), pt_lock_of(dtab));
	}
	return 0;
}

static int copy_vma(struct mm *child, struct vma *v, struct copied *c)
{
	struct vma *n = vma_dup(v);

	if (!n)
		return -ENOMEM;
	n->mm = child;
	n->flags &= ~(VM_LOCKED | VM_LOCKONFAULT);
	if (v->flags & VM_WIPEONFORK)
		n->anon = NULL;
	vma_attach(n);
	vma_link(child, n);
	vm_account(child, n->flags, n->file, vma_pages(n));
	if (n->ops && n->ops->open)
		n->ops->open(n);
	if (!(v->flags & VM_WIPEONFORK) && (v->anon || v->flags & VM_PFNMAP))
		return copy_range(child, v, c);
	return 0;
}

static void copy_fields(struct mm *child, const struct mm *mm)
{
	child->mmap_base = mm->mmap_base;
	child->task_size = mm->task_size;
	child->start_code = mm->start_code;
	child->end_code = mm->end_code;
	child->start_data = mm->start_data;
	child->end_data = mm->end_data;
	child->start_brk = mm->start_brk;
	child->brk = mm->brk;
	child->start_stack = mm->start_stack;
	child->arg_start = mm->arg_start;
	child->arg_end = mm->arg_end;
	child->env_start = mm->env_start;
	child->env_end = mm->env_end;
	child->rlim_as = mm->rlim_as;
	child->rlim_data = mm->rlim_data;
	child->rlim_stack = mm->rlim_stack;
	child->rlim_memlock = mm->rlim_memlock;
	child->dumpable = mm->dumpable;
	child->oom_score_adj = mm->oom_score_adj;
	child->no_aslr = mm->no_aslr;
	for (unsigned i = 0; i < ARRAY_SIZE(mm->auxv); i++)
		child->auxv[i] = mm->auxv[i];
	child->exe = mm->exe;
	vm_file_get(child->exe);
}

struct mm *mm_fork(struct mm *parent)
{
	struct mm *child = mm_create();
	struct copied c = {0};
	int err = 0;

	if (!child)
		return ERR_PTR(-ENOMEM);
	if (down_write_killable(&parent->lock)) {
		mm_put(child);
		return ERR_PTR(-EINTR);
	}
	copy_fields(child, parent);
	for (struct vma *v = vma_find(parent, 0); v && !err; v = vma_next(v))
		if (!(v->flags & VM_DONTCOPY))
			err = copy_vma(child, v, &c);
	for (unsigned i = 0; i < 3; i++)
		if (c.rss[i])
			rss_add(child, i, c.rss[i]);
	if (c.protected)
		vm_flush_range(parent, 0, parent->task_size);
	up_write(&parent->lock);
	if (err) {
		mm_put(child);
		return ERR_PTR(err);
	}
	return child;
}
