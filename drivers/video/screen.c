/* What all screens share: the palette, the grid of what is shown, drawing only what changed. */
#include <alloc/vmalloc.h>
#include <lib/err.h>
#include <lib/string.h>
#include "video_priv.h"

/* The sixteen colours of the PC text mode in the order of ECMA-48 (red is 1). */
const u32 screen_default_palette[16] = {
	0x000000, 0xaa0000, 0x00aa00, 0xaa5500, 0x0000aa, 0xaa00aa, 0x00aaaa, 0xaaaaaa,
	0x555555, 0xff5555, 0x55ff55, 0xffff55, 0x5555ff, 0xff55ff, 0x55ffff, 0xffffff,
};

/* 16..231: a 6x6x6 cube; 232..255: greys. */
static u32 extended_color(unsigned i)
{
	static const u8 level[6] = {0, 95, 135, 175, 215, 255};
	u32 g;

	if (i < 232) {
		i -= 16;
		return (u32)level[i / 36] << 16 | (u32)level[i / 6 % 6] << 8 | level[i % 6];
	}
	g = 8 + 10 * (i - 232);
	return g << 16 | g << 8 | g;
}

int screen_init_common(struct screen *s)
{
	for (unsigned i = 0; i < 256; i++)
		s->palette[i] = i < 16 ? screen_default_palette[i] : extended_color(i);
	s->shown = kvmalloc(sizeof(struct cell) * s->rows * s->cols, GFP_KERNEL);
	if (!s->shown)
		return -ENOMEM;
	screen_invalidate(s);
	return 0;
}

u32 screen_rgb(const struct screen *s, u32 color, bool fg)
{
	if (color & COLOR_RGB)
		return color & 0xffffff;
	if (color & COLOR_DEFAULT)
		return s->palette[fg ? 7 : 0];
	return s->palette[color & 255];
}

void screen_invalidate(struct screen *s)
{
	memset(s->shown, 0xff, sizeof(struct cell) * s->rows * s->cols);
}

static bool same(const struct cell *a, const struct cell *b)
{
	return a->ch == b->ch && a->fg == b->fg && a->bg == b->bg;
}

void screen_update_row(struct screen *s, unsigned row, const struct cell *cells)
{
	struct cell *shown = s->shown + (size_t)row * s->cols;

	if (s->foreign)
		return;
	for (unsigned c = 0; c < s->cols;) {
		unsigned n = 0;

		if (same(&cells[c], &shown[c])) {
			c++;
			continue;
		}
		while (c + n < s->cols && !same(&cells[c + n], &shown[c + n])) {
			shown[c + n] = cells[c + n];
			n++;
		}
		s->draw(s, row, c, cells + c, n);
		c += n;
	}
}

struct screen *screen_get(void)
{
	static struct screen *found;
	static bool looked;

	if (!looked) {
		looked = true;
		found = fbcon_probe();
		if (!found)
			found = vgatext_probe();
	}
	return found;
}
