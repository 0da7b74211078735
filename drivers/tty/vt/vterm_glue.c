/* The terminal emulation of a virtual terminal: libvterm's state layer drives our cell grid.
 *
 * Sources: libvterm 0.1.4 (third_party/, unchanged), console_codes(4) for what TERM=linux adds.
 * libvterm knows no errors: when memory is short or one terminal holds more than its share, the
 * allocator leaves the library by term_abort(), everything it had is freed and the terminal starts anew.
 * Its text function keeps an array as long as its input on the stack: SLICE bounds that.
 * Locks: vt_lock for all. Nothing here is held across a library call, so leaving it is safe. */
#include <alloc/vmalloc.h>
#include <alloc/slab.h>
#include <lib/err.h>
#include <lib/list.h>
#include <lib/string.h>
#include <lib/utf8.h>
#include <log/printk.h>
#include "vt_priv.h"
#include "vterm_internal.h"

#define SLICE	  128u
#define MEM_LIMIT (256 * KiB)

struct block {
	struct list list;
	size_t size;
	u8 data[] __aligned(16);
};

struct vt_term {
	VTerm *vt;
	VTermState *state;
	struct list blocks; /* what libvterm allocated */
	size_t used;
	struct cell pen; /* blank with the present colours; ch: attributes */
	enum { PS_TEXT, PS_ESC, PS_OSC, PS_PALETTE, PS_CSI, PS_CSI3, PS_FKEY } pre; /* prescan */
	u8 palette_digits[7];
	unsigned nr_digits;
	struct utf8_cleaner utf8;
	void *escape[5]; /* __builtin_setjmp buffer while inside the library */
	bool inside;
};

static struct vt_term *active; /* [L] whose code runs: for term_abort */

/* --- what the library calls ------------------------------------------------------------------ */

__noreturn void term_abort(void)
{
	active->inside = false;
	__builtin_longjmp(active->escape, 1);
}

static void *term_malloc(size_t n, void *arg)
{
	struct vt_term *t = arg;
	struct block *b = NULL;

	if (n <= MEM_LIMIT && t->used + n <= MEM_LIMIT)
		b = kvmalloc(sizeof(*b) + n, GFP_KERNEL | GFP_ZERO);
	if (!b)
		term_abort();
	b->size = n;
	t->used += n;
	list_add(&b->list, &t->blocks);
	return b->data;
}

static void term_free(void *p, void *arg)
{
	struct vt_term *t = arg;
	struct block *b;

	if (!p)
		return;
	b = container_of(p, struct block, data[0]);
	t->used -= b->size;
	list_del(&b->list);
	kvfree(b);
}

static VTermAllocatorFunctions allocator = {.malloc = term_malloc, .free = term_free};

/* Answers of the terminal (cursor position, identity) are typed into it. */
static void term_output(const char *s, size_t n, void *arg)
{
	struct vt *v = arg;

	if (v->tty)
		(void)tty_receive(v->tty, (const u8 *)s, n, TTY_NORMAL);
}

/* --- the grid -------------------------------------------------------------------------------- */

static void fill(struct vt *v, unsigned row, unsigned from, unsigned to)
{
	struct cell blank = v->term->pen, *c = v->row[row];

	blank.ch = ' ';
	for (unsigned i = from; i < to; i++)
		c[i] = blank;
	vt_mark_row(v, row);
}

static int cb_putglyph(VTermGlyphInfo *g, VTermPos pos, void *arg)
{
	struct vt *v = arg;
	struct cell *c = v->row[pos.row] + pos.col;
	const struct cell *pen = &v->term->pen;

	c->ch = (g->chars[0] & CELL_CHAR) | (pen->ch & ~CELL_CHAR);
	c->fg = pen->fg;
	c->bg = pen->bg;
	for (int i = 1; i < g->width && (unsigned)(pos.col + i) < v->cols; i++) {
		c[i] = *c;
		c[i].ch = CELL_WIDE_TAIL | (pen->ch & ~CELL_CHAR);
	}
	vt_mark_row(v, (unsigned)pos.row);
	return 1;
}

