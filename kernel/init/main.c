/* kernel_main: from the boot path's C entry to PID 1, in the order of the layers.
 *
 * The early steps run on the boot CPU with interrupts off and may not sleep; from sched_init() on this
 * context is CPU 0's idle thread. Everything later runs in the kernel thread "init": the initcall
 * levels, then either the kernel tests (ktest) or PID 1. */
#include <alloc/page.h>
#include <alloc/slab.h>
#include <alloc/vmalloc.h>
#include <arch/cpu.h>
#include <arch/setup.h>
#include <arch/smp.h>
#include <fs/vfs.h>
#include <init/bootinfo.h>
#include <init/initcall.h>
#include <init/main.h>
#include <lib/string.h>
#include <log/panic.h>
#include <mm/vm.h>
#include <proc/process.h>
#include <sched/thread.h>

#ifndef DAEDALUS_VERSION
#define DAEDALUS_VERSION "0.1"
#endif

static void free_init_memory(void)
{
	u64 start = (u64)__init_start, end = (u64)__init_end;

	pt_unmap_kernel(start, end - start);
	mem_free_range(pa(start - KERNEL_IMAGE_BASE), end - start);
}

static int init_thread(void *arg)
{
	might_sleep_begin();
	sched_start_smp();
	initcalls_run();
	initramfs_populate();
	crash_on_request(boot_option("crash"));
	if (boot_option("ktest"))
		ktest_run(boot_option("ktest"));
	free_init_memory();
	arch_seal_memory();
	struct mem_stats m;
	mem_stats_get(&m);
	pr_info("Memory: %luK/%luK in use", (m.total - m.free) * 4, m.total * 4);
	return init_process_start();
}

static void announce(void)
{
	const char *loader = bootinfo.loader ? bootinfo.loader : "";

	pr_notice("Daedalus " DAEDALUS_VERSION ", booted by %s%s%s%s", bootinfo.protocol,
		  *loader ? " from " : "", loader, bootinfo.efi_boot ? ", EFI" : "");
	pr_notice("Command line: %s", bootinfo.cmdline);
}

void kernel_main(void)
{
	struct join_handle init;

	printf_symbol_hook = symbol_lookup;
	boot_params_parse();
	announce();
	arch_early_init();
	arch_glue_init();
	arch_memory_init();
	smp_prepare();
	arch_platform_init();
	mem_init();
	slab_init();
	arch_glue_slab_init();
	vmalloc_init();
	alloc_percpu_init();
	sched_init();
	time_init();
	pagecache_init();
	vm_init();
	syscall_init();
	vfs_init();
	irq_enable();
	int err = thread_spawn(&init, init_thread, NULL, "init");
	if (err)
		panic("cannot start the init thread: %d", err);
	thread_detach(&init);
	sched_idle_loop();
}
