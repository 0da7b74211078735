/* Mapping and unmapping: mmap(2) behind its file-descriptor part, munmap(2), brk(2), and the limits.
 *
 * A request is checked, placed (top down from mmap_base in the largest-gap tree; MAP_32BIT and the fallback
 * bottom up), cleared of what it replaces (MAP_FIXED), and joined with a neighbour or made a VMA of its own.
 * Unmapping detaches the VMAs, clears their entries, takes them off the reverse maps, frees page tables that
 * serve nobody any more, flushes once, and only then drops pages and files.
 * Accounting: total_vm against RLIMIT_AS, data_vm (private writable) against RLIMIT_DATA, locked_vm against
 * RLIMIT_MEMLOCK, all in pages. Overcommit is Linux's mode 0: only a request that could never be met fails.
 * Locks: mm->lock for writing. Process context. */
#include <log/panic.h>
#include <sched/thread.h>
#include <syscall/syscalls.h>
#include <uapi/resource.h>
#include "vm_priv.h"

#define MAP_HUGE_SHIFT 26
#define MAP_HUGE_MASK  0x3fu
#define MAP_LOW_START  0x40000000ul
#define MAP_LOW_END    0x80000000ul
/* Flags that a file without special knowledge understands: MAP_SHARED_VALIDATE refuses others. */
#define MAP_LEGACY                                                                               \
	(MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT | MAP_GROWSDOWN | MAP_DENYWRITE |      \
	 MAP_EXECUTABLE | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | \
	 MAP_HUGETLB | MAP_FIXED_NOREPLACE | MAP_HUGE_MASK << MAP_HUGE_SHIFT | 0x800 | 0x4000000)

struct mapping *(*shmem_mapping_hook)(u64 size, struct file **file);

/* --- limits --- */

static inline bool counts_as_data(u32 flags)
{
	return (flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE;
}

void vm_account(struct mm *mm, u32 flags, bool file, s64 pages)
{
	mm->total_vm += pages;
	mm->hiwater_vm = max(mm->hiwater_vm, mm->total_vm);
	if (flags & VM_LOCKED)
		mm->locked_vm += pages;
	if (file && (flags & (VM_EXEC | VM_WRITE)) == VM_EXEC)
		mm->exec_vm += pages;
	else if (flags & VM_GROWSDOWN)
		mm->stack_vm += pages;
	else if (counts_as_data(flags))
		mm->data_vm += pages;
}

int vm_may_expand(struct mm *mm, u32 flags, bool file, u64 pages)
{
	(void)file;
	if (mm->total_vm + pages > mm->rlim_as >> PAGE_SHIFT)
		return -ENOMEM;
	if (counts_as_data(flags) && mm->data_vm + pages > mm->rlim_data >> PAGE_SHIFT)
		return -ENOMEM;
	return 0;
}

bool vm_overcommits(u64 pages)
{
	struct mem_stats s;

	if (pages < 64 * MiB >> PAGE_SHIFT)
		return false; /* the smallest machine has more */
	mem_stats_get(&s);
	return pages > s.total;
}

bool vm_can_mlock(struct mm *mm)
{
	return mm->rlim_memlock || capable(CAP_IPC_LOCK);
}

int vm_lock_limit(struct mm *mm, u64 more)
{
	if (mm->rlim_memlock == RLIM_INFINITY ||
	    mm->locked_vm + (more >> PAGE_SHIFT) <= mm->rlim_memlock >> PAGE_SHIFT)
		return 0;
	return capable(CAP_IPC_LOCK) ? 0 : -EAGAIN;
}

/* --- placing --- */

static s64 place_fixed(struct mm *mm, u64 addr, u64 len, u32 flags)
{
	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (len > mm->task_size || addr > mm->task_size - len)
		return -ENOMEM;
	if (addr < MMAP_MIN_ADDR && !capable(CAP_SYS_RAWIO))
		return -EPERM;
	if (flags & MAP_FIXED_NOREPLACE && vma_overlaps(mm, addr, addr + len))
		return -EEXIST;
	return addr;
}

/* May a mapping lie exactly at the hint? Guard gaps of stacks above count. */
static bool hint_is_free(struct mm *mm, u64 addr, u64 len)
{
	struct vma *v;

	if (len > mm->task_size || addr > mm->task_size - len)
		return false;
	if ((addr > WINDOW_END) != (addr + len > WINDOW_END))
		return false;
	v = vma_find(mm, addr);
	return !v || addr + len <= vma_guard_start(v);
}

s64 vm_place(struct mm *mm, u64 addr, u64 len, u32 flags)
{
	u64 base = mm->mmap_base, a;

	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))
		return place_fixed(mm, addr, len, flags);
	if (len > mm->task_size)
		return -ENOMEM;
	if (flags & MAP_32BIT) {
		a = vma_gap_low(mm, len, MAP_LOW_START, MAP_LOW_END);
		return a ? (s64)a : -ENOMEM;
	}
	if (addr) {
		addr = ALIGN_UP(max(addr & PAGE_MASK, MMAP_MIN_ADDR), PAGE_SIZE);
		if (hint_is_free(mm, addr, len))
			return addr;
		/* Linux's rule: only who asks above 47 bits gets addresses there. */
		if (addr > WINDOW_END && mm->task_size > WINDOW_END)
			base += mm->task_size - WINDOW_END;
	}
	a = vma_gap_high(mm, len, MMAP_MIN_ADDR, base);
	if (!a)
		a = vma_gap_low(mm, len, ALIGN_DOWN(WINDOW_END / 3, PAGE_SIZE), WINDOW_END);
	return a ? (s64)a : -ENOMEM;
}

