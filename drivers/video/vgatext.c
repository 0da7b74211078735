/* VGA text mode: the screen of a PC that was booted without a framebuffer (80x25 cells at 0xb8000).
 *
 * Source: IBM VGA Technical Reference (attribute byte, CRT controller cursor registers, graphics
 * controller register 6); the character generator holds code page 437. Colours are the nearest of
 * sixteen; the attribute controller's blink bit is turned off so that backgrounds can be bright. */
#define LOG_PREFIX "vga: "
#include <alloc/slab.h>
#include <alloc/vmalloc.h>
#include <arch/io.h>
#include <lib/err.h>
#include <log/printk.h>
#include "video_priv.h"

#define CRTC_INDEX   0x3d4
#define CRTC_DATA    0x3d5
#define GFX_INDEX    0x3ce
#define GFX_DATA     0x3cf
#define MISC_READ    0x3cc
#define STATUS_COLOR 0x3da
#define ATTR_INDEX   0x3c0
#define ATTR_READ    0x3c1

struct vgatext {
	struct screen s;
	volatile u16 *mem;
};

static const struct {
	u16 ch;
	u8 code;
} cp437[] = {
	{0x00a0, 255}, {0x00a1, 173}, {0x00a2, 155}, {0x00a3, 156}, {0x00a5, 157}, {0x00a7, 21},
	{0x00aa, 166}, {0x00ab, 174}, {0x00ac, 170}, {0x00b0, 248}, {0x00b1, 241}, {0x00b2, 253},
	{0x00b5, 230}, {0x00b6, 20},  {0x00b7, 250}, {0x00ba, 167}, {0x00bb, 175}, {0x00bc, 172},
	{0x00bd, 171}, {0x00bf, 168}, {0x00c4, 142}, {0x00c5, 143}, {0x00c6, 146}, {0x00c7, 128},
	{0x00c9, 144}, {0x00d1, 165}, {0x00d6, 153}, {0x00dc, 154}, {0x00df, 225}, {0x00e0, 133},
	{0x00e1, 160}, {0x00e2, 131}, {0x00e4, 132}, {0x00e5, 134}, {0x00e6, 145}, {0x00e7, 135},
	{0x00e8, 138}, {0x00e9, 130}, {0x00ea, 136}, {0x00eb, 137}, {0x00ec, 141}, {0x00ed, 161},
	{0x00ee, 140}, {0x00ef, 139}, {0x00f1, 164}, {0x00f2, 149}, {0x00f3, 162}, {0x00f4, 147},
	{0x00f6, 148}, {0x00f7, 246}, {0x00f9, 151}, {0x00fa, 163}, {0x00fb, 150}, {0x00fc, 129},
	{0x00ff, 152}, {0x0192, 159}, {0x0393, 226}, {0x0398, 233}, {0x03a3, 228}, {0x03a6, 232},
	{0x03a9, 234}, {0x03b1, 224}, {0x03b4, 235}, {0x03b5, 238}, {0x03c0, 227}, {0x03c3, 229},
	{0x03c4, 231}, {0x03c6, 237}, {0x2022, 7},   {0x203c, 19},  {0x207f, 252}, {0x20a7, 158},
	{0x2190, 27},  {0x2191, 24},  {0x2192, 26},  {0x2193, 25},  {0x2194, 29},  {0x2195, 18},
	{0x21a8, 23},  {0x2219, 249}, {0x221a, 251}, {0x221e, 236}, {0x221f, 28},  {0x2229, 239},
	{0x2248, 247}, {0x2261, 240}, {0x2264, 243}, {0x2265, 242}, {0x2302, 127}, {0x2310, 169},
	{0x2320, 244}, {0x2321, 245}, {0x2500, 196}, {0x2502, 179}, {0x250c, 218}, {0x2510, 191},
	{0x2514, 192}, {0x2518, 217}, {0x251c, 195}, {0x2524, 180}, {0x252c, 194}, {0x2534, 193},
	{0x253c, 197}, {0x2550, 205}, {0x2551, 186}, {0x2552, 213}, {0x2553, 214}, {0x2554, 201},
	{0x2555, 184}, {0x2556, 183}, {0x2557, 187}, {0x2558, 212}, {0x2559, 211}, {0x255a, 200},
	{0x255b, 190}, {0x255c, 189}, {0x255d, 188}, {0x255e, 198}, {0x255f, 199}, {0x2560, 204},
	{0x2561, 181}, {0x2562, 182}, {0x2563, 185}, {0x2564, 209}, {0x2565, 210}, {0x2566, 203},
	{0x2567, 207}, {0x2568, 208}, {0x2569, 202}, {0x256a, 216}, {0x256b, 215}, {0x256c, 206},
	{0x2580, 223}, {0x2584, 220}, {0x2588, 219}, {0x258c, 221}, {0x2590, 222}, {0x2591, 176},
	{0x2592, 177}, {0x2593, 178}, {0x25a0, 254}, {0x25ac, 22},  {0x25b2, 30},  {0x25ba, 16},
	{0x25bc, 31},  {0x25c4, 17},  {0x25cb, 9},   {0x25d8, 8},   {0x25d9, 10},  {0x263a, 1},
	{0x263b, 2},   {0x263c, 15},  {0x2640, 12},  {0x2642, 11},  {0x2660, 6},   {0x2663, 5},
	{0x2665, 3},   {0x2666, 4},   {0x266a, 13},  {0x266b, 14},
};

