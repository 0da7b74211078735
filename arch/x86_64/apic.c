/* The local APIC (Intel SDM vol. 3, chapter 11): finding and enabling it, xAPIC through memory or x2APIC through MSRs
 * behind one accessor, LVT entries, interprocessor interrupts.
 *
 * The mode is chosen once on the boot CPU and followed by all others. x2APIC is taken where the CPU has it, since then
 * an IPI is one instruction and APIC ids are 32 bits wide.
 * Contexts: any. An xAPIC sends in two register writes, so interrupts are off between them; an NMI that
 * sends too (panic) may at worst redirect an IPI of a machine that is going down. */
#define LOG_PREFIX "apic: "
#include <arch/cpu.h>
#include <arch/io.h>
#include <arch/atomic.h>
#include <arch/irqflags.h>
#include <arch/pgtable.h>
#include <arch/smp.h>
#include <lib/string.h>
#include <log/panic.h>
#include <log/printk.h>
#include "plat_priv.h"

#define APIC_BASE_ENABLE (1ul << 11)
#define APIC_BASE_X2APIC (1ul << 10)
#define APIC_BASE_ADDR	 0xffffff000ul
#define X2APIC_MSR	 0x800u

#define SVR_ENABLE (1u << 8)

#define ICR_FIXED   (0u << 8)
#define ICR_NMI	    (4u << 8)
#define ICR_INIT    (5u << 8)
#define ICR_STARTUP (6u << 8)
#define ICR_PENDING (1u << 12)
#define ICR_ASSERT  (1u << 14)
#define ICR_SELF    (1u << 18)

bool apic_x2apic __ro_after_init;
static volatile char *regs_base __ro_after_init; /* xAPIC */
u32 *cpu_apic_id __ro_after_init;

u32 apic_read(u32 reg)
{
	if (apic_x2apic)
		return (u32)rdmsr(X2APIC_MSR + (reg >> 4));
	return mmio_read32(regs_base + reg);
}

