/* mremap(2): shrink, grow in place, move.
 *
 * Moving makes a second VMA that continues the same object (or the same private pages: it shares the
 * anon_root and keeps the page offsets), carries the page-table entries over table by table, and unmaps the
 * old range. While entries of a file move, its i_mmap_lock is held, so that truncation finds each page on
 * one side or the other.
 * Locks: mm->lock for writing > i_mmap_lock > the two page-table locks, by address. */
#include <sched/thread.h>
#include <syscall/syscalls.h>
#include "vm_priv.h"

struct remap {
	struct mm *mm;
	u64 addr, old_len, new_len, new_addr;
	u32 flags;
	u64 populate, populate_len;
};

/* By address; they may be one, which the analysis cannot follow. */
static void lock_tables(spinlock_t *a, spinlock_t *b) __acquires(*a, *b) __no_lock_check
{
	spin_lock(a < b ? a : b);
	if (a != b)
		spin_lock_nested(a < b ? b : a, LOCK_NESTED);
}

static void unlock_tables(spinlock_t *a, spinlock_t *b) __releases(*a, *b) __no_lock_check
{
	spin_unlock(a);
	if (a != b)
		spin_unlock(b);
}

static void move_entries(pte_t *src, pte_t *dst, u64 n)
{
	struct page *st = pt_page_of(src), *dt = pt_page_of(dst);
	pte_t e;

	lock_tables(pt_lock_of(st), pt_lock_of(dt));
	for (; n-- && st->pt_used; src++, dst++) {
		if (pte_none(pte_read(src)))
			continue;
		e = pte_xchg(src, (pte_t){0});
		pte_write(dst, e);
		st->pt_used--;
		dt->pt_used++;
	}
	unlock_tables(pt_lock_of(st), pt_lock_of(dt));
}

/* Carry the entries of [old, old + len) over to new. -ENOMEM: some stayed. */
static int move_tables(struct vma *from, u64 old, u64 new,
		       u64 len) __no_lock_check /* locks the mapping only if there is one */
{
	u64 end = old + len, stop, n, d;
	struct mapping *m = from->mapping;
	pte_t *src, *dst;
	int err = 0;

	for (u64 addr = old; (src = pt_next(from->mm, &addr, end, &stop)); addr += n) {
		d = new + (addr - old);
		dst = pt_get(from->mm, d);
		if (!dst) {
			err = -ENOMEM;
			break;
		}
		n = min(stop - addr, ALIGN_DOWN(d, pt_span(2)) + pt_span(2) - d);
		if (m)
			down_write(&m->i_mmap_lock);
		move_entries(src, dst, n >> PAGE_SHIFT);
		vm_flush_range(from->mm, addr, addr + n);
		if (m)
			up_write(&m->i_mmap_lock);
	}
	return err;
}

/* May the range grow by more bytes? */
static int may_grow(const struct vma *v, u64 more)
{
	struct mm *mm = v->mm;
	int err;

	if (v->flags & VM_LOCKED) {
		err = vm_lock_limit(mm, more);
		if (err)
			return err;
	}
	err = vm_may_expand(mm, v->flags, v->file, more >> PAGE_SHIFT);
	if (!err && v->flags & VM_ACCOUNT && vm_overcommits(more >> PAGE_SHIFT))
		err = -ENOMEM;
	return err;
}

/* The VMA to resize, when Linux's conditions hold. ERR_PTR. */
static struct vma *remap_vma(struct remap *r)
{
	struct vma *v = vma_at(r->mm, r->addr);
	u64 pgoff;
	int err;

	if (!v)
		return ERR_PTR(-EFAULT);
	if (!r->old_len && !(v->flags & (VM_SHARED)))
		return ERR_PTR(-EINVAL);
	if (r->flags & MREMAP_DONTUNMAP && v->flags & (VM_DONTEXPAND | VM_PFNMAP))
		return ERR_PTR(-EINVAL);
	if (r->old_len > v->end - r->addr)
		return ERR_PTR(-EFAULT);
	if (r->new_len <= r->old_len && !(r->flags & MREMAP_DONTUNMAP))
		return v;
	pgoff = vma_pgoff_of(v, r->addr);
	if (pgoff + (r->new_len >> PAGE_SHIFT) < pgoff)
		return ERR_PTR(-EINVAL);
	if (v->flags & (VM_DONTEXPAND | VM_PFNMAP) && r->new_len > r->old_len)
		return ERR_PTR(-EFAULT);
	err = may_grow(v, r->flags & MREMAP_DONTUNMAP ? r->new_len : r->new_len - r->old_len);
	return err ? ERR_PTR(err) : v;
}

