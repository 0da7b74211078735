/* BLAKE2s (RFC 7693), 32-bit hash with optional key. Pure. */
#pragma once
#include <lib/types.h>

#define BLAKE2S_HASH  32
#define BLAKE2S_BLOCK 64

struct blake2s {
	u32 h[8], t[2];
	u32 fill, hash_len;
	u8 buf[BLAKE2S_BLOCK];
};
/* hash_len 1..32, key_len 0..32. */
void blake2s_init(struct blake2s *s, size_t hash_len, const void *key, size_t key_len);
void blake2s_update(struct blake2s *s, const void *data, size_t n);
/* Writes hash_len bytes and wipes the state. */
void blake2s_final(struct blake2s *s, u8 *out);
/* All at once. */
void blake2s(u8 *out, size_t hash_len, const void *key, size_t key_len, const void *data, size_t n);
