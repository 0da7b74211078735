/* clone(2), clone3(2) flags and arguments; scheduling policies are in sched(7)'s own header. */
#pragma once
#include <lib/types.h>

#define CSIGNAL		     0x000000ffu
#define CLONE_NEWTIME	     0x00000080u
#define CLONE_VM	     0x00000100u
#define CLONE_FS	     0x00000200u
#define CLONE_FILES	     0x00000400u
#define CLONE_SIGHAND	     0x00000800u
#define CLONE_PIDFD	     0x00001000u
#define CLONE_PTRACE	     0x00002000u
#define CLONE_VFORK	     0x00004000u
#define CLONE_PARENT	     0x00008000u
#define CLONE_THREAD	     0x00010000u
#define CLONE_NEWNS	     0x00020000u
#define CLONE_SYSVSEM	     0x00040000u
#define CLONE_SETTLS	     0x00080000u
#define CLONE_PARENT_SETTID  0x00100000u
#define CLONE_CHILD_CLEARTID 0x00200000u
#define CLONE_DETACHED	     0x00400000u
#define CLONE_UNTRACED	     0x00800000u
#define CLONE_CHILD_SETTID   0x01000000u
#define CLONE_NEWCGROUP	     0x02000000u
#define CLONE_NEWUTS	     0x04000000u
#define CLONE_NEWIPC	     0x08000000u
#define CLONE_NEWUSER	     0x10000000u
#define CLONE_NEWPID	     0x20000000u
#define CLONE_NEWNET	     0x40000000u
#define CLONE_IO	     0x80000000u
#define CLONE_CLEAR_SIGHAND  0x100000000ul
#define CLONE_INTO_CGROUP    0x200000000ul

struct clone_args {
	u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
		set_tid_size, cgroup;
};
_Static_assert(sizeof(struct clone_args) == 88, "ABI");
#define CLONE_ARGS_SIZE_VER0 64u
