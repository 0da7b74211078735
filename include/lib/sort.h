/* Sorting in place: heapsort, O(n log n) always, no memory, no recursion. Pure; any context. */
#pragma once
#include <lib/types.h>

/* n elements of size bytes; cmp < 0, 0, > 0. Not stable. */
void sort(void *base, size_t n, size_t size, int (*cmp)(const void *a, const void *b));