/* --- mapping --- */

/* A VMA that stands for the request, to compare with neighbours. */
static void region_vma(struct vma *t, struct mm *mm, const struct vm_map *req, u64 addr, u32 flags)
{
	*t = (struct vma){
		.start = addr,
		.end = addr + req->len,
		.flags = flags,
		.mm = mm,
		.pgoff = req->mapping || req->ops ? req->pgoff : addr >> PAGE_SHIFT,
		.mapping = req->mapping,
		.file = req->file,
		.ops = req->ops,
		.private = req->private,
	};
	rb_node_init(&t->node);
	list_init(&t->anon_node);
}

struct vma *vm_map_region(struct mm *mm, const struct vm_map *req, u64 addr, u32 flags)
{
	struct vma t, *prev, *next, *v;

	region_vma(&t, mm, req, addr, flags);
	next = vma_find(mm, addr);
	prev = next ? vma_prev(next) : vma_last(mm);
	if (prev && vma_can_merge(prev, &t)) {
		vma_resize(prev, prev->start, t.end, prev->pgoff);
		return vma_merge(prev);
	}
	if (next && vma_can_merge(&t, next)) {
		vma_resize(next, t.start, next->end, t.pgoff);
		return next;
	}
	v = vma_dup(&t);
	if (!v)
		return ERR_PTR(-ENOMEM);
	vma_set_flags(v, flags);
	vma_attach(v);
	vma_link(mm, v);
	return v;
}

static s64 check_request(struct vm_map *req)
{
	u32 type = req->flags & MAP_TYPE, huge;
	bool anon = !req->file && !req->mapping && !req->ops;

	if (!req->len)
		return -EINVAL;
	req->len = ALIGN_UP(req->len, PAGE_SIZE);
	if (!req->len)
		return -ENOMEM;
	if (req->pgoff + (req->len >> PAGE_SHIFT) < req->pgoff)
		return -EOVERFLOW;
	if (req->flags & MAP_HUGETLB && anon) {
		huge = req->flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK;
		return !huge || huge == 21 || huge == 30 ? -ENOMEM : -EINVAL; /* none reserved */
	}
	if (type == MAP_SHARED_VALIDATE && !anon) {
		if (req->flags & ~MAP_LEGACY)
			return -EOPNOTSUPP;
		type = MAP_SHARED;
	}
	if (type != MAP_SHARED && type != MAP_PRIVATE)
		return -EINVAL;
	if (req->flags & MAP_GROWSDOWN && (!anon || type == MAP_SHARED))
		return -EINVAL;
	if (anon && type == MAP_PRIVATE)
		req->pgoff = 0;
	return 0;
}

