/* The queue between a driver's receive interrupt and the line discipline.
 *
 * Any context appends (rx_lock); one worker at a time (rx_mutex) hands the bytes to the discipline in
 * process context, so that echo and signals need no interrupt-safe path. Chunks are appended at the
 * tail; only the worker frees, and it keeps the last one for reuse, so that typing allocates nothing.
 * The bytes below `used` of a chunk never change, so the worker reads them without the lock.
 * A full queue (RX_LIMIT) refuses bytes; the driver is told by rx_resume when half is free. */
#include <alloc/slab.h>
#include <lib/string.h>
#include "tty_priv.h"

#define RX_LIMIT  (64 * KiB)
#define CHUNK_MIN 448u
#define CHUNK_MAX 3968u

struct tty_rx_chunk {
	struct tty_rx_chunk *next; /* [rx_lock] */
	u32 size, used, read;	   /* [rx_lock] */
	bool flagged;		   /* [I] data[size..2*size) are the flags */
	u8 data[];
};

static struct tty_rx_chunk *chunk_new(size_t want, bool flagged)
{
	u32 size = clamp_t(u32, want, CHUNK_MIN, CHUNK_MAX);
	struct tty_rx_chunk *c =
		kmalloc(sizeof(*c) + (flagged ? 2 * size : size), GFP_ATOMIC | GFP_NOWARN);

	if (!c)
		return NULL;
	c->next = NULL;
	c->size = size;
	c->used = c->read = 0;
	c->flagged = flagged;
	return c;
}

/* rx_lock held. Room in the tail chunk for at least one byte of this kind. */
static struct tty_rx_chunk *chunk_tail(struct tty *t, size_t want, bool flagged)
{
	struct tty_rx_chunk *c = t->rx_tail;

	if (c && c->used < c->size && (c->flagged || !flagged))
		return c;
	c = chunk_new(want, flagged);
	if (!c)
		return NULL;
	if (t->rx_tail)
		t->rx_tail->next = c;
	else
		t->rx_head = c;
	t->rx_tail = c;
	return c;
}

static size_t rx_append(struct tty *t, const u8 *p, const u8 *flags, u8 flag, size_t n)
{
	size_t done = 0;
	unsigned long f;

	spin_lock_irqsave(&t->rx_lock, f);
	while (done < n && t->rx_bytes < RX_LIMIT) {
		bool flagged = flags || flag != TTY_NORMAL;
		struct tty_rx_chunk *c = chunk_tail(t, n - done, flagged);
		size_t k;

		if (!c)
			break;
		k = min_t(size_t, min_t(size_t, n - done, c->size - c->used),
			  RX_LIMIT - t->rx_bytes);
		memcpy(c->data + c->used, p + done, k);
		if (c->flagged && flags)
			memcpy(c->data + c->size + c->used, flags + done, k);
		else if (c->flagged)
			memset(c->data + c->size + c->used, flag, k);
		c->used += k;
		t->rx_bytes += k;
		done += k;
	}
	if (done < n)
		t->rx_full = true;
	spin_unlock_irqrestore(&t->rx_lock, f);
	tty_rx_kick(t);
	return done;
}

size_t tty_receive(struct tty *t, const u8 *p, size_t n, u8 flag)
{
	return rx_append(t, p, NULL, flag, n);
}

size_t tty_receive_flags(struct tty *t, const u8 *p, const u8 *flags, size_t n)
{
	return rx_append(t, p, flags, TTY_NORMAL, n);
}

size_t tty_receive_room(struct tty *t)
{
	size_t used = READ_ONCE(t->rx_bytes);

	return used < RX_LIMIT ? RX_LIMIT - used : 0;
}

/* The chunk with unread bytes at the head, how many; frees the empty ones before it. rx_mutex held. */
static struct tty_rx_chunk *rx_front(struct tty *t, size_t *n)
{
	struct tty_rx_chunk *c, *dead;
	unsigned long f;

	for (;;) {
		spin_lock_irqsave(&t->rx_lock, f);
		c = t->rx_head;
		*n = c ? c->used - c->read : 0;
		dead = NULL;
		if (c && !*n && c->next) {
			dead = c;
			t->rx_head = c->next;
		} else if (c && !*n) {
			c->used = c->read = 0;
		}
		spin_unlock_irqrestore(&t->rx_lock, f);
		if (!dead)
			return *n ? c : NULL;
		kfree(dead);
	}
}

/* rx_mutex held. True when the driver waits and there is room again. */
static bool rx_consume(struct tty *t, struct tty_rx_chunk *c, size_t n)
{
	bool resume = false;
	unsigned long f;

	spin_lock_irqsave(&t->rx_lock, f);
	c->read += n;
	t->rx_bytes -= n;
	if (t->rx_full && t->rx_bytes <= RX_LIMIT / 2) {
		t->rx_full = false;
		resume = true;
	}
	spin_unlock_irqrestore(&t->rx_lock, f);
	return resume;
}

static void rx_deliver(struct tty *t, const struct tty_ldisc_ops *ld)
{
	struct tty_rx_chunk *c;
	size_t n;

	while ((c = rx_front(t, &n))) {
		const u8 *p = c->data + c->read;
		size_t took = n;

		if (ld)
			took = ld->receive(t, p, c->flagged ? p + c->size : NULL, n);
		if (took && rx_consume(t, c, took) && t->ops->rx_resume)
			t->ops->rx_resume(t);
		if (took < n)
			break;
	}
}

static void rx_run(struct tty *t)
{
	const struct tty_ldisc_ops *ld;

	mutex_lock(&t->rx_mutex);
	ld = tty_ldisc_ref(t);
	if (ld && READ_ONCE(t->echo_pending) && ld->write_wakeup)
		ld->write_wakeup(t);
	rx_deliver(t, ld);
	if (ld)
		tty_ldisc_unref(t);
	mutex_unlock(&t->rx_mutex);
}

static void rx_work_fn(struct work *w)
{
	struct tty *t = container_of(w, struct tty, rx_work);

	rx_run(t);
	tty_put(t);
}

void tty_rx_kick(struct tty *t)
{
	tty_get(t);
	if (!work_queue(&t->rx_work))
		tty_put(t);
}

void tty_unthrottle_input(struct tty *t)
{
	if (READ_ONCE(t->rx_bytes))
		tty_rx_kick(t);
}

void tty_rx_flush_work(struct tty *t)
{
	work_flush(&t->rx_work);
}

void tty_rx_discard(struct tty *t)
{
	mutex_lock(&t->rx_mutex);
	rx_deliver(t, NULL);
	mutex_unlock(&t->rx_mutex);
}

void tty_rx_init(struct tty *t)
{
	spin_init(&t->rx_lock);
	mutex_init(&t->rx_mutex);
	work_init(&t->rx_work, rx_work_fn);
}

void tty_rx_destroy(struct tty *t)
{
	struct tty_rx_chunk *c, *next;

	for (c = t->rx_head; c; c = next) {
		next = c->next;
		kfree(c);
	}
	t->rx_head = t->rx_tail = NULL;
}