u8 vgatext_cp437(u32 ch)
{
	u32 lo = 0, hi = ARRAY_SIZE(cp437);

	if (ch >= 32 && ch < 127)
		return (u8)ch;
	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (cp437[mid].ch == ch)
			return cp437[mid].code;
		if (cp437[mid].ch < ch)
			lo = mid + 1;
		else
			hi = mid;
	}
	return '?';
}

static u8 crtc_read(u8 i)
{
	outb(CRTC_INDEX, i);
	return inb(CRTC_DATA);
}

static void crtc_write(u8 i, u8 v)
{
	outb(CRTC_INDEX, i);
	outb(CRTC_DATA, v);
}

/* ECMA-48's order has red and blue the other way round than the hardware. */
static u8 hw_color(unsigned i)
{
	return (u8)((i & 10) | (i & 1) << 2 | (i >> 2 & 1));
}

static u8 nearest(const struct screen *s, u32 color, bool fg)
{
	u32 rgb, best_d = -1u;
	unsigned best = 0;

	if (color & COLOR_DEFAULT)
		return fg ? 7 : 0;
	if (!(color & COLOR_RGB) && color < 16)
		return hw_color(color);
	rgb = screen_rgb(s, color, fg);
	for (unsigned i = 0; i < 16; i++) {
		s32 r = (s32)(rgb >> 16 & 255) - (s32)(screen_default_palette[i] >> 16 & 255);
		s32 g = (s32)(rgb >> 8 & 255) - (s32)(screen_default_palette[i] >> 8 & 255);
		s32 b = (s32)(rgb & 255) - (s32)(screen_default_palette[i] & 255);
		u32 d = (u32)(r * r + g * g + b * b);

		if (d < best_d) {
			best_d = d;
			best = i;
		}
	}
	return hw_color(best);
}

static void vga_draw(struct screen *s, unsigned row, unsigned col, const struct cell *c, unsigned n)
{
	struct vgatext *v = container_of(s, struct vgatext, s);
	volatile u16 *p = v->mem + row * s->cols + col;

	for (; n--; c++, p++) {
		u32 ch = c->ch & CELL_CHAR;
		u8 fg = nearest(s, c->fg, true), bg = nearest(s, c->bg, false);
		u8 attr = (u8)(c->ch & CELL_REVERSE ? fg << 4 | bg : bg << 4 | fg);

		if (!ch || (c->ch & CELL_WIDE_TAIL))
			ch = ' ';
		*p = (u16)(attr << 8 | vgatext_cp437(ch));
	}
}

static void vga_cursor(struct screen *s, unsigned row, unsigned col)
{
	unsigned pos = row * s->cols + col;

	if (row >= s->rows) {
		crtc_write(0x0a, 0x20);
		return;
	}
	crtc_write(0x0a, 0x0d);
	crtc_write(0x0b, 0x0e);
	crtc_write(0x0e, (u8)(pos >> 8));
	crtc_write(0x0f, (u8)pos);
}

/* A colour VGA that answers, in alphanumeric mode, with its memory at 0xb8000. */
static bool present(void)
{
	u8 misc = inb(MISC_READ), old, gfx;

	if (misc == 0xff || !(misc & 1))
		return false;
	old = crtc_read(0x0f);
	crtc_write(0x0f, old ^ 0x55);
	if (crtc_read(0x0f) != (old ^ 0x55))
		return false;
	crtc_write(0x0f, old);
	outb(GFX_INDEX, 6);
	gfx = inb(GFX_DATA);
	return !(gfx & 1) && (gfx >> 2 & 3) == 3;
}

static void blink_off(void)
{
	u8 mode;

	(void)inb(STATUS_COLOR);
	outb(ATTR_INDEX, 0x30); /* register 0x10, video stays on */
	mode = inb(ATTR_READ);
	(void)inb(STATUS_COLOR);
	outb(ATTR_INDEX, 0x30);
	outb(ATTR_INDEX, mode & ~8);
}

struct screen *vgatext_probe(void)
{
	struct vgatext *v;

	if (bootinfo.fb.type == BOOT_FB_RGB || !present())
		return NULL;
	v = kzalloc(sizeof(*v), GFP_KERNEL);
	if (!v)
		return NULL;
	v->s.name = "vga";
	v->s.cols = crtc_read(0x01) + 1u;
	v->s.rows = 25;
	if (bootinfo.fb.type == BOOT_FB_TEXT && bootinfo.fb.height >= 25 &&
	    bootinfo.fb.height <= 60)
		v->s.rows = bootinfo.fb.height;
	v->s.draw = vga_draw;
	v->s.cursor = vga_cursor;
	v->mem = ioremap(pa(0xb8000), 0x8000, PTE_CACHE_UC);
	if (!v->mem || v->s.cols < 40 || v->s.cols > 132 || screen_init_common(&v->s)) {
		kfree(v);
		return NULL;
	}
	crtc_write(0x0c, 0); /* shown from the start of the memory */
	crtc_write(0x0d, 0);
	blink_off();
	pr_info("text mode, %ux%u\n", v->s.cols, v->s.rows);
	return &v->s;
}
