/* The kernel log ring and its consoles.
 *
 * Records of variable length lie back to back in one power-of-two ring; `head` and `tail` are
 * ever-growing byte positions, and a record never wraps (a filler record closes the end). When the
 * ring is full the oldest records go. Writers serialise by `lock` with interrupts off; an NMI or a
 * panic that finds it taken prints to the early console only, so printk never dead-locks.
 *
 * Consoles are written outside `lock`, by whoever holds `console_busy`: another CPU (or an interrupt)
 * that logs meanwhile only adds its record, and the holder prints it before it leaves.
 *
 * Context: any. Source: dev-kmsg (Linux ABI documentation), syslog(2) for the readers' formats. */
#include <log/printk.h>
#include <log/panic.h>
#include <arch/cpu.h>
#include <arch/clock.h>
#include <init/bootinfo.h>
#include <lib/err.h>
#include <lib/string.h>
#include <sync/spinlock.h>

#define LOG_BUF_SIZE (128 * KiB)
#define LOG_LINE_MAX 1024

/* In the ring, 8-byte aligned; a filler closes the end before the wrap. */
struct ring_record {
	u64 seq, ns;
	u32 total; /* bytes to the next record */
	u16 len;
	u8 level;
	u8 filler;
	char text[];
};

static char ring[LOG_BUF_SIZE] __aligned(8);
static DEFINE_SPINLOCK(lock);
static u64 head, tail;		/* [lock] byte positions: next write, oldest record */
static u64 first_seq, next_seq; /* [lock] sequence numbers of tail and head */
u64 log_clear_seq;		/* [a] */
int console_loglevel = LOG_DEBUG;
static struct console *consoles; /* [console_busy] */
static u64 console_pos_seq;	 /* [console_busy] next record to show */
static u32 console_busy;	 /* [a] 1: somebody prints */
static bool have_console;
static u64 early_end_seq; /* [console_busy] the early console showed what comes before this */
static struct log_wake_hook *wake_hooks; /* [a] added at the head, never removed */

static struct ring_record *at(u64 pos)
{
	return (struct ring_record *)(ring + (pos & (LOG_BUF_SIZE - 1)));
}

/* The end of the ring too short for a header is skipped by writers and readers alike. */
static u64 skip_stub(u64 pos)
{
	u64 room = LOG_BUF_SIZE - (pos & (LOG_BUF_SIZE - 1));
	return room < sizeof(struct ring_record) ? pos + room : pos;
}

static void drop_oldest(void) __requires_lock(lock)
{
	struct ring_record *r = at(tail);
	tail = skip_stub(tail + r->total);
	if (!r->filler)
		first_seq++;
}

static void store(enum log_level level, const char *text, size_t len) __requires_lock(lock)
{
	u32 total = (u32)ALIGN_UP(sizeof(struct ring_record) + len, 8ul);
	u64 room = LOG_BUF_SIZE - (head & (LOG_BUF_SIZE - 1));

	if (room < total) {
		while (LOG_BUF_SIZE - (head - tail) < room)
			drop_oldest();
		*at(head) = (struct ring_record){.total = (u32)room, .filler = 1};
		head += room;
	}
	while (LOG_BUF_SIZE - (head - tail) < total)
		drop_oldest();
	struct ring_record *r = at(head);
	r->seq = next_seq++;
	r->ns = arch_clock_ns();
	r->total = total;
	r->len = (u16)len;
	r->level = (u8)level;
	r->filler = 0;
	memcpy(r->text, text, len);
	head = skip_stub(head + total);
}

/* Position of the record with sequence number *seq or the oldest one after it; head if none. */
static u64 seek(u64 *seq) __requires_lock(lock)
{
	u64 pos = tail;

	if (*seq < first_seq)
		*seq = first_seq;
	while (pos != head) {
		struct ring_record *r = at(pos);
		if (!r->filler && r->seq >= *seq)
			return pos;
		pos = skip_stub(pos + r->total);
	}
	return head;
}

bool log_read(struct log_cursor *c, struct log_record *hdr, char *buf, size_t n)
{
	unsigned long f;

	spin_lock_irqsave(&lock, f);
	u64 pos = seek(&c->seq);
	bool found = pos != head;
	if (found) {
		struct ring_record *r = at(pos);
		size_t len = min_t(size_t, r->len, n);
		memcpy(buf, r->text, len);
		hdr->seq = r->seq;
		hdr->ns = r->ns;
		hdr->level = r->level;
		hdr->len = (u32)len;
		c->seq = r->seq + 1;
	}
	spin_unlock_irqrestore(&lock, f);
	return found;
}

u64 log_first_seq(void)
{
	return READ_ONCE(first_seq);
}
u64 log_next_seq(void)
{
	return READ_ONCE(next_seq);
}
void log_clear(void)
{
	WRITE_ONCE(log_clear_seq, log_next_seq());
}
size_t log_buf_size(void)
{
	return LOG_BUF_SIZE;
}
void log_add_wake_hook(struct log_wake_hook *h)
{
	h->next = READ_ONCE(wake_hooks);
	while (!__atomic_compare_exchange_n(&wake_hooks, &h->next, h, false, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED))
		;
}

static void early_write(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\n')
			arch_early_putc('\r');
		arch_early_putc(s[i]);
	}
}

