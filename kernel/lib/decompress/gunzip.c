/* gzip members (RFC 1952) over zlib's raw inflate. The header and the CRC are done here: zlib's own CRC
 * would bring another 30 KiB of tables. */
#include "decompress_priv.h"
#include <lib/crc32.h>
#define crc32 zlib_crc32 /* zlib's declaration, of a function that is not linked */
#include <zlib.h>
#undef crc32

#define OUT_SIZE (64 * KiB)

enum { FHCRC = 2, FEXTRA = 4, FNAME = 8, FCOMMENT = 16, FRESERVED = 0xe0 };

static voidpf z_alloc(voidpf opaque, uInt items, uInt size)
{
	return decompress_allocator.alloc((size_t)items * size);
}

static void z_free(voidpf opaque, voidpf p)
{
	decompress_allocator.free(p);
}

/* Position behind the string that ends at or after pos; n + 1 if it does not. */
static size_t skip_string(const u8 *in, size_t n, size_t pos)
{
	while (pos < n && in[pos])
		pos++;
	return pos + 1;
}

/* Length of the header, 0 if it is broken. */
static size_t header_length(const u8 *in, size_t n)
{
	size_t pos = 10;
	u8 flags;

	if (n < 18 || in[2] != Z_DEFLATED || (flags = in[3]) & FRESERVED)
		return 0;
	if (flags & FEXTRA)
		pos += 2 + (in[10] | (size_t)in[11] << 8);
	if (flags & FNAME)
		pos = skip_string(in, n, pos);
	if (flags & FCOMMENT)
		pos = skip_string(in, n, pos);
	if (flags & FHCRC)
		pos += 2;
	return pos < n ? pos : 0;
}

static int inflate_all(z_stream *z, u8 *buf, decompress_out out, void *ctx, u32 *crc, u32 *length)
{
	for (;;) {
		size_t got;
		int r, err;

		z->next_out = buf;
		z->avail_out = OUT_SIZE;
		r = inflate(z, Z_NO_FLUSH);
		got = OUT_SIZE - z->avail_out;
		*crc = crc32(*crc, buf, got);
		*length += (u32)got;
		if (got) {
			err = out(ctx, buf, got);
			if (err < 0)
				return err;
		}
		if (r == Z_STREAM_END)
			return 0;
		if (r == Z_MEM_ERROR)
			return -ENOMEM;
		if (r != Z_OK)
			return -EBADMSG;
	}
}

int gunzip(const u8 *in, size_t n, decompress_out out, void *ctx, size_t *consumed)
{
	size_t pos = header_length(in, n);
	u32 crc = 0, length = 0;
	z_stream z;
	u8 *buf;
	int err;

	if (!pos)
		return -EBADMSG;
	buf = decompress_allocator.alloc(OUT_SIZE);
	if (!buf)
		return -ENOMEM;
	memset(&z, 0, sizeof(z));
	z.zalloc = z_alloc;
	z.zfree = z_free;
	z.next_in = (u8 *)in + pos;
	z.avail_in = (uInt)min_t(size_t, n - pos, UINT32_MAX);
	err = -ENOMEM;
	if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
		goto out_buf;
	err = inflate_all(&z, buf, out, ctx, &crc, &length);
	pos = (size_t)(z.next_in - in);
	if (!err && (n - pos < 8 || get_le32(in + pos) != crc || get_le32(in + pos + 4) != length))
		err = -EBADMSG;
	*consumed = pos + 8;
	inflateEnd(&z);
out_buf:
	decompress_allocator.free(buf);
	return err;
}
