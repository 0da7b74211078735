/* The FADT (ACPI 6.4, 5.2.9) in digested form, register access through generic address structures, and the S5 sleep
 * type picked out of the AML byte stream (7.4.2: \_S5_ is a package of constants) without an interpreter. */
#define LOG_PREFIX "acpi: "
#include <arch/io.h>
#include <arch/pgtable.h>
#include <lib/err.h>
#include <lib/string.h>
#include <log/printk.h>
#include "plat_priv.h"

/* Offsets within the table. */
enum {
	FADT_SCI_INT = 46,
	FADT_SMI_CMD = 48,
	FADT_ACPI_ENABLE = 52,
	FADT_PM1A_EVT = 56,
	FADT_PM1B_EVT = 60,
	FADT_PM1A_CNT = 64,
	FADT_PM1B_CNT = 68,
	FADT_PM_TMR = 76,
	FADT_PM1_EVT_LEN = 88,
	FADT_PM1_CNT_LEN = 89,
	FADT_PM_TMR_LEN = 91,
	FADT_CENTURY = 108,
	FADT_BOOT_ARCH = 109,
	FADT_FLAGS = 112,
	FADT_RESET_REG = 116,
	FADT_RESET_VALUE = 128,
	FADT_X_PM1A_EVT = 148,
	FADT_X_PM1B_EVT = 160,
	FADT_X_PM1A_CNT = 172,
	FADT_X_PM1B_CNT = 184,
	FADT_X_PM_TMR = 208,
	FADT_SLEEP_CONTROL = 244,
	FADT_SLEEP_STATUS = 256,
};
#define FADT_FLAG_TMR_VAL_EXT (1u << 8)
#define FADT_FLAG_RESET_REG   (1u << 10)
#define FADT_FLAG_HW_REDUCED  (1u << 20)
#define BOOT_ARCH_8042	      (1u << 1)
#define BOOT_ARCH_NO_CMOS_RTC (1u << 5)

struct acpi_fadt acpi_fadt __ro_after_init;

/* n bytes at off, zero-extended; 0 beyond the end of the (older, shorter) table. */
static u64 field(const struct acpi_header *t, unsigned off, unsigned n)
{
	u64 v = 0;

	if (off + n <= t->length)
		memcpy(&v, (const char *)t + off, n);
	return v;
}

static struct acpi_gas gas_field(const struct acpi_header *t, unsigned off)
{
	struct acpi_gas g = {0};

	if (off + sizeof(g) <= t->length)
		memcpy(&g, (const char *)t + off, sizeof(g));
	return g;
}

/* The extended register if it is given, else the old I/O port block. */
static struct acpi_gas block(const struct acpi_header *t, unsigned x_off, unsigned off,
			     unsigned len_off)
{
	struct acpi_gas g = gas_field(t, x_off);

	if (g.address)
		return g;
	return (struct acpi_gas){.space = ACPI_SPACE_IO,
				 .bit_width = (u8)min_t(u64, field(t, len_off, 1) * 8, 32),
				 .address = field(t, off, 4)};
}

void acpi_fadt_init(const struct acpi_header *t)
{
	struct acpi_fadt *f = &acpi_fadt;
	u32 flags = field(t, FADT_FLAGS, 4), boot_arch = field(t, FADT_BOOT_ARCH, 2);

	f->valid = true;
	f->hw_reduced = flags & FADT_FLAG_HW_REDUCED;
	f->timer_32bit = flags & FADT_FLAG_TMR_VAL_EXT;
	f->no_cmos_rtc = boot_arch & BOOT_ARCH_NO_CMOS_RTC;
	f->has_8042 = boot_arch & BOOT_ARCH_8042;
	f->sci_irq = field(t, FADT_SCI_INT, 2);
	f->smi_cmd = field(t, FADT_SMI_CMD, 4);
	f->acpi_enable = field(t, FADT_ACPI_ENABLE, 1);
	f->century = field(t, FADT_CENTURY, 1) & 0x7f;
	f->reset = gas_field(t, FADT_RESET_REG);
	f->reset_value = field(t, FADT_RESET_VALUE, 1);
	f->has_reset = (flags & FADT_FLAG_RESET_REG) && f->reset.address;
	f->sleep_control = gas_field(t, FADT_SLEEP_CONTROL);
	f->sleep_status = gas_field(t, FADT_SLEEP_STATUS);
	if (!f->hw_reduced) {
		f->pm_timer = block(t, FADT_X_PM_TMR, FADT_PM_TMR, FADT_PM_TMR_LEN);
		f->pm1a_event = block(t, FADT_X_PM1A_EVT, FADT_PM1A_EVT, FADT_PM1_EVT_LEN);
		f->pm1b_event = block(t, FADT_X_PM1B_EVT, FADT_PM1B_EVT, FADT_PM1_EVT_LEN);
		f->pm1a_control = block(t, FADT_X_PM1A_CNT, FADT_PM1A_CNT, FADT_PM1_CNT_LEN);
		f->pm1b_control = block(t, FADT_X_PM1B_CNT, FADT_PM1B_CNT, FADT_PM1_CNT_LEN);
	}
	/* Power-off and reset must work when nothing can be allocated any more: map now. */
	const struct acpi_gas *late[] = {&f->reset, &f->sleep_control, &f->pm1a_control,
					 &f->pm1b_control};
	for (unsigned i = 0; i < ARRAY_SIZE(late); i++)
		if (late[i]->address && late[i]->space == ACPI_SPACE_MEMORY &&
		    !arch_map_device(pa(late[i]->address), 4))
			pr_warn("register at %#lx cannot be mapped", late[i]->address);
}

