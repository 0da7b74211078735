/* Tests of the platform part: ACPI parsing on made-up tables, clocks, cross-CPU calls, interrupt vectors. None depends
 * on how fast the machine is: upper bounds of times are far away. */
#include <arch/atomic.h>
#include <arch/clock.h>
#include <arch/irq.h>
#include <arch/irq_work.h>
#include <arch/irqflags.h>
#include <arch/pgtable.h>
#include <arch/smp.h>
#include <init/ktest.h>
#include <lib/bits.h>
#include <lib/err.h>
#include <lib/string.h>
#include <sched/thread.h>
#include <sync/preempt.h>
#include "plat_priv.h"

#define SPIN_LIMIT_NS 20000000000ul

KTEST(acpi, checksum)
{
	u8 t[36] = {'T', 'E', 'S', 'T', 36};
	u8 sum = 0;

	for (unsigned i = 0; i < sizeof(t); i++)
		sum += t[i];
	CHECK(!acpi_checksum_ok(t, sizeof(t)));
	t[9] = -sum;
	CHECK(acpi_checksum_ok(t, sizeof(t)));
	t[35] ^= 1;
	CHECK(!acpi_checksum_ok(t, sizeof(t)));
	CHECK(acpi_checksum_ok(t, 0));
}

KTEST(acpi, s5_package)
{
	/* Name (_S5, Package (4) {5, 0x06, 0, 0}), in the encodings that firmware uses. */
	static const u8 plain[] = {0x10, 0x08, '_',  'S',  '5',	 '_',  0x12, 0x08,
				   0x04, 0x0a, 0x05, 0x0a, 0x06, 0x00, 0x00};
	static const u8 root[] = {0x08, '\\', '_',  'S',  '5',	'_', 0x12,
				  0x06, 0x04, 0x01, 0x00, 0x00, 0x00};
	static const u8 long_length[] = {0x08, '_',  'S',  '5',	 '_',  0x12, 0x49,
					 0x00, 0x02, 0x0b, 0x07, 0x00, 0x0a, 0x03};
	static const u8 mentioned[] = {0x0d, '_', 'S', '5', '_', 0x00, 0x00, 0x00};
	static const u8 not_constant[] = {0x08, '_',  'S', '5', '_', 0x12,
					  0x06, 0x02, 'X', 'Y', 'Z', '0'};
	u8 a, b;

	CHECK_EQ(acpi_find_s5(plain, sizeof(plain), &a, &b), 0);
	CHECK(a == 5 && b == 6);
	CHECK_EQ(acpi_find_s5(root, sizeof(root), &a, &b), 0);
	CHECK(a == 1 && b == 0);
	CHECK_EQ(acpi_find_s5(long_length, sizeof(long_length), &a, &b), 0);
	CHECK(a == 7 && b == 3);
	CHECK_EQ(acpi_find_s5(mentioned, sizeof(mentioned), &a, &b), -ENOENT);
	CHECK_EQ(acpi_find_s5(not_constant, sizeof(not_constant), &a, &b), -EINVAL);
	/* Cut anywhere: never a hit, never a read beyond the end. */
	for (size_t n = 0; n < 12; n++)
		CHECK(acpi_find_s5(plain, n, &a, &b) < 0);
}

KTEST(acpi, tables_are_whole)
{
	static const char *const names[] = {"FACP", "APIC", "HPET", "DSDT", "MCFG"};

	if (!acpi_rsdp().v)
		return ktest_skip("no ACPI");
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		const struct acpi_header *t = acpi_table(names[i], 0);
		if (t)
			CHECK(acpi_checksum_ok(t, t->length));
	}
	CHECK(!acpi_table("ZZZZ", 0));
	unsigned n = 0;
	for (const struct acpi_madt_record *r = NULL; (r = acpi_madt_next(r));)
		n++;
	CHECK(n > 0);
}

KTEST(clock, runs_and_delays)
{
	u64 a = arch_clock_ns();

	udelay(200);
	u64 b = arch_clock_ns();
	CHECK(b - a >= 199000);
	for (unsigned i = 0; i < 1000; i++) {
		u64 c = arch_clock_ns();
		CHECK(c >= b);
		b = c;
	}
	CHECK(arch_tsc_khz() > 1000);
	/* There and back is exact to a few cycles. */
	const struct tsc_scale *s = arch_tsc_scale();
	u64 ns = 123456789012ul, tsc = clock_ns_to_tsc(ns);
	u64 back = mul_shr64(tsc - s->tsc_base, s->mult, s->shift);
	CHECK(back > ns - 100000 && back < ns + 100000);
}

/* What a program may ask for, up to the largest ktime_t, at any rate of the TSC. */
KTEST(clock, far_deadlines_do_not_wrap)
{
	u64 last = 0, bad = 0;

	for (u64 ns = 1ul << 30; ns < 1ul << 63; ns += ns / 16) {
		u64 t = clock_ns_to_tsc(ns);

		bad += t < last || t == UINT64_MAX;
		last = t;
	}
	CHECK_EQ(bad, 0);
	CHECK(clock_ns_to_tsc(KTIME_MAX) >= last);
	CHECK(clock_ns_to_tsc(KTIME_MAX) > rdtsc());
}

