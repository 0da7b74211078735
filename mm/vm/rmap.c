/* Reverse maps: from a page to the VMAs that may map it.
 *
 * File and shared memory: mapping->i_mmap, an interval tree of VMAs by page offset (a red-black tree by
 * first offset in which every node knows the largest last offset of its subtree). Truncation unmaps and
 * writeback cleans through it, holding i_mmap_lock for reading and page-table locks below; it needs no
 * mm->lock, because a VMA leaves the tree before its page tables are freed.
 * Private memory: a page's anon_root lists all VMAs of the fork family that may map it; in each the page,
 * if it is mapped, is at vma_addr_of(v, page->index).
 * Locks: page lock > i_mmap_lock > page-table lock; anon_root->lock is taken with nothing below it. */
#include <alloc/slab.h>
#include <arch/smp.h>
#include <log/panic.h>
#include "vm_priv.h"

static struct slab_cache *anon_cache __ro_after_init;

static inline u64 vma_last_pgoff(const struct vma *v)
{
	return v->pgoff + vma_pages(v) - 1;
}

static inline struct vma *imap_of(struct rb_node *n)
{
	return n ? rb_entry(n, struct vma, i_mmap_node) : NULL;
}

static void imap_augment(struct rb_node *n)
{
	struct vma *v = imap_of(n);
	u64 last = vma_last_pgoff(v);

	if (n->left)
		last = max(last, imap_of(n->left)->i_mmap_last);
	if (n->right)
		last = max(last, imap_of(n->right)->i_mmap_last);
	v->i_mmap_last = last;
}

void i_mmap_insert(struct vma *v)
{
	struct rb_root *root = &v->mapping->i_mmap;
	struct rb_node **link = &root->node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = v->pgoff < imap_of(parent)->pgoff ? &parent->left : &parent->right;
	}
	rb_link(&v->i_mmap_node, parent, link);
	rb_insert_fixup(root, &v->i_mmap_node, imap_augment);
}

void i_mmap_remove(struct vma *v)
{
	rb_erase(&v->mapping->i_mmap, &v->i_mmap_node, imap_augment);
}

/* The first VMA in tree order under n that overlaps [first, last]. */
static struct vma *imap_search(struct rb_node *n, u64 first, u64 last)
{
	while (n) {
		struct vma *v = imap_of(n);

		if (n->left && imap_of(n->left)->i_mmap_last >= first) {
			n = n->left;
			continue;
		}
		if (v->pgoff > last)
			return NULL;
		if (vma_last_pgoff(v) >= first)
			return v;
		n = n->right && imap_of(n->right)->i_mmap_last >= first ? n->right : NULL;
	}
	return NULL;
}

static struct vma *imap_next(struct vma *v, u64 first, u64 last)
{
	struct rb_node *n = &v->i_mmap_node;

	if (n->right && imap_of(n->right)->i_mmap_last >= first)
		return imap_search(n->right, first, last);
	for (struct rb_node *up = rb_parent(n); up; n = up, up = rb_parent(up)) {
		if (n != up->left)
			continue;
		v = imap_of(up);
		if (v->pgoff > last)
			return NULL;
		if (vma_last_pgoff(v) >= first)
			return v;
		if (up->right && imap_of(up->right)->i_mmap_last >= first)
			return imap_search(up->right, first, last);
	}
	return NULL;
}

#define imap_for_each(v, m, first, last)                                    \
	for (struct vma *v = imap_search((m)->i_mmap.node, first, last); v; \
	     v = imap_next(v, first, last))

/* The part of v that shows page offsets [first, last]. */
static void vma_clip(const struct vma *v, u64 first, u64 last, u64 *start, u64 *end)
{
	*start = first > v->pgoff ? vma_addr_of(v, first) : v->start;
	*end = last < vma_last_pgoff(v) ? vma_addr_of(v, last + 1) : v->end;
}

static void unmap_mapping(struct mapping *m, unsigned long first, unsigned long last,
			  bool even_cows)
{
	struct tlb_batch b;
	u64 start, end;

	down_read(&m->i_mmap_lock);
	imap_for_each(v, m, first, last)
	{
		vma_clip(v, first, last, &start, &end);
		tlb_batch_init(&b, v->mm, (end - start) >> PAGE_SHIFT);
		zap_range(&b, v, start, end, even_cows);
		tlb_batch_end(&b);
	}
	up_read(&m->i_mmap_lock);
}

/* Make [start, end) of a shared mapping clean and read-only. */
static bool clean_range(struct vma *v, u64 start, u64 end)
{
	bool dirty = false;
	u64 stop;
	pte_t *pte;

	for (u64 addr = start; (pte = pt_next(v->mm, &addr, end, &stop));) {
		spinlock_t *l = pt_lock_of(pt_page_of(pte));

		spin_lock(l);
		for (; addr < stop; addr += PAGE_SIZE, pte++) {
			u64 old = READ_ONCE(pte->v);

			if (!(old & (PTE_DIRTY | PTE_WRITE)) || !pte_mapped((pte_t){old}))
				continue;
			old = __atomic_fetch_and(&pte->v, ~(PTE_DIRTY | PTE_WRITE),
						 __ATOMIC_SEQ_CST);
			dirty |= !!(old & PTE_DIRTY);
		}
		spin_unlock(l);
	}
	vm_flush_range(v->mm, start, end);
	return dirty;
}

static bool clean_mapping(struct mapping *m, unsigned long first, unsigned long last)
{
	bool dirty = false;
	u64 start, end;

	down_read(&m->i_mmap_lock);
	imap_for_each(v, m, first, last)
	{
		if (!(v->flags & VM_SHARED))
			continue;
		vma_clip(v, first, last, &start, &end);
		dirty |= clean_range(v, start, end);
	}
	up_read(&m->i_mmap_lock);
	return dirty;
}

/* --- private memory --- */

void anon_join(struct vma *v, struct anon_root *r)
{
	ref_get(&r->ref);
	spin_lock(&r->lock);
	list_add_tail(&v->anon_node, &r->vmas);
	spin_unlock(&r->lock);
	v->anon = r;
}

void anon_leave(struct vma *v)
{
	struct anon_root *r = v->anon;

	spin_lock(&r->lock);
	list_del(&v->anon_node);
	spin_unlock(&r->lock);
	v->anon = NULL;
	if (ref_put(&r->ref))
		slab_free(anon_cache, r);
}

int anon_prepare(struct vma *v)
{
	struct anon_root *r;

	if (likely(READ_ONCE(v->anon)))
		return 0;
	r = slab_alloc(anon_cache, GFP_KERNEL);
	if (!r)
		return -ENOMEM;
	ref_init(&r->ref, 1);
	spin_init(&r->lock);
	list_init(&r->vmas);
	/* Faults of other threads may be here too: the first wins. */
	spin_lock(&v->mm->pt_lock);
	if (v->anon) {
		spin_unlock(&v->mm->pt_lock);
		slab_free(anon_cache, r);
		return 0;
	}
	list_add(&v->anon_node, &r->vmas);
	smp_store_release(&v->anon, r);
	spin_unlock(&v->mm->pt_lock);
	return 0;
}

void rmap_init(void)
{
	anon_cache = slab_cache_create("anon_root", sizeof(struct anon_root), 0,
				       SLAB_PANIC | SLAB_RCU, NULL);
	mapping_unmap_hook = unmap_mapping;
	mapping_clean_hook = clean_mapping;
}
