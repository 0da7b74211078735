/* Switching off, restarting, idling (ACPI 6.4, chapters 4.8.3 and 7.4; chipset and 8042 resets as every PC has them).
 * Any context; other CPUs should have been stopped (smp_stop_others). */
#define LOG_PREFIX "power: "
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/io.h>
#include <arch/irqflags.h>
#include <lib/err.h>
#include <log/printk.h>
#include "plat_priv.h"

#define PM1_SCI_ENABLE	     (1u << 0)
#define PM1_SLEEP_SHIFT	     10
#define PM1_SLEEP_MASK	     (7u << PM1_SLEEP_SHIFT)
#define PM1_SLEEP_ENABLE     (1u << 13)
#define SLEEP_CONTROL_ENABLE (1u << 5)

/* ACPI mode first: in legacy mode the sleep registers may be dead (4.8.2.5). */
static void acpi_mode(void)
{
	u32 v;

	if (!acpi_fadt.smi_cmd || !acpi_fadt.acpi_enable ||
	    acpi_gas_read(&acpi_fadt.pm1a_control, &v) || (v & PM1_SCI_ENABLE))
		return;
	outb(acpi_fadt.smi_cmd, acpi_fadt.acpi_enable);
	for (unsigned ms = 0; ms < 300; ms++) {
		if (!acpi_gas_read(&acpi_fadt.pm1a_control, &v) && (v & PM1_SCI_ENABLE))
			return;
		udelay(1000);
	}
}

static void pm1_sleep(const struct acpi_gas *reg, u8 type)
{
	u32 v;

	if (!reg->address || acpi_gas_read(reg, &v))
		return;
	v = (v & ~(PM1_SLEEP_MASK | PM1_SLEEP_ENABLE)) | (u32)type << PM1_SLEEP_SHIFT;
	if (!acpi_gas_write(reg, v))
		acpi_gas_write(reg, v | PM1_SLEEP_ENABLE);
}

static void acpi_power_off(void)
{
	u8 a, b;

	if (!acpi_fadt.valid)
		return;
	if (acpi_s5_types(&a, &b)) {
		pr_warn("the ACPI tables name no S5 state");
		return;
	}
	if (acpi_fadt.hw_reduced) {
		if (acpi_fadt.sleep_control.address)
			acpi_gas_write(&acpi_fadt.sleep_control,
				       (u32)a << 2 | SLEEP_CONTROL_ENABLE);
	} else {
		acpi_mode();
		pm1_sleep(&acpi_fadt.pm1a_control, a);
		pm1_sleep(&acpi_fadt.pm1b_control, b);
	}
	udelay(100000);
}

void arch_power_off(void)
{
	irq_disable();
	acpi_power_off();
	/* Emulators without tables: QEMU's PIIX4 and ICH9, old QEMU and Bochs. */
	if (cpu_features.hypervisor || !acpi_fadt.valid) {
		outw(0x604, 0x2000);
		outw(0xb004, 0x2000);
		udelay(10000);
	}
	pr_err("power-off failed");
}

void arch_reboot(void)
{
	irq_disable();
	if (acpi_fadt.has_reset && !acpi_gas_write(&acpi_fadt.reset, acpi_fadt.reset_value))
		udelay(50000);
	/* Reset control register of the chipset: full reset. */
	outb(0xcf9, 0x02);
	udelay(50);
	outb(0xcf9, 0x06);
	udelay(50000);
	/* Keyboard controller: wait until it takes a command, then pulse the reset line. */
	for (unsigned i = 0; i < 1000 && (inb(0x64) & 2); i++)
		udelay(10);
	outb(0x64, 0xfe);
	udelay(50000);
	/* No interrupt table at all: the next exception is a triple fault. */
	static const struct {
		u16 limit;
		u64 base;
	} __packed nothing = {0, 0};
	__asm__ volatile("lidt %0; int3" ::"m"(nothing));
	arch_halt();
}

void arch_debug_exit(u8 code)
{
	outb(0xf4, code);
}

void arch_halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt" ::: "memory");
}

/* STI takes effect behind the next instruction, so no interrupt slips in between (SDM vol. 2, STI). MWAIT would bring
 * nothing here: the C1 state is the same, and emulators spin on it. */
void arch_cpu_idle(void)
{
	__asm__ volatile("sti; hlt" ::: "memory");
}
