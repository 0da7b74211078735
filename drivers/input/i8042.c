/* The PS/2 controller of a PC (8042 and successors): finding it, its two ports, command exchange.
 *
 * Source: IBM PS/2 Hardware Interface Technical Reference, keyboard and auxiliary device controller:
 * data port 0x60, status and command port 0x64. The keyboard stays translated to scan code set 1.
 * Probing runs in its own kernel thread, since devices take up to half a second to answer a reset; an
 * absent controller reads as 0xff and costs one port read.
 * Locks: cmd_lock (mutex: one command at a time, controller commands) > hw_lock (irqsave: ports and
 * the state of an exchange). Device bytes are delivered outside hw_lock, in interrupt context. */
#define LOG_PREFIX "i8042: "
#include <arch/io.h>
#include <arch/irq.h>
#include <init/initcall.h>
#include <lib/err.h>
#include <log/printk.h>
#include <sched/thread.h>
#include "i8042.h"

#define DATA   0x60
#define STATUS 0x64
#define CMD    0x64

#define ST_OUTPUT  0x01 /* a byte waits for us */
#define ST_INPUT   0x02 /* the controller has not taken ours yet */
#define ST_AUX	   0x20
#define ST_TIMEOUT 0x40
#define ST_PARITY  0x80

#define CTR_KBD_INT 0x01
#define CTR_AUX_INT 0x02
#define CTR_KBD_OFF 0x10
#define CTR_AUX_OFF 0x20
#define CTR_XLATE   0x40

#define C_READ_CTR  0x20
#define C_WRITE_CTR 0x60
#define C_AUX_OFF   0xa7
#define C_AUX_ON    0xa8
#define C_SELFTEST  0xaa
#define C_KBD_OFF   0xad
#define C_KBD_ON    0xae
#define C_AUX_LOOP  0xd3
#define C_AUX_SEND  0xd4

#define RSP_ACK	   0xfa
#define RSP_RESEND 0xfe
#define RSP_ERROR  0xfc

static DEFINE_MUTEX(cmd_lock);
static DEFINE_SPINLOCK(hw_lock);
static struct ps2_port kbd_port = {.name = "isa0060/serio0", .aux = false};
static struct ps2_port aux_port = {.name = "isa0060/serio1", .aux = true};

/* --- the controller -------------------------------------------------------------------------- */

/* Sleeping waits: 500 ms at most. */
static int wait_writable(void)
{
	for (unsigned i = 0; inb(STATUS) & ST_INPUT; i++) {
		if (i >= 5000)
			return -ETIMEDOUT;
		sleep_ns(100 * NSEC_PER_USEC);
	}
	return 0;
}

static int wait_readable(void)
{
	for (unsigned i = 0; !(inb(STATUS) & ST_OUTPUT); i++) {
		if (i >= 5000)
			return -ETIMEDOUT;
		sleep_ns(100 * NSEC_PER_USEC);
	}
	return 0;
}

static int ctl_write(u8 cmd)
{
	int err = wait_writable();

	if (!err)
		outb(CMD, cmd);
	return err;
}

static int ctl_write_param(u8 cmd, u8 param)
{
	int err = ctl_write(cmd);

	if (!err)
		err = wait_writable();
	if (!err)
		outb(DATA, param);
	return err;
}

/* Interrupts of both ports off: the answer is polled for. */
static int ctl_read(u8 cmd, u8 *v)
{
	int err = ctl_write(cmd);

	if (!err)
		err = wait_readable();
	if (!err)
		*v = inb(DATA);
	return err;
}

static void flush(void)
{
	for (unsigned i = 0; i < 64 && (inb(STATUS) & ST_OUTPUT); i++)
		(void)inb(DATA);
}

/* --- interrupts ------------------------------------------------------------------------------ */

/* hw_lock held. True: b belonged to the command in progress. */
static bool exchange_byte(struct ps2_port *p, u8 b)
{
	switch (p->state) {
	case PS2_WAIT_ACK:
		if (b != RSP_ACK && b != RSP_RESEND && b != RSP_ERROR)
			return false;
		p->state = p->want && b == RSP_ACK ? PS2_WAIT_REPLY : PS2_IDLE;
		p->result = b == RSP_ACK ? 0 : -EIO;
		wake_up(&p->wait);
		return true;
	case PS2_WAIT_REPLY:
		p->reply[p->got++] = b;
		if (p->got == p->want) {
			p->state = PS2_IDLE;
			wake_up(&p->wait);
		}
		return true;
	case PS2_IDLE:
		break;
	}
	return false;
}

static bool i8042_irq(void *arg)
{
	bool any = false;

	for (unsigned i = 0; i < 32; i++) {
		struct ps2_port *p;
		unsigned long f;
		bool taken;
		u8 st, b;

		spin_lock_irqsave(&hw_lock, f);
		st = inb(STATUS);
		if (!(st & ST_OUTPUT) || st == 0xff) {
			spin_unlock_irqrestore(&hw_lock, f);
			break;
		}
		b = inb(DATA);
		p = st & ST_AUX ? &aux_port : &kbd_port;
		taken = exchange_byte(p, b);
		spin_unlock_irqrestore(&hw_lock, f);
		any = true;
		if (!taken && p->byte)
			p->byte(p, b, st & (ST_PARITY | ST_TIMEOUT));
	}
	return any;
}

/* --- commands to devices --------------------------------------------------------------------- */