static void console_emit(struct console *only, const struct log_record *h, const char *text)
{
	char stamp[32];
	int n = scnprintf(stamp, sizeof(stamp), "[%5lu.%06lu] ", h->ns / 1000000000ul,
			  h->ns / 1000 % 1000000);

	if (!have_console) {
		early_write(stamp, n);
		early_write(text, h->len);
		early_write("\n", 1);
		return;
	}
	for (struct console *c = consoles; c; c = c->next) {
		if (!c->enabled || (only && c != only))
			continue;
		c->write(c, stamp, n);
		c->write(c, text, h->len);
		c->write(c, "\n", 1);
	}
}

/* Show records from *seq on; stops at the end. console_busy held. */
static void show_from(u64 *seq, struct console *only)
{
	char text[LOG_LINE_MAX];
	struct log_record h;
	struct log_cursor c = {*seq};

	while (log_read(&c, &h, text, sizeof(text))) {
		*seq = c.seq;
		if (h.level < (u32)READ_ONCE(console_loglevel))
			console_emit(only, &h, text);
	}
}

static void flush_consoles(void)
{
	while (READ_ONCE(console_pos_seq) != log_next_seq()) {
		if (__atomic_exchange_n(&console_busy, 1, __ATOMIC_ACQUIRE) && !panicking)
			return;
		show_from(&console_pos_seq, NULL);
		__atomic_store_n(&console_busy, 0, __ATOMIC_RELEASE);
	}
}

void vprintk(enum log_level level, const char *fmt,
	     va_list ap) __no_lock_check /* an NMI only tries the lock */
{
	char text[LOG_LINE_MAX];
	int len = vsnprintf(text, sizeof(text), fmt, ap);
	unsigned long f;

	len = clamp_t(int, len, 0, (int)sizeof(text) - 1);
	while (len > 0 && text[len - 1] == '\n')
		len--;
	f = irq_save();
	preempt_disable();
	if (in_nmi() || panicking) {
		if (!__spin_try(&lock)) {
			early_write(text, len);
			early_write("\n", 1);
			goto out;
		}
	} else {
		__spin_acquire(&lock);
	}
	/* One record a line, so that a multi-line message keeps its stamps. */
	for (char *p = text, *end = text + len; p <= end;) {
		char *nl = memchr(p, '\n', end - p);
		size_t n = (nl ? nl : end) - p;
		store(level, p, n);
		p += n + 1;
	}
	__spin_release(&lock);
	if (!in_nmi() || panicking)
		flush_consoles();
	for (struct log_wake_hook *h = READ_ONCE(wake_hooks); h && !panicking; h = h->next)
		h->fn();
out:
	irq_restore(f);
	preempt_enable();
}

void printk(enum log_level level, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vprintk(level, fmt, ap);
	va_end(ap);
}

/* Does the command line ask for this console? With no console= at all the first one registered and
 * every later one named tty0 or ttyS0 is used. */
static bool console_wanted(const struct console *c)
{
	const char *p = bootinfo.cmdline;
	size_t n = strlen(c->name);
	bool any = false;

	while (p && (p = strstr(p, "console="))) {
		if (p == bootinfo.cmdline || p[-1] == ' ') {
			const char *v = p + 8;
			any = true;
			if (!strncmp(v, c->name, n) && (v[n] == 0 || v[n] == ' ' || v[n] == ','))
				return true;
		}
		p += 8;
	}
	return !any;
}

void console_register(struct console *c)
{
	u64 seq = 0;

	if (!console_wanted(c))
		return;
	while (__atomic_exchange_n(&console_busy, 1, __ATOMIC_ACQUIRE))
		cpu_relax();
	c->enabled = true;
	/* The early console already showed the backlog on the first serial port. */
	if (!have_console)
		early_end_seq = console_pos_seq;
	if (!strcmp(c->name, "ttyS0"))
		seq = early_end_seq;
	if (have_console || strcmp(c->name, "ttyS0")) {
		c->next = NULL;
		bool had = have_console;
		have_console = true;
		struct console *old = consoles;
		consoles = c;
		show_from(&seq, c);
		consoles = old;
		have_console = had;
	}
	c->next = consoles;
	consoles = c;
	have_console = true;
	__atomic_store_n(&console_busy, 0, __ATOMIC_RELEASE);
	flush_consoles();
}

void consoles_drain(void)
{
	/* Consoles are only ever added at the front. */
	for (struct console *c = READ_ONCE(consoles); c; c = c->next)
		if (c->drain)
			c->drain(c);
}

/* The other CPUs are stopped, maybe with locks that nobody will release. */
void printk_panic_enter(void)
{
	spin_init(&lock);
	for (struct console *c = consoles; c; c = c->next)
		if (c->enabled && c->panic_enter)
			c->panic_enter(c);
}

static void param_loglevel(const char *v)
{
	u64 n;
	if (v && !parse_u64(v, 10, &n))
		console_loglevel = (int)min_t(u64, n, 15);
}
static void param_quiet(const char *v)
{
	console_loglevel = LOG_WARNING;
}
static void param_debug(const char *v)
{
	console_loglevel = LOG_DEBUG + 1;
}
BOOT_PARAM("loglevel", param_loglevel);
BOOT_PARAM("quiet", param_quiet);
BOOT_PARAM("debug", param_debug);
