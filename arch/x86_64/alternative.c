/* Instructions chosen at boot: three-byte NOPs in the NASM files that become STAC or CLAC where the CPU
 * has SMAP (asm.inc). Runs once on the boot CPU, before other CPUs start and before the text is sealed.
 *
 * Source: Intel SDM vol. 2, STAC and CLAC; vol. 3, 8.1.3 (self-modifying code on one processor). */
#include "arch_priv.h"
#include <arch/cpu.h>
#include <init/sections.h>
#include <lib/string.h>

enum { ALT_STAC, ALT_CLAC }; /* asm.inc */

__init void alternatives_apply(void)
{
	static const u8 stac[] = {0x0f, 0x01, 0xcb}, clac[] = {0x0f, 0x01, 0xca};
	u32 a, b, c, d;

	if (!cpu_features.smap)
		return;
	for (const struct altinstr *i = __altinstr_start; i < __altinstr_end; i++)
		memcpy((void *)i->addr, i->kind == ALT_STAC ? stac : clac, 3);
	cpuid(0, 0, &a, &b, &c, &d); /* serialises */
}
