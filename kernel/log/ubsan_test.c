/* Each kind of undefined behaviour that the instrumentation knows, made on purpose: the report is captured. */
#include <init/ktest.h>
#include <lib/string.h>
#include <log/printk.h>
#include <log/report.h>

static volatile int zero, one = 1, big = 0x7fffffff, forty = 40;
static volatile long least = (long)(1ul << 63);

static void reported(const char *title, const char *detail)
{
	CHECK(report_capture_end() >= 1); /* an index may be seen again as an access */
	bool ok = CHECK(strstr(report_captured(), title) != NULL);
	ok &= CHECK(strstr(report_captured(), detail) != NULL);
	ok &= CHECK(strstr(report_captured(), "ubsan_test.c:") != NULL);
	if (!ok)
		printk(LOG_NOTICE, "# the report was: %s", report_captured());
}
#define PROVOKE(statement, title, detail) \
	do {                              \
		report_capture_begin();   \
		statement;                \
		reported(title, detail);  \
	} while (0)

KTEST(ubsan, overflow)
{
	volatile int r;
	volatile long l;
	PROVOKE(r = big + one, "signed integer overflow", "2147483647 ('int') + 1 ('int')");
	PROVOKE(r = -2 - big, "signed integer overflow", " - 2147483647 ('int')");
	PROVOKE(r = big * forty, "signed integer overflow", "2147483647 ('int') * 40 ('int')");
	PROVOKE(l = -least, "signed integer overflow", "negative of -9223372036854775808 ('long");
	(void)r;
	(void)l;
}

KTEST(ubsan, shift)
{
	volatile int r;
	PROVOKE(r = one << forty, "shift out of bounds",
		"1 ('int') by 40 ('int'), but it has 32 bits");
	PROVOKE(r = one >> -one, "shift out of bounds", "by -1 ('int'), which is negative");
	(void)r;
}

KTEST(ubsan, bounds)
{
	volatile int small[4] = {0}; /* the stack behind it is only read */
	volatile int r;
	PROVOKE(r = small[one + 3], "index out of bounds", "index 4 ('int') is outside of 'int");
	(void)r;
}

KTEST(ubsan, invalid_value)
{
	union {
		unsigned char c;
		bool b;
	} volatile u = {.c = 7};
	volatile bool r;
	PROVOKE(r = u.b, "invalid value", "0x7 is no value of '_Bool'");
	(void)r;
}

KTEST(ubsan, pointer_overflow)
{
	char *volatile p = (char *)16;
	char *volatile q;
	volatile long minus = -32;
	PROVOKE(q = p + minus, "pointer overflow", "0x10 became 0xfffffffffffffff0");
	(void)q;
}

KTEST(ubsan, invalid_builtin)
{
	volatile int r;
	report_capture_begin();
	r = __builtin_ctz((unsigned)zero);
	/* GCC 12 checks these; so does clang. */
	reported("invalid argument", "zero passed to __builtin_ctz");
	(void)r;
}
