/* Clocks as programs name them, and what waits for the wall clock to be set. */
#pragma once
#include <time/timer.h>
#include <sched/wait.h>

/* Read clock clk (CLOCK_*): 0 or -EINVAL. Any context but for the CPU-time clocks (thread context). */
int clock_read(int clk, ktime_t *out) __must_check;
/* Woken, and clock_set_seq advanced, whenever the wall clock jumps: sleepers until an absolute
 * CLOCK_REALTIME look again. */
extern struct wait_queue clock_set_wait;
u32 clock_set_seq(void);
/* Wall clock minus monotonic. */
s64 clock_real_offset(void);

ktime_t timeval_to_ktime(const struct timeval *tv); /* negative when invalid */
struct timeval ktime_to_timeval(ktime_t t);

/* Sleep until an absolute time of clk (REALTIME, MONOTONIC, BOOTTIME, their like, or a CPU-time clock of
 * the process), interruptible: 0 or -ERESTARTSYS. */
int clock_sleep_until(int clk, ktime_t until) __must_check;
