/* Text files made on the fly (procfs, sysfs): a growing buffer that show functions print into. */
#pragma once
#include <lib/types.h>

struct seq {
	char *buf;
	size_t len, size;
	bool failed; /* no memory */
};
void seq_printf(struct seq *s, const char *fmt, ...) __printf(2, 3);
void seq_puts(struct seq *s, const char *str);
void seq_putc(struct seq *s, char c);
void seq_write(struct seq *s, const void *p, size_t n);
/* str with the characters in esc (and backslash) as octal escapes, as in /proc/mounts. */
void seq_escape(struct seq *s, const char *str, const char *esc);
