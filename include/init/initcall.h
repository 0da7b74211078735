/* Initialisation after kernel_main()'s early steps: INITCALL(level, fn) runs fn in a kernel thread
 * that may sleep. Levels run in order; within a level order means nothing. A failing call is logged
 * and the boot goes on. */
#pragma once
#include <init/sections.h>

/* core: subsystems that others build on (workqueues, RCU threads)
 * fs: file systems and pseudo file systems register; rootfs is mounted at the end of it
 * bus: ACPI, PCI and other enumerators
 * driver: drivers probe
 * late: what needs devices (initramfs unpacking, /proc entries of drivers)
 * test: ktest */
enum initcall_level {
	INITCALL_core,
	INITCALL_fs,
	INITCALL_bus,
	INITCALL_driver,
	INITCALL_late,
	INITCALL_test,
	INITCALL_LEVELS,
};

struct initcall {
	int (*fn)(void);
	const char *name;
	enum initcall_level level;
};
extern const struct initcall __initcalls_start[], __initcalls_end[];
#define INITCALL(lvl, f)                                    \
	static const struct initcall CONCAT(__initcall_, f) \
		SECTION_TABLE_ENTRY(".initcalls") = {f, #f, INITCALL_##lvl}