int acpi_gas_write(const struct acpi_gas *g, u32 v)
{
	if (g->space == ACPI_SPACE_IO && g->address <= 0xffff) {
		if (g->bit_width <= 8)
			outb(g->address, v);
		else if (g->bit_width <= 16)
			outw(g->address, v);
		else
			outl(g->address, v);
		return 0;
	}
	void *p = g->space == ACPI_SPACE_MEMORY ? arch_map_device(pa(g->address), 4) : NULL;
	if (!p)
		return -EINVAL;
	if (g->bit_width <= 8)
		mmio_write8(p, v);
	else if (g->bit_width <= 16)
		*(volatile u16 *)p = v;
	else
		mmio_write32(p, v);
	return 0;
}

int acpi_gas_read(const struct acpi_gas *g, u32 *v)
{
	if (g->space == ACPI_SPACE_IO && g->address <= 0xffff) {
		if (g->bit_width <= 8)
			*v = inb(g->address);
		else if (g->bit_width <= 16)
			*v = inw(g->address);
		else
			*v = inl(g->address);
		return 0;
	}
	const void *p = g->space == ACPI_SPACE_MEMORY ? arch_map_device(pa(g->address), 4) : NULL;
	if (!p)
		return -EINVAL;
	if (g->bit_width <= 8)
		*v = mmio_read8(p);
	else if (g->bit_width <= 16)
		*v = *(const volatile u16 *)p;
	else
		*v = mmio_read32(p);
	return 0;
}

/* AML opcodes (ACPI 6.4, 20.2). */
enum {
	AML_ZERO = 0x00,
	AML_ONE = 0x01,
	AML_NAME = 0x08,
	AML_BYTE = 0x0a,
	AML_WORD = 0x0b,
	AML_DWORD = 0x0c,
	AML_PACKAGE = 0x12,
	AML_ONES = 0xff,
};

/* An integer constant at *p; advances. */
static int aml_integer(const u8 **p, const u8 *end, u32 *v)
{
	if (*p >= end)
		return -EINVAL;
	unsigned n;
	switch (*(*p)++) {
	case AML_ZERO:
		*v = 0;
		return 0;
	case AML_ONE:
		*v = 1;
		return 0;
	case AML_ONES:
		*v = 0xff;
		return 0;
	case AML_BYTE:
		n = 1;
		break;
	case AML_WORD:
		n = 2;
		break;
	case AML_DWORD:
		n = 4;
		break;
	default:
		return -EINVAL;
	}
	if (end - *p < (ptrdiff_t)n)
		return -EINVAL;
	*v = 0;
	memcpy(v, *p, n);
	*p += n;
	return 0;
}

/* p behind "_S5_": PackageOp PkgLength NumElements Element... */
static int s5_package(const u8 *p, const u8 *end, u8 *typ_a, u8 *typ_b)
{
	if (end - p < 3 || *p++ != AML_PACKAGE)
		return -EINVAL;
	p += 1 + (*p >> 6); /* length of the length: its top two bits */
	if (p >= end)
		return -EINVAL;
	unsigned elements = *p++;
	u32 a, b;
	if (elements < 1 || aml_integer(&p, end, &a))
		return -EINVAL;
	/* One element may hold both types in its two low bytes. */
	b = a >> 8 & 0xff;
	if (elements >= 2 && aml_integer(&p, end, &b))
		return -EINVAL;
	*typ_a = a & 7;
	*typ_b = b & 7;
	return 0;
}

int acpi_find_s5(const u8 *aml, size_t n, u8 *typ_a, u8 *typ_b)
{
	int err = -ENOENT;

	for (size_t i = 1; i + 4 < n; i++) {
		if (aml[i] != '_' || memcmp(aml + i, "_S5_", 4))
			continue;
		if (aml[i - 1] != AML_NAME &&
		    !(i >= 2 && aml[i - 1] == '\\' && aml[i - 2] == AML_NAME))
			continue;
		err = s5_package(aml + i + 4, aml + n, typ_a, typ_b);
		if (!err)
			break;
	}
	return err;
}

int acpi_s5_types(u8 *typ_a, u8 *typ_b)
{
	static const char *const where[] = {"DSDT", "SSDT"};

	for (unsigned w = 0; w < ARRAY_SIZE(where); w++) {
		const struct acpi_header *t;
		for (unsigned n = 0; (t = acpi_table(where[w], n)); n++)
			if (!acpi_find_s5((const u8 *)(t + 1), t->length - sizeof(*t), typ_a,
					  typ_b))
				return 0;
	}
	return -ENOENT;
}
