/* Memory and string functions, printf-style formatting, number parsing. Pure; any context. */
#pragma once
#include <lib/types.h>

#ifdef HOST_TEST
#include <string.h>
#else
void *memcpy(void *restrict d, const void *restrict s, size_t n);
void *memmove(void *d, const void *s, size_t n);
void *memset(void *d, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t n);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *sub);
char *strncpy(char *d, const char *s, size_t n);
#endif

/* Copy at most n-1 bytes and terminate; returns the length copied, or -E2BIG if cut. n >= 1. */
ssize_t str_copy(char *d, const char *s, size_t n);
bool str_has_prefix(const char *s, const char *prefix);
/* Shell-like pattern with '*' and '?'. */
bool glob_match(const char *pattern, const char *s);

/* vsnprintf of C99, without floating point. Returns the length the whole text would have.
 * Extensions: %pS symbol+offset, %ps symbol, %pE -errno name. */
int vsnprintf(char *buf, size_t n, const char *fmt, va_list ap);
int snprintf(char *buf, size_t n, const char *fmt, ...) __printf(3, 4);
/* Like snprintf, but returns the number of bytes really written (without the NUL). */
int scnprintf(char *buf, size_t n, const char *fmt, ...) __printf(3, 4);

/* Whole-string number parsing: base 0 takes 0x and 0 prefixes. 0 or -EINVAL/-ERANGE. A trailing
 * newline is accepted. */
int parse_u64(const char *s, unsigned base, u64 *out) __must_check;
int parse_s64(const char *s, unsigned base, s64 *out) __must_check;
/* Number with K/M/G/T suffix as in "mem=512M"; *end is set behind it. */
u64 parse_size(const char *s, const char **end);
