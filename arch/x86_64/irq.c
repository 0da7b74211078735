/* Interrupt lines and messages: vectors, handlers, counts, dispatch (include/arch/irq.h).
 *
 * A descriptor is one interrupt source: a GSI or an MSI. It owns one vector on one CPU, chosen where the fewest are in
 * use; each CPU has a table from vector to descriptor. Users of a line are a list of actions.
 *
 * Locks: irq_lock (process context, interrupts off) for the descriptor table, the vector tables and the action lists.
 * Dispatch takes no lock: it announces itself in desc->running, then reads the list; irq_free unlinks, waits until
 * nobody is running, and only then frees. Descriptors are kept for reuse, so a late dispatch finds valid memory. */
#define LOG_PREFIX "irq: "
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/smp.h>
#include <lib/err.h>
#include <lib/string.h>
#include <log/printk.h>
#include <sync/spinlock.h>
#include "plat_priv.h"

#define NR_DEVICE_VECTORS (VECTOR_DEVICE_LAST - VECTOR_DEVICE_FIRST + 1)
/* A level line that so many interrupts in a row nobody claims is masked. */
#define UNCLAIMED_MAX 100000

struct irq_action {
	struct irq_action *next; /* [irq_lock] read by dispatch */
	irq_handler_fn fn;
	void *arg;
	const char *name;
};
struct irq_desc {
	int irq;		    /* [I] */
	bool is_msi;		    /* [I] */
	bool level, low;	    /* [irq_lock] */
	u8 vector;		    /* [irq_lock] 0: unused */
	unsigned cpu;		    /* [irq_lock] */
	struct irq_action *actions; /* [irq_lock] read by dispatch */
	atomic_t running;	    /* [a] dispatches under way */
	u32 unclaimed;		    /* [o] its CPU */
	u64 base_count;		    /* [irq_lock] of earlier vectors */
};

static DEFINE_SPINLOCK(irq_lock);
static struct irq_desc **descs; /* [irq_lock] by irq number; grows, old arrays stay for readers */
static unsigned nr_descs;	/* [irq_lock] */
static DEFINE_PER_CPU(struct irq_desc *,
		      vector_desc[NR_DEVICE_VECTORS]);	     /* [irq_lock] read by dispatch */
static DEFINE_PER_CPU(u32, vector_count[NR_DEVICE_VECTORS]); /* [o] */
static DEFINE_PER_CPU(u32, vectors_used);		     /* [irq_lock] */
static DEFINE_PER_CPU(u64, noise[2]);			     /* [o] */
static DEFINE_PER_CPU(u32, noise_events);		     /* [o] */
static DEFINE_PER_CPU(u32, local_count[IRQ_LOCALS]);	     /* [o] */

void irq_count_local(enum irq_local which)
{
	this_cpu_inc(local_count[which]);
}

static void device_irq(unsigned slot)
{
	struct irq_desc *d = this_cpu_read(vector_desc[slot]);
	bool ours = false;

	this_cpu_inc(vector_count[slot]);
	if (unlikely(!d)) {
		apic_eoi();
		pr_once(LOG_WARNING, "unexpected vector %#x", slot + VECTOR_DEVICE_FIRST);
		return;
	}
	(void)atomic_inc_return(&d->running); /* full barrier before the list is read */
	for (struct irq_action *a = smp_load_acquire(&d->actions); a;
	     a = smp_load_acquire(&a->next))
		ours |= a->fn(a->arg);
	if (likely(ours)) {
		d->unclaimed = 0;
	} else if (d->level && ++d->unclaimed == UNCLAIMED_MAX) {
		ioapic_mask(d->irq, true);
		pr_err("line %d: nobody claims its interrupts, disabled", d->irq);
	}
	(void)atomic_dec_return(&d->running);
	apic_eoi();
}

/* Two rotating accumulators take the time and place of each interrupt; a handful of instructions. */
static void noise_add(unsigned vector, const struct regs *r)
{
	u64 t = rdtsc() ^ (u64)vector << 56;
	u64 a = this_cpu_read(noise[0]), b = this_cpu_read(noise[1]);

	a = (a << 7 | a >> 57) ^ t;
	b = (b << 13 | b >> 51) + (a ^ r->rip);
	this_cpu_write(noise[0], a);
	this_cpu_write(noise[1], b);
	this_cpu_inc(noise_events);
}

