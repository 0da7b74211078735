/* Prototypes of all system-call handlers, from the one table. A handler lives with its subsystem,
 * includes this header and is named sys_NAME; it returns a value or -errno. */
#pragma once
#include <lib/types.h>
#include <uapi/structs.h>

#define SYSCALL0(nr, name)			   s64 sys_##name(void);
#define SYSCALL1(nr, name, t1, a1)		   s64 sys_##name(t1 a1);
#define SYSCALL2(nr, name, t1, a1, t2, a2)	   s64 sys_##name(t1 a1, t2 a2);
#define SYSCALL3(nr, name, t1, a1, t2, a2, t3, a3) s64 sys_##name(t1 a1, t2 a2, t3 a3);
#define SYSCALL4(nr, name, t1, a1, t2, a2, t3, a3, t4, a4) \
	s64 sys_##name(t1 a1, t2 a2, t3 a3, t4 a4);
#define SYSCALL5(nr, name, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5) \
	s64 sys_##name(t1 a1, t2 a2, t3 a3, t4 a4, t5 a5);
#define SYSCALL6(nr, name, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6) \
	s64 sys_##name(t1 a1, t2 a2, t3 a3, t4 a4, t5 a5, t6 a6);
#include "../../kernel/syscall/syscalls.def"
#undef SYSCALL0
#undef SYSCALL1
#undef SYSCALL2
#undef SYSCALL3
#undef SYSCALL4
#undef SYSCALL5
#undef SYSCALL6
