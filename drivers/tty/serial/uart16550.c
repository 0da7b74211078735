/* 16550-compatible serial ports of a PC: ttyS0..ttyS3 at the four standard addresses.
 *
 * Source: National Semiconductor PC16550D data sheet; ioctl_tty(2); console=ttySn,<baud><parity><bits>.
 * Sending is interrupt-driven from a ring; receiving goes straight to the tty's queue, and when that
 * is full the receive interrupt is masked: the FIFO fills and the sender waits (RTS, or a virtual
 * machine's back-pressure). The log console writes by polling, also when the lock's owner is dead.
 * Locks: port->lock (irqsave, innermost) protects the registers and the ring. */
#define LOG_PREFIX "serial: "
#include <alloc/slab.h>
#include <arch/clock.h>
#include <arch/io.h>
#include <arch/irq.h>
#include <arch/uaccess.h>
#include <drivers/tty.h>
#include <init/bootinfo.h>
#include <init/initcall.h>
#include <lib/string.h>
#include <log/panic.h>
#include <log/printk.h>
#include "uart16550.h"

#define BASE_BAUD 115200u
#define TX_SIZE	  4096u
#define TX_MASK	  (TX_SIZE - 1)
#define TX_LOW	  256u

struct port {
	u16 base;     /* [I] */
	u8 isa_irq;   /* [I] */
	u8 fifo;      /* [I] bytes that fit behind THRE */
	bool present; /* [I] */
	int irq;      /* [tty->open_lock] from irq_request_isa, while open */
	spinlock_t lock;
	struct tty *tty;	      /* [I] after probe */
	u8 ier, mcr, lcr;	      /* [lock] what was written */
	bool tx_stopped;	      /* [lock] ^S */
	bool cts_stopped;	      /* [lock] CRTSCTS and no CTS */
	bool rx_masked;		      /* [lock] queue full */
	bool cts_flow;		      /* [lock] CRTSCTS */
	u8 xchar;		      /* [lock] to be sent before anything else */
	u8 ignore_read;		      /* [lock] CREAD off */
	u8 *tx;			      /* [lock] TX_SIZE bytes while open */
	u32 tx_head, tx_tail;	      /* [lock] */
	u32 baud;		      /* [lock] */
	bool stuck;		      /* [lock] the console waited in vain: no more waiting */
	struct serial_icounter count; /* [lock] */
	struct console con;
	char con_name[8];
};

static struct port ports[] = {
	{.base = 0x3f8, .isa_irq = 4},
	{.base = 0x2f8, .isa_irq = 3},
	{.base = 0x3e8, .isa_irq = 4},
	{.base = 0x2e8, .isa_irq = 3},
};

static u8 rd(const struct port *p, unsigned r)
{
	return inb((u16)(p->base + r));
}
static void wr(const struct port *p, unsigned r, u8 v)
{
	outb((u16)(p->base + r), v);
}

/* --- sending --------------------------------------------------------------------------------- */

static void set_ier(struct port *p, u8 ier)
{
	if (p->ier != ier) {
		p->ier = ier;
		wr(p, UART_IER, ier);
	}
}

/* lock held: fill the FIFO when it is empty; true when the ring fell to where
 * writers go on, or became empty. */
static bool tx_fill(struct port *p)
{
	u32 before = p->tx_head - p->tx_tail;
	unsigned room = p->fifo;

	if (p->xchar) {
		wr(p, UART_THR, p->xchar);
		p->xchar = 0;
		p->count.tx++;
		room--;
	}
	if (!p->tx_stopped && !p->cts_stopped)
		for (; room && p->tx_tail != p->tx_head; room--, p->count.tx++)
			wr(p, UART_THR, p->tx[p->tx_tail++ & TX_MASK]);
	if (p->tx_tail == p->tx_head || p->tx_stopped || p->cts_stopped)
		set_ier(p, p->ier & ~IER_TX);
	if (p->tx_head == p->tx_tail)
		return before != 0;
	return before >= TX_LOW && p->tx_head - p->tx_tail < TX_LOW;
}

