/* Multiboot2: the tags of the boot information block into struct bootinfo.
 *
 * Source: Multiboot2 Specification 2.0, section 3.6. The block is a list of tags, each padded to 8
 * bytes. Nothing in it is believed before it has been checked against the size of its tag; a tag that
 * does not advance ends the walk. */
#define LOG_PREFIX "multiboot2: "
#include "boot_priv.h"
#include <alloc/page.h>
#include <log/printk.h>

#define MB2_MAX_SIZE (64 * MiB) /* of the block: larger is damage */

enum {
	TAG_END = 0,
	TAG_CMDLINE = 1,
	TAG_LOADER = 2,
	TAG_MODULE = 3,
	TAG_MEMMAP = 6,
	TAG_FRAMEBUFFER = 8,
	TAG_EFI64_SYSTAB = 12,
	TAG_RSDP1 = 14,
	TAG_RSDP2 = 15,
};

struct mb2_info {
	u32 total_size, reserved;
};
struct mb2_tag {
	u32 type, size;
};
struct mb2_string {
	struct mb2_tag tag;
	char text[];
};
struct mb2_module {
	struct mb2_tag tag;
	u32 start, end;
	char text[];
};
struct mb2_memmap {
	struct mb2_tag tag;
	u32 entry_size, entry_version;
	u8 entries[];
};
struct mb2_framebuffer {
	struct mb2_tag tag;
	u64 addr;
	u32 pitch, width, height;
	u8 bpp, type;
	u16 reserved;
	u8 red_pos, red_size, green_pos, green_size, blue_pos, blue_size; /* type 1 */
};
struct mb2_u64 {
	struct mb2_tag tag;
	u64 value;
};

/* The tag behind t (NULL: the first), or NULL at the end. */
static __init struct mb2_tag *next_tag(struct mb2_info *info, struct mb2_tag *t)
{
	u64 off = t ? (u64)((char *)t - (char *)info) + ALIGN_UP((u64)t->size, 8ul) : sizeof(*info);

	if (off + sizeof(*t) > info->total_size)
		return NULL;
	t = (struct mb2_tag *)((char *)info + off);
	if (t->type == TAG_END || t->size < sizeof(*t) || t->size > info->total_size - off)
		return NULL;
	return t;
}

static __init void take_framebuffer(const struct mb2_framebuffer *f)
{
	struct boot_framebuffer *fb = &bootinfo.fb;

	if (f->tag.size < __builtin_offsetof(struct mb2_framebuffer, red_pos) || f->type > 2)
		return;
	if (f->type == 0 || (f->type == 1 && f->tag.size < sizeof(*f) - 2))
		return; /* indexed colour is of no use here */
	fb->addr = pa(f->addr);
	fb->pitch = f->pitch;
	fb->width = f->width;
	fb->height = f->height;
	fb->bpp = f->bpp;
	fb->type = f->type == 2 ? BOOT_FB_TEXT : BOOT_FB_RGB;
	if (f->type == 2)
		return;
	fb->red_pos = f->red_pos;
	fb->red_size = f->red_size;
	fb->green_pos = f->green_pos;
	fb->green_size = f->green_size;
	fb->blue_pos = f->blue_pos;
	fb->blue_size = f->blue_size;
}

static __init void take_memmap(struct mb2_memmap *m)
{
	u64 head = sizeof(*m);

	if (m->tag.size < head || m->entry_size < sizeof(struct mem_region) || m->entry_size % 8)
		return;
	boot_set_memmap(m->entries, (m->tag.size - head) / m->entry_size, m->entry_size);
}

static __init void take_tag(paddr_t base, struct mb2_info *info, struct mb2_tag *t)
{
	u64 where = base.v + (u64)((char *)t - (char *)info);

	switch (t->type) {
	case TAG_CMDLINE:
		boot_set_cmdline(((struct mb2_string *)t)->text, t->size - sizeof(*t));
		break;
	case TAG_LOADER:
		boot_set_loader(((struct mb2_string *)t)->text, t->size - sizeof(*t));
		break;
	case TAG_MEMMAP:
		take_memmap((struct mb2_memmap *)t);
		break;
	case TAG_FRAMEBUFFER:
		take_framebuffer((struct mb2_framebuffer *)t);
		break;
	case TAG_EFI64_SYSTAB:
		if (t->size >= sizeof(struct mb2_u64)) {
			bootinfo.efi_systab = pa(((struct mb2_u64 *)t)->value);
			bootinfo.efi_boot = true;
		}
		break;
	case TAG_RSDP1:
		if (!bootinfo.rsdp.v) /* the newer one wins */
			bootinfo.rsdp = pa(where + sizeof(*t));
		break;
	case TAG_RSDP2:
		bootinfo.rsdp = pa(where + sizeof(*t));
		break;
	}
}

static __init const struct mb2_module *as_module(const struct mb2_tag *t)
{
	const struct mb2_module *m = (const struct mb2_module *)t;

	if (t->type != TAG_MODULE || t->size < sizeof(*m) || m->end <= m->start)
		return NULL;
	return m;
}

__init void multiboot2_parse(paddr_t base)
{
	struct mb2_info *info = boot_map(base.v, sizeof(*info));
	unsigned modules = 0;

	bootinfo.protocol = "multiboot2";
	if (!info || info->total_size < sizeof(*info) || info->total_size > MB2_MAX_SIZE ||
	    !boot_map(base.v, info->total_size)) {
		pr_err("the information block is damaged, ignored");
		return;
	}
	for (struct mb2_tag *t = next_tag(info, NULL); t; t = next_tag(info, t))
		take_tag(base, info, t);
	if (!bootinfo.nr_mem)
		return;
	boot_reserve(base.v, info->total_size);
	for (struct mb2_tag *t = next_tag(info, NULL); t; t = next_tag(info, t)) {
		const struct mb2_module *m = as_module(t);

		if (m) {
			boot_reserve(m->start, m->end - m->start);
			modules++;
		}
	}
	if (!modules)
		return;
	bootinfo.modules = early_alloc(modules * sizeof(*bootinfo.modules), 16);
	for (struct mb2_tag *t = next_tag(info, NULL); t; t = next_tag(info, t)) {
		const struct mb2_module *m = as_module(t);

		if (m)
			bootinfo.modules[bootinfo.nr_modules++] =
				(struct boot_module){pa(m->start), m->end - m->start};
	}
}
