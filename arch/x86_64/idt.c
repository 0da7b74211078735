/* The interrupt descriptor table: one for all CPUs, read-only once built.
 *
 * Every vector is an interrupt gate (interrupts off on entry) to its own entry point of entry.asm.
 * User mode may only raise #BP and #OF itself.
 *
 * Source: Intel SDM vol. 3, 6.14.1 (64-bit gates). */
#include "arch_priv.h"
#include <arch/trap.h>

struct gate {
	u16 offset_low, selector;
	u8 ist, type;
	u16 offset_mid;
	u32 offset_high, reserved;
};
_Static_assert(sizeof(struct gate) == 16, "IDT gate");

#define GATE_INTERRUPT 0x8e
#define GATE_USER      0x60 /* DPL 3 */

extern const u64 vector_table[256]; /* entry.asm */

static struct gate idt[256] __aligned(4096) __ro_after_init;

void idt_load(void)
{
	struct {
		u16 limit;
		u64 base;
	} __packed ptr = {sizeof(idt) - 1, (u64)idt};

	__asm__ volatile("lidt %0" ::"m"(ptr));
}

__init void idt_init(void)
{
	/* IST numbers (1-based) of gdt.c's stacks. */
	static const u8 ist_of[32] = {[1] = 1, [2] = 2, [8] = 3, [18] = 4};

	for (unsigned v = 0; v < 256; v++) {
		u64 addr = vector_table[v];

		idt[v] = (struct gate){
			.offset_low = (u16)addr,
			.selector = KERNEL_CS,
			.ist = v < 32 ? ist_of[v] : 0,
			.type = GATE_INTERRUPT | (v == 3 || v == 4 ? GATE_USER : 0),
			.offset_mid = (u16)(addr >> 16),
			.offset_high = (u32)(addr >> 32),
		};
	}
}
