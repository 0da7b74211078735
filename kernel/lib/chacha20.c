/* ChaCha20's block function (RFC 8439, 2.1 to 2.3), with the 64-bit counter of the original cipher. Pure. */
#include <lib/chacha20.h>
#include <lib/string.h>

static inline u32 rotl(u32 v, unsigned n)
{
	return v << n | v >> (32 - n);
}

#define QUARTER(a, b, c, d)          \
	do {                         \
		a += b;              \
		d = rotl(d ^ a, 16); \
		c += d;              \
		b = rotl(b ^ c, 12); \
		a += b;              \
		d = rotl(d ^ a, 8);  \
		c += d;              \
		b = rotl(b ^ c, 7);  \
	} while (0)

void chacha20_init(u32 state[16], const u8 key[CHACHA20_KEY])
{
	static const u32 constants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

	memcpy(state, constants, sizeof(constants));
	memcpy(state + 4, key, CHACHA20_KEY);
	memset(state + 12, 0, 16);
}

void chacha20_block(u32 state[16], u8 out[CHACHA20_BLOCK])
{
	u32 x[16];

	memcpy(x, state, sizeof(x));
	for (unsigned i = 0; i < 10; i++) {
		QUARTER(x[0], x[4], x[8], x[12]);
		QUARTER(x[1], x[5], x[9], x[13]);
		QUARTER(x[2], x[6], x[10], x[14]);
		QUARTER(x[3], x[7], x[11], x[15]);
		QUARTER(x[0], x[5], x[10], x[15]);
		QUARTER(x[1], x[6], x[11], x[12]);
		QUARTER(x[2], x[7], x[8], x[13]);
		QUARTER(x[3], x[4], x[9], x[14]);
	}
	for (unsigned i = 0; i < 16; i++)
		x[i] += state[i];
	memcpy(out, x, sizeof(x));
	if (!++state[12])
		state[13]++;
}
