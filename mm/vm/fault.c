/* Page faults: demand-zero, copy-on-write, file pages, device memory.
 *
 * A fault holds mm->lock for reading, so VMAs do not change under it, but other threads may fault, zap
 * (MADV_DONTNEED) or have their file truncated at the same time. Everything is therefore prepared without
 * locks and installed under the page-table lock only if the entry is still what it was; whoever loses lets
 * go of what it prepared and returns 0: the access is tried again.
 * A file page is mapped under its page lock, after a look that it is still in its mapping and inside the
 * file, so that truncation, which removes under the page lock, leaves none behind.
 * Copy-on-write: a private page that only this entry refers to (refcount 1) is made writable in place.
 * Contexts: process context, interrupts on. Semantics: mmap(2), Intel SDM vol. 3, 4.7 and 4.10.4. */
#include <arch/cpu.h>
#include <arch/trap.h>
#include <lib/string.h>
#include <log/panic.h>
#include <sched/thread.h>
#include <uapi/signal.h>
#include "vm_priv.h"

#define AROUND 16u /* pages of a file mapped at one read fault, when they are cached */

u64 vma_page_prot(const struct vma *v)
{
	u64 nx = v->flags & VM_EXEC || !cpu_features.nx ? 0 : PTE_NX;

	if (!(v->flags & VM_ACCESS))
		return PTE_PROTNONE | nx;
	if ((v->flags & (VM_SHARED | VM_WRITE)) == (VM_SHARED | VM_WRITE) &&
	    !(v->mapping && v->mapping->ops->write_page))
		return PTE_PRESENT | PTE_USER | PTE_WRITE | nx;
	return PTE_PRESENT | PTE_USER | nx;
}

static inline u64 wanted_bits(const struct vma *v, unsigned flags)
{
	u64 bits = v->page_prot | PTE_ACCESSED;

	if (flags & FAULT_WRITE)
		bits |= v->flags & VM_WRITE ? PTE_WRITE | PTE_DIRTY : PTE_DIRTY;
	return bits;
}

static inline void set_first(pte_t *pte, pte_t e)
{
	pte_write(pte, e);
	pt_page_of(pte)->pt_used++;
}

/* A fresh page becomes v's private page at addr. Nobody else knows it yet. */
static void page_make_anon(struct page *p, struct vma *v, u64 addr)
{
	p->flags |= 1u << PG_ANON | 1u << PG_UPTODATE | 1u << PG_SWAPBACKED;
	p->mapping = (struct mapping *)v->anon;
	p->index = vma_pgoff_of(v, addr);
	p->private = NULL;
	list_init(&p->lru);
	atomic_set(&p->mapcount, 1);
}

static int fault_anon(struct vma *v, u64 addr, unsigned flags, pte_t *pte)
{
	spinlock_t *l = pt_lock_of(pt_page_of(pte));
	struct page *p = NULL;
	pte_t e;

	if (flags & FAULT_WRITE) {
		if (anon_prepare(v))
			return -ENOMEM;
		p = page_alloc(0, GFP_USER | GFP_WAIT | GFP_ZERO);
		if (!p)
			return -ENOMEM;
		page_make_anon(p, v, addr);
		e = pte_make(page_to_pa(p), wanted_bits(v, flags));
	} else {
		e = pte_make(page_to_pa(zero_page), (v->page_prot & ~PTE_WRITE) | PTE_SPECIAL);
	}
	spin_lock(l);
	if (unlikely(!pte_none(pte_read(pte)))) {
		spin_unlock(l);
		if (p) {
			atomic_set(&p->mapcount, 0);
			page_put(p);
		}
		return 0;
	}
	set_first(pte, e);
	spin_unlock(l);
	if (p) {
		rss_add(v->mm, RSS_ANON, 1);
		mem_count(MC_ANON, 1);
	}
	return 0;
}

/* --- writing to a read-only entry --- */

/* Has the entry changed since e was read, but for what the CPU sets? */
static inline bool entry_is(pte_t *pte, pte_t e)
{
	return !((pte_read(pte).v ^ e.v) & ~(PTE_ACCESSED | PTE_DIRTY));
}

/* The entry may be written from now on. Page-table lock held. */
static void make_writable(struct vma *v, u64 addr, pte_t *pte, unsigned flags)
{
	pte_write(pte, (pte_t){pte_read(pte).v | wanted_bits(v, flags)});
	tlb_flush_page_local(addr);
}

