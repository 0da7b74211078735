/* The machine part of a thread: saved stack pointer, FS/GS base, FPU state, and its switch. */
#pragma once
#include <arch/regs.h>

struct thread;
struct fpu_state;

struct arch_thread {
	u64 sp;		       /* [o] kernel stack pointer while switched out */
	u64 fsbase, gsbase;    /* [o] user segment bases while switched out */
	struct fpu_state *fpu; /* [I] XSAVE area; NULL for kernel threads */
	u64 dr[8];	       /* [o] debug registers (ptrace), 0 = unused */
	u64 cr2;	   /* [o] of the last exception in user mode, for signal frames: address, */
	u32 trapno, err;   /* [o] vector and error code */
	u32 pagefault_off; /* [o] nesting of pagefault_disable() */
};

#define KSTACK_ORDER 2 /* 16 KiB, from vmalloc with a guard page below */
#define KSTACK_SIZE  (PAGE_SIZE << KSTACK_ORDER)

/* The user register frame of a thread: at the very top of its kernel stack. */
static inline struct regs *stack_user_regs(void *kstack)
{
	return (struct regs *)((char *)kstack + KSTACK_SIZE) - 1;
}

/* Prepare a new kernel thread that will call fn(arg) on its first switch-in (through
 * sched_thread_first_run(), which the scheduler provides by arch_set_thread_hooks). */
void arch_thread_init_kernel(struct arch_thread *at, void *kstack, void (*fn)(void *), void *arg);
/* Prepare a new user thread that returns to user space with *regs on its first switch-in. Copies
 * the FPU state, FS/GS base of src (the current thread) when src is not NULL. -ENOMEM. May sleep. */
int arch_thread_init_user(struct arch_thread *at, void *kstack, const struct regs *regs,
			  struct arch_thread *src) __must_check;
/* Free what init allocated. */
void arch_thread_destroy(struct arch_thread *at);
/* Reset to the state of a fresh program (execve): FPU init state, bases 0, debug registers off. */
int arch_thread_reset_user(struct arch_thread *at) __must_check;

/* Hooks the scheduler installs once: first_run is called on a new thread's stack, interrupts off,
 * with the thread that was switched away from. */
struct arch_thread_hooks {
	void (*first_run)(struct thread *prev);
};
void arch_set_thread_hooks(const struct arch_thread_hooks *h);

/* Switch stacks and machine state from prev to next (both struct arch_thread embedded in threads).
 * Interrupts off. Returns, in the context of the thread switched to, the previous thread (opaque
 * cookie given as prev_thread). kstack_top is next's: it goes to TSS.RSP0 and the syscall stack. */
struct thread *arch_switch(struct arch_thread *prev, struct arch_thread *next,
			   struct thread *prev_thread, void *next_kstack_top);

/* Where FPU areas come from, each of arch_fpu_area_size() bytes on a 64-byte boundary: handed down once
 * at boot. alloc may sleep, NULL: no memory. */
size_t arch_fpu_area_size(void);
void arch_fpu_set_allocator(void *(*alloc)(void), void (*free)(void *p));

/* User TLS of the current thread. arch_set_fsbase: -EPERM for a non-canonical address. */
u64 arch_get_fsbase(void);
int arch_set_fsbase(u64 base);
u64 arch_get_gsbase(void);
int arch_set_gsbase(u64 base);

/* FPU state of the current thread to and from a user signal frame (XSAVE standard format with
 * Linux's fpx_sw_bytes). size includes the trailing magic. */
size_t arch_fpu_frame_size(void);
int arch_fpu_save_user(void __user *frame);
int arch_fpu_restore_user(const void __user *frame); /* NULL: the state of a fresh program */
/* Give the current thread the FPU state of a fresh program. */
void arch_fpu_restart(void);
