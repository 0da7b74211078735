/* CPU features and small instructions. */
#pragma once
#include <lib/types.h>

struct cpu_features {
	bool la57, nx, smep, smap, umip, fsgsbase, pge, pcid, invpcid, pdpe1gb, pat, xsave,
		xsaveopt, avx, x2apic, tsc_deadline, tsc_invariant, erms, fsrm, rdrand, rdseed,
		mwait, arat, rdtscp, hypervisor, rdpid, pku;
	char vendor[13], model_name[49];
	u8 family, model, stepping;
	u32 phys_bits, virt_bits;
	u64 xcr0; /* enabled XSAVE components */
	u32 xsave_size;
	u32 hwcap, hwcap2;   /* AT_HWCAP (CPUID.1:EDX), AT_HWCAP2 */
	u32 cpuid_words[16]; /* raw leaves for /proc/cpuinfo: see arch/x86_64/cpu.c */
};
/* [I] of the boot CPU, after arch_cpu_init; pcid and invpcid: in use, after arch_early_init */
extern struct cpu_features cpu_features;

/* 1 if a hardware random word was delivered. */
bool arch_random_u64(u64 *out);
/* Wait for an interrupt: called with interrupts off, returns with them on. */
void arch_cpu_idle(void);
/* Forever off. */
void arch_halt(void) __noreturn;
/* ACPI S5, QEMU's and Bochs's shutdown ports; returns only if all failed. */
void arch_power_off(void);
void arch_reboot(void) __noreturn;
/* isa-debug-exit (port 0xf4): QEMU ends with status (code << 1) | 1; no effect elsewhere. */
void arch_debug_exit(u8 code);
/* Early console: serial port 0x3f8 polled and, with it, port 0xe9. Any context. */
void arch_early_putc(char c);
/* One line per CPU for /proc/cpuinfo; returns bytes. */
int arch_cpuinfo(unsigned cpu, char *buf, size_t n);
/* Instruction-cache and ordering needs after writing code: none on x86, kept for the reader. */