unsigned arch_irq_noise(u64 out[4])
{
	static u32 last;
	u32 events = 0;

	memset(out, 0, 32);
	for_each_online_cpu (c) {
		u64 *n = *per_cpu_ptr(&noise, c);
		out[c & 1] = (out[c & 1] << 9 | out[c & 1] >> 55) ^ READ_ONCE(n[0]);
		out[2 + (c & 1)] += READ_ONCE(n[1]);
		events += READ_ONCE(*per_cpu_ptr(&noise_events, c));
	}
	return events - xchg(&last, events);
}

void irq_dispatch(unsigned vector, struct regs *r)
{
	noise_add(vector, r);
	if (likely(vector >= VECTOR_DEVICE_FIRST && vector <= VECTOR_DEVICE_LAST)) {
		device_irq(vector - VECTOR_DEVICE_FIRST);
		return;
	}
	switch (vector) {
	case VECTOR_TIMER:
		irq_count_local(IRQ_LOC);
		apic_eoi();
		this_cpu_write(timer_hit_user, regs_from_user(r));
		apic_timer_irq();
		return;
	case VECTOR_RESCHEDULE:
		/* The work is done on the way out, which looks at need_resched. */
		irq_count_local(IRQ_RES);
		apic_eoi();
		return;
	case VECTOR_CALL:
	case VECTOR_TLB:
		irq_count_local(vector == VECTOR_CALL ? IRQ_CAL : IRQ_TLB);
		apic_eoi();
		ipi_handle_calls(vector);
		return;
	case VECTOR_IRQ_WORK:
		irq_count_local(IRQ_IWI);
		apic_eoi();
		irq_work_run();
		return;
	case VECTOR_STOP:
		apic_eoi();
		ipi_stop_self();
	case VECTOR_APIC_ERROR:
		irq_count_local(IRQ_ERR);
		apic_write(APIC_ESR, 0);
		pr_once(LOG_WARNING, "local APIC error %#x on CPU %u", apic_read(APIC_ESR),
			cpu_id());
		apic_eoi();
		return;
	default:
		/* Spurious interrupts of the local APIC and of the 8259s want no EOI. */
		irq_count_local(IRQ_SPU);
		return;
	}
}

