/* Runs the pure KTESTs on the host: the same sources, compiled with -DHOST_TEST under sanitizers. */
#include <init/ktest.h>
#include <lib/idr.h>
#include <stdio.h>
#include <stdlib.h>

extern const struct ktest __start_ktests[], __stop_ktests[];

static unsigned failures;
static const char *skipped;

bool ktest_check(bool ok, const char *file, int line, const char *what)
{
	if (!ok) {
		failures++;
		printf("# failed at %s:%d: %s\n", file, line, what);
	}
	return ok;
}

bool ktest_check_eq(s64 a, s64 b, const char *file, int line, const char *what)
{
	if (a != b)
		printf("# %ld and %ld\n", (long)a, (long)b);
	return ktest_check(a == b, file, line, what);
}

void ktest_skip(const char *why)
{
	skipped = why;
}

static void *zeroed(size_t n)
{
	return calloc(1, n);
}

static void release(void *p, size_t n)
{
	free(p);
}

int main(void)
{
	unsigned n = 0, bad = 0;

	radix_allocator.alloc = zeroed;
	radix_allocator.free = release;
	for (const struct ktest *t = __start_ktests; t < __stop_ktests; t++) {
		failures = 0;
		skipped = NULL;
		t->fn();
		bad += failures != 0;
		printf("%sok %u - %s.%s%s%s\n", failures ? "not " : "", ++n, t->suite, t->name,
		       skipped ? " # SKIP " : "", skipped ? skipped : "");
	}
	printf("1..%u\n", n);
	return bad != 0;
}
