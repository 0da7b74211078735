/* Keyboard layouts: tables from key and modifiers to symbols, in the encoding of KDGKBENT.
 *
 * A symbol is type << 8 | value (K()), or a Unicode code point exclusive-or 0xf000. A layout gives the
 * printing keys in up to four levels; the keys that are alike everywhere, and the control, meta and
 * console combinations, are derived from it. Dead keys are written as combining characters.
 * Sources: ioctl_console(2), keymaps(5), console_codes(4) for what function keys send.
 * Locks: kbd_lock for maps; layouts change in process context. */
#include <alloc/slab.h>
#include <lib/err.h>
#include <lib/string.h>
#include <uapi/input.h>
#include "vt_priv.h"

typedef __CHAR16_TYPE__ c16;

/* Keys 2-13, 16-27, 30-41, 43-53 and 86; each level a string per row; ' ' leaves a key empty. */
static const struct {
	u8 first, n;
} key_rows[] = {{KEY_1, 12}, {KEY_Q, 12}, {KEY_A, 12}, {KEY_BACKSLASH, 11}, {KEY_102ND, 1}};
#define NR_ROWS ARRAY_SIZE(key_rows)
enum { LV_PLAIN, LV_SHIFT, LV_ALTGR, LV_SHIFT_ALTGR, NR_LEVELS };

static const struct layout {
	const char *name;
	const c16 *rows[NR_LEVELS][NR_ROWS];
} layouts[] = {
	{"us",
	 {{u"1234567890-=", u"qwertyuiop[]", u"asdfghjkl;'`", u"\\zxcvbnm,./", u"<"},
	  {u"!@#$%^&*()_+", u"QWERTYUIOP{}", u"ASDFGHJKL:\"~", u"|ZXCVBNM<>?", u">"},
	  {u"", u"  \u20ac", u"", u"", u"|"},
	  {u"", u"", u"", u"", u"\u00a6"}}},
	{"de",
	 {{u"1234567890\u00df\u0301", u"qwertzuiop\u00fc+", u"asdfghjkl\u00f6\u00e4\u0302",
	   u"#yxcvbnm,.-", u"<"},
	  {u"!\"\u00a7$%&/()=?\u0300", u"QWERTZUIOP\u00dc*", u"ASDFGHJKL\u00d6\u00c4\u00b0",
	   u"'YXCVBNM;:_", u">"},
	  {u" \u00b2\u00b3   {[]}\\", u"@ \u20ac        ~", u"", u"       \u00b5", u"|"},
	  {u"", u"", u"", u"", u""}}},
};

static u16 *maps[NR_KEYMAPS]; /* [K] NR_KEYS symbols each, or NULL */
static const struct layout *current_layout = &layouts[0];

/* --- dead keys ------------------------------------------------------------------------------- */

/* Values of KT_DEAD: spacing form, combining form. */
static const struct {
	u16 spacing, combining;
} dead[] = {
	{'`', 0x300}, {0xb4, 0x301}, {'^', 0x302}, {'~', 0x303}, {0xa8, 0x308}, {0xb8, 0x327},
};

/* Per dead key: base characters and what they become. */
static const struct {
	const c16 *base, *result;
} composed[] = {
	{u"AEIOUaeiouNn",
	 u"\u00c0\u00c8\u00cc\u00d2\u00d9\u00e0\u00e8\u00ec\u00f2\u00f9\u01f8\u01f9"},
	{u"AEIOUYaeiouyCcLlNnRrSsZz",
	 u"\u00c1\u00c9\u00cd\u00d3\u00da\u00dd\u00e1\u00e9\u00ed\u00f3\u00fa\u00fd\u0106\u0107\u0139"
	 u"\u013a\u0143\u0144\u0154\u0155\u015a\u015b\u0179\u017a"},
	{u"AEIOUaeiouCcGgHhJjSsWwYy",
	 u"\u00c2\u00ca\u00ce\u00d4\u00db\u00e2\u00ea\u00ee\u00f4\u00fb\u0108\u0109\u011c\u011d\u0124"
	 u"\u0125\u0134\u0135\u015c\u015d\u0174\u0175\u0176\u0177"},
	{u"ANOanoIiUu", u"\u00c3\u00d1\u00d5\u00e3\u00f1\u00f5\u0128\u0129\u0168\u0169"},
	{u"AEIOUaeiouyY",
	 u"\u00c4\u00cb\u00cf\u00d6\u00dc\u00e4\u00eb\u00ef\u00f6\u00fc\u00ff\u0178"},
	{u"CcSsTt", u"\u00c7\u00e7\u015e\u015f\u0162\u0163"},
};

