/* The work of kernel/proc on the way back to user mode, called by kernel/syscall. Interrupts on. */
#pragma once
#include <arch/regs.h>

/* Deliver pending signals, stop, die; set up system-call restart. */
void signal_deliver(struct regs *r);
/* An exception in user mode becomes a signal (struct trap_ops). */
void user_exception(struct regs *r, int sig, int si_code, u64 addr, u32 trapno, u32 err);
/* Restartable sequences: the thread may have moved; publish the CPU, abort a section it was in. */
void rseq_resume(struct regs *r);
