# CPU, page-table and interrupt mechanics.
KOBJS += arch/x86_64/percpu.o arch/x86_64/setup.o arch/x86_64/early_console.o
# The platform: ACPI tables, interrupt controllers, CPUs, clocks, power.
KOBJS += arch/x86_64/map.o arch/x86_64/acpi.o arch/x86_64/acpi_fadt.o arch/x86_64/apic.o \
	arch/x86_64/ioapic.o arch/x86_64/irq.o arch/x86_64/ipi.o arch/x86_64/smp.o \
	arch/x86_64/tlb.o arch/x86_64/clock.o arch/x86_64/clock_ref.o arch/x86_64/apic_timer.o \
	arch/x86_64/rtc.o arch/x86_64/power.o arch/x86_64/cpuinfo.o arch/x86_64/plat_test.o
