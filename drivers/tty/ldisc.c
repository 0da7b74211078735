/* Line disciplines: the list of them, attaching, changing, and who may be inside one.
 *
 * tty->ldisc_sem: every call into a discipline holds it shared; changing or hanging up holds it
 * exclusively. A reader sleeps inside the discipline with the lock shared, so a changer first sets
 * ldisc_changing and wakes the sleepers; they leave with -ELDISC and the core enters again, waiting
 * on the lock until the change is done. */
#include <alloc/slab.h>
#include "tty_priv.h"

static DEFINE_SPINLOCK(ldiscs_lock);
static LIST_HEAD(ldiscs); /* [ldiscs_lock] */

void tty_ldisc_register(struct tty_ldisc_ops *l)
{
	spin_lock(&ldiscs_lock);
	list_add_tail(&l->list, &ldiscs);
	spin_unlock(&ldiscs_lock);
}

static const struct tty_ldisc_ops *ldisc_find(int num)
{
	const struct tty_ldisc_ops *l, *found = NULL;

	spin_lock(&ldiscs_lock);
	list_for_each_entry (l, &ldiscs, list)
		if (l->num == num)
			found = l;
	spin_unlock(&ldiscs_lock);
	return found;
}

/* Holds the lock exactly when it returns something, which the checker cannot say. */
const struct tty_ldisc_ops *tty_ldisc_ref(struct tty *t) __no_lock_check
{
	const struct tty_ldisc_ops *l;

	down_read(&t->ldisc_sem);
	l = t->ldisc;
	if (!l)
		up_read(&t->ldisc_sem);
	return l;
}

void tty_ldisc_unref(struct tty *t) __no_lock_check
{
	up_read(&t->ldisc_sem);
}

bool tty_ldisc_changing(struct tty *t)
{
	return READ_ONCE(t->ldisc_changing) != 0;
}

static void ldisc_lock(struct tty *t) __acquires(t->ldisc_sem)
{
	__atomic_fetch_add(&t->ldisc_changing, 1, __ATOMIC_SEQ_CST);
	wake_up_all(&t->read_wait);
	wake_up_all(&t->write_wait);
	down_write(&t->ldisc_sem);
	__atomic_fetch_sub(&t->ldisc_changing, 1, __ATOMIC_SEQ_CST);
}

static int attach_locked(struct tty *t, const struct tty_ldisc_ops *l)
{
	int err;

	t->ldisc_data = NULL;
	err = l->open ? l->open(t) : 0;
	if (err)
		return err;
	t->ldisc = l;
	down_write(&t->termios_sem);
	t->termios.c_line = (u8)l->num;
	if (l->set_termios)
		l->set_termios(t, NULL);
	up_write(&t->termios_sem);
	return 0;
}

static void detach_locked(struct tty *t)
{
	const struct tty_ldisc_ops *l = t->ldisc;

	if (!l)
		return;
	t->ldisc = NULL;
	if (l->close)
		l->close(t);
	t->ldisc_data = NULL;
}

int tty_ldisc_attach(struct tty *t, int num)
{
	const struct tty_ldisc_ops *l = ldisc_find(num);
	int err;

	if (!l)
		return -EINVAL;
	down_write(&t->ldisc_sem);
	err = attach_locked(t, l);
	up_write(&t->ldisc_sem);
	return err;
}

void tty_ldisc_detach(struct tty *t)
{
	ldisc_lock(t);
	detach_locked(t);
	up_write(&t->ldisc_sem);
}

int tty_ldisc_set(struct tty *t, int num)
{
	const struct tty_ldisc_ops *l = ldisc_find(num), *old;
	int err = 0;

	if (!l)
		return -EINVAL;
	ldisc_lock(t);
	old = t->ldisc;
	if (!old) {
		err = -EIO;
	} else if (old != l) {
		detach_locked(t);
		err = attach_locked(t, l);
		if (err && attach_locked(t, old))
			t->ldisc = NULL;
		if (t->ops->set_ldisc)
			t->ops->set_ldisc(t);
	}
	up_write(&t->ldisc_sem);
	return err;
}

void tty_ldisc_hangup(struct tty *t, bool reset_termios)
{
	ldisc_lock(t);
	if (t->ldisc) {
		if (t->ldisc->flush_buffer)
			t->ldisc->flush_buffer(t);
		if (t->ops->flush_buffer)
			t->ops->flush_buffer(t);
		if (t->ldisc->hangup)
			t->ldisc->hangup(t);
	}
	if (reset_termios) {
		down_write(&t->termios_sem);
		t->termios = t->driver->init_termios;
		if (t->ldisc && t->ldisc->set_termios)
			t->ldisc->set_termios(t, NULL);
		up_write(&t->termios_sem);
	}
	up_write(&t->ldisc_sem);
}