KTEST(clock, rtc_is_plausible)
{
	u64 t = arch_rtc_read();

	if (!t)
		return ktest_skip("no CMOS clock");
	CHECK(t > 1577836800ul); /* 2020 */
	CHECK(t < 7258118400ul); /* 2200 */
}

struct relay {
	u64 last;      /* latest time that any CPU has published */
	u32 backwards; /* times that went back */
	u32 runs;
};

static void clock_relay(void *arg)
{
	struct relay *r = arg;

	for (unsigned i = 0; i < 200; i++) {
		u64 seen = smp_load_acquire(&r->last);
		u64 now = arch_clock_ns();
		if (now < seen)
			__atomic_fetch_add(&r->backwards, 1, __ATOMIC_RELAXED);
		else
			(void)cmpxchg(&r->last, seen, now);
	}
	__atomic_fetch_add(&r->runs, 1, __ATOMIC_RELAXED);
}

KTEST(clock, monotonic_across_cpus)
{
	struct relay r = {0};

	smp_call_function(NULL, clock_relay, &r);
	clock_relay(&r);
	smp_call_function(NULL, clock_relay, &r);
	CHECK_EQ(r.backwards, 0);
	CHECK_EQ(r.runs, 2 * (nr_cpus_online - 1) + 1);
}

struct visit {
	unsigned long *mask;
	u32 count, with_irqs_on;
};

static void visit(void *arg)
{
	struct visit *v = arg;

	bit_set_atomic(v->mask, cpu_id());
	__atomic_fetch_add(&v->count, 1, __ATOMIC_SEQ_CST);
	if (!irqs_disabled() || !in_irq())
		__atomic_fetch_add(&v->with_irqs_on, 1, __ATOMIC_SEQ_CST);
}

KTEST(smp, call_function_reaches_all_others)
{
	unsigned long *mask = arch_mem.alloc(cpumask_bytes());
	struct visit v = {mask};

	REQUIRE(mask);
	preempt_disable();
	unsigned me = cpu_id();
	for (unsigned i = 0; i < 20; i++)
		smp_call_function(NULL, visit, &v);
	preempt_enable();
	CHECK_EQ(v.count, 20 * (nr_cpus_online - 1));
	CHECK_EQ(v.with_irqs_on, 0);
	CHECK(!bit_test(mask, me));
	for_each_online_cpu (c)
		CHECK(c == me || bit_test(mask, c));
	arch_mem.free(mask);
}

static void whoami(void *arg)
{
	*(u32 *)arg = cpu_id();
}

KTEST(smp, call_function_single_runs_there)
{
	for_each_online_cpu (c) {
		u32 where = ~0u;
		smp_call_function_single(c, whoami, &where);
		CHECK_EQ(where, c);
		CHECK(!irqs_disabled());
	}
}

KTEST(smp, per_cpu_areas_are_apart)
{
	for_each_possible_cpu (c) {
		CHECK_EQ(per_cpu(percpu_cpu_id, c), c);
		CHECK_EQ(per_cpu(percpu_this_offset, c), percpu_offset[c]);
		for (unsigned d = 0; d < c; d++)
			CHECK(cpu_apic_id[c] != cpu_apic_id[d]);
	}
}

static void count_call(void *arg)
{
	__atomic_fetch_add((u32 *)arg, 1, __ATOMIC_SEQ_CST);
}

KTEST(smp, tlb_shootdown_returns)
{
	u64 before = 0, after = 0;

	for_each_online_cpu (c)
		before += irq_local_count(IRQ_TLB, c);
	tlb_shootdown_kernel(KERNEL_IMAGE_BASE, PAGE_SIZE);
	tlb_shootdown_kernel(KERNEL_IMAGE_BASE, 1000 * PAGE_SIZE);
	u32 calls = 0;
	tlb_call(cpu_online_mask, count_call, &calls);
	tlb_call(cpu_online_mask, count_call, &calls);
	CHECK_EQ(calls, 2 * nr_cpus_online);
	for_each_online_cpu (c)
		after += irq_local_count(IRQ_TLB, c);
	CHECK_EQ(after - before, nr_cpus_online > 1 ? 4 * (nr_cpus_online - 1) : 0);
}

static bool count_irq(void *arg)
{
	__atomic_fetch_add((u32 *)arg, 1, __ATOMIC_SEQ_CST);
	return true;
}

