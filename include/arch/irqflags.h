/* Local interrupt masking (Intel SDM vol. 1, 3.4.3: RFLAGS.IF). Any context. */
#pragma once
#include <lib/types.h>

#define RFLAGS_IF (1ul << 9)

static __always_inline unsigned long irq_flags(void)
{
	unsigned long f;
	__asm__ volatile("pushfq; popq %0" : "=r"(f)::"memory");
	return f;
}
static __always_inline void irq_disable(void)
{
	__asm__ volatile("cli" ::: "memory");
}
static __always_inline void irq_enable(void)
{
	__asm__ volatile("sti" ::: "memory");
}
/* Mask interrupts, returning what irq_restore() needs. */
static __always_inline unsigned long irq_save(void)
{
	unsigned long f = irq_flags();
	irq_disable();
	return f;
}
static __always_inline void irq_restore(unsigned long f)
{
	if (f & RFLAGS_IF)
		irq_enable();
}
static __always_inline bool irqs_disabled(void)
{
	return !(irq_flags() & RFLAGS_IF);
}
