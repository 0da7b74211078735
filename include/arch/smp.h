/* CPUs: enumeration, start, inter-processor interrupts. CPU numbers are dense, 0 is the boot CPU. */
#pragma once
#include <arch/percpu.h>

/* Sized at boot from the MADT (and maxcpus=): no compile-time limit. [I] after smp_prepare() */
extern unsigned nr_cpus;	/* possible CPUs */
extern unsigned nr_cpus_online; /* [a] */
bool cpu_is_online(unsigned cpu);

/* A set of CPUs: BITS_TO_LONGS(nr_cpus) words. */
typedef unsigned long *cpumask_t;
static inline size_t cpumask_bytes(void)
{
	return (nr_cpus + 63) / 64 * 8;
}
extern unsigned long *cpu_online_mask; /* [a] */
#define for_each_possible_cpu(c) for (unsigned c = 0; c < nr_cpus; c++)
#define for_each_online_cpu(c)                 \
	for (unsigned c = 0; c < nr_cpus; c++) \
		if (cpu_is_online(c))

/* Read the ACPI tables, enumerate CPUs and copy the per-CPU section for each: before mem_init(), while the section is
 * still as it was linked. */
void smp_prepare(void);
/* Start the application processors; each ends in entry(), on its idle stack, interrupts off. The
 * idle stacks come from the scheduler. -errno never fails the boot: a dead AP is logged. */
struct smp_boot_ops {
	void *(*idle_stack)(unsigned cpu);	/* KSTACK_SIZE bytes */
	__noreturn void (*entry)(unsigned cpu); /* scheduler's per-CPU entry */
};
void smp_boot_secondaries(const struct smp_boot_ops *ops);

/* Make cpu go through its reschedule check (IPI, or nothing if it is us). IRQ-safe. */
void smp_send_reschedule(unsigned cpu);
/* Run fn(arg) on the CPUs in mask (NULL: all online) except the caller, in hard-IRQ context, and
 * wait for them. Interrupts must be on; must not hold locks taken in IRQ context. */
void smp_call_function(const unsigned long *mask, void (*fn)(void *), void *arg);
void smp_call_function_single(unsigned cpu, void (*fn)(void *), void *arg);
/* Stop every other CPU for good (panic, power-off). Any context. */
void smp_stop_others(void);
/* NMI to all others, for panic backtraces. */
void smp_send_nmi_others(void);
