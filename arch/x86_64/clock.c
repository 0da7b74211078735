/* The machine's clock: the time-stamp counter scaled to nanoseconds, calibrated at boot, or HPET or the ACPI PM timer
 * where the TSC cannot be trusted.
 *
 * The TSC's rate comes from CPUID 0x15, a hypervisor's leaf 0x40000010, or is measured: pairs (TSC, reference) are
 * taken as the tightest of several tries, so that an interrupted or descheduled try does not count; two windows of a
 * millisecond must agree, else more are taken and the median wins. When the other CPUs are about to start, the
 * distance to the very first pair has grown for free, and the rate is refined with it.
 * The TSC is given up when CPUs disagree about it, or when it is not invariant on bare metal.
 *
 * Everything here is [I] once the other CPUs have started, but fallback_last ([a]).
 * Sources: Intel SDM vol. 3, 17.17 and vol. 2 CPUID; IA-PC HPET specification 1.0a; ACPI 6.4, 4.8.3.3. */
#define LOG_PREFIX "clock: "
#include <arch/atomic.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/io.h>
#include <arch/irqflags.h>
#include <init/bootinfo.h>
#include <lib/string.h>
#include <log/printk.h>
#include "clock_priv.h"
#include "plat_priv.h"

#define WINDOW_FS	  1000000000000ul /* a millisecond in femtoseconds */
#define MAX_WINDOWS	  7
#define STALLED_CYCLES	  (1ul << 33)
#define FALLBACK_GUESS_HZ 1000000000ul

static struct tsc_scale scale __ro_after_init;
static u64 tsc_hz __ro_after_init;
static u64 inverse_mult __ro_after_init; /* ns to cycles: ns * inverse_mult >> 32 */
static bool calibrated __ro_after_init;	 /* arch_clock_ns runs */
static bool rate_is_exact __ro_after_init;

static const struct ref_clock *ref;    /* what the TSC was measured against, or NULL */
static struct ref_sample first_sample; /* for clock_refine */
static u64 fallback_last;	       /* [a] widened counter */
static u64 fallback_base_ns;	       /* time when the fallback took over */
static u64 warp_last;		       /* [a] latest TSC that any CPU saw */
static u32 warps;		       /* [a] */

const struct tsc_scale *arch_tsc_scale(void)
{
	return &scale;
}

u64 arch_tsc_khz(void)
{
	return tsc_hz / 1000;
}

