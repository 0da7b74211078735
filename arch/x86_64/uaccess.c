/* User memory: range checks, strings and futex operations over the primitives of uaccess.asm.
 *
 * Nothing here holds a lock or switches preemption off: a fault may sleep in mm/vm. Strings are read a
 * word at a time where alignment keeps the word inside its page, so a string that ends before an
 * unmapped page never touches it.
 *
 * Source: futex(2) (FUTEX_OP_*); the zero-byte test is in H. S. Warren, Hacker's Delight, 6-1. */
#include <arch/uaccess.h>
#include <lib/string.h>
#include <sync/preempt.h>
#include <uapi/errno.h>

size_t uaccess_copy(void *dst, const void *src, size_t n);
size_t uaccess_clear(void *dst, size_t n);
int uaccess_cmpxchg32(u32 *p, u32 expect, u32 desired, u32 *found);
int uaccess_load32(const u32 *p, u32 *out);
int uaccess_load64(const u64 *p, u64 *out);

u64 user_limit __ro_after_init = (1ul << 47) - PAGE_SIZE;

static __always_inline void might_fault(void)
{
#ifdef CONFIG_DEBUG
	if (!pagefault_disabled())
		might_sleep();
#endif
}

size_t copy_in_partial(void *dst, const void __user *src, size_t n)
{
	might_fault();
	if (unlikely(!access_ok(src, n)))
		return n;
	return uaccess_copy(dst, (__force const void *)src, n);
}

size_t copy_out_partial(void __user *dst, const void *src, size_t n)
{
	might_fault();
	if (unlikely(!access_ok(dst, n)))
		return n;
	return uaccess_copy((__force void *)dst, src, n);
}

size_t clear_user_partial(void __user *dst, size_t n)
{
	might_fault();
	if (unlikely(!access_ok(dst, n)))
		return n;
	return uaccess_clear((__force void *)dst, n);
}

int copy_in(void *dst, const void __user *src, size_t n)
{
	size_t left = copy_in_partial(dst, src, n);

	if (likely(!left))
		return 0;
	memset((char *)dst + n - left, 0, left);
	return -EFAULT;
}

int copy_out(void __user *dst, const void *src, size_t n)
{
	return likely(!copy_out_partial(dst, src, n)) ? 0 : -EFAULT;
}

int clear_user(void __user *dst, size_t n)
{
	return likely(!clear_user_partial(dst, n)) ? 0 : -EFAULT;
}

#define ONES  0x0101010101010101ul
#define HIGHS 0x8080808080808080ul

/* Index of the first zero byte in w, or 8. */
static inline unsigned zero_byte(u64 w)
{
	u64 z = (w - ONES) & ~w & HIGHS;

	return z ? (unsigned)__builtin_ctzll(z) / 8 : 8;
}

/* Walk at most max bytes of a user string, copying to dst unless NULL. Length without NUL, max when there
 * is none, or -EFAULT. */
static ssize_t walk_string(char *dst, const char __user *src, size_t max)
{
	u64 p = user_to_u64(src);
	size_t len = 0;

	might_fault();
	if (p >= user_limit)
		return max ? -EFAULT : 0;
	/* Running into the end of user space is a fault, not the end of the string. */
	size_t room = min_t(u64, max, user_limit - p);
	while (len < room) {
		u64 at = p + len, w;

		/* The aligned word that contains the byte is in the same page. */
		unsigned skip = at & 7;
		if (uaccess_load64((const u64 *)(at - skip), &w))
			return -EFAULT;
		w >>= skip * 8;
		unsigned have = 8 - skip, n = min(zero_byte(w), have);
		if (n > room - len)
			n = (unsigned)(room - len);
		if (dst)
			memcpy(dst + len, &w, n);
		len += n;
		if (n < have)
			break;
	}
	if (len >= room && room < max)
		return -EFAULT;
	return (ssize_t)len;
}

ssize_t strnlen_in(const char __user *src, size_t max)
{
	return walk_string(NULL, src, max);
}

ssize_t strncpy_in(char *dst, const char __user *src, size_t n)
{
	ssize_t len = walk_string(dst, src, n);

	if (len < 0)
		return len;
	if ((size_t)len >= n)
		return -ENAMETOOLONG;
	dst[len] = '\0';
	return len;
}

int user_cmpxchg32(u32 __user *p, u32 expect, u32 desired, u32 *found)
{
	if (!access_ok(p, sizeof(*p)) || user_to_u64(p) % sizeof(*p))
		return -EFAULT;
	return uaccess_cmpxchg32((__force u32 *)p, expect, desired, found) ? -EFAULT : 0;
}

enum { FUTEX_OP_SET, FUTEX_OP_ADD, FUTEX_OP_OR, FUTEX_OP_ANDN, FUTEX_OP_XOR };

int user_futex_op(int op, u32 arg, u32 __user *p, u32 *old)
{
	u32 *k = (__force u32 *)p, now, found;

	if (!access_ok(p, sizeof(*p)) || user_to_u64(p) % sizeof(*p))
		return -EFAULT;
	if (uaccess_load32(k, &now))
		return -EFAULT;
	for (;; now = found) {
		u32 v;

		switch (op) {
		case FUTEX_OP_SET:
			v = arg;
			break;
		case FUTEX_OP_ADD:
			v = now + arg;
			break;
		case FUTEX_OP_OR:
			v = now | arg;
			break;
		case FUTEX_OP_ANDN:
			v = now & ~arg;
			break;
		case FUTEX_OP_XOR:
			v = now ^ arg;
			break;
		default:
			return -ENOSYS;
		}
		if (uaccess_cmpxchg32(k, now, v, &found))
			return -EFAULT;
		if (found == now)
			break;
	}
	*old = now;
	return 0;
}
