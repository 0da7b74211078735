/* AT keyboards behind the PS/2 controller, in scan code set 1 (translated).
 *
 * Source: IBM PS/2 Hardware Interface Technical Reference, keyboards (commands ED LEDs, F2 identify,
 * F3 typematic, F4 enable); scan codes as in Microsoft's "Keyboard Scan Code Specification". Codes up
 * to 0x58 equal the key codes of include/uapi/input.h; the rest is in tables.
 * Contexts: bytes come in hard IRQ; LEDs and rate are set from a work item. */
#define LOG_PREFIX "atkbd: "
#include <alloc/slab.h>
#include <lib/err.h>
#include <lib/string.h>
#include <log/printk.h>
#include <sched/workqueue.h>
#include "i8042.h"

struct atkbd {
	struct input_dev dev;
	struct ps2_port *port;
	u8 prefix;	  /* [irq] 0, 0xe0, 0xe1 */
	u8 pause;	  /* [irq] bytes of the pause sequence still to skip */
	struct work work; /* LEDs and rate */
};

/* Behind the prefix e0 */
static const u8 extended[128] = {
	[0x10] = KEY_PREVIOUSSONG, [0x19] = KEY_NEXTSONG, [0x1c] = KEY_KPENTER,
	[0x1d] = KEY_RIGHTCTRL,	   [0x20] = KEY_MUTE,	  [0x21] = KEY_CALC,
	[0x22] = KEY_PLAYPAUSE,	   [0x24] = KEY_STOPCD,	  [0x2e] = KEY_VOLUMEDOWN,
	[0x30] = KEY_VOLUMEUP,	   [0x32] = KEY_HOMEPAGE, [0x35] = KEY_KPSLASH,
	[0x37] = KEY_SYSRQ,	   [0x38] = KEY_RIGHTALT, [0x46] = KEY_PAUSE,
	[0x47] = KEY_HOME,	   [0x48] = KEY_UP,	  [0x49] = KEY_PAGEUP,
	[0x4b] = KEY_LEFT,	   [0x4d] = KEY_RIGHT,	  [0x4f] = KEY_END,
	[0x50] = KEY_DOWN,	   [0x51] = KEY_PAGEDOWN, [0x52] = KEY_INSERT,
	[0x53] = KEY_DELETE,	   [0x5b] = KEY_LEFTMETA, [0x5c] = KEY_RIGHTMETA,
	[0x5d] = KEY_COMPOSE,	   [0x5e] = KEY_POWER,	  [0x5f] = KEY_SLEEP,
	[0x63] = KEY_WAKEUP,	   [0x65] = KEY_SEARCH,	  [0x66] = KEY_BOOKMARKS,
	[0x67] = KEY_REFRESH,	   [0x68] = KEY_STOP,	  [0x69] = KEY_FORWARD,
	[0x6a] = KEY_BACK,	   [0x6b] = KEY_COMPUTER, [0x6c] = KEY_MAIL,
	[0x6d] = KEY_MEDIA,
};
/* Without prefix, from 0x54 on */
static const u8 upper[128] = {
	[0x54] = KEY_SYSRQ, [0x56] = KEY_102ND,	  [0x57] = KEY_F11,
	[0x58] = KEY_F12,   [0x59] = KEY_KPEQUAL, [0x70] = KEY_KATAKANAHIRAGANA,
	[0x73] = KEY_RO,    [0x79] = KEY_HENKAN,  [0x7b] = KEY_MUHENKAN,
	[0x7d] = KEY_YEN,   [0x7e] = KEY_KPCOMMA,
};

static unsigned keycode_of(u8 prefix, u8 code)
{
	if (prefix == 0xe0)
		return extended[code];
	if (code < 0x54)
		return code;
	return code < ARRAY_SIZE(upper) ? upper[code] : 0;
}

static void key(struct atkbd *k, unsigned code, bool down, u8 scan)
{
	input_report(&k->dev, EV_MSC, MSC_SCAN, scan);
	input_report_key(&k->dev, code, down);
	input_sync(&k->dev);
}

