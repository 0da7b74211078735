# Terminals: core, line discipline, serial ports, virtual terminals.
KOBJS += drivers/tty/tty_core.o drivers/tty/tty_file.o drivers/tty/tty_buffer.o drivers/tty/tty_ioctl.o \
	drivers/tty/tty_jobctl.o drivers/tty/ldisc.o drivers/tty/n_tty.o drivers/tty/n_tty_input.o \
	drivers/tty/n_tty_output.o drivers/tty/serial/uart16550.o
