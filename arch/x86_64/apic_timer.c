/* The one-shot timer of each CPU: the local APIC's, counting down, or in TSC-deadline mode (Intel SDM vol. 3, 11.5.4).
 *
 * Deadlines are absolute in arch_clock_ns() time. The handler is never called early: when the hardware's range or
 * rounding ends a count before the deadline, the interrupt programs the rest. Where the clock source would wrap
 * unnoticed, the timer also fires for it.
 * All state is the CPU's own; interrupts off. */
#define LOG_PREFIX "clock: "
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/percpu.h>
#include <log/printk.h>
#include "plat_priv.h"

#define MSR_TSC_DEADLINE 0x6e0u
#define LVT_DEADLINE	 (2u << 17)
#define DIVIDE_BY_4	 1u
#define COUNT_MAX	 0x7fffffffu

static DEFINE_PER_CPU(u64,
		      timer_deadline); /* [o] what the layer above waits for; U64_MAX: nothing */
DEFINE_PER_CPU(u32, timer_hit_user);
static bool deadline_mode __ro_after_init;
static u64 apic_hz __ro_after_init;    /* after the divider */
static u64 count_mult __ro_after_init; /* counts = ns * count_mult >> 32 */
static void (*handler)(void) __ro_after_init;

void arch_timer_set_handler(void (*fn)(void))
{
	handler = fn;
}

/* Free-running, masked, from the top: clock.c reads the count. */
void apic_timer_start_calibration(void)
{
	apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED | VECTOR_TIMER);
	apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_4);
	apic_write(APIC_TIMER_INITIAL, ~0u);
}

void apic_timer_calibrated(u64 hz)
{
	apic_hz = hz ? hz : 1000000;
	count_mult = mul_div64(apic_hz, 1ul << 32, 1000000000);
	apic_write(APIC_TIMER_INITIAL, 0);
	pr_debug("APIC timer %lu.%03lu MHz", apic_hz / 1000000, apic_hz / 1000 % 1000);
}

void apic_timer_init_cpu(void)
{
	this_cpu_write(timer_deadline, UINT64_MAX);
	apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_4);
	apic_write(APIC_LVT_TIMER, (deadline_mode ? LVT_DEADLINE : 0) | VECTOR_TIMER);
	/* The LVT write must be done before the first deadline (SDM vol. 3, 11.5.4.1). */
	__asm__ volatile("mfence" ::: "memory");
}

/* The TSC was found unusable after the CPUs had set their LVTs: they count down from now on. */
static void leave_deadline_mode(void)
{
	if (!(apic_read(APIC_LVT_TIMER) & LVT_DEADLINE))
		return;
	wrmsr(MSR_TSC_DEADLINE, 0);
	apic_write(APIC_LVT_TIMER, VECTOR_TIMER);
}

static void program(u64 deadline)
{
	u64 gap = clock_max_gap_ns();

	if (deadline_mode && likely(gap == UINT64_MAX)) {
		wrmsr(MSR_TSC_DEADLINE, deadline == UINT64_MAX ? 0 : clock_ns_to_tsc(deadline) + 1);
		return;
	}
	if (unlikely(deadline_mode))
		leave_deadline_mode();
	if (deadline == UINT64_MAX && gap == UINT64_MAX) {
		apic_write(APIC_TIMER_INITIAL, 0);
		return;
	}
	u64 now = arch_clock_ns();
	u64 ns = deadline > now ? deadline - now : 0;
	if (ns > gap)
		ns = gap;
	u64 count = ns >= 1000000000000ul ? COUNT_MAX : mul_shr64(ns, count_mult, 32) + 1;
	apic_write(APIC_TIMER_INITIAL, count > COUNT_MAX ? COUNT_MAX : (u32)count);
}

void arch_timer_program(u64 deadline_ns)
{
	this_cpu_write(timer_deadline, deadline_ns);
	program(deadline_ns);
}

void apic_timer_irq(void)
{
	u64 deadline = this_cpu_read(timer_deadline);

	if (arch_clock_ns() < deadline) {
		program(deadline);
		return;
	}
	this_cpu_write(timer_deadline, UINT64_MAX);
	if (likely(handler))
		handler();
}

void apic_timer_init(void)
{
	deadline_mode = cpu_features.tsc_deadline && arch_tsc_scale()->usable;
	apic_timer_init_cpu();
	pr_info("%s, timer %s", apic_x2apic ? "x2APIC" : "xAPIC",
		deadline_mode ? "in TSC-deadline mode" : "counts down");
}