static int cb_movecursor(VTermPos pos, VTermPos old, int visible, void *arg)
{
	struct vt *v = arg;

	vt_mark_row(v, v->cur_row);
	v->cur_row = (unsigned)pos.row;
	v->cur_col = (unsigned)pos.col;
	vt_mark_row(v, v->cur_row);
	return 1;
}

void vt_clear_scrollback(struct vt *v)
{
	for (u32 i = 0; v->sb && i < SCROLLBACK; i++)
		kfree(v->sb[i]);
	kvfree(v->sb);
	v->sb = NULL;
	v->sb_head = v->sb_len = v->view = 0;
}

/* Keep a line that leaves at the top. Without memory it is simply gone. */
static void push_scrollback(struct vt *v, const struct cell *c)
{
	u32 n = v->cols;
	struct sb_line *l;

	while (n && (c[n - 1].ch == ' ' || !c[n - 1].ch) && (c[n - 1].bg & COLOR_DEFAULT))
		n--;
	if (!v->sb)
		v->sb = kvmalloc(SCROLLBACK * sizeof(*v->sb), GFP_KERNEL | GFP_ZERO);
	l = v->sb ? kmalloc(sizeof(*l) + n * sizeof(*c), GFP_KERNEL | GFP_NOWARN) : NULL;
	if (!l)
		return;
	l->n = n;
	memcpy(l->c, c, n * sizeof(*c));
	kfree(v->sb[v->sb_head]);
	v->sb[v->sb_head] = l;
	v->sb_head = (v->sb_head + 1) % SCROLLBACK;
	if (v->sb_len < SCROLLBACK)
		v->sb_len++;
	if (v->view && v->view < v->sb_len)
		v->view++; /* what is looked at stays in view */
}

static void reverse_rows(struct cell **r, unsigned a, unsigned b)
{
	while (a + 1 < b) {
		struct cell *x = r[a];

		r[a++] = r[--b];
		r[b] = x;
	}
}

/* Whole rows move by exchanging their pointers. down > 0: the text goes up. */
static void scroll_rows(struct vt *v, unsigned top, unsigned bottom, int down)
{
	unsigned n = (unsigned)(down > 0 ? down : -down), cut;

	if (down > 0 && top == 0 && !v->alt)
		for (unsigned i = 0; i < n; i++)
			push_scrollback(v, v->row[i]);
	cut = down > 0 ? top + n : bottom - n;
	reverse_rows(v->row, top, cut);
	reverse_rows(v->row, cut, bottom);
	reverse_rows(v->row, top, bottom);
	for (unsigned i = 0; i < n; i++)
		fill(v, down > 0 ? bottom - 1 - i : top + i, 0, v->cols);
	for (unsigned i = top; i < bottom; i++)
		vt_mark_row(v, i);
}

static void move_in_row(struct vt *v, unsigned row, const VTermRect *r, int right)
{
	struct cell *c = v->row[row];
	unsigned a = (unsigned)r->start_col, b = (unsigned)r->end_col;
	unsigned n = (unsigned)(right > 0 ? right : -right);

	if (right > 0) {
		memmove(c + a, c + a + n, (b - a - n) * sizeof(*c));
		fill(v, row, b - n, b);
	} else {
		memmove(c + a + n, c + a, (b - a - n) * sizeof(*c));
		fill(v, row, a, a + n);
	}
}

static int cb_scrollrect(VTermRect r, int down, int right, void *arg)
{
	struct vt *v = arg;

	if (down && right)
		return 0;
	if (right) {
		for (int y = r.start_row; y < r.end_row; y++)
			move_in_row(v, (unsigned)y, &r, right);
		return 1;
	}
	if (r.start_col || (unsigned)r.end_col != v->cols)
		return 0;
	scroll_rows(v, (unsigned)r.start_row, (unsigned)r.end_row, down);
	return 1;
}

