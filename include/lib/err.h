/* Errors inside pointers: functions that return an object return ERR_PTR(-errno) on failure. */
#pragma once
#include <lib/types.h>
#include <uapi/errno.h>

#define MAX_ERRNO 4095

static inline void *ERR_PTR(long err)
{
	return (void *)err;
}
static inline long PTR_ERR(const void *p)
{
	return (long)p;
}
static inline bool IS_ERR(const void *p)
{
	return unlikely((unsigned long)p >= (unsigned long)-MAX_ERRNO);
}
static inline bool IS_ERR_OR_NULL(const void *p)
{
	return unlikely(!p) || IS_ERR(p);
}
static inline void *ERR_CAST(const void *p)
{
	return (void *)p;
}