/* lock held. */
static void tx_kick(struct port *p)
{
	if (!p->xchar && (p->tx_head == p->tx_tail || p->tx_stopped || p->cts_stopped))
		return;
	if (rd(p, UART_LSR) & LSR_THRE)
		(void)tx_fill(p);
	if (p->tx_head != p->tx_tail && !p->tx_stopped && !p->cts_stopped)
		set_ier(p, p->ier | IER_TX);
}

static size_t uart_write(struct tty *t, const u8 *s, size_t n)
{
	struct port *p = t->driver_data;
	size_t done = 0;
	unsigned long f;

	spin_lock_irqsave(&p->lock, f);
	while (done < n && p->tx_head - p->tx_tail < TX_SIZE) {
		u32 at = p->tx_head & TX_MASK;
		size_t k = min_t(size_t, TX_SIZE - (p->tx_head - p->tx_tail), TX_SIZE - at);

		k = min(k, n - done);
		memcpy(p->tx + at, s + done, k);
		p->tx_head += (u32)k;
		done += k;
	}
	tx_kick(p);
	spin_unlock_irqrestore(&p->lock, f);
	return done;
}

static size_t uart_write_room(struct tty *t)
{
	struct port *p = t->driver_data;

	return TX_SIZE - (READ_ONCE(p->tx_head) - READ_ONCE(p->tx_tail));
}

static size_t uart_chars(struct tty *t)
{
	struct port *p = t->driver_data;

	return READ_ONCE(p->tx_head) - READ_ONCE(p->tx_tail);
}

static void uart_flush(struct tty *t)
{
	struct port *p = t->driver_data;
	unsigned long f;

	spin_lock_irqsave(&p->lock, f);
	p->tx_tail = p->tx_head;
	set_ier(p, p->ier & ~IER_TX);
	spin_unlock_irqrestore(&p->lock, f);
}

static void uart_stop(struct tty *t)
{
	struct port *p = t->driver_data;
	unsigned long f;

	spin_lock_irqsave(&p->lock, f);
	p->tx_stopped = true;
	set_ier(p, p->ier & ~IER_TX);
	spin_unlock_irqrestore(&p->lock, f);
}

static void uart_start(struct tty *t)
{
	struct port *p = t->driver_data;
	unsigned long f;

	spin_lock_irqsave(&p->lock, f);
	p->tx_stopped = false;
	tx_kick(p);
	spin_unlock_irqrestore(&p->lock, f);
}

static void uart_send_xchar(struct tty *t, u8 c)
{
	struct port *p = t->driver_data;
	unsigned long f;

	spin_lock_irqsave(&p->lock, f);
	p->xchar = c;
	if (rd(p, UART_LSR) & LSR_THRE)
		(void)tx_fill(p);
	else
		set_ier(p, p->ier | IER_TX);
	spin_unlock_irqrestore(&p->lock, f);
}

/* --- receiving ------------------------------------------------------------------------------- */

static u8 line_flag(struct port *p, u8 lsr)
{
	if (lsr & LSR_BREAK) {
		p->count.brk++;
		return TTY_BREAK;
	}
	if (lsr & LSR_PARITY) {
		p->count.parity++;
		return TTY_PARITY;
	}
	if (lsr & LSR_FRAME) {
		p->count.frame++;
		return TTY_FRAME;
	}
	return TTY_NORMAL;
}