void apic_write(u32 reg, u32 v)
{
	if (apic_x2apic)
		wrmsr(X2APIC_MSR + (reg >> 4), v);
	else
		mmio_write32(regs_base + reg, v);
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

u32 apic_this_id(void)
{
	struct cpuid_regs r = cpuid_get(0, 0);

	if (r.a >= 0xb) {
		struct cpuid_regs t = cpuid_get(0xb, 0);
		if (t.b & 0xffff)
			return t.d;
	}
	return cpuid_get(1, 0).b >> 24;
}

/* SDM vol. 3, 11.6.1: wait until the last IPI has left. It does within microseconds; never hang on it. */
static void icr_wait(void)
{
	for (unsigned n = 0; (mmio_read32(regs_base + APIC_ICR) & ICR_PENDING) && n < 1000000; n++)
		cpu_relax();
}

static void icr_send(u32 dest, u32 low)
{
	if (apic_x2apic) {
		/* WRMSR to the x2APIC does not order earlier stores (SDM vol. 3, 11.12.3). */
		__asm__ volatile("mfence; lfence" ::: "memory");
		wrmsr(X2APIC_MSR + (APIC_ICR >> 4), (u64)dest << 32 | low);
		return;
	}
	unsigned long f = irq_save();
	icr_wait();
	mmio_write32(regs_base + APIC_ICR_HIGH, dest << 24);
	mmio_write32(regs_base + APIC_ICR, low);
	irq_restore(f);
}

void apic_send_ipi(unsigned cpu, u8 vector)
{
	icr_send(cpu_apic_id[cpu], ICR_FIXED | ICR_ASSERT | vector);
}

/* By shorthand, which leaves the destination register alone: also good within another IPI's two writes (NMI). */
void apic_send_ipi_self(u8 vector)
{
	if (apic_x2apic)
		wrmsr(X2APIC_MSR + (APIC_SELF_IPI >> 4), vector);
	else
		mmio_write32(regs_base + APIC_ICR, ICR_FIXED | ICR_ASSERT | ICR_SELF | vector);
}

void apic_send_nmi(unsigned cpu)
{
	icr_send(cpu_apic_id[cpu], ICR_NMI | ICR_ASSERT);
}

void apic_send_init(unsigned cpu)
{
	icr_send(cpu_apic_id[cpu], ICR_INIT | ICR_ASSERT);
}

void apic_send_startup(unsigned cpu, u8 page)
{
	icr_send(cpu_apic_id[cpu], ICR_STARTUP | ICR_ASSERT | page);
}

/* Does any record of the MADT name this CPU's LINT pin as NMI? */
static int nmi_lint_of(u32 apic_id)
{
	u32 uid = ~0u;
	const struct acpi_madt_record *r = NULL;

	while ((r = acpi_madt_next(r))) {
		const struct acpi_madt_lapic *l = (const void *)r;
		const struct acpi_madt_x2apic *x = (const void *)r;
		if (r->type == MADT_LAPIC && l->apic_id == apic_id)
			uid = l->uid;
		else if (r->type == MADT_X2APIC && x->apic_id == apic_id)
			uid = x->uid;
	}
	while ((r = acpi_madt_next(r))) {
		const struct acpi_madt_lapic_nmi *n = (const void *)r;
		const struct acpi_madt_x2apic_nmi *x = (const void *)r;
		if (r->type == MADT_LAPIC_NMI && (n->uid == 0xff || n->uid == uid) && n->lint <= 1)
			return n->lint;
		if (r->type == MADT_X2APIC_NMI && (x->uid == ~0u || x->uid == uid) && x->lint <= 1)
			return x->lint;
	}
	return -1;
}

void apic_set_lint_nmi(void)
{
	int nmi = nmi_lint_of(apic_this_id());

	apic_write(APIC_LVT_LINT0, nmi == 0 ? ICR_NMI : APIC_LVT_MASKED);
	apic_write(APIC_LVT_LINT1, nmi == 1 ? ICR_NMI : APIC_LVT_MASKED);
}

/* Bring this CPU's APIC into the one state that the kernel knows. */
static void apic_setup(void)
{
	unsigned max_lvt = apic_read(APIC_VERSION) >> 16 & 0xff;

	apic_write(APIC_TPR, 0);
	if (!apic_x2apic) {
		apic_write(APIC_DFR, ~0u);
		apic_write(APIC_LDR, 0);
	}
	apic_write(APIC_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
	apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED | VECTOR_TIMER);
	if (max_lvt >= 4)
		apic_write(APIC_LVT_PERF, APIC_LVT_MASKED);
	if (max_lvt >= 5)
		apic_write(APIC_LVT_THERMAL, APIC_LVT_MASKED);
	if (max_lvt >= 6)
		apic_write(APIC_LVT_CMCI, APIC_LVT_MASKED);
	apic_write(APIC_ESR, 0);
	if (max_lvt >= 3)
		apic_write(APIC_LVT_ERROR, VECTOR_APIC_ERROR);
	apic_set_lint_nmi();
	/* Interrupts that firmware left in service would block all of their class and below. */
	for (unsigned i = 0; i < 8; i++)
		for (unsigned n = 0; apic_read(APIC_ISR + i * 0x10) && n < 32; n++)
			apic_eoi();
}

static void apic_enable(void)
{
	u64 base = rdmsr(MSR_APIC_BASE);

	if (!(base & APIC_BASE_ENABLE)) {
		base |= APIC_BASE_ENABLE;
		wrmsr(MSR_APIC_BASE, base);
	}
	if (apic_x2apic && !(base & APIC_BASE_X2APIC))
		wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2APIC);
	apic_setup();
}

void apic_init_boot(u64 address_override)
{
	u64 base = rdmsr(MSR_APIC_BASE);
	u64 address = address_override ? address_override : base & APIC_BASE_ADDR;

	if (!(cpuid_get(1, 0).d & 1u << 9))
		panic("This CPU has no local APIC, which the kernel needs");
	apic_x2apic = cpu_features.x2apic || (base & APIC_BASE_X2APIC);
	if (!apic_x2apic) {
		regs_base = arch_map_device(pa(address), PAGE_SIZE);
		if (!regs_base)
			panic("The local APIC at %#lx cannot be mapped", address);
	}
	apic_enable();
	pr_debug("%s, version %#x, boot CPU has id %u", apic_x2apic ? "x2APIC" : "xAPIC",
		 apic_read(APIC_VERSION) & 0xff, apic_this_id());
}

void apic_init_cpu(void)
{
	apic_enable();
}
