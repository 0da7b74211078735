/* CPUs: enumeration from the MADT, per-CPU areas, and the start of the application processors
 * (Intel SDM vol. 3, 8.4: INIT, SIPI, SIPI).
 *
 * smp_prepare() runs before mem_init(): then the .percpu section is still as it was linked, and copies of it are what
 * other CPUs start with. CPU 0 keeps the linked section itself. All that is sized by nr_cpus comes from boot memory.
 * The boot CPU starts one AP after the other: each needs the trampoline's arguments only until it is in
 * long mode, and then goes on by itself while the next one is started. */
#define LOG_PREFIX "smp: "
#include <arch/atomic.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/current.h>
#include <arch/irqflags.h>
#include <arch/setup.h>
#include <arch/smp.h>
#include <arch/thread.h>
#include <init/bootinfo.h>
#include <init/sections.h>
#include <lib/bits.h>
#include <lib/err.h>
#include <lib/string.h>
#include <log/printk.h>
#include <sync/preempt.h>
#include "plat_priv.h"

static unsigned long boot_online[1] = {1};

unsigned nr_cpus = 1;
unsigned nr_cpus_online = 1;
unsigned long *cpu_online_mask = boot_online;

static unsigned cpu_limit = ~0u; /* maxcpus=, nosmp */
static u64 lapic_address;	 /* override of the MADT, or 0 */
static const struct smp_boot_ops *boot_ops __ro_after_init;

/* An AP says how far it has come. */
static u32 *ap_running; /* [a] by CPU */

static void param_maxcpus(const char *value)
{
	u64 n;

	if (!value || parse_u64(value, 0, &n)) {
		pr_warn("maxcpus=: not a number");
		return;
	}
	cpu_limit = n ? min_t(u64, n, ~0u) : 1;
}
BOOT_PARAM("maxcpus", param_maxcpus);

static void param_nosmp(const char *value)
{
	cpu_limit = 1;
}
BOOT_PARAM("nosmp", param_nosmp);

bool cpu_is_online(unsigned cpu)
{
	return cpu < nr_cpus && bit_test(cpu_online_mask, cpu);
}

/* The next usable CPU of the MADT: its APIC id in *id. */
static const struct acpi_madt_record *next_cpu(const struct acpi_madt_record *r, u32 *id)
{
	while ((r = acpi_madt_next(r))) {
		const struct acpi_madt_lapic *l = (const void *)r;
		const struct acpi_madt_x2apic *x = (const void *)r;
		if (r->type == MADT_LAPIC && (l->flags & MADT_CPU_ENABLED) && l->apic_id != 0xff) {
			*id = l->apic_id;
			return r;
		}
		if (r->type == MADT_X2APIC && (x->flags & MADT_CPU_ENABLED)) {
			*id = x->apic_id;
			return r;
		}
		if (r->type == MADT_LAPIC_ADDRESS)
			lapic_address = ((const struct acpi_madt_lapic_address *)r)->address;
	}
	return NULL;
}

static bool known(u32 id, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (cpu_apic_id[i] == id)
			return true;
	return false;
}

/* CPU 0 is the one that runs; the others follow in the MADT's order, each APIC id once. */
static void enumerate(void)
{
	unsigned listed = 0, skipped = 0, n = 1;
	u32 id;

	for (const struct acpi_madt_record *r = NULL; (r = next_cpu(r, &id));)
		listed++;
	cpu_apic_id = arch_mem.boot_alloc((listed + 1) * sizeof(*cpu_apic_id), 8);
	cpu_apic_id[0] = apic_this_id();
	for (const struct acpi_madt_record *r = NULL; (r = next_cpu(r, &id));) {
		if (known(id, n))
			continue;
		if (n >= cpu_limit || (id > 0xfe && !cpu_features.x2apic))
			skipped++;
		else
			cpu_apic_id[n++] = id;
	}
	nr_cpus = n;
	if (skipped)
		pr_info("%u of %u CPUs not used", skipped, n + skipped);
}

