# Terminals: core, line discipline, serial ports, virtual terminals.
KOBJS += drivers/tty/tty_core.o drivers/tty/tty_file.o drivers/tty/tty_buffer.o drivers/tty/tty_ioctl.o \
	drivers/tty/tty_jobctl.o drivers/tty/ldisc.o drivers/tty/n_tty.o drivers/tty/n_tty_input.o \
	drivers/tty/n_tty_output.o drivers/tty/serial/uart16550.o drivers/tty/n_tty_test.o

# Virtual terminals and their keyboard.
KOBJS += drivers/tty/vt/vt.o drivers/tty/vt/vterm_glue.o drivers/tty/vt/vt_draw.o drivers/tty/vt/vt_switch.o \
	drivers/tty/vt/keyboard.o drivers/tty/vt/keymap.o drivers/tty/vt/vt_test.o
# libvterm, unchanged: its own warnings are its own, its C library is drivers/tty/vt/shim and kernel/lib/shim.
VTERM := encoding keyboard mouse parser pen state unicode vterm screen
KOBJS += $(VTERM:%=third_party/libvterm/src/%.o)
VTERM_INC := -Idrivers/tty/vt/shim -Ikernel/lib/shim -Ithird_party/libvterm/include
$(foreach f,$(VTERM),$(eval CFLAGS_third_party_libvterm_src_$(f) := $(VTERM_INC) -w))
CFLAGS_drivers_tty_vt_vterm_glue := $(VTERM_INC) -Ithird_party/libvterm/src -Wno-undef -Wno-strict-prototypes
