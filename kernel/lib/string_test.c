/* Tests of the memory and string functions against byte-by-byte models, over all small sizes, alignments
 * and overlaps. */
#include "string_priv.h"
#include <init/ktest.h>

#define N 600

static u8 a[N], b[N], model[N];

static void pattern(u8 *p, u8 seed)
{
	for (unsigned i = 0; i < N; i++)
		p[i] = (u8)(i * 7 + seed);
}

static bool same(const u8 *x, const u8 *y)
{
	for (unsigned i = 0; i < N; i++) {
		if (x[i] != y[i])
			return false;
	}
	return true;
}

static void try_copy(unsigned n, unsigned to, unsigned from)
{
	pattern(a, 1);
	pattern(b, 99);
	pattern(model, 99);
	for (unsigned i = 0; i < n; i++)
		model[to + i] = a[from + i];
	CHECK(memcpy(b + to, a + from, n) == b + to);
	CHECK(same(b, model));
}

KTEST(string, memcpy_sizes_and_alignments)
{
	static const u16 sizes[] = {0,	1,   2,	  3,   4,   5,	 7,   8,   9,	15, 16,
				    17, 23,  24,  31,  32,  33,	 63,  64,  65,	95, 96,
				    97, 103, 104, 128, 129, 200, 255, 256, 257, 500};

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (unsigned al = 0; al < 64; al++)
			try_copy(sizes[i], 8 + al % 8, 8 + al / 8);
	}
}

static void try_move(unsigned n, unsigned to, unsigned from)
{
	u8 tmp[N];

	pattern(a, 3);
	pattern(model, 3);
	for (unsigned i = 0; i < n; i++)
		tmp[i] = model[from + i];
	for (unsigned i = 0; i < n; i++)
		model[to + i] = tmp[i];
	memmove(a + to, a + from, n);
	CHECK(same(a, model));
}

KTEST(string, memmove_overlaps_both_ways)
{
	static const u16 sizes[] = {0, 1, 3, 7, 8, 9, 15, 16, 17, 31, 40, 95, 96, 97, 130, 300};

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (unsigned d = 0; d < 24; d++) {
			try_move(sizes[i], 100 + d, 100);
			try_move(sizes[i], 100, 100 + d);
		}
		try_move(sizes[i], 100 + 90, 100);
		try_move(sizes[i], 100, 100 + 90);
	}
}

KTEST(string, memset_sizes)
{
	for (unsigned n = 0; n < 300; n++) {
		pattern(a, 5);
		pattern(model, 5);
		for (unsigned i = 0; i < n; i++)
			model[13 + i] = 0xc3;
		memset(a + 13, 0xc3, n);
		CHECK(same(a, model));
	}
}

static int sign(int v)
{
	return (v > 0) - (v < 0);
}

KTEST(string, compare)
{
	for (unsigned n = 0; n < 40; n++) {
		pattern(a, 7);
		pattern(b, 7);
		CHECK_EQ(memcmp(a + 1, b + 1, n), 0);
		for (unsigned i = 0; i < n; i++) {
			b[1 + i] = 0xff;
			a[1 + i] = 0x01;
			CHECK_EQ(sign(memcmp(a + 1, b + 1, n)), -1);
			CHECK_EQ(sign(memcmp(b + 1, a + 1, n)), 1);
			pattern(a, 7);
			pattern(b, 7);
		}
	}
	CHECK_EQ(sign(strcmp("abc", "abd")), -1);
	CHECK_EQ(sign(strcmp("abc", "ab")), 1);
	CHECK_EQ(sign(strcmp("\xff", "a")), 1);
	CHECK_EQ(strncmp("abcx", "abcy", 3), 0);
	CHECK_EQ(sign(strncmp("ab", "abc", 9)), -1);
	CHECK_EQ(strncmp("", "", 9), 0);
}

KTEST(string, search)
{
	const char *s = "hello, world";

	CHECK(strchr(s, 'o') == s + 4);
	CHECK(strrchr(s, 'o') == s + 8);
	CHECK(strchr(s, 'z') == NULL);
	CHECK(strchr(s, '\0') == s + 12);
	CHECK(strstr(s, "wor") == s + 7);
	CHECK(strstr(s, "") == s);
	CHECK(strstr(s, "worldly") == NULL);
	CHECK(strstr("aaab", "aab") != NULL);
	CHECK(memchr(s, 'w', 7) == NULL);
	CHECK(memchr(s, 'w', 8) == s + 7);
	CHECK_EQ(strlen(s), 12);
	CHECK_EQ(strnlen(s, 5), 5);
	CHECK_EQ(strnlen(s, 50), 12);
}

KTEST(string, str_copy_terminates_and_tells)
{
	char d[4] = "zzz";

	CHECK_EQ(str_copy(d, "ab", 4), 2);
	CHECK_EQ(strcmp(d, "ab"), 0);
	CHECK_EQ(str_copy(d, "abcd", 4), -7);
	CHECK_EQ(strcmp(d, "abc"), 0);
	CHECK_EQ(str_copy(d, "x", 1), -7);
	CHECK_EQ(d[0], 0);
	CHECK(str_has_prefix("console=tty", "console="));
	CHECK(!str_has_prefix("cons", "console"));
}

KTEST(string, glob)
{
	CHECK(glob_match("*", ""));
	CHECK(glob_match("", ""));
	CHECK(!glob_match("", "a"));
	CHECK(glob_match("a*c", "abbbc"));
	CHECK(!glob_match("a*c", "abbbd"));
	CHECK(glob_match("*.test_?", "mm.test_1"));
	CHECK(!glob_match("*.test_?", "mm.test_12"));
	CHECK(glob_match("*a*b*", "xxaxxbxx"));
	CHECK(!glob_match("?", ""));
	/* Patterns that explode when every star is retried. */
	CHECK(!glob_match("a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}
