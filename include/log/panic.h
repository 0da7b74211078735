/* Panic, assertions. */
#pragma once
#include <log/printk.h>
#include <arch/regs.h>

/* Message, registers, symbolised backtrace, CPU and thread; then what panic= says. Survives a second
 * fault inside itself. */
void panic(const char *fmt, ...) __printf(1, 2) __noreturn;
void panic_regs(const struct regs *r, const char *fmt, ...) __printf(2, 3) __noreturn;
/* With a text of several lines under the message; and such a text alone. Debug builds only. */
void panic_with(const char *details, const char *fmt, ...) __printf(2, 3) __noreturn;
void print_lines(enum log_level level, const char *text);
extern bool panicking;
extern s64 panic_timeout; /* [a] seconds before a reboot; 0: never, negative: at once */

/* Filled in by the scheduler: prints "CPU: n PID: n Comm: name". */
extern void (*panic_thread_hook)(void);

#define BUG_ON(c)                                                          \
	do {                                                               \
		if (unlikely(c))                                           \
			panic("BUG at %s:%d: %s", __FILE__, __LINE__, #c); \
	} while (0)
#define WARN_ON(c)                                           \
	({                                                   \
		bool __w = (c);                              \
		if (unlikely(__w))                           \
			warn_report(__FILE__, __LINE__, #c); \
		__w;                                         \
	})
void warn_report(const char *file, int line, const char *what); /* with a backtrace */
#ifdef CONFIG_DEBUG
#define DEBUG_ON(c) BUG_ON(c)
#else
#define DEBUG_ON(c) ((void)sizeof(c))
#endif

/* Symbol table of the image. Name of the function at addr, its offset and size; NULL if unknown. */
const char *symbol_lookup(u64 addr, u64 *offset, u64 *size);
void backtrace_print(u64 fp);
