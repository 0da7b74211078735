# From the boot path to PID 1.
KOBJS += kernel/init/main.o kernel/init/arch_glue.o kernel/init/cmdline.o kernel/init/initcall.o kernel/init/initramfs.o kernel/init/userland.o kernel/init/ktest.o kernel/init/crash.o kernel/init/crash_debug.o