u32 keymap_dead_char(u8 d)
{
	return d < ARRAY_SIZE(dead) ? dead[d].spacing : 0;
}

u32 keymap_compose(u8 d, u32 base)
{
	if (d >= ARRAY_SIZE(composed))
		return 0;
	for (unsigned i = 0; composed[d].base[i]; i++)
		if (composed[d].base[i] == base)
			return composed[d].result[i];
	return 0;
}

/* --- function strings ------------------------------------------------------------------------ */

static const char *const funcs[] = {
	"\033[[A",  "\033[[B",	"\033[[C",  "\033[[D",	"\033[[E",  "\033[17~",
	"\033[18~", "\033[19~", "\033[20~", "\033[21~", "\033[23~", "\033[24~",
	"\033[25~", "\033[26~", "\033[28~", "\033[29~", "\033[31~", "\033[32~",
	"\033[33~", "\033[34~", "\033[1~",  "\033[2~",	"\033[3~",  "\033[4~",
	"\033[5~",  "\033[6~",	"\033[M",   "",		"",	    "\033[P",
};
enum { FN_HOME = 20, FN_INSERT, FN_DELETE, FN_END, FN_PGUP, FN_PGDN, FN_PAUSE = 29 };

const char *keymap_func(unsigned n)
{
	return n < ARRAY_SIZE(funcs) ? funcs[n] : NULL;
}

/* --- building -------------------------------------------------------------------------------- */

/* Keys that are the same in every layout and with every modifier, unless overridden. */
static const struct {
	u8 key;
	u16 sym;
} common[] = {
	{KEY_ESC, K(KT_LATIN, 27)},
	{KEY_BACKSPACE, K(KT_LATIN, 127)},
	{KEY_TAB, K(KT_LATIN, 9)},
	{KEY_ENTER, K(KT_SPEC, SP_ENTER)},
	{KEY_SPACE, K(KT_LATIN, ' ')},
	{KEY_LEFTSHIFT, K(KT_SHIFT, KG_SHIFT)},
	{KEY_RIGHTSHIFT, K(KT_SHIFT, KG_SHIFT)},
	{KEY_LEFTCTRL, K(KT_SHIFT, KG_CTRL)},
	{KEY_RIGHTCTRL, K(KT_SHIFT, KG_CTRL)},
	{KEY_LEFTALT, K(KT_SHIFT, KG_ALT)},
	{KEY_RIGHTALT, K(KT_SHIFT, KG_ALTGR)},
	{KEY_CAPSLOCK, K(KT_SPEC, SP_CAPS)},
	{KEY_NUMLOCK, K(KT_SPEC, SP_NUM)},
	{KEY_SCROLLLOCK, K(KT_SPEC, SP_HOLD)},
	{KEY_KP0, K(KT_PAD, 0)},
	{KEY_KP1, K(KT_PAD, 1)},
	{KEY_KP2, K(KT_PAD, 2)},
	{KEY_KP3, K(KT_PAD, 3)},
	{KEY_KP4, K(KT_PAD, 4)},
	{KEY_KP5, K(KT_PAD, 5)},
	{KEY_KP6, K(KT_PAD, 6)},
	{KEY_KP7, K(KT_PAD, 7)},
	{KEY_KP8, K(KT_PAD, 8)},
	{KEY_KP9, K(KT_PAD, 9)},
	{KEY_KPPLUS, K(KT_PAD, 10)},
	{KEY_KPMINUS, K(KT_PAD, 11)},
	{KEY_KPASTERISK, K(KT_PAD, 12)},
	{KEY_KPSLASH, K(KT_PAD, 13)},
	{KEY_KPENTER, K(KT_PAD, 14)},
	{KEY_KPCOMMA, K(KT_PAD, 15)},
	{KEY_KPDOT, K(KT_PAD, 16)},
	{KEY_DOWN, K(KT_CUR, 0)},
	{KEY_LEFT, K(KT_CUR, 1)},
	{KEY_RIGHT, K(KT_CUR, 2)},
	{KEY_UP, K(KT_CUR, 3)},
	{KEY_HOME, K(KT_FN, FN_HOME)},
	{KEY_INSERT, K(KT_FN, FN_INSERT)},
	{KEY_DELETE, K(KT_FN, FN_DELETE)},
	{KEY_END, K(KT_FN, FN_END)},
	{KEY_PAGEUP, K(KT_FN, FN_PGUP)},
	{KEY_PAGEDOWN, K(KT_FN, FN_PGDN)},
	{KEY_PAUSE, K(KT_FN, FN_PAUSE)},
};

