/* CPU time of threads, groups and CPUs. All in nanoseconds. */
#pragma once
#include <sched/thread.h>

/* Of the living threads and the dead ones. Takes siglock; no run-queue lock held. */
void thread_group_times(struct thread_group *g, u64 *utime, u64 *stime);
/* The same with siglock held. */
void thread_group_times_locked(struct thread_group *g, u64 *utime, u64 *stime);
/* How many of its threads can run at once at the most. */
unsigned thread_group_width(struct thread_group *g);
/* Called in hard-IRQ context by the tick for a group with cpu_timers set, of its running thread. */
extern void (*sched_cpu_timer_hook)(struct thread *t);
