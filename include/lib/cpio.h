/* Reader for "newc" cpio archives (magic 070701, and 070702 with checksum) in memory: an iterator over a
 * buffer that trusts nothing in it. Format: cpio(5), "New ASCII Format". Pure; any context. */
#pragma once
#include <lib/types.h>

struct cpio {
	const u8 *buf;
	size_t size, pos;
	const char *error; /* what was wrong when cpio_next gave -EINVAL */
};
struct cpio_entry {
	const char *name; /* NUL-terminated, in the archive */
	size_t name_len;
	const u8 *data;
	size_t size;
	u32 ino, mode, uid, gid, nlink, mtime;
	u32 dev_major, dev_minor, rdev_major, rdev_minor;
};
void cpio_init(struct cpio *c, const void *buf, size_t size);
/* 1: *e filled; 0: the end of one archive (trailer: c->pos is behind it; more may follow in the buffer),
 * or of the buffer; -EINVAL: broken, c->error and c->pos tell. */
int cpio_next(struct cpio *c, struct cpio_entry *e) __must_check;
/* Skip zero bytes between concatenated archives; bytes left behind them. */
size_t cpio_skip_padding(struct cpio *c);
