/* The generator as its users see it; the algorithms have their vectors in kernel/lib/crypto_test.c. */
#include <arch/smp.h>
#include <init/ktest.h>
#include <lib/string.h>
#include <log/random.h>

KTEST(random, outputs_differ_and_fill)
{
	static u8 a[200], b[200];

	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	CHECK(memcmp(a, b, sizeof(a)));
	/* Odd sizes stay within their bounds. */
	for (size_t n = 0; n < 130; n++) {
		memset(b, 0xa5, sizeof(b));
		random_bytes(b, n);
		CHECK_EQ(b[n], 0xa5);
	}
	unsigned ones = 0;
	for (unsigned i = 0; i < sizeof(a); i++)
		for (unsigned byte = a[i]; byte; byte &= byte - 1)
			ones++;
	CHECK(ones > 600 && ones < 1000);
}

KTEST(random, below_stays_below)
{
	unsigned seen = 0;

	for (unsigned i = 0; i < 300; i++) {
		u64 v = random_below(7);
		CHECK(v < 7);
		seen |= 1u << v;
	}
	CHECK_EQ(seen, 0x7f);
	CHECK_EQ(random_below(1), 0);
}

KTEST(random, reseeding_changes_all)
{
	u64 a = random_u64();

	random_reseed();
	CHECK(a != random_u64());
	while (!random_stir())
		;
	CHECK_EQ(random_entropy_bits(), 256);
}