/* Shared page that the pager wants to hear of before it becomes dirty. */
static int wp_notify(struct vma *v, u64 addr, unsigned flags, pte_t *pte, pte_t e)
{
	spinlock_t *l = pt_lock_of(pt_page_of(pte));
	struct page *p = pte_page(e);
	struct mapping *m = v->mapping;
	int err = 0;

	spin_lock(l);
	if (!entry_is(pte, e)) {
		spin_unlock(l);
		return 0;
	}
	page_get(p);
	spin_unlock(l);
	page_lock(p);
	if (p->mapping != m)
		goto out; /* truncated: the next try decides */
	page_wait_writeback(p);
	if (m->ops->write_begin)
		err = m->ops->write_begin(m, p, 0, PAGE_SIZE);
	if (err)
		goto out;
	page_set_dirty(p);
	spin_lock(l);
	if (entry_is(pte, e))
		make_writable(v, addr, pte, flags);
	spin_unlock(l);
out:
	page_unlock(p);
	page_put(p);
	return err == -ENOMEM || !err ? err : -EFAULT;
}

/* Replace the entry e (old page, NULL: zero page) by the private copy p. false: lost a race. */
static bool wp_install(struct vma *v, u64 addr, unsigned flags, pte_t *pte, pte_t e,
		       struct page *old, struct page *p)
{
	spinlock_t *l = pt_lock_of(pt_page_of(pte));
	struct mm *mm = v->mm;

	spin_lock(l);
	if (!entry_is(pte, e)) {
		spin_unlock(l);
		return false;
	}
	/* No CPU may read the old page once another has written the new one. */
	pte_write(pte, (pte_t){0});
	vm_flush_page(mm, addr);
	pte_write(pte, pte_make(page_to_pa(p), wanted_bits(v, flags)));
	spin_unlock(l);
	mem_count(MC_ANON, 1);
	if (!old) {
		rss_add(mm, RSS_ANON, 1);
		return true;
	}
	if (!page_flag(old, PG_ANON)) {
		rss_add(mm, page_rss(old), -1);
		rss_add(mm, RSS_ANON, 1);
	}
	if (atomic_dec_return(&old->mapcount) == 0)
		mem_count(page_flag(old, PG_ANON) ? MC_ANON : MC_MAPPED, -1);
	page_put(old); /* the entry's */
	return true;
}

static int fault_wp(struct vma *v, u64 addr, unsigned flags, pte_t *pte, pte_t e)
{
	spinlock_t *l = pt_lock_of(pt_page_of(pte));
	struct page *old = e.v & PTE_SPECIAL ? NULL : pte_page(e), *p;

	if (v->flags & VM_SHARED && old && v->mapping && v->mapping->ops->write_page)
		return wp_notify(v, addr, flags, pte, e);
	spin_lock(l);
	if (!entry_is(pte, e)) {
		spin_unlock(l);
		return 0;
	}
	if (v->flags & VM_SHARED ||
	    (old && page_flag(old, PG_ANON) && atomic_read(&old->refcount) == 1)) {
		make_writable(v, addr, pte, flags);
		spin_unlock(l);
		return 0;
	}
	if (old)
		page_get(old);
	spin_unlock(l);
	if (!old && v->flags & VM_PFNMAP)
		return -EFAULT; /* device memory is not copied */

	p = anon_prepare(v) ? NULL : page_alloc(0, GFP_USER | GFP_WAIT | (old ? 0 : GFP_ZERO));
	if (!p) {
		if (old)
			page_put(old);
		return -ENOMEM;
	}
	if (old)
		memcpy(page_address(p), page_address(old), PAGE_SIZE);
	page_make_anon(p, v, addr);
	if (!wp_install(v, addr, flags, pte, e, old, p)) {
		atomic_set(&p->mapcount, 0);
		page_put(p);
	}
	if (old)
		page_put(old);
	return 0;
}

/* --- files --- */

