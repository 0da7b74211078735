/* struct mm: creation, loading, the end.
 *
 * Two counts: users (threads that run in it; the last one's end drops the mappings) and count (users
 * together hold one, others who look at it from outside the rest; the last frees it).
 * A CPU that switches to a kernel thread keeps the page tables loaded (lazily) and stays in mm->cpumask, so
 * that it gets the flushes. It holds no reference: before the mappings go, the last user makes every CPU that
 * still has the tables loaded switch to the kernel's own. switch_mm sets the CPU's bit before it loads the
 * tables, and flushers write entries before they read the mask, so one of the two sees the other.
 * Contexts: switch_mm with interrupts off; the rest process context. */
#include <alloc/slab.h>
#include <arch/irqflags.h>
#include <arch/smp.h>
#include <arch/uaccess.h>
#include <log/panic.h>
#include <sched/thread.h>
#include <uapi/resource.h>
#include "vm_priv.h"

static struct slab_cache *mm_cache __ro_after_init;
static DEFINE_PER_CPU(struct mm *, loaded_mm); /* whose tables this CPU has; NULL: the kernel's */
const struct vm_file_ops *vm_file_ops __ro_after_init;
struct page *zero_page __ro_after_init;

void vm_set_file_ops(const struct vm_file_ops *o)
{
	vm_file_ops = o;
}

/* --- loading --- */

static void load_mm(struct mm *mm)
{
	struct mm *old = this_cpu_read(loaded_mm);
	unsigned cpu = cpu_id();

	if (old == mm)
		return;
	if (mm)
		bit_set_atomic(mm->cpumask, cpu); /* a full barrier */
	this_cpu_write(loaded_mm, mm);
	pt_switch(mm ? mm->root : kernel_root);
	if (old)
		bit_clear_atomic(old->cpumask, cpu);
}

static void switch_mm(struct mm *prev, struct mm *next)
{
	(void)prev;
	if (next)
		load_mm(next);
}

/* In an interrupt or with interrupts off. */
static void unload_here(void *arg)
{
	if (this_cpu_read(loaded_mm) == arg)
		load_mm(NULL);
}

/* No thread runs in mm any more: take it off the CPUs that have it loaded lazily. */
static void unload_everywhere(struct mm *mm)
{
	unsigned long flags = irq_save();
	size_t cpu;

	unload_here(mm);
	irq_restore(flags);
	preempt_disable();
	while ((cpu = bitmap_find_set(mm->cpumask, nr_cpus, 0)) < nr_cpus) {
		if (cpu == cpu_id()) {
			flags = irq_save();
			unload_here(mm);
			irq_restore(flags);
		} else {
			smp_call_function_single(cpu, unload_here, mm);
		}
	}
	preempt_enable();
}

struct mm *mm_install(struct mm *mm)
{
	unsigned long flags = irq_save();
	struct mm *old = current->mm;

	current->mm = mm;
	if (mm)
		load_mm(mm);
	irq_restore(flags);
	return old;
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

	unload_everywhere(mm);
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
}
