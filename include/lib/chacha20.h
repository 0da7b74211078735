/* The ChaCha20 block function (RFC 8439, 2.3). Pure. */
#pragma once
#include <lib/types.h>

#define CHACHA20_BLOCK 64
#define CHACHA20_KEY   32

/* Constants and key; counter and nonce 0. */
void chacha20_init(u32 state[16], const u8 key[CHACHA20_KEY]);
/* One block of key stream; the block counter (words 12 and 13, 64 bits) goes up by one. */
void chacha20_block(u32 state[16], u8 out[CHACHA20_BLOCK]);
