/* Runs the initcalls, level by level, and reports what each cost with initcall_debug. */
#include <arch/clock.h>
#include <init/bootinfo.h>
#include <init/initcall.h>
#include <init/main.h>
#include <log/printk.h>

static bool debug;

void initcalls_run(void)
{
	for (unsigned level = 0; level < INITCALL_LEVELS; level++) {
		for (const struct initcall *c = __initcalls_start; c < __initcalls_end; c++) {
			if (c->level != level)
				continue;
			u64 t = arch_clock_ns();
			int err = c->fn();
			if (debug)
				pr_info("initcall %s returned %d after %lu usecs", c->name, err,
					(arch_clock_ns() - t) / 1000);
			if (err)
				pr_err("initcall %s failed: %d", c->name, err);
		}
	}
}

static void param_debug(const char *v)
{
	debug = true;
}
BOOT_PARAM("initcall_debug", param_debug);
