/* Fills the root file system: the archive linked into the image first, then each module that the boot
 * loader gave (PVH or Multiboot2), over it. The modules' memory goes to the page allocator. */
#include <alloc/page.h>
#include <fs/vfs.h>
#include <init/bootinfo.h>
#include <init/main.h>
#include <init/sections.h>
#include <log/printk.h>

void initramfs_populate(void)
{
	size_t n = (size_t)(__initramfs_end - __initramfs_start);

	if (n) {
		int err = initramfs_unpack(__initramfs_start, n);
		if (err)
			pr_err("initramfs: the built-in archive is damaged (%d)", err);
	}
	for (unsigned i = 0; i < bootinfo.nr_modules; i++) {
		struct boot_module *m = &bootinfo.modules[i];
		if (!m->size)
			continue;
		int err = initramfs_unpack(phys_to_virt(m->start), m->size);
		if (err)
			pr_err("initramfs: module %u is damaged (%d); what came before stays", i,
			       err);
		u64 start = ALIGN_UP(m->start.v, PAGE_SIZE);
		u64 end = ALIGN_DOWN(m->start.v + m->size, PAGE_SIZE);
		if (end > start)
			mem_free_range(pa(start), end - start);
	}
}