/* lock held. */
static void rx_drain(struct port *p)
{
	u8 buf[64], flags[64], lsr;
	bool flagged = false;
	unsigned n = 0;

	/* More than any FIFO holds: a broken port has data for ever. */
	for (unsigned left = 256; left && !p->rx_masked; left--) {
		lsr = rd(p, UART_LSR);
		if (!(lsr & (LSR_DATA | LSR_BREAK)))
			break;
		buf[n] = rd(p, UART_RBR);
		p->count.rx++;
		flags[n] = line_flag(p, lsr);
		flagged |= flags[n] != TTY_NORMAL;
		if (lsr & LSR_OVERRUN)
			p->count.overrun++;
		if (++n < sizeof(buf) && n < tty_receive_room(p->tty))
			continue;
		if (!p->ignore_read)
			(void)(flagged ? tty_receive_flags(p->tty, buf, flags, n)
				       : tty_receive(p->tty, buf, n, TTY_NORMAL));
		n = 0;
		flagged = false;
		if (tty_receive_room(p->tty) < sizeof(buf)) {
			p->rx_masked = true;
			set_ier(p, p->ier & ~(IER_RX | IER_LINE));
		}
	}
	if (n && !p->ignore_read)
		(void)(flagged ? tty_receive_flags(p->tty, buf, flags, n)
			       : tty_receive(p->tty, buf, n, TTY_NORMAL));
}

static void uart_rx_resume(struct tty *t)
{
	struct port *p = t->driver_data;
	unsigned long f;

	spin_lock_irqsave(&p->lock, f);
	if (p->rx_masked) {
		p->rx_masked = false;
		set_ier(p, p->ier | IER_RX | IER_LINE);
	}
	spin_unlock_irqrestore(&p->lock, f);
}

/* --- interrupts ------------------------------------------------------------------------------ */

/* lock held. True when the carrier went away. */
static bool modem_status(struct port *p, bool *cts_up)
{
	u8 msr = rd(p, UART_MSR);

	p->count.cts += !!(msr & MSR_DCTS);
	p->count.dsr += !!(msr & MSR_DDSR);
	p->count.rng += !!(msr & MSR_TERI);
	p->count.dcd += !!(msr & MSR_DDCD);
	if (p->cts_flow && (msr & MSR_DCTS)) {
		bool stop = !(msr & MSR_CTS);

		*cts_up = p->cts_stopped && !stop;
		p->cts_stopped = stop;
		tx_kick(p);
	}
	return (msr & MSR_DDCD) && !(msr & MSR_DCD);
}

static bool uart_irq(void *arg)
{
	struct port *p = arg;
	bool wake = false, hangup = false, ours = false;
	unsigned long f;
	u8 iir;

	spin_lock_irqsave(&p->lock, f);
	for (unsigned i = 0; i < 256 && !((iir = rd(p, UART_IIR)) & IIR_NONE); i++) {
		u8 lsr = rd(p, UART_LSR);

		ours = true;
		if (lsr & (LSR_DATA | LSR_BREAK))
			rx_drain(p);
		if ((iir & 0xf) == 0)
			hangup |= modem_status(p, &wake);
		if ((lsr & LSR_THRE) && (p->ier & IER_TX))
			wake |= tx_fill(p);
	}
	spin_unlock_irqrestore(&p->lock, f);
	if (wake)
		tty_write_wakeup(p->tty);
	if (hangup && !(READ_ONCE(p->tty->termios.c_cflag) & CLOCAL))
		tty_hangup_async(p->tty);
	if (ours && !hangup && wait_queue_active(&p->tty->open_wait))
		wake_up_all(&p->tty->open_wait);
	return ours;
}

/* --- attributes ------------------------------------------------------------------------------ */

static u8 lcr_of(u32 cflag)
{
	u8 lcr = (u8)((cflag & CSIZE) >> 4); /* CS5..CS8 are 0..3, as in the register */

	if (cflag & CSTOPB)
		lcr |= LCR_STOP2;
	if (cflag & PARENB)
		lcr |= LCR_PARITY;
	if (!(cflag & PARODD))
		lcr |= LCR_EVEN;
	if (cflag & CMSPAR)
		lcr |= LCR_STICK;
	return lcr;
}

/* lock held. */
static void program_line(struct port *p, u32 baud, u8 lcr)
{
	u32 div = baud ? clamp_t(u32, (BASE_BAUD + baud / 2) / baud, 1, 0xffff) : 0;

	if (div && p->baud != baud) {
		wr(p, UART_LCR, lcr | LCR_DLAB);
		wr(p, UART_DLL, (u8)div);
		wr(p, UART_DLM, (u8)(div >> 8));
		p->baud = baud;
	}
	p->lcr = lcr;
	wr(p, UART_LCR, lcr);
}

