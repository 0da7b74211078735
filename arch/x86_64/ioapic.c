/* IO-APICs (Intel 82093AA data sheet) from the MADT: global system interrupts (GSIs) to redirection entries. Also
 * silences the pair of 8259s, moved out of the exceptions' way first, since even a masked one may raise IRQ 7 or 15.
 *
 * The list is [I] after ioapic_init(). Index/data register pairs and entries: [lock] of their IO-APIC, taken with
 * interrupts off. Destinations are physical, 8 bits. */
#define LOG_PREFIX "ioapic: "
#include <arch/io.h>
#include <arch/irq.h>
#include <arch/pgtable.h>
#include <lib/err.h>
#include <log/printk.h>
#include <sync/spinlock.h>
#include "plat_priv.h"

#define IOAPIC_DEFAULT_ADDRESS 0xfec00000u
#define IOAPIC_WINDOW	       0x10
#define IOAPIC_REG_VERSION     1
#define IOAPIC_REG_ENTRY(n)    (0x10 + 2 * (n))

#define ENTRY_LOW_ACTIVE (1u << 13)
#define ENTRY_LEVEL	 (1u << 15)
#define ENTRY_MASKED	 (1u << 16)

struct ioapic {
	volatile char *regs;	    /* [I] */
	unsigned gsi_base, entries; /* [I] */
	struct ioapic *next;	    /* [I] */
	spinlock_t lock;
};

static struct ioapic *ioapics __ro_after_init;
static unsigned gsi_end __ro_after_init;
/* Legacy line to GSI and flags, by the MADT's overrides. */
static struct {
	unsigned gsi;
	u16 flags;
} isa_map[16] __ro_after_init;

static u32 reg_read(struct ioapic *io, u32 reg)
{
	mmio_write32(io->regs, reg);
	return mmio_read32(io->regs + IOAPIC_WINDOW);
}

static void reg_write(struct ioapic *io, u32 reg, u32 v)
{
	mmio_write32(io->regs, reg);
	mmio_write32(io->regs + IOAPIC_WINDOW, v);
}

static struct ioapic *ioapic_of(unsigned gsi)
{
	for (struct ioapic *io = ioapics; io; io = io->next)
		if (gsi >= io->gsi_base && gsi - io->gsi_base < io->entries)
			return io;
	return NULL;
}

unsigned ioapic_gsi_end(void)
{
	return gsi_end;
}

unsigned ioapic_isa_to_gsi(unsigned isa_irq, u16 *flags)
{
	*flags = isa_irq < 16 ? isa_map[isa_irq].flags : 0;
	return isa_irq < 16 ? isa_map[isa_irq].gsi : isa_irq;
}

int ioapic_route(unsigned gsi, u8 vector, u32 apic_id, bool level, bool low)
{
	struct ioapic *io = ioapic_of(gsi);
	unsigned long f;

	if (!io)
		return -ENODEV;
	if (apic_id > 0xfe)
		return -EINVAL;
	u32 reg = IOAPIC_REG_ENTRY(gsi - io->gsi_base);
	spin_lock_irqsave(&io->lock, f);
	reg_write(io, reg, ENTRY_MASKED);
	reg_write(io, reg + 1, apic_id << 24);
	reg_write(io, reg, vector | (level ? ENTRY_LEVEL : 0) | (low ? ENTRY_LOW_ACTIVE : 0));
	spin_unlock_irqrestore(&io->lock, f);
	return 0;
}

void ioapic_mask(unsigned gsi, bool masked)
{
	struct ioapic *io = ioapic_of(gsi);
	unsigned long f;

	if (!io)
		return;
	u32 reg = IOAPIC_REG_ENTRY(gsi - io->gsi_base);
	spin_lock_irqsave(&io->lock, f);
	u32 v = reg_read(io, reg) & ~ENTRY_MASKED;
	reg_write(io, reg, v | (masked ? ENTRY_MASKED : 0));
	spin_unlock_irqrestore(&io->lock, f);
}

/* 8259A initialisation words 1 to 4, then every line masked. Before LINT0 is masked: a request that is pending there
 * must be seen to go away by the APIC (else QEMU delivers an interrupt without a vector). */
void pic_silence(void)
{
	outb(0x20, 0x11);
	outb(0xa0, 0x11);
	outb(0x21, VECTOR_PIC);
	outb(0xa1, VECTOR_PIC + 8);
	outb(0x21, 1 << 2);
	outb(0xa1, 2);
	outb(0x21, 1);
	outb(0xa1, 1);
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}

static void ioapic_add(u32 address, unsigned gsi_base)
{
	volatile char *regs = arch_map_device(pa(address), 0x20);

	if (!regs) {
		pr_err("at %#x: cannot be mapped", address);
		return;
	}
	struct ioapic probe = {.regs = regs};
	u32 version = reg_read(&probe, IOAPIC_REG_VERSION);
	if (version == ~0u) {
		pr_warn("none at %#x", address);
		return;
	}
	struct ioapic *io = arch_mem.boot_alloc(sizeof(*io), 64);
	io->regs = regs;
	io->gsi_base = gsi_base;
	io->entries = (version >> 16 & 0xff) + 1;
	spin_init(&io->lock);
	for (unsigned i = 0; i < io->entries; i++)
		reg_write(io, IOAPIC_REG_ENTRY(i), ENTRY_MASKED);
	if (gsi_base + io->entries > gsi_end)
		gsi_end = gsi_base + io->entries;
	io->next = ioapics;
	ioapics = io;
	pr_debug("at %#x: GSI %u..%u", address, gsi_base, gsi_base + io->entries - 1);
}

void ioapic_init(void)
{
	const struct acpi_madt_record *r = NULL;

	for (unsigned i = 0; i < 16; i++)
		isa_map[i].gsi = i;
	while ((r = acpi_madt_next(r))) {
		const struct acpi_madt_ioapic *a = (const void *)r;
		const struct acpi_madt_override *o = (const void *)r;
		if (r->type == MADT_IOAPIC) {
			ioapic_add(a->address, a->gsi_base);
		} else if (r->type == MADT_OVERRIDE && o->bus == 0 && o->source < 16) {
			isa_map[o->source].gsi = o->gsi;
			isa_map[o->source].flags = o->flags;
		}
	}
	if (ioapics)
		return;
	/* No word from the firmware: the place where every PC has it, the timer on pin 2. */
	ioapic_add(IOAPIC_DEFAULT_ADDRESS, 0);
	isa_map[0].gsi = 2;
}
