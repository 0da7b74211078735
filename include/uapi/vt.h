/* Requests of virtual terminals: ioctl_vt(2), ioctl_console(2). */
#pragma once
#include <lib/types.h>

#define MAX_NR_CONSOLES 63

#define VT_OPENQRY	 0x5600
#define VT_GETMODE	 0x5601
#define VT_SETMODE	 0x5602
#define VT_GETSTATE	 0x5603
#define VT_SENDSIG	 0x5604
#define VT_RELDISP	 0x5605
#define VT_ACTIVATE	 0x5606
#define VT_WAITACTIVE	 0x5607
#define VT_DISALLOCATE	 0x5608
#define VT_RESIZE	 0x5609
#define VT_LOCKSWITCH	 0x560b
#define VT_UNLOCKSWITCH	 0x560c
#define VT_GETHIFONTMASK 0x560d

#define VT_AUTO	   0
#define VT_PROCESS 1
#define VT_ACKACQ  2
struct vt_mode {
	char mode, waitv;
	s16 relsig, acqsig, frsig;
};
_Static_assert(sizeof(struct vt_mode) == 8, "vt_mode ABI");
struct vt_stat {
	u16 v_active, v_signal, v_state;
};
struct vt_sizes {
	u16 v_rows, v_cols, v_scrollsize;
};

#define KIOCSOUND   0x4b2f
#define KDMKTONE    0x4b30
#define KDGETLED    0x4b31
#define KDSETLED    0x4b32
#define KDGKBTYPE   0x4b33
#define KB_101	    2
#define KDSETMODE   0x4b3a
#define KDGETMODE   0x4b3b
#define KD_TEXT	    0
#define KD_GRAPHICS 1
#define KDGKBMODE   0x4b44
#define KDSKBMODE   0x4b45
#define K_RAW	    0
#define K_XLATE	    1
#define K_MEDIUMRAW 2
#define K_UNICODE   3
#define K_OFF	    4
#define KDGKBMETA   0x4b62
#define KDSKBMETA   0x4b63
#define K_METABIT   3
#define K_ESCPREFIX 4
#define KDGKBLED    0x4b64
#define KDSKBLED    0x4b65
#define KDGKBENT    0x4b46
#define KDSKBENT    0x4b47
struct kbentry {
	u8 kb_table, kb_index;
	u16 kb_value;
};
#define KDGKBSENT 0x4b48
#define KDSKBSENT 0x4b49
struct kbsentry {
	u8 kb_func;
	u8 kb_string[512];
};
#define KDKBDREP 0x4b52
struct kbd_repeat {
	int delay, period; /* ms; <= 0: leave */
};
#define GIO_UNIMAP 0x4b66
struct unipair {
	u16 unicode, fontpos;
};
struct unimapdesc {
	u16 entry_ct;
	struct unipair __user *entries;
};
#define GIO_CMAP 0x4b70
#define PIO_CMAP 0x4b71
/* LED bits of KDGETLED and KDGKBLED */
#define K_SCROLLLOCK 1
#define K_NUMLOCK    2
#define K_CAPSLOCK   4
