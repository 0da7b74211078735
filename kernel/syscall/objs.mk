KOBJS += kernel/syscall/table.o kernel/syscall/entry.o
