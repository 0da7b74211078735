/* Screens that show character cells: the framebuffer console or VGA text mode. Users (the virtual
 * terminals) hand in whole rows; only cells that differ from what is shown are drawn, and video memory
 * is never read. All calls under the user's lock (vt_lock); the panic path calls without it. */
#pragma once
#include <lib/types.h>

/* Colours: palette index 0..255, or 24-bit RGB with the flag, or the default foreground/background. */
#define COLOR_RGB     0x01000000u
#define COLOR_DEFAULT 0x02000000u

struct cell {
	u32 ch; /* Unicode code point and CELL_* flags; 0 and ' ' are blank */
	u32 fg, bg;
};
_Static_assert(sizeof(struct cell) == 12, "cell is packed");
#define CELL_CHAR      0x001fffffu
#define CELL_BOLD      0x00200000u
#define CELL_UNDERLINE 0x00400000u
#define CELL_REVERSE   0x00800000u
#define CELL_STRIKE    0x01000000u
#define CELL_BLINK     0x02000000u
#define CELL_WIDE_TAIL 0x04000000u /* second half of a wide character */
#define CELL_CURSOR    0x08000000u /* the cursor stands here */

struct screen {
	const char *name;
	unsigned rows, cols; /* [I] */
	u32 palette[256];    /* 0xRRGGBB of the shown terminal */
	struct cell *shown;  /* rows * cols: what is on the glass */
	/* Draw n cells of a row. */
	void (*draw)(struct screen *s, unsigned row, unsigned col, const struct cell *c,
		     unsigned n);
	/* Hardware cursor; NULL: drawn through CELL_CURSOR. row >= rows hides it. */
	void (*cursor)(struct screen *s, unsigned row, unsigned col);
	bool foreign; /* somebody else draws (KD_GRAPHICS): do nothing */
};

/* The machine's screen, or NULL: looked for at the first call. May sleep. */
struct screen *screen_get(void);
/* Bring row to what cells (s->cols of them) say. */
void screen_update_row(struct screen *s, unsigned row, const struct cell *cells);
/* Forget what is shown: everything is drawn again. */
void screen_invalidate(struct screen *s);
/* The colour as 0xRRGGBB. */
u32 screen_rgb(const struct screen *s, u32 color, bool fg);
extern const u32 screen_default_palette[16];
