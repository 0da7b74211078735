/* Per-CPU variables. Each CPU has its own copy of the .percpu section; %gs points at
 * (copy - __percpu_start), so one %gs-relative instruction reaches a variable.
 * this_cpu_* are safe against preemption for one access; a pointer from this_cpu_ptr() is only good
 * while preemption is off. */
#pragma once
#include <lib/types.h>

#define PERCPU_SECTION ".percpu"

#define DEFINE_PER_CPU(type, name)  __section(PERCPU_SECTION) __typeof__(type) name
#define DECLARE_PER_CPU(type, name) extern __typeof__(type) name

/* Offset of each CPU's copy against the linked address; indexed by CPU number. [I] after SMP setup */
extern unsigned long *percpu_offset;
DECLARE_PER_CPU(unsigned long, percpu_this_offset);
DECLARE_PER_CPU(u32, percpu_cpu_id);

#define __gs_var(x) (*(__seg_gs __typeof__(x) *)(uintptr_t) & (x))

#define this_cpu_read(x)     __gs_var(x)
#define this_cpu_write(x, v) (__gs_var(x) = (v))
#define this_cpu_add(x, v)                                  \
	do {                                                \
		switch (sizeof(x)) {                        \
		case 4:                                     \
			__asm__ volatile("addl %1, %%gs:%0" \
					 : "+m"(x)          \
					 : "re"((u32)(v))   \
					 : "memory", "cc"); \
			break;                              \
		case 8:                                     \
			__asm__ volatile("addq %1, %%gs:%0" \
					 : "+m"(x)          \
					 : "re"((u64)(v))   \
					 : "memory", "cc"); \
			break;                              \
		default:                                    \
			__builtin_trap();                   \
		}                                           \
	} while (0)
#define this_cpu_inc(x)	    this_cpu_add(x, 1)
#define this_cpu_dec(x)	    this_cpu_add(x, -1)
#define this_cpu_ptr(p)	    ((__typeof__(p))((uintptr_t)(p) + this_cpu_read(percpu_this_offset)))
#define per_cpu_ptr(p, cpu) ((__typeof__(p))((uintptr_t)(p) + percpu_offset[cpu]))
#define per_cpu(x, cpu)	    (*per_cpu_ptr(&(x), cpu))

/* Number of the CPU we run on: stable only while preemption is off. */
#define cpu_id() this_cpu_read(percpu_cpu_id)
