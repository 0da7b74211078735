/* The clocks of known rate that a PC may have: HPET (IA-PC HPET specification 1.0a), the ACPI power-management
 * timer (ACPI 6.4, 4.8.3.3) and channel 2 of the 8254 (Intel 8254 data sheet), which only counts during calibration.
 * Machines of KVM and of QEMU's emulator may have none of these (microvm), but their APIC timer is one of 1 GHz.
 * Boot CPU while probing; the read functions: any context, but the 8254's: boot CPU only. */
#define LOG_PREFIX "clock: "
#include <arch/cpu.h>
#include <arch/io.h>
#include <arch/pgtable.h>
#include <lib/string.h>
#include <log/printk.h>
#include "clock_priv.h"
#include "plat_priv.h"

/* HPET registers. */
#define HPET_PERIOD	   0x004
#define HPET_CONFIG	   0x010
#define HPET_COUNTER	   0x0f0
#define HPET_ENABLE	   1u
#define HPET_LEGACY	   2u
#define HPET_PERIOD_MAX_FS 100000000u

struct acpi_hpet {
	struct acpi_header h;
	u32 block_id;
	struct acpi_gas base;
	u8 number;
	u16 min_tick;
	u8 protection;
} __packed;

static volatile char *hpet __ro_after_init;

/* 32 bits are read even of a 64-bit counter: a 64-bit access may be split on its way. */
static u64 hpet_read(void)
{
	return mmio_read32(hpet + HPET_COUNTER);
}

static u64 pm_timer_read(void)
{
	u32 v = 0;
	if (likely(acpi_fadt.pm_timer.space == ACPI_SPACE_IO))
		v = inl(acpi_fadt.pm_timer.address);
	else if (acpi_gas_read(&acpi_fadt.pm_timer, &v))
		return 0;
	return v;
}

/* Counts down from 0xffff in mode 0. */
static u64 pit_read(void)
{
	outb(0x43, 0x80); /* latch channel 2 */
	u32 low = inb(0x42);
	return 0xffff - (low | (u32)inb(0x42) << 8);
}

/* Counts down from the top, at a quarter of the bus clock. */
static u64 apic_read_up(void)
{
	return (u32)~apic_read(APIC_TIMER_CURRENT);
}

static struct ref_clock clocks[REF_CLOCKS] = {
	[REF_HPET] = {"hpet", hpet_read, 0xffffffff, 0, true},
	[REF_PM_TIMER] = {"acpi_pm", pm_timer_read, 0xffffff, 279365115, true},
	[REF_APIC] = {"apic", apic_read_up, 0xffffffff, 4000000, false},
	[REF_PIT] = {"pit", pit_read, 0xffff, 838095110, false},
};

static bool hpet_probe(void)
{
	const struct acpi_hpet *t = (const void *)acpi_table("HPET", 0);

	if (!t || t->h.length < sizeof(*t) || t->base.space != ACPI_SPACE_MEMORY ||
	    !t->base.address)
		return false;
	hpet = arch_map_device(pa(t->base.address), KiB);
	if (!hpet)
		return false;
	u32 period = mmio_read32(hpet + HPET_PERIOD);
	if (!period || period > HPET_PERIOD_MAX_FS) {
		pr_warn("HPET with a period of %u fs rejected", period);
		return false;
	}
	clocks[REF_HPET].period_fs = period;
	u32 config = mmio_read32(hpet + HPET_CONFIG);
	mmio_write32(hpet + HPET_CONFIG, (config | HPET_ENABLE) & ~HPET_LEGACY);
	return true;
}

static bool pm_timer_probe(void)
{
	const struct acpi_gas *g = &acpi_fadt.pm_timer;

	if (!g->address || (g->space != ACPI_SPACE_IO && g->space != ACPI_SPACE_MEMORY))
		return false;
	if (acpi_fadt.timer_32bit)
		clocks[REF_PM_TIMER].mask = 0xffffffff;
	u64 a = pm_timer_read();
	for (unsigned i = 0; i < 1000; i++)
		if (pm_timer_read() != a)
			return true;
	return false;
}

static bool pit_probe(void)
{
	/* Gate on, speaker off; channel 2, low then high byte, mode 0, from the top. */
	outb(0x61, (inb(0x61) & ~2u) | 1u);
	outb(0x43, 0xb0);
	outb(0x42, 0xff);
	outb(0x42, 0xff);
	u64 a = pit_read();
	for (unsigned i = 0; i < 1000; i++)
		if (pit_read() != a)
			return true;
	return false;
}

static bool apic_probe(void)
{
	struct cpuid_regs r = cpuid_get(0x40000000, 0);

	if (!cpu_features.hypervisor)
		return false;
	return !memcmp(&r.b, "KVMKVMKVM\0\0\0", 12) || !memcmp(&r.b, "TCGTCGTCGTCG", 12);
}

const struct ref_clock *ref_clock_probe(unsigned which)
{
	static bool (*const probes[REF_CLOCKS])(void) = {[REF_HPET] = hpet_probe,
							 [REF_PM_TIMER] = pm_timer_probe,
							 [REF_PIT] = pit_probe,
							 [REF_APIC] = apic_probe};

	return probes[which]() ? &clocks[which] : NULL;
}
