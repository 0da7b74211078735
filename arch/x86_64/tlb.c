/* TLB shootdown: have translations flushed on this and on other CPUs, and wait until it is done everywhere (Intel SDM
 * vol. 3, 4.10.5). Changed entries are written before. User translations are mm/vm's (tlb_call); the kernel's are global
 * and flushed on all CPUs. The requests travel on their own channel (ipi.c), so that they are not queued behind calls.
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
};

static void flush_here(void *arg)
{
	const struct flush *f = arg;

	if (f->pages > FLUSH_PAGES_MAX)
		tlb_flush_kernel_local();
	else
		for (u64 i = 0; i < f->pages; i++)
			tlb_flush_page_local(f->start + i * PAGE_SIZE);
}

void tlb_call(const unsigned long *cpumask, void (*fn)(void *arg), void *arg)
{
	preempt_disable();
	ipi_call(VECTOR_TLB, cpumask, fn, arg, bit_test(cpumask, cpu_id()) ? fn : NULL);
	preempt_enable();
}

void tlb_shootdown_kernel(u64 start, u64 size)
{
	u64 first = ALIGN_DOWN(start, PAGE_SIZE);
	struct flush f = {first, (ALIGN_UP(start + size, PAGE_SIZE) - first) / PAGE_SIZE};

	ipi_call(VECTOR_TLB, NULL, flush_here, &f, flush_here);
}
