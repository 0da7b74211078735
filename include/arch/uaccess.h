/* User memory: the only functions that touch it. A fault that the address space cannot resolve ends
 * the copy (exception table); SMAP is lifted only inside. May sleep unless page faults are disabled
 * (pagefault_disable), in which case an unmapped page is a failure at once. */
#pragma once
#include <lib/types.h>

/* 0 or -EFAULT: the whole range or an error (the tail of a failed copy_in is zeroed). */
int copy_in(void *dst, const void __user *src, size_t n) __must_check;
int copy_out(void __user *dst, const void *src, size_t n) __must_check;
int clear_user(void __user *dst, size_t n) __must_check;
/* Partial forms: bytes NOT copied. */
size_t copy_in_partial(void *dst, const void __user *src, size_t n) __must_check;
size_t copy_out_partial(void __user *dst, const void *src, size_t n) __must_check;
size_t clear_user_partial(void __user *dst, size_t n) __must_check;
/* Length without NUL, -EFAULT, or -ENAMETOOLONG when no NUL within n bytes. */
ssize_t strncpy_in(char *dst, const char __user *src, size_t n) __must_check;
/* Length without the NUL, or -EFAULT; stops at max (returns max). */
ssize_t strnlen_in(const char __user *src, size_t max) __must_check;

/* Atomic compare-and-exchange on a user u32 (futexes): 0 or -EFAULT, *found = old value. */
int user_cmpxchg32(u32 __user *p, u32 expect, u32 desired, u32 *found) __must_check;
/* 32-bit fetch-op on user memory, op: FUTEX_OP_*: 0/-EFAULT/-ENOSYS, *old. */
int user_futex_op(int op, u32 arg, u32 __user *p, u32 *old) __must_check;

/* Values: get_user(x, ptr) / put_user(x, ptr) give 0 or -EFAULT. */
#define get_user(x, p) copy_in(&(x), (p), sizeof(x))
#define put_user(x, p)                                                         \
	({                                                                     \
		__typeof__(x) __pu = (x);                                      \
		_Static_assert(sizeof(__pu) == sizeof(*(p)), "put_user size"); \
		copy_out((p), &__pu, sizeof(__pu));                            \
	})

/* End of the user half: 2^47 - PAGE_SIZE, or 2^56 - PAGE_SIZE with LA57. [I] */
extern u64 user_limit;
static inline bool access_ok(const void __user *p, size_t n)
{
	u64 a = (u64)(__force uintptr_t)p;
	return n <= user_limit && a <= user_limit - n;
}
#define u64_to_user(x) ((void __user *)(uintptr_t)(x))
#define user_to_u64(p) ((u64)(__force uintptr_t)(p))

/* Nesting: while > 0 the fault handler does not sleep but fails the access. */
void pagefault_disable(void);
void pagefault_enable(void);
bool pagefault_disabled(void);
