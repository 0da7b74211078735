/* Finding and checking the static ACPI tables (ACPI 6.4, 5.2): RSDP, RSDT or XSDT, and what they list, DSDT included.
 *
 * Nothing that the firmware wrote is believed: every length is bounded, every checksum verified, a table that fails
 * is reported and left out. All is mapped read-only at boot (map.c) and never changes again, so lookups take no lock.
 * Without any ACPI the lists stay empty and the machine runs as one CPU with default addresses. */
#define LOG_PREFIX "acpi: "
#include <arch/pgtable.h>
#include <init/bootinfo.h>
#include <lib/err.h>
#include <lib/string.h>
#include <log/printk.h>
#include "plat_priv.h"

#define TABLE_MAX      (16 * MiB)
#define RSDP_V1_LENGTH 20
#define RSDP_V2_LENGTH 36

struct rsdp {
	char signature[8];
	u8 checksum;
	char oem_id[6];
	u8 revision;
	u32 rsdt;
	u32 length; /* revision 2 on */
	u64 xsdt;
	u8 extended_checksum, reserved[3];
} __packed;

struct madt {
	struct acpi_header h;
	u32 lapic_address, flags;
} __packed;

struct table {
	const struct acpi_header *h;
	struct table *next;
};

static paddr_t rsdp_address __ro_after_init;
static struct table *tables __ro_after_init; /* in the order of the XSDT */
static const struct madt *madt __ro_after_init;

bool acpi_checksum_ok(const void *p, size_t n)
{
	const u8 *b = p;
	u8 sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += b[i];
	return sum == 0;
}

static bool rsdp_ok(const struct rsdp *r)
{
	if (memcmp(r->signature, "RSD PTR ", 8) || !acpi_checksum_ok(r, RSDP_V1_LENGTH))
		return false;
	return r->revision < 2 || (r->length >= RSDP_V2_LENGTH && r->length <= PAGE_SIZE &&
				   acpi_checksum_ok(r, r->length));
}

static const struct rsdp *rsdp_map(u64 at)
{
	const struct rsdp *r = arch_map_phys(pa(at), RSDP_V2_LENGTH, 0);

	if (r && r->revision >= 2 && r->length > RSDP_V2_LENGTH && r->length <= PAGE_SIZE)
		r = arch_map_phys(pa(at), r->length, 0);
	return r && rsdp_ok(r) ? r : NULL;
}

/* On 16-byte boundaries of the first KiB of the EBDA and of the BIOS area (ACPI 6.4, 5.2.5.1). */
static const struct rsdp *rsdp_search(u64 from, u64 size)
{
	const char *p = arch_map_phys(pa(from), size, 0);

	for (u64 off = 0; p && off + RSDP_V2_LENGTH <= size; off += 16)
		if (*(const u64 *)(p + off) == 0x2052545020445352ul &&
		    rsdp_ok((const struct rsdp *)(p + off))) {
			rsdp_address = pa(from + off);
			return (const struct rsdp *)(p + off);
		}
	return NULL;
}

static const struct rsdp *rsdp_find(void)
{
	const struct rsdp *r = NULL;

	if (bootinfo.rsdp.v) {
		rsdp_address = bootinfo.rsdp;
		r = rsdp_map(bootinfo.rsdp.v);
		if (!r)
			pr_warn("RSDP at %#lx rejected (signature or checksum), searching",
				bootinfo.rsdp.v);
	}
	if (r || bootinfo.efi_boot)
		return r;
	const u16 *ebda_segment = arch_map_phys(pa(0x40e), 2, 0);
	u64 ebda = ebda_segment ? (u64)*ebda_segment << 4 : 0;
	if (ebda >= 0x80000 && ebda < 0xa0000)
		r = rsdp_search(ebda, KiB);
	return r ? r : rsdp_search(0xe0000, 128 * KiB);
}

static const char *table_problem(const struct acpi_header *h, u64 at,
				 const struct acpi_header **out)
{
	if (!h)
		return "not mappable";
	u32 length = h->length;
	if (length < sizeof(*h) || length > TABLE_MAX)
		return "bad length";
	h = arch_map_phys(pa(at), length, 0);
	if (!h)
		return "not mappable";
	if (!acpi_checksum_ok(h, length))
		return "bad checksum";
	*out = h;
	return NULL;
}

