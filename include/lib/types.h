/* Basic types. Physical addresses and frame numbers are one-member structs, so that
 * mixing them with virtual addresses or with each other does not compile. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdarg.h>
#include <lib/compiler.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
typedef unsigned long ulong;

#ifndef HOST_TEST
typedef long ssize_t;
typedef s64 loff_t;
typedef s32 pid_t;
typedef u32 uid_t;
typedef u32 gid_t;
typedef u32 dev_t; /* 12 bits major, 20 bits minor: see MKDEV in include/fs/dev.h */
typedef u32 mode_t;
typedef u64 ino_t;
#else
#include <sys/types.h>
#endif

/* Physical address in bytes. */
typedef struct {
	u64 v;
} paddr_t;

/* Physical page-frame number (paddr >> PAGE_SHIFT). */
typedef struct {
	u64 v;
} pfn_t;

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1ul << PAGE_SHIFT)
#define PAGE_MASK  (~(PAGE_SIZE - 1))

static __always_inline paddr_t pa(u64 v)
{
	return (paddr_t){v};
}
static __always_inline paddr_t pa_add(paddr_t p, u64 n)
{
	return (paddr_t){p.v + n};
}
static __always_inline pfn_t pa_to_pfn(paddr_t p)
{
	return (pfn_t){p.v >> PAGE_SHIFT};
}
static __always_inline paddr_t pfn_to_pa(pfn_t f)
{
	return (paddr_t){f.v << PAGE_SHIFT};
}

#define KiB (1024ul)
#define MiB (1024ul * KiB)
#define GiB (1024ul * MiB)
