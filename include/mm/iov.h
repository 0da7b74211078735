/* A cursor over the memory of a read or write: user buffers (one or many) or kernel buffers. */
#pragma once
#include <arch/uaccess.h>
#include <lib/err.h>

struct iovec {
	void __user *base;
	size_t len;
};
struct iov_iter {
	enum { ITER_USER, ITER_KERNEL } kind;
	u32 oflags; /* O_APPEND, O_NONBLOCK for this call alone (RWF_APPEND, RWF_NOWAIT) */
	const struct iovec *vec; /* current segment (for one buffer: &single) */
	unsigned nr_segs;
	size_t seg_off; /* consumed of the current segment */
	size_t count;	/* bytes left in all */
	struct iovec single;
};
void iov_user(struct iov_iter *it, void __user *buf, size_t n);
void iov_kernel(struct iov_iter *it, void *buf, size_t n);
void iov_vec(struct iov_iter *it, const struct iovec *vec, unsigned n);
/* Copy n bytes between kernel memory and the cursor, advancing it; returns the bytes copied (less
 * than n: the user memory faulted or the cursor ended). May sleep unless pagefault_disabled(). */
size_t iov_copy_to(struct iov_iter *it, const void *src, size_t n); /* a read's destination */
size_t iov_copy_from(struct iov_iter *it, void *dst, size_t n);	    /* a write's source */
size_t iov_zero(struct iov_iter *it, size_t n);
/* Touch the memory that the next n bytes lie in, so that a copy with page faults disabled succeeds:
 * bytes that are there now (0: -EFAULT). May sleep. */
size_t iov_fault_in(struct iov_iter *it, size_t n);
void iov_advance(struct iov_iter *it, size_t n);
/* Bring an iovec array in from user space; *out is NULL-able kmalloc'ed (free with kfree). Total bytes or
 * -EINVAL (too many or overflow)/-EFAULT/-ENOMEM. Limit: 1024 segments, MAX_RW_COUNT in sum. */
ssize_t iov_import(const struct iovec __user *uvec, unsigned long n, struct iov_iter *it,
		   struct iovec **out);
#define MAX_RW_COUNT (0x7ffff000ul)
