/* Bit scans and bitmaps of any length (arrays of unsigned long). The plain forms are not atomic. */
#pragma once
#include <lib/types.h>

#define BITS_PER_LONG	 64
#define BITS_TO_LONGS(n) DIV_ROUND_UP(n, BITS_PER_LONG)

/* Index of the lowest / highest set bit; x must not be 0. */
static inline unsigned ffs64(u64 x)
{
	return (unsigned)__builtin_ctzll(x);
}
static inline unsigned fls64(u64 x)
{
	return 63u - (unsigned)__builtin_clzll(x);
}
static inline bool is_power_of_2(u64 x)
{
	return x && !(x & (x - 1));
}
/* Smallest order with (1 << order) >= x; x >= 1. */
static inline unsigned order_of(u64 x)
{
	return x <= 1 ? 0 : fls64(x - 1) + 1;
}
static inline bool bit_test(const unsigned long *map, size_t n)
{
	return READ_ONCE(map[n / BITS_PER_LONG]) >> (n % BITS_PER_LONG) & 1;
}
static inline void bit_set(unsigned long *map, size_t n)
{
	map[n / BITS_PER_LONG] |= 1ul << (n % BITS_PER_LONG);
}
static inline void bit_clear(unsigned long *map, size_t n)
{
	map[n / BITS_PER_LONG] &= ~(1ul << (n % BITS_PER_LONG));
}
static inline void bit_set_atomic(unsigned long *map, size_t n)
{
	__atomic_or_fetch(&map[n / BITS_PER_LONG], 1ul << (n % BITS_PER_LONG), __ATOMIC_SEQ_CST);
}
static inline void bit_clear_atomic(unsigned long *map, size_t n)
{
	__atomic_and_fetch(&map[n / BITS_PER_LONG], ~(1ul << (n % BITS_PER_LONG)),
			   __ATOMIC_SEQ_CST);
}
static inline bool bit_test_and_set_atomic(unsigned long *map, size_t n)
{
	unsigned long m = 1ul << (n % BITS_PER_LONG);
	return __atomic_fetch_or(&map[n / BITS_PER_LONG], m, __ATOMIC_SEQ_CST) & m;
}
static inline bool bit_test_and_clear_atomic(unsigned long *map, size_t n)
{
	unsigned long m = 1ul << (n % BITS_PER_LONG);
	return __atomic_fetch_and(&map[n / BITS_PER_LONG], ~m, __ATOMIC_SEQ_CST) & m;
}
/* First set / clear bit at or after start; returns nbits if there is none. */
size_t bitmap_find_set(const unsigned long *map, size_t nbits, size_t start);
size_t bitmap_find_clear(const unsigned long *map, size_t nbits, size_t start);
size_t bitmap_weight(const unsigned long *map, size_t nbits);
bool bitmap_empty(const unsigned long *map, size_t nbits);
void bitmap_zero(unsigned long *map, size_t nbits);
void bitmap_fill(unsigned long *map, size_t nbits);
