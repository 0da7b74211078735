/* zstd frames (RFC 8878) over zstd's streaming decoder. */
#include "decompress_priv.h"
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>

/* A frame that wants a larger window is refused: memory is the limit. */
#define WINDOW_LOG_MAX 27

static void *z_alloc(void *opaque, size_t n)
{
	return decompress_allocator.alloc(n);
}

static void z_free(void *opaque, void *p)
{
	if (p)
		decompress_allocator.free(p);
}

static int error_of(size_t r)
{
	return ZSTD_getErrorCode(r) == ZSTD_error_memory_allocation ? -ENOMEM : -EBADMSG;
}

static int run(ZSTD_DStream *z, ZSTD_inBuffer *in, void *buf, size_t size, decompress_out out,
	       void *ctx)
{
	for (;;) {
		ZSTD_outBuffer o = {buf, size, 0};
		size_t before = in->pos;
		size_t r = ZSTD_decompressStream(z, &o, in);

		if (ZSTD_isError(r))
			return error_of(r);
		if (o.pos) {
			int err = out(ctx, buf, o.pos);
			if (err < 0)
				return err;
		}
		if (r == 0)
			return 0;
		if (in->pos == before && o.pos == 0)
			return -EBADMSG; /* wants more than there is */
	}
}

int unzstd(const u8 *in, size_t n, decompress_out out, void *ctx, size_t *consumed)
{
	ZSTD_customMem mem = {z_alloc, z_free, NULL};
	ZSTD_inBuffer src = {in, n, 0};
	size_t size = ZSTD_DStreamOutSize();
	ZSTD_DStream *z = ZSTD_createDStream_advanced(mem);
	void *buf = decompress_allocator.alloc(size);
	int err = -ENOMEM;

	if (z && buf) {
		ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
		err = run(z, &src, buf, size, out, ctx);
		*consumed = src.pos;
	}
	if (buf)
		decompress_allocator.free(buf);
	ZSTD_freeDStream(z);
	return err;
}
