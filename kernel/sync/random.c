/* Random numbers: ChaCha20 (RFC 8439, 2.3) as a generator with fast key erasure (D. J. Bernstein, 2017):
 * each request takes a block whose first half becomes the next key before the rest is given out, so
 * that a later look at the state tells nothing about earlier output.
 *
 * Entropy is folded into the key by running the block function over key ^ input. random_lock is a leaf
 * lock, IRQ-safe. */
#include <arch/clock.h>
#include <arch/cpu.h>
#include <lib/string.h>
#include <sync/random.h>
#include <sync/spinlock.h>

#define READY_EVENTS 256

static DEFINE_SPINLOCK(random_lock);
static u32 key[8];	  /* [random_lock] */
static u64 counter;	  /* [random_lock] */
static u32 pool[8];	  /* [random_lock] input waiting to be folded in */
static unsigned pool_pos, events; /* [random_lock] */
static bool seeded, ready;

static inline u32 rotl(u32 x, unsigned n)
{
	return x << n | x >> (32 - n);
}
static inline void quarter(u32 *a, u32 *b, u32 *c, u32 *d)
{
	*a += *b;
	*d = rotl(*d ^ *a, 16);
	*c += *d;
	*b = rotl(*b ^ *c, 12);
	*a += *b;
	*d = rotl(*d ^ *a, 8);
	*c += *d;
	*b = rotl(*b ^ *c, 7);
}

static void block(u32 out[16])
{
	u32 in[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
	u32 s[16];

	memcpy(in + 4, key, 32);
	in[12] = (u32)counter;
	in[13] = (u32)(counter >> 32);
	counter++;
	memcpy(s, in, sizeof(s));
	for (int i = 0; i < 10; i++) {
		for (int c = 0; c < 4; c++)
			quarter(&s[c], &s[4 + c], &s[8 + c], &s[12 + c]);
		for (int c = 0; c < 4; c++)
			quarter(&s[c], &s[4 + (c + 1) % 4], &s[8 + (c + 2) % 4], &s[12 + (c + 3) % 4]);
	}
	for (int i = 0; i < 16; i++)
		out[i] = s[i] + in[i];
}

static void fold(void)
{
	u32 out[16];

	for (int i = 0; i < 8; i++) {
		key[i] ^= pool[i];
		pool[i] = 0;
	}
	pool_pos = 0;
	block(out);
	memcpy(key, out, sizeof(key));
}

static void seed(void)
{
	u64 v, t = rdtsc();

	seeded = true;
	for (int i = 0; i < 8; i += 2) {
		if (arch_random_u64(&v))
			events += READY_EVENTS / 4;
		else
			v = t * 0x9e3779b97f4a7c15ul + i;
		pool[i] ^= (u32)v;
		pool[i + 1] ^= (u32)(v >> 32) ^ (u32)rdtsc();
	}
	fold();
	ready = events >= READY_EVENTS;
}

void random_mix(const void *data, size_t n)
{
	const u8 *p = data;
	unsigned long f;

	spin_lock_irqsave(&random_lock, f);
	for (size_t i = 0; i < n; i++) {
		((u8 *)pool)[pool_pos % 32] ^= p[i];
		pool_pos++;
	}
	pool[pool_pos / 4 % 8] ^= (u32)rdtsc();
	if (++events % 16 == 0)
		fold();
	if (!ready && events >= READY_EVENTS)
		ready = true;
	spin_unlock_irqrestore(&random_lock, f);
}

void random_bytes(void *buf, size_t n)
{
	u8 *p = buf;
	u32 out[16];
	unsigned long f;

	while (n) {
		spin_lock_irqsave(&random_lock, f);
		if (unlikely(!seeded))
			seed();
		block(out);
		memcpy(key, out, sizeof(key));
		spin_unlock_irqrestore(&random_lock, f);
		size_t k = min_t(size_t, n, 32);
		memcpy(p, out + 8, k);
		p += k;
		n -= k;
	}
	memset(out, 0, sizeof(out));
	__asm__ volatile("" ::"r"(out) : "memory");
}

u64 random_u64(void)
{
	u64 v;

	random_bytes(&v, sizeof(v));
	return v;
}

bool random_ready(void)
{
	if (!seeded)
		(void)random_u64();
	return READ_ONCE(ready);
}
