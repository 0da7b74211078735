# Memory-like character devices (major 1) and the kernel log.
KOBJS += drivers/char/mem.o drivers/char/random.o drivers/char/kmsg.o
