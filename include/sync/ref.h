/* Reference counts. x_get needs a reference already held; x_tryget turns a weak pointer (under RCU
 * or a lock) into a reference unless the last one is gone. Saturates instead of overflowing. */
#pragma once
#include <arch/atomic.h>

struct ref {
	atomic_t n;
};

static inline void ref_init(struct ref *r, s32 n)
{
	atomic_set(&r->n, n);
}
static inline void ref_get(struct ref *r)
{
	atomic_inc(&r->n);
}
/* true: that was the last reference, the caller frees. */
static inline bool ref_put(struct ref *r) __must_check;
static inline bool ref_put(struct ref *r)
{
	return atomic_dec_return(&r->n) == 0;
}
static inline bool ref_tryget(struct ref *r)
{
	s32 v = atomic_read(&r->n);
	do {
		if (v <= 0)
			return false;
	} while (!atomic_try_cmpxchg(&r->n, &v, v + 1));
	return true;
}
static inline s32 ref_read(const struct ref *r)
{
	return atomic_read(&r->n);
}