static void percpu_areas(void)
{
	size_t size = ALIGN_UP((size_t)(__percpu_end - __percpu_start), 64);

	percpu_offset = arch_mem.boot_alloc(nr_cpus * sizeof(*percpu_offset), 64);
	for (unsigned c = 1; c < nr_cpus; c++) {
		char *area = arch_mem.boot_alloc(size, 64);
		memcpy(area, __percpu_start, __percpu_end - __percpu_start);
		percpu_offset[c] = area - __percpu_start;
		per_cpu(percpu_this_offset, c) = percpu_offset[c];
		per_cpu(percpu_cpu_id, c) = c;
		per_cpu(preempt_count, c) = 0;
		per_cpu(need_resched_flag, c) = 0;
		per_cpu(current_thread, c) = NULL;
	}
}

void smp_prepare(void)
{
	acpi_tables_init();
	enumerate();
	percpu_areas();
	cpu_online_mask = arch_mem.boot_alloc(cpumask_bytes(), 64);
	cpu_online_mask[0] = 1;
	ap_running = arch_mem.boot_alloc(nr_cpus * sizeof(*ap_running), 64);
	ipi_init();
}

void arch_platform_init(void)
{
	pic_silence();
	apic_init_boot(lapic_address);
	ioapic_init();
	irq_init();
	idt_set_nmi_handler(smp_handle_nmi);
	clock_init();
	apic_timer_init();
}

/* First C code of an AP, on its idle stack, %gs set, interrupts off. */
static void __noreturn ap_main(unsigned cpu)
{
	cpu_init_this(cpu);
	apic_init_cpu();
	apic_timer_init_cpu();
	clock_tsc_check(256);
	bit_set_atomic(cpu_online_mask, cpu);
	__atomic_fetch_add(&nr_cpus_online, 1, __ATOMIC_SEQ_CST);
	smp_store_release(&ap_running[cpu], 1);
	boot_ops->entry(cpu);
}

/* Wait for *flag while doing this CPU's half of the TSC comparison; false after about ms milliseconds. */
static bool wait_flag(volatile u32 *flag, unsigned ms)
{
	u64 end = rdtsc() + arch_tsc_khz() * ms;

	while (!smp_load_acquire(flag)) {
		if (rdtsc() > end)
			return false;
		clock_tsc_check(1);
		cpu_relax();
	}
	return true;
}

/* SDM vol. 3, 8.4.4.1; the second SIPI only if the first was not enough. */
static int ap_start(unsigned cpu)
{
	volatile struct ap_start_args *args = ap_start_args();
	char *stack = boot_ops->idle_stack(cpu);

	if (!stack)
		return -ENOMEM;
	args->stack_top = (u64)stack + KSTACK_SIZE;
	args->entry = (u64)ap_main;
	args->cpu = cpu;
	args->percpu_offset = percpu_offset[cpu];
	smp_store_release(&args->started, 0);
	apic_send_init(cpu);
	/* Old discrete APICs wanted 10 ms here; every 64-bit CPU is ready at once, some need microseconds. */
	udelay(20);
	for (unsigned attempt = 0; attempt < 2; attempt++) {
		apic_send_startup(cpu, ap_start_vector());
		if (wait_flag(&args->started, attempt ? 2000 : 50))
			return 0;
	}
	return -ETIMEDOUT;
}

void smp_boot_secondaries(const struct smp_boot_ops *ops)
{
	unsigned dead = 0;

	boot_ops = ops;
	if (nr_cpus == 1)
		return;
	clock_refine();
	u64 begin = arch_clock_ns();
	int err = ap_start_prepare();
	if (err) {
		pr_err("no page for the start code of other CPUs (%d): only one is used", err);
		return;
	}
	for (unsigned c = 1; c < nr_cpus; c++) {
		err = ap_start(c);
		if (err) {
			pr_err("CPU %u (APIC id %u) does not start: %d", c, cpu_apic_id[c], err);
			dead++;
			smp_store_release(&ap_running[c], 2);
			if (err == -ETIMEDOUT)
				apic_send_init(
					c); /* whatever it does, it must not wake up in the trampoline */
		}
	}
	for (unsigned c = 1; c < nr_cpus; c++)
		if (!wait_flag(&ap_running[c], 10000)) {
			pr_err("CPU %u (APIC id %u) is lost after its start", c, cpu_apic_id[c]);
			dead++;
		}
	clock_tsc_verdict();
	pr_info("%u CPUs online in %lu ms%s", nr_cpus_online, (arch_clock_ns() - begin) / 1000000,
		dead ? ", some are dead" : "");
}
