/* Signal frames on the user stack, in Linux's x86-64 layout (rt_sigframe: return address, ucontext,
 * siginfo; the FPU state above it). Policy (which signal, masks, SA_RESETHAND, on which stack the thread
 * is allowed to be) is kernel/proc's; system-call restart adjusts *r before arch_setup_signal_frame. */
#pragma once
#include <arch/regs.h>
#include <uapi/signal.h>

/* Build the frame for sig on r's user stack, or on altstack if act has SA_ONSTACK, the stack is enabled
 * (not SS_DISABLE, ss_size != 0) and r->rsp is not on it already, and set *r up to enter the handler.
 * oldmask is what sigreturn restores; altstack is recorded in uc_stack as it is
 * given. current's FPU state is saved into the frame, the handler starts with a fresh one. The direction,
 * trap and resume flags are cleared. Own thread only; may sleep.
 * 0, or -EFAULT: the frame could not be written, does not fit the alternate stack, or SA_RESTORER is
 * missing: the thread gets SIGSEGV; *r is unchanged then. */
int arch_setup_signal_frame(struct regs *r, int sig, const struct ksigaction *act,
			    const siginfo_t *info, const sigset_t *oldmask,
			    const stack_t *altstack) __must_check;

/* rt_sigreturn(2): restore *r and the FPU state from the frame at r->rsp - 8; gives the mask and the
 * alternate stack to restore. Segment selectors, flags and addresses are made safe. orig_rax becomes -1,
 * so that nothing is restarted. -EFAULT: SIGSEGV; *r may be half restored, which is safe. Return r->rax
 * as the system call's result. */
int arch_restore_signal_frame(struct regs *r, sigset_t *mask, stack_t *altstack) __must_check;

/* AT_MINSIGSTKSZ: the largest frame that arch_setup_signal_frame writes. */
size_t arch_min_sigstack(void);