static int cb_moverect(VTermRect dest, VTermRect src, void *arg)
{
	struct vt *v = arg;
	int rows = src.end_row - src.start_row;
	size_t n = (size_t)(src.end_col - src.start_col) * sizeof(struct cell);
	bool up = dest.start_row <= src.start_row;

	for (int i = 0; i < rows; i++) {
		int k = up ? i : rows - 1 - i;

		memmove(v->row[dest.start_row + k] + dest.start_col,
			v->row[src.start_row + k] + src.start_col, n);
		vt_mark_row(v, (unsigned)(dest.start_row + k));
	}
	return 1;
}

static int cb_erase(VTermRect r, int selective, void *arg)
{
	for (int y = r.start_row; y < r.end_row; y++)
		fill(arg, (unsigned)y, (unsigned)r.start_col, (unsigned)r.end_col);
	return 1;
}

/* --- attributes ------------------------------------------------------------------------------ */

static int cb_initpen(void *arg)
{
	struct vt *v = arg;

	v->term->pen = (struct cell){.fg = COLOR_DEFAULT, .bg = COLOR_DEFAULT};
	return 1;
}

static u32 color_of(const VTermColor *c)
{
	if (c->type & VTERM_COLOR_DEFAULT_MASK)
		return COLOR_DEFAULT;
	if (VTERM_COLOR_IS_INDEXED(c))
		return c->indexed.idx;
	return COLOR_RGB | (u32)c->rgb.red << 16 | (u32)c->rgb.green << 8 | c->rgb.blue;
}

/* Bold is bright on a console: of the eight colours and of the default one. */
static u32 brighten(u32 fg, bool bold)
{
	if (!bold)
		return fg;
	if (fg & COLOR_DEFAULT)
		return 15;
	return fg < 8 ? fg + 8 : fg;
}

static int cb_setpenattr(VTermAttr attr, VTermValue *val, void *arg)
{
	struct vt *v = arg;
	struct vt_term *t = v->term;
	u32 bit = 0;

	switch (attr) {
	case VTERM_ATTR_BOLD:
		bit = CELL_BOLD;
		break;
	case VTERM_ATTR_UNDERLINE:
		bit = CELL_UNDERLINE;
		break;
	case VTERM_ATTR_BLINK:
		bit = CELL_BLINK;
		break;
	case VTERM_ATTR_REVERSE:
		bit = CELL_REVERSE;
		break;
	case VTERM_ATTR_STRIKE:
		bit = CELL_STRIKE;
		break;
	case VTERM_ATTR_BACKGROUND:
		t->pen.bg = color_of(&val->color);
		break;
	default:
		break;
	}
	if (bit)
		t->pen.ch = val->number ? t->pen.ch | bit : t->pen.ch & ~bit;
	if (attr == VTERM_ATTR_FOREGROUND || attr == VTERM_ATTR_BOLD) {
		VTermColor fg = attr == VTERM_ATTR_FOREGROUND ? val->color : t->state->pen.fg;

		t->pen.fg = brighten(color_of(&fg), t->pen.ch & CELL_BOLD);
	}
	return 1;
}

/* The alternate screen is made when first asked for; without memory there is none. */
static bool make_alt(struct vt *v)
{
	size_t n = (size_t)v->rows * v->cols;

	if (v->cells[1])
		return true;
	v->cells[1] = kvmalloc(n * sizeof(struct cell), GFP_KERNEL | GFP_ZERO);
	v->row_alt = kmalloc(v->rows * sizeof(*v->row_alt), GFP_KERNEL);
	if (!v->cells[1] || !v->row_alt) {
		kvfree(v->cells[1]);
		kfree(v->row_alt);
		v->cells[1] = NULL;
		v->row_alt = NULL;
		return false;
	}
	for (unsigned i = 0; i < v->rows; i++)
		v->row_alt[i] = v->cells[1] + (size_t)i * v->cols;
	return true;
}

