/* Bringing the terminal in front to the screen: dirty rows, the view into the scrollback, the cursor;
 * and the panic path, which draws without locks.
 *
 * Output marks rows; drawing happens at once when the last time is a frame ago, else by a timer and a
 * work item at the end of the frame, so that a flood of text costs one drawing per frame.
 * Locks: vt_lock, but for vt_panic_write, which owns the machine. */
#include <alloc/vmalloc.h>
#include <alloc/slab.h>
#include <lib/string.h>
#include <log/panic.h>
#include <sched/workqueue.h>
#include "vt_priv.h"

#define FRAME_NS (15 * NSEC_PER_MSEC)

static struct cell *line; /* [L] one row being composed */
static ktime_t last_draw; /* [L] */
static struct delayed_work draw_work;
static bool draw_waiting;   /* [L] draw_work is on its way */
static struct vt *shown_vt; /* [L] whose palette the screen has */

void vt_mark_row(struct vt *v, unsigned row)
{
	if (row < v->rows)
		bit_set(v->dirty, row);
}

void vt_mark_all(struct vt *v)
{
	bitmap_fill(v->dirty, v->rows);
}

/* The line that stands at row of the view: cells of the grid or of the scrollback. */
static void compose(struct vt *v, unsigned row)
{
	unsigned back = v->view, cols = v->cols;

	if (row >= back) {
		memcpy(line, v->row[row - back], cols * sizeof(*line));
	} else {
		u32 i = (v->sb_head + 2 * SCROLLBACK - back + row) % SCROLLBACK;
		const struct sb_line *l = v->sb ? v->sb[i] : NULL;
		u32 n = l ? min_t(u32, l->n, cols) : 0;

		if (n)
			memcpy(line, l->c, n * sizeof(*line));
		for (; n < cols; n++)
			line[n] = (struct cell){' ', COLOR_DEFAULT, COLOR_DEFAULT};
	}
	if (v->reverse)
		for (unsigned i = 0; i < cols; i++)
			line[i].ch ^= CELL_REVERSE;
}

static void draw_cursor(struct vt *v, bool visible)
{
	if (vt_screen->cursor)
		vt_screen->cursor(vt_screen, visible ? v->cur_row + v->view : vt_screen->rows,
				  v->cur_col);
}

static void render(struct vt *v)
{
	bool visible = v->cur_visible && v->cur_row + v->view < v->rows;

	if (shown_vt != v || memcmp(vt_screen->palette, v->palette, sizeof(v->palette))) {
		memcpy(vt_screen->palette, v->palette, sizeof(v->palette));
		screen_invalidate(vt_screen);
		vt_mark_all(v);
		shown_vt = v;
	}
	if (v->view)
		vt_mark_all(v);
	for (size_t r = bitmap_find_set(v->dirty, v->rows, 0); r < v->rows;
	     r = bitmap_find_set(v->dirty, v->rows, r + 1)) {
		compose(v, (unsigned)r);
		if (visible && !vt_screen->cursor && r == v->cur_row + v->view)
			line[v->cur_col].ch |= CELL_CURSOR;
		screen_update_row(vt_screen, (unsigned)r, line);
	}
	bitmap_zero(v->dirty, v->rows);
	draw_cursor(v, visible);
}

void vt_render_now(void)
{
	struct vt *v = vt_fg;

	if (!vt_screen || !v || !v->rows || vt_screen->foreign || !line)
		return;
	render(v);
	last_draw = ktime_get();
}

void vt_render_soon(void)
{
	ktime_t now = ktime_get();

	if (!vt_screen || draw_waiting)
		return;
	if (now - last_draw >= FRAME_NS) {
		vt_render_now();
		return;
	}
	draw_waiting = delayed_work_queue(&draw_work, FRAME_NS - (now - last_draw));
}

static void draw_work_fn(struct work *w)
{
	mutex_lock(&vt_lock);
	draw_waiting = false;
	vt_render_now();
	mutex_unlock(&vt_lock);
}

void vt_scroll_view(int lines)
{
	struct vt *v = vt_fg;
	s64 want = (s64)v->view + lines;

	v->view = (u32)clamp_t(s64, want, 0, v->sb_len);
	vt_mark_all(v);
	vt_render_now();
}

void vt_draw_init(void)
{
	delayed_work_init(&draw_work, draw_work_fn);
	if (vt_screen)
		line = kvmalloc(vt_screen->cols * sizeof(*line), GFP_KERNEL);
}

/* --- panic ----------------------------------------------------------------------------------- */

static unsigned panic_row, panic_col;
static bool panic_begun;

static void panic_newline(struct vt *v)
{
	struct cell *top = v->row[0];

	panic_col = 0;
	if (panic_row + 1 < v->rows) {
		panic_row++;
		return;
	}
	memmove(v->row, v->row + 1, (v->rows - 1) * sizeof(*v->row));
	v->row[v->rows - 1] = top;
	for (unsigned i = 0; i < v->cols; i++)
		top[i] = (struct cell){' ', COLOR_DEFAULT, COLOR_DEFAULT};
	vt_mark_all(v);
}

/* The log goes straight into the grid of the terminal in front, below what stands there. The library
 * is not entered: it may be what failed. */
void vt_panic_write(const char *s, size_t n)
{
	struct vt *v = vt_fg;

	if (!vt_screen || !v || !v->rows || !line)
		return;
	if (!panic_begun) {
		panic_begun = true;
		vt_screen->foreign = false;
		v->view = 0;
		panic_row = min_t(unsigned, v->cur_row, v->rows - 1);
		panic_col = 0;
		if (v->cur_col)
			panic_newline(v);
		v->cur_visible = false;
		vt_mark_all(v);
	}
	for (; n--; s++) {
		if (*s == '\n') {
			panic_newline(v);
			continue;
		}
		if (panic_col == v->cols)
			panic_newline(v);
		if ((u8)*s >= ' ')
			v->row[panic_row][panic_col++] =
				(struct cell){(u8)*s, COLOR_DEFAULT, COLOR_DEFAULT};
		vt_mark_row(v, panic_row);
	}
	render(v);
}
