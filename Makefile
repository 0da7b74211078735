# Daedalus: see README.md. `make help` lists the targets.
# Objects are named explicitly: each folder's objs.mk adds to KOBJS (kernel), and says why.

BUILD ?= release
B      := build/$(BUILD)
ifneq ($(CC),clang)
CC     := $(shell command -v x86_64-elf-gcc >/dev/null 2>&1 && echo x86_64-elf-gcc || echo gcc)
endif
CCACHE ?= $(shell command -v ccache 2>/dev/null)
LD     := $(if $(filter x86_64-elf-gcc,$(CC)),x86_64-elf-ld,ld)
NASM   ?= nasm
V      ?= 0
Q      := $(if $(filter 0,$(V)),@,)

KOBJS :=
include boot/objs.mk arch/x86_64/objs.mk kernel/objs.mk mm/objs.mk fs/objs.mk drivers/objs.mk net/objs.mk

CFLAGS_COMMON := -std=gnu11 -O2 -g -ffreestanding -fno-builtin-printf -Wall -Wextra -Werror \
	-Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers \
	-Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef \
	-fno-strict-aliasing -fno-common -fno-pic -fno-pie -mcmodel=kernel -mno-red-zone \
	-mgeneral-regs-only -fno-omit-frame-pointer -fno-stack-protector -fno-asynchronous-unwind-tables \
	-fcf-protection=none -ffile-prefix-map=$(CURDIR)=. -Iinclude -DKERNEL
ifeq ($(CC),clang)
CFLAGS_COMMON += --target=x86_64-unknown-none-elf -Wno-unused-function -Wno-gnu-variable-sized-type-not-at-end
endif
ifeq ($(BUILD),debug)
CFLAGS_COMMON += -DCONFIG_DEBUG
endif
CFLAGS := $(CFLAGS_COMMON) $(EXTRA_CFLAGS)
LDFLAGS := -nostdlib -static -no-pie -z max-page-size=4096 -z noexecstack --build-id=none -T linker.ld $(LDFLAGS_EXTRA)

OBJS := $(addprefix $(B)/,$(KOBJS))

.PHONY: all clean
all: build/daedalus.elf

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC    $<")
	$(Q)$(CCACHE) $(CC) $(CFLAGS) $(CFLAGS_$(subst /,_,$*)) -MMD -MP -c $< -o $@

$(B)/%.o: %.asm
	@mkdir -p $(@D)
	$(if $(Q),@echo "  NASM  $<")
	$(Q)$(NASM) -f elf64 -g -F dwarf -I include/ -I boot/ -I arch/x86_64/ -MD $(@:.o=.d) -MP $< -o $@

$(B)/daedalus.elf: $(OBJS) linker.ld
	@echo "  LD    $@"
	$(Q)$(LD) $(LDFLAGS) -o $@ $(OBJS)

build/daedalus.elf: $(B)/daedalus.elf
	$(Q)cp $< $@

clean:
	rm -rf build

-include $(OBJS:.o=.d)