static void atkbd_byte(struct ps2_port *p, u8 b, bool err)
{
	struct atkbd *k = p->driver;
	unsigned code;

	if (err)
		return;
	if (k->pause) {
		/* e1 1d 45 e1 9d c5: the pause key, without a release of its own */
		if (--k->pause == 0) {
			key(k, KEY_PAUSE, true, 0x45);
			key(k, KEY_PAUSE, false, 0x45);
		}
		return;
	}
	if (b == 0xe1) {
		k->pause = 5;
		return;
	}
	if (b == 0xe0) {
		k->prefix = b;
		return;
	}
	if (b == 0 || b == 0xff) { /* the keyboard lost codes */
		k->prefix = 0;
		input_release_keys(&k->dev);
		return;
	}
	code = keycode_of(k->prefix, b & 0x7f);
	/* e0 2a and e0 36 are shifts that the keyboard makes up around some keys: not in the table */
	if (code)
		key(k, code, !(b & 0x80), b);
	k->prefix = 0;
}

/* The typematic byte nearest to the delay and period in ms. */
static u8 rate_byte(s32 delay, s32 period)
{
	static const u16 period_ms[32] = {33,  37,  42,	 46,  50,  54,	58,  63,  67,  75,  83,
					  92,  100, 109, 116, 125, 133, 149, 167, 182, 200, 217,
					  232, 250, 270, 303, 333, 370, 400, 435, 470, 500};
	unsigned d = delay <= 250 ? 0 : delay <= 500 ? 1 : delay <= 750 ? 2 : 3, i = 0;

	while (i < 31 && period_ms[i] < period)
		i++;
	return (u8)(d << 5 | i);
}

static void atkbd_work(struct work *w)
{
	struct atkbd *k = container_of(w, struct atkbd, work);
	u8 leds, rate;
	unsigned long f;

	spin_lock_irqsave(&k->dev.lock, f);
	leds = (u8)(bit_test(k->dev.led, LED_SCROLLL) | bit_test(k->dev.led, LED_NUML) << 1 |
		    bit_test(k->dev.led, LED_CAPSL) << 2);
	rate = rate_byte(k->dev.rep[REP_DELAY], k->dev.rep[REP_PERIOD]);
	spin_unlock_irqrestore(&k->dev.lock, f);
	(void)ps2_command(k->port, 0xed, &leds, 1, NULL, 0, 200);
	(void)ps2_command(k->port, 0xf3, &rate, 1, NULL, 0, 200);
}

static void atkbd_event(struct input_dev *d, unsigned type, unsigned code, s32 value)
{
	struct atkbd *k = d->driver_data;

	if (type == EV_LED || type == EV_REP)
		(void)work_queue(&k->work);
}

static void set_keys(struct input_dev *d)
{
	for (unsigned i = 1; i < 128; i++) {
		unsigned a = keycode_of(0, (u8)i), b = keycode_of(0xe0, (u8)i);

		if (a)
			bit_set(d->keybit, a);
		if (b)
			bit_set(d->keybit, b);
	}
	bit_set(d->keybit, KEY_PAUSE);
}

int atkbd_connect(struct ps2_port *p)
{
	struct atkbd *k;
	u8 id[2] = {0, 0}, zero = 0;
	int err;

	/* Old keyboards do not identify themselves, but all take the LED command. */
	err = ps2_command(p, 0xf2, NULL, 0, id, 2, 500);
	if (err)
		err = ps2_command(p, 0xed, &zero, 1, NULL, 0, 200);
	if (err)
		return err;
	k = kzalloc(sizeof(*k), GFP_KERNEL);
	if (!k)
		return -ENOMEM;
	k->port = p;
	work_init(&k->work, atkbd_work);
	k->dev.name = "AT Translated Set 2 keyboard";
	k->dev.phys = "isa0060/serio0/input0";
	k->dev.id = (struct input_id){BUS_I8042, 1, 1, (u16)(id[0] << 8 | id[1])};
	k->dev.driver_data = k;
	k->dev.event = atkbd_event;
	k->dev.hw_repeat = true;
	bit_set(k->dev.evbit, EV_KEY);
	bit_set(k->dev.evbit, EV_MSC);
	bit_set(k->dev.evbit, EV_LED);
	bit_set(k->dev.evbit, EV_REP);
	bit_set(k->dev.mscbit, MSC_SCAN);
	bit_set(k->dev.ledbit, LED_NUML);
	bit_set(k->dev.ledbit, LED_CAPSL);
	bit_set(k->dev.ledbit, LED_SCROLLL);
	set_keys(&k->dev);
	err = input_register(&k->dev);
	if (err) {
		kfree(k);
		return err;
	}
	p->driver = k;
	smp_store_release(&p->byte, atkbd_byte);
	(void)work_queue(&k->work);
	return ps2_command(p, 0xf4, NULL, 0, NULL, 0, 200);
}
