/* Cursors over the memory of a read or write: one or many user buffers, or one kernel buffer.
 *
 * Invariant: count is the number of bytes left in vec[0..nr_segs), of which seg_off are consumed in
 * vec[0]; segments of length 0 are skipped when they are met. A cursor belongs to one thread.
 * User memory is touched only by the uaccess functions; a fault ends the copy early.
 * Semantics: readv(2), process context (kernel buffers: any context). */
#include <alloc/slab.h>
#include <lib/string.h>
#include <mm/iov.h>

#define IOV_MAX 1024u

void iov_user(struct iov_iter *it, void __user *buf, size_t n)
{
	it->kind = ITER_USER;
	it->oflags = 0;
	it->single = (struct iovec){buf, n};
	it->vec = &it->single;
	it->nr_segs = 1;
	it->seg_off = 0;
	it->count = n;
}

void iov_kernel(struct iov_iter *it, void *buf, size_t n)
{
	iov_user(it, (__force void __user *)buf, n);
	it->kind = ITER_KERNEL;
}

void iov_vec(struct iov_iter *it, const struct iovec *vec, unsigned n)
{
	it->kind = ITER_USER;
	it->oflags = 0;
	it->vec = vec;
	it->nr_segs = n;
	it->seg_off = 0;
	it->count = 0;
	for (unsigned i = 0; i < n; i++)
		it->count += vec[i].len;
}

/* The current piece: at most max bytes, 0 at the end. */
static size_t iov_piece(struct iov_iter *it, size_t max, void __user **p)
{
	while (it->nr_segs && it->seg_off == it->vec->len) {
		it->vec++;
		it->nr_segs--;
		it->seg_off = 0;
	}
	if (!it->nr_segs || !it->count)
		return 0;
	*p = (char __user *)it->vec->base + it->seg_off;
	return min_t(size_t, max, min_t(size_t, it->vec->len - it->seg_off, it->count));
}

static void iov_consume(struct iov_iter *it, size_t n)
{
	it->seg_off += n;
	it->count -= n;
}

size_t iov_copy_to(struct iov_iter *it, const void *src, size_t n)
{
	size_t done = 0, piece, left = 0;
	void __user *p;

	while (!left && done < n && (piece = iov_piece(it, n - done, &p))) {
		if (it->kind == ITER_KERNEL)
			memcpy((__force void *)p, (const char *)src + done, piece);
		else
			left = copy_out_partial(p, (const char *)src + done, piece);
		iov_consume(it, piece - left);
		done += piece - left;
	}
	return done;
}

size_t iov_copy_from(struct iov_iter *it, void *dst, size_t n)
{
	size_t done = 0, piece, left = 0;
	void __user *p;

	while (!left && done < n && (piece = iov_piece(it, n - done, &p))) {
		if (it->kind == ITER_KERNEL)
			memcpy((char *)dst + done, (__force const void *)p, piece);
		else
			left = copy_in_partial((char *)dst + done, p, piece);
		iov_consume(it, piece - left);
		done += piece - left;
	}
	return done;
}

size_t iov_zero(struct iov_iter *it, size_t n)
{
	size_t done = 0, piece, left = 0;
	void __user *p;

	while (!left && done < n && (piece = iov_piece(it, n - done, &p))) {
		if (it->kind == ITER_KERNEL)
			memset((__force void *)p, 0, piece);
		else
			left = clear_user_partial(p, piece);
		iov_consume(it, piece - left);
		done += piece - left;
	}
	return done;
}

void iov_advance(struct iov_iter *it, size_t n)
{
	size_t piece;
	void __user *p;

	while (n && (piece = iov_piece(it, n, &p))) {
		iov_consume(it, piece);
		n -= piece;
	}
}

size_t iov_fault_in(struct iov_iter *it, size_t n)
{
	struct iov_iter probe = *it;
	size_t done = 0, piece;
	void __user *p;
	u8 byte;

	if (it->kind == ITER_KERNEL)
		return min_t(size_t, n, it->count);
	if (it->vec == &it->single)
		probe.vec = &probe.single;
	while (done < n && (piece = iov_piece(&probe, n - done, &p))) {
		/* To the end of this user page, so that one byte stands for the piece. */
		piece = min_t(size_t, piece, PAGE_SIZE - (user_to_u64(p) & ~PAGE_MASK));
		if (get_user(byte, (u8 __user *)p))
			break;
		iov_consume(&probe, piece);
		done += piece;
	}
	return done;
}

ssize_t iov_import(const struct iovec __user *uvec, unsigned long n, struct iov_iter *it,
		   struct iovec **out)
{
	struct iovec *vec;
	size_t total = 0;

	*out = NULL;
	if (n > IOV_MAX)
		return -EINVAL;
	if (n == 0) {
		iov_user(it, NULL, 0);
		return 0;
	}
	vec = kmalloc(n * sizeof(*vec), GFP_KERNEL);
	if (!vec)
		return -ENOMEM;
	if (copy_in(vec, uvec, n * sizeof(*vec))) {
		kfree(vec);
		return -EFAULT;
	}
	for (unsigned long i = 0; i < n; i++) {
		if ((ssize_t)vec[i].len < 0) {
			kfree(vec);
			return -EINVAL;
		}
		if (!access_ok(vec[i].base, vec[i].len)) {
			kfree(vec);
			return -EFAULT;
		}
		vec[i].len = min_t(size_t, vec[i].len, MAX_RW_COUNT - total);
		total += vec[i].len;
	}
	iov_vec(it, vec, n);
	*out = vec;
	return total;
}
