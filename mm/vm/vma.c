/* The VMAs of an address space: a red-black tree by address, in which every node knows the free space
 * right below it (gap) and the largest gap of its subtree (max_gap), so that placing a mapping is
 * O(log n). A VMA that grows down claims a guard gap below itself.
 *
 * Invariants: VMAs do not overlap; v->gap = guard start of v - end of the VMA below (0 if negative), the
 * lowest VMA counting from address 0; neighbours that nothing distinguishes are one VMA (vma_merge runs
 * after every change). Bounds and offset of a VMA with a mapping change only under mapping->i_mmap_lock,
 * because truncation walks them without mm->lock.
 * Locks: mm->lock for writing in all that changes, for reading in lookups. */
#include <alloc/slab.h>
#include <log/panic.h>
#include "vm_priv.h"

static struct slab_cache *vma_cache __ro_after_init;

static inline struct vma *vma_of(struct rb_node *n)
{
	return n ? rb_entry(n, struct vma, node) : NULL;
}

static void vma_augment(struct rb_node *n)
{
	struct vma *v = rb_entry(n, struct vma, node);
	u64 g = v->gap;

	if (n->left)
		g = max(g, vma_of(n->left)->max_gap);
	if (n->right)
		g = max(g, vma_of(n->right)->max_gap);
	v->max_gap = g;
}

u64 vma_guard_start(const struct vma *v)
{
	if (!(v->flags & VM_GROWSDOWN))
		return v->start;
	return v->start > STACK_GUARD ? v->start - STACK_GUARD : 0;
}

static u64 gap_between(const struct vma *prev, const struct vma *v)
{
	u64 low = prev ? prev->end : 0, high = vma_guard_start(v);

	return high > low ? high - low : 0;
}

/* --- lookup --- */

struct vma *vma_find(struct mm *mm, u64 addr)
{
	struct vma *v = READ_ONCE(mm->cache), *found = NULL;
	struct rb_node *n;

