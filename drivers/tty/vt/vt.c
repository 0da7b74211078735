/* Virtual terminals: tty1..tty63 on one screen, the tty driver behind them, and the log on the screen.
 *
 * A VT is made when its device is first opened, or when it is switched to. Without a screen they exist
 * all the same, 80x25, and show nothing. The log's text is queued and written by a work item, because
 * printk comes in any context; during a panic it is drawn at once.
 * Sources: console_codes(4), ioctl_console(2), vcs(4). Locks: vt_lock; ring_lock (irqsave, innermost). */
#define LOG_PREFIX "vt: "
#include <alloc/slab.h>
#include <alloc/vmalloc.h>
#include <fs/dev.h>
#include <init/bootinfo.h>
#include <init/initcall.h>
#include <lib/err.h>
#include <lib/string.h>
#include <log/panic.h>
#include <log/printk.h>
#include "vt_priv.h"

DEFINE_MUTEX(vt_lock);
struct screen *vt_screen;
struct vt *vt_fg;
static struct vt *vts[MAX_NR_CONSOLES + 1]; /* [L] by number; the number range is the ABI's */

struct vt *vt_find(unsigned nr)
{
	return nr <= MAX_NR_CONSOLES ? READ_ONCE(vts[nr]) : NULL;
}

unsigned vt_count_open(unsigned nr)
{
	struct vt *v = vt_find(nr);

	return v && v->tty ? READ_ONCE(v->tty->opens) : 0;
}

/* --- making and unmaking --------------------------------------------------------------------- */

void vt_free_memory(struct vt *v)
{
	vt_term_destroy(v);
	vt_clear_scrollback(v);
	kvfree(v->cells[0]);
	kvfree(v->cells[1]);
	kfree(v->row);
	kfree(v->row_alt);
	kfree(v->dirty);
	v->cells[0] = v->cells[1] = NULL;
	v->row = v->row_alt = NULL;
	v->dirty = NULL;
	v->alt = false;
	v->rows = 0;
}

static int get_memory(struct vt *v)
{
	unsigned rows = vt_screen ? vt_screen->rows : 25, cols = vt_screen ? vt_screen->cols : 80;

	v->cells[0] = kvmalloc((size_t)rows * cols * sizeof(struct cell), GFP_KERNEL);
	v->row = kmalloc(rows * sizeof(*v->row), GFP_KERNEL);
	v->dirty = kzalloc(BITS_TO_LONGS(rows) * sizeof(long), GFP_KERNEL);
	if (!v->cells[0] || !v->row || !v->dirty)
		goto out_free;
	for (size_t i = 0; i < (size_t)rows * cols; i++)
		v->cells[0][i] = (struct cell){' ', COLOR_DEFAULT, COLOR_DEFAULT};
	for (unsigned i = 0; i < rows; i++)
		v->row[i] = v->cells[0] + (size_t)i * cols;
	memcpy(v->palette, screen_default_palette, sizeof(v->palette));
	v->cols = cols;
	v->rows = rows;
	v->cur_visible = true;
	if (vt_term_create(v))
		goto out_free;
	return 0;

out_free:
	vt_free_memory(v);
	return -ENOMEM;
}

struct vt *vt_get_or_make(unsigned nr)
{
	struct vt *v = vts[nr];

	if (!v) {
		v = kzalloc(sizeof(*v), GFP_KERNEL);
		if (!v)
			return NULL;
		v->nr = nr;
		v->mode.mode = VT_AUTO;
		kbd_init_vt(&v->kbd);
		WRITE_ONCE(vts[nr], v);
	}
	if (!v->rows && get_memory(v))
		return NULL;
	return v;
}

/* --- the tty driver -------------------------------------------------------------------------- */

static size_t vt_write(struct tty *t, const u8 *p, size_t n)
{
	struct vt *v = t->driver_data;

	if (tty_is_stopped(t))
		return 0;
	mutex_lock(&vt_lock);
	v->view = 0;
	vt_term_write(v, p, n);
	if (v == vt_fg)
		vt_render_soon();
	mutex_unlock(&vt_lock);
	return n;
}

static size_t vt_write_room(struct tty *t)
{
	return tty_is_stopped(t) ? 0 : 32768;
}

static void vt_start(struct tty *t)
{
	struct vt *v = t->driver_data;

	__atomic_and_fetch(&v->kbd.locks, (u8)~K_SCROLLLOCK, __ATOMIC_RELAXED);
	kbd_update_leds();
}

static void vt_stop(struct tty *t)
{
	struct vt *v = t->driver_data;

	__atomic_or_fetch(&v->kbd.locks, K_SCROLLLOCK, __ATOMIC_RELAXED);
	kbd_update_leds();
}

static int vt_open(struct tty *t)
{
	struct vt *v = t->driver_data;
	struct winsize ws;
	int err = 0;

	mutex_lock(&vt_lock);
	if (!vt_get_or_make(v->nr))
		err = -ENOMEM;
	ws = (struct winsize){.ws_row = (u16)v->rows, .ws_col = (u16)v->cols};
	mutex_unlock(&vt_lock);
	if (!err && !t->winsize.ws_row)
		tty_set_winsize(t, &ws);
	return err;
}

static void vt_hangup(struct tty *t)
{
	struct vt *v = t->driver_data;

	/* A display server that died leaves text mode and a translating keyboard behind. */
	mutex_lock(&vt_lock);
	vt_reset_mode(v);
	mutex_unlock(&vt_lock);
}

