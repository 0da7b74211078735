# Daedalus: see README.md. `make help` lists the targets.
# Objects are named explicitly: each folder's objs.mk adds its own to KOBJS.

BUILD ?= release
B      := build/$(BUILD)$(if $(filter clang,$(CC)),-clang)
ifneq ($(BUILD),release)
ifneq ($(BUILD),debug)
$(error BUILD is release or debug)
endif
endif
UBSAN  ?= $(if $(filter debug,$(BUILD)),1,0)
ifneq ($(CC),clang)
CC     := $(shell command -v x86_64-elf-gcc >/dev/null 2>&1 && echo x86_64-elf-gcc || echo gcc)
endif
CCACHE ?= $(shell command -v ccache 2>/dev/null)
TOOLPREFIX := $(if $(filter x86_64-elf-gcc,$(CC)),x86_64-elf-,)
LD     := $(TOOLPREFIX)ld
NM     := $(TOOLPREFIX)nm
NASM   ?= nasm
V      ?= 0
Q      := $(if $(filter 0,$(V)),@,)
VERSION := 0.1

# What the tools must provide before anything is built; missing ones are installed by name.
GOALS_WITHOUT_DEPS := clean help deps toolchain
ifneq ($(filter-out $(GOALS_WITHOUT_DEPS),$(or $(MAKECMDGOALS),all)),)
DEPS_CHECK := $(shell tools/deps.sh $(if $(filter test-bochs test-long,$(MAKECMDGOALS)),bochs,$(if $(filter run debug usb,$(MAKECMDGOALS)),run,$(if $(filter test test-long check bench,$(MAKECMDGOALS)),test,$(if $(filter iso,$(MAKECMDGOALS)),iso,build)))) >&2 || echo failed)
ifneq ($(DEPS_CHECK),)
$(error tools/deps.sh could not provide what this needs: see its messages above)
endif
endif

.DEFAULT_GOAL := all
KOBJS :=
include boot/objs.mk arch/x86_64/objs.mk kernel/objs.mk mm/objs.mk fs/objs.mk drivers/objs.mk net/objs.mk

CFLAGS_WARN := -Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef
# The compiler's own headers (stddef.h, stdarg.h) and no others of the host's.
CC_INCLUDE := $(shell $(CC) -print-file-name=include)
CFLAGS_KERNEL := -std=gnu11 -O2 -g -ffreestanding -fno-builtin-printf $(CFLAGS_WARN) \
	-fno-strict-aliasing -fno-common -fno-pic -fno-pie -mcmodel=kernel -mno-red-zone \
	-mgeneral-regs-only -fno-omit-frame-pointer -fno-stack-protector -fno-asynchronous-unwind-tables \
	-fcf-protection=none -ffile-prefix-map=$(CURDIR)=. -nostdinc -isystem $(CC_INCLUDE) -Iinclude -DKERNEL \
	-DDAEDALUS_VERSION='"$(VERSION)"'
ifeq ($(CC),clang)
CFLAGS_KERNEL += --target=x86_64-unknown-none-elf -Wno-unused-function \
	-Wno-gnu-variable-sized-type-not-at-end
endif
ifeq ($(BUILD),debug)
CFLAGS_KERNEL += -DCONFIG_DEBUG -DCONFIG_DEBUG_LOCKS
# UBSAN=1: undefined behaviour is reported by kernel/log/ubsan.c. Alignment is not what it is about on this
# machine, and calls through pointers of another type are what clang alone checks, with data before each
# function. The checks in the code mislead gcc's own warning about bounds.
ifeq ($(UBSAN),1)
CFLAGS_KERNEL += -DCONFIG_UBSAN -fsanitize=undefined -fno-sanitize=alignment \
	$(if $(filter clang,$(CC)),-fno-sanitize=function,-Wno-array-bounds)
CFLAGS_kernel_log_ubsan := -fno-sanitize=undefined
endif
endif
CFLAGS := $(CFLAGS_KERNEL) $(EXTRA_CFLAGS)
LDFLAGS := -nostdlib -static -no-pie -z max-page-size=4096 -z noexecstack --build-id=none \
	--no-warn-rwx-segments -T linker.ld $(LDFLAGS_EXTRA)

OBJS := $(addprefix $(B)/,$(KOBJS))
INITRAMFS_O := $(B)/user/initramfs.o

.PHONY: all iso run debug test test-long test-bochs check format usb bench deps toolchain clean help
.DELETE_ON_ERROR:
all: build/daedalus.elf

