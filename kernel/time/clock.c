/* Clocks: monotonic time is the architecture's nanosecond counter; the wall clock is that plus an
 * offset, a single 64-bit word, so readers need no lock. The RTC gives the offset at boot, to the
 * second. Any context.
 * Source: clock_gettime(2), time(7). */
#include "time_priv.h"
#include <arch/clock.h>
#include <sched/thread.h>
#include <sched/cputime.h>

static s64 real_offset; /* [a] */
static u32 set_seq;	/* [a] times the wall clock was set */
DEFINE_WAIT_QUEUE(clock_set_wait);

ktime_t ktime_get(void)
{
	return (ktime_t)arch_clock_ns();
}

s64 clock_real_offset(void)
{
	return READ_ONCE(real_offset);
}

ktime_t ktime_get_real(void)
{
	return ktime_get() + clock_real_offset();
}

ktime_t ktime_get_boottime(void)
{
	return ktime_get(); /* the machine never suspends */
}

u32 clock_set_seq(void)
{
	return __atomic_load_n(&set_seq, __ATOMIC_ACQUIRE);
}

int ktime_set_real(ktime_t t)
{
	if (t < 0)
		return -EINVAL;
	WRITE_ONCE(real_offset, t - ktime_get());
	__atomic_fetch_add(&set_seq, 1, __ATOMIC_SEQ_CST);
	wake_up_all(&clock_set_wait);
	return 0;
}

struct timespec ktime_to_timespec(ktime_t t)
{
	struct timespec ts = {t / NSEC_PER_SEC, t % NSEC_PER_SEC};
	if (ts.tv_nsec < 0) {
		ts.tv_nsec += NSEC_PER_SEC;
		ts.tv_sec--;
	}
	return ts;
}

struct timeval ktime_to_timeval(ktime_t t)
{
	struct timespec ts = ktime_to_timespec(t);
	return (struct timeval){ts.tv_sec, ts.tv_nsec / NSEC_PER_USEC};
}

ktime_t timespec_to_ktime(const struct timespec *ts)
{
	if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= NSEC_PER_SEC)
		return -1;
	if (ts->tv_sec >= KTIME_MAX / NSEC_PER_SEC)
		return KTIME_MAX;
	return ts->tv_sec * NSEC_PER_SEC + ts->tv_nsec;
}

ktime_t timeval_to_ktime(const struct timeval *tv)
{
	if (tv->tv_usec < 0 || tv->tv_usec >= 1000000)
		return -1;
	struct timespec ts = {tv->tv_sec, tv->tv_usec * NSEC_PER_USEC};
	return timespec_to_ktime(&ts);
}

/* A negative clock id names somebody's CPU-time clock: ~pid << 3, bit 2 set for a thread, then 2 for
 * the scheduler's clock (0: profiling, 1: user time). Here only the caller's own. */
#define CPUCLOCK_THREAD	  4
#define CPUCLOCK_WHICH(c) ((c)&3)
#define CPUCLOCK_PID(c)	  (~((c) >> 3))

static int read_cpu_clock(int which, bool thread, ktime_t *out)
{
	u64 u, s;
	if (thread)
		thread_times(current, &u, &s);
	else if (current->group)
		thread_group_times(current->group, &u, &s);
	else
		return -EINVAL;
	*out = (ktime_t)(which == 1 ? u : u + s);
	return 0;
}

static bool own_cpu_clock(int clk)
{
	pid_t pid = CPUCLOCK_PID(clk);
	if (CPUCLOCK_WHICH(clk) > 2)
		return false;
	if (pid == 0 || pid == current->tid)
		return true;
	struct thread *leader = current->group ? current->group->leader : NULL;
	return !(clk & CPUCLOCK_THREAD) && leader && leader->tid == pid;
}

bool clock_valid(int clk)
{
	if (clk < 0)
		return own_cpu_clock(clk);
	return clk <= CLOCK_BOOTTIME_ALARM || clk == CLOCK_TAI;
}

int clock_read(int clk, ktime_t *out)
{
	switch (clk) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		*out = ktime_get_real();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
		*out = ktime_get();
		return 0;
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*out = ktime_get_boottime();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		return read_cpu_clock(2, false, out);
	case CLOCK_THREAD_CPUTIME_ID:
		return read_cpu_clock(2, true, out);
	}
	if (clk < 0 && own_cpu_clock(clk))
		return read_cpu_clock(CPUCLOCK_WHICH(clk), clk & CPUCLOCK_THREAD, out);
	return -EINVAL;
}

void time_init(void)
{
	timers_init();
	WRITE_ONCE(real_offset, (s64)(arch_rtc_read() * NSEC_PER_SEC) - ktime_get());
}