static void uart_set_termios(struct tty *t, const struct ktermios *old)
{
	struct port *p = t->driver_data;
	struct ktermios *k = &t->termios;
	u32 baud = tty_baud_rate(k);
	unsigned long f;

	if (baud > BASE_BAUD) { /* not possible: keep what was, and say so */
		baud = old ? tty_baud_rate(old) : 9600;
		tty_encode_baud(k, baud);
	}
	spin_lock_irqsave(&p->lock, f);
	if (!baud) /* B0 hangs up */
		p->mcr &= ~(MCR_DTR | MCR_RTS);
	else if (old && !tty_baud_rate(old))
		p->mcr |= MCR_DTR | MCR_RTS;
	wr(p, UART_MCR, p->mcr);
	program_line(p, baud, lcr_of(k->c_cflag));
	p->ignore_read = !(k->c_cflag & CREAD);
	p->cts_flow = k->c_cflag & CRTSCTS;
	p->cts_stopped = p->cts_flow && !(rd(p, UART_MSR) & MSR_CTS);
	tx_kick(p);
	spin_unlock_irqrestore(&p->lock, f);
}

static void set_mcr(struct port *p, u8 set, u8 clear)
{
	unsigned long f;

	spin_lock_irqsave(&p->lock, f);
	p->mcr = (u8)((p->mcr & ~clear) | set);
	wr(p, UART_MCR, p->mcr);
	spin_unlock_irqrestore(&p->lock, f);
}

static void uart_throttle(struct tty *t)
{
	if (t->termios.c_iflag & IXOFF)
		uart_send_xchar(t, t->termios.c_cc[VSTOP]);
	if (t->termios.c_cflag & CRTSCTS)
		set_mcr(t->driver_data, 0, MCR_RTS);
}

static void uart_unthrottle(struct tty *t)
{
	struct port *p = t->driver_data;

	if (!p->tx)
		return;
	if (t->termios.c_iflag & IXOFF)
		uart_send_xchar(t, t->termios.c_cc[VSTART]);
	if (t->termios.c_cflag & CRTSCTS)
		set_mcr(p, MCR_RTS, 0);
}

static int uart_break(struct tty *t, bool on)
{
	struct port *p = t->driver_data;
	unsigned long f;

	spin_lock_irqsave(&p->lock, f);
	p->lcr = (u8)(on ? p->lcr | LCR_BREAK : p->lcr & ~LCR_BREAK);
	wr(p, UART_LCR, p->lcr);
	spin_unlock_irqrestore(&p->lock, f);
	return 0;
}

static int uart_tiocmget(struct tty *t)
{
	struct port *p = t->driver_data;
	unsigned long f;
	int r = 0;
	u8 msr;

	spin_lock_irqsave(&p->lock, f);
	msr = rd(p, UART_MSR);
	r |= p->mcr & MCR_DTR ? TIOCM_DTR : 0;
	r |= p->mcr & MCR_RTS ? TIOCM_RTS : 0;
	r |= p->mcr & MCR_OUT1 ? TIOCM_OUT1 : 0;
	r |= p->mcr & MCR_OUT2 ? TIOCM_OUT2 : 0;
	r |= p->mcr & MCR_LOOP ? TIOCM_LOOP : 0;
	spin_unlock_irqrestore(&p->lock, f);
	r |= msr & MSR_CTS ? TIOCM_CTS : 0;
	r |= msr & MSR_DSR ? TIOCM_DSR : 0;
	r |= msr & MSR_RI ? TIOCM_RNG : 0;
	r |= msr & MSR_DCD ? TIOCM_CAR : 0;
	return r;
}

static u8 mcr_of(unsigned m)
{
	return (u8)((m & TIOCM_DTR ? MCR_DTR : 0) | (m & TIOCM_RTS ? MCR_RTS : 0) |
		    (m & TIOCM_OUT1 ? MCR_OUT1 : 0) | (m & TIOCM_LOOP ? MCR_LOOP : 0));
}

