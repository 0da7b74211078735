/* Interrupt controller interface: vectors, lines (GSIs through the IO-APIC), message-signalled
 * interrupts. */
#pragma once
#include <lib/types.h>

/* Handler context: hard IRQ, interrupts off, must not sleep. true: it was ours. */
typedef bool (*irq_handler_fn)(void *arg);

enum irq_trigger { IRQ_DEFAULT, IRQ_EDGE_HIGH, IRQ_LEVEL_LOW, IRQ_EDGE_LOW, IRQ_LEVEL_HIGH };

/* Route a legacy ISA IRQ (0..15, MADT overrides applied) or a GSI to a fresh vector and handler.
 * Lines may be shared when every user is level-triggered. Returns an irq number for irq_free() and
 * /proc/interrupts, or -errno. May sleep. */
int irq_request_isa(unsigned isa_irq, irq_handler_fn fn, void *arg, const char *name) __must_check;
int irq_request_gsi(unsigned gsi, enum irq_trigger trig, irq_handler_fn fn, void *arg,
		    const char *name) __must_check;
/* MSI: allocates a vector on a chosen CPU and gives the address/data pair to program. */
int irq_request_msi(irq_handler_fn fn, void *arg, const char *name, u64 *msg_addr,
		    u32 *msg_data) __must_check;
void irq_free(int irq, void *arg);

/* For /proc/interrupts: calls fn for each used irq. count(irq, cpu) via irq_count(). */
u64 irq_count(int irq, unsigned cpu);
int irq_next(int after, const char **name, const char **chip);
/* Interrupts without a line (timer, IPIs): "LOC", "RES", ... for n = 0, 1, ...; NULL at the end. */
const char *irq_local_name(unsigned n, const char **tag);
u64 irq_local_count(unsigned n, unsigned cpu);
/* What the times of interrupts have left on all CPUs, for the random pool; how many interrupts there were since the last
 * call. Any context. */
unsigned arch_irq_noise(u64 out[4]);