static int set_altscreen(struct vt *v, bool on)
{
	struct cell **r;

	if (on == v->alt)
		return 1;
	if (on && !make_alt(v))
		return 0;
	r = v->row;
	v->row = v->row_alt;
	v->row_alt = r;
	v->alt = on;
	vt_mark_all(v);
	return 1;
}

static int cb_settermprop(VTermProp prop, VTermValue *val, void *arg)
{
	struct vt *v = arg;

	switch (prop) {
	case VTERM_PROP_CURSORVISIBLE:
		v->cur_visible = val->boolean;
		vt_mark_row(v, v->cur_row);
		return 1;
	case VTERM_PROP_ALTSCREEN:
		return set_altscreen(v, val->boolean);
	case VTERM_PROP_REVERSE:
		v->reverse = val->boolean;
		vt_mark_all(v);
		return 1;
	case VTERM_PROP_MOUSE:
		return 0;
	default:
		return 1;
	}
}

static int cb_bell(void *arg)
{
	return 1;
}

static const VTermStateCallbacks callbacks = {
	.putglyph = cb_putglyph,
	.movecursor = cb_movecursor,
	.scrollrect = cb_scrollrect,
	.moverect = cb_moverect,
	.erase = cb_erase,
	.initpen = cb_initpen,
	.setpenattr = cb_setpenattr,
	.settermprop = cb_settermprop,
	.bell = cb_bell,
};

/* --- into the library and out again ---------------------------------------------------------- */

static void free_blocks(struct vt_term *t)
{
	struct block *b, *n;

	list_for_each_entry_safe (b, n, &t->blocks, list)
		kvfree(b);
	list_init(&t->blocks);
	t->used = 0;
	t->vt = NULL;
	t->state = NULL;
}

static void start_library(struct vt *v)
{
	struct vt_term *t = v->term;

	t->vt = vterm_new_with_allocator((int)v->rows, (int)v->cols, &allocator, t);
	vterm_set_utf8(t->vt, 1);
	vterm_output_set_callback(t->vt, term_output, v);
	t->state = vterm_obtain_state(t->vt);
	vterm_state_set_callbacks(t->state, &callbacks, v);
	vterm_state_reset(t->state, 1);
}

/* The library sizes an array by the bytes of a text and writes one character more when the text begins in
 * the middle of a broken sequence: it gets well-formed UTF-8 in whole characters only. */
static void feed(struct vt *v, const u8 *p, size_t n)
{
	u8 clean[SLICE + UTF8_CLEAN_MAX];
	size_t have = 0;

	for (size_t i = 0; i < n; i++) {
		have += utf8_clean(&v->term->utf8, p[i], clean + have);
		if (have >= SLICE || i + 1 == n) {
			vterm_input_write(v->term->vt, (const char *)clean, have);
			have = 0;
		}
	}
}

/* Run start (p NULL) or feed inside the library; false when it was left by term_abort. The library's
 * state is then gone. */
static __noinline bool enter(struct vt *v, const u8 *p, size_t n)
{
	struct vt_term *t = v->term;

	active = t;
	if (__builtin_setjmp(t->escape)) {
		free_blocks(active);
		return false;
	}
	t->inside = true;
	if (p)
		feed(v, p, n);
	else
		start_library(v);
	t->inside = false;
	return true;
}

int vt_term_create(struct vt *v)
{
	struct vt_term *t = kzalloc(sizeof(*t), GFP_KERNEL);

	if (!t)
		return -ENOMEM;
	list_init(&t->blocks);
	v->term = t;
	if (enter(v, NULL, 0))
		return 0;
	kfree(t);
	v->term = NULL;
	return -ENOMEM;
}

void vt_term_destroy(struct vt *v)
{
	if (!v->term)
		return;
	free_blocks(v->term);
	kfree(v->term);
	v->term = NULL;
}