static int uart_tiocmset(struct tty *t, unsigned set, unsigned clear)
{
	set_mcr(t->driver_data, mcr_of(set), mcr_of(clear));
	return 0;
}

static bool uart_carrier(struct tty *t)
{
	return rd(t->driver_data, UART_MSR) & MSR_DCD;
}

static void uart_wait_sent(struct tty *t, s64 timeout_ns)
{
	struct port *p = t->driver_data;
	u32 baud = p->baud ? p->baud : 9600;
	/* FIFO and shift register, ten bits each, and as much again to be safe */
	s64 ns = 2 * (s64)(p->fifo + 1) * 10 * NSEC_PER_SEC / baud;

	for (ktime_t end = ktime_get() + min(ns, timeout_ns);
	     !(rd(p, UART_LSR) & LSR_TEMT) && ktime_get() < end && !signal_pending();)
		sleep_ns(min_t(s64, ns / 8 + 1, 10 * NSEC_PER_MSEC));
}

/* --- open and close -------------------------------------------------------------------------- */

static int uart_open(struct tty *t)
{
	struct port *p = t->driver_data;
	unsigned long f;

	p->tx = kmalloc(TX_SIZE, GFP_KERNEL);
	if (!p->tx)
		return -ENOMEM;
	spin_lock_irqsave(&p->lock, f);
	p->tx_head = p->tx_tail = 0;
	p->xchar = 0;
	p->tx_stopped = p->rx_masked = false;
	if (p->fifo > 1)
		wr(p, UART_FCR, FCR_ENABLE | FCR_CLEAR_RX | FCR_TRIG_8);
	p->mcr = MCR_DTR | MCR_RTS | MCR_OUT2;
	wr(p, UART_MCR, p->mcr);
	spin_unlock_irqrestore(&p->lock, f);
	uart_set_termios(t, NULL);

	p->irq = irq_request_isa(p->isa_irq, uart_irq, p, t->name);
	if (p->irq < 0) {
		kfree(p->tx);
		p->tx = NULL;
		return p->irq;
	}
	spin_lock_irqsave(&p->lock, f);
	(void)rd(p, UART_LSR);
	(void)rd(p, UART_IIR);
	(void)rd(p, UART_MSR);
	p->ier = 0;
	set_ier(p, IER_RX | IER_LINE | IER_MODEM);
	spin_unlock_irqrestore(&p->lock, f);
	return 0;
}

static void uart_close(struct tty *t)
{
	struct port *p = t->driver_data;
	unsigned long f;
	u8 *tx;

	uart_wait_sent(t, NSEC_PER_SEC);
	spin_lock_irqsave(&p->lock, f);
	set_ier(p, 0);
	if (t->termios.c_cflag & HUPCL)
		p->mcr &= ~(MCR_DTR | MCR_RTS);
	wr(p, UART_MCR, p->mcr);
	tx = p->tx;
	p->tx = NULL;
	p->tx_head = p->tx_tail = 0;
	spin_unlock_irqrestore(&p->lock, f);
	irq_free(p->irq, p);
	kfree(tx);
}

static s64 uart_ioctl(struct tty *t, unsigned cmd, unsigned long arg)
{
	struct port *p = t->driver_data;
	struct serial_struct ss = {.type = p->fifo > 1 ? 4 : 2, /* 16550A, 16450 */
				   .line = (int)t->index,
				   .port = p->base,
				   .irq = p->isa_irq,
				   .xmit_fifo_size = p->fifo,
				   .baud_base = BASE_BAUD,
				   .close_delay = 50,
				   .closing_wait = 3000};
	struct serial_icounter ic;
	unsigned long f;
	unsigned v;

	switch (cmd) {
	case TIOCGSERIAL:
		return copy_out(u64_to_user(arg), &ss, sizeof(ss));
	case TIOCSSERIAL: /* the ports are fixed: only what changes nothing is accepted */
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		if (copy_in(&ss, u64_to_user(arg), sizeof(ss)))
			return -EFAULT;
		return ss.port == p->base && ss.irq == p->isa_irq && ss.baud_base == BASE_BAUD
			       ? 0
			       : -EINVAL;
	case TIOCSERGETLSR:
		v = (rd(p, UART_LSR) & LSR_TEMT) && !uart_chars(t);
		return copy_out(u64_to_user(arg), &v, sizeof(v));
	case TIOCGICOUNT:
		spin_lock_irqsave(&p->lock, f);
		ic = p->count;
		spin_unlock_irqrestore(&p->lock, f);
		return copy_out(u64_to_user(arg), &ic, sizeof(ic));
	}
	return -ENOIOCTLCMD;
}

