/* The steps of kernel_main() that live in kernel/init and kernel/syscall. */
#pragma once
#include <lib/types.h>

void kernel_main(void) __attribute__((noreturn));
/* Hand arch/ the functions of upper layers that it calls: before smp_prepare(). */
void arch_glue_init(void);
void arch_glue_slab_init(void); /* after slab_init() */
/* Run the BOOT_PARAM handlers. Boot CPU, early. */
void boot_params_parse(void);
/* All levels of initcalls, in order. May sleep. */
void initcalls_run(void);
/* Unpack the built-in initramfs and those of the boot loader over it, free their memory. May sleep. */
void initramfs_populate(void);
/* Run the kernel tests matching pattern (NULL or "": all), print TAP, leave the machine. */
void ktest_run(const char *pattern) __attribute__((noreturn));
/* crash=kind (NULL: not given): break in that way, see kernel/init/crash.c. May return. */
void crash_on_request(const char *kind);
bool crash_debug(const char *kind); /* what only debug builds catch; false: no such kind */
/* Turn the calling kernel thread's work over to PID 1; panics when there is no init. Returns 0. */
int init_process_start(void);
/* Options that the kernel did not know and everything after "--", for PID 1 (bootparam(7)). Arrays are
 * NULL-terminated and static. */
void boot_init_args(char ***argv, char ***envp);
/* Install the system-call table and the trap handlers (kernel/syscall). */
void syscall_init(void);
