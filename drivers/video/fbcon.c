/* The boot loader's framebuffer as the console's screen: mapping it write-combined, choosing a font. */
#define LOG_PREFIX "fbcon: "
#include <alloc/slab.h>
#include <alloc/vmalloc.h>
#include <lib/err.h>
#include <log/printk.h>
#include "video_priv.h"

/* drivers/video/fonts.asm */
extern const u8 font_small[], font_small_end[], font_large[], font_large_end[];

/* Four times the pixels of a full HD screen want the large font. */
#define LARGE_WIDTH 2560u

static int load_font(struct psf *f, u32 width)
{
	if (width >= LARGE_WIDTH &&
	    !psf_parse(f, font_large, (size_t)(font_large_end - font_large)))
		return 0;
	return psf_parse(f, font_small, (size_t)(font_small_end - font_small));
}

static void clear(struct fbscreen *f)
{
	u32 black = fbscreen_pixel(f, 0);

	/* Black is 0 in every format; the edges that no cell covers stay so. */
	for (u32 y = 0; y < f->height; y++)
		for (u32 x = 0; x + 4 <= f->width * f->bytes; x += 4)
			*(volatile u32 *)(f->mem + (size_t)y * f->pitch + x) = black;
}

struct screen *fbcon_probe(void)
{
	const struct boot_framebuffer *b = &bootinfo.fb;
	struct fbscreen *f;
	struct psf *font;
	void *mem;

	if (b->type != BOOT_FB_RGB || !b->addr.v || b->bpp < 15)
		return NULL;
	f = kzalloc(sizeof(*f), GFP_KERNEL);
	font = kzalloc(sizeof(*font), GFP_KERNEL);
	if (!f || !font || load_font(font, b->width))
		goto out_free;
	mem = ioremap(b->addr, (size_t)b->pitch * b->height, PTE_CACHE_WC);
	if (!mem)
		goto out_font;
	if (fbscreen_init(f, b, mem, font))
		goto out_unmap;
	clear(f);
	pr_info("%ux%u, %u bits per pixel, %ux%u characters\n", b->width, b->height, b->bpp,
		f->s.cols, f->s.rows);
	return &f->s;

out_unmap:
	iounmap(mem);
out_font:
	psf_free(font);
out_free:
	kfree(f);
	kfree(font);
	return NULL;
}