static const struct tty_ops uart_ops = {
	.open = uart_open,
	.close = uart_close,
	.write = uart_write,
	.write_room = uart_write_room,
	.chars_in_buffer = uart_chars,
	.flush_buffer = uart_flush,
	.set_termios = uart_set_termios,
	.stop = uart_stop,
	.start = uart_start,
	.throttle = uart_throttle,
	.unthrottle = uart_unthrottle,
	.rx_resume = uart_rx_resume,
	.send_xchar = uart_send_xchar,
	.break_ctl = uart_break,
	.tiocmget = uart_tiocmget,
	.tiocmset = uart_tiocmset,
	.carrier = uart_carrier,
	.wait_until_sent = uart_wait_sent,
	.ioctl = uart_ioctl,
};

static struct tty_driver uart_driver = {
	.name = "ttyS",
	.major = 4,
	.minor = 64,
	.count = ARRAY_SIZE(ports),
	.ops = &uart_ops,
};

/* --- the log console ------------------------------------------------------------------------- */

/* Wait for an empty FIFO: as long as the line needs for a full one, and half of that again, in which the
 * characters of a port that works are gone. Loops are no measure: an emulator's may be as fast as its serial line
 * is slow. False: the port is stuck, which is asked only once; what is written then is dropped until it goes on. */
static bool poll_empty(struct port *p)
{
	u64 ns = (p->fifo + 1ul) * 10 * NSEC_PER_SEC / (p->baud ? p->baud : 9600);
	u64 end = 0;

	while (!(rd(p, UART_LSR) & LSR_THRE)) {
		if (p->stuck)
			return false;
		if (!end)
			end = arch_clock_ns() + ns + ns / 2 + NSEC_PER_MSEC;
		else if (arch_clock_ns() > end)
			p->stuck = true;
		cpu_relax();
	}
	p->stuck = false;
	return true;
}

/* lock held, or panicking. *room: characters that fit until the next look. */
static bool console_char(struct port *p, u8 c, unsigned *room)
{
	if (!*room) {
		if (!poll_empty(p))
			return false;
		*room = p->fifo;
	}
	wr(p, UART_THR, c);
	--*room;
	return true;
}

/* A panic takes the lock only if it is free. */
static void console_write(struct console *c, const char *s, size_t n) __no_lock_check
{
	struct port *p = container_of(c, struct port, con);
	unsigned room = 0;
	bool locked = true;
	unsigned long f = irq_save();

	if (panicking)
		locked = spin_trylock(&p->lock);
	else
		spin_lock(&p->lock);
	for (size_t i = 0; i < n; i++)
		if ((s[i] == '\n' && !console_char(p, '\r', &room)) ||
		    !console_char(p, (u8)s[i], &room))
			break;
	/* What the tty has queued goes on by its interrupt, which fires once the FIFO is empty. */
	if (locked)
		spin_unlock(&p->lock);
	irq_restore(f);
}

static void console_panic(struct console *c)
{
	struct port *p = container_of(c, struct port, con);

	spin_init(&p->lock);
}

static void console_drain(struct console *c)
{
	struct port *p = container_of(c, struct port, con);

	(void)tty_wait_until_sent(p->tty, NSEC_PER_SEC);
}

