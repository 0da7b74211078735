/* Between the files of drivers/tty. */
#pragma once
#include <drivers/tty.h>
#include <proc/process.h>

/* ioctl's job-control half, for a file's tty; -ENOIOCTLCMD when cmd is another. */
s64 tty_jobctl_ioctl(struct tty *t, struct file *f, unsigned cmd, unsigned long arg);
s64 tty_ioctl(struct file *f, unsigned cmd, unsigned long arg);
/* At open: make t the controlling terminal when current is a session leader without one. */
void tty_open_ctty(struct tty *t, struct file *f);
/* Forget the session; each of its processes loses t. exit_session: its leader exits. */
void tty_detach_session(struct tty *t, bool signal, bool exit_session);
void tty_hangup_session(struct tty *t, bool exit_session);

/* Line discipline of t; returns with ldisc_sem held shared, or NULL (and it is not held). */
const struct tty_ldisc_ops *tty_ldisc_ref(struct tty *t);
void tty_ldisc_unref(struct tty *t);
/* A user of ldisc_sem that sleeps (a reader) must leave at once with -ELDISC. */
bool tty_ldisc_changing(struct tty *t);
#define ELDISC 600
int tty_ldisc_attach(struct tty *t, int num); /* open_lock held, none attached */
void tty_ldisc_detach(struct tty *t);
int tty_ldisc_set(struct tty *t, int num);
void tty_ldisc_hangup(struct tty *t, bool reset_termios);

struct tty_driver *tty_driver_find(dev_t dev);
/* The last file is gone: take discipline and driver down. open_lock held. */
void tty_shut(struct tty *t);
void tty_flow_off(struct tty *t); /* TCOOFF */
void tty_flow_on(struct tty *t);
void tty_jobctl_init(void);
void tty_rx_kick(struct tty *t); /* run the receive work: any context */
void tty_rx_init(struct tty *t);
void tty_rx_destroy(struct tty *t);
