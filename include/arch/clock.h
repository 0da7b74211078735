/* Raw time sources and the per-CPU one-shot timer. Policy (clocks, timers) is kernel/time. */
#pragma once
#include <arch/percpu.h>
#include <lib/types.h>

/* Nanoseconds since boot, monotonic across CPUs; a few instructions (TSC scaled), or HPET/PM-timer
 * where the TSC is not usable. Any context, also before calibration (then 0). */
u64 arch_clock_ns(void);
const char *arch_clocksource_name(void);
u64 arch_tsc_khz(void);
static __always_inline u64 rdtsc(void)
{
	u32 lo, hi;
	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (u64)hi << 32 | lo;
}
/* For the vDSO and clock_ns: ns = (tsc * mult) >> shift, relative to base. */
struct tsc_scale {
	u64 tsc_base;
	u32 mult, shift;
	bool usable;
};
const struct tsc_scale *arch_tsc_scale(void);

/* The handler of the local timer interrupt (hard IRQ). */
void arch_timer_set_handler(void (*fn)(void));
/* Inside the handler: did the interrupt find this CPU in user mode? */
DECLARE_PER_CPU(u32, timer_hit_user);
/* Program this CPU's one-shot timer to fire at deadline (arch_clock_ns time); U64_MAX: off.
 * Interrupts off. */
void arch_timer_program(u64 deadline_ns);

/* Busy wait (early boot and hardware handshakes only). */
void udelay(u64 us);

/* Wall clock: seconds since 1970 from the CMOS RTC; and writing it. May busy-wait up to 2 ms. */
u64 arch_rtc_read(void);
int arch_rtc_write(u64 secs);
