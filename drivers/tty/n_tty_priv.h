/* The state of the N_TTY line discipline, between its files. */
#pragma once
#include "tty_priv.h"

#define NTTY_SIZE 4096u /* the longest canonical line, newline included */
#define NTTY_MASK (NTTY_SIZE - 1)
#define ECHO_SIZE 4096u
#define ECHO_MASK (ECHO_SIZE - 1)

/* A line end typed as EOF is stored as this byte with its delimiter bit set. */
#define EOF_BYTE 0

/* Indices run freely; slot = index & mask. tail <= canon_head <= head. */
struct n_tty {
	mutex_t lock;			       /* the ring, editing state, echo ring */
	mutex_t read_lock;		       /* one reader at a time */
	mutex_t output_lock;		       /* columns and ops->write; inside lock */
	u32 head, canon_head, tail;	       /* [lock] */
	bool lnext, erasing, push;	       /* [lock] */
	bool raw;			       /* [lock] no byte is special */
	unsigned column;		       /* [output_lock] of the cursor */
	unsigned canon_column;		       /* [output_lock] where the line being typed began */
	u32 echo_head, echo_commit, echo_tail; /* [lock] */
	unsigned long special[256 / 64];       /* [lock] bytes that need more than storing */
	unsigned long delim[NTTY_SIZE / 64];   /* [lock] line ends in buf */
	u8 buf[NTTY_SIZE];		       /* [lock] */
	u8 echo[ECHO_SIZE];		       /* [lock] */
};

static inline struct n_tty *n_tty_of(struct tty *t)
{
	return t->ldisc_data;
}

/* n_tty_output.c: output processing and echo. lock held, termios_sem held shared. */
void n_tty_echo_char(struct tty *t, u8 c); /* ^X for control characters with ECHOCTL */
void n_tty_echo_raw(struct tty *t, u8 c);
void n_tty_echo_move_back(struct tty *t);
void n_tty_echo_set_canon(struct tty *t);
void n_tty_echo_erase_tab(struct tty *t, unsigned chars, bool after_tab);
void n_tty_commit_echoes(struct tty *t);
/* Write what was echoed as far as there is room. lock held. */
void n_tty_process_echoes(struct tty *t);
ssize_t n_tty_write(struct tty *t, struct file *f, const u8 *p, size_t n);

/* n_tty_input.c */
size_t n_tty_receive(struct tty *t, const u8 *p, const u8 *flags, size_t n);
void n_tty_build_special(struct tty *t);
void n_tty_reset_input(struct n_tty *n);

/* termios bits; termios_sem held or a racy read that does no harm */
#define I_FLAG(t, f) ((t)->termios.c_iflag & (f))
#define O_FLAG(t, f) ((t)->termios.c_oflag & (f))
#define L_FLAG(t, f) ((t)->termios.c_lflag & (f))
#define CC(t, i)     ((t)->termios.c_cc[i])

static inline bool is_continuation(struct tty *t, u8 c)
{
	return I_FLAG(t, IUTF8) && (c & 0xc0) == 0x80;
}
static inline bool is_cntrl(u8 c)
{
	return c < 32 || c == 127;
}