/* The options of console=ttySn,115200n8 into k. */
static void console_options(const char *name, struct ktermios *k)
{
	const char *p = bootinfo.cmdline, *found = NULL;
	size_t n = strlen(name);
	u32 baud = 0;

	while (p && (p = strstr(p, "console="))) {
		p += 8;
		if (!strncmp(p, name, n) && p[n] == ',')
			found = p + n + 1;
	}
	if (!found)
		return;
	for (; *found >= '0' && *found <= '9'; found++)
		baud = baud * 10 + (u32)(*found - '0');
	if (baud && baud <= BASE_BAUD)
		tty_encode_baud(k, baud);
	if (*found == 'o')
		k->c_cflag |= PARENB | PARODD;
	else if (*found == 'e')
		k->c_cflag |= PARENB;
	if (*found && *found != ' ')
		found++;
	if (*found == '7')
		k->c_cflag = (k->c_cflag & ~CSIZE) | CS7;
	if (*found && *found != ' ' && found[1] == 'r')
		k->c_cflag |= CRTSCTS;
}

static void console_add(struct port *p)
{
	unsigned long f;

	spin_lock_irqsave(&p->lock, f);
	if (p->fifo > 1)
		wr(p, UART_FCR, FCR_ENABLE | FCR_TRIG_8);
	p->mcr = MCR_DTR | MCR_RTS | MCR_OUT2;
	wr(p, UART_MCR, p->mcr);
	program_line(p, tty_baud_rate(&p->tty->termios), lcr_of(p->tty->termios.c_cflag));
	spin_unlock_irqrestore(&p->lock, f);
	p->con.name = p->con_name;
	p->con.write = console_write;
	p->con.panic_enter = console_panic;
	p->con.drain = console_drain;
	console_register(&p->con);
}

/* --- finding --------------------------------------------------------------------------------- */

/* A port keeps what is written to the scratch register (8250s have none) and loops modem lines back:
 * RTS and OUT2 appear as CTS and DCD. */
static bool port_present(struct port *p)
{
	u8 ier = rd(p, UART_IER), mcr, msr;

	if (ier == 0xff)
		return false;
	wr(p, UART_IER, 0);
	if (rd(p, UART_IER) & 0x0f)
		return false;
	wr(p, UART_IER, 0x0f);
	if ((rd(p, UART_IER) & 0x0f) != 0x0f)
		return false;
	wr(p, UART_IER, 0);
	mcr = rd(p, UART_MCR);
	wr(p, UART_MCR, MCR_LOOP | MCR_OUT2 | MCR_RTS);
	msr = rd(p, UART_MSR) & 0xf0;
	wr(p, UART_MCR, mcr);
	return msr == (MSR_DCD | MSR_CTS);
}

static void probe_fifo(struct port *p)
{
	wr(p, UART_FCR, FCR_ENABLE);
	p->fifo = (rd(p, UART_IIR) & IIR_FIFO) == IIR_FIFO ? 16 : 1;
}

static int uart_init(void)
{
	int err;

	uart_driver.init_termios = tty_std_termios;
	uart_driver.init_termios.c_cflag = CS8 | CREAD | HUPCL | CLOCAL;
	tty_encode_baud(&uart_driver.init_termios, 9600);
	err = tty_driver_register(&uart_driver);
	if (err)
		return err;
	for (unsigned i = 0; i < ARRAY_SIZE(ports); i++) {
		struct port *p = &ports[i];

		spin_init(&p->lock);
		if (!port_present(p))
			continue;
		p->present = true;
		probe_fifo(p);
		p->tty = tty_device_add(&uart_driver, i, p);
		if (IS_ERR(p->tty))
			return (int)PTR_ERR(p->tty);
		snprintf(p->con_name, sizeof(p->con_name), "ttyS%u", i);
		console_options(p->con_name, &p->tty->termios);
		pr_info("ttyS%u at I/O 0x%x (irq = %u) is a %s\n", i, p->base, p->isa_irq,
			p->fifo > 1 ? "16550A" : "16450");
		console_add(p);
	}
	return 0;
}
INITCALL(driver, uart_init);
