/* Fonts and rendering into ordinary memory. */
#include <alloc/slab.h>
#include <alloc/vmalloc.h>
#include <init/ktest.h>
#include <lib/err.h>
#include <lib/string.h>
#include "video_priv.h"

extern const u8 font_small[], font_small_end[], font_large[], font_large_end[];

KTEST(psf, console_fonts)
{
	struct psf f = {0}, g = {0};

	REQUIRE(!psf_parse(&f, font_small, (size_t)(font_small_end - font_small)));
	CHECK_EQ(f.width, 8);
	CHECK_EQ(f.height, 16);
	CHECK_EQ(f.count, 512);
	CHECK(psf_glyph(&f, 'A') != f.unknown);
	CHECK(psf_glyph(&f, 0x2500) != f.unknown);
	CHECK(psf_glyph(&f, 0xe4) != psf_glyph(&f, 'a'));
	CHECK_EQ(psf_glyph(&f, 0x12345), f.unknown);
	psf_free(&f);
	REQUIRE(!psf_parse(&g, font_large, (size_t)(font_large_end - font_large)));
	CHECK_EQ(g.width, 16);
	CHECK_EQ(g.height, 32);
	CHECK(psf_glyph(&g, 'A') != g.unknown);
	psf_free(&g);
}

KTEST(psf, damaged)
{
	struct psf f = {0};
	u8 h[64] = {0x36, 0x04, 0, 16};

	CHECK_EQ(psf_parse(&f, h, 0), -EINVAL);
	CHECK_EQ(psf_parse(&f, h, sizeof(h)), -EINVAL); /* glyphs missing */
	CHECK_EQ(psf_parse(&f, font_small, 100), -EINVAL);
	memset(h, 0xff, sizeof(h));
	CHECK_EQ(psf_parse(&f, h, sizeof(h)), -EINVAL);
	memcpy(h, "\x72\xb5\x4a\x86", 4);
	CHECK_EQ(psf_parse(&f, h, sizeof(h)), -EINVAL);
}

/* Two glyphs' worth of a font: glyph 'X' is a full block, others empty. */
static u8 tiny[4 + 256 * 4];

static void tiny_font(struct psf *f)
{
	memset(tiny, 0, sizeof(tiny));
	tiny[0] = 0x36;
	tiny[1] = 0x04;
	tiny[3] = 4;
	memset(tiny + 4 + 'X' * 4, 0xff, 4);
	memset(tiny + 4 + 'L' * 4, 0x80, 4);
}

struct fbrig {
	struct psf font;
	struct fbscreen f;
	u8 mem[32 * 12 * 4 + 64];
	struct cell row[4];
};

static struct fbrig *fb_new(u32 bpp)
{
	struct boot_framebuffer b = {.pitch = 32 * bpp / 8,
				     .width = 32,
				     .height = 12,
				     .bpp = bpp,
				     .red_pos = 16,
				     .red_size = 8,
				     .green_pos = 8,
				     .green_size = 8,
				     .blue_size = 8,
				     .type = BOOT_FB_RGB};
	struct fbrig *r = kzalloc(sizeof(*r), GFP_KERNEL);

	if (!r)
		return NULL;
	if (bpp == 16) {
		b.red_pos = 11;
		b.red_size = 5;
		b.green_pos = 5;
		b.green_size = 6;
		b.blue_size = 5;
	}
	tiny_font(&r->font);
	if (psf_parse(&r->font, tiny, sizeof(tiny)) || fbscreen_init(&r->f, &b, r->mem, &r->font))
		return NULL;
	for (unsigned i = 0; i < 4; i++)
		r->row[i] = (struct cell){' ', COLOR_DEFAULT, COLOR_DEFAULT};
	return r;
}

static void fb_free(struct fbrig *r)
{
	kvfree(r->f.s.shown);
	psf_free(&r->font);
	kfree(r);
}

static u32 pixel(struct fbrig *r, unsigned x, unsigned y)
{
	u32 v = 0;

	memcpy(&v, r->mem + y * r->f.pitch + x * r->f.bytes, r->f.bytes);
	return v;
}

KTEST(fbscreen, formats)
{
	static const u32 bpps[] = {32, 24, 16};

	for (unsigned i = 0; i < 3; i++) {
		struct fbrig *r = fb_new(bpps[i]);

		REQUIRE(r);
		CHECK_EQ(r->f.s.cols, 4);
		CHECK_EQ(r->f.s.rows, 3);
		r->row[1] = (struct cell){'X', COLOR_RGB | 0xff8000, COLOR_DEFAULT};
		r->row[2] = (struct cell){'L', 15, 1};
		screen_update_row(&r->f.s, 1, r->row);
		CHECK_EQ(pixel(r, 8, 4), bpps[i] == 16 ? 0xfc00 : 0xff8000);
		CHECK_EQ(pixel(r, 15, 7), bpps[i] == 16 ? 0xfc00 : 0xff8000);
		CHECK_EQ(pixel(r, 7, 4), 0);
		CHECK_EQ(pixel(r, 16, 5), bpps[i] == 16 ? 0xffff : 0xffffff);
		CHECK_EQ(pixel(r, 17, 5), bpps[i] == 16 ? 0xa800 : 0xaa0000);
		CHECK_EQ(pixel(r, 8, 8), 0);
		fb_free(r);
	}
}

KTEST(fbscreen, attributes)
{
	struct fbrig *r = fb_new(32);

	REQUIRE(r);
	r->row[0] = (struct cell){'X' | CELL_REVERSE, COLOR_DEFAULT, COLOR_DEFAULT};
	r->row[1] = (struct cell){' ' | CELL_CURSOR, COLOR_DEFAULT, COLOR_DEFAULT};
	r->row[2] = (struct cell){' ' | CELL_UNDERLINE, COLOR_DEFAULT, COLOR_DEFAULT};
	screen_update_row(&r->f.s, 0, r->row);
	CHECK_EQ(pixel(r, 0, 0), 0);
	CHECK_EQ(pixel(r, 8, 0), 0xaaaaaa);
	CHECK_EQ(pixel(r, 16, 0), 0);
	CHECK_EQ(pixel(r, 16, 2), 0xaaaaaa);
	fb_free(r);
}

KTEST(fbscreen, draws_only_changes)
{
	struct fbrig *r = fb_new(32);

	REQUIRE(r);
	r->row[0].ch = 'X';
	screen_update_row(&r->f.s, 0, r->row);
	memset(r->mem, 0x55, sizeof(r->mem));
	r->row[2].ch = 'X';
	screen_update_row(&r->f.s, 0, r->row);
	CHECK_EQ(pixel(r, 0, 0), 0x55555555);
	CHECK_EQ(pixel(r, 16, 0), 0xaaaaaa);
	CHECK_EQ(pixel(r, 24, 0), 0x55555555);
	screen_invalidate(&r->f.s);
	screen_update_row(&r->f.s, 0, r->row);
	CHECK_EQ(pixel(r, 0, 0), 0xaaaaaa);
	fb_free(r);
}

KTEST(vgatext, code_page)
{
	CHECK_EQ(vgatext_cp437('A'), 'A');
	CHECK_EQ(vgatext_cp437(0xe4), 0x84);
	CHECK_EQ(vgatext_cp437(0x2500), 0xc4);
	CHECK_EQ(vgatext_cp437(0x2588), 0xdb);
	CHECK_EQ(vgatext_cp437(0x4e00), '?');
}
