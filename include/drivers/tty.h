/* Terminals: the device-independent core. A driver (serial, virtual terminal, pty) moves bytes; a line
 * discipline (struct tty_ldisc_ops, n_tty by default) gives them meaning; the core serves the file
 * operations, job control and hang-up. Picture, locks and references: drivers/tty/README.md. */
#pragma once
#include <fs/vfs.h>
#include <fs/poll.h>
#include <lib/radix.h>
#include <sched/workqueue.h>
#include <uapi/termios.h>

struct tty;
struct pid;
struct tty_driver;

/* What a driver does. Process context with no spinlock held, unless said otherwise; all but write and
 * write_room may be NULL. */
struct tty_ops {
	/* First open and last close, under tty->open_lock. */
	int (*open)(struct tty *t);
	void (*close)(struct tty *t);
	/* Take up to n bytes for output and return at once; 0: no room (later call tty_write_wakeup).
	 * Serialised by the line discipline's output lock. */
	size_t (*write)(struct tty *t, const u8 *p, size_t n);
	size_t (*write_room)(struct tty *t);
	size_t (*chars_in_buffer)(struct tty *t); /* NULL: always 0 */
	void (*flush_buffer)(struct tty *t);	  /* drop output */
	/* termios_sem held for writing; old is what was. */
	void (*set_termios)(struct tty *t, const struct ktermios *old);
	/* Output flow control (^S ^Q): t->flow_lock held, interrupts off. */
	void (*stop)(struct tty *t);
	void (*start)(struct tty *t);
	/* Input flow control: stop or resume the other side (RTS, XOFF). */
	void (*throttle)(struct tty *t);
	void (*unthrottle)(struct tty *t);
	/* The receive queue was full and has room again (tty_receive took less than offered). */
	void (*rx_resume)(struct tty *t);
	void (*send_xchar)(struct tty *t, u8 c); /* NULL: through write */
	int (*break_ctl)(struct tty *t, bool on);
	int (*tiocmget)(struct tty *t);
	int (*tiocmset)(struct tty *t, unsigned set, unsigned clear);
	bool (*carrier)(struct tty *t);				      /* NULL: always on */
	void (*wait_until_sent)(struct tty *t, s64 timeout_ns);	      /* hardware FIFOs */
	int (*resize)(struct tty *t, const struct winsize *ws);	      /* NULL: only recorded */
	s64 (*ioctl)(struct tty *t, unsigned cmd, unsigned long arg); /* -ENOIOCTLCMD: not mine */
	void (*hangup)(struct tty *t);
	void (*set_ldisc)(struct tty *t);
	/* Hooks of ptys: packet mode and the other end. flow_lock held where bits are set. */
	void (*packet_event)(struct tty *t, u8 bits);
	void (*free)(struct tty *t); /* last reference gone: driver's own data */
};

struct tty_driver {
	const char *name; /* "ttyS": node names are name + (index + name_base) */
	unsigned name_base;
	unsigned major, minor, count;
	unsigned flags; /* TTY_DRIVER_* */
	const struct tty_ops *ops;
	struct ktermios init_termios;
	struct list node; /* list of all drivers */
	mutex_t lock;
	struct radix_tree ttys; /* [lock] index -> struct tty, each holds a reference */
	/* Make the tty of index on its first open; NULL: only those that tty_device_add made exist. */
	struct tty *(*create)(struct tty_driver *d, unsigned index); /* ERR_PTR */
};
#define TTY_DRIVER_RESET_TERMIOS 1u /* every first open starts from init_termios */
#define TTY_DRIVER_NO_DEVNODE	 2u /* the driver makes its nodes itself (devpts) */
#define TTY_DRIVER_PTY		 4u
#define TTY_DRIVER_PTY_MASTER	 8u /* never a controlling terminal */

