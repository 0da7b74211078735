/* The early console: COM1 polled, and the debug port of QEMU and Bochs.
 *
 * Works before memory, interrupts and locks; used until the first real console is registered, and by
 * panic. A UART that is missing (the line status register reads as all ones) is found out once; waits
 * are bounded, so a broken one costs time but never the boot. Racing CPUs mix their characters, no more.
 *
 * Source: National Semiconductor PC16550D data sheet, section 8. Context: any. */
#include <arch/cpu.h>
#include <arch/io.h>

#define COM1	   0x3f8
#define DEBUG_PORT 0xe9

enum {
	UART_DATA = 0,
	UART_IER = 1,
	UART_FCR = 2,
	UART_LCR = 3,
	UART_MCR = 4,
	UART_LSR = 5,
	UART_SCR = 7
};
#define LSR_THRE   0x20 /* transmitter holding register empty */
#define LCR_8N1	   0x03
#define LCR_DLAB   0x80
#define SPIN_LIMIT 200000

static enum { UNKNOWN, ABSENT, READY } state; /* racing probes agree */

static void probe(void)
{
	outb(COM1 + UART_SCR, 0x5a);
	if (inb(COM1 + UART_SCR) != 0x5a || inb(COM1 + UART_LSR) == 0xff) {
		state = ABSENT;
		return;
	}
	outb(COM1 + UART_IER, 0);
	outb(COM1 + UART_LCR, LCR_DLAB | LCR_8N1);
	outb(COM1 + UART_DATA, 1); /* divisor 1: 115200 */
	outb(COM1 + UART_IER, 0);
	outb(COM1 + UART_LCR, LCR_8N1);
	outb(COM1 + UART_FCR, 0x07); /* FIFOs on and empty */
	outb(COM1 + UART_MCR, 0x03); /* DTR, RTS */
	state = READY;
}

void arch_early_putc(char c)
{
	outb(DEBUG_PORT, (u8)c);
	if (state == UNKNOWN)
		probe();
	if (state != READY)
		return;
	for (unsigned i = 0; i < SPIN_LIMIT; i++) {
		if (inb(COM1 + UART_LSR) & LSR_THRE) {
			outb(COM1 + UART_DATA, (u8)c);
			return;
		}
	}
	state = ABSENT;
}
