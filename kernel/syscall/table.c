/* The system-call table: syscalls.def expanded into thunks that take the argument registers out of the
 * frame, the dispatch table that arch/ indexes, and the names.
 * A handler that is not linked does not exist: every line of the .def names a real function. */
#include "syscall_priv.h"
#include <arch/trap.h>
#include <syscall/syscalls.h>

/* Arguments in the order of the ABI: rdi, rsi, rdx, r10, r8, r9 (syscall(2)). */
#define SYSCALL0(nr, name)                            \
	static s64 thunk_##name(const struct regs *r) \
	{                                             \
		return sys_##name();                  \
	}
#define SYSCALL1(nr, name, t1, a1)                    \
	static s64 thunk_##name(const struct regs *r) \
	{                                             \
		return sys_##name((t1)r->rdi);        \
	}
#define SYSCALL2(nr, name, t1, a1, t2, a2)                 \
	static s64 thunk_##name(const struct regs *r)      \
	{                                                  \
		return sys_##name((t1)r->rdi, (t2)r->rsi); \
	}
#define SYSCALL3(nr, name, t1, a1, t2, a2, t3, a3)                     \
	static s64 thunk_##name(const struct regs *r)                  \
	{                                                              \
		return sys_##name((t1)r->rdi, (t2)r->rsi, (t3)r->rdx); \
	}
#define SYSCALL4(nr, name, t1, a1, t2, a2, t3, a3, t4, a4)                         \
	static s64 thunk_##name(const struct regs *r)                              \
	{                                                                          \
		return sys_##name((t1)r->rdi, (t2)r->rsi, (t3)r->rdx, (t4)r->r10); \
	}
#define SYSCALL5(nr, name, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5)                            \
	static s64 thunk_##name(const struct regs *r)                                         \
	{                                                                                     \
		return sys_##name((t1)r->rdi, (t2)r->rsi, (t3)r->rdx, (t4)r->r10, (t5)r->r8); \
	}
#define SYSCALL6(nr, name, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6)                   \
	static s64 thunk_##name(const struct regs *r)                                        \
	{                                                                                    \
		return sys_##name((t1)r->rdi, (t2)r->rsi, (t3)r->rdx, (t4)r->r10, (t5)r->r8, \
				  (t6)r->r9);                                                \
	}
#include "syscalls.def"
#undef SYSCALL0
#undef SYSCALL1
#undef SYSCALL2
#undef SYSCALL3
#undef SYSCALL4
#undef SYSCALL5
#undef SYSCALL6

#define SYSCALL0(nr, name)	[nr] = ENTRY(name),
#define SYSCALL1(nr, name, ...) [nr] = ENTRY(name),
#define SYSCALL2(nr, name, ...) [nr] = ENTRY(name),
#define SYSCALL3(nr, name, ...) [nr] = ENTRY(name),
#define SYSCALL4(nr, name, ...) [nr] = ENTRY(name),
#define SYSCALL5(nr, name, ...) [nr] = ENTRY(name),
#define SYSCALL6(nr, name, ...) [nr] = ENTRY(name),

#define ENTRY(name) thunk_##name
const syscall_fn syscall_table[SYSCALL_TABLE_SIZE] = {
#include "syscalls.def"
};
#undef ENTRY

#define ENTRY(name)	  #name
#define MISSING(nr, name) [nr] = #name,
static const char *const syscall_names[SYSCALL_TABLE_SIZE] = {
#include "syscalls.def"
#include "missing.def"
};
#undef ENTRY
#undef MISSING

const char *syscall_name(u64 nr)
{
	return nr < SYSCALL_TABLE_SIZE ? syscall_names[nr] : NULL;
}
