/* ACPI static tables (ACPI 6.4, chapter 5): found, checked and mapped at boot, [I] afterwards. The namespace (AML) is
 * not interpreted here, but for the sleep type of S5. */
#pragma once
#include <lib/types.h>

struct acpi_header {
	char signature[4];
	u32 length; /* with this header */
	u8 revision, checksum;
	char oem_id[6], oem_table_id[8];
	u32 oem_revision;
	char creator_id[4];
	u32 creator_revision;
} __packed;
_Static_assert(sizeof(struct acpi_header) == 36, "ACPI table header");

/* Generic address structure. */
struct acpi_gas {
	u8 space; /* ACPI_SPACE_* */
	u8 bit_width, bit_offset, access_size;
	u64 address;
} __packed;
_Static_assert(sizeof(struct acpi_gas) == 12, "ACPI GAS");
#define ACPI_SPACE_MEMORY 0
#define ACPI_SPACE_IO	  1

/* The n-th table (from 0) with this signature, whole and checksummed, mapped read-only for good; NULL if there is
 * none. "DSDT" is found too. Any context after smp_prepare(). */
const struct acpi_header *acpi_table(const char *signature, unsigned n);
/* Physical address of the RSDP; 0: no ACPI. */
paddr_t acpi_rsdp(void);
/* The bytes of a table add up to 0. */
bool acpi_checksum_ok(const void *p, size_t n);

/* What the kernel uses of the FADT, X_ fields preferred; an absent register has address 0. */
struct acpi_fadt {
	bool valid;
	bool hw_reduced;  /* no PM1 registers */
	bool timer_32bit; /* PM timer: 32 bits instead of 24 */
	bool has_reset;
	bool no_cmos_rtc, has_8042;
	u16 sci_irq;
	u32 smi_cmd;
	u8 acpi_enable, reset_value, century; /* century: CMOS index or 0 */
	struct acpi_gas pm_timer, pm1a_event, pm1b_event, pm1a_control, pm1b_control, reset,
		sleep_control, sleep_status;
};
extern struct acpi_fadt acpi_fadt;

/* Access a register; widths up to 32 bits. -EINVAL for an address space that the kernel does not reach. */
int acpi_gas_write(const struct acpi_gas *g, u32 v);
int acpi_gas_read(const struct acpi_gas *g, u32 *v) __must_check;
/* The two sleep types of \_S5_ from an AML block, or -ENOENT/-EINVAL. Pure. */
int acpi_find_s5(const u8 *aml, size_t n, u8 *typ_a, u8 *typ_b) __must_check;

/* Records of the MADT, each checked to lie within the table. NULL starts and ends. */
struct acpi_madt_record {
	u8 type, length;
} __packed;
enum {
	MADT_LAPIC = 0,
	MADT_IOAPIC = 1,
	MADT_OVERRIDE = 2,
	MADT_NMI_SOURCE = 3,
	MADT_LAPIC_NMI = 4,
	MADT_LAPIC_ADDRESS = 5,
	MADT_X2APIC = 9,
	MADT_X2APIC_NMI = 10,
};
const struct acpi_madt_record *acpi_madt_next(const struct acpi_madt_record *prev);
/* Length that a record of this type has at least; 0 for types not used here. */
unsigned acpi_madt_min_length(unsigned type);

struct acpi_madt_lapic {
	struct acpi_madt_record r;
	u8 uid, apic_id;
	u32 flags;
} __packed;
#define MADT_CPU_ENABLED 1u
struct acpi_madt_x2apic {
	struct acpi_madt_record r;
	u16 reserved;
	u32 apic_id, flags, uid;
} __packed;
struct acpi_madt_ioapic {
	struct acpi_madt_record r;
	u8 id, reserved;
	u32 address, gsi_base;
} __packed;
struct acpi_madt_override {
	struct acpi_madt_record r;
	u8 bus, source;
	u32 gsi;
	u16 flags; /* polarity in bits 0..1 (3: low), trigger in bits 2..3 (3: level), 0: as the bus */
} __packed;
struct acpi_madt_nmi_source {
	struct acpi_madt_record r;
	u16 flags;
	u32 gsi;
} __packed;
struct acpi_madt_lapic_nmi {
	struct acpi_madt_record r;
	u8 uid; /* 0xff: all */
	u16 flags;
	u8 lint;
} __packed;
struct acpi_madt_x2apic_nmi {
	struct acpi_madt_record r;
	u16 flags;
	u32 uid; /* 0xffffffff: all */
	u8 lint, reserved[3];
} __packed;
struct acpi_madt_lapic_address {
	struct acpi_madt_record r;
	u16 reserved;
	u64 address;
} __packed;
