/* The PS/2 controller's two device ports, for the keyboard and mouse drivers. */
#pragma once
#include <drivers/input.h>
#include <sched/lock.h>

struct ps2_port {
	const char *name;
	bool aux;     /* [I] */
	bool present; /* [I] after probing */
	int irq;      /* [I] */
	void *driver; /* [I] set before byte */
	/* Each byte that is not part of a command's answer: hard IRQ. err: parity error or time-out. */
	void (*byte)(struct ps2_port *p, u8 b, bool err);
	/* The command in progress [controller lock] */
	enum { PS2_IDLE, PS2_WAIT_ACK, PS2_WAIT_REPLY } state;
	u8 reply[8];
	unsigned want, got;
	int result; /* 1: not yet */
	struct wait_queue wait;
};

/* Send cmd with n parameter bytes (each acknowledged), then take nr_reply bytes. timeout_ms is for each
 * answer. 0, -ETIMEDOUT (nobody there), -EIO (refused). Process context, may sleep. */
int ps2_command(struct ps2_port *p, u8 cmd, const u8 *param, unsigned n, u8 *reply,
		unsigned nr_reply, unsigned timeout_ms);

int atkbd_connect(struct ps2_port *p);
int psmouse_connect(struct ps2_port *p);
