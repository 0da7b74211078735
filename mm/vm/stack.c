/* Where things go in a fresh address space, and stacks that grow.
 *
 * Layout, top down: stack (randomised by up to 16 GiB), a gap as large as the stack may get, mmap_base
 * (randomised by 2^28 pages) from which mappings are placed downward, the heap above a program, programs at
 * fixed addresses. With no_aslr (ADDR_NO_RANDOMIZE, norandmaps) nothing is random.
 * A stack VMA grows on a fault below it, up to RLIMIT_STACK, and keeps a guard gap to what is below.
 * Locks: mm->lock for writing. Semantics: mmap(2) MAP_GROWSDOWN, setrlimit(2). */
#include <init/bootinfo.h>
#include <log/random.h>
#include "vm_priv.h"

#define STACK_RANDOM_PAGES (1ul << 22)
#define MMAP_RANDOM_PAGES  (1ul << 28)
#define BRK_RANDOM	   (32 * MiB)
#define STACK_FIRST	   (132 * KiB) /* of the initial stack VMA */
#define MIN_STACK_GAP	   (128 * MiB)

static bool aslr_off;

static void no_randmaps(const char *value)
{
	(void)value;
	aslr_off = true;
}
BOOT_PARAM("norandmaps", no_randmaps);

/* A random number of pages below n (a power of two), in bytes. */
static u64 random_pages(struct mm *mm, u64 n)
{
	u64 r;

	if (mm->no_aslr || aslr_off)
		return 0;
	random_bytes(&r, sizeof(r));
	return (r & (n - 1)) << PAGE_SHIFT;
}

void vm_layout(struct mm *mm)
{
	u64 gap = mm->rlim_stack, pad = STACK_GUARD;

	if (!mm->no_aslr && !aslr_off)
		pad += STACK_RANDOM_PAGES << PAGE_SHIFT;
	if (gap + pad > gap)
		gap += pad;
	gap = clamp_t(u64, gap, MIN_STACK_GAP, WINDOW_END / 6 * 5);
	mm->mmap_base =
		ALIGN_DOWN(WINDOW_END - gap - random_pages(mm, MMAP_RANDOM_PAGES), PAGE_SIZE);
}

u64 vm_pie_base(struct mm *mm)
{
	return ALIGN_DOWN(WINDOW_END / 3 * 2, PAGE_SIZE) + random_pages(mm, MMAP_RANDOM_PAGES);
}

u64 vm_random_brk(struct mm *mm, u64 end)
{
	return ALIGN_UP(end, PAGE_SIZE) + random_pages(mm, BRK_RANDOM >> PAGE_SHIFT);
}

int vm_setup_stack(struct mm *mm, bool executable, u64 *top)
{
	u32 flags = VM_READ | VM_WRITE | VM_MAYALL | VM_GROWSDOWN | VM_ACCOUNT;
	struct vma *v;
	u64 end;
	int err;

	if (executable)
		flags |= VM_EXEC;
	down_write(&mm->lock);
	vm_layout(mm);
	end = WINDOW_END - random_pages(mm, STACK_RANDOM_PAGES);
	err = -ENOMEM;
	v = vma_overlaps(mm, end - STACK_FIRST, end) ? NULL
						     : vma_new(mm, end - STACK_FIRST, end, flags);
	if (!v)
		goto out;
	err = vm_may_expand(mm, flags, false, vma_pages(v));
	if (err) {
		vma_free(v);
		goto out;
	}
	vma_set_flags(v, flags);
	vma_link(mm, v);
	vm_account(mm, flags, false, vma_pages(v));
	mm->start_stack = end;
	*top = end;
out:
	up_write(&mm->lock);
	return err;
}

int stack_expand(struct vma *v, u64 addr)
{
	struct mm *mm = v->mm;
	struct vma *prev = vma_prev(v);
	u64 start = ALIGN_DOWN(addr, PAGE_SIZE), grow;
	int err;

	if (start >= v->start)
		return 0;
	grow = v->start - start;
	if (start < MMAP_MIN_ADDR || v->end - start > mm->rlim_stack)
		return -ENOMEM;
	/* The guard gap is for what grows up to us, not for a stack that we meet or an inaccessible VMA. */
	if (prev && prev->end > start)
		return -ENOMEM;
	if (prev && start - prev->end < STACK_GUARD && prev->flags & VM_ACCESS &&
	    !(prev->flags & VM_GROWSDOWN))
		return -ENOMEM;
	if (v->pgoff < grow >> PAGE_SHIFT)
		return -ENOMEM;
	err = vm_may_expand(mm, v->flags, false, grow >> PAGE_SHIFT);
	if (err)
		return err;
	if (v->flags & VM_LOCKED && vm_lock_limit(mm, grow))
		return -ENOMEM;
	vma_resize(v, start, v->end, v->pgoff - (grow >> PAGE_SHIFT));
	vm_account(mm, v->flags, false, grow >> PAGE_SHIFT);
	return 0;
}
