/* Which translations a CPU may hold: loading of address spaces, PCIDs, and flushing.
 *
 * mm->cpumask has the CPUs that have mm loaded. A CPU that switches to a kernel thread keeps the page tables (lazily) and
 * stays in it, so that it gets the flushes. It holds no reference: before the mappings go, the last user makes
 * every CPU that still has the tables loaded switch to the kernel's own.
 *
 * With PCIDs a CPU keeps the translations of the spaces it had last, each in a slot with the generation up to
 * which it has flushed them. Every flush is a new generation of the space; the CPUs that have it loaded are
 * interrupted, the others find their slot behind when they come back, and flush then. Spaces are told apart by
 * mm->id, which no other space ever gets: what a slot holds of a dead one is never looked at, and goes when the
 * slot is taken. PCID 0 is the kernel's own table.
 *
 * Ordering: a flusher writes entries, then the generation, then reads cpumask; a loader sets its bit in cpumask, then
 * reads the generation. So the flusher interrupts the loader, or the loader sees the generation.
 * Contexts: loading and all use of the slots with interrupts off; flushing in process context.
 * Source: Intel SDM vol. 3, 4.10. */
#include <arch/cpu.h>
#include <arch/irqflags.h>
#include <arch/smp.h>
#include <sched/thread.h>
#include <sync/preempt.h>
#include "vm_priv.h"

#define SLOTS	  6
#define FLUSH_ALL 32 /* pages: above, flush everything */

struct tlb_slot {
	u64 mm_id; /* 0: free */
	u64 gen;   /* flushed up to here */
};
struct tlb_state {
	struct mm *loaded; /* whose tables this CPU has; NULL: the kernel's */
	u32 slot;	   /* of loaded; its PCID is one more */
	u32 victim;	   /* the next to be taken */
	u64 kept;	   /* loads without a flush */
	struct tlb_slot slots[SLOTS];
};
static DEFINE_PER_CPU(struct tlb_state, tlb) __aligned(64); /* [o] interrupts off */

u64 tlb_new_id(void)
{
	static atomic64_t last;

	return (u64)atomic_inc_return(&last);
}

/* --- loading --- */

static void load_into_slot(struct tlb_state *t, struct mm *mm)
{
	u64 gen = (u64)atomic_read(&mm->tlb_gen);
	bool flush;
	u32 i;

	for (i = 0; i < SLOTS; i++)
		if (t->slots[i].mm_id == mm->id)
			break;
	if (i < SLOTS) {
		flush = t->slots[i].gen != gen;
	} else {
		i = t->victim;
		t->victim = i + 1 < SLOTS ? i + 1 : 0;
		t->slots[i].mm_id = mm->id;
		flush = true;
	}
	t->slots[i].gen = gen;
	t->slot = i;
	t->kept += !flush;
	pt_switch_pcid(mm->root, i + 1, flush);
}

static void load_mm(struct mm *mm)
{
	struct mm *old = this_cpu_read(tlb.loaded);
	unsigned cpu = cpu_id();

	if (old == mm)
		return;
	if (mm)
		bit_set_atomic(mm->cpumask, cpu); /* a full barrier */
	this_cpu_write(tlb.loaded, mm);
	if (mm && cpu_features.pcid)
		load_into_slot(this_cpu_ptr(&tlb), mm);
	else
		pt_switch(mm ? mm->root : kernel_root);
	if (old)
		bit_clear_atomic(old->cpumask, cpu);
}

void switch_mm(struct mm *prev, struct mm *next)
{
	(void)prev;
	if (next)
		load_mm(next);
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

/* In an interrupt or with interrupts off. */
static void unload_here(void *arg)
{
	if (this_cpu_read(tlb.loaded) == arg)
		load_mm(NULL);
}

void tlb_unload_everywhere(struct mm *mm)
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

u64 tlb_loads_kept(void)
{
	return this_cpu_read(tlb.kept);
}

/* --- flushing --- */

struct flush {
	struct mm *mm;
	u64 start, end, gen;
};

static void flush_pages(u64 start, u64 end)
{
	if (end - start > FLUSH_ALL * PAGE_SIZE)
		tlb_flush_all_local();
	else
		for (; start < end; start += PAGE_SIZE)
			tlb_flush_page_local(start);
}

/* mm is loaded here, or was when the caller looked: then the generation will tell. */
static void flush_slot(const struct flush *f)
{
	unsigned long flags = irq_save();
	struct tlb_state *t = this_cpu_ptr(&tlb);
	struct tlb_slot *s = &t->slots[t->slot];

	if (t->loaded == f->mm && s->gen < f->gen) {
		if (s->gen + 1 == f->gen) {
			flush_pages(f->start, f->end);
			s->gen = f->gen;
		} else { /* others flush too, and one of them is late */
			s->gen = (u64)atomic_read_acquire(&f->mm->tlb_gen);
			tlb_flush_all_local();
		}
	}
	irq_restore(flags);
}

static void flush_here(void *arg)
{
	const struct flush *f = arg;

	if (cpu_features.pcid)
		flush_slot(f);
	else
		flush_pages(f->start, f->end);
}

/* Does no CPU but this one have mm loaded? Preemption is off; the entries are written. */
static bool only_here(struct mm *mm, unsigned cpu)
{
	smp_mb();
	if (likely(nr_cpus <= 64))
		return !(READ_ONCE(*mm->cpumask) & ~(1ul << cpu));
	for (unsigned i = 0; i < BITS_TO_LONGS(nr_cpus); i++)
		if (READ_ONCE(mm->cpumask[i]) & ~(i == cpu / 64 ? 1ul << cpu % 64 : 0))
			return false;
	return true;
}

void vm_flush_range(struct mm *mm, u64 start, u64 end)
{
	unsigned cpu;
	u64 gen;

	if (start >= end)
		return;
	gen = (u64)atomic_inc_return(&mm->tlb_gen);
	preempt_disable();
	cpu = cpu_id();
	if (!only_here(mm, cpu)) {
		tlb_call(mm->cpumask, flush_here, &(struct flush){mm, start, end, gen});
	} else if (bit_test(mm->cpumask, cpu)) {
		if (cpu_features.pcid)
			flush_slot(&(struct flush){mm, start, end, gen});
		else
			flush_pages(start, end);
	}
	preempt_enable();
}

void vm_flush_page(struct mm *mm, u64 addr)
{
	addr &= PAGE_MASK;
	vm_flush_range(mm, addr, addr + PAGE_SIZE);
}