/* Map the table at a physical address; NULL with a message if it is not whole. */
static const struct acpi_header *table_map(u64 at, const char *signature)
{
	const struct acpi_header *out = NULL, *h = arch_map_phys(pa(at), sizeof(*h), 0);
	const char *why = table_problem(h, at, &out);

	if (!why && signature && memcmp(h->signature, signature, 4))
		why = "wrong signature";
	if (why) {
		pr_warn("table %.4s at %#lx rejected: %s", h ? h->signature : "?", at, why);
		return NULL;
	}
	return out;
}

static void table_add(u64 at, const char *signature)
{
	struct table **link = &tables;
	const struct acpi_header *h = at ? table_map(at, signature) : NULL;

	if (!h)
		return;
	while (*link)
		link = &(*link)->next;
	*link = arch_mem.boot_alloc(sizeof(**link), 8);
	(*link)->h = h;
	if (!memcmp(h->signature, "FACP", 4) && !acpi_fadt.valid)
		acpi_fadt_init(h);
}

/* The DSDT is named by the FADT only. */
static void dsdt_add(void)
{
	const struct acpi_header *f = acpi_table("FACP", 0);
	u32 low = 0;
	u64 wide = 0;

	if (!f || f->length < 44)
		return;
	memcpy(&low, (const char *)f + 40, 4);
	if (f->length >= 148)
		memcpy(&wide, (const char *)f + 140, 8);
	table_add(wide ? wide : low, "DSDT");
}

static void root_walk(const struct acpi_header *root, size_t width)
{
	const char *p = (const char *)(root + 1);

	for (size_t n = (root->length - sizeof(*root)) / width; n; n--, p += width) {
		u64 at = 0;
		memcpy(&at, p, width);
		table_add(at, NULL);
	}
}

void acpi_tables_init(void)
{
	const struct rsdp *r =
		boot_option("acpi") && !strcmp(boot_option("acpi"), "off") ? NULL : rsdp_find();
	const struct acpi_header *root = NULL;

	if (!r) {
		rsdp_address = pa(0);
		pr_notice("no tables");
		return;
	}
	if (r->revision >= 2 && r->xsdt)
		root = table_map(r->xsdt, "XSDT");
	if (root)
		root_walk(root, 8);
	else if (r->rsdt && (root = table_map(r->rsdt, "RSDT")))
		root_walk(root, 4);
	else
		pr_err("neither RSDT nor XSDT is usable: going on without ACPI");
	dsdt_add();
	const struct acpi_header *m = acpi_table("APIC", 0);
	if (m && m->length >= sizeof(*madt))
		madt = (const struct madt *)m;
	else
		pr_warn("no interrupt controller table (MADT)");
}

paddr_t acpi_rsdp(void)
{
	return rsdp_address;
}

const struct acpi_header *acpi_table(const char *signature, unsigned n)
{
	for (const struct table *t = tables; t; t = t->next)
		if (!memcmp(t->h->signature, signature, 4) && n-- == 0)
			return t->h;
	return NULL;
}

unsigned acpi_madt_min_length(unsigned type)
{
	switch (type) {
	case MADT_LAPIC:
		return sizeof(struct acpi_madt_lapic);
	case MADT_IOAPIC:
		return sizeof(struct acpi_madt_ioapic);
	case MADT_OVERRIDE:
		return sizeof(struct acpi_madt_override);
	case MADT_NMI_SOURCE:
		return sizeof(struct acpi_madt_nmi_source);
	case MADT_LAPIC_NMI:
		return sizeof(struct acpi_madt_lapic_nmi);
	case MADT_LAPIC_ADDRESS:
		return sizeof(struct acpi_madt_lapic_address);
	case MADT_X2APIC:
		return sizeof(struct acpi_madt_x2apic);
	case MADT_X2APIC_NMI:
		return sizeof(struct acpi_madt_x2apic_nmi);
	default:
		return 0;
	}
}

const struct acpi_madt_record *acpi_madt_next(const struct acpi_madt_record *prev)
{
	if (!madt)
		return NULL;
	const char *end = (const char *)madt + madt->h.length;
	const char *p = prev ? (const char *)prev + prev->length : (const char *)(madt + 1);
	while (end - p >= (ptrdiff_t)sizeof(*prev)) {
		const struct acpi_madt_record *r = (const void *)p;
		if (r->length < sizeof(*r) || r->length > end - p) {
			pr_once(LOG_WARNING,
				"MADT record of type %u has length %u: the rest is ignored",
				r->type, r->length);
			return NULL;
		}
		if (r->length >= acpi_madt_min_length(r->type))
			return r;
		p += r->length; /* too short for its type: skipped */
	}
	return NULL;
}
