/* The decoders are always given an allocator of ours (decompress_allocator); their default ones are never
 * called and get nothing here. */
#pragma once
#include <stddef.h>
#define malloc(n)    ((void *)0)
#define calloc(n, s) ((void *)0)
#define free(p)	     ((void)(p))
