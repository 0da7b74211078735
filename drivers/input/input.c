/* The input core: devices report events, every handler that took the device sees them.
 *
 * Source: the evdev model as kernel documentation states it (event types, values 0/1/2 of keys,
 * SYN_REPORT ends a packet). A key event that changes nothing is dropped, except that a repeated
 * press of a device with its own repeat becomes value 2; for others a timer repeats.
 * Locks: input_lock (mutex: the lists, connecting) > dev->lock (irqsave: state, calls of handlers). */
#include <alloc/slab.h>
#include <drivers/input.h>
#include <fs/procfs.h>
#include <init/initcall.h>
#include <lib/err.h>
#include <lib/string.h>
#include <log/printk.h>
#include <sched/lock.h>

#define DELAY_MS  250
#define PERIOD_MS 33

static DEFINE_MUTEX(input_lock);
static LIST_HEAD(devices);  /* [input_lock] */
static LIST_HEAD(handlers); /* [input_lock] */
static unsigned next_nr;    /* [input_lock] */

/* dev->lock held. */
static void pass(struct input_dev *d, unsigned type, unsigned code, s32 value)
{
	struct input_handle *h;

	list_for_each_entry (h, &d->handles, dev_node)
		h->handler->event(h, type, code, value);
}

static void assign_bit(unsigned long *map, unsigned i, bool on)
{
	if (on)
		bit_set(map, i);
	else
		bit_clear(map, i);
}

static void repeat_start(struct input_dev *d, unsigned code)
{
	d->rep_key = code;
	if (!d->hw_repeat && bit_test(d->evbit, EV_REP) && d->rep[REP_DELAY])
		timer_start(&d->rep_timer, ktime_get() + d->rep[REP_DELAY] * NSEC_PER_MSEC);
}

/* dev->lock held; the value to pass on, or -1 for nothing. */
static s32 key_event(struct input_dev *d, unsigned code, s32 value)
{
	bool was;

	if (code >= KEY_CNT || !bit_test(d->keybit, code))
		return -1;
	was = bit_test(d->key, code);
	if (value == 2)
		return was ? 2 : -1;
	if (was == !!value) /* pressed again: the device's own repeat */
		return value && d->hw_repeat && bit_test(d->evbit, EV_REP) ? 2 : -1;
	assign_bit(d->key, code, value);
	if (value)
		repeat_start(d, code);
	else if (d->rep_key == code)
		d->rep_key = 0;
	return !!value;
}

static s32 led_event(struct input_dev *d, unsigned code, s32 value)
{
	if (code >= LED_CNT || !bit_test(d->ledbit, code) || bit_test(d->led, code) == !!value)
		return -1;
	assign_bit(d->led, code, value);
	if (d->event)
		d->event(d, EV_LED, code, !!value);
	return !!value;
}

/* dev->lock held. */
static void handle(struct input_dev *d, unsigned type, unsigned code, s32 value)
{
	bool ok = true;

	switch (type) {
	case EV_SYN:
		if (code == SYN_REPORT) {
			ok = d->pending;
			d->pending = false;
		}
		if (ok)
			pass(d, type, code, value);
		return;
	case EV_KEY:
		value = key_event(d, code, value);
		ok = value >= 0;
		break;
	case EV_REL:
		ok = code < REL_CNT && bit_test(d->relbit, code) && value;
		break;
	case EV_ABS:
		ok = code < ABS_CNT && bit_test(d->absbit, code);
		if (ok && d->absinfo) {
			ok = d->absinfo[code].value != value;
			d->absinfo[code].value = value;
		}
		break;
	case EV_MSC:
		ok = code < MSC_CNT && bit_test(d->mscbit, code);
		break;
	case EV_LED:
		value = led_event(d, code, value);
		ok = value >= 0;
		break;
	case EV_REP:
		ok = code < REP_CNT && value >= 0 && d->rep[code] != value;
		if (ok) {
			d->rep[code] = value;
			if (d->event)
				d->event(d, type, code, value);
		}
		break;
	case EV_SND:
		if (d->event)
			d->event(d, type, code, value);
		break;
	default:
		ok = false;
	}
	if (ok) {
		d->pending = true;
		pass(d, type, code, value);
	}
}

void input_report(struct input_dev *d, unsigned type, unsigned code, s32 value)
{
	unsigned long f;

	if (type >= EV_CNT || (type != EV_SYN && !bit_test(d->evbit, type)))
		return;
	spin_lock_irqsave(&d->lock, f);
	handle(d, type, code, value);
	spin_unlock_irqrestore(&d->lock, f);
}

void input_inject(struct input_handle *h, unsigned type, unsigned code, s32 value)
{
	input_report(h->dev, type, code, value);
}

void input_release_keys(struct input_dev *d)
{
	unsigned long f;

	spin_lock_irqsave(&d->lock, f);
	for (size_t k = bitmap_find_set(d->key, KEY_CNT, 0); k < KEY_CNT;
	     k = bitmap_find_set(d->key, KEY_CNT, k + 1))
		handle(d, EV_KEY, (unsigned)k, 0);
	handle(d, EV_SYN, SYN_REPORT, 0);
	spin_unlock_irqrestore(&d->lock, f);
}

