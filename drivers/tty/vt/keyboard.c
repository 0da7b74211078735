/* From key events to bytes for the terminal in front: modifiers, locks and LEDs, dead keys, the raw
 * modes, the keys that act on the console itself.
 *
 * Source: ioctl_console(2), keymaps(5), console_codes(4). Runs in the devices' interrupt under their
 * lock; everything that may sleep (switching, drawing, LEDs) is handed to work items.
 * Locks: input_dev.lock > kbd_lock. */
#include <alloc/slab.h>
#include <arch/uaccess.h>
#include <drivers/input.h>
#include <fs/procfs.h>
#include <init/bootinfo.h>
#include <init/initcall.h>
#include <lib/err.h>
#include <lib/string.h>
#include <log/printk.h>
#include <proc/process.h>
#include "vt_priv.h"

DEFINE_SPINLOCK(kbd_lock);
static u8 shift_down[9];  /* [K] keys held per modifier */
static u8 shift_state;	  /* [K] KG_* bits */
static u32 pending_dead;  /* [K] dead key + 1 */
static bool key_down_rep; /* [K] the event is a repeat */
static struct work led_work;
static struct input_handler kbd_handler;

void kbd_init_vt(struct kbd *k)
{
	k->mode = K_UNICODE;
	k->meta_esc = true;
	k->led_override = 0x80;
}

/* --- LEDs ------------------------------------------------------------------------------------ */

static void set_leds(struct input_handle *h, void *arg)
{
	u8 leds = *(u8 *)arg;

	input_inject(h, EV_LED, LED_SCROLLL, !!(leds & K_SCROLLLOCK));
	input_inject(h, EV_LED, LED_NUML, !!(leds & K_NUMLOCK));
	input_inject(h, EV_LED, LED_CAPSL, !!(leds & K_CAPSLOCK));
	input_inject(h, EV_SYN, SYN_REPORT, 0);
}

static void led_work_fn(struct work *w)
{
	unsigned long f;
	u8 leds = 0;

	spin_lock_irqsave(&kbd_lock, f);
	if (vt_fg)
		leds = vt_fg->kbd.led_override & 0x80 ? vt_fg->kbd.locks : vt_fg->kbd.led_override;
	spin_unlock_irqrestore(&kbd_lock, f);
	input_for_each_handle(&kbd_handler, set_leds, &leds);
}

void kbd_update_leds(void)
{
	(void)work_queue(&led_work);
}

static void set_repeat(struct input_handle *h, void *arg)
{
	struct kbd_repeat *r = arg;

	if (r->delay > 0)
		input_inject(h, EV_REP, REP_DELAY, r->delay);
	if (r->period > 0)
		input_inject(h, EV_REP, REP_PERIOD, r->period);
	r->delay = h->dev->rep[REP_DELAY];
	r->period = h->dev->rep[REP_PERIOD];
}

/* --- output ---------------------------------------------------------------------------------- */

static void put(struct vt *v, const char *s, size_t n)
{
	if (v->tty)
		(void)tty_receive(v->tty, (const u8 *)s, n, TTY_NORMAL);
}

static void puts_vt(struct vt *v, const char *s)
{
	put(v, s, strlen(s));
}

/* A character in the VT's encoding. */
static void put_char(struct vt *v, u32 c)
{
	char b[4];
	unsigned n = 0;

	if (v->kbd.mode != K_UNICODE) {
		b[n++] = (char)(c < 256 ? c : '?');
	} else if (c < 0x80) {
		b[n++] = (char)c;
	} else if (c < 0x800) {
		b[n++] = (char)(0xc0 | c >> 6);
		b[n++] = (char)(0x80 | (c & 63));
	} else {
		b[n++] = (char)(0xe0 | c >> 12);
		b[n++] = (char)(0x80 | (c >> 6 & 63));
		b[n++] = (char)(0x80 | (c & 63));
	}
	put(v, b, n);
}

