/* Terminal attributes and the requests of ioctl_tty(2), as the x86-64 ABI lays them out (termios(3)). */
#pragma once
#include <lib/types.h>

#define NCCS 19
struct ktermios { /* the kernel's own form, equal to struct termios2 */
	u32 c_iflag, c_oflag, c_cflag, c_lflag;
	u8 c_line;
	u8 c_cc[NCCS];
	u32 c_ispeed, c_ospeed;
};
_Static_assert(sizeof(struct ktermios) == 44, "termios2 ABI");
struct termios1 { /* TCGETS */
	u32 c_iflag, c_oflag, c_cflag, c_lflag;
	u8 c_line;
	u8 c_cc[NCCS];
};
_Static_assert(sizeof(struct termios1) == 36, "termios ABI");
struct termio { /* TCGETA */
	u16 c_iflag, c_oflag, c_cflag, c_lflag;
	u8 c_line;
	u8 c_cc[8];
};
_Static_assert(sizeof(struct termio) == 18, "termio ABI");
struct winsize {
	u16 ws_row, ws_col, ws_xpixel, ws_ypixel;
};
_Static_assert(sizeof(struct winsize) == 8, "winsize ABI");

/* c_cc */
#define VINTR	       0
#define VQUIT	       1
#define VERASE	       2
#define VKILL	       3
#define VEOF	       4
#define VTIME	       5
#define VMIN	       6
#define VSWTC	       7
#define VSTART	       8
#define VSTOP	       9
#define VSUSP	       10
#define VEOL	       11
#define VREPRINT       12
#define VDISCARD       13
#define VWERASE	       14
#define VLNEXT	       15
#define VEOL2	       16
#define POSIX_VDISABLE 0

/* c_iflag */
#define IGNBRK	0x0001u
#define BRKINT	0x0002u
#define IGNPAR	0x0004u
#define PARMRK	0x0008u
#define INPCK	0x0010u
#define ISTRIP	0x0020u
#define INLCR	0x0040u
#define IGNCR	0x0080u
#define ICRNL	0x0100u
#define IUCLC	0x0200u
#define IXON	0x0400u
#define IXANY	0x0800u
#define IXOFF	0x1000u
#define IMAXBEL 0x2000u
#define IUTF8	0x4000u

/* c_oflag */
#define OPOST  0x0001u
#define OLCUC  0x0002u
#define ONLCR  0x0004u
#define OCRNL  0x0008u
#define ONOCR  0x0010u
#define ONLRET 0x0020u
#define OFILL  0x0040u
#define OFDEL  0x0080u
#define TABDLY 0x1800u
#define TAB3   0x1800u /* XTABS: expand tabs */

/* c_cflag */
#define CBAUD	0x100fu
#define B0	0x0000u
#define B9600	0x000du
#define B38400	0x000fu
#define CBAUDEX 0x1000u
#define BOTHER	0x1000u
#define B57600	0x1001u
#define B115200 0x1002u
#define CSIZE	0x0030u
#define CS5	0x0000u
#define CS6	0x0010u
#define CS7	0x0020u
#define CS8	0x0030u
#define CSTOPB	0x0040u
#define CREAD	0x0080u
#define PARENB	0x0100u
#define PARODD	0x0200u
#define HUPCL	0x0400u
#define CLOCAL	0x0800u
#define CIBAUD	0x100f0000u
#define IBSHIFT 16
#define CMSPAR	0x40000000u
#define CRTSCTS 0x80000000u

/* c_lflag */
#define ISIG	0x0001u
#define ICANON	0x0002u
#define XCASE	0x0004u
#define ECHO	0x0008u
#define ECHOE	0x0010u
#define ECHOK	0x0020u
#define ECHONL	0x0040u
#define NOFLSH	0x0080u
#define TOSTOP	0x0100u
#define ECHOCTL 0x0200u
#define ECHOPRT 0x0400u
#define ECHOKE	0x0800u
#define FLUSHO	0x1000u
#define PENDIN	0x4000u
#define IEXTEN	0x8000u
#define EXTPROC 0x10000u