/* The counter of the fallback, widened to 64 bits: each reader carries the last value forward. */
static u64 fallback_ticks(void)
{
	u64 old = __atomic_load_n(&fallback_last, __ATOMIC_RELAXED), now;

	do {
		now = (old & ~ref->mask) | (ref->read() & ref->mask);
		if (now < old) {
			/* Wrapped, or another CPU has read a slightly later value in between. */
			if (((old - now) & ref->mask) < ref->mask / 2)
				return old;
			now += ref->mask + 1;
		}
	} while (!__atomic_compare_exchange_n(&fallback_last, &old, now, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	return now;
}

static __noinline u64 fallback_ns(void)
{
	if (!calibrated || !ref)
		return 0;
	return fallback_base_ns + mul_div64(fallback_ticks(), ref->period_fs, 1000000);
}

u64 arch_clock_ns(void)
{
	if (likely(scale.usable))
		return mul_shr64(rdtsc() - scale.tsc_base, scale.mult, scale.shift);
	return fallback_ns();
}

const char *arch_clocksource_name(void)
{
	return scale.usable || !ref ? "tsc" : ref->name;
}

u64 clock_ns_to_tsc(u64 ns)
{
	unsigned __int128 t = (((unsigned __int128)ns * inverse_mult) >> 32) + scale.tsc_base;

	/* Centuries ahead the counter would wrap: the result must not lie in the past. */
	return likely(t < UINT64_MAX - 1) ? (u64)t : UINT64_MAX - 1;
}

u64 clock_max_gap_ns(void)
{
	if (scale.usable || !ref)
		return UINT64_MAX;
	return mul_div64(ref->mask / 4, ref->period_fs, 1000000);
}

void udelay(u64 us)
{
	if (!tsc_hz) {
		while (us--)
			outb(0x80,
			     0); /* the POST port: a cycle of about a microsecond on the ISA bus */
		return;
	}
	u64 start = rdtsc(), cycles = mul_div64(us, tsc_hz, 1000000) + 1;
	while (rdtsc() - start < cycles)
		cpu_relax();
}

/* ns = cycles * mult >> shift, with mult as large as 32 bits hold. at: a moment that keeps its time. */
static void scale_set(u64 hz, u64 at)
{
	u64 ns = scale.mult ? mul_shr64(at - scale.tsc_base, scale.mult, scale.shift) : 0;
	unsigned shift = 32;

	while (shift < 60 && mul_div64(1000000000, 1ul << (shift + 1), hz) <= UINT32_MAX)
		shift++;
	while (shift && mul_div64(1000000000, 1ul << shift, hz) > UINT32_MAX)
		shift--;
	tsc_hz = hz;
	scale.mult = (u32)mul_div64(1000000000, 1ul << shift, hz);
	scale.shift = shift;
	inverse_mult = mul_div64(hz, 1ul << 32, 1000000000);
	scale.tsc_base = at - mul_div64(ns, 1ul << shift, scale.mult);
}

/* The tightest of several readings of the pair; the APIC timer's count comes with it. */
static struct ref_sample sample(const struct ref_clock *r)
{
	struct ref_sample best = {.width = UINT64_MAX};

	for (unsigned i = 0; i < 6; i++) {
		u64 t0 = rdtsc();
		u64 ticks = r->read();
		u64 t1 = rdtsc();
		u32 apic = apic_read(APIC_TIMER_CURRENT);
		if (t1 - t0 < best.width)
			best = (struct ref_sample){t0 + (t1 - t0) / 2, ticks, t1 - t0, apic};
	}
	return best;
}

static u64 elapsed_fs(const struct ref_clock *r, const struct ref_sample *a, u64 ticks)
{
	return ((ticks - a->ref) & r->mask) * r->period_fs;
}

static u64 rate(const struct ref_clock *r, const struct ref_sample *a, const struct ref_sample *b)
{
	return mul_div64(b->tsc - a->tsc, 1000000000000000ul, elapsed_fs(r, a, b->ref));
}

/* One window after *s, which becomes its end; 0: the reference stands still. */
static u64 measure_window(const struct ref_clock *r, struct ref_sample *s)
{
	struct ref_sample from = *s;

	while (elapsed_fs(r, &from, r->read()) < WINDOW_FS)
		if (rdtsc() - from.tsc > STALLED_CYCLES)
			return 0;
	*s = sample(r);
	return rate(r, &from, s);
}

static u64 median(u64 *v, unsigned n)
{
	for (unsigned i = 1; i < n; i++)
		for (unsigned j = i; j > 0 && v[j - 1] > v[j]; j--) {
			u64 t = v[j];
			v[j] = v[j - 1];
			v[j - 1] = t;
		}
	return v[n / 2];
}

/* Hz, or 0 if the reference does not work. Also measures the APIC timer over the same time. */
static u64 measure(const struct ref_clock *r)
{
	u64 v[MAX_WINDOWS];
	unsigned n = 0;

	apic_timer_start_calibration();
	first_sample = sample(r);
	struct ref_sample s = first_sample;
	while (n < MAX_WINDOWS) {
		v[n] = measure_window(r, &s);
		if (!v[n++])
			return 0;
		u64 diff = n >= 2 ? (v[0] > v[1] ? v[0] - v[1] : v[1] - v[0]) : 0;
		if (n == 2 && diff <= v[0] / 1000)
			break;
	}
	u64 hz = n == 2 ? rate(r, &first_sample, &s) : median(v, n);
	u64 apic = mul_div64(first_sample.apic - s.apic, hz, s.tsc - first_sample.tsc);
	apic_timer_calibrated(apic);
	return hz;
}

/* CPUID 0x15: TSC = crystal * b / a (SDM vol. 2); a hypervisor tells the rate in kHz at 0x40000010. */
static u64 tsc_rate_told(void)
{
	if (cpu_features.hypervisor && cpuid_get(0x40000000, 0).a >= 0x40000010) {
		u32 khz = cpuid_get(0x40000010, 0).a;
		if (khz >= 10000)
			return khz * 1000ul;
	}
	if (cpuid_get(0, 0).a >= 0x15) {
		struct cpuid_regs r = cpuid_get(0x15, 0);
		if (r.a && r.b && r.c)
			return (u64)r.c * r.b / r.a;
	}
	return 0;
}

/* The APIC timer alone, against the TSC of known rate. */
static void measure_apic_by_tsc(void)
{
	apic_timer_start_calibration();
	u64 t0 = rdtsc();
	u32 a0 = apic_read(APIC_TIMER_CURRENT);
	udelay(1000);
	u64 t1 = rdtsc();
	u32 a1 = apic_read(APIC_TIMER_CURRENT);
	apic_timer_calibrated(mul_div64(a0 - a1, tsc_hz, t1 - t0));
}

void clock_init(void)
{
	u64 start = rdtsc(), hz = tsc_rate_told();

	rate_is_exact = hz != 0;
	for (unsigned i = 0; i < REF_CLOCKS; i++) {
		const struct ref_clock *r = ref_clock_probe(i);
		if (!r)
			continue;
		if (!hz)
			hz = measure(r);
		if (!hz)
			pr_warn("%s stands still", r->name);
		else if (!ref)
			ref = r;
		if (hz)
			break;
	}
	if (!hz) {
		hz = FALLBACK_GUESS_HZ;
		pr_warn("nothing to measure the TSC against: taking %lu MHz", hz / 1000000);
	}
	scale_set(hz, start);
	bool trusted =
		cpu_features.tsc_invariant || cpu_features.hypervisor || !ref || !ref->lasting;
	const char *want = boot_option("clocksource");
	if (want && ref && ref->lasting && !strcmp(want, ref->name))
		trusted = false;
	calibrated = true;
	scale.usable = trusted;
	if (!trusted)
		fallback_base_ns = -mul_div64(fallback_ticks(), ref->period_fs, 1000000);
	if (rate_is_exact)
		measure_apic_by_tsc();
	pr_info("TSC %lu.%03lu MHz %s%s", hz / 1000000, hz / 1000 % 1000,
		rate_is_exact ? "as told by CPUID"
		: ref	      ? "measured against "
			      : "assumed",
		!rate_is_exact && ref ? ref->name : "");
}

/* The boot CPU alone, interrupts off: nobody reads the clock meanwhile. */
static void refine(void)
{
	if (rate_is_exact || !ref || !ref->lasting)
		return;
	struct ref_sample now = sample(ref);
	/* Beyond half the counter's range its wraps are unknown. */
	u64 ns = mul_div64(now.tsc - first_sample.tsc, 1000000000, tsc_hz);
	if (ns > mul_div64(ref->mask / 2, ref->period_fs, 1000000) || ns < 2 * NSEC_PER_MS)
		return;
	u64 hz = rate(ref, &first_sample, &now);
	u64 diff = hz > tsc_hz ? hz - tsc_hz : tsc_hz - hz;
	if (diff > tsc_hz / 50)
		return; /* one of the two is wrong, and the windows agreed with each other */
	scale_set(hz, now.tsc);
	pr_debug("TSC refined to %lu.%06lu MHz over %lu ms", hz / 1000000, hz % 1000000,
		 ns / 1000000);
}

void clock_refine(void)
{
	unsigned long f = irq_save();
	refine();
	irq_restore(f);
}

/* Every CPU compares its TSC with the latest value that any CPU has published: smaller means a warp. */
void clock_tsc_check(unsigned rounds)
{
	while (rounds--) {
		u64 last = __atomic_load_n(&warp_last, __ATOMIC_ACQUIRE);
		__asm__ volatile("lfence" ::: "memory");
		u64 now = rdtsc();
		if (now < last)
			__atomic_fetch_add(&warps, 1, __ATOMIC_RELAXED);
		else
			(void)__atomic_compare_exchange_n(&warp_last, &last, now, false,
							  __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	}
}

void clock_tsc_verdict(void)
{
	if (!__atomic_load_n(&warps, __ATOMIC_RELAXED) || !scale.usable)
		return;
	if (!ref || !ref->lasting) {
		pr_warn("CPUs disagree about the TSC, but there is no other clock");
		return;
	}
	/* The new clock takes over at or after the time that the old one has shown anywhere. */
	u64 ns = arch_clock_ns();
	fallback_base_ns = ns - mul_div64(fallback_ticks(), ref->period_fs, 1000000);
	barrier();
	WRITE_ONCE(scale.usable, false);
	pr_warn("CPUs disagree about the TSC: using %s", ref->name);
}
