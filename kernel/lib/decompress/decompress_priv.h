/* The decoders behind decompress(): same contract, their own format only. */
#pragma once
#include <lib/decompress.h>
#include <lib/string.h>
#include <uapi/errno.h>

typedef int (*decompress_out)(void *ctx, const void *data, size_t n);

int gunzip(const u8 *in, size_t n, decompress_out out, void *ctx, size_t *consumed);
int unzstd(const u8 *in, size_t n, decompress_out out, void *ctx, size_t *consumed);
int unlz4(const u8 *in, size_t n, decompress_out out, void *ctx, size_t *consumed);
int unlz4_legacy(const u8 *in, size_t n, decompress_out out, void *ctx, size_t *consumed);

static inline u32 get_le32(const u8 *p)
{
	return p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}
