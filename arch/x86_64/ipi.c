/* Cross-CPU calls, rescheduling and stopping.
 *
 * A caller publishes its call in its own per-CPU slot and sets its bit in the inbox of each target; a target takes
 * whole words out of its inbox and runs the calls of those callers. So nothing is allocated, no lock is taken, callers
 * do not wait for each other, and a CPU that waits answers other callers meanwhile, since its interrupts are on.
 * There are two channels of this kind: VECTOR_CALL and VECTOR_TLB.
 *
 * Invariants: a slot is used by one call at a time: its CPU does not migrate or nest (preemption off, process
 * context). pending counts the targets that have not finished.
 * Source: Intel SDM vol. 3, 11.6 (IPIs). */
#define LOG_PREFIX "smp: "
#include <arch/atomic.h>
#include <arch/backtrace.h>
#include <arch/cpu.h>
#include <arch/irq_work.h>
#include <arch/irqflags.h>
#include <arch/smp.h>
#include <lib/bits.h>
#include <log/panic.h>
#include <sync/preempt.h>
#include "plat_priv.h"

enum { CHANNEL_CALL, CHANNEL_TLB, CHANNELS };

struct call_slot {
	void (*fn)(void *);
	void *arg;
	atomic_t pending; /* [a] */
};
static DEFINE_PER_CPU(struct call_slot, call_slot[CHANNELS]) __aligned(64);
static DEFINE_PER_CPU(unsigned long *, call_inbox[CHANNELS]); /* [I] bit n: CPU n calls */

static u32 stopper;	      /* [a] the CPU that stops all others, plus one */
static bool backtrace_wanted; /* [a] by smp_send_nmi_others */
static DEFINE_PER_CPU(bool, stopped);
static DEFINE_PER_CPU(bool, backtrace_done);

void ipi_init(void)
{
	for_each_possible_cpu (c)
		for (unsigned ch = 0; ch < CHANNELS; ch++)
			(*per_cpu_ptr(&call_inbox, c))[ch] =
				arch_mem.boot_alloc(cpumask_bytes(), 64);
}

void ipi_handle_calls(unsigned vector)
{
	unsigned ch = vector == VECTOR_TLB ? CHANNEL_TLB : CHANNEL_CALL;
	unsigned long *inbox = this_cpu_read(call_inbox[ch]);

	for (unsigned w = 0; w < BITS_TO_LONGS(nr_cpus); w++) {
		if (!READ_ONCE(inbox[w]))
			continue;
		for (unsigned long bits = xchg(&inbox[w], 0ul); bits; bits &= bits - 1) {
			struct call_slot *s =
				&(*per_cpu_ptr(&call_slot, w * BITS_PER_LONG + ffs64(bits)))[ch];
			s->fn(s->arg);
			(void)atomic_dec_return(&s->pending);
		}
	}
}

/* Post this CPU's call to cpu; an interrupt is needed only for the first letter in a word of the inbox. */
static void post(unsigned ch, u8 vector, unsigned me, unsigned cpu)
{
	unsigned long *inbox = (*per_cpu_ptr(&call_inbox, cpu))[ch];
	unsigned long bit = 1ul << me % BITS_PER_LONG;

	if (!__atomic_fetch_or(&inbox[me / BITS_PER_LONG], bit, __ATOMIC_SEQ_CST))
		apic_send_ipi(cpu, vector);
}

/* Run fn(arg) on the online CPUs of mask (NULL: all) but this one, meanwhile(arg) here; wait for all. */
void ipi_call(u8 vector, const unsigned long *mask, void (*fn)(void *), void *arg,
	      void (*meanwhile)(void *))
{
	unsigned ch = vector == VECTOR_TLB ? CHANNEL_TLB : CHANNEL_CALL;

	preempt_disable();
	unsigned me = cpu_id();
	struct call_slot *s = &(*this_cpu_ptr(&call_slot))[ch];
	s32 targets = 0;
	if (READ_ONCE(nr_cpus_online) > 1) {
		DEBUG_ON(irqs_disabled());
		DEBUG_ON(in_irq());
		s->fn = fn;
		s->arg = arg;
		/* Counted high first, so that it cannot reach 0 while letters are still being posted. */
		atomic_set_release(&s->pending, (s32)nr_cpus);
		for (unsigned w = 0; w < BITS_TO_LONGS(nr_cpus); w++) {
			unsigned long bits = READ_ONCE(cpu_online_mask[w]);
			if (mask)
				bits &= READ_ONCE(mask[w]);
			for (; bits; bits &= bits - 1) {
				unsigned cpu = w * BITS_PER_LONG + ffs64(bits);
				if (cpu == me)
					continue;
				targets++;
				post(ch, vector, me, cpu);
			}
		}
	}
	if (meanwhile)
		meanwhile(arg);
	if (targets) {
		s32 surplus = (s32)nr_cpus - targets;
		s32 left = atomic_sub_return(&s->pending, surplus);
		while (left > 0) {
			cpu_relax();
			left = atomic_read_acquire(&s->pending);
		}
	}
	preempt_enable();
}

