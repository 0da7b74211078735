/* struct mm: creation, the end.
 *
 * Two counts: users (threads that run in it; the last one's end drops the mappings) and count (users
 * together hold one, others who look at it from outside the rest; the last frees it).
 * Loading, and what CPUs remember of the tables, is tlb.c. Context: process. */
#define LOG_PREFIX "mm: "
#include <alloc/slab.h>
#include <arch/cpu.h>
#include <arch/smp.h>
#include <arch/uaccess.h>
#include <log/panic.h>
#include <sched/thread.h>
#include <uapi/resource.h>
#include "vm_priv.h"

static struct slab_cache *mm_cache __ro_after_init;
const struct vm_file_ops *vm_file_ops __ro_after_init;
struct page *zero_page __ro_after_init;

void vm_set_file_ops(const struct vm_file_ops *o)
{
	vm_file_ops = o;
}

/* --- life --- */

struct mm *mm_create(void)
{
	struct mm *mm = slab_alloc(mm_cache, GFP_KERNEL | GFP_ZERO);

	if (!mm)
		return NULL;
	mm->cpumask = &mm->cpumask_inline;
	if (nr_cpus > 64) {
		mm->cpumask = kzalloc(cpumask_bytes(), GFP_KERNEL);
		if (!mm->cpumask)
			goto out_mm;
	}
	mm->root = pt_root_alloc();
	if (!mm->root)
		goto out_mask;
	pt_page_of(mm->root)->pt_used = 0;
	rwsem_init(&mm->lock);
	spin_init(&mm->pt_lock);
	ref_init(&mm->users, 1);
	ref_init(&mm->count, 1);
	mm->id = tlb_new_id();
	mm->task_size = user_limit;
	mm->rlim_as = mm->rlim_data = RLIM_INFINITY;
	mm->rlim_stack = mm->rlim_memlock = 8 * MiB;
	mm->dumpable = 1;
	mm->mmap_base = WINDOW_END;
	return mm;
out_mask:
	if (mm->cpumask != &mm->cpumask_inline)
		kfree(mm->cpumask);
out_mm:
	slab_free(mm_cache, mm);
	return NULL;
}

void mm_get(struct mm *mm)
{
	ref_get(&mm->users);
}

bool mm_tryget(struct mm *mm)
{
	return ref_tryget(&mm->users);
}

void mm_grab(struct mm *mm)
{
	ref_get(&mm->count);
}

void mm_drop(struct mm *mm)
{
	if (!ref_put(&mm->count))
		return;
	DEBUG_ON(!bitmap_empty(mm->cpumask, nr_cpus));
	pt_root_free(mm->root);
	if (mm->cpumask != &mm->cpumask_inline)
		kfree(mm->cpumask);
	slab_free(mm_cache, mm);
}

/* Nobody runs in it and nobody may come: everything goes, in one batch without flushes. Reverse maps
 * may still lead here until each VMA has left them. */
static void drop_mappings(struct mm *mm)
{
	struct tlb_batch b;
	struct vma *v, *next;

	tlb_unload_everywhere(mm);
	down_write(&mm->lock);
	tlb_batch_init(&b, mm, mm->total_vm);
	b.full = true;
	for (v = vma_find(mm, 0); v; v = vma_next(v))
		zap_range(&b, v, v->start, v->end, true);
	for (v = vma_find(mm, 0); v; v = next) {
		next = vma_next(v);
		vma_detach_rmap(v);
		pt_free_range(&b, v->start, v->end, 0, next ? next->start : ~0ul);
	}
	tlb_batch_end(&b);
	/* In postorder: walking in order would go up through VMAs that are gone. */
	for (struct rb_node *n = rb_first_postorder(&mm->vmas), *up; n; n = up) {
		up = rb_next_postorder(n);
		vma_release(rb_entry(n, struct vma, node));
	}
	mm->vmas.node = NULL;
	mm->cache = NULL;
	mm->nr_vmas = 0;
	mm->total_vm = mm->locked_vm = mm->data_vm = mm->stack_vm = mm->exec_vm = 0;
	up_write(&mm->lock);
}

void mm_put(struct mm *mm)
{
	if (!ref_put(&mm->users))
		return;
	drop_mappings(mm);
	vm_file_put(mm->exe);
	mm->exe = NULL;
	mm_drop(mm);
}

void vm_init(void)
{
	static const struct sched_mm_ops ops = {.switch_mm = switch_mm};

	mm_cache = slab_cache_create("mm", sizeof(struct mm), 0, SLAB_PANIC, NULL);
	zero_page = page_alloc(0, GFP_KERNEL | GFP_ZERO);
	BUG_ON(!zero_page);
	vma_init();
	rmap_init();
	sched_set_mm_ops(&ops);
	if (cpu_features.pcid)
		pr_info("PCIDs in use, %s INVPCID", cpu_features.invpcid ? "with" : "without");
}
