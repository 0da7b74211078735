/* Heapsort (Knuth, TAOCP vol. 3, 5.2.3). Pure; any context. */
#include <lib/sort.h>

static void swap(u8 *a, u8 *b, size_t size)
{
	for (; size >= 8; size -= 8, a += 8, b += 8) {
		u64 x, y;
		__builtin_memcpy(&x, a, 8);
		__builtin_memcpy(&y, b, 8);
		__builtin_memcpy(a, &y, 8);
		__builtin_memcpy(b, &x, 8);
	}
	for (; size; size--, a++, b++) {
		u8 t = *a;
		*a = *b;
		*b = t;
	}
}

void sort(void *base, size_t n, size_t size, int (*cmp)(const void *a, const void *b))
{
	u8 *p = base;
	size_t start = n / 2, end = n;

	while (end > 1) {
		size_t root, child;

		if (start) {
			start--;
		} else {
			end--;
			swap(p, p + end * size, size);
		}
		for (root = start; (child = 2 * root + 1) < end; root = child) {
			if (child + 1 < end && cmp(p + child * size, p + (child + 1) * size) < 0)
				child++;
			if (cmp(p + root * size, p + child * size) >= 0)
				break;
			swap(p + root * size, p + child * size, size);
		}
	}
}