/* Combine with a dead key typed before. */
static void type_char(struct vt *v, u32 c)
{
	u32 d = pending_dead, r;

	pending_dead = 0;
	if (d) {
		r = keymap_compose((u8)(d - 1), c);
		if (r) {
			c = r;
		} else {
			put_char(v, keymap_dead_char((u8)(d - 1)));
			if (c == ' ')
				return;
		}
	}
	put_char(v, c);
}

/* --- symbol handlers: kbd_lock held ---------------------------------------------------------- */

static void toggle_lock(struct vt *v, u8 bit)
{
	v->kbd.locks ^= bit;
	kbd_update_leds();
}

static void ctrl_alt_del(void)
{
	struct process *init = READ_ONCE(init_process);

	if (init)
		(void)process_signal(init, SIGINT, NULL);
}

static unsigned next_open_vt(struct vt *v, int dir)
{
	unsigned n = v->nr;

	for (unsigned i = 0; i < MAX_NR_CONSOLES; i++) {
		n = (n - 1 + MAX_NR_CONSOLES + (unsigned)dir) % MAX_NR_CONSOLES + 1;
		if (vt_count_open(n))
			return n;
	}
	return v->nr;
}

static void special(struct vt *v, u8 val)
{
	switch (val) {
	case SP_ENTER:
		if (pending_dead)
			type_char(v, ' ');
		puts_vt(v, "\r");
		break;
	case SP_BREAK:
		if (v->tty)
			(void)tty_receive(v->tty, (const u8 *)"", 1, TTY_BREAK);
		break;
	case SP_CAPS:
		if (!key_down_rep)
			toggle_lock(v, K_CAPSLOCK);
		break;
	case SP_NUM:
		if (!key_down_rep)
			toggle_lock(v, K_NUMLOCK);
		break;
	case SP_HOLD:
		if (key_down_rep || !v->tty)
			break;
		if (tty_is_stopped(v->tty))
			tty_start(v->tty);
		else
			tty_stop(v->tty);
		break;
	case SP_SCROLLFORW:
		vt_scroll_async(-1);
		break;
	case SP_SCROLLBACK:
		vt_scroll_async(1);
		break;
	case SP_BOOT:
		if (!key_down_rep)
			ctrl_alt_del();
		break;
	case SP_DECRCONSOLE:
		vt_activate_async(next_open_vt(v, -1));
		break;
	case SP_INCRCONSOLE:
		vt_activate_async(next_open_vt(v, 1));
		break;
	}
}

static void cursor_key(struct vt *v, u8 val)
{
	static const char final[] = "BDCA";
	char s[4] = {27, v->kbd.cursor_app ? 'O' : '[', 0, 0};

	if (val < 4) {
		s[2] = final[val];
		puts_vt(v, s);
	}
}

static void keypad_key(struct vt *v, u8 val)
{
	static const char digits[] = "0123456789+-*/\r,.";
	static const char app[] = "pqrstuvwxylSRQMnn";
	/* Without NumLock: insert, end, down, pgdn, left, (centre), right, home, up, pgup */
	static const u16 off[] = {K(KT_FN, 21), K(KT_FN, 23), K(KT_CUR, 0), K(KT_FN, 25),
				  K(KT_CUR, 1), K_HOLE,	      K(KT_CUR, 2), K(KT_FN, 20),
				  K(KT_CUR, 3), K(KT_FN, 24)};
	char s[4] = {27, 'O', 0, 0};

	if (val > 16)
		return;
	if (v->kbd.keypad_app && !(shift_state & BIT(KG_SHIFT))) {
		s[2] = app[val];
		puts_vt(v, s);
		return;
	}
	if (!(v->kbd.locks & K_NUMLOCK)) {
		u16 sym = val < 10 ? off[val] : val == 16 ? K(KT_FN, 22) : 0;

		if (val == 5) {
			puts_vt(v, v->kbd.cursor_app ? "\033OG" : "\033[G");
			return;
		}
		if (sym && KTYP(sym) == KT_CUR) {
			cursor_key(v, KVAL(sym));
			return;
		}
		if (sym) {
			puts_vt(v, keymap_func(KVAL(sym)));
			return;
		}
	}
	type_char(v, (u8)digits[val]);
}

