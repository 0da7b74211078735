/* What libvterm wants of <stdlib.h>. Its allocator is always given; the default one is never reached. */
#pragma once
#include <stddef.h>
#include <lib/types.h>
#include <lib/string.h>

void term_abort(void) __attribute__((noreturn));
static inline void abort(void)
{
	term_abort();
}
static inline void exit(int code)
{
	term_abort();
}
static inline void *malloc(size_t n)
{
	return NULL;
}
static inline void free(void *p)
{
}
static inline int abs(int x)
{
	return x < 0 ? -x : x;
}