static inline bool beyond_end(struct mapping *m, u64 pgoff)
{
	return m->ops->size && pgoff >= (m->ops->size(m) + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

/* Map the cached pages around addr, read-only as far as they must be. */
static void map_around(struct vma *v, u64 addr, pte_t *pte)
{
	struct mapping *m = v->mapping;
	u64 first = max(ALIGN_DOWN(addr, AROUND * PAGE_SIZE), v->start);
	u64 last = min(ALIGN_DOWN(addr, AROUND * PAGE_SIZE) + AROUND * PAGE_SIZE, v->end);
	spinlock_t *l = pt_lock_of(pt_page_of(pte));
	s64 rss[3] = {0}, mapped = 0;
	u64 pgoff = vma_pgoff_of(v, first), bits = v->page_prot;
	struct page *p;

	pte -= (addr - first) >> PAGE_SHIFT;
	spin_lock(l);
	for (; first < last; first += PAGE_SIZE, pte++, pgoff++) {
		if (!pte_none(pte_read(pte)))
			continue;
		if (beyond_end(m, pgoff))
			break;
		p = mapping_find(m, pgoff);
		if (!p)
			continue;
		if (!page_uptodate(p) || !page_trylock(p)) {
			page_put(p);
			continue;
		}
		if (likely(p->mapping == m && !beyond_end(m, pgoff))) {
			set_first(pte, pte_make(page_to_pa(p),
						first == addr ? bits | PTE_ACCESSED : bits));
			rss[page_rss(p)]++;
			if (atomic_inc_return(&p->mapcount) == 1)
				mapped++;
			page_unlock(p);
		} else {
			page_unlock(p);
			page_put(p);
		}
	}
	spin_unlock(l);
	for (unsigned i = 0; i < 3; i++)
		if (rss[i])
			rss_add(v->mm, i, rss[i]);
	if (mapped)
		mem_count(MC_MAPPED, mapped);
}

/* The page of the file, referenced and (if it is in a mapping) locked; NULL: nothing to do. */
static struct page *file_page(struct vma *v, u64 pgoff, unsigned flags)
{
	struct mapping *m = v->mapping;
	struct page *p = NULL;
	int err;

	if (v->ops && v->ops->fault) {
		err = v->ops->fault(v, pgoff, flags, &p);
		if (err)
			return ERR_PTR(err);
		if (p)
			page_lock(p);
		return p;
	}
	if (beyond_end(m, pgoff))
		return ERR_PTR(-EFAULT);
	p = mapping_get(m, pgoff, MGET_CREATE | MGET_LOCKED);
	if (!IS_ERR(p) && unlikely(beyond_end(m, pgoff))) {
		page_unlock(p);
		page_put(p);
		return ERR_PTR(-EFAULT);
	}
	return p;
}

/* A private write to a page never mapped here: copy at once. */
static int file_cow(struct vma *v, u64 addr, unsigned flags, pte_t *pte, struct page *src)
{
	spinlock_t *l = pt_lock_of(pt_page_of(pte));
	struct page *p;
	bool won;

	p = anon_prepare(v) ? NULL : page_alloc(0, GFP_USER | GFP_WAIT);
	if (!p)
		return -ENOMEM;
	memcpy(page_address(p), page_address(src), PAGE_SIZE);
	page_make_anon(p, v, addr);
	spin_lock(l);
	won = pte_none(pte_read(pte));
	if (won)
		set_first(pte, pte_make(page_to_pa(p), wanted_bits(v, flags)));
	spin_unlock(l);
	if (!won) {
		atomic_set(&p->mapcount, 0);
		page_put(p);
		return 0;
	}
	rss_add(v->mm, RSS_ANON, 1);
	mem_count(MC_ANON, 1);
	return 0;
}

/* Map page p itself; the caller's reference goes to the entry. false: lost a race. */
static bool file_map(struct vma *v, unsigned flags, pte_t *pte, struct page *p)
{
	spinlock_t *l = pt_lock_of(pt_page_of(pte));

	spin_lock(l);
	if (!pte_none(pte_read(pte))) {
		spin_unlock(l);
		return false;
	}
	set_first(pte, pte_make(page_to_pa(p), wanted_bits(v, flags)));
	if (atomic_inc_return(&p->mapcount) == 1)
		mem_count(MC_MAPPED, 1);
	spin_unlock(l);
	rss_add(v->mm, page_rss(p), 1);
	return true;
}

static int fault_file(struct vma *v, u64 addr, unsigned flags, pte_t *pte)
{
	u64 pgoff = vma_pgoff_of(v, addr);
	struct mapping *m = v->mapping;
	bool keep = false;
	struct page *p;
	int err = 0;

	if (!(flags & FAULT_WRITE) && m && !(v->ops && v->ops->fault)) {
		map_around(v, addr, pte);
		if (!pte_none(pte_read(pte)))
			return 0;
		if (m->ops->read_page)
			current->majflt++;
	}
	p = file_page(v, pgoff, flags);
	if (IS_ERR(p))
		return PTR_ERR(p) == -ENOMEM ? -ENOMEM : -EFAULT;
	if (!p)
		return 0;
	if (flags & FAULT_WRITE && !(v->flags & VM_SHARED)) {
		err = file_cow(v, addr, flags, pte, p);
		goto out;
	}
	if (flags & FAULT_WRITE) {
		page_wait_writeback(p);
		if (m && m->ops->write_begin)
			err = m->ops->write_begin(m, p, 0, PAGE_SIZE);
		if (err) {
			err = err == -ENOMEM ? -ENOMEM : -EFAULT;
			goto out;
		}
		page_set_dirty(p);
	}
	keep = file_map(v, flags, pte, p);
out:
	page_unlock(p);
	if (!keep)
		page_put(p);
	return err;
}

/* --- dispatch --- */

int vm_handle_fault(struct vma *v, u64 addr, unsigned flags)
{
	pte_t *pte, e;

	addr &= PAGE_MASK;
	pte = pt_get(v->mm, addr);
	if (unlikely(!pte))
		return -ENOMEM;
	e = pte_read(pte);
	if (pte_none(e))
		return vma_is_anon(v) ? fault_anon(v, addr, flags, pte)
				      : fault_file(v, addr, flags, pte);
	if (flags & FAULT_WRITE && !(e.v & PTE_WRITE))
		return fault_wp(v, addr, flags, pte, e);
	/* Spurious: another CPU was faster, or this one remembered an older entry. */
	preempt_disable();
	tlb_flush_page_local(addr);
	preempt_enable();
	return 0;
}

static bool access_allowed(const struct vma *v, unsigned flags)
{
	if (flags & FAULT_WRITE)
		return v->flags & VM_WRITE;
	if (flags & FAULT_EXEC)
		return v->flags & VM_EXEC;
	return v->flags & VM_ACCESS;
}

/* The VMA for addr, a stack grown down to it if it lies right below one. mm->lock is held for reading
 * on entry and on return. */
static struct vma *find_or_grow(struct mm *mm, u64 addr) __requires_shared(mm->lock) __no_lock_check
{
	struct vma *v = vma_find(mm, addr);
	int err;

	if (likely(v && v->start <= addr))
		return v;
	if (!v || !(v->flags & VM_GROWSDOWN))
		return NULL;
	up_read(&mm->lock);
	down_write(&mm->lock);
	v = vma_find(mm, addr);
	err = -EFAULT;
	if (v && v->start <= addr)
		err = 0;
	else if (v && v->flags & VM_GROWSDOWN)
		err = stack_expand(v, addr);
	downgrade_write(&mm->lock);
	return err ? NULL : v;
}

/* No memory: let the kernel make room, or end this process. The signal, or 0 to try again. */
static int fault_oom(unsigned flags, int *si_code)
{
	if (fatal_signal_pending())
		return flags & FAULT_USER ? 0 : SIGBUS;
	if (oom_hook && oom_hook(GFP_USER, 0)) {
		cond_resched();
		return 0;
	}
	pr_err("out of memory: thread %d (%s) faults and nothing can be freed\n", current->tid,
	       current->comm);
	*si_code = SI_KERNEL;
	return SIGKILL;
}

int vm_fault(struct regs *r, u64 addr, unsigned flags, int *si_code)
{
	struct mm *mm = current->mm;
	struct vma *v;
	int err;

	(void)r;
	*si_code = SEGV_MAPERR;
	if (unlikely(!mm || pagefault_disabled() || in_atomic() || addr >= mm->task_size))
		return SIGSEGV;
	current->minflt++;
	down_read(&mm->lock);
	v = find_or_grow(mm, addr);
	if (unlikely(!v)) {
		up_read(&mm->lock);
		return SIGSEGV;
	}
	if (unlikely(!access_allowed(v, flags))) {
		up_read(&mm->lock);
		*si_code = SEGV_ACCERR;
		return SIGSEGV;
	}
	err = vm_handle_fault(v, addr, flags & (FAULT_WRITE | FAULT_USER | FAULT_EXEC));
	up_read(&mm->lock);
	if (likely(!err))
		return 0;
	if (err == -ENOMEM)
		return fault_oom(flags, si_code);
	*si_code = BUS_ADRERR;
	return SIGBUS;
}

/* Install a page frame without a struct page. -EBUSY: something is mapped there. */
int vm_insert_pfn(struct vma *v, u64 addr, pfn_t pfn, u64 cache)
{
	pte_t *pte = pt_get(v->mm, addr);
	u64 bits = v->page_prot | PTE_SPECIAL | cache;
	spinlock_t *l;
	int err = -EBUSY;

	if (!pte)
		return -ENOMEM;
	if (!(v->flags & VM_SHARED))
		bits &= ~PTE_WRITE;
	l = pt_lock_of(pt_page_of(pte));
	spin_lock(l);
	if (pte_none(pte_read(pte))) {
		set_first(pte, pte_make(pfn_to_pa(pfn), bits));
		err = 0;
	}
	spin_unlock(l);
	return err;
}
