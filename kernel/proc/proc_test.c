/* Ids and lookups, in the booted kernel. */
#include "proc_priv.h"
#include <init/ktest.h>

KTEST(proc, ids_are_unique_and_come_back)
{
	struct pid *a = pid_alloc(0), *b = pid_alloc(0);

	REQUIRE(!IS_ERR(a) && !IS_ERR(b));
	pid_t nr = b->nr;
	CHECK(a->nr != nr);
	struct pid *f = pid_find(nr);
	CHECK(f == b);
	/* A group member keeps the number taken. */
	pid_use(b);
	pid_unuse(b);
	CHECK(pid_lookup(nr) == b);
	pid_unuse(b);
	CHECK(!pid_lookup(nr));
	CHECK_EQ(f->nr, nr); /* the memory is still ours */
	pid_put(f);
	struct pid *again = pid_alloc(nr);
	REQUIRE(!IS_ERR(again));
	CHECK_EQ(again->nr, nr);
	CHECK_EQ(PTR_ERR(pid_alloc(nr)), -EEXIST);
	pid_unuse(again);
	pid_unuse(a);
}

KTEST(proc, lookups_of_nobody)
{
	CHECK(!process_find(0));
	CHECK(!process_find(-1));
	CHECK(!process_find(INT32_MAX));
	CHECK(!thread_find(INT32_MIN));
	CHECK(!pid_find(PID_MAX_LIMIT));
}

KTEST(proc, users_are_counted)
{
	struct user_count *a = user_count_add(12345), *b = user_count_add(12345),
			  *c = user_count_add(12345 + 64);

	CHECK(a == b && a != c);
	CHECK_EQ(user_count_read(a), 2);
	user_count_sub(b);
	CHECK_EQ(user_count_read(a), 1);
	user_count_sub(a);
	user_count_sub(c);
}
