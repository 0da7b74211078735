/* Decompression of gzip, zstd and lz4 frames, told apart by their magic numbers. */
#pragma once
#include <lib/types.h>

/* Decompress one frame that starts at in; the plain bytes go to out(ctx, data, n) piece by piece, in
 * order. A negative result of out ends the work and is returned. 0: the frame was whole, *consumed
 * (if not NULL) is its length in the input. -EINVAL: no known magic; -EBADMSG: broken or truncated;
 * -ENOMEM. May sleep. */
int decompress(const void *in, size_t n, int (*out)(void *ctx, const void *data, size_t n),
	       void *ctx, size_t *consumed) __must_check;
/* "gzip", "zstd", "lz4", or NULL. Any context. */
const char *decompress_detect(const void *in, size_t n);

/* Where the decoders get memory: set once at boot (mm/alloc) or by a host test. */
struct decompress_allocator {
	void *(*alloc)(size_t n);
	void (*free)(void *p);
};
extern struct decompress_allocator decompress_allocator;
