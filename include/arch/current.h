/* The running thread: one load through %gs. */
#pragma once
#include <arch/percpu.h>

struct thread;
DECLARE_PER_CPU(struct thread *, current_thread);

static __always_inline __attribute__((pure)) struct thread *get_current(void)
{
	struct thread *t;
	/* Not volatile: the compiler may keep it, it never changes under a thread. */
	__asm__("movq %%gs:%1, %0" : "=r"(t) : "m"(current_thread));
	return t;
}
#define current get_current()