static const u8 fkeys[12] = {KEY_F1, KEY_F2, KEY_F3, KEY_F4,  KEY_F5,  KEY_F6,
			     KEY_F7, KEY_F8, KEY_F9, KEY_F10, KEY_F11, KEY_F12};

static bool is_letter(u32 c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= 0xc0 && c <= 0xfe && c != 0xd7 && c != 0xdf && c != 0xf7);
}

static u16 sym_of(u32 c)
{
	if (!c || c == ' ')
		return K_HOLE;
	for (u8 d = 0; d < ARRAY_SIZE(dead); d++)
		if (dead[d].combining == c)
			return K(KT_DEAD, d);
	if (is_letter(c))
		return K(KT_LETTER, c);
	return c < 256 ? K(KT_LATIN, c) : K_UNI(c);
}

/* The printing character of a symbol, 0: none. */
static u32 char_of(u16 s)
{
	if (s >= 0x1000)
		return s ^ 0xf000u;
	return KTYP(s) == KT_LATIN || KTYP(s) == KT_LETTER ? KVAL(s) : 0;
}

static void level_row(u16 *map, const c16 *s, unsigned row)
{
	for (unsigned i = 0; i < key_rows[row].n && s[i]; i++)
		map[key_rows[row].first + i] = sym_of(s[i]);
}

/* What control makes of c: 0x100 means nothing. */
static unsigned control_of(u32 c)
{
	if (c >= '@' && c <= '~' && c != '`')
		return c & 31;
	switch (c) {
	case ' ':
	case '2':
		return 0;
	case '3':
		return 27;
	case '4':
		return 28;
	case '5':
		return 29;
	case '6':
		return 30;
	case '7':
	case '/':
	case '-':
		return 31;
	case '8':
	case '?':
		return 127;
	}
	return 0x100;
}

static void derive_control(u16 *ctl, const u16 *from)
{
	for (unsigned k = 0; k < NR_KEYS; k++) {
		u32 c = char_of(from[k]);
		unsigned v = c && !(c < 32 || c == 127) ? control_of(c) : 0x100;

		if (v < 0x100)
			ctl[k] = K(KT_LATIN, v);
	}
}

static void derive_meta(u16 *alt, const u16 *from)
{
	for (unsigned k = 0; k < NR_KEYS; k++) {
		u32 c = char_of(from[k]);

		if (c && c < 128)
			alt[k] = K(KT_META, c);
	}
}

static void fill_common(u16 *m)
{
	for (unsigned i = 0; i < NR_KEYS; i++)
		m[i] = K_HOLE;
	for (unsigned i = 0; i < ARRAY_SIZE(common); i++)
		m[common[i].key] = common[i].sym;
	for (unsigned i = 0; i < 12; i++)
		m[fkeys[i]] = K(KT_FN, i);
}

enum {
	M_PLAIN = 0,
	M_SHIFT = 1,
	M_ALTGR = 2,
	M_SALTGR = 3,
	M_CTRL = 4,
	M_SCTRL = 5,
	M_CALTGR = 6,
	M_ALT = 8,
	M_SALT = 9,
	M_CALT = 12,
	M_CSALT = 13
};
static const u8 base_maps[] = {M_PLAIN,	 M_SHIFT, M_ALTGR, M_SALTGR, M_CTRL, M_SCTRL,
			       M_CALTGR, M_ALT,	  M_SALT,  M_CALT,   M_CSALT};