/* A message's address and data say which CPU gets which vector: send it as an IPI. */
KTEST(irq, msi_vectors_arrive_where_they_say)
{
	u32 hits[8] = {0};
	int irqs[8];
	unsigned cpus[8], kinds = 0;
	unsigned long seen[16] = {0};

	for (unsigned i = 0; i < 8; i++) {
		u64 addr;
		u32 data;
		irqs[i] = irq_request_msi(count_irq, &hits[i], "ktest", &addr, &data);
		REQUIRE(irqs[i] > 0);
		CHECK_EQ(addr >> 20, 0xfee);
		u32 id = addr >> 12 & 0xff;
		cpus[i] = 0;
		for_each_online_cpu (c)
			if (cpu_apic_id[c] == id)
				cpus[i] = c;
		if (cpus[i] < 1024 && !bit_test(seen, cpus[i])) {
			bit_set(seen, cpus[i]);
			kinds++;
		}
		for (unsigned k = 0; k < 3; k++) {
			u64 until = arch_clock_ns() + SPIN_LIMIT_NS;
			apic_send_ipi(cpus[i], data);
			while (smp_load_acquire(&hits[i]) != k + 1 && arch_clock_ns() < until)
				cpu_relax();
		}
		CHECK_EQ(hits[i], 3);
		CHECK_EQ(irq_count(irqs[i], cpus[i]), 3);
	}
	CHECK(kinds == min_t(unsigned, 8, nr_cpus_online) || nr_cpus_online > 8);
	const char *name, *chip;
	CHECK_EQ(irq_next(irqs[0] - 1, &name, &chip), irqs[0]);
	CHECK(!strcmp(name, "ktest") && !strcmp(chip, "PCI-MSI"));
	for (unsigned i = 0; i < 8; i++)
		irq_free(irqs[i], &hits[i]);
	CHECK(irq_next(irqs[0] - 1, &name, &chip) != irqs[0]);
}

KTEST(irq, lines_are_shared_only_by_level)
{
	u32 a = 0, b = 0;
	unsigned gsi = ioapic_gsi_end();

	CHECK(irq_request_gsi(gsi + 1000, IRQ_LEVEL_LOW, count_irq, &a, "ktest") < 0);
	if (!gsi)
		return ktest_skip("no IO-APIC");
	/* The last pin is nobody's on the machines that the tests run on; if it is taken, there is nothing to see. */
	int first = irq_request_gsi(gsi - 1, IRQ_LEVEL_LOW, count_irq, &a, "ktest");
	if (first < 0)
		return ktest_skip("last line in use");
	int second = irq_request_gsi(gsi - 1, IRQ_LEVEL_LOW, count_irq, &b, "ktest");
	CHECK_EQ(first, second);
	CHECK_EQ(irq_request_gsi(gsi - 1, IRQ_EDGE_HIGH, count_irq, &b, "ktest"), -EBUSY);
	irq_free(first, &a);
	irq_free(second, &b);
	first = irq_request_gsi(gsi - 1, IRQ_EDGE_HIGH, count_irq, &a, "ktest");
	CHECK(first >= 0);
	CHECK_EQ(irq_request_gsi(gsi - 1, IRQ_EDGE_HIGH, count_irq, &b, "ktest"), -EBUSY);
	irq_free(first, &a);
}

static u32 work_runs;
static void work_fn(struct irq_work *w)
{
	if (in_irq())
		__atomic_fetch_add(&work_runs, 1, __ATOMIC_SEQ_CST);
}

KTEST(irq, work_runs_once_interrupts_are_on)
{
	static struct irq_work w = IRQ_WORK_INIT(work_fn);
	u64 until = arch_clock_ns() + SPIN_LIMIT_NS;

	work_runs = 0;
	unsigned long f = irq_save();
	CHECK(irq_work_queue(&w));
	CHECK(!irq_work_queue(&w));
	CHECK_EQ(work_runs, 0);
	irq_restore(f);
	while (!smp_load_acquire(&work_runs) && arch_clock_ns() < until)
		cpu_relax();
	CHECK_EQ(work_runs, 1);
}

struct storm {
	u32 received; /* [a] */
	u32 expected; /* [a] */
};

static void storm_hit(void *arg)
{
	__atomic_fetch_add(&((struct storm *)arg)->received, 1, __ATOMIC_SEQ_CST);
}

static int storm_caller(void *arg)
{
	struct storm *s = arg;

	for (unsigned i = 0; i < 15; i++) {
		unsigned to = (i * 7 + cpu_id()) % nr_cpus_online;
		smp_call_function(NULL, storm_hit, s);
		smp_call_function_single(to, storm_hit, s);
		tlb_shootdown_kernel(KERNEL_IMAGE_BASE, PAGE_SIZE);
		__atomic_fetch_add(&s->expected, nr_cpus_online - 1 + 1, __ATOMIC_SEQ_CST);
		if (i % 4 == 0)
			yield();
	}
	return 0;
}

/* All CPUs call all CPUs at the same time: nothing is lost, nobody waits for ever. */
KTEST(smp, calls_cross_without_loss)
{
	struct storm s = {0};
	struct join_handle h[8];
	unsigned n = min_t(unsigned, 8, nr_cpus_online + 1), spawned = 0;

	if (READ_ONCE(nr_cpus_online) != nr_cpus)
		return ktest_skip("some CPU is missing");
	for (; spawned < n; spawned++)
		if (thread_spawn(&h[spawned], storm_caller, &s, "storm%u", spawned))
			break;
	for (unsigned i = 0; i < spawned; i++)
		thread_join(&h[i]);
	CHECK_EQ(spawned, n);
	CHECK_EQ(s.received, s.expected);
}
