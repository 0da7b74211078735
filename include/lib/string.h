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
/* Let the compiler expand small constant sizes and fold constants, which -ffreestanding forbids for the
 * plain names. */
#define memcpy(d, s, n)	 __builtin_memcpy(d, s, n)
#define memmove(d, s, n) __builtin_memmove(d, s, n)
#define memset(d, c, n)	 __builtin_memset(d, c, n)
#define memcmp(a, b, n)	 __builtin_memcmp(a, b, n)
#define strlen(s)	 __builtin_strlen(s)
#define strcmp(a, b)	 __builtin_strcmp(a, b)
#endif

/* Copy at most n-1 bytes and terminate; returns the length copied, or -E2BIG if cut. n >= 1. */
ssize_t str_copy(char *d, const char *s, size_t n);
bool str_has_prefix(const char *s, const char *prefix);
/* Shell-like pattern with '*' and '?'. */
bool glob_match(const char *pattern, const char *s);

/* vsnprintf of C99, without floating point and %n. Returns the length the whole text would have.
 * Extensions: %pS symbol+offset/size, %ps symbol, %pE name of the error in an ERR_PTR ("-ENOENT"). */
#ifdef HOST_TEST /* ours beside the C library's */
#include <stdio.h>
#define vsnprintf k_vsnprintf
#define snprintf  k_snprintf
#endif
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

/* How %pS and %ps find names: kernel/log installs symbol_lookup(). NULL: addresses are shown. */
extern const char *(*printf_symbol_hook)(u64 addr, u64 *offset, u64 *size);
/* "ENOENT" for 2 or -2; NULL for an unknown number. */
const char *errno_name(int err);
