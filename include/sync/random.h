/* The kernel's random numbers: a ChaCha20 generator with fast key erasure, seeded from the CPU's
 * instructions and from the jitter of events. Any context. */
#pragma once
#include <lib/types.h>

/* Cryptographically strong once random_ready(). */
void random_bytes(void *buf, size_t n);
u64 random_u64(void);
/* Stir in what an adversary cannot know exactly (interrupt times, device input). Any context, cheap. */
void random_mix(const void *data, size_t n);
/* Enough entropy has come in (the CPU's generator, or 256 events). */
bool random_ready(void);
