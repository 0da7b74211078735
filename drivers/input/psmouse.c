/* PS/2 mice: standard, with wheel (IntelliMouse), with wheel and five buttons (Explorer).
 *
 * Source: IBM PS/2 Hardware Interface Technical Reference, mouse; Microsoft's IntelliMouse detection
 * by the sample-rate sequences 200-100-80 and 200-200-80. Streaming, 3 or 4 bytes a packet; bit 3 of
 * the first byte is always set, which finds the packet's start again after a lost byte. */
#include <alloc/slab.h>
#include <lib/err.h>
#include <lib/string.h>
#include "i8042.h"

struct psmouse {
	struct input_dev dev;
	u8 id;		 /* [I] 0, 3 or 4 */
	u8 size;	 /* [I] bytes of a packet */
	u8 n, packet[4]; /* [irq] */
};

static void report_packet(struct psmouse *m)
{
	const u8 *p = m->packet;
	struct input_dev *d = &m->dev;

	if (m->id == 4) {
		input_report_rel(d, REL_WHEEL, -(s32)(s8)((p[3] & 8 ? 0xf0 : 0) | (p[3] & 15)));
		input_report_key(d, BTN_SIDE, p[3] & 0x10);
		input_report_key(d, BTN_EXTRA, p[3] & 0x20);
	} else if (m->id == 3) {
		input_report_rel(d, REL_WHEEL, -(s32)(s8)p[3]);
	}
	input_report_key(d, BTN_LEFT, p[0] & 1);
	input_report_key(d, BTN_RIGHT, p[0] & 2);
	input_report_key(d, BTN_MIDDLE, p[0] & 4);
	/* With the overflow bit set the movement is not known. */
	if (!(p[0] & 0x40))
		input_report_rel(d, REL_X, p[1] - (p[0] & 0x10 ? 256 : 0));
	if (!(p[0] & 0x80))
		input_report_rel(d, REL_Y, -(p[2] - (p[0] & 0x20 ? 256 : 0)));
	input_sync(d);
}

static void psmouse_byte(struct ps2_port *p, u8 b, bool err)
{
	struct psmouse *m = p->driver;

	if (err || (m->n == 0 && !(b & 8))) {
		m->n = 0;
		return;
	}
	m->packet[m->n++] = b;
	if (m->n < m->size)
		return;
	m->n = 0;
	report_packet(m);
}

static int set_rate(struct ps2_port *p, u8 rate)
{
	return ps2_command(p, 0xf3, &rate, 1, NULL, 0, 200);
}

/* What the mouse says it is after the three rates. */
static u8 knock(struct ps2_port *p, u8 a, u8 b, u8 c)
{
	u8 id = 0;

	if (set_rate(p, a) || set_rate(p, b) || set_rate(p, c) ||
	    ps2_command(p, 0xf2, NULL, 0, &id, 1, 200))
		return 0;
	return id;
}

static u8 detect(struct ps2_port *p)
{
	if (knock(p, 200, 100, 80) != 3)
		return 0;
	return knock(p, 200, 200, 80) == 4 ? 4 : 3;
}

int psmouse_connect(struct ps2_port *p)
{
	static const u8 resolution = 3; /* 8 counts per mm */
	u8 bat[2] = {0, 0};
	struct psmouse *m;
	int err = ps2_command(p, 0xff, NULL, 0, bat, 2, 1000);

	if (err)
		return err;
	if (bat[0] != 0xaa)
		return -ENODEV;
	m = kzalloc(sizeof(*m), GFP_KERNEL);
	if (!m)
		return -ENOMEM;
	m->id = detect(p);
	m->size = m->id ? 4 : 3;
	m->dev.name = m->id == 4   ? "ImExPS/2 Generic Explorer Mouse"
		      : m->id == 3 ? "ImPS/2 Generic Wheel Mouse"
				   : "PS/2 Generic Mouse";
	m->dev.phys = "isa0060/serio1/input0";
	m->dev.id = (struct input_id){BUS_I8042, 2, m->id == 4 ? 6 : m->id == 3 ? 5 : 1, m->id};
	m->dev.driver_data = m;
	bit_set(m->dev.evbit, EV_KEY);
	bit_set(m->dev.evbit, EV_REL);
	bit_set(m->dev.keybit, BTN_LEFT);
	bit_set(m->dev.keybit, BTN_RIGHT);
	bit_set(m->dev.keybit, BTN_MIDDLE);
	bit_set(m->dev.relbit, REL_X);
	bit_set(m->dev.relbit, REL_Y);
	if (m->id)
		bit_set(m->dev.relbit, REL_WHEEL);
	if (m->id == 4) {
		bit_set(m->dev.keybit, BTN_SIDE);
		bit_set(m->dev.keybit, BTN_EXTRA);
	}
	err = input_register(&m->dev);
	if (err) {
		kfree(m);
		return err;
	}
	p->driver = m;
	smp_store_release(&p->byte, psmouse_byte);
	(void)set_rate(p, 100);
	(void)ps2_command(p, 0xe8, &resolution, 1, NULL, 0, 200);
	return ps2_command(p, 0xf4, NULL, 0, NULL, 0, 200);
}