void smp_call_function(const unsigned long *mask, void (*fn)(void *), void *arg)
{
	ipi_call(VECTOR_CALL, mask, fn, arg, NULL);
}

void smp_call_function_single(unsigned cpu, void (*fn)(void *), void *arg)
{
	preempt_disable();
	if (cpu == cpu_id()) {
		unsigned long f = irq_save();
		fn(arg);
		irq_restore(f);
	} else if (cpu_is_online(cpu)) {
		struct call_slot *s = &(*this_cpu_ptr(&call_slot))[CHANNEL_CALL];
		DEBUG_ON(irqs_disabled());
		s->fn = fn;
		s->arg = arg;
		atomic_set_release(&s->pending, 1);
		post(CHANNEL_CALL, VECTOR_CALL, cpu_id(), cpu);
		while (atomic_read_acquire(&s->pending) > 0)
			cpu_relax();
	}
	preempt_enable();
}

/* A stack of works per CPU: pushed by its own CPU (also from an NMI), taken whole by the interrupt. */
static DEFINE_PER_CPU(struct irq_work *, irq_works); /* [a] */

bool irq_work_queue(struct irq_work *w)
{
	if (xchg(&w->pending, 1))
		return false;
	unsigned long f = irq_save();
	struct irq_work **head = this_cpu_ptr(&irq_works), *first = READ_ONCE(*head);
	do
		w->next = first;
	while (!__atomic_compare_exchange_n(head, &first, w, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_RELAXED));
	if (!first)
		apic_send_ipi_self(VECTOR_IRQ_WORK);
	irq_restore(f);
	return true;
}

void irq_work_run(void)
{
	struct irq_work *w = xchg(this_cpu_ptr(&irq_works), NULL), *next;

	for (; w; w = next) {
		next = w->next;
		/* May be queued anew from here on. */
		(void)xchg(&w->pending, 0);
		w->fn(w);
	}
}

void smp_send_reschedule(unsigned cpu)
{
	if (cpu != cpu_id() && cpu_is_online(cpu))
		apic_send_ipi(cpu, VECTOR_RESCHEDULE);
}

void ipi_stop_self(void)
{
	irq_disable();
	smp_store_release(this_cpu_ptr(&stopped), true);
	bit_clear_atomic(cpu_online_mask, cpu_id());
	for (;;)
		__asm__ volatile("cli; hlt");
}

static bool all_stopped(unsigned me)
{
	for_each_possible_cpu (c)
		if (c != me && cpu_is_online(c) && !smp_load_acquire(per_cpu_ptr(&stopped, c)))
			return false;
	return true;
}

/* Bounded: a CPU that is dead or deep in firmware is left behind. */
static bool wait_stopped(unsigned me, unsigned spins)
{
	for (unsigned i = 0; i < spins; i++) {
		if (all_stopped(me))
			return true;
		cpu_relax();
	}
	return all_stopped(me);
}

/* First by interrupt; CPUs that have theirs off get an NMI. */
void smp_stop_others(void)
{
	unsigned me = cpu_id(), deaf = 0;
	u32 first = 0;

	if (READ_ONCE(nr_cpus_online) <= 1)
		return;
	if (!__atomic_compare_exchange_n(&stopper, &first, me + 1, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST)) {
		if (first != me + 1)
			ipi_stop_self(); /* two CPUs stop each other: the first wins */
		return;
	}
	for_each_online_cpu (c)
		if (c != me)
			apic_send_ipi(c, VECTOR_STOP);
	if (wait_stopped(me, 1000000))
		return;
	for_each_online_cpu (c)
		if (c != me && !smp_load_acquire(per_cpu_ptr(&stopped, c))) {
			apic_send_nmi(c);
			deaf++;
		}
	if (!wait_stopped(me, 1000000))
		pr_warn("some CPUs answer neither interrupt nor NMI, left behind");
	else if (deaf)
		pr_warn("%u CPUs had interrupts off, stopped by NMI", deaf);
}

void smp_send_nmi_others(void)
{
	unsigned me = cpu_id();

	for_each_possible_cpu (c)
		WRITE_ONCE(*per_cpu_ptr(&backtrace_done, c), false);
	smp_store_release(&backtrace_wanted, true);
	/* One after the other, so that the reports do not mix. */
	for_each_online_cpu (c) {
		if (c == me)
			continue;
		apic_send_nmi(c);
		for (unsigned i = 0;
		     i < 10000000 && !smp_load_acquire(per_cpu_ptr(&backtrace_done, c)); i++)
			cpu_relax();
	}
	smp_store_release(&backtrace_wanted, false);
}

bool smp_handle_nmi(struct regs *r)
{
	u32 who = READ_ONCE(stopper);

	if (who && who != cpu_id() + 1)
		ipi_stop_self();
	if (!smp_load_acquire(&backtrace_wanted) || this_cpu_read(backtrace_done))
		return false;
	printk(LOG_ERR, "NMI backtrace of CPU %u:", cpu_id());
	regs_print(r);
	backtrace_print(r->rbp);
	smp_store_release(this_cpu_ptr(&backtrace_done), true);
	return true;
}
