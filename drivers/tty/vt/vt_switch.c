/* Changing the terminal in front, KD_GRAPHICS and the hand-over protocol with display servers, and the
 * ioctls of ioctl_console(2) that concern VTs.
 *
 * A VT in VT_PROCESS mode is left only when its owner says so: it gets relsig and answers VT_RELDISP.
 * Locks: vt_lock > kbd_lock. Keys ask through a work item, since they come in interrupts. */
#include <arch/uaccess.h>
#include <fs/vfs.h>
#include <lib/err.h>
#include <proc/process.h>
#include <sched/workqueue.h>
#include "vt_priv.h"

static DEFINE_WAIT_QUEUE(switch_wait); /* VT_WAITACTIVE */
static struct work request_work;
static u32 want_vt;	   /* [a] 0: none */
static s32 want_scroll;	   /* [a] half pages, up positive */
static bool switch_locked; /* [L] VT_LOCKSWITCH */

void vt_reset_mode(struct vt *v)
{
	v->mode = (struct vt_mode){.mode = VT_AUTO};
	if (v->mode_pid)
		pid_put(v->mode_pid);
	v->mode_pid = NULL;
	v->pending = 0;
}

/* -ESRCH: the owner is gone. */
static int signal_owner(struct vt *v, int sig)
{
	struct process *p = process_find(pid_nr(v->mode_pid));
	int err;

	if (!p)
		return -ESRCH;
	err = sig ? process_signal(p, sig, NULL) : 0;
	process_put(p);
	return err;
}

static void complete_switch(struct vt *to)
{
	unsigned long f;

	spin_lock_irqsave(&kbd_lock, f);
	WRITE_ONCE(vt_fg, to);
	spin_unlock_irqrestore(&kbd_lock, f);
	if (vt_screen) {
		vt_screen->foreign = to->graphics;
		vt_render_now();
	}
	kbd_update_leds();
	if (to->mode.mode == VT_PROCESS && signal_owner(to, to->mode.acqsig))
		vt_reset_mode(to);
	wake_up_all(&switch_wait);
}

int vt_activate(unsigned nr)
{
	struct vt *from = vt_fg, *to;

	if (nr < 1 || nr > MAX_NR_CONSOLES)
		return -ENXIO;
	to = vt_get_or_make(nr);
	if (!to)
		return -ENOMEM;
	if (to == from || switch_locked)
		return 0;
	if (from->mode.mode == VT_PROCESS) {
		from->pending = nr;
		if (!signal_owner(from, from->mode.relsig))
			return 0; /* goes on in VT_RELDISP */
		vt_reset_mode(from);
		from->graphics = false;
	} else if (from->graphics) {
		return 0; /* KD_GRAPHICS without protocol: stays */
	}
	complete_switch(to);
	return 0;
}

static void request_work_fn(struct work *w)
{
	u32 nr = __atomic_exchange_n(&want_vt, 0, __ATOMIC_SEQ_CST);
	s32 scroll = __atomic_exchange_n(&want_scroll, 0, __ATOMIC_SEQ_CST);

	mutex_lock(&vt_lock);
	if (nr)
		(void)vt_activate(nr);
	if (scroll && vt_fg && vt_fg->rows && !vt_fg->graphics)
		vt_scroll_view(scroll * (int)(vt_fg->rows / 2));
	mutex_unlock(&vt_lock);
}

void vt_activate_async(unsigned nr)
{
	WRITE_ONCE(want_vt, nr);
	(void)work_queue(&request_work);
}

void vt_scroll_async(int pages)
{
	__atomic_fetch_add(&want_scroll, pages, __ATOMIC_SEQ_CST);
	(void)work_queue(&request_work);
}

void vt_switch_init(void)
{
	work_init(&request_work, request_work_fn);
}

/* --- ioctls ---------------------------------------------------------------------------------- */

static int set_kd_mode(struct vt *v, unsigned long arg)
{
	bool graphics = arg == KD_GRAPHICS;

	if (arg > 3)
		return -EINVAL;
	mutex_lock(&vt_lock);
	if (v->graphics != graphics) {
		v->graphics = graphics;
		if (v == vt_fg && vt_screen) {
			vt_screen->foreign = graphics;
			if (!graphics) {
				screen_invalidate(vt_screen);
				vt_mark_all(v);
				vt_render_now();
			}
		}
	}
	mutex_unlock(&vt_lock);
	return 0;
}

static int set_vt_mode(struct vt *v, unsigned long arg)
{
	struct vt_mode m;

	if (copy_in(&m, u64_to_user(arg), sizeof(m)))
		return -EFAULT;
	if (m.mode != VT_AUTO && m.mode != VT_PROCESS)
		return -EINVAL;
	mutex_lock(&vt_lock);
	vt_reset_mode(v);
	v->mode = m;
	v->mode.frsig = 0;
	if (m.mode == VT_PROCESS)
		v->mode_pid = pid_get(current_process()->pid);
	mutex_unlock(&vt_lock);
	return 0;
}

static int release_display(struct vt *v, unsigned long arg)
{
	struct vt *to;
	int err = 0;

	mutex_lock(&vt_lock);
	if (v->mode.mode != VT_PROCESS) {
		err = -EINVAL;
	} else if (!v->pending) {
		err = arg == VT_ACKACQ ? 0 : -EINVAL;
	} else if (!arg) {
		v->pending = 0; /* refused */
	} else {
		to = vt_get_or_make(v->pending);
		v->pending = 0;
		if (to && v == vt_fg)
			complete_switch(to);
	}
	mutex_unlock(&vt_lock);
	return err;
}

