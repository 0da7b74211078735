/* Tests of utf8.c. */
#include <init/ktest.h>
#include <lib/string.h>
#include <lib/utf8.h>

static bool cleans(const char *in, const char *want)
{
	struct utf8_cleaner s = {0};
	u8 out[64];
	size_t n = 0;

	for (const char *p = in; *p; p++)
		n += utf8_clean(&s, (u8)*p, out + n);
	return n == strlen(want) && !memcmp(out, want, n);
}

KTEST(utf8, clean_streams)
{
	CHECK(cleans("plain", "plain"));
	CHECK(cleans("gr\xc3\xbcn \xe2\x94\x80 \xf0\x9f\x98\x80",
		     "gr\xc3\xbcn \xe2\x94\x80 \xf0\x9f\x98\x80"));
	CHECK(cleans("\xe2\x82\nA", "\xef\xbf\xbd\nA"));
	CHECK(cleans("\xe2\xe2\x94\x80", "\xef\xbf\xbd\xe2\x94\x80"));
	CHECK(cleans("\x80\xff\xc0x", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx"));
	CHECK(cleans("cut \xf0\x9f", "cut "));
}