/* Make room for irq numbers < n. The old array stays: irq_count and irq_next may be reading it. */
static int descs_grow(unsigned n)
{
	if (n <= READ_ONCE(nr_descs))
		return 0;
	unsigned cap = nr_descs ? nr_descs : 64;
	while (cap < n)
		cap *= 2;
	struct irq_desc **bigger = arch_mem.alloc(cap * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	unsigned long f;
	spin_lock_irqsave(&irq_lock, f);
	if (cap > nr_descs) {
		if (nr_descs)
			memcpy(bigger, descs, nr_descs * sizeof(*bigger));
		smp_store_release(&descs, bigger);
		smp_store_release(&nr_descs, cap);
		bigger = NULL;
	}
	spin_unlock_irqrestore(&irq_lock, f);
	if (bigger)
		arch_mem.free(bigger);
	return 0;
}

static struct irq_desc *desc_find(int irq)
{
	unsigned n = smp_load_acquire(&nr_descs);
	return irq >= 0 && (unsigned)irq < n ? smp_load_acquire(&descs)[irq] : NULL;
}

/* The descriptor of a GSI, or an idle one for an MSI. ERR_PTR. */
static struct irq_desc *desc_get(int gsi)
{
	bool msi = gsi < 0;
	unsigned long f;
	int err = descs_grow(msi ? ioapic_gsi_end() + 1 : gsi + 1);
	struct irq_desc *fresh = err ? NULL : arch_mem.alloc(sizeof(*fresh)), *d = NULL;

	if (!fresh)
		return ERR_PTR(-ENOMEM);
	for (;;) {
		spin_lock_irqsave(&irq_lock, f);
		unsigned irq = msi ? ioapic_gsi_end() : (unsigned)gsi;
		while (msi && irq < nr_descs && descs[irq] && descs[irq]->vector)
			irq++;
		if (irq < nr_descs) {
			d = descs[irq];
			if (!d) {
				d = fresh;
				fresh = NULL;
				d->irq = irq;
				d->is_msi = msi;
				smp_store_release(&descs[irq], d);
			}
			if (msi)
				d->vector = 1; /* taken; the real one follows */
		}
		spin_unlock_irqrestore(&irq_lock, f);
		if (d)
			break;
		err = descs_grow(irq + 1);
		if (err) {
			d = ERR_PTR(err);
			break;
		}
	}
	if (fresh)
		arch_mem.free(fresh);
	return d;
}

/* Give d a vector on the online CPU that has the fewest. */
static int vector_assign(struct irq_desc *d) __requires_lock(irq_lock)
{
	unsigned best = ~0u;

	for_each_online_cpu (c)
		if (cpu_apic_id[c] <= 0xfe &&
		    (best == ~0u || per_cpu(vectors_used, c) < per_cpu(vectors_used, best)))
			best = c;
	if (best == ~0u)
		return -ENOSPC;
	struct irq_desc **table = *per_cpu_ptr(&vector_desc, best);
	/* Neighbours in priority class differ: 16 vectors share one, so spread with a stride. */
	for (unsigned i = 0; i < NR_DEVICE_VECTORS; i++) {
		unsigned slot = (i * 16 + i / 12) % NR_DEVICE_VECTORS;
		if (table[slot] || slot == 0x80 - VECTOR_DEVICE_FIRST)
			continue;
		d->vector = VECTOR_DEVICE_FIRST + slot;
		d->cpu = best;
		d->base_count -= (*per_cpu_ptr(&vector_count, best))[slot];
		smp_store_release(&table[slot], d);
		per_cpu(vectors_used, best)++;
		return 0;
	}
	return -ENOSPC;
}

static void vector_release(struct irq_desc *d) __requires_lock(irq_lock)
{
	unsigned slot = d->vector - VECTOR_DEVICE_FIRST;

	d->base_count += (*per_cpu_ptr(&vector_count, d->cpu))[slot];
	(*per_cpu_ptr(&vector_desc, d->cpu))[slot] = NULL;
	per_cpu(vectors_used, d->cpu)--;
	d->vector = 0;
}

static struct irq_action *action_new(irq_handler_fn fn, void *arg, const char *name)
{
	struct irq_action *a = arch_mem.alloc(sizeof(*a));

	if (a)
		*a = (struct irq_action){.fn = fn, .arg = arg, .name = name};
	return a;
}

static int line_request(unsigned gsi, bool level, bool low, irq_handler_fn fn, void *arg,
			const char *name)
{
	if (gsi >= ioapic_gsi_end())
		return -ENODEV;
	struct irq_desc *d = desc_get(gsi);
	if (IS_ERR(d))
		return PTR_ERR(d);
	struct irq_action *a = action_new(fn, arg, name);
	if (!a)
		return -ENOMEM;
	unsigned long f;
	int err = 0;
	spin_lock_irqsave(&irq_lock, f);
	if (d->actions) {
		if (!d->level || !level || d->low != low)
			err = -EBUSY;
		else
			a->next = d->actions;
	} else {
		d->level = level;
		d->low = low;
		d->unclaimed = 0;
		err = vector_assign(d);
	}
	if (!err) {
		bool first = !d->actions;
		smp_store_release(&d->actions, a);
		if (first)
			err = ioapic_route(gsi, d->vector, cpu_apic_id[d->cpu], level, low);
		if (err) {
			d->actions = NULL;
			vector_release(d);
		}
	}
	spin_unlock_irqrestore(&irq_lock, f);
	if (err) {
		arch_mem.free(a);
		return err;
	}
	return d->irq;
}

int irq_request_isa(unsigned isa_irq, irq_handler_fn fn, void *arg, const char *name)
{
	u16 flags;
	unsigned gsi = ioapic_isa_to_gsi(isa_irq, &flags);

	if (isa_irq >= 16)
		return -EINVAL;
	return line_request(gsi, (flags >> 2 & 3) == 3, (flags & 3) == 3, fn, arg, name);
}

/* An ISA override that leads to this GSI says how it is wired; PCI lines are level-triggered, active low. */
static void gsi_default_trigger(unsigned gsi, bool *level, bool *low)
{
	*level = *low = true;
	for (unsigned i = 0; i < 16; i++) {
		u16 flags;
		if (ioapic_isa_to_gsi(i, &flags) != gsi)
			continue;
		*level = (flags >> 2 & 3) == 3;
		*low = (flags & 3) == 3;
		return;
	}
}

int irq_request_gsi(unsigned gsi, enum irq_trigger trig, irq_handler_fn fn, void *arg,
		    const char *name)
{
	bool level = trig == IRQ_LEVEL_LOW || trig == IRQ_LEVEL_HIGH;
	bool low = trig == IRQ_LEVEL_LOW || trig == IRQ_EDGE_LOW;

	if (trig == IRQ_DEFAULT)
		gsi_default_trigger(gsi, &level, &low);
	return line_request(gsi, level, low, fn, arg, name);
}

int irq_request_msi(irq_handler_fn fn, void *arg, const char *name, u64 *msg_addr, u32 *msg_data)
{
	struct irq_desc *d = desc_get(-1);

	if (IS_ERR(d))
		return PTR_ERR(d);
	struct irq_action *a = action_new(fn, arg, name);
	unsigned long f;
	int err = a ? 0 : -ENOMEM;
	spin_lock_irqsave(&irq_lock, f);
	d->vector = 0;
	if (!err)
		err = vector_assign(d);
	if (!err) {
		smp_store_release(&d->actions, a);
		/* SDM vol. 3, 11.11: fixed delivery, edge, physical destination. */
		*msg_addr = 0xfee00000u | cpu_apic_id[d->cpu] << 12;
		*msg_data = d->vector;
	}
	spin_unlock_irqrestore(&irq_lock, f);
	if (err) {
		arch_mem.free(a);
		return err;
	}
	return d->irq;
}

void irq_free(int irq, void *arg)
{
	struct irq_desc *d = desc_find(irq);
	struct irq_action *gone = NULL;
	unsigned long f;

	if (!d)
		return;
	spin_lock_irqsave(&irq_lock, f);
	for (struct irq_action **link = &d->actions; *link; link = &(*link)->next)
		if ((*link)->arg == arg) {
			gone = *link;
			smp_store_release(link, gone->next);
			break;
		}
	if (gone && !d->actions) {
		if (!d->is_msi)
			ioapic_mask(irq, true);
		vector_release(d);
	}
	spin_unlock_irqrestore(&irq_lock, f);
	if (!gone)
		return;
	smp_mb();
	while (atomic_read_acquire(
		&d->running)) /* a handler may still use the action: it ends soon */
		cpu_relax();
	arch_mem.free(gone);
}

u64 irq_count(int irq, unsigned cpu)
{
	struct irq_desc *d = desc_find(irq);

	if (!d)
		return 0;
	/* The vector has counted for other owners before: base_count makes up for it. */
	if (d->vector < VECTOR_DEVICE_FIRST || d->cpu != cpu)
		return d->cpu == cpu && !d->vector ? d->base_count : 0;
	return d->base_count + (*per_cpu_ptr(&vector_count, cpu))[d->vector - VECTOR_DEVICE_FIRST];
}

int irq_next(int after, const char **name, const char **chip)
{
	unsigned n = smp_load_acquire(&nr_descs);

	for (unsigned i = after < 0 ? 0 : after + 1; i < n; i++) {
		struct irq_desc *d = desc_find(i);
		struct irq_action *a = d ? smp_load_acquire(&d->actions) : NULL;
		if (!a)
			continue;
		*name = a->name;
		*chip = d->is_msi ? "PCI-MSI" : d->level ? "IO-APIC-level" : "IO-APIC-edge";
		return i;
	}
	return -1;
}

const char *irq_local_name(unsigned n, const char **tag)
{
	static const struct {
		const char *tag, *text;
	} names[IRQ_LOCALS] = {
		[IRQ_LOC] = {"LOC", "Local timer interrupts"},
		[IRQ_RES] = {"RES", "Rescheduling interrupts"},
		[IRQ_CAL] = {"CAL", "Function call interrupts"},
		[IRQ_TLB] = {"TLB", "TLB shootdowns"},
		[IRQ_IWI] = {"IWI", "IRQ work interrupts"},
		[IRQ_SPU] = {"SPU", "Spurious interrupts"},
		[IRQ_ERR] = {"ERR", "Local APIC errors"},
	};
	if (n >= IRQ_LOCALS)
		return NULL;
	*tag = names[n].tag;
	return names[n].text;
}

u64 irq_local_count(unsigned n, unsigned cpu)
{
	return n < IRQ_LOCALS ? (*per_cpu_ptr(&local_count, cpu))[n] : 0;
}

void irq_init(void)
{
	idt_set_irq_handler(irq_dispatch);
}
