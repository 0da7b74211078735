/* Input devices (keyboards, mice) and those who want their events: the virtual terminals' keyboard
 * handler now, evdev later. See drivers/input/README.md. */
#pragma once
#include <lib/bits.h>
#include <lib/list.h>
#include <sync/ref.h>
#include <sync/spinlock.h>
#include <time/timer.h>
#include <uapi/input.h>

struct input_dev {
	const char *name, *phys; /* [I] */
	struct input_id id;	 /* [I] */
	/* What it can send [I]: a zero bitmap of a type means none of it */
	unsigned long evbit[BITS_TO_LONGS(EV_CNT)];
	unsigned long keybit[BITS_TO_LONGS(KEY_CNT)];
	unsigned long relbit[BITS_TO_LONGS(REL_CNT)];
	unsigned long absbit[BITS_TO_LONGS(ABS_CNT)];
	unsigned long mscbit[BITS_TO_LONGS(MSC_CNT)];
	unsigned long ledbit[BITS_TO_LONGS(LED_CNT)];
	struct input_absinfo {
		s32 value, minimum, maximum, fuzz, flat, resolution;
	} * absinfo; /* [lock] by ABS_* code, or NULL */
	/* Carry out EV_LED, EV_REP, EV_SND: lock held, interrupts off. May be NULL. */
	void (*event)(struct input_dev *d, unsigned type, unsigned code, s32 value);
	void *driver_data;
	bool hw_repeat; /* [I] the device repeats keys itself */

	spinlock_t lock;			   /* irqsave */
	unsigned long key[BITS_TO_LONGS(KEY_CNT)]; /* [lock] keys that are down */
	unsigned long led[BITS_TO_LONGS(LED_CNT)]; /* [lock] LEDs that are on */
	s32 rep[REP_CNT];			   /* [lock] delay and period, ms */
	struct timer rep_timer;
	unsigned rep_key;    /* [lock] */
	bool pending;	     /* [lock] events since the last SYN_REPORT */
	unsigned nr;	     /* [I] */
	struct list handles; /* [lock] struct input_handle */
	struct list node;    /* [input list lock] */
};

/* One device in the hands of one handler. */
struct input_handle {
	struct input_dev *dev;
	struct input_handler *handler;
	void *priv;
	struct list dev_node, handler_node;
};

struct input_handler {
	const char *name;
	/* 0: takes the device (h is live from now on); -ENODEV: not interested. Process context. */
	int (*connect)(struct input_handler *self, struct input_handle *h);
	void (*disconnect)(struct input_handle *h);
	/* Each event, SYN_REPORT included. dev->lock held, interrupts off. */
	void (*event)(struct input_handle *h, unsigned type, unsigned code, s32 value);
	struct list handles; /* [input list lock] */
	struct list node;    /* [input list lock] */
};

/* Fill in the capabilities first. Process context. 0, -ENOMEM. */
int input_register(struct input_dev *d) __must_check;
void input_unregister(struct input_dev *d);
int input_handler_register(struct input_handler *h) __must_check;

/* fn for each device that the handler has; none before it is registered. Process context. */
void input_for_each_handle(struct input_handler *h, void (*fn)(struct input_handle *h, void *arg),
			   void *arg);

/* From the driver: events that change nothing are dropped; a packet ends with input_sync. Any context. */
void input_report(struct input_dev *d, unsigned type, unsigned code, s32 value);
static inline void input_report_key(struct input_dev *d, unsigned code, bool down)
{
	input_report(d, EV_KEY, code, down);
}
static inline void input_report_rel(struct input_dev *d, unsigned code, s32 v)
{
	input_report(d, EV_REL, code, v);
}
static inline void input_sync(struct input_dev *d)
{
	input_report(d, EV_SYN, SYN_REPORT, 0);
}
/* All keys up (the device was reset). */
void input_release_keys(struct input_dev *d);
/* From a handler: set LEDs, repeat rates, sound. Any context but an event callback. */
void input_inject(struct input_handle *h, unsigned type, unsigned code, s32 value);
