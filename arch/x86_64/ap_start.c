/* The page from which application processors start: a copy of boot/ap.asm's code below 1 MiB, and page
 * tables that map it at its physical address besides the kernel. How it is used: arch_priv.h.
 *
 * Set up once by the boot CPU; the tables stay (CPUs that are started later use them again). */
#include "arch_priv.h"
#include <arch/boot.h>
#include <arch/pgtable.h>
#include <lib/string.h>
#include <uapi/errno.h>

struct ap_data {
	u32 cr3, cr4;
	u32 far32;
	u16 cs32, gdt_limit;
	u32 gdt_base;
	u32 far64;
	u16 cs64, pad[3];
	u64 kernel_cr3;
	u64 gdt[4];
	struct ap_start_args args;
};
_Static_assert(__builtin_offsetof(struct ap_data, args) == 72, "ap.asm");

extern char ap_code[], ap_code_end[], ap_data[], ap_entry32[], ap_entry64[];

paddr_t ap_page;			  /* [I] reserved by arch_memory_init */
static pte_t ap_root[512] __aligned(4096) /* CR3 is loaded in 32-bit mode: below 4 GiB */
	__section(".bss.page_aligned");
static bool ready;

static struct ap_data *data(void)
{
	return (struct ap_data *)((char *)phys_to_virt(ap_page) + (ap_data - ap_code));
}

int ap_start_prepare(void)
{
	u32 base = (u32)ap_page.v;

	if (!base)
		return -ENODEV;
	if (ready)
		return 0;
	memcpy(ap_root + 256, kernel_root + 256, 256 * sizeof(*ap_root));
	pte_t *e = pt_walk(ap_root, base, 1, true);
	if (!e)
		return -ENOMEM;
	pte_write(e, pte_make(ap_page, PTE_PRESENT | PTE_WRITE));
	memcpy(phys_to_virt(ap_page), ap_code, (size_t)(ap_code_end - ap_code));
	struct ap_data *d = data();
	d->cr3 = (u32)virt_to_phys(ap_root).v;
	d->cr4 = (1u << 5) | (pt_levels == 5 ? 1u << 12 : 0); /* PAE, LA57 */
	d->far32 = base + (u32)(ap_entry32 - ap_code);
	d->far64 = base + (u32)(ap_entry64 - ap_code);
	d->gdt_base = base + (u32)((char *)d->gdt - (char *)phys_to_virt(ap_page));
	d->kernel_cr3 = virt_to_phys(kernel_root).v;
	ready = true;
	return 0;
}

u8 ap_start_vector(void)
{
	return (u8)(ap_page.v >> PAGE_SHIFT);
}

volatile struct ap_start_args *ap_start_args(void)
{
	return &data()->args;
}
