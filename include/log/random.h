/* Random numbers for every layer: ChaCha20 generators, one per CPU, keyed from an entropy pool (random(4), random(7)). */
#pragma once
#include <lib/types.h>

/* Fill buf. Any context but NMI; before random_ready() the quality is what the machine gave so far. */
void random_bytes(void *buf, size_t n);
static inline u64 random_u64(void)
{
	u64 v;
	random_bytes(&v, sizeof(v));
	return v;
}
/* Uniform in [0, limit), limit > 0. */
u64 random_below(u64 limit);

/* Has the pool been given enough (256 bits)? Once true, for ever. */
bool random_ready(void);
/* Mix data in, claiming bits of entropy for it (0: none). Any context but NMI. */
void random_add(const void *data, size_t n, unsigned bits);
/* Take a jitter sample of the CPU and what interrupts have left; true once ready. Call it repeatedly,
 * with something unpredictable in between. */
bool random_stir(void);
/* New keys for all generators from the pool. */
void random_reseed(void);
unsigned random_entropy_bits(void); /* 0..256 */

/* Long outputs: a ChaCha20 state of the caller's own, to be wiped by random_end. */
void random_begin(u32 state[16]);
void random_end(u32 state[16]);
