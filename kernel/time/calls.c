/* System calls about time: clocks, setting them, sleeping. A relative sleep that a signal interrupts
 * leaves a restart block with its absolute end, so that restart_syscall goes on with what was left.
 * Source: nanosleep(2), clock_nanosleep(2), clock_gettime(2), gettimeofday(2), time(2). */
#include "time_priv.h"
#include <arch/clock.h>
#include <arch/uaccess.h>
#include <sched/thread.h>
#include <syscall/syscalls.h>

struct timezone_abi {
	s32 minuteswest, dsttime;
};
static struct timezone_abi sys_tz; /* [a] word-wise; kept for old programs only */

s64 sys_clock_gettime(int clk, struct timespec __user *uts)
{
	ktime_t now;
	int err = clock_read(clk, &now);
	if (err)
		return err;
	struct timespec ts = ktime_to_timespec(now);
	return copy_out(uts, &ts, sizeof(ts));
}

s64 sys_clock_getres(int clk, struct timespec __user *uts)
{
	if (!clock_valid(clk))
		return -EINVAL;
	struct timespec ts = {0, 1};
	if (clk == CLOCK_REALTIME_COARSE || clk == CLOCK_MONOTONIC_COARSE)
		ts.tv_nsec = NSEC_PER_SEC / 250;
	return uts ? copy_out(uts, &ts, sizeof(ts)) : 0;
}

/* Set the wall clock and the RTC with it. */
static s64 set_wall_clock(ktime_t t)
{
	if (t < 0)
		return -EINVAL;
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	int err = ktime_set_real(t);
	if (!err)
		err = arch_rtc_write((u64)t / NSEC_PER_SEC);
	/* A machine without a writable RTC still keeps the time until it is switched off. */
	return err == -ENODEV ? 0 : err;
}

s64 sys_clock_settime(int clk, const struct timespec __user *uts)
{
	struct timespec ts;
	if (clk != CLOCK_REALTIME)
		return -EINVAL;
	if (copy_in(&ts, uts, sizeof(ts)))
		return -EFAULT;
	ktime_t t = timespec_to_ktime(&ts);
	return t == KTIME_MAX ? -EINVAL : set_wall_clock(t);
}

s64 sys_gettimeofday(struct timeval __user *utv, void __user *utz)
{
	if (utv) {
		struct timeval tv = ktime_to_timeval(ktime_get_real());
		if (copy_out(utv, &tv, sizeof(tv)))
			return -EFAULT;
	}
	if (utz && copy_out(utz, &sys_tz, sizeof(sys_tz)))
		return -EFAULT;
	return 0;
}

s64 sys_settimeofday(const struct timeval __user *utv, const void __user *utz)
{
	struct timeval tv;
	struct timezone_abi tz;
	if (utv && copy_in(&tv, utv, sizeof(tv)))
		return -EFAULT;
	if (utz && copy_in(&tz, utz, sizeof(tz)))
		return -EFAULT;
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	if (utz) {
		if (tz.minuteswest > 15 * 60 || tz.minuteswest < -15 * 60)
			return -EINVAL;
		sys_tz = tz;
	}
	if (!utv)
		return 0;
	ktime_t t = timeval_to_ktime(&tv);
	return t == KTIME_MAX ? -EINVAL : set_wall_clock(t);
}

s64 sys_time(s64 __user *ut)
{
	s64 t = ktime_get_real() / NSEC_PER_SEC;
	if (ut && put_user(t, ut))
		return -EFAULT;
	return t;
}

/* args: clock, absolute end, user pointer for the rest or 0. */
static s64 nanosleep_restart(struct restart *r)
{
	int clk = (int)r->args[0];
	ktime_t end = (ktime_t)r->args[1];
	struct timespec __user *urem = u64_to_user(r->args[2]);
	int err = clock_sleep_until(clk, end);
	if (err != -ERESTARTSYS)
		return err;
	ktime_t now;
	err = clock_read(clk, &now);
	if (err)
		return err;
	if (now >= end)
		return 0;
	if (urem) {
		struct timespec rem = ktime_to_timespec(end - now);
		if (copy_out(urem, &rem, sizeof(rem)))
			return -EFAULT;
	}
	r->fn = nanosleep_restart;
	return -ERESTART_RESTARTBLOCK;
}

static s64 sleep_relative(int clk, ktime_t ns, struct timespec __user *urem)
{
	ktime_t now;
	int err = clock_read(clk, &now);
	if (err)
		return err;
	struct restart *r = &current->restart;
	r->args[0] = (u64)clk;
	r->args[1] = (u64)ktime_add(now, ns);
	r->args[2] = user_to_u64(urem);
	return nanosleep_restart(r);
}

s64 sys_nanosleep(const struct timespec __user *ureq, struct timespec __user *urem)
{
	struct timespec ts;
	if (copy_in(&ts, ureq, sizeof(ts)))
		return -EFAULT;
	ktime_t ns = timespec_to_ktime(&ts);
	return ns < 0 ? -EINVAL : sleep_relative(CLOCK_MONOTONIC, ns, urem);
}

/* Clocks one can sleep on. */
static int sleepable(int clk)
{
	switch (clk) {
	case CLOCK_THREAD_CPUTIME_ID:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
		return -EOPNOTSUPP;
	}
	/* A thread that sleeps uses no time of its own. */
	if (clk < 0 && (clk & 4))
		return -EINVAL;
	return clock_valid(clk) ? 0 : -EINVAL;
}

s64 sys_clock_nanosleep(int clk, int flags, const struct timespec __user *ureq,
			struct timespec __user *urem)
{
	struct timespec ts;
	int err = sleepable(clk);
	if (err)
		return err;
	if (copy_in(&ts, ureq, sizeof(ts)))
		return -EFAULT;
	ktime_t t = timespec_to_ktime(&ts);
	if (t < 0)
		return -EINVAL;
	if (flags & TIMER_ABSTIME) {
		err = clock_sleep_until(clk, t);
		return err == -ERESTARTSYS ? -ERESTARTNOHAND : err;
	}
	/* A relative sleep does not care about the wall clock being set. */
	if (clk == CLOCK_REALTIME || clk == CLOCK_REALTIME_ALARM || clk == CLOCK_TAI)
		clk = CLOCK_MONOTONIC;
	return sleep_relative(clk, t, urem);
}