static s64 move_vma(struct remap *r, struct vma *v, u64 new)
{
	struct mm *mm = r->mm;
	u32 flags = v->flags; /* v may be merged with the new one */
	struct vma *n;
	int err;

	if (mm->nr_vmas + 3 >= MAX_VMAS)
		return -ENOMEM;
	n = vma_dup(v);
	if (!n)
		return -ENOMEM;
	n->start = new;
	n->end = new + r->new_len;
	n->pgoff = vma_is_anon(v) && !v->anon ? new >> PAGE_SHIFT : vma_pgoff_of(v, r->addr);
	vma_attach(n);
	vma_link(mm, n);
	vm_account(mm, n->flags, n->file, vma_pages(n));
	if (n->ops && n->ops->open)
		n->ops->open(n);
	err = move_tables(v, r->addr, new, min(r->old_len, r->new_len));
	if (err) {
		/* The way back needs no memory: those tables are still there. */
		(void)move_tables(n, new, r->addr, min(r->old_len, r->new_len));
		(void)munmap_locked(mm, new, r->new_len);
		return err;
	}
	if (n->flags & VM_LOCKED) {
		r->populate = new;
		r->populate_len = r->new_len;
	}
	vma_merge(n);
	if (!(r->flags & MREMAP_DONTUNMAP)) {
		if (r->old_len)
			(void)munmap_locked(mm, r->addr, r->old_len);
	} else if (flags & VM_LOCKED) {
		v = vma_at(mm, r->addr);
		err = vma_change_flags(&v, r->addr, r->addr + r->old_len,
				       flags & ~(VM_LOCKED | VM_LOCKONFAULT));
		(void)err; /* stays locked if it cannot be split */
	}
	return new;
}

/* Unmap what is longer than the new length; old_len may reach over other VMAs, but not out of user space. */
static int cut_tail(struct remap *r)
{
	int err;

	if (r->old_len <= r->new_len)
		return 0;
	if (r->old_len > r->mm->task_size - r->addr)
		return -EINVAL;
	err = munmap_locked(r->mm, r->addr + r->new_len, r->old_len - r->new_len);
	if (!err)
		r->old_len = r->new_len;
	return err;
}

/* MREMAP_FIXED, or MREMAP_DONTUNMAP, where the kernel chooses without FIXED. */
static s64 remap_to(struct remap *r)
{
	struct mm *mm = r->mm;
	struct vma *v;
	s64 at;
	int err;

	if (r->flags & MREMAP_FIXED) {
		if (r->new_addr & ~PAGE_MASK || r->new_len > mm->task_size ||
		    r->new_addr > mm->task_size - r->new_len)
			return -EINVAL;
		if (r->old_len > mm->task_size - r->addr ||
		    (r->addr + r->old_len > r->new_addr && r->new_addr + r->new_len > r->addr))
			return -EINVAL;
		at = vm_place(mm, r->new_addr, r->new_len, MAP_FIXED);
		if (at < 0)
			return at;
		err = munmap_locked(mm, r->new_addr, r->new_len);
		if (err)
			return err;
	}
	err = cut_tail(r);
	if (err)
		return err;
	v = remap_vma(r);
	if (IS_ERR(v))
		return PTR_ERR(v);
	at = vm_place(mm, r->new_addr, r->new_len, r->flags & MREMAP_FIXED ? MAP_FIXED : 0);
	return at < 0 ? at : move_vma(r, v, at);
}

static bool grow_in_place(struct remap *r, struct vma *v)
{
	u64 more = r->new_len - r->old_len, end = v->end + more;
	struct vma *next = vma_next(v);

	if (v->end != r->addr + r->old_len || end < v->end || end > r->mm->task_size)
		return false;
	if ((end > WINDOW_END) != (v->end > WINDOW_END) || (next && vma_guard_start(next) < end))
		return false;
	vma_resize(v, v->start, end, v->pgoff);
	vm_account(r->mm, v->flags, v->file, more >> PAGE_SHIFT);
	if (v->flags & VM_LOCKED) {
		r->populate = r->addr + r->old_len;
		r->populate_len = more;
	}
	vma_merge(v);
	return true;
}

static s64 remap_locked(struct remap *r)
{
	struct vma *v;
	s64 at;
	int err;

	if (!vma_at(r->mm, r->addr))
		return -EFAULT;
	if (r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		return remap_to(r);
	if (r->old_len >= r->new_len) {
		err = cut_tail(r);
		return err ? err : (s64)r->addr;
	}
	v = remap_vma(r);
	if (IS_ERR(v))
		return PTR_ERR(v);
	if (r->old_len && grow_in_place(r, v))
		return r->addr;
	if (!(r->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	at = vm_place(r->mm, 0, r->new_len, 0);
	return at < 0 ? at : move_vma(r, v, at);
}

s64 sys_mremap(u64 addr, u64 old_len, u64 new_len, u64 flags, u64 new_addr)
{
	struct remap r = {
		.mm = current->mm,
		.addr = addr,
		.old_len = ALIGN_UP(old_len, PAGE_SIZE),
		.new_len = ALIGN_UP(new_len, PAGE_SIZE),
		.new_addr = new_addr,
		.flags = (u32)flags,
	};
	s64 at;

	if (flags & ~(u64)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
		return -EINVAL;
	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) && !(flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if (flags & MREMAP_DONTUNMAP && r.old_len != r.new_len)
		return -EINVAL;
	if (addr & ~PAGE_MASK || !r.new_len)
		return -EINVAL;
	if (down_write_killable(&r.mm->lock))
		return -EINTR;
	at = remap_locked(&r);
	up_write(&r.mm->lock);
	if (at > 0 && r.populate_len)
		(void)vm_populate(r.mm, r.populate, r.populate_len);
	return at;
}