static void modifier(u8 val, bool down)
{
	if (val >= sizeof(shift_down))
		return;
	if (down && !key_down_rep)
		shift_down[val]++;
	else if (!down && shift_down[val])
		shift_down[val]--;
	if (shift_down[val])
		shift_state |= (u8)BIT(val);
	else
		shift_state &= (u8)~BIT(val);
}

static void dead_key(struct vt *v, u8 val)
{
	if (pending_dead) {
		u8 d = (u8)(pending_dead - 1);

		pending_dead = 0;
		put_char(v, keymap_dead_char(d));
		if (d == val)
			return;
	}
	pending_dead = val + 1u;
}

static void symbol(struct vt *v, u16 sym, bool down)
{
	u8 val = (u8)KVAL(sym);
	const char *s;

	if (sym >= 0x1000) {
		if (down)
			type_char(v, sym ^ 0xf000u);
		return;
	}
	if (KTYP(sym) == KT_SHIFT) {
		modifier(val, down);
		return;
	}
	if (!down)
		return;
	switch (KTYP(sym)) {
	case KT_LATIN:
	case KT_LETTER:
		type_char(v, val);
		break;
	case KT_FN:
		s = keymap_func(val);
		if (s)
			puts_vt(v, s);
		break;
	case KT_SPEC:
		special(v, val);
		break;
	case KT_PAD:
		keypad_key(v, val);
		break;
	case KT_DEAD:
		dead_key(v, val);
		break;
	case KT_CONS:
		vt_activate_async(val + 1u);
		break;
	case KT_CUR:
		cursor_key(v, val);
		break;
	case KT_META:
		if (v->kbd.meta_esc) {
			char m[2] = {27, (char)val};
			put(v, m, 2);
		} else {
			put_char(v, val | 0x80u);
		}
		break;
	case KT_LOCK:
		if (!key_down_rep)
			v->kbd.slock ^= (u8)BIT(val & 7);
		break;
	case KT_SLOCK:
		if (!key_down_rep)
			v->kbd.slock ^= (u8)BIT(val & 7);
		break;
	}
}

/* --- events ---------------------------------------------------------------------------------- */

/* Scan code set 1 of a key code, for K_RAW: as the keyboard would have sent it. */
static void put_raw(struct vt *v, unsigned code, bool down)
{
	static const u8 e0[] = {
		[96 - 96] = 0x1c,  [97 - 96] = 0x1d,  [98 - 96] = 0x35,	 [99 - 96] = 0x37,
		[100 - 96] = 0x38, [102 - 96] = 0x47, [103 - 96] = 0x48, [104 - 96] = 0x49,
		[105 - 96] = 0x4b, [106 - 96] = 0x4d, [107 - 96] = 0x4f, [108 - 96] = 0x50,
		[109 - 96] = 0x51, [110 - 96] = 0x52, [111 - 96] = 0x53, [125 - 96] = 0x5b,
		[126 - 96] = 0x5c, [127 - 96] = 0x5d,
	};
	char b[2] = {(char)0xe0, 0};
	u8 up = down ? 0 : 0x80;

	if (code <= 88) {
		b[1] = (char)(code | up);
		put(v, b + 1, 1);
	} else if (code == KEY_PAUSE) {
		put(v, down ? "\xe1\x1d\x45" : "\xe1\x9d\xc5", 3);
	} else if (code >= 96 && code < 96 + sizeof(e0) && e0[code - 96]) {
		b[1] = (char)(e0[code - 96] | up);
		put(v, b, 2);
	}
}