static void special_keys(u16 *m[])
{
	for (unsigned i = 0; i < 12; i++) {
		if (i < 8)
			m[M_SHIFT][fkeys[i]] = K(KT_FN, 12 + i);
		m[M_ALT][fkeys[i]] = m[M_CALT][fkeys[i]] = K(KT_CONS, i);
		m[M_ALTGR][fkeys[i]] = K(KT_CONS, 12 + i);
	}
	m[M_SHIFT][KEY_PAGEUP] = K(KT_SPEC, SP_SCROLLBACK);
	m[M_SHIFT][KEY_PAGEDOWN] = K(KT_SPEC, SP_SCROLLFORW);
	m[M_ALT][KEY_LEFT] = K(KT_SPEC, SP_DECRCONSOLE);
	m[M_ALT][KEY_RIGHT] = K(KT_SPEC, SP_INCRCONSOLE);
	m[M_ALT][KEY_ENTER] = K(KT_META, 13);
	m[M_ALT][KEY_SPACE] = K(KT_META, ' ');
	m[M_CTRL][KEY_SPACE] = K(KT_LATIN, 0);
	m[M_CTRL][KEY_BACKSPACE] = K(KT_LATIN, 8);
	m[M_CTRL][KEY_PAUSE] = K(KT_SPEC, SP_BREAK);
	m[M_CALT][KEY_DELETE] = m[M_CALT][KEY_KPDOT] = K(KT_SPEC, SP_BOOT);
	m[M_CALTGR][KEY_DELETE] = K(KT_SPEC, SP_BOOT);
}

static void build(u16 *m[], const struct layout *l)
{
	for (unsigned i = 0; i < ARRAY_SIZE(base_maps); i++)
		fill_common(m[base_maps[i]]);
	for (unsigned r = 0; r < NR_ROWS; r++)
		for (unsigned lv = 0; lv < NR_LEVELS; lv++)
			level_row(m[lv], l->rows[lv][r], r);
	derive_control(m[M_CTRL], m[M_PLAIN]);
	derive_control(m[M_SCTRL], m[M_SHIFT]);
	derive_control(m[M_CALTGR], m[M_ALTGR]);
	derive_meta(m[M_ALT], m[M_PLAIN]);
	derive_meta(m[M_SALT], m[M_SHIFT]);
	/* Control and Alt together: Meta of the control character. */
	for (unsigned k = 0; k < NR_KEYS; k++)
		if (KTYP(m[M_CTRL][k]) == KT_LATIN)
			m[M_CALT][k] = K(KT_META, KVAL(m[M_CTRL][k]));
	special_keys(m);
}

int keymap_init(const char *name)
{
	const struct layout *l = NULL;
	u16 *m[NR_KEYMAPS] = {NULL};
	unsigned long f;
	int err = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(layouts); i++)
		if (!strcmp(layouts[i].name, name))
			l = &layouts[i];
	if (!l)
		return -EINVAL;
	for (unsigned i = 0; i < ARRAY_SIZE(base_maps) && !err; i++) {
		m[base_maps[i]] = kmalloc(NR_KEYS * sizeof(u16), GFP_KERNEL);
		if (!m[base_maps[i]])
			err = -ENOMEM;
	}
	if (!err) {
		build(m, l);
		spin_lock_irqsave(&kbd_lock, f);
		for (unsigned i = 0; i < NR_KEYMAPS; i++) {
			u16 *old = maps[i];

			maps[i] = m[i];
			m[i] = old;
		}
		current_layout = l;
		spin_unlock_irqrestore(&kbd_lock, f);
	}
	for (unsigned i = 0; i < NR_KEYMAPS; i++)
		kfree(m[i]);
	return err;
}

const char *keymap_name(void)
{
	return current_layout->name;
}

u16 keymap_get(unsigned map, unsigned key)
{
	if (map >= NR_KEYMAPS || key >= NR_KEYS)
		return K_HOLE;
	return maps[map] ? maps[map][key] : K_NOSUCHMAP;
}

bool keymap_has(unsigned map)
{
	return map < NR_KEYMAPS && maps[map];
}

int keymap_set(unsigned map, unsigned key, u16 sym)
{
	u16 *fresh;
	unsigned long f;

	if (map >= NR_KEYMAPS || key >= NR_KEYS)
		return -EINVAL;
	fresh = kmalloc(NR_KEYS * sizeof(u16), GFP_KERNEL);
	if (!fresh)
		return -ENOMEM;
	for (unsigned i = 0; i < NR_KEYS; i++)
		fresh[i] = K_HOLE;
	spin_lock_irqsave(&kbd_lock, f);
	if (!maps[map]) {
		maps[map] = fresh;
		fresh = NULL;
	}
	maps[map][key] = sym;
	spin_unlock_irqrestore(&kbd_lock, f);
	kfree(fresh);
	return 0;
}
