/* The register frame that every kernel entry builds on the kernel stack, in the order of Linux's
 * struct pt_regs / user_regs_struct head, so that ptrace and signal frames copy it directly. */
#pragma once
#include <lib/types.h>

struct regs {
	u64 r15, r14, r13, r12, rbp, rbx;
	u64 r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	u64 orig_rax; /* system-call number, or error code, or -1 - vector */
	u64 rip, cs, rflags, rsp, ss;
};

static inline bool regs_from_user(const struct regs *r)
{
	return r->cs & 3;
}

/* Selectors (GDT layout is fixed by SYSCALL/SYSRET: SDM vol. 3, 5.8.8). */
#define KERNEL_CS 0x08
#define KERNEL_DS 0x10
#define USER_CS32 0x1b
#define USER_DS	  0x23
#define USER_CS	  0x2b
#define TSS_SEL	  0x30