# Objects are made anew when the compiler or its flags change.
FLAGS_NOW := $(CC) $(CFLAGS) $(foreach v,$(sort $(filter CFLAGS_%,$(.VARIABLES))),$v=$($v))
$(B)/.flags: FORCE
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(FLAGS_NOW))' | cmp -s - $@ || echo '$(subst ','\'',$(FLAGS_NOW))' >$@

$(B)/%.o: %.c $(B)/.flags
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC    $<")
	$(Q)$(CCACHE) $(CC) $(CFLAGS) $(CFLAGS_$(subst /,_,$*)) -MMD -MP -c $< -o $@

$(B)/%.o: %.asm
	@mkdir -p $(@D)
	$(if $(Q),@echo "  NASM  $<")
	$(Q)$(NASM) -f elf64 -g -F dwarf -I include/ -I boot/ -I arch/x86_64/ -I $(B)/ \
		-MD $(@:.o=.d) -MP $< -o $@

include user/user.mk

# The image is linked three times: the first link gives the symbols, the second the symbol table's
# size, the third the addresses behind it.
$(B)/symtab.empty.o:
	@mkdir -p $(@D)
	$(Q)printf 'section .symtab_blob\nglobal symbol_blob\nsymbol_blob: dd 0\n' > $(@:.o=.asm)
	$(Q)$(NASM) -f elf64 $(@:.o=.asm) -o $@
define symtab_link
	$(Q)tools/symtab.py $(NM) $(1) $(2).bin
	$(Q)printf 'section .symtab_blob\nglobal symbol_blob\nsymbol_blob: incbin "$(2).bin"\n' > $(2).asm
	$(Q)$(NASM) -f elf64 $(2).asm -o $(2).o
	$(Q)$(LD) $(LDFLAGS) -o $(3) $(OBJS) $(INITRAMFS_O) $(2).o
endef
$(B)/daedalus.elf: $(OBJS) $(INITRAMFS_O) $(B)/symtab.empty.o linker.ld tools/symtab.py
	@echo "  LD    $@"
	$(Q)$(LD) $(LDFLAGS) -o $(B)/link1.elf $(OBJS) $(INITRAMFS_O) $(B)/symtab.empty.o
	$(call symtab_link,$(B)/link1.elf,$(B)/symtab1,$(B)/link2.elf)
	$(call symtab_link,$(B)/link2.elf,$(B)/symtab2,$@)
	$(Q)rm -f $(B)/link1.elf $(B)/link2.elf

# build/daedalus.elf carries no debug information (the file of the same name in build/$(BUILD) does).
build/daedalus.elf: $(B)/daedalus.elf FORCE
	$(Q)$(TOOLPREFIX)objcopy --strip-debug $< $@.tmp && (cmp -s $@.tmp $@ && rm $@.tmp || mv $@.tmp $@)
FORCE:

# --- bootable images ---------------------------------------------------------------------------
iso: build/daedalus.iso
build/daedalus.iso: build/daedalus.elf boot/grub.cfg tools/mkiso.sh
	@echo "  ISO   $@"
	$(Q)tools/mkiso.sh $< $@

usb: build/daedalus.iso
	$(Q)tools/usb.sh $< "$(DEV)"

run: build/daedalus.iso
	$(Q)tools/run.sh $<

debug: build/daedalus.iso
	$(Q)tools/debug.sh $(B)/daedalus.elf $<

# --- checks ------------------------------------------------------------------------------------
include tests/tests.mk

deps:
	tools/deps.sh all
toolchain:
	tools/toolchain.sh

clean:
	rm -rf build

help:
	@echo "make                 build/daedalus.elf (BUILD=release or debug, CC=clang, V=1)"
	@echo "make iso             build/daedalus.iso: BIOS and UEFI, CD and USB stick"
	@echo "make run             boot the ISO in QEMU to a shell (serial console on stdio without a display);"
	@echo "                     SMP=n MEM=size QEMU_ARGS=... change the machine"
	@echo "make debug           the same, stopped, with gdb attached and the symbols loaded"
	@echo "make test            everything that proves the tree good (tests/README.md)"
	@echo "make test-long       what takes longer, Bochs included; make test-bochs for that part alone"
	@echo "make check           format, clang warnings, lock annotations, cppcheck, layers"
	@echo "make bench           what the kernel costs: boot, memory, system calls, fork;"
	@echo "                     LINUX=bzImage runs the same programs on Linux beside it"
	@echo "make usb DEV=/dev/sdX  write the ISO to a stick (asks first)"
	@echo "make format          apply clang-format"
	@echo "make deps            install all that the targets above need (Debian)"
	@echo "make toolchain       build x86_64-elf-gcc and binutils from Debian's sources"
	@echo "make clean           remove build/"

-include $(OBJS:.o=.d)
