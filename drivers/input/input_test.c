/* The input core with a made-up device and handler. */
#include <alloc/slab.h>
#include <drivers/input.h>
#include <init/ktest.h>
#include <lib/string.h>
#include <sched/thread.h>

#define TEST_KEY KEY_F24 /* no layout gives it a meaning */

static char seen[128];
static unsigned seen_len;
static struct input_dev *test_dev;

static int t_connect(struct input_handler *self, struct input_handle *h)
{
	return h->dev == test_dev ? 0 : -1;
}

static void t_event(struct input_handle *h, unsigned type, unsigned code, s32 value)
{
	char c = type == EV_SYN	  ? '.'
		 : type == EV_KEY ? (char)('0' + value)
		 : type == EV_REL ? 'r'
				  : 'l';

	if (seen_len < sizeof(seen) - 1)
		seen[seen_len++] = c;
	seen[seen_len] = 0;
}

static struct input_handler handler = {.name = "test", .connect = t_connect, .event = t_event};

static bool saw(const char *s)
{
	bool ok = !strcmp(seen, s);

	seen_len = 0;
	seen[0] = 0;
	return ok;
}

KTEST(input, events)
{
	static bool registered;
	struct input_dev *d = kzalloc(sizeof(*d), GFP_KERNEL);

	REQUIRE(d);
	test_dev = d;
	if (!registered)
		REQUIRE(!input_handler_register(&handler));
	registered = true;
	d->name = "test device";
	bit_set(d->evbit, EV_KEY);
	bit_set(d->evbit, EV_REL);
	bit_set(d->evbit, EV_REP);
	bit_set(d->keybit, TEST_KEY);
	bit_set(d->relbit, REL_X);
	d->rep[REP_DELAY] = 50;
	d->rep[REP_PERIOD] = 1000;
	REQUIRE(!input_register(d));
	(void)saw("");

	input_report_key(d, TEST_KEY, true);
	input_sync(d);
	input_report_key(d, TEST_KEY, true); /* nothing new, no repeat of its own */
	input_sync(d);
	CHECK(saw("1."));
	sleep_ns(120 * NSEC_PER_MSEC);
	CHECK(saw("2."));
	input_report_key(d, KEY_A, true); /* not one of its keys */
	input_report_rel(d, REL_X, 0);
	input_sync(d);
	CHECK(saw(""));
	input_report_rel(d, REL_X, -3);
	input_release_keys(d);
	CHECK(saw("r0."));
	input_unregister(d);
	kfree(d);
}