/* The VMA flags of a checked request. 0: not permitted. */
static u32 request_flags(struct mm *mm, const struct vm_map *req)
{
	bool anon = !req->file && !req->mapping && !req->ops;
	u32 f = req->vm_flags | (req->prot & VM_ACCESS) | mm->def_flags;

	if (anon || !(f & VM_MAYALL))
		f |= VM_MAYALL;
	if ((req->flags & MAP_TYPE) != MAP_PRIVATE)
		f |= VM_SHARED;
	else if (!anon && f & VM_MAYREAD)
		f |= VM_MAYWRITE; /* a private copy may always be written */
	if (req->flags & MAP_GROWSDOWN)
		f |= VM_GROWSDOWN;
	if (req->flags & MAP_LOCKED)
		f |= VM_LOCKED;
	if (req->flags & MAP_NORESERVE)
		f |= VM_NORESERVE;
	else if ((f & (VM_WRITE | VM_SHARED)) == VM_WRITE)
		f |= VM_ACCOUNT;
	return (f & VM_ACCESS) & ~(f >> 4) ? 0 : f;
}

/* Pages of [start, end) that are mapped now. */
static u64 pages_in(struct mm *mm, u64 start, u64 end)
{
	u64 n = 0;

	for (struct vma *v = vma_find(mm, start); v && v->start < end; v = vma_next(v))
		n += (min(v->end, end) - max(v->start, start)) >> PAGE_SHIFT;
	return n;
}

static s64 map_locked(struct mm *mm, struct vm_map *req, u32 flags)
{
	u64 pages = req->len >> PAGE_SHIFT;
	struct vma *v;
	s64 addr;
	int err;

	if (mm->nr_vmas >= MAX_VMAS)
		return -ENOMEM;
	addr = vm_place(mm, req->addr, req->len, req->flags);
	if (addr < 0)
		return addr;
	if (flags & VM_LOCKED) {
		if (!vm_can_mlock(mm))
			return -EPERM;
		err = vm_lock_limit(mm, req->len);
		if (err)
			return err;
	}
	err = vm_may_expand(mm, flags, req->file, pages);
	if (err &&
	    (!(req->flags & MAP_FIXED) ||
	     vm_may_expand(mm, flags, req->file, pages - pages_in(mm, addr, addr + req->len))))
		return err;
	if (flags & VM_ACCOUNT && vm_overcommits(pages))
		return -ENOMEM;
	if (vma_overlaps(mm, addr, addr + req->len)) {
		err = munmap_locked(mm, addr, req->len);
		if (err)
			return err;
	}
	v = vm_map_region(mm, req, addr, flags);
	if (IS_ERR(v))
		return PTR_ERR(v);
	vm_account(mm, flags, req->file, pages);
	return addr;
}

