/* The kernel log: a ring of records (level, time stamp, text) read by dmesg and /dev/kmsg, shown on
 * the registered consoles. printk works in any context, also NMI and before any console exists. */
#pragma once
#include <lib/types.h>

enum log_level {
	LOG_EMERG,
	LOG_ALERT,
	LOG_CRIT,
	LOG_ERR,
	LOG_WARNING,
	LOG_NOTICE,
	LOG_INFO,
	LOG_DEBUG,
};

void printk(enum log_level level, const char *fmt, ...) __printf(2, 3);
void vprintk(enum log_level level, const char *fmt, va_list ap);

/* Each file may define LOG_PREFIX ("apic: ") before including this. */
#ifndef LOG_PREFIX
#define LOG_PREFIX ""
#endif
#define pr_emerg(f, ...)  printk(LOG_EMERG, LOG_PREFIX f, ##__VA_ARGS__)
#define pr_crit(f, ...)	  printk(LOG_CRIT, LOG_PREFIX f, ##__VA_ARGS__)
#define pr_err(f, ...)	  printk(LOG_ERR, LOG_PREFIX f, ##__VA_ARGS__)
#define pr_warn(f, ...)	  printk(LOG_WARNING, LOG_PREFIX f, ##__VA_ARGS__)
#define pr_notice(f, ...) printk(LOG_NOTICE, LOG_PREFIX f, ##__VA_ARGS__)
#define pr_info(f, ...)	  printk(LOG_INFO, LOG_PREFIX f, ##__VA_ARGS__)
#define pr_debug(f, ...)  printk(LOG_DEBUG, LOG_PREFIX f, ##__VA_ARGS__)
#define pr_once(lvl, f, ...)                                               \
	do {                                                               \
		static bool __once;                                        \
		if (!__atomic_exchange_n(&__once, true, __ATOMIC_RELAXED)) \
			printk(lvl, LOG_PREFIX f, ##__VA_ARGS__);          \
	} while (0)

/* A console shows log records. write: any context, interrupts may be off; must not printk. */
struct console {
	const char *name; /* "ttyS0", "tty0" as in console= */
	void (*write)(struct console *c, const char *s, size_t n);
	/* Make write safe after a panic (drop locks). */
	void (*panic_enter)(struct console *c);
	/* Wait until what programs wrote to the same device has left it (bounded); may be NULL. May sleep. */
	void (*drain)(struct console *c);
	struct console *next;
	bool enabled;
};
/* Shows the backlog on it if console= asks for it (or nothing was asked and it is the first). The
 * early console (arch_early_putc) is dropped when the first real one comes. */
void console_register(struct console *c);
/* Before the machine stops: let every console's device send what it has queued. May sleep. */
void consoles_drain(void);
/* For panic(): makes printk and the consoles usable whoever held their locks. */
void printk_panic_enter(void);
extern int console_loglevel; /* [a] records with level < this are shown */

/* Reading the ring: a cursor survives overwriting (then the oldest kept record is next). */
struct log_cursor {
	u64 seq;
};
struct log_record {
	u64 seq, ns;
	enum log_level level;
	u32 len; /* bytes of text given to the reader */
};
/* Copy the text of the next record at or after c->seq into buf (no NUL; cut at n), fill hdr, advance.
 * false at the end. Readers format it themselves (/dev/kmsg: "prio,seq,usec,-;text"). */
bool log_read(struct log_cursor *c, struct log_record *hdr, char *buf, size_t n);
u64 log_first_seq(void);
u64 log_next_seq(void);
void log_clear(void); /* SYSLOG_ACTION_CLEAR */
extern u64 log_clear_seq;
size_t log_buf_size(void);
/* Called (hard IRQ context possible) when a record was added: /dev/kmsg's readers. */
struct log_wake_hook {
	void (*fn)(void);
	struct log_wake_hook *next;
};
void log_add_wake_hook(struct log_wake_hook *h); /* for ever */