struct tty_ldisc_ops {
	int num;
	const char *name;
	int (*open)(struct tty *t);
	void (*close)(struct tty *t);
	void (*flush_buffer)(struct tty *t); /* drop what was received and not read */
	/* nonblock and hung-up state come with the file; f may be NULL for kernel readers. */
	ssize_t (*read)(struct tty *t, struct file *f, struct iov_iter *to);
	ssize_t (*write)(struct tty *t, struct file *f, const u8 *p, size_t n);
	s64 (*ioctl)(struct tty *t, struct file *f, unsigned cmd, unsigned long arg);
	void (*set_termios)(struct tty *t, const struct ktermios *old);
	unsigned (*poll)(struct tty *t, struct file *f, struct poll_table *pt);
	/* Received bytes with their flags (NULL: all TTY_NORMAL): how many were taken; the rest is
	 * offered again after tty_unthrottle_input(). Process context, one at a time per tty. */
	size_t (*receive)(struct tty *t, const u8 *p, const u8 *flags, size_t n);
	/* Output room appeared and t->echo_pending was set. Process context. */
	void (*write_wakeup)(struct tty *t);
	void (*hangup)(struct tty *t);
	struct list list;
};

/* Flags of received bytes */
enum { TTY_NORMAL, TTY_BREAK, TTY_FRAME, TTY_PARITY, TTY_OVERRUN };

struct tty_rx_chunk;

struct tty {
	struct ref ref;
	const struct tty_driver *driver; /* [I] */
	const struct tty_ops *ops;	 /* [I] */
	void *driver_data;		 /* [I] */
	unsigned index;			 /* [I] */
	char name[24];			 /* [I] "ttyS0" */
	dev_t dev;			 /* [I] */

	mutex_t open_lock; /* opens and closes, hang-up */
	unsigned opens;	   /* [open_lock] files open */
	struct list files; /* [files_lock] struct tty_file */
	spinlock_t files_lock;
	bool initialized;  /* [open_lock] driver open and ldisc attached */
	bool exclusive;	   /* [open_lock] TIOCEXCL */
	bool other_closed; /* [a] pty: the other end is gone */
	bool io_error;	   /* [a] */
	struct tty *link;  /* [I] pty: the other end, or NULL */

	rwsem_t termios_sem;
	struct ktermios termios;	/* [termios_sem] */
	struct ktermios termios_locked; /* [termios_sem] bits set here cannot be changed */
	struct winsize winsize;		/* [winsize_lock] */
	mutex_t winsize_lock;

	/* line discipline */
	rwsem_t ldisc_sem; /* held shared by every user; exclusively for a change, hang-up included */
	const struct tty_ldisc_ops *ldisc; /* [ldisc_sem] NULL while not initialized */
	void *ldisc_data;		   /* [ldisc_sem] */
	u32 ldisc_changing; /* [a] sleepers inside the discipline leave with -ELDISC */
	bool echo_pending;  /* [a] echo waits for output room */
	mutex_t write_lock; /* one writer at a time */
	struct wait_queue read_wait, write_wait;
	struct wait_queue open_wait; /* for carrier */

	/* job control */
	spinlock_t ctrl_lock;	    /* irqsave */
	struct pid *pgrp, *session; /* [ctrl_lock] counted */
	u8 pktstatus;		    /* [ctrl_lock] */
	bool packet;		    /* [ctrl_lock] */

	/* flow control */
	spinlock_t flow_lock; /* irqsave */
	bool stopped;	      /* [flow_lock] ^S */
	bool tco_stopped;     /* [flow_lock] TCOOFF */
	bool throttled;	      /* [termios_sem] the other side was asked to stop */

	/* received bytes between the driver's interrupt and the line discipline */
	spinlock_t rx_lock;			/* irqsave */
	struct tty_rx_chunk *rx_head, *rx_tail; /* [rx_lock] */
	size_t rx_bytes;			/* [rx_lock] */
	bool rx_full;				/* [rx_lock] the driver was refused */
	struct work rx_work;			/* queued: holds a reference */
	struct work hangup_work;		/* likewise */
	struct work free_work;
	mutex_t rx_mutex; /* one delivery at a time */
};

/* One per open file: file->private. */
struct tty_file {
	struct tty *tty; /* counted */
	struct file *file;
	bool hung_up;	  /* [a] */
	bool is_console;  /* opened as /dev/console: survives hang-up */
	struct list node; /* [tty->files_lock] */
};
struct tty *file_tty(struct file *f);
bool tty_hung_up(const struct file *f);

