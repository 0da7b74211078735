/* The in-kernel test runner: ktest[=GLOB,GLOB] on the command line. Prints TAP (version 13) through the
 * log, one line a test as "suite.name", and leaves through isa-debug-exit (exit status 33: all passed,
 * 35: not) or by powering off. Runs in the init thread: tests may sleep. */
#include <arch/cpu.h>
#include <init/ktest.h>
#include <init/main.h>
#include <lib/string.h>
#include <log/printk.h>

extern const struct ktest __ktests_start[], __ktests_end[];

static unsigned failures;
static const char *skip_reason;

bool ktest_check(bool ok, const char *file, int line, const char *what)
{
	if (!ok) {
		failures++;
		printk(LOG_NOTICE, "# failed at %s:%d: %s", file, line, what);
	}
	return ok;
}

bool ktest_check_eq(s64 a, s64 b, const char *file, int line, const char *what)
{
	if (a != b) {
		failures++;
		printk(LOG_NOTICE, "# failed at %s:%d: %s (%ld and %ld)", file, line, what, (long)a,
		       (long)b);
	}
	return a == b;
}

void ktest_skip(const char *why)
{
	skip_reason = why;
}

static bool wanted(const struct ktest *t, const char *pattern)
{
	char name[96], one[96];

	if (!pattern || !*pattern)
		return true;
	snprintf(name, sizeof(name), "%s.%s", t->suite, t->name);
	for (const char *p = pattern; *p;) {
		const char *comma = strchr(p, ',');
		size_t n = comma ? (size_t)(comma - p) : strlen(p);
		str_copy(one, p, min_t(size_t, sizeof(one), n + 1));
		if (glob_match(one, name) || !strcmp(one, t->suite))
			return true;
		p += n + (comma != NULL);
	}
	return false;
}

void ktest_run(const char *pattern)
{
	unsigned total = 0, n = 0, bad = 0, skipped = 0;

	console_loglevel = LOG_DEBUG;
	for (const struct ktest *t = __ktests_start; t < __ktests_end; t++)
		total += wanted(t, pattern);
	printk(LOG_NOTICE, "TAP version 13");
	printk(LOG_NOTICE, "1..%u", total);
	for (const struct ktest *t = __ktests_start; t < __ktests_end; t++) {
		if (!wanted(t, pattern))
			continue;
		failures = 0;
		skip_reason = NULL;
		t->fn();
		n++;
		bad += failures != 0;
		skipped += skip_reason && !failures;
		printk(LOG_NOTICE, "%sok %u - %s.%s%s%s", failures ? "not " : "", n, t->suite,
		       t->name, skip_reason ? " # SKIP " : "", skip_reason ? skip_reason : "");
	}
	printk(LOG_NOTICE, "# ktest: %u passed, %u failed, %u skipped", n - bad - skipped, bad,
	       skipped);
	arch_debug_exit(bad || !n ? 0x11 : 0x10);
	arch_power_off();
	arch_halt();
}
