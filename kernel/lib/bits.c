/* Bitmap scans over arrays of unsigned long. Pure; any context. */
#include <lib/bits.h>
#include <lib/string.h>

/* inv: ~0 looks for clear bits, 0 for set bits. */
static size_t find(const unsigned long *map, size_t nbits, size_t start, unsigned long inv)
{
	size_t w = start / BITS_PER_LONG;
	unsigned long v;

	if (start >= nbits)
		return nbits;
	v = (READ_ONCE(map[w]) ^ inv) & ~0ul << (start % BITS_PER_LONG);
	while (!v) {
		if (++w >= BITS_TO_LONGS(nbits))
			return nbits;
		v = READ_ONCE(map[w]) ^ inv;
	}
	return min(w * BITS_PER_LONG + ffs64(v), nbits);
}

size_t bitmap_find_set(const unsigned long *map, size_t nbits, size_t start)
{
	return find(map, nbits, start, 0);
}

size_t bitmap_find_clear(const unsigned long *map, size_t nbits, size_t start)
{
	return find(map, nbits, start, ~0ul);
}

static unsigned weight64(u64 v)
{
	v -= v >> 1 & 0x5555555555555555ul;
	v = (v & 0x3333333333333333ul) + (v >> 2 & 0x3333333333333333ul);
	v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0ful;
	return (unsigned)(v * 0x0101010101010101ul >> 56);
}

size_t bitmap_weight(const unsigned long *map, size_t nbits)
{
	size_t n = 0, full = nbits / BITS_PER_LONG;

	for (size_t i = 0; i < full; i++)
		n += weight64(map[i]);
	if (nbits % BITS_PER_LONG)
		n += weight64(map[full] & ~(~0ul << (nbits % BITS_PER_LONG)));
	return n;
}

bool bitmap_empty(const unsigned long *map, size_t nbits)
{
	return bitmap_find_set(map, nbits, 0) == nbits;
}

void bitmap_zero(unsigned long *map, size_t nbits)
{
	memset(map, 0, BITS_TO_LONGS(nbits) * sizeof(long));
}

/* Bits of the last word beyond nbits are set too. */
void bitmap_fill(unsigned long *map, size_t nbits)
{
	memset(map, 0xff, BITS_TO_LONGS(nbits) * sizeof(long));
}