/* Drivers. init_termios is what a first open gives; tty_std_termios is the usual start. May sleep. */
extern const struct ktermios tty_std_termios;
int tty_driver_register(struct tty_driver *d) __must_check;
/* A new tty with one reference (not in the driver's table): ERR_PTR. */
struct tty *tty_new(struct tty_driver *d, unsigned index, void *driver_data);
/* tty_new, entered in the table, with its node in /dev. */
struct tty *tty_device_add(struct tty_driver *d, unsigned index, void *driver_data);
/* Remove from the table and hang up. */
void tty_device_remove(struct tty *t);
/* Counted, or NULL / ERR_PTR from create. */
struct tty *tty_driver_get(struct tty_driver *d, unsigned index);
void tty_get(struct tty *t);
void tty_put(struct tty *t); /* any context */

/* Open t for file f: what a driver with its own inodes (devpts) calls from its open. Consumes the
 * reference. flags: TTY_OPEN_*. 0 or -errno. */
int tty_open_file(struct tty *t, struct inode *inode, struct file *f, unsigned flags);
#define TTY_OPEN_NOCTTY	 1u
#define TTY_OPEN_CONSOLE 2u
extern const struct file_ops tty_file_ops;

/* Input, from any context: queue bytes with one flag for all (tty_receive) or one each (flags). How
 * many were taken: fewer than n when the queue is full; then rx_resume is called later. */
size_t tty_receive(struct tty *t, const u8 *p, size_t n, u8 flag);
size_t tty_receive_flags(struct tty *t, const u8 *p, const u8 *flags, size_t n);
size_t tty_receive_room(struct tty *t);
/* Line discipline to core: there is room again. */
void tty_unthrottle_input(struct tty *t);
/* Wait until what was received so far has been delivered. */
void tty_rx_flush_work(struct tty *t);
void tty_rx_discard(struct tty *t);
/* Output room appeared: any context. */
void tty_write_wakeup(struct tty *t);

void tty_stop(struct tty *t); /* any context */
void tty_start(struct tty *t);
bool tty_is_stopped(struct tty *t);
/* Change the input flow control; termios_sem held or process context. */
void tty_throttle(struct tty *t);
void tty_unthrottle(struct tty *t);

/* Hang up: files see EOF and EIO, the session is signalled and loses the tty. May sleep.
 * tty_hangup_async: any context. */
void tty_hangup(struct tty *t);
void tty_hangup_async(struct tty *t);

/* Set attributes (checked, locked bits kept) and tell driver and line discipline. */
void tty_set_termios(struct tty *t, const struct ktermios *n);
/* Baud rate of c_cflag (and c_ospeed for BOTHER). */
u32 tty_baud_rate(const struct ktermios *k);
/* Put a rate into k. */
void tty_encode_baud(struct ktermios *k, u32 baud);
/* New window size: SIGWINCH to the foreground group when it differs. */
void tty_set_winsize(struct tty *t, const struct winsize *ws);
int tty_wait_until_sent(struct tty *t, s64 timeout_ns); /* KTIME_MAX: for ever; -ERESTARTSYS */
void tty_driver_flush(struct tty *t);

/* Line disciplines. */
void tty_ldisc_register(struct tty_ldisc_ops *l);
extern struct tty_ldisc_ops n_tty_ops;

/* Job control. */
/* 0; -ERESTARTSYS after sending sig to a background caller's group; -EIO. */
int tty_check_change(struct tty *t, int sig);
void tty_signal_fg(struct tty *t, int sig);
struct tty *tty_current(void); /* controlling terminal of current: counted or NULL */

/* The terminal behind /dev/console: the last console= of the command line; without one tty0 when
 * there is a screen, else ttyS0. */
const char *tty_console_name(void);
struct tty *tty_console(void);			/* counted or NULL */
struct tty *tty_find_by_name(const char *name); /* counted or NULL */
/* Set by the virtual terminals: the visible one, counted; and whether a display shows it. */
extern struct tty *(*tty_foreground_vt)(void);
extern bool tty_have_screen;

static inline bool tty_packet_event(struct tty *t, u8 bits)
{
	if (!t->ops->packet_event)
		return false;
	t->ops->packet_event(t, bits);
	return true;
}
