/* The FPU area of a thread, and its switch. */
#pragma once
#include <lib/types.h>
#include <sync/preempt.h>

struct fxsave {
	u16 fcw, fsw, ftw, fop;
	u64 rip, rdp;
	u32 mxcsr, mxcsr_mask;
	u8 st[128], xmm[256], reserved[96];
} __aligned(16);
_Static_assert(sizeof(struct fxsave) == 512, "FXSAVE format");

struct xsave_area {
	struct fxsave fx;
	u64 xstate_bv, xcomp_bv, reserved[6];
	u8 extended[];
} __aligned(64);

#define FPU_NO_CPU (-1u)

struct fpu_state {
	u32 cpu; /* [o] that loaded it last, while it is the truth; FPU_NO_CPU: in memory only */
	struct xsave_area xsave;
};

struct fpu_state *fpu_alloc(void) __must_check; /* initial state; NULL: no memory */
void fpu_free(struct fpu_state *s);
/* Registers from prev's thread to next's; either may be NULL (kernel thread). Interrupts off. */
void fpu_switch(struct fpu_state *prev, struct fpu_state *next);
/* dst becomes a copy of the running thread's state. */
void fpu_copy_current(struct fpu_state *dst, struct fpu_state *current_state);
/* The running thread starts afresh (execve, signal handler). */
void fpu_reset_current(struct fpu_state *s);
