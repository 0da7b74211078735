# Pure algorithms: each file also builds on the host (-DHOST_TEST).
KOBJS += kernel/lib/string.o kernel/lib/printf.o kernel/lib/parse.o kernel/lib/bits.o kernel/lib/rbtree.o \
	kernel/lib/radix.o kernel/lib/idr.o kernel/lib/sort.o kernel/lib/crc32.o kernel/lib/cpio.o \
	kernel/lib/errname.o kernel/lib/chacha20.o kernel/lib/blake2s.o kernel/lib/crypto_test.o kernel/lib/elf_check.o

# The memory functions must not be recognised as themselves.
ifneq ($(CC),clang)
CFLAGS_kernel_lib_string := -fno-tree-loop-distribute-patterns
endif