static void repeat_fire(struct timer *t)
{
	struct input_dev *d = container_of(t, struct input_dev, rep_timer);
	unsigned long f;

	spin_lock_irqsave(&d->lock, f);
	if (d->rep_key && bit_test(d->key, d->rep_key)) {
		handle(d, EV_KEY, d->rep_key, 2);
		handle(d, EV_SYN, SYN_REPORT, 1);
		if (d->rep[REP_PERIOD])
			timer_start(t, ktime_get() + d->rep[REP_PERIOD] * NSEC_PER_MSEC);
	}
	spin_unlock_irqrestore(&d->lock, f);
}

/* --- devices and handlers -------------------------------------------------------------------- */

/* input_lock held. */
static void try_connect(struct input_dev *d, struct input_handler *hr)
{
	struct input_handle *h = kzalloc(sizeof(*h), GFP_KERNEL);
	unsigned long f;

	if (!h)
		return;
	h->dev = d;
	h->handler = hr;
	if (hr->connect(hr, h)) {
		kfree(h);
		return;
	}
	list_add_tail(&h->handler_node, &hr->handles);
	spin_lock_irqsave(&d->lock, f);
	list_add_tail(&h->dev_node, &d->handles);
	spin_unlock_irqrestore(&d->lock, f);
}

int input_register(struct input_dev *d)
{
	struct input_handler *hr;

	bit_set(d->evbit, EV_SYN);
	spin_init(&d->lock);
	list_init(&d->handles);
	timer_init(&d->rep_timer, repeat_fire);
	if (bit_test(d->evbit, EV_REP) && !d->rep[REP_DELAY]) {
		d->rep[REP_DELAY] = DELAY_MS;
		d->rep[REP_PERIOD] = PERIOD_MS;
	}
	mutex_lock(&input_lock);
	d->nr = next_nr++;
	list_add_tail(&d->node, &devices);
	list_for_each_entry (hr, &handlers, node)
		try_connect(d, hr);
	mutex_unlock(&input_lock);
	printk(LOG_INFO, "input: %s as input%u\n", d->name, d->nr);
	return 0;
}

void input_unregister(struct input_dev *d)
{
	struct input_handle *h, *n;
	unsigned long f;

	input_release_keys(d);
	(void)timer_cancel(&d->rep_timer);
	mutex_lock(&input_lock);
	list_for_each_entry_safe (h, n, &d->handles, dev_node) {
		spin_lock_irqsave(&d->lock, f);
		list_del(&h->dev_node);
		spin_unlock_irqrestore(&d->lock, f);
		list_del(&h->handler_node);
		if (h->handler->disconnect)
			h->handler->disconnect(h);
		kfree(h);
	}
	list_del(&d->node);
	mutex_unlock(&input_lock);
}

int input_handler_register(struct input_handler *hr)
{
	struct input_dev *d;

	mutex_lock(&input_lock);
	list_init(&hr->handles);
	list_add_tail(&hr->node, &handlers);
	list_for_each_entry (d, &devices, node)
		try_connect(d, hr);
	mutex_unlock(&input_lock);
	return 0;
}

void input_for_each_handle(struct input_handler *hr, void (*fn)(struct input_handle *h, void *arg),
			   void *arg)
{
	struct input_handle *h;

	mutex_lock(&input_lock);
	if (hr->handles.next)
		list_for_each_entry (h, &hr->handles, handler_node)
			fn(h, arg);
	mutex_unlock(&input_lock);
}

/* --- /proc/bus/input/devices ----------------------------------------------------------------- */

static void show_bits(struct seq *s, const char *name, const unsigned long *map, unsigned n)
{
	unsigned i = BITS_TO_LONGS(n);

	while (i > 1 && !map[i - 1])
		i--;
	seq_printf(s, "B: %s=", name);
	while (i--)
		seq_printf(s, "%lx%s", map[i], i ? " " : "\n");
}

static int show_devices(struct seq *s, void *arg)
{
	struct input_dev *d;
	struct input_handle *h;

	mutex_lock(&input_lock);
	list_for_each_entry (d, &devices, node) {
		seq_printf(s, "I: Bus=%04x Vendor=%04x Product=%04x Version=%04x\n", d->id.bustype,
			   d->id.vendor, d->id.product, d->id.version);
		seq_printf(s,
			   "N: Name=\"%s\"\nP: Phys=%s\nS: Sysfs=\nU: Uniq=\nH: Handlers=", d->name,
			   d->phys ? d->phys : "");
		list_for_each_entry (h, &d->handles, dev_node)
			seq_printf(s, "%s ", h->handler->name);
		seq_puts(s, "\nB: PROP=0\n");
		show_bits(s, "EV", d->evbit, EV_CNT);
		if (bit_test(d->evbit, EV_KEY))
			show_bits(s, "KEY", d->keybit, KEY_CNT);
		if (bit_test(d->evbit, EV_REL))
			show_bits(s, "REL", d->relbit, REL_CNT);
		if (bit_test(d->evbit, EV_MSC))
			show_bits(s, "MSC", d->mscbit, MSC_CNT);
		if (bit_test(d->evbit, EV_LED))
			show_bits(s, "LED", d->ledbit, LED_CNT);
		seq_putc(s, '\n');
	}
	mutex_unlock(&input_lock);
	return 0;
}

static int input_init(void)
{
	return proc_create("bus/input/devices", 0444, show_devices, NULL, NULL);
}
INITCALL(late, input_init);