s64 vm_mmap(struct mm *mm, struct vm_map *req)
{
	struct file *shm = NULL;
	struct mapping *m;
	s64 addr;
	u32 flags;

	addr = check_request(req);
	if (addr)
		return addr;
	flags = request_flags(mm, req);
	if (!flags)
		return -EACCES;
	if (flags & VM_SHARED && !req->file && !req->mapping && !req->ops) {
		if (!shmem_mapping_hook)
			return -ENOMEM;
		m = shmem_mapping_hook(req->len, &shm);
		if (IS_ERR_OR_NULL(m))
			return m ? PTR_ERR(m) : -ENOMEM;
		req->mapping = m;
		req->file = shm;
		req->pgoff = 0;
	}
	addr = -EINTR;
	if (!down_write_killable(&mm->lock)) {
		addr = map_locked(mm, req, flags);
		up_write(&mm->lock);
	}
	vm_file_put(shm);
	if (addr > 0 &&
	    (flags & VM_LOCKED || (req->flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE))
		(void)vm_populate(mm, addr, req->len);
	return addr;
}

/* --- unmapping --- */

/* Take the VMAs of [start, end) out of the tree, chained through node.left. */
static struct vma *detach_range(struct mm *mm, struct vma *v, u64 end)
{
	struct vma *list = NULL, **tail = &list, *next;

	for (; v && v->start < end; v = next) {
		next = vma_next(v);
		vma_unlink(mm, v);
		vm_account(mm, v->flags, v->file, -(s64)vma_pages(v));
		*tail = v;
		tail = (struct vma **)&v->node.left;
	}
	*tail = NULL;
	return list;
}
#define detached_next(v) ((struct vma *)(v)->node.left)

int munmap_locked(struct mm *mm, u64 start, u64 len)
{
	u64 end = start + len;
	struct vma *v, *list, *prev, *next;
	struct tlb_batch b;

	v = vma_find(mm, start);
	if (!v || v->start >= end)
		return 0;
	/* Both ends inside one VMA: a hole makes one more. */
	if (v->start < start && v->end > end && mm->nr_vmas >= MAX_VMAS)
		return -ENOMEM;
	if (v->start < start) {
		v = vma_split(v, start);
		if (IS_ERR(v))
			return PTR_ERR(v);
	}
	next = vma_find(mm, end - 1);
	if (next && next->start < end && next->end > end) {
		bool same = next == v;

		next = vma_split(next, end);
		if (IS_ERR(next)) {
			if (same)
				vma_merge(v);
			return PTR_ERR(next);
		}
	}
	prev = vma_prev(v);
	list = detach_range(mm, v, end);
	next = vma_find(mm, end);

	tlb_batch_init(&b, mm, len >> PAGE_SHIFT);
	for (v = list; v; v = detached_next(v))
		zap_range(&b, v, v->start, v->end, true);
	for (v = list; v; v = detached_next(v))
		vma_detach_rmap(v);
	pt_free_range(&b, start, end, prev ? prev->end : 0, next ? next->start : ~0ul);
	tlb_batch_end(&b);
	while ((v = list)) {
		list = detached_next(v);
		vma_release(v);
	}
	return 0;
}

static int check_unmap(struct mm *mm, u64 addr, u64 *len)
{
	if (addr & ~PAGE_MASK || addr > mm->task_size || *len > mm->task_size - addr)
		return -EINVAL;
	*len = ALIGN_UP(*len, PAGE_SIZE);
	return *len ? 0 : -EINVAL;
}

int vm_munmap(struct mm *mm, u64 addr, u64 len)
{
	int err = check_unmap(mm, addr, &len);

	if (err)
		return err;
	if (down_write_killable(&mm->lock))
		return -EINTR;
	err = munmap_locked(mm, addr, len);
	up_write(&mm->lock);
	return err;
}

s64 sys_munmap(u64 addr, u64 len)
{
	return vm_munmap(current->mm, addr, len);
}

/* --- the heap --- */

static int brk_grow(struct mm *mm, u64 from, u64 to)
{
	u32 flags = VM_READ | VM_WRITE | VM_MAYALL | VM_ACCOUNT | mm->def_flags;
	struct vm_map req = {.len = to - from};
	u64 pages = req.len >> PAGE_SHIFT;
	struct vma *v;

	if (to > WINDOW_END || mm->nr_vmas >= MAX_VMAS)
		return -ENOMEM;
	v = vma_find(mm, from);
	if (v && vma_guard_start(v) < to)
		return -ENOMEM;
	if ((flags & VM_LOCKED && vm_lock_limit(mm, req.len)) ||
	    vm_may_expand(mm, flags, false, pages) || vm_overcommits(pages))
		return -ENOMEM;
	v = vm_map_region(mm, &req, from, flags);
	if (IS_ERR(v))
		return PTR_ERR(v);
	vm_account(mm, flags, false, pages);
	return 0;
}

s64 sys_brk(u64 brk)
{
	struct mm *mm = current->mm;
	u64 old, now, was;
	bool populate = false;

	if (down_write_killable(&mm->lock))
		return -EINTR;
	was = mm->brk;
	if (brk < mm->start_brk || brk > mm->task_size)
		goto out;
	if (mm->rlim_data != RLIM_INFINITY &&
	    brk - mm->start_brk + (mm->end_data - mm->start_data) > mm->rlim_data)
		goto out;
	now = ALIGN_UP(brk, PAGE_SIZE);
	old = ALIGN_UP(was, PAGE_SIZE);
	if (now < old ? munmap_locked(mm, now, old - now) : now > old && brk_grow(mm, old, now))
		goto out;
	mm->brk = brk;
	populate = now > old && mm->def_flags & VM_LOCKED;
	was = brk;
out:
	up_write(&mm->lock);
	if (populate)
		(void)vm_populate(mm, old, now - old);
	return was;
}