/* ioctl_tty(2) */
#define TCGETS	       0x5401
#define TCSETS	       0x5402
#define TCSETSW	       0x5403
#define TCSETSF	       0x5404
#define TCGETA	       0x5405
#define TCSETA	       0x5406
#define TCSETAW	       0x5407
#define TCSETAF	       0x5408
#define TCSBRK	       0x5409
#define TCXONC	       0x540a
#define TCFLSH	       0x540b
#define TIOCEXCL       0x540c
#define TIOCNXCL       0x540d
#define TIOCSCTTY      0x540e
#define TIOCGPGRP      0x540f
#define TIOCSPGRP      0x5410
#define TIOCOUTQ       0x5411
#define TIOCSTI	       0x5412
#define TIOCGWINSZ     0x5413
#define TIOCSWINSZ     0x5414
#define TIOCMGET       0x5415
#define TIOCMBIS       0x5416
#define TIOCMBIC       0x5417
#define TIOCMSET       0x5418
#define TIOCGSOFTCAR   0x5419
#define TIOCSSOFTCAR   0x541a
#define FIONREAD       0x541b
#define TIOCINQ	       FIONREAD
#define TIOCLINUX      0x541c
#define TIOCCONS       0x541d
#define TIOCGSERIAL    0x541e
#define TIOCSSERIAL    0x541f
#define TIOCPKT	       0x5420
#define FIONBIO	       0x5421
#define TIOCNOTTY      0x5422
#define TIOCSETD       0x5423
#define TIOCGETD       0x5424
#define TCSBRKP	       0x5425
#define TIOCSBRK       0x5427
#define TIOCCBRK       0x5428
#define TIOCGSID       0x5429
#define TCGETS2	       0x802c542au
#define TCSETS2	       0x402c542bu
#define TCSETSW2       0x402c542cu
#define TCSETSF2       0x402c542du
#define TIOCGPTN       0x80045430u
#define TIOCSPTLCK     0x40045431u
#define TIOCGDEV       0x80045432u
#define TIOCVHANGUP    0x5437
#define TIOCGPKT       0x80045438u
#define TIOCGPTLCK     0x80045439u
#define TIOCGEXCL      0x80045440u
#define TIOCGPTPEER    0x5441
#define TIOCSERGETLSR  0x5459
#define TIOCGLCKTRMIOS 0x5456
#define TIOCSLCKTRMIOS 0x5457
#define TIOCMIWAIT     0x545c
#define TIOCGICOUNT    0x545d

/* Arguments of TCXONC and TCFLSH */
#define TCOOFF	  0
#define TCOON	  1
#define TCIOFF	  2
#define TCION	  3
#define TCIFLUSH  0
#define TCOFLUSH  1
#define TCIOFLUSH 2

/* Modem lines */
#define TIOCM_LE   0x001
#define TIOCM_DTR  0x002
#define TIOCM_RTS  0x004
#define TIOCM_CTS  0x020
#define TIOCM_CAR  0x040
#define TIOCM_RNG  0x080
#define TIOCM_DSR  0x100
#define TIOCM_OUT1 0x2000
#define TIOCM_OUT2 0x4000
#define TIOCM_LOOP 0x8000

/* Packet mode (ptys) */
#define TIOCPKT_DATA	   0x00
#define TIOCPKT_FLUSHREAD  0x01
#define TIOCPKT_FLUSHWRITE 0x02
#define TIOCPKT_STOP	   0x04
#define TIOCPKT_START	   0x08
#define TIOCPKT_NOSTOP	   0x10
#define TIOCPKT_DOSTOP	   0x20
#define TIOCPKT_IOCTL	   0x40

#define N_TTY 0

/* TIOC[GS]SERIAL */
struct serial_struct {
	int type, line;
	u32 port;
	int irq, flags, xmit_fifo_size, custom_divisor, baud_base;
	u16 close_delay;
	u8 io_type, reserved1;
	int hub6;
	u16 closing_wait, closing_wait2;
	u64 iomem_base;
	u16 iomem_reg_shift;
	u32 port_high;
	u64 iomap_base;
};
_Static_assert(sizeof(struct serial_struct) == 72, "serial_struct ABI");
/* TIOCGICOUNT */
struct serial_icounter {
	int cts, dsr, rng, dcd, rx, tx, frame, overrun, parity, brk, buf_overrun, reserved[9];
};
_Static_assert(sizeof(struct serial_icounter) == 80, "serial_icounter ABI");
