/* futex(2), get_robust_list(2). */
#pragma once
#include <lib/types.h>
#define FUTEX_WAIT	     0
#define FUTEX_WAKE	     1
#define FUTEX_FD	     2
#define FUTEX_REQUEUE	     3
#define FUTEX_CMP_REQUEUE    4
#define FUTEX_WAKE_OP	     5
#define FUTEX_LOCK_PI	     6
#define FUTEX_UNLOCK_PI	     7
#define FUTEX_TRYLOCK_PI     8
#define FUTEX_WAIT_BITSET    9
#define FUTEX_WAKE_BITSET    10
#define FUTEX_PRIVATE_FLAG   128
#define FUTEX_CLOCK_REALTIME 256
#define FUTEX_BITSET_ANY     0xffffffffu
#define FUTEX_WAITERS	     0x80000000u
#define FUTEX_OWNER_DIED     0x40000000u
#define FUTEX_TID_MASK	     0x3fffffffu
#define FUTEX_OP_CMP_EQ	     0
#define FUTEX_OP_CMP_NE	     1
#define FUTEX_OP_CMP_LT	     2
#define FUTEX_OP_CMP_LE	     3
#define FUTEX_OP_CMP_GT	     4
#define FUTEX_OP_CMP_GE	     5
#define FUTEX_OP_ARG_SHIFT   8
struct robust_list {
	u64 next;
};
struct robust_list_head {
	struct robust_list list;
	s64 futex_offset;
	u64 list_op_pending;
};
_Static_assert(sizeof(struct robust_list_head) == 24, "ABI");