static int wait_active(unsigned long nr)
{
	if (nr < 1 || nr > MAX_NR_CONSOLES)
		return -ENXIO;
	return wait_event_interruptible(&switch_wait, READ_ONCE(vt_fg)->nr == nr);
}

static int disallocate(unsigned long nr)
{
	struct vt *v;
	int err = 0;

	if (nr > MAX_NR_CONSOLES)
		return -ENXIO;
	mutex_lock(&vt_lock);
	for (unsigned i = nr ? nr : 1; i <= (nr ? nr : MAX_NR_CONSOLES); i++) {
		v = vt_find(i);
		if (!v || !v->rows)
			continue;
		if (v == vt_fg || vt_count_open(i))
			err = nr ? -EBUSY : 0;
		else if (i > 1)
			vt_free_memory(v);
	}
	mutex_unlock(&vt_lock);
	return err;
}

static s64 get_state(unsigned long arg)
{
	struct vt_stat s = {.v_active = (u16)READ_ONCE(vt_fg)->nr, .v_state = 1};

	for (unsigned i = 1; i < 16; i++)
		if (vt_count_open(i))
			s.v_state |= (u16)BIT(i);
	return copy_out(u64_to_user(arg), &s, sizeof(s));
}

static s64 open_query(unsigned long arg)
{
	int nr = -1;

	for (unsigned i = 1; i <= MAX_NR_CONSOLES && nr < 0; i++)
		if (!vt_count_open(i))
			nr = (int)i;
	return put_user(nr, (int __user *)u64_to_user(arg));
}

static s64 color_map(struct vt *v, unsigned cmd, unsigned long arg)
{
	/* The table is in the hardware's order: red and blue exchanged. */
	static const u8 order[16] = {0, 4, 2, 6, 1, 5, 3, 7, 8, 12, 10, 14, 9, 13, 11, 15};
	u8 map[48];

	if (cmd == PIO_CMAP) {
		if (!capable(CAP_SYS_TTY_CONFIG))
			return -EPERM;
		if (copy_in(map, u64_to_user(arg), sizeof(map)))
			return -EFAULT;
		mutex_lock(&vt_lock);
		for (unsigned i = 0; i < 16; i++)
			v->palette[order[i]] =
				(u32)map[3 * i] << 16 | (u32)map[3 * i + 1] << 8 | map[3 * i + 2];
		vt_mark_all(v);
		vt_render_soon();
		mutex_unlock(&vt_lock);
		return 0;
	}
	for (unsigned i = 0; i < 16; i++) {
		u32 c = READ_ONCE(v->palette[order[i]]);

		map[3 * i] = (u8)(c >> 16);
		map[3 * i + 1] = (u8)(c >> 8);
		map[3 * i + 2] = (u8)c;
	}
	return copy_out(u64_to_user(arg), map, sizeof(map));
}

/* Owner of the terminal, or with the capability. */
static bool may(struct vt *v)
{
	struct tty *t = tty_current();
	bool r = t == v->tty || capable(CAP_SYS_TTY_CONFIG);

	if (t)
		tty_put(t);
	return r;
}

static bool needs_right(unsigned cmd)
{
	switch (cmd) {
	case KDSETMODE:
	case VT_SETMODE:
	case VT_RELDISP:
	case VT_ACTIVATE:
	case VT_WAITACTIVE:
		return true;
	}
	return false;
}

static s64 activate(unsigned long arg)
{
	int err;

	mutex_lock(&vt_lock);
	err = vt_activate((unsigned)min(arg, 255ul));
	mutex_unlock(&vt_lock);
	return err;
}

s64 vt_ioctl(struct tty *t, unsigned cmd, unsigned long arg)
{
	struct vt *v = t->driver_data;
	int iv;

	if (needs_right(cmd) && !may(v))
		return -EPERM;
	switch (cmd) {
	case KIOCSOUND:
	case KDMKTONE:
		return may(v) ? 0 : -EPERM; /* no speaker */
	case KDSETMODE:
		return set_kd_mode(v, arg);
	case KDGETMODE:
		iv = v->graphics ? KD_GRAPHICS : KD_TEXT;
		return put_user(iv, (int __user *)u64_to_user(arg));
	case VT_SETMODE:
		return set_vt_mode(v, arg);
	case VT_GETMODE: {
		struct vt_mode m;

		mutex_lock(&vt_lock);
		m = v->mode;
		mutex_unlock(&vt_lock);
		return copy_out(u64_to_user(arg), &m, sizeof(m));
	}
	case VT_RELDISP:
		return release_display(v, arg);
	case VT_ACTIVATE:
		return activate(arg);
	case VT_WAITACTIVE:
		return wait_active(arg);
	case VT_GETSTATE:
		return get_state(arg);
	case VT_OPENQRY:
		return open_query(arg);
	case VT_DISALLOCATE:
		return disallocate(arg);
	case VT_LOCKSWITCH:
	case VT_UNLOCKSWITCH:
		if (!capable(CAP_SYS_TTY_CONFIG))
			return -EPERM;
		WRITE_ONCE(switch_locked, cmd == VT_LOCKSWITCH);
		return 0;
	case GIO_CMAP:
	case PIO_CMAP:
		return color_map(v, cmd, arg);
	case TIOCLINUX:
		return -EINVAL;
	}
	return kbd_ioctl(v, cmd, arg);
}
