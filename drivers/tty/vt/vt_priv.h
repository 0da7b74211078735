/* Virtual terminals, between their files. Lock legend: [L] vt_lock (mutex), [K] kbd_lock (irqsave). */
#pragma once
#include <drivers/screen.h>
#include <drivers/tty.h>
#include <lib/bits.h>
#include <uapi/vt.h>

struct vt_term; /* libvterm's state, vterm_glue.c */

struct sb_line { /* a line that scrolled off: trailing blanks are not kept */
	u32 n;
	struct cell c[];
};
#define SCROLLBACK 1000u

struct kbd {			     /* how keys become bytes on one VT */
	u8 mode;		     /* [K] K_XLATE ... */
	bool meta_esc;		     /* [K] */
	u8 locks;		     /* [K] K_* LED bits that are on */
	u8 slock;		     /* [K] sticky shift states, as KG_* bits */
	u8 led_override;	     /* [K] bit 7: show `locks`, else the low bits */
	bool cursor_app, keypad_app; /* [a] DECCKM, DECPAM */
};

struct vt {
	unsigned nr;	       /* [I] 1.. */
	struct tty *tty;       /* [I] once set; the driver's table keeps it */
	unsigned rows, cols;   /* [L] 0: no screen memory */
	struct cell *cells[2]; /* [L] main and alternate, rows * cols; [1] made when first used */
	struct cell **row;     /* [L] rows of the shown one of both */
	struct cell **row_alt; /* [L] rows of the other */
	bool alt;	       /* [L] */
	struct vt_term *term;  /* [L] */
	unsigned cur_row, cur_col; /* [L] */
	bool cur_visible;	   /* [L] */
	bool reverse;		   /* [L] DECSCNM */
	unsigned long *dirty;	   /* [L] rows to look at */
	u32 palette[16];	   /* [L] */
	struct sb_line **sb;	   /* [L] ring of SCROLLBACK lines, made when first used */
	u32 sb_head, sb_len;	   /* [L] */
	u32 view;		   /* [L] lines scrolled back */
	bool graphics;		   /* [L] KD_GRAPHICS */
	struct vt_mode mode;	   /* [L] */
	struct pid *mode_pid;	   /* [L] who gets relsig and acqsig; counted */
	unsigned pending;	   /* [L] VT to switch to when released, 0: none */
	struct kbd kbd;
};

extern mutex_t vt_lock;
extern struct screen *vt_screen; /* [I] after boot; NULL: no display */
extern struct vt *vt_fg;	 /* [L] for writing; any context may read */

/* vt.c */
struct vt *vt_find(unsigned nr);	/* NULL: never used */
struct vt *vt_get_or_make(unsigned nr); /* vt_lock held; NULL: no memory. Has screen memory. */
void vt_free_memory(struct vt *v);	/* vt_lock held */
unsigned vt_count_open(unsigned nr);	/* is a tty of VT nr open? */

/* vterm_glue.c: all with vt_lock held */
int vt_term_create(struct vt *v);
void vt_term_destroy(struct vt *v);
void vt_term_write(struct vt *v, const u8 *p, size_t n);
void vt_clear_scrollback(struct vt *v);

/* vt_draw.c */
void vt_mark_row(struct vt *v, unsigned row);
void vt_mark_all(struct vt *v);
void vt_render_soon(void);	/* vt_lock held: now or within a frame */
void vt_render_now(void);	/* vt_lock held */
void vt_scroll_view(int lines); /* vt_lock held */
void vt_draw_init(void);
void vt_panic_write(const char *s, size_t n);

/* vt_switch.c */
void vt_switch_init(void);
int vt_activate(unsigned nr);	     /* asks the owner first; vt_lock held */
void vt_activate_async(unsigned nr); /* any context */
void vt_scroll_async(int pages);     /* any context */
s64 vt_ioctl(struct tty *t, unsigned cmd, unsigned long arg);
void vt_reset_mode(struct vt *v); /* vt_lock held */

/* keyboard.c */
extern spinlock_t kbd_lock;
void kbd_init_vt(struct kbd *k);
void kbd_update_leds(void);
s64 kbd_ioctl(struct vt *v, unsigned cmd, unsigned long arg);

/* keymap.c */
#define K(t, v)	  ((u16)((t) << 8 | (v)))
#define KTYP(s)	  ((s) >> 8)
#define KVAL(s)	  ((s)&0xff)
#define K_UNI(cp) ((u16)((cp) ^ 0xf000))
enum {
	KT_LATIN,
	KT_FN,
	KT_SPEC,
	KT_PAD,
	KT_DEAD,
	KT_CONS,
	KT_CUR,
	KT_SHIFT,
	KT_META,
	KT_ASCII,
	KT_LOCK,
	KT_LETTER,
	KT_SLOCK,
	KT_TYPES
};
enum { KG_SHIFT, KG_ALTGR, KG_CTRL, KG_ALT };
enum {
	SP_HOLE,
	SP_ENTER,
	SP_SH_REGS,
	SP_SH_MEM,
	SP_SH_STAT,
	SP_BREAK,
	SP_CONS,
	SP_CAPS,
	SP_NUM,
	SP_HOLD,
	SP_SCROLLFORW,
	SP_SCROLLBACK,
	SP_BOOT,
	SP_CAPSON,
	SP_COMPOSE,
	SP_SAK,
	SP_DECRCONSOLE,
	SP_INCRCONSOLE,
	SP_SPAWN,
	SP_BARENUM
};
#define NR_KEYS	    256u
#define NR_KEYMAPS  256u
#define K_HOLE	    K(KT_SPEC, SP_HOLE)
#define K_NOSUCHMAP K(KT_SPEC, 127)

int keymap_init(const char *layout); /* -EINVAL: no such layout (us stays), -ENOMEM */
const char *keymap_name(void);
/* Any context with kbd_lock held. */
u16 keymap_get(unsigned map, unsigned key);
bool keymap_has(unsigned map);
int keymap_set(unsigned map, unsigned key, u16 sym); /* process context */
const char *keymap_func(unsigned n);		     /* string of function n or NULL */
u32 keymap_compose(u8 dead, u32 base);		     /* 0: do not combine */
u32 keymap_dead_char(u8 dead);
