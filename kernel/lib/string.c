/* Memory and string functions.
 *
 * Sizes up to 16 bytes are done with two overlapping loads and stores, up to BLOCK_MIN with 8-byte
 * moves, larger ones with the 8-byte string instructions, which every x86-64 CPU runs in its fast
 * microcode (Intel Optimization Manual, "REP MOVSB/STOSB"; ERMS makes them cache-line wide), and a last
 * overlapping word for the tail. No SSE: the kernel does not own the vector registers. The compiler
 * emits calls to memcpy, memmove, memset and memcmp by itself, so they must not call each other through
 * a pattern it recognises (see objs.mk). Pure; any context. */
#include "string_priv.h"
#include <uapi/errno.h>

#define BLOCK_MIN 96

typedef u64 __attribute__((may_alias, aligned(1))) u64u;
typedef u32 __attribute__((may_alias, aligned(1))) u32u;
typedef u16 __attribute__((may_alias, aligned(1))) u16u;

/* n <= 16: all loads come before all stores, so that overlap does not matter. */
static __always_inline void copy_small(u8 *d, const u8 *s, size_t n)
{
	if (n >= 8) {
		u64 a = *(const u64u *)s, b = *(const u64u *)(s + n - 8);
		*(u64u *)d = a;
		*(u64u *)(d + n - 8) = b;
	} else if (n >= 4) {
		u32 a = *(const u32u *)s, b = *(const u32u *)(s + n - 4);
		*(u32u *)d = a;
		*(u32u *)(d + n - 4) = b;
	} else if (n >= 2) {
		u16 a = *(const u16u *)s, b = *(const u16u *)(s + n - 2);
		*(u16u *)d = a;
		*(u16u *)(d + n - 2) = b;
	} else if (n) {
		*d = *s;
	}
}

/* n > 16, d below s or apart. The last word is read first: the forward copy may overwrite it. */
static __always_inline void copy_forward(u8 *d, const u8 *s, size_t n)
{
	u64 last = *(const u64u *)(s + n - 8);
	u8 *end = d + n - 8;

	if (n < BLOCK_MIN) {
		do {
			u64 a = *(const u64u *)s;
			*(u64u *)d = a;
			d += 8;
			s += 8;
		} while (d < end);
	} else {
		size_t words = (n - 1) / 8;
		__asm__ volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(words)::"memory");
	}
	*(u64u *)end = last;
}

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	if (n <= 16)
		copy_small(dst, src, n);
	else
		copy_forward(dst, src, n);
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	u8 *d = dst;
	const u8 *s = src;

	if (n <= 16) {
		copy_small(d, s, n);
	} else if ((uintptr_t)d - (uintptr_t)s >= n) {
		/* Forward is right even for overlap, as words are read before they are written. */
		copy_forward(d, s, n);
	} else {
		u64 first = *(const u64u *)s;
		size_t i = n;
		while (i > 8) {
			i -= 8;
			u64 a = *(const u64u *)(s + i);
			*(u64u *)(d + i) = a;
		}
		*(u64u *)d = first;
	}
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	u8 *d = dst;
	u64 v = (u8)c * 0x0101010101010101ul;

	if (n >= 8) {
		u8 *end = d + n - 8;
		if (n < BLOCK_MIN) {
			for (; d < end; d += 8)
				*(u64u *)d = v;
		} else {
			size_t words = (n - 1) / 8;
			__asm__ volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(v) : "memory");
		}
		*(u64u *)end = v;
	} else if (n >= 4) {
		*(u32u *)d = (u32)v;
		*(u32u *)(d + n - 4) = (u32)v;
	} else if (n) {
		d[0] = (u8)c;
		d[n - 1] = (u8)c;
		d[n / 2] = (u8)c;
	}
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;

	for (; n >= 8; n -= 8, x += 8, y += 8) {
		u64 u = *(const u64u *)x, v = *(const u64u *)y;
		if (u != v) {
			u = __builtin_bswap64(u);
			v = __builtin_bswap64(v);
			return u < v ? -1 : 1;
		}
	}
	for (; n; n--, x++, y++) {
		if (*x != *y)
			return *x - *y;
	}
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	const u8 *p = s;

	for (; n; n--, p++) {
		if (*p == (u8)c)
			return (void *)p;
	}
	return NULL;
}

size_t strlen(const char *s)
{
	const char *p = s;

	while (*p)
		p++;
	return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && s[i])
		i++;
	return i;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++) {
		if (*a != *b || !*a)
			return (u8)*a - (u8)*b;
	}
	return 0;
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)s;
		if (!*s)
			return NULL;
	}
}

char *strrchr(const char *s, int c)
{
	const char *found = NULL;

	for (;; s++) {
		if (*s == (char)c)
			found = s;
		if (!*s)
			return (char *)found;
	}
}

char *strstr(const char *s, const char *sub)
{
	size_t n = strlen(sub);

	if (!n)
		return (char *)s;
	for (; (s = strchr(s, *sub)); s++) {
		if (strncmp(s, sub, n) == 0)
			return (char *)s;
	}
	return NULL;
}

char *strncpy(char *d, const char *s, size_t n)
{
	size_t len = strnlen(s, n);

	memcpy(d, s, len);
	memset(d + len, 0, n - len);
	return d;
}

ssize_t str_copy(char *d, const char *s, size_t n)
{
	size_t len = strnlen(s, n);

	if (len < n) {
		memcpy(d, s, len + 1);
		return (ssize_t)len;
	}
	memcpy(d, s, n - 1);
	d[n - 1] = '\0';
	return -E2BIG;
}

bool str_has_prefix(const char *s, const char *prefix)
{
	while (*prefix) {
		if (*s++ != *prefix++)
			return false;
	}
	return true;
}

/* Linear in practice: only the last '*' is ever retried. */
bool glob_match(const char *pattern, const char *s)
{
	const char *star = NULL, *retry = NULL;

	for (;;) {
		if (*pattern == '*') {
			star = ++pattern;
			retry = s;
		} else if (*s && (*pattern == '?' || *pattern == *s)) {
			pattern++;
			s++;
		} else if (!*s && !*pattern) {
			return true;
		} else if (star && *retry) {
			pattern = star;
			s = ++retry;
		} else {
			return false;
		}
	}
}