/* cmd_lock held: send one byte and wait for its acknowledgement. */
static int send_byte(struct ps2_port *p, u8 b, unsigned want, unsigned timeout_ms)
{
	unsigned long f;
	int err;

	for (unsigned try = 0; try < 3; try++) {
		spin_lock_irqsave(&hw_lock, f);
		p->state = PS2_WAIT_ACK;
		p->result = 1;
		p->want = want;
		p->got = 0;
		spin_unlock_irqrestore(&hw_lock, f);
		err = p->aux ? ctl_write_param(C_AUX_SEND, b) : wait_writable();
		if (!err && !p->aux)
			outb(DATA, b);
		if (err)
			break;
		if (wait_event_timeout(&p->wait, READ_ONCE(p->result) != 1,
				       timeout_ms * NSEC_PER_MSEC) <= 0) {
			err = -ETIMEDOUT;
			break;
		}
		err = p->result;
		if (!err)
			return 0;
	}
	spin_lock_irqsave(&hw_lock, f);
	p->state = PS2_IDLE;
	spin_unlock_irqrestore(&hw_lock, f);
	return err;
}

int ps2_command(struct ps2_port *p, u8 cmd, const u8 *param, unsigned n, u8 *reply,
		unsigned nr_reply, unsigned timeout_ms)
{
	unsigned long f;
	int err;

	if (nr_reply > sizeof(p->reply))
		return -EINVAL;
	mutex_lock(&cmd_lock);
	err = send_byte(p, cmd, n ? 0 : nr_reply, timeout_ms);
	for (unsigned i = 0; !err && i < n; i++)
		err = send_byte(p, param[i], i + 1 == n ? nr_reply : 0, timeout_ms);
	if (!err && nr_reply) {
		(void)wait_event_timeout(&p->wait, READ_ONCE(p->state) == PS2_IDLE,
					 timeout_ms * NSEC_PER_MSEC);
		spin_lock_irqsave(&hw_lock, f);
		if (p->state != PS2_IDLE)
			err = -ETIMEDOUT;
		p->state = PS2_IDLE;
		for (unsigned i = 0; i < nr_reply; i++)
			reply[i] = p->reply[i];
		spin_unlock_irqrestore(&hw_lock, f);
	}
	mutex_unlock(&cmd_lock);
	return err;
}

/* --- probing --------------------------------------------------------------------------------- */

/* A byte sent through the loop command must come back marked as the auxiliary port's. */
static bool aux_works(void)
{
	u8 st;

	if (ctl_write_param(C_AUX_LOOP, 0x5a) || wait_readable())
		return false;
	st = inb(STATUS);
	return inb(DATA) == 0x5a && (st & ST_AUX);
}

/* The configuration byte to run with, or -errno when the controller does not answer. */
static int controller_init(void)
{
	u8 ctr, t = 0;

	if (ctl_write(C_KBD_OFF) || ctl_write(C_AUX_OFF))
		return -ENODEV;
	flush();
	if (ctl_read(C_READ_CTR, &ctr))
		return -ENODEV;
	ctr = (u8)((ctr | CTR_XLATE | CTR_KBD_OFF | CTR_AUX_OFF) & ~(CTR_KBD_INT | CTR_AUX_INT));
	if (ctl_write_param(C_WRITE_CTR, ctr))
		return -ENODEV;
	if (ctl_read(C_SELFTEST, &t) || t != 0x55)
		pr_warn("controller self-test failed (0x%02x), going on\n", t);
	/* The self-test may have reset the configuration. */
	if (ctl_write_param(C_WRITE_CTR, ctr))
		return -ENODEV;
	flush();
	if (!ctl_write(C_AUX_ON))
		aux_port.present = aux_works();
	flush();
	kbd_port.present = true;
	return ctr;
}

static int port_start(struct ps2_port *p, unsigned isa_irq)
{
	wait_queue_init(&p->wait);
	p->irq = irq_request_isa(isa_irq, i8042_irq, p, "i8042");
	if (p->irq < 0) {
		pr_warn("no interrupt %u (%d)\n", isa_irq, p->irq);
		p->present = false;
		return p->irq;
	}
	return 0;
}

static int i8042_thread(void *arg)
{
	int ctr = controller_init();

	if (ctr < 0) {
		pr_info("controller does not answer\n");
		return 0;
	}
	if (!port_start(&kbd_port, 1))
		ctr = (ctr | CTR_KBD_INT) & ~CTR_KBD_OFF;
	if (aux_port.present && !port_start(&aux_port, 12))
		ctr = (ctr | CTR_AUX_INT) & ~CTR_AUX_OFF;
	if (ctl_write_param(C_WRITE_CTR, (u8)ctr) || ctl_write(C_KBD_ON))
		return 0;
	if (aux_port.present)
		(void)ctl_write(C_AUX_ON);
	if (kbd_port.present && atkbd_connect(&kbd_port))
		pr_info("no keyboard\n");
	if (aux_port.present && psmouse_connect(&aux_port))
		pr_info("no mouse\n");
	return 0;
}

static int i8042_init(void)
{
	struct join_handle h;
	int err;

	if (inb(STATUS) == 0xff)
		return 0; /* no controller */
	err = thread_spawn(&h, i8042_thread, NULL, "i8042");
	if (!err)
		thread_detach(&h);
	return err;
}
INITCALL(driver, i8042_init);
