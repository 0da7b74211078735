/* Tests of vsnprintf and of number parsing. */
#include <init/ktest.h>
#include <lib/err.h>
#include <lib/string.h>

static char buf[128];

/* The compiler's check of formats would refuse what is tested here on purpose. */
#define IS(want, ...)                                             \
	do {                                                      \
		int n_ = snprintf(buf, sizeof(buf), __VA_ARGS__); \
		CHECK_EQ(n_, (int)strlen(want));                  \
		if (!CHECK(strcmp(buf, want) == 0))               \
			break;                                    \
	} while (0)

KTEST(printf, integers)
{
	IS("0 -1 4294967295", "%d %d %u", 0, -1, -1u);
	IS("-9223372036854775808", "%ld", (long)INT64_MIN);
	IS("ffffffffffffffff", "%lx", ~0ul);
	IS("DEADBEEF 0xbeef 0", "%X %#x %#x", 0xdeadbeefu, 0xbeefu, 0u);
	IS("017 0", "%#o %#o", 15u, 0u);
	IS("-1 255 -1 65535", "%hhd %hhu %hd %hu", (char)-1, (unsigned char)255, (short)-1,
	   (unsigned short)65535);
	IS("12 34", "%zu %jd", (size_t)12, (intmax_t)34);
}

KTEST(printf, width_precision_flags)
{
	IS("   42|42   |00042|  -42", "%5d|%-5d|%05d|%5d", 42, 42, 42, -42);
	IS("-0042", "%05d", -42);
	IS("+42  42", "%+d % d", 42, 42);
	IS("  007", "%5.3d", 7);
	IS("[] [0]", "[%.0d] [%.1d]", 0, 0);
	IS("0x000000ff", "%#010x", 255u);
	IS("   ab|ab   |ab", "%5s|%-5s|%.2s", "ab", "ab", "abcdef");
	IS("x    |    y", "%-*c|%*c", 5, 'x', 5, 'y');
	IS("  0x1", "%*s", -0 + 5, "0x1");
	IS("a  ", "%*s", -3, "a");
}

KTEST(printf, strings_and_pointers)
{
	const char *volatile nothing = NULL;

	/* cppcheck-suppress nullPointer */
	IS("(null)", "%s", nothing);
	IS("100%", "%d%%", 100);
	IS("-ENOENT", "%pE", ERR_PTR(-ENOENT));
	IS("-9999", "%pE", ERR_PTR(-9999));
	IS("0x1000", "%p", (void *)0x1000);
}

KTEST(printf, truncation)
{
	char s[8];

	memset(s, 'z', sizeof(s));
	CHECK_EQ(snprintf(s, 4, "%s", "abcdef"), 6);
	CHECK(strcmp(s, "abc") == 0);
	CHECK_EQ(s[4], 'z');
	CHECK_EQ(snprintf(s, 0, "abc"), 3);
	CHECK_EQ(s[0], 'a');
	CHECK_EQ(scnprintf(s, 4, "%s", "abcdef"), 3);
	CHECK_EQ(scnprintf(s, 0, "abcdef"), 0);
	CHECK_EQ(snprintf(NULL, 0, "%d", 12345), 5);
}

static const char *fake_symbol(u64 addr, u64 *offset, u64 *size)
{
	*offset = addr & 15;
	*size = 32;
	return addr > 0x100 ? "func" : NULL;
}

KTEST(printf, symbols)
{
	const char *(*old)(u64, u64 *, u64 *) = printf_symbol_hook;

	printf_symbol_hook = fake_symbol;
	IS("func+0x4/0x20", "%pS", (void *)0x204);
	IS("func", "%ps", (void *)0x204);
	IS("0x10", "%pS", (void *)0x10);
	printf_symbol_hook = old;
}

KTEST(parse, numbers)
{
	u64 u = 0;
	s64 s = 0;

	CHECK_EQ(parse_u64("123", 10, &u), 0);
	CHECK_EQ(u, 123);
	CHECK_EQ(parse_u64("0x1F\n", 0, &u), 0);
	CHECK_EQ(u, 31);
	CHECK_EQ(parse_u64("017", 0, &u), 0);
	CHECK_EQ(u, 15);
	CHECK_EQ(parse_u64("0", 0, &u), 0);
	CHECK_EQ(u, 0);
	CHECK_EQ(parse_u64("18446744073709551615", 10, &u), 0);
	CHECK_EQ(u, ~0ul);
	CHECK_EQ(parse_u64("18446744073709551616", 10, &u), -ERANGE);
	CHECK_EQ(parse_u64("", 10, &u), -EINVAL);
	CHECK_EQ(parse_u64("12x", 10, &u), -EINVAL);
	CHECK_EQ(parse_u64("-1", 10, &u), -EINVAL);
	CHECK_EQ(parse_u64("0x", 0, &u), -EINVAL);
	CHECK_EQ(parse_s64("-9223372036854775808", 10, &s), 0);
	CHECK_EQ(s, INT64_MIN);
	CHECK_EQ(parse_s64("9223372036854775808", 10, &s), -ERANGE);
	CHECK_EQ(parse_s64("--1", 10, &s), -EINVAL);
	CHECK_EQ(parse_s64("-0x10", 0, &s), 0);
	CHECK_EQ(s, -16);
}

KTEST(parse, sizes)
{
	const char *end;

	CHECK_EQ(parse_size("512M", &end), 512 * MiB);
	CHECK_EQ(*end, 0);
	CHECK_EQ(parse_size("2G@", &end), 2 * GiB);
	CHECK_EQ(*end, '@');
	CHECK_EQ(parse_size("0x10k", &end), 16 * KiB);
	CHECK_EQ(parse_size("77", NULL), 77);
}