static const struct tty_ops vt_ops = {
	.open = vt_open,
	.write = vt_write,
	.write_room = vt_write_room,
	.start = vt_start,
	.stop = vt_stop,
	.ioctl = vt_ioctl,
	.hangup = vt_hangup,
};

static struct tty *vt_create(struct tty_driver *d, unsigned index)
{
	struct vt *v;
	struct tty *t;

	mutex_lock(&vt_lock);
	v = vt_get_or_make(index + 1);
	mutex_unlock(&vt_lock);
	if (!v)
		return ERR_PTR(-ENOMEM);
	t = tty_new(d, index, v);
	if (!IS_ERR(t))
		WRITE_ONCE(v->tty, t);
	return t;
}

static struct tty_driver vt_driver = {
	.name = "tty",
	.name_base = 1,
	.major = 4,
	.minor = 1,
	.count = MAX_NR_CONSOLES,
	.ops = &vt_ops,
	.create = vt_create,
};

static struct tty *foreground(void)
{
	return tty_driver_get(&vt_driver, READ_ONCE(vt_fg)->nr - 1);
}

/* --- the log on the screen ------------------------------------------------------------------- */

#define RING_SIZE (32 * KiB)
#define RING_MASK (RING_SIZE - 1)

static DEFINE_SPINLOCK(ring_lock);
static char *ring;		 /* [ring_lock] RING_SIZE bytes */
static u32 ring_head, ring_tail; /* [ring_lock] */
static bool ring_lost;		 /* [ring_lock] text was dropped */
static struct timer ring_timer;
static struct work ring_work;

/* The next piece of queued text, at most n bytes, line ends as carriage return and line feed. */
static size_t ring_take(char *out, size_t n)
{
	size_t k = 0;
	unsigned long f;

	spin_lock_irqsave(&ring_lock, f);
	while (ring_tail != ring_head && k + 2 <= n) {
		char c = ring[ring_tail++ & RING_MASK];

		if (c == '\n')
			out[k++] = '\r';
		out[k++] = c;
	}
	spin_unlock_irqrestore(&ring_lock, f);
	return k;
}

static void ring_drain(struct work *w)
{
	char buf[256];
	size_t n;

	mutex_lock(&vt_lock);
	while ((n = ring_take(buf, sizeof(buf))))
		vt_term_write(vt_fg, (const u8 *)buf, n);
	vt_render_soon();
	mutex_unlock(&vt_lock);
}

static void ring_timer_fn(struct timer *t)
{
	(void)work_queue(&ring_work);
}

static void panic_drain(void)
{
	while (ring_tail != ring_head) {
		char c = ring[ring_tail++ & RING_MASK];

		vt_panic_write(&c, 1);
	}
}

static void vtcon_write(struct console *c, const char *s, size_t n)
{
	static const char lost[] = "\n(log text lost)\n";
	bool kick;
	unsigned long f;

	if (panicking) {
		panic_drain();
		vt_panic_write(s, n);
		return;
	}
	spin_lock_irqsave(&ring_lock, f);
	kick = ring_head == ring_tail;
	if (ring_lost && ring_head - ring_tail < RING_SIZE / 2) {
		ring_lost = false;
		for (size_t i = 0; i < sizeof(lost) - 1; i++)
			ring[ring_head++ & RING_MASK] = lost[i];
	}
	for (size_t i = 0; i < n; i++) {
		if (ring_head - ring_tail == RING_SIZE) {
			ring_lost = true;
			break;
		}
		ring[ring_head++ & RING_MASK] = s[i];
	}
	spin_unlock_irqrestore(&ring_lock, f);
	if (kick)
		timer_start(&ring_timer, ktime_get() + 2 * NSEC_PER_MSEC);
}

static void vtcon_panic(struct console *c)
{
	spin_init(&ring_lock);
}

static struct console vt_console = {
	.name = "tty0",
	.write = vtcon_write,
	.panic_enter = vtcon_panic,
};

/* --- start ----------------------------------------------------------------------------------- */

static int vt_console_init(void)
{
	int err = -ENOMEM;

	timer_init(&ring_timer, ring_timer_fn);
	work_init(&ring_work, ring_drain);
	vt_switch_init();
	vt_screen = screen_get();
	tty_have_screen = vt_screen;
	vt_draw_init();
	mutex_lock(&vt_lock);
	vt_fg = vt_get_or_make(1);
	mutex_unlock(&vt_lock);
	if (!vt_fg)
		return err;
	tty_foreground_vt = foreground;
	if (!vt_screen)
		return 0;
	ring = kvmalloc(RING_SIZE, GFP_KERNEL);
	if (!ring)
		return err;
	mutex_lock(&vt_lock);
	vt_mark_all(vt_fg);
	vt_render_now();
	mutex_unlock(&vt_lock);
	console_register(&vt_console);
	return 0;
}
INITCALL(bus, vt_console_init);

static int vt_driver_init(void)
{
	char name[8];
	int err;

	vt_driver.init_termios = tty_std_termios;
	vt_driver.init_termios.c_iflag |= IUTF8;
	err = tty_driver_register(&vt_driver);
	if (err)
		return err;
	err = devtmpfs_create("tty0", S_IFCHR | 0620, MKDEV(4, 0));
	for (unsigned i = 1; !err && i <= MAX_NR_CONSOLES; i++) {
		snprintf(name, sizeof(name), "tty%u", i);
		err = devtmpfs_create(name, S_IFCHR | 0620, MKDEV(4, i));
	}
	return err;
}
INITCALL(driver, vt_driver_init);
