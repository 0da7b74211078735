/* Chooses a decoder by magic number. The decoders are zlib's, zstd's and lz4's (third_party/), driven by
 * gunzip.c, unzstd.c and unlz4.c. */
#include "decompress_priv.h"

struct decompress_allocator decompress_allocator;

static const struct format {
	const char *name;
	u8 magic[4];
	u8 magic_len;
	int (*run)(const u8 *in, size_t n, decompress_out out, void *ctx, size_t *consumed);
} formats[] = {
	{"gzip", {0x1f, 0x8b}, 2, gunzip},
	{"zstd", {0x28, 0xb5, 0x2f, 0xfd}, 4, unzstd},
	{"lz4", {0x04, 0x22, 0x4d, 0x18}, 4, unlz4},
	{"lz4", {0x02, 0x21, 0x4c, 0x18}, 4, unlz4_legacy},
};

static const struct format *detect(const u8 *in, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		const struct format *f = &formats[i];
		if (n >= f->magic_len && memcmp(in, f->magic, f->magic_len) == 0)
			return f;
	}
	return NULL;
}

const char *decompress_detect(const void *in, size_t n)
{
	const struct format *f = detect(in, n);

	return f ? f->name : NULL;
}

int decompress(const void *in, size_t n, int (*out)(void *ctx, const void *data, size_t n),
	       void *ctx, size_t *consumed)
{
	const struct format *f = detect(in, n);
	size_t used = 0;
	int err;

	if (!f)
		return -EINVAL;
	err = f->run(in, n, out, ctx, &used);
	if (!err && consumed)
		*consumed = used;
	return err;
}
