/* A function that runs soon on this CPU in hard-IRQ context: for code that may be called with any lock held (printk,
 * the scheduler) and must not wake anybody itself. */
#pragma once
#include <lib/types.h>

struct irq_work {
	struct irq_work *next; /* [a] */
	void (*fn)(struct irq_work *w);
	u32 pending; /* [a] */
};
#define IRQ_WORK_INIT(f)     \
	{                    \
		NULL, (f), 0 \
	}

/* Queue w on this CPU; false: already pending (fn will see what was done before). Any context, also NMI, once
 * arch_platform_init() is through. */
bool irq_work_queue(struct irq_work *w);
