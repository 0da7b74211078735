# CPU, page-table and interrupt mechanics.
KOBJS += arch/x86_64/percpu.o arch/x86_64/setup.o arch/x86_64/early_console.o
