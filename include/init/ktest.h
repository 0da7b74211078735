/* In-kernel tests: KTEST(suite, name) { ... } beside the code, run by ktest[=GLOB] on the command
 * line, in a kernel thread that may sleep. Results as TAP on the console. Pure ones also build on
 * the host (HOST_TEST) from the same source. */
#pragma once
#include <lib/types.h>

struct ktest {
	const char *suite, *name;
	void (*fn)(void);
};

/* On the host the name must be a C identifier, for the linker to give its bounds. */
#ifdef HOST_TEST
#define KTEST_SECTION "ktests"
#else
#define KTEST_SECTION ".ktests"
#endif
#define KTEST(s, n)                                                                             \
	static void CONCAT(ktest_##s##_, n)(void);                                              \
	static const struct ktest CONCAT(ktest_entry_##s##_, n) __used __section(KTEST_SECTION) \
		__aligned(8) = {#s, #n, CONCAT(ktest_##s##_, n)};                               \
	static void CONCAT(ktest_##s##_, n)(void)

/* A failed check is reported with its place; the test goes on to its end and counts as failed. */
#define CHECK(c)       ktest_check(!!(c), __FILE__, __LINE__, #c)
#define CHECK_EQ(a, b) ktest_check_eq((s64)(a), (s64)(b), __FILE__, __LINE__, #a " == " #b)
#define REQUIRE(c)                                               \
	do {                                                     \
		if (!ktest_check(!!(c), __FILE__, __LINE__, #c)) \
			return;                                  \
	} while (0)
bool ktest_check(bool ok, const char *file, int line, const char *what);
bool ktest_check_eq(s64 a, s64 b, const char *file, int line, const char *what);
/* Mark the running test as skipped, with the reason. */
void ktest_skip(const char *why);
