/* Atomics: thin names over the compiler's __atomic builtins. RMW operations that return a value are
 * fully ordered; atomic_inc/dec/add/or/and without a result are relaxed. Any context. */
#pragma once
#include <lib/types.h>

typedef struct {
	s32 v;
} atomic_t;
typedef struct {
	s64 v;
} atomic64_t;

#define ATOMIC_INIT(x) \
	{              \
		x      \
	}
#define atomic_read(a)		 __atomic_load_n(&(a)->v, __ATOMIC_RELAXED)
#define atomic_read_acquire(a)	 __atomic_load_n(&(a)->v, __ATOMIC_ACQUIRE)
#define atomic_set(a, x)	 __atomic_store_n(&(a)->v, (x), __ATOMIC_RELAXED)
#define atomic_set_release(a, x) __atomic_store_n(&(a)->v, (x), __ATOMIC_RELEASE)
#define atomic_add(a, x)	 ((void)__atomic_fetch_add(&(a)->v, (x), __ATOMIC_RELAXED))
#define atomic_sub(a, x)	 ((void)__atomic_fetch_sub(&(a)->v, (x), __ATOMIC_RELAXED))
#define atomic_inc(a)		 atomic_add(a, 1)
#define atomic_dec(a)		 atomic_sub(a, 1)
#define atomic_or(a, x)		 ((void)__atomic_fetch_or(&(a)->v, (x), __ATOMIC_RELAXED))
#define atomic_and(a, x)	 ((void)__atomic_fetch_and(&(a)->v, (x), __ATOMIC_RELAXED))
#define atomic_add_return(a, x)	 __atomic_add_fetch(&(a)->v, (x), __ATOMIC_SEQ_CST)
#define atomic_sub_return(a, x)	 __atomic_sub_fetch(&(a)->v, (x), __ATOMIC_SEQ_CST)
#define atomic_inc_return(a)	 atomic_add_return(a, 1)
#define atomic_dec_return(a)	 atomic_sub_return(a, 1)
#define atomic_fetch_or(a, x)	 __atomic_fetch_or(&(a)->v, (x), __ATOMIC_SEQ_CST)
#define atomic_fetch_and(a, x)	 __atomic_fetch_and(&(a)->v, (x), __ATOMIC_SEQ_CST)
#define atomic_xchg(a, x)	 __atomic_exchange_n(&(a)->v, (x), __ATOMIC_SEQ_CST)
/* True if *a was *expected and is now desired; else *expected holds the value found. */
#define atomic_try_cmpxchg(a, expected, desired)                                             \
	__atomic_compare_exchange_n(&(a)->v, (expected), (desired), false, __ATOMIC_SEQ_CST, \
				    __ATOMIC_RELAXED)

#define smp_load_acquire(p)	__atomic_load_n((p), __ATOMIC_ACQUIRE)
#define smp_store_release(p, x) __atomic_store_n((p), (x), __ATOMIC_RELEASE)
#define smp_mb()		__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb()		barrier() /* x86 keeps loads in order (SDM vol. 3, 9.2) */
#define smp_wmb()		barrier()
#define xchg(p, x)		__atomic_exchange_n((p), (x), __ATOMIC_SEQ_CST)
#define cmpxchg(p, old, new)                                                                      \
	({                                                                                        \
		__typeof__(*(p)) __cx_old = (old);                                                \
		(void)__atomic_compare_exchange_n((p), &__cx_old, (new), false, __ATOMIC_SEQ_CST, \
						  __ATOMIC_RELAXED);                              \
		__cx_old;                                                                         \
	})

static __always_inline void cpu_relax(void)
{
	__asm__ volatile("pause" ::: "memory");
}
