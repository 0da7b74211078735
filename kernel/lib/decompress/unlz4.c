/* lz4 frames over lz4's block decoder: the frame format (lz4_Frame_format.md 1.6.2) and the legacy format
 * that `lz4 -l` writes. A window of the last 64 KiB of output serves blocks that depend on earlier ones. */
#include "decompress_priv.h"
#define XXH_STATIC_LINKING_ONLY
#include <lz4.h>
#include <xxhash.h>

#define LEGACY_BLOCK (8 * MiB)
#define WINDOW	     (64 * KiB)

enum { F_DICT = 1, F_CONTENT_SUM = 4, F_CONTENT_SIZE = 8, F_BLOCK_SUM = 16, F_INDEPENDENT = 32 };

struct frame {
	u8 flags;
	size_t block_max, pos;
	XXH32_state_t sum;
	u8 *buf;     /* WINDOW of history, then a block */
	size_t have; /* bytes of history, right before buf + WINDOW */
};

static int parse_header(struct frame *f, const u8 *in, size_t n)
{
	size_t len = 7;
	u8 bd;

	if (n < 7)
		return -EBADMSG;
	f->flags = in[4];
	bd = in[5];
	/* Version 01; no dictionary, as there is nowhere to have one from. */
	if (f->flags >> 6 != 1 || f->flags & (F_DICT | 2) || bd & 0x8f || bd >> 4 < 4)
		return -EBADMSG;
	if (f->flags & F_CONTENT_SIZE)
		len += 8;
	if (n < len || (XXH32(in + 4, len - 5, 0) >> 8 & 255) != in[len - 1])
		return -EBADMSG;
	f->block_max = 1ul << (8 + 2 * (bd >> 4));
	f->pos = len;
	return 0;
}

/* One block of c bytes at in; its output is at buf + WINDOW. Bytes or -EBADMSG. */
static int decode_block(struct frame *f, const u8 *in, size_t c, bool stored)
{
	u8 *dst = f->buf + WINDOW;
	int r;

	if (stored) {
		if (c > f->block_max)
			return -EBADMSG;
		memcpy(dst, in, c);
		return (int)c;
	}
	r = LZ4_decompress_safe_usingDict((const char *)in, (char *)dst, (int)c, (int)f->block_max,
					  (const char *)dst - f->have, (int)f->have);
	return r < 0 ? -EBADMSG : r;
}

/* Move the last WINDOW bytes in front of where the next block goes. */
static void keep_history(struct frame *f, size_t got)
{
	size_t total = f->have + got, keep = min(total, (size_t)WINDOW);
	u8 *end = f->buf + WINDOW + got;

	memmove(f->buf + WINDOW - keep, end - keep, keep);
	f->have = keep;
}

static int blocks(struct frame *f, const u8 *in, size_t n, decompress_out out, void *ctx)
{
	for (;;) {
		bool stored;
		u32 c;
		int got, err;

		if (n - f->pos < 4)
			return -EBADMSG;
		c = get_le32(in + f->pos);
		f->pos += 4;
		if (!c)
			return 0;
		stored = c >> 31;
		c &= 0x7fffffff;
		if (c > n - f->pos)
			return -EBADMSG;
		got = decode_block(f, in + f->pos, c, stored);
		if (got < 0)
			return got;
		if (f->flags & F_BLOCK_SUM) {
			if (n - f->pos - c < 4 ||
			    XXH32(in + f->pos, c, 0) != get_le32(in + f->pos + c))
				return -EBADMSG;
			f->pos += 4;
		}
		f->pos += c;
		if (f->flags & F_CONTENT_SUM)
			XXH32_update(&f->sum, f->buf + WINDOW, (size_t)got);
		err = out(ctx, f->buf + WINDOW, (size_t)got);
		if (err < 0)
			return err;
		if (!(f->flags & F_INDEPENDENT))
			keep_history(f, (size_t)got);
	}
}

int unlz4(const u8 *in, size_t n, decompress_out out, void *ctx, size_t *consumed)
{
	struct frame f = {0};
	int err = parse_header(&f, in, n);

	if (err)
		return err;
	f.buf = decompress_allocator.alloc(WINDOW + f.block_max);
	if (!f.buf)
		return -ENOMEM;
	XXH32_reset(&f.sum, 0);
	err = blocks(&f, in, n, out, ctx);
	if (!err && f.flags & F_CONTENT_SUM) {
		if (n - f.pos < 4 || get_le32(in + f.pos) != XXH32_digest(&f.sum))
			err = -EBADMSG;
		f.pos += 4;
	}
	*consumed = f.pos;
	decompress_allocator.free(f.buf);
	return err;
}

/* Blocks until the input ends or what follows cannot be a block: the format has no end mark. */
int unlz4_legacy(const u8 *in, size_t n, decompress_out out, void *ctx, size_t *consumed)
{
	u8 *buf = decompress_allocator.alloc(LEGACY_BLOCK);
	size_t pos = 4;
	int err = 0;

	if (!buf)
		return -ENOMEM;
	while (n - pos >= 4) {
		u32 c = get_le32(in + pos);
		int got;

		if (!c || c > (u32)LZ4_compressBound(LEGACY_BLOCK))
			break;
		err = -EBADMSG;
		if (c > n - pos - 4)
			break;
		got = LZ4_decompress_safe((const char *)in + pos + 4, (char *)buf, (int)c,
					  LEGACY_BLOCK);
		if (got < 0)
			break;
		err = out(ctx, buf, (size_t)got);
		if (err < 0)
			break;
		err = 0;
		pos += 4 + c;
		if (got < (int)LEGACY_BLOCK)
			break;
	}
	*consumed = pos;
	decompress_allocator.free(buf);
	return err;
}
