# CPU, page-table and interrupt mechanics.
KOBJS += arch/x86_64/setup.o arch/x86_64/early_console.o arch/x86_64/percpu.o arch/x86_64/cpu.o \
	arch/x86_64/alternative.o arch/x86_64/gdt.o arch/x86_64/idt.o \
	arch/x86_64/entry.o arch/x86_64/trap.o arch/x86_64/fpu.o arch/x86_64/thread.o \
	arch/x86_64/uaccess.o arch/x86_64/uaccess_asm.o arch/x86_64/signal.o arch/x86_64/backtrace.o \
	arch/x86_64/pgtable.o arch/x86_64/memory.o arch/x86_64/ap_start.o arch/x86_64/arch_test.o
# The platform: ACPI tables, interrupt controllers, CPUs, clocks, power.
KOBJS += arch/x86_64/map.o arch/x86_64/acpi.o arch/x86_64/acpi_fadt.o arch/x86_64/apic.o \
	arch/x86_64/ioapic.o arch/x86_64/irq.o arch/x86_64/ipi.o arch/x86_64/smp.o \
	arch/x86_64/tlb.o arch/x86_64/clock.o arch/x86_64/clock_ref.o arch/x86_64/apic_timer.o \
	arch/x86_64/rtc.o arch/x86_64/power.o arch/x86_64/cpuinfo.o arch/x86_64/plat_test.o
