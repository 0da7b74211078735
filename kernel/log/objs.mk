# The log ring, consoles, panic and symbols.
KOBJS += kernel/log/printk.o kernel/log/panic.o kernel/log/symbols.o kernel/log/random.o kernel/log/random_test.o
ifeq ($(BUILD),debug)
KOBJS += kernel/log/report.o
ifeq ($(UBSAN),1)
KOBJS += kernel/log/ubsan.o kernel/log/ubsan_test.o
endif
endif
