/* Drawing character cells into a linear framebuffer of 16, 24 or 32 bits per pixel.
 *
 * Video memory is write-combined: it is only written, in whole glyph lines from left to right, and
 * scrolling redraws what differs. Bold is a brighter colour (the terminal's affair); underline and
 * strike-through are pixel lines; the cursor reverses its cell. No locks: the caller's. */
#include <lib/err.h>
#include <lib/string.h>
#include "video_priv.h"

static u32 channel(u32 v8, u8 pos, u8 size)
{
	return (size >= 8 ? v8 << (size - 8) : v8 >> (8 - size)) << pos;
}

u32 fbscreen_pixel(const struct fbscreen *f, u32 rgb)
{
	const struct boot_framebuffer *m = &f->fmt;

	return channel(rgb >> 16 & 255, m->red_pos, m->red_size) |
	       channel(rgb >> 8 & 255, m->green_pos, m->green_size) |
	       channel(rgb & 255, m->blue_pos, m->blue_size);
}

static void cell_colors(struct fbscreen *f, const struct cell *c, u32 *fg, u32 *bg)
{
	u32 a = screen_rgb(&f->s, c->fg, true), b = screen_rgb(&f->s, c->bg, false);
	bool reverse = !!(c->ch & CELL_REVERSE) != !!(c->ch & CELL_CURSOR);

	*fg = fbscreen_pixel(f, reverse ? b : a);
	*bg = fbscreen_pixel(f, reverse ? a : b);
}

/* Eight pixels from one byte of the font. */
static void put8_32(u8 *p, u8 bits, u32 fg, u32 bg)
{
	const u64 pair[4] = {(u64)bg << 32 | bg, (u64)fg << 32 | bg, (u64)bg << 32 | fg,
			     (u64)fg << 32 | fg};
	u64 *q = (u64 *)p;

	q[0] = pair[bits >> 6];
	q[1] = pair[bits >> 4 & 3];
	q[2] = pair[bits >> 2 & 3];
	q[3] = pair[bits & 3];
}

static void put_pixels(struct fbscreen *f, u8 *p, u8 bits, unsigned n, u32 fg, u32 bg)
{
	for (unsigned i = 0; i < n; i++, p += f->bytes) {
		u32 v = bits & (0x80 >> i) ? fg : bg;

		if (f->bytes == 4) {
			*(u32 *)p = v;
		} else if (f->bytes == 2) {
			*(u16 *)p = (u16)v;
		} else {
			p[0] = (u8)v;
			p[1] = (u8)(v >> 8);
			p[2] = (u8)(v >> 16);
		}
	}
}

static void draw_cell(struct fbscreen *f, u8 *p, const struct cell *c)
{
	const struct psf *font = f->font;
	u32 ch = c->ch & CELL_CHAR, fg, bg;
	const u8 *g;
	unsigned stride = DIV_ROUND_UP(font->width, 8);

	if (c->ch & CELL_WIDE_TAIL || !ch)
		ch = ' ';
	g = font->glyphs + (size_t)psf_glyph(font, ch) * font->bytes;
	cell_colors(f, c, &fg, &bg);
	for (unsigned y = 0; y < font->height; y++, p += f->pitch, g += stride) {
		bool line = ((c->ch & CELL_UNDERLINE) && y == font->height - 2) ||
			    ((c->ch & CELL_STRIKE) && y == font->height / 2);
		u8 *q = p;

		for (unsigned x = 0; x < font->width; x += 8, q += 8 * f->bytes) {
			unsigned n = min_t(unsigned, 8, font->width - x);
			u8 bits = line ? 0xff : g[x / 8];

			if (f->bytes == 4 && n == 8)
				put8_32(q, bits, fg, bg);
			else
				put_pixels(f, q, bits, n, fg, bg);
		}
	}
}

static void fb_draw(struct screen *s, unsigned row, unsigned col, const struct cell *c, unsigned n)
{
	struct fbscreen *f = container_of(s, struct fbscreen, s);
	u8 *p = f->mem + (size_t)row * f->font->height * f->pitch +
		(size_t)col * f->font->width * f->bytes;

	for (; n--; c++, p += f->font->width * f->bytes)
		draw_cell(f, p, c);
}

int fbscreen_init(struct fbscreen *f, const struct boot_framebuffer *fmt, void *mem,
		  const struct psf *font)
{
	f->fmt = *fmt;
	f->mem = mem;
	f->pitch = fmt->pitch;
	f->width = fmt->width;
	f->height = fmt->height;
	f->bytes = DIV_ROUND_UP(fmt->bpp, 8);
	f->font = font;
	if (f->bytes < 2 || f->bytes > 4 || f->width < font->width || f->height < font->height ||
	    f->pitch < (u64)f->width * f->bytes)
		return -EINVAL;
	f->s.name = "framebuffer";
	f->s.cols = f->width / font->width;
	f->s.rows = f->height / font->height;
	f->s.draw = fb_draw;
	return screen_init_common(&f->s);
}
