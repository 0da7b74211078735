# The userland in the image: our own programs (static, musl) and Debian's BusyBox, in one cpio archive.
USER_BUILD := build/user
MUSL_GCC   ?= musl-gcc
BUSYBOX    ?= /bin/busybox
USER_PROGRAMS := init
UAPI_DIR   := $(USER_BUILD)/uapi
USER_CFLAGS := -std=gnu11 -O2 -static -s -Wall -Wextra -Werror -ffile-prefix-map=$(CURDIR)=. \
	-Wl,--build-id=none -isystem $(UAPI_DIR)

# Linux's own headers beside musl's, for programs that want <linux/...>.
$(UAPI_DIR)/.made:
	@mkdir -p $(UAPI_DIR)
	$(Q)ln -sfn /usr/include/linux $(UAPI_DIR)/linux
	$(Q)ln -sfn /usr/include/asm-generic $(UAPI_DIR)/asm-generic
	$(Q)ln -sfn /usr/include/x86_64-linux-gnu/asm $(UAPI_DIR)/asm
	@touch $@

$(USER_BUILD)/init: user/init/init.c $(UAPI_DIR)/.made
	@echo "  MUSL  $@"
	$(Q)$(MUSL_GCC) $(USER_CFLAGS) $< -o $@

$(USER_BUILD)/initramfs.cpio: user/initramfs.list tools/mkcpio.py $(addprefix $(USER_BUILD)/,$(USER_PROGRAMS)) \
		$(wildcard user/etc/*) $(BUSYBOX)
	@echo "  CPIO  $@"
	$(Q)tools/mkcpio.py $< $@ USER_BUILD=$(USER_BUILD) BUSYBOX=$(BUSYBOX)

$(B)/user/initramfs.o: user/initramfs.asm $(USER_BUILD)/initramfs.cpio
	@mkdir -p $(@D)
	$(Q)$(NASM) -f elf64 -I $(USER_BUILD)/ $< -o $@
