/* PC screen fonts, versions 1 and 2, with their Unicode tables.
 *
 * Source: the format as psf(5)-like descriptions of the kbd package state it: PSF1 magic 36 04, mode
 * byte (bit 0: 512 glyphs, bits 1-2: table), bytes per glyph; table of u16 with 0xffff ending a
 * glyph and 0xfffe opening a sequence. PSF2 magic 72 b5 4a 86, a header of u32, a table in UTF-8 with
 * 0xff and 0xfe. Sequences (base and combining characters) are not used. Pure but for kmalloc. */
#include <alloc/vmalloc.h>
#include <lib/err.h>
#include <lib/string.h>
#include "video_priv.h"

struct psf2_header {
	u32 magic, version, header_size, flags, length, char_size, height, width;
};
#define PSF2_MAGIC 0x864ab572u

struct cursor {
	const u8 *p, *end;
	bool psf2;
};
enum { TOK_END = -1, TOK_SEQ = -2, TOK_DONE = -3 };

static s32 utf8_next(struct cursor *c)
{
	u8 b = *c->p++;
	unsigned more = b >= 0xf0 ? 3 : b >= 0xe0 ? 2 : b >= 0xc0 ? 1 : 0;
	u32 ch = more == 3 ? b & 7 : more == 2 ? b & 15 : more == 1 ? b & 31 : b;

	while (more-- && c->p < c->end)
		ch = ch << 6 | (*c->p++ & 63);
	return (s32)ch;
}

/* The next code point of the table, or a TOK_*. */
static s32 next_token(struct cursor *c)
{
	u32 v;

	if (c->psf2) {
		if (c->p >= c->end)
			return TOK_DONE;
		if (*c->p == 0xff || *c->p == 0xfe)
			return *c->p++ == 0xff ? TOK_END : TOK_SEQ;
		return utf8_next(c);
	}
	if (c->end - c->p < 2)
		return TOK_DONE;
	v = c->p[0] | (u32)c->p[1] << 8;
	c->p += 2;
	return v == 0xffff ? TOK_END : v == 0xfffe ? TOK_SEQ : (s32)v;
}

/* Walk the table; with out NULL only count. */
static u32 read_map(const struct psf *f, struct cursor c, struct psf_map *out)
{
	u32 n = 0, glyph = 0;
	bool seq = false;
	s32 t;

	while (glyph < f->count && (t = next_token(&c)) != TOK_DONE) {
		if (t == TOK_END) {
			glyph++;
			seq = false;
		} else if (t == TOK_SEQ) {
			seq = true;
		} else if (!seq) {
			if (out)
				out[n] = (struct psf_map){(u32)t, (u16)glyph};
			n++;
		}
	}
	return n;
}

static void sift(struct psf_map *m, u32 i, u32 n)
{
	for (u32 k; (k = 2 * i + 1) < n; i = k) {
		if (k + 1 < n && m[k + 1].ch > m[k].ch)
			k++;
		if (m[i].ch >= m[k].ch)
			return;
		struct psf_map x = m[i];
		m[i] = m[k];
		m[k] = x;
	}
}

static void heap_sort(struct psf_map *m, u32 n)
{
	for (u32 i = n / 2; i-- > 0;)
		sift(m, i, n);
	for (u32 e = n; e-- > 1;) {
		struct psf_map x = m[0];
		m[0] = m[e];
		m[e] = x;
		sift(m, 0, e);
	}
}

static const struct psf_map *map_find(const struct psf *f, u32 ch)
{
	u32 lo = 0, hi = f->map_len;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (f->map[mid].ch == ch)
			return &f->map[mid];
		if (f->map[mid].ch < ch)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static int build_map(struct psf *f, struct cursor c)
{
	const struct psf_map *m;

	f->map_len = read_map(f, c, NULL);
	if (!f->map_len)
		return -EINVAL;
	f->map = kvmalloc(f->map_len * sizeof(*f->map), GFP_KERNEL);
	if (!f->map)
		return -ENOMEM;
	(void)read_map(f, c, f->map);
	heap_sort(f->map, f->map_len);
	m = map_find(f, 0xfffd);
	if (!m)
		m = map_find(f, '?');
	f->unknown = m ? m->glyph : 0;
	for (u32 i = 0; i < 256; i++) {
		m = map_find(f, i);
		f->latin[i] = m ? m->glyph : f->unknown;
	}
	return 0;
}

/* Without a table glyph numbers are code points. */
static void identity_map(struct psf *f)
{
	f->map = NULL;
	f->map_len = 0;
	f->unknown = '?' < f->count ? '?' : 0;
	for (u32 i = 0; i < 256; i++)
		f->latin[i] = i < f->count ? (u16)i : f->unknown;
}

int psf_parse(struct psf *f, const void *data, size_t n)
{
	const u8 *d = data;
	struct cursor c = {.end = d + n};
	bool table;
	size_t head;

	if (n >= 4 && d[0] == 0x36 && d[1] == 0x04) {
		head = 4;
		f->count = d[2] & 1 ? 512 : 256;
		f->bytes = f->height = d[3];
		f->width = 8;
		table = d[2] & 6;
	} else if (n >= sizeof(struct psf2_header)) {
		struct psf2_header h;

		memcpy(&h, d, sizeof(h));
		if (h.magic != PSF2_MAGIC || h.header_size < sizeof(h) || h.header_size > n)
			return -EINVAL;
		head = h.header_size;
		f->count = h.length;
		f->bytes = h.char_size;
		f->height = h.height;
		f->width = h.width;
		table = h.flags & 1;
		c.psf2 = true;
	} else {
		return -EINVAL;
	}
	if (!f->count || f->count > 65535 || !f->height || f->height > 64 || !f->width ||
	    f->width > 64 || f->bytes != f->height * DIV_ROUND_UP(f->width, 8) ||
	    (n - head) / f->bytes < f->count)
		return -EINVAL;
	f->glyphs = d + head;
	c.p = f->glyphs + (size_t)f->count * f->bytes;
	if (table)
		return build_map(f, c);
	identity_map(f);
	return 0;
}

void psf_free(struct psf *f)
{
	kvfree(f->map);
	f->map = NULL;
}

u16 psf_glyph(const struct psf *f, u32 ch)
{
	const struct psf_map *m;

	if (ch < 256)
		return f->latin[ch];
	m = map_find(f, ch);
	return m ? m->glyph : f->unknown;
}
