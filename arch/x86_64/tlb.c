/* TLB shootdown: flush translations on this and on other CPUs, and wait until it is done everywhere (Intel SDM
 * vol. 3, 4.10.5). Changed entries are written before; a CPU that starts to use an address space later flushes when it
 * loads the table. The requests travel on their own channel (ipi.c), so that they are not queued behind calls.
 * Context: interrupts on, unless this CPU is the only one. */
#include <arch/pgtable.h>
#include <arch/smp.h>
#include <lib/bits.h>
#include <sync/preempt.h>
#include "plat_priv.h"

/* Single-page flushes cost about as much as refilling the whole TLB from here on. */
#define FLUSH_PAGES_MAX 33

struct flush {
	u64 start, pages;
	bool kernel;
};

static void flush_here(void *arg)
{
	const struct flush *f = arg;

	if (f->pages <= FLUSH_PAGES_MAX) {
		for (u64 i = 0; i < f->pages; i++)
			tlb_flush_page_local(f->start + i * PAGE_SIZE);
	} else if (f->kernel) {
		tlb_flush_kernel_local();
	} else {
		tlb_flush_all_local();
	}
}

void tlb_shootdown(const unsigned long *cpumask, u64 start, u64 nr_pages)
{
	struct flush f = {start, nr_pages, false};

	preempt_disable();
	bool here = !cpumask || bit_test(cpumask, cpu_id());
	ipi_call(VECTOR_TLB, cpumask, flush_here, &f, here ? flush_here : NULL);
	preempt_enable();
}

void tlb_shootdown_kernel(u64 start, u64 size)
{
	u64 first = ALIGN_DOWN(start, PAGE_SIZE);
	struct flush f = {first, (ALIGN_UP(start + size, PAGE_SIZE) - first) / PAGE_SIZE, true};

	ipi_call(VECTOR_TLB, NULL, flush_here, &f, flush_here);
}
