/* <limits.h> for third-party code: the compiler's own would pull in the host's. */
#pragma once
#define CHAR_BIT   8
#define SCHAR_MAX  127
#define UCHAR_MAX  255
#define SHRT_MAX   32767
#define USHRT_MAX  65535
#define INT_MAX	   __INT_MAX__
#define INT_MIN	   (-INT_MAX - 1)
#define UINT_MAX   (2u * INT_MAX + 1u)
#define LONG_MAX   __LONG_MAX__
#define LONG_MIN   (-LONG_MAX - 1l)
#define ULONG_MAX  (2ul * LONG_MAX + 1ul)
#define LLONG_MAX  __LONG_LONG_MAX__
#define ULLONG_MAX (2ull * LLONG_MAX + 1ull)
