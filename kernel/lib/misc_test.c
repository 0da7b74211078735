/* Tests of bitmaps, sorting, checksums and the cpio reader. */
#include <init/ktest.h>
#include <lib/bits.h>
#include <lib/cpio.h>
#include <lib/crc32.h>
#include <lib/sort.h>
#include <lib/string.h>
#include <uapi/errno.h>

KTEST(bits, bitmap_scans)
{
	unsigned long map[4] = {0};

	CHECK(bitmap_empty(map, 256));
	CHECK_EQ(bitmap_find_set(map, 200, 0), 200);
	bit_set(map, 67);
	bit_set(map, 199);
	CHECK_EQ(bitmap_find_set(map, 200, 0), 67);
	CHECK_EQ(bitmap_find_set(map, 200, 68), 199);
	CHECK_EQ(bitmap_find_set(map, 199, 68), 199);
	CHECK_EQ(bitmap_find_set(map, 200, 200), 200);
	CHECK_EQ(bitmap_weight(map, 256), 2);
	CHECK_EQ(bitmap_weight(map, 199), 1);
	bitmap_fill(map, 256);
	CHECK_EQ(bitmap_find_clear(map, 256, 0), 256);
	bit_clear(map, 130);
	CHECK_EQ(bitmap_find_clear(map, 256, 3), 130);
	CHECK_EQ(bitmap_weight(map, 256), 255);
	bitmap_zero(map, 256);
	CHECK(bitmap_empty(map, 256));
	CHECK_EQ(order_of(1), 0);
	CHECK_EQ(order_of(5), 3);
	CHECK_EQ(order_of(8), 3);
}

struct rec {
	u32 key;
	u8 pad[7];
} __packed;

static int by_key(const void *a, const void *b)
{
	u32 x = ((const struct rec *)a)->key, y = ((const struct rec *)b)->key;

	return x < y ? -1 : x > y;
}

KTEST(sort, all_lengths)
{
	static struct rec r[130];

	for (unsigned n = 0; n <= 130; n++) {
		u32 sum = 0, got = 0;

		for (unsigned i = 0; i < n; i++) {
			r[i].key = (i * 2654435761u) >> 22;
			sum += r[i].key;
			r[i].pad[6] = (u8)r[i].key;
		}
		sort(r, n, sizeof(r[0]), by_key);
		for (unsigned i = 0; i < n; i++) {
			got += r[i].key;
			CHECK(i == 0 || r[i - 1].key <= r[i].key);
			CHECK_EQ(r[i].pad[6], (u8)r[i].key);
		}
		CHECK_EQ(sum, got);
	}
}

KTEST(crc, check_values)
{
	u8 zeros[32] = {0};

	/* The check values of the CRC catalogue, and RFC 3720 B.4. */
	CHECK_EQ(crc32(0, "123456789", 9), 0xcbf43926u);
	CHECK_EQ((u32)~crc32c_raw(~0u, "123456789", 9), 0xe3069283u);
	CHECK_EQ((u32)~crc32c_raw(~0u, zeros, 32), 0x8a9136aau);
	CHECK_EQ(crc32(crc32(0, "1234", 4), "56789", 5), 0xcbf43926u);
	CHECK_EQ(crc32(0, "", 0), 0);
}

/* ---- cpio ---- */
static char arc[1024];
static size_t arc_len;

static void put(const char *name, const char *data, size_t size, unsigned mode)
{
	arc_len += (size_t)snprintf(arc + arc_len, sizeof(arc) - arc_len,
				    "070701%08x%08x%08x%08x%08x%08x%08lx%08x%08x%08x%08x%08lx%08x",
				    1, mode, 10, 20, 1, 12345, (unsigned long)size, 0, 0, 4, 64,
				    (unsigned long)strlen(name) + 1, 0);
	memcpy(arc + arc_len, name, strlen(name) + 1);
	arc_len += strlen(name) + 1;
	while (arc_len % 4)
		arc[arc_len++] = 0;
	memcpy(arc + arc_len, data, size);
	arc_len += size;
	while (arc_len % 4)
		arc[arc_len++] = 0;
}

static void build(void)
{
	arc_len = 0;
	put("dir", "", 0, 0040755);
	put("dir/file", "hello", 5, 0100644);
	put("TRAILER!!!", "", 0, 0);
}

KTEST(cpio, reads_entries_and_concatenated_archives)
{
	struct cpio c;
	struct cpio_entry e;

	build();
	memset(arc + arc_len, 0, 100);
	arc_len += 100;
	put("second", "x", 1, 0100600);
	put("TRAILER!!!", "", 0, 0);
	cpio_init(&c, arc, arc_len);
	CHECK_EQ(cpio_next(&c, &e), 1);
	CHECK(strcmp(e.name, "dir") == 0);
	CHECK_EQ(e.mode, 0040755);
	CHECK_EQ(cpio_next(&c, &e), 1);
	CHECK(strcmp(e.name, "dir/file") == 0);
	CHECK_EQ(e.size, 5);
	CHECK(memcmp(e.data, "hello", 5) == 0);
	CHECK_EQ(e.uid, 10);
	CHECK_EQ(e.gid, 20);
	CHECK_EQ(e.mtime, 12345);
	CHECK_EQ(e.rdev_major, 4);
	CHECK_EQ(e.rdev_minor, 64);
	CHECK_EQ(cpio_next(&c, &e), 0);
	CHECK(cpio_skip_padding(&c) > 0);
	CHECK_EQ(cpio_next(&c, &e), 1);
	CHECK(strcmp(e.name, "second") == 0);
	CHECK_EQ(cpio_next(&c, &e), 0);
	CHECK_EQ(cpio_skip_padding(&c), 0);
}

/* Walk to the end or an error; every byte that is claimed must lie in the buffer. */
static int walk(const char *buf, size_t n)
{
	struct cpio c;
	struct cpio_entry e;
	int r;

	cpio_init(&c, buf, n);
	while ((r = cpio_next(&c, &e)) == 1) {
		if (e.data + e.size > (const u8 *)buf + n || (const char *)e.name < buf)
			return -1000;
	}
	return c.pos > n ? -1000 : r;
}

KTEST(cpio, truncated_and_corrupt_input)
{
	char saved;

	build();
	for (size_t n = 1; n < arc_len; n++)
		CHECK(walk(arc, n) != -1000);
	CHECK_EQ(walk(arc, 109), -EINVAL);
	CHECK_EQ(walk("070702", 6), -EINVAL);
	for (size_t i = 0; i < arc_len; i++) {
		saved = arc[i];
		arc[i] = 'f';
		CHECK(walk(arc, arc_len) != -1000);
		arc[i] = '\xff';
		CHECK(walk(arc, arc_len) != -1000);
		arc[i] = saved;
	}
	CHECK_EQ(walk(arc, arc_len), 0);
}