static void put_mediumraw(struct vt *v, unsigned code, bool down)
{
	char up = (char)(down ? 0 : 0x80), b[3];

	if (code < 128) {
		b[0] = (char)(code | (u8)up);
		put(v, b, 1);
		return;
	}
	b[0] = up;
	b[1] = (char)(code >> 7 | 0x80);
	b[2] = (char)(code | 0x80);
	put(v, b, 3);
}

static void translate(struct vt *v, unsigned code, bool down)
{
	unsigned map = shift_state ^ v->kbd.slock;
	u16 sym;

	if (!keymap_has(map))
		map = shift_state & BIT(KG_ALT) ? BIT(KG_ALT) : 0;
	sym = keymap_get(map, code);
	if (KTYP(sym) == KT_LETTER && sym < 0x1000 && (v->kbd.locks & K_CAPSLOCK) &&
	    keymap_has(map ^ BIT(KG_SHIFT)))
		sym = keymap_get(map ^ BIT(KG_SHIFT), code);
	symbol(v, sym, down);
}

static void kbd_event(struct input_handle *h, unsigned type, unsigned code, s32 value)
{
	struct vt *v = READ_ONCE(vt_fg);
	unsigned long f;

	if (type != EV_KEY || !v || code >= NR_KEYS)
		return;
	spin_lock_irqsave(&kbd_lock, f);
	key_down_rep = value == 2;
	switch (v->kbd.mode) {
	case K_OFF:
		/* Modifiers are still followed, so that none sticks. */
		if (KTYP(keymap_get(0, code)) == KT_SHIFT)
			translate(v, code, value);
		break;
	case K_RAW:
		put_raw(v, code, value);
		modifier(KTYP(keymap_get(0, code)) == KT_SHIFT ? (u8)KVAL(keymap_get(0, code))
							       : 255,
			 value);
		break;
	case K_MEDIUMRAW:
		put_mediumraw(v, code, value);
		modifier(KTYP(keymap_get(0, code)) == KT_SHIFT ? (u8)KVAL(keymap_get(0, code))
							       : 255,
			 value);
		break;
	default:
		translate(v, code, value);
	}
	spin_unlock_irqrestore(&kbd_lock, f);
}

/* A keyboard is what has letters. */
static int kbd_connect(struct input_handler *self, struct input_handle *h)
{
	if (!bit_test(h->dev->evbit, EV_KEY) || !bit_test(h->dev->keybit, KEY_ENTER))
		return -ENODEV;
	kbd_update_leds();
	return 0;
}

static struct input_handler kbd_handler = {
	.name = "kbd",
	.connect = kbd_connect,
	.event = kbd_event,
};

/* --- ioctls ---------------------------------------------------------------------------------- */

static bool may_configure(struct vt *v)
{
	struct tty *t = tty_current();
	bool r = t == v->tty || capable(CAP_SYS_TTY_CONFIG);

	if (t)
		tty_put(t);
	return r;
}

static s64 entry_ioctl(unsigned cmd, unsigned long arg)
{
	struct kbentry e;
	unsigned long f;

	if (copy_in(&e, u64_to_user(arg), sizeof(e)))
		return -EFAULT;
	if (cmd == KDSKBENT)
		return capable(CAP_SYS_TTY_CONFIG) ? keymap_set(e.kb_table, e.kb_index, e.kb_value)
						   : -EPERM;
	spin_lock_irqsave(&kbd_lock, f);
	e.kb_value = keymap_get(e.kb_table, e.kb_index);
	spin_unlock_irqrestore(&kbd_lock, f);
	return copy_out(u64_to_user(arg), &e, sizeof(e));
}

static s64 func_ioctl(unsigned long arg)
{
	struct kbsentry *e = kzalloc(sizeof(*e), GFP_KERNEL);
	const char *s;
	s64 r = -EFAULT;

	if (!e)
		return -ENOMEM;
	if (!copy_in(e, u64_to_user(arg), 1)) {
		s = keymap_func(e->kb_func);
		(void)str_copy((char *)e->kb_string, s ? s : "", sizeof(e->kb_string));
		r = copy_out(u64_to_user(arg), e, sizeof(*e));
	}
	kfree(e);
	return r;
}

