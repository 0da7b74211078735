/* The order in which the boot CPU is set up (arch/setup.h, arch/boot.h). */
#define LOG_PREFIX "cpu: "
#include "arch_priv.h"
#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/pgtable.h>
#include <arch/setup.h>
#include <init/sections.h>
#include <log/printk.h>

__init void arch_boot_init(void)
{
	pt_levels = boot_levels;
	set_kstack_top((u64)boot_stack_top);
	idt_init();
	arch_cpu_init();
	arch_choose_layout();
}

__init void arch_early_init(void)
{
	const struct cpu_features *f = &cpu_features;

	cpu_pcid_init();
	pr_info("%s (family %u, model %u, stepping %u), %u-level paging", f->model_name, f->family,
		f->model, f->stepping, pt_levels);
	pr_info("features:%s%s%s%s%s%s%s%s%s, xcr0 %#lx, %u bytes of FPU state",
		f->smep ? " smep" : "", f->smap ? " smap" : "", f->umip ? " umip" : "",
		f->fsgsbase ? " fsgsbase" : "", f->pge ? " pge" : "", f->pcid ? " pcid" : "",
		f->pdpe1gb ? " 1g" : "", f->x2apic ? " x2apic" : "", f->rdrand ? " rdrand" : "",
		f->xcr0, f->xsave_size);
}