static void term_feed(struct vt *v, const u8 *p, size_t n)
{
	struct vt_term *t = v->term;

	if (!n || (!t->vt && !enter(v, NULL, 0)))
		return;
	if (!enter(v, p, n))
		pr_once(LOG_WARNING, "vt: a terminal had to be reset\n");
	if (t->state) {
		v->kbd.cursor_app = t->state->mode.cursor;
		v->kbd.keypad_app = t->state->mode.keypad;
	}
}

/* --- the console's own sequences ------------------------------------------------------------- */

static void set_palette(struct vt *v, const u8 *d)
{
	u32 x[7];

	for (unsigned i = 0; i < 7; i++) {
		u8 c = d[i];

		x[i] = c >= '0' && c <= '9'		    ? c - '0'
		       : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 87
							    : 16;
		if (x[i] > 15)
			return;
	}
	v->palette[x[0]] = x[1] << 20 | x[2] << 16 | x[3] << 12 | x[4] << 8 | x[5] << 4 | x[6];
	vt_mark_all(v);
}

static void reset_palette(struct vt *v)
{
	memcpy(v->palette, screen_default_palette, sizeof(v->palette));
	vt_mark_all(v);
}

/* Watch for what libvterm would not understand or would wait for the end of: ESC ] R and ESC ] P (no
 * terminator), CSI s and CSI u (cursor, not margins), CSI 3 J (scrollback), CSI [ x
 * (a function key). True: byte c is swallowed,
 * and *emit, if set, goes to the library in place of what was held back. */
static bool prescan(struct vt *v, u8 c, const char **emit)
{
	struct vt_term *t = v->term;

	switch (t->pre) {
	case PS_TEXT:
		if (c != 27)
			return false;
		t->pre = PS_ESC;
		return true;
	case PS_ESC:
		if (c == ']' || c == '[') {
			t->pre = c == ']' ? PS_OSC : PS_CSI;
			return true;
		}
		*emit = "\033";
		break;
	case PS_OSC:
		if (c == 'R') {
			reset_palette(v);
			t->pre = PS_TEXT;
			return true;
		}
		if (c == 'P') {
			t->pre = PS_PALETTE;
			t->nr_digits = 0;
			return true;
		}
		*emit = "\033]";
		break;
	case PS_PALETTE:
		if (c >= ' ') {
			t->palette_digits[t->nr_digits++] = c;
			if (t->nr_digits < 7)
				return true;
			set_palette(v, t->palette_digits);
			t->pre = PS_TEXT;
			return true;
		}
		break;
	case PS_CSI:
		if (c == 's' || c == 'u') {
			*emit = c == 's' ? "\0337" : "\0338";
			t->pre = PS_TEXT;
			return true;
		}
		if (c == '3' || c == '[') {
			t->pre = c == '3' ? PS_CSI3 : PS_FKEY;
			return true;
		}
		*emit = "\033[";
		break;
	case PS_CSI3:
		if (c == 'J') {
			vt_clear_scrollback(v);
			vt_mark_all(v);
			t->pre = PS_TEXT;
			return true;
		}
		*emit = "\033[3";
		break;
	case PS_FKEY: /* the echo of a function key: shown by nothing */
		t->pre = PS_TEXT;
		return true;
	}
	t->pre = PS_TEXT;
	if (c == 27) {
		t->pre = PS_ESC;
		return true;
	}
	return false;
}

void vt_term_write(struct vt *v, const u8 *p, size_t n)
{
	size_t from = 0;

	if (!v->term)
		return;
	for (size_t i = 0; i < n; i++) {
		const char *emit = NULL;
		bool swallowed;

		if (v->term->pre == PS_TEXT && p[i] != 27)
			continue;
		if (v->term->pre == PS_TEXT) {
			term_feed(v, p + from, i - from);
			from = i;
		}
		swallowed = prescan(v, p[i], &emit);
		if (emit)
			term_feed(v, (const u8 *)emit, strlen(emit));
		from = swallowed ? i + 1 : i;
	}
	term_feed(v, p + from, n - from);
}