s64 kbd_ioctl(struct vt *v, unsigned cmd, unsigned long arg)
{
	struct kbd *k = &v->kbd;
	struct kbd_repeat rep;
	unsigned long f;
	int iv;
	u8 cv;

	switch (cmd) {
	case KDGKBTYPE:
		cv = KB_101;
		return copy_out(u64_to_user(arg), &cv, 1);
	case KDGKBMODE:
		iv = k->mode;
		return copy_out(u64_to_user(arg), &iv, sizeof(iv));
	case KDGKBMETA:
		iv = k->meta_esc ? K_ESCPREFIX : K_METABIT;
		return copy_out(u64_to_user(arg), &iv, sizeof(iv));
	case KDGETLED:
		cv = k->led_override & 0x80 ? k->locks : k->led_override;
		return copy_out(u64_to_user(arg), &cv, 1);
	case KDGKBLED:
		return copy_out(u64_to_user(arg), &k->locks, 1);
	case KDGKBENT:
	case KDSKBENT:
		return entry_ioctl(cmd, arg);
	case KDGKBSENT:
		return func_ioctl(arg);
	}
	if (cmd != KDSKBMODE && cmd != KDSKBMETA && cmd != KDSETLED && cmd != KDSKBLED &&
	    cmd != KDKBDREP)
		return -ENOIOCTLCMD;
	if (!may_configure(v))
		return -EPERM;
	if (cmd == KDKBDREP) {
		if (copy_in(&rep, u64_to_user(arg), sizeof(rep)))
			return -EFAULT;
		input_for_each_handle(&kbd_handler, set_repeat, &rep);
		return copy_out(u64_to_user(arg), &rep, sizeof(rep));
	}
	if ((cmd == KDSKBMODE && arg > K_OFF) || (cmd == KDSKBLED && (arg & ~0x77ul)) ||
	    (cmd == KDSKBMETA && arg != K_METABIT && arg != K_ESCPREFIX))
		return -EINVAL;
	spin_lock_irqsave(&kbd_lock, f);
	switch (cmd) {
	case KDSKBMODE:
		k->mode = (u8)arg;
		pending_dead = 0;
		break;
	case KDSKBMETA:
		k->meta_esc = arg == K_ESCPREFIX;
		break;
	case KDSKBLED:
		k->locks = (u8)(arg & 7);
		break;
	case KDSETLED:
		k->led_override = arg & ~7ul ? 0x80 : (u8)arg;
		break;
	}
	spin_unlock_irqrestore(&kbd_lock, f);
	kbd_update_leds();
	return 0;
}

/* --- layout ---------------------------------------------------------------------------------- */

static int show_layout(struct seq *s, void *arg)
{
	seq_printf(s, "%s\n", keymap_name());
	return 0;
}

static ssize_t write_layout(const char *buf, size_t n, void *arg)
{
	char name[16];
	size_t k = n && buf[n - 1] == '\n' ? n - 1 : n;
	int err;

	if (k >= sizeof(name))
		return -EINVAL;
	memcpy(name, buf, k);
	name[k] = 0;
	err = keymap_init(name);
	return err ? err : (ssize_t)n;
}

static int kbd_init(void)
{
	const char *want = boot_option("kbd");
	int err;

	work_init(&led_work, led_work_fn);
	err = keymap_init("us");
	if (err)
		return err;
	if (want && *want && keymap_init(want))
		printk(LOG_WARNING, "kbd: no layout '%s', us it is\n", want);
	(void)sysfs_create("kernel/keymap", 0644, show_layout, write_layout, NULL);
	return input_handler_register(&kbd_handler);
}
INITCALL(driver, kbd_init);
