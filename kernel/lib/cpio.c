/* cpio "newc" reader. Every length is checked against what is left before it is used; names must end in
 * a NUL inside the archive. Format: cpio(5). Pure; any context. */
#include <lib/cpio.h>
#include <lib/string.h>
#include <uapi/errno.h>

#define HEADER	     110
#define NAME_MAX_LEN 4096

void cpio_init(struct cpio *c, const void *buf, size_t size)
{
	*c = (struct cpio){.buf = buf, .size = size};
}

static int broken(struct cpio *c, const char *why)
{
	c->error = why;
	return -EINVAL;
}

static bool hex_field(const u8 *p, u32 *out)
{
	u32 v = 0;

	for (unsigned i = 0; i < 8; i++) {
		u8 ch = p[i];
		u8 low = ch | 32;

		if (ch >= '0' && ch <= '9')
			v = v << 4 | (u32)(ch - '0');
		else if (low >= 'a' && low <= 'f')
			v = v << 4 | (u32)(low - 'a' + 10);
		else
			return false;
	}
	*out = v;
	return true;
}

size_t cpio_skip_padding(struct cpio *c)
{
	while (c->pos < c->size && !c->buf[c->pos])
		c->pos++;
	return c->size - c->pos;
}

int cpio_next(struct cpio *c, struct cpio_entry *e)
{
	u32 f[13]; /* ino mode uid gid nlink mtime size devmaj devmin rdevmaj rdevmin namesize check */
	size_t left = c->size - c->pos, name_end;
	const u8 *h = c->buf + c->pos;

	if (!left)
		return 0;
	if (left < HEADER)
		return broken(c, "truncated header");
	if (memcmp(h, "07070", 5) || (h[5] != '1' && h[5] != '2'))
		return broken(c, "no newc header");
	for (unsigned i = 0; i < 13; i++) {
		if (!hex_field(h + 6 + 8 * i, &f[i]))
			return broken(c, "bad digit in header");
	}
	if (f[11] < 1 || f[11] > NAME_MAX_LEN || f[11] > left - HEADER)
		return broken(c, "bad name length");
	if (strnlen((const char *)h + HEADER, f[11]) != f[11] - 1)
		return broken(c, "name is not terminated where it should be");
	/* Name and data are each padded to four bytes; the last padding may be cut off. */
	name_end = ALIGN_UP((size_t)HEADER + f[11], 4);
	name_end = min(name_end, left);
	if (f[6] > left - name_end)
		return broken(c, "truncated data");
	*e = (struct cpio_entry){
		.name = (const char *)h + HEADER,
		.name_len = f[11] - 1,
		.data = h + name_end,
		.size = f[6],
		.ino = f[0],
		.mode = f[1],
		.uid = f[2],
		.gid = f[3],
		.nlink = f[4],
		.mtime = f[5],
		.dev_major = f[7],
		.dev_minor = f[8],
		.rdev_major = f[9],
		.rdev_minor = f[10],
	};
	c->pos += min(ALIGN_UP(name_end + f[6], 4), left);
	return strcmp(e->name, "TRAILER!!!") == 0 ? 0 : 1;
}
