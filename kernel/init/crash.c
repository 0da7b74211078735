/* crash=KIND on the command line: the kernel breaks on purpose before PID 1, to show that a panic tells what it should
 * (tests/hostile.py). Nothing happens unless it is asked for.
 *
 *   panic	  a plain panic()
 *   null	  a write through a null pointer
 *   stack	  endless recursion, into the guard page
 *   doublefault  a push with no stack at all
 *   nmi	  a panic while all other CPUs have interrupts off
 *   again	  a panic in whose report another fault happens
 *
 * Context: the init thread, all CPUs run. */
#include <arch/irqflags.h>
#include <arch/smp.h>
#include <alloc/slab.h>
#include <init/bootinfo.h>
#include <init/main.h>
#include <lib/bits.h>
#include <lib/string.h>
#include <log/panic.h>
#include <sched/lock.h>
#include <sched/thread.h>

static __noinline void crash_panic(void)
{
	panic("crash=panic");
}

static __noinline void crash_null(void)
{
	volatile u64 *volatile nowhere = NULL;

	*nowhere = 1; // cppcheck-suppress nullPointer ; on purpose
}

static __noinline u64 crash_stack(volatile u64 *depth)
{
	volatile u64 here[16];

	here[0] = *depth + 1;
	return here[0] ? crash_stack(here) + here[0] : 0;
}

static __noinline void crash_double_fault(void)
{
	pr_notice("no stack from here on");
	/* Not canonical: the push faults, and so does the pushing of that fault. */
	__asm__ volatile("movabs $0x1234567812345678, %%rsp; push %%rax" ::: "memory");
}

static u32 deaf; /* [a] CPUs that listen no more */

static int stay_on(uintptr_t cpu)
{
	unsigned long *mask = kzalloc(cpumask_bytes(), GFP_KERNEL);
	int err = -ENOMEM;

	if (mask) {
		bit_set(mask, cpu);
		err = thread_set_affinity(current, mask);
		kfree(mask);
	}
	return err;
}

static int crash_deaf_cpu(void *arg)
{
	if (stay_on((uintptr_t)arg))
		return 1;
	irq_disable();
	__atomic_fetch_add(&deaf, 1, __ATOMIC_SEQ_CST);
	while (READ_ONCE(deaf))
		cpu_relax();
	return 0;
}

static __noinline void crash_nmi(void)
{
	struct join_handle h;

	if (stay_on(0))
		return;
	for (unsigned c = 1; c < nr_cpus_online; c++)
		if (!thread_spawn(&h, crash_deaf_cpu, (void *)(uintptr_t)c, "deaf%u", c))
			thread_detach(&h);
	while (READ_ONCE(deaf) < nr_cpus_online - 1)
		yield();
	panic("crash=nmi");
}

static __noinline void crash_again(void)
{
	panic_thread_hook = crash_null;
	panic("crash=again");
}

void crash_on_request(const char *kind)
{
	static volatile u64 zero;

	if (!kind)
		return;
	pr_notice("crash=%s: as you wish", kind);
	if (!strcmp(kind, "panic"))
		crash_panic();
	else if (!strcmp(kind, "null"))
		crash_null();
	else if (!strcmp(kind, "stack"))
		zero = crash_stack(&zero);
	else if (!strcmp(kind, "doublefault"))
		crash_double_fault();
	else if (!strcmp(kind, "nmi"))
		crash_nmi();
	else if (!strcmp(kind, "again"))
		crash_again();
	else if (crash_debug(kind))
		pr_err("crash=%s went unnoticed", kind);
	pr_err("crash=%s did not work: panic, null, stack, doublefault, nmi or again?", kind);
}