	if (v && v->start <= addr && addr < v->end)
		return v;
	n = mm->vmas.node;
	while (n) {
		v = vma_of(n);
		if (v->end > addr) {
			found = v;
			if (v->start <= addr)
				break;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	if (found)
		WRITE_ONCE(mm->cache, found);
	return found;
}

struct vma *vma_next(struct vma *v)
{
	return vma_of(rb_next(&v->node));
}

struct vma *vma_prev(struct vma *v)
{
	return vma_of(rb_prev(&v->node));
}

struct vma *vma_last(struct mm *mm)
{
	return vma_of(rb_last(&mm->vmas));
}

/* The subtrees below n lie at or above floor: look for the highest gap of len inside [low, high). */
static u64 gap_high_below(struct rb_node *n, u64 len, u64 low, u64 high)
{
	while (n) {
		struct vma *v = vma_of(n);
		u64 top, bottom, a;

		if (v->max_gap < len)
			return 0;
		if (n->right && v->end <= high && high - v->end >= len) {
			a = gap_high_below(n->right, len, low, high);
			if (a)
				return a;
		}
		top = min(vma_guard_start(v), high);
		bottom = max(vma_guard_start(v) - v->gap, low);
		if (v->gap >= len && top >= bottom && top - bottom >= len)
			return top - len;
		if (v->start <= low)
			return 0;
		n = n->left;
	}
	return 0;
}

u64 vma_gap_high(struct mm *mm, u64 len, u64 low, u64 high)
{
	struct vma *last = vma_last(mm);
	u64 bottom = max(last ? last->end : 0, low);

	if (high < low || high - low < len)
		return 0;
	if (high >= bottom && high - bottom >= len)
		return high - len;
	return gap_high_below(mm->vmas.node, len, low, high);
}

static u64 gap_low_below(struct rb_node *n, u64 len, u64 low, u64 high)
{
	while (n) {
		struct vma *v = vma_of(n);
		u64 top, bottom, a;

		if (v->max_gap < len)
			return 0;
		if (n->left && v->start > low) {
			a = gap_low_below(n->left, len, low, high);
			if (a)
				return a;
		}
		top = min(vma_guard_start(v), high);
		bottom = max(vma_guard_start(v) - v->gap, low);
		if (v->gap >= len && top >= bottom && top - bottom >= len)
			return bottom;
		if (v->end >= high)
			return 0;
		n = n->right;
	}
	return 0;
}

u64 vma_gap_low(struct mm *mm, u64 len, u64 low, u64 high)
{
	struct vma *last = vma_last(mm);
	u64 bottom = max(last ? last->end : 0, low), a;

	if (high < low || high - low < len)
		return 0;
	a = gap_low_below(mm->vmas.node, len, low, high);
	if (!a && high >= bottom && high - bottom >= len)
		a = bottom;
	return a;
}

/* --- the tree --- */

static void vma_regap(struct vma *v, struct vma *prev)
{
	v->gap = gap_between(prev, v);
	rb_augment_path(&v->node, vma_augment);
}

void vma_link(struct mm *mm, struct vma *v)
{
	struct rb_node **link = &mm->vmas.node, *parent = NULL;
	struct vma *next;

	while (*link) {
		parent = *link;
		link = vma_of(parent)->start > v->start ? &parent->left : &parent->right;
	}
	rb_link(&v->node, parent, link);
	v->mm = mm;
	v->gap = gap_between(vma_prev(v), v);
	rb_insert_fixup(&mm->vmas, &v->node, vma_augment);
	next = vma_next(v);
	if (next)
		vma_regap(next, v);
	mm->nr_vmas++;
}

void vma_unlink(struct mm *mm, struct vma *v)
{
	struct vma *next = vma_next(v), *prev = vma_prev(v);

	if (mm->cache == v)
		mm->cache = NULL;
	rb_erase(&mm->vmas, &v->node, vma_augment);
	if (next)
		vma_regap(next, prev);
	mm->nr_vmas--;
}

void vma_resize(struct vma *v, u64 start, u64 end,
		u64 pgoff) __no_lock_check /* locks the mapping only if there is one */
{
	struct vma *next = vma_next(v);

	if (v->mapping) {
		down_write(&v->mapping->i_mmap_lock);
		i_mmap_remove(v);
	}
	v->start = start;
	v->end = end;
	v->pgoff = pgoff;
	if (v->mapping) {
		i_mmap_insert(v);
		up_write(&v->mapping->i_mmap_lock);
	}
	vma_regap(v, vma_prev(v));
	if (next)
		vma_regap(next, v);
}

/* --- making and breaking --- */

struct vma *vma_new(struct mm *mm, u64 start, u64 end, u32 flags)
{
	struct vma *v = slab_alloc(vma_cache, GFP_KERNEL | GFP_ZERO);

	if (!v)
		return NULL;
	rb_node_init(&v->node);
	list_init(&v->anon_node);
	v->mm = mm;
	v->start = start;
	v->end = end;
	v->pgoff = start >> PAGE_SHIFT;
	v->flags = flags;
	return v;
}

void vma_free(struct vma *v)
{
	slab_free(vma_cache, v);
}

struct vma *vma_dup(const struct vma *v)
{
	struct vma *n = slab_alloc(vma_cache, GFP_KERNEL);

	if (!n)
		return NULL;
	*n = *v;
	rb_node_init(&n->node);
	list_init(&n->anon_node);
	return n;
}

void vma_attach(struct vma *v)
{
	struct anon_root *r = v->anon;

	vm_file_get(v->file);
	if (v->mapping) {
		down_write(&v->mapping->i_mmap_lock);
		i_mmap_insert(v);
		if ((v->flags & (VM_SHARED | VM_MAYWRITE)) == (VM_SHARED | VM_MAYWRITE))
			v->mapping->writable_maps++;
		up_write(&v->mapping->i_mmap_lock);
	}
	v->anon = NULL;
	if (r)
		anon_join(v, r);
}

void vma_detach_rmap(struct vma *v)
{
	if (v->mapping) {
		down_write(&v->mapping->i_mmap_lock);
		i_mmap_remove(v);
		if ((v->flags & (VM_SHARED | VM_MAYWRITE)) == (VM_SHARED | VM_MAYWRITE))
			v->mapping->writable_maps--;
		up_write(&v->mapping->i_mmap_lock);
	}
	if (v->anon)
		anon_leave(v);
}

void vma_release(struct vma *v)
{
	if (v->ops && v->ops->close)
		v->ops->close(v);
	vm_file_put(v->file);
	vma_free(v);
}

void vma_set_flags(struct vma *v, u32 flags)
{
	bool guard = (v->flags ^ flags) & VM_GROWSDOWN;

	v->flags = flags;
	v->page_prot = vma_page_prot(v);
	if (guard && !rb_node_unlinked(&v->node))
		vma_regap(v, vma_prev(v));
}

struct vma *vma_split(struct vma *v, u64 addr)
{
	struct vma *n;

	DEBUG_ON(addr <= v->start || addr >= v->end);
	if (v->mm->nr_vmas >= MAX_VMAS)
		return ERR_PTR(-ENOMEM);
	n = vma_dup(v);
	if (!n)
		return ERR_PTR(-ENOMEM);
	n->start = addr;
	n->pgoff = vma_pgoff_of(v, addr);
	vma_resize(v, v->start, addr, v->pgoff);
	vma_attach(n);
	vma_link(v->mm, n);
	if (n->ops && n->ops->open)
		n->ops->open(n);
	return n;
}

int vma_isolate(struct vma **vp, u64 start, u64 end)
{
	struct vma *v = *vp, *n;

	if (start > v->start) {
		v = vma_split(v, start);
		if (IS_ERR(v))
			return PTR_ERR(v);
		*vp = v;
	}
	if (end < v->end) {
		n = vma_split(v, end);
		if (IS_ERR(n))
			return PTR_ERR(n);
	}
	return 0;
}

bool vma_can_merge(const struct vma *a, const struct vma *b)
{
	return a->end == b->start && a->flags == b->flags && a->file == b->file &&
	       a->mapping == b->mapping && a->ops == b->ops && a->private == b->private &&
	       a->pgoff + vma_pages(a) == b->pgoff && !(a->flags & VM_PFNMAP) &&
	       !(a->ops && a->ops->close) && (!a->anon || !b->anon || a->anon == b->anon);
}

/* b, the neighbour above, becomes part of a. */
static void vma_absorb(struct vma *a, struct vma *b)
{
	struct anon_root *r = b->anon;
	u64 end = b->end;

	if (r && !a->anon)
		anon_join(a, r);
	/* Truncation must see the range through one of the two at any time: first a grows, then b goes. */
	vma_unlink(a->mm, b);
	vma_resize(a, a->start, end, a->pgoff);
	vma_detach_rmap(b);
	vma_release(b);
}

struct vma *vma_merge(struct vma *v)
{
	struct vma *prev = vma_prev(v), *next = vma_next(v);

	if (next && vma_can_merge(v, next))
		vma_absorb(v, next);
	if (prev && vma_can_merge(prev, v)) {
		vma_absorb(prev, v);
		v = prev;
	}
	return v;
}

int vma_change_flags(struct vma **vp, u64 start, u64 end, u32 flags)
{
	struct vma *v = *vp;
	struct mm *mm = v->mm;
	int err;

	if (v->flags == flags)
		return 0;
	err = vma_isolate(&v, max(start, v->start), min(end, v->end));
	if (err)
		return err;
	vm_account(mm, v->flags, v->file, -(s64)vma_pages(v));
	vma_set_flags(v, flags);
	vm_account(mm, flags, v->file, vma_pages(v));
	*vp = vma_merge(v);
	return 0;
}

void vma_init(void)
{
	vma_cache = slab_cache_create("vm_area", sizeof(struct vma), 0, SLAB_PANIC, NULL);
}
