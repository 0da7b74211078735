/* The terminal emulation on a VT that nobody looks at, and the layouts. */
#include <init/ktest.h>
#include <lib/string.h>
#include <uapi/input.h>
#include "vt_priv.h"

#define TEST_VT 63u

static struct vt *begin(void) __no_lock_check
{
	struct vt *v;

	mutex_lock(&vt_lock);
	v = vt_get_or_make(TEST_VT);
	if (!v)
		mutex_unlock(&vt_lock);
	return v;
}

static void end(struct vt *v) __no_lock_check
{
	vt_free_memory(v);
	mutex_unlock(&vt_lock);
}

#define OUT(v, s) vt_term_write(v, (const u8 *)(s), sizeof(s) - 1)

static bool row_is(struct vt *v, unsigned row, const char *s)
{
	for (unsigned i = 0; s[i]; i++)
		if ((v->row[row][i].ch & CELL_CHAR) != (u8)s[i])
			return false;
	return true;
}

KTEST(vt, text_and_cursor)
{
	struct vt *v = begin();

	REQUIRE(v);
	OUT(v, "hello\r\nworld\033[3;5Hx\033[H");
	CHECK(row_is(v, 0, "hello"));
	CHECK(row_is(v, 1, "world"));
	CHECK(row_is(v, 2, "    x"));
	CHECK_EQ(v->cur_row, 0);
	CHECK_EQ(v->cur_col, 0);
	OUT(v, "\033[2J\303\244\342\202\254");
	CHECK_EQ(v->row[0][0].ch & CELL_CHAR, 0xe4);
	CHECK_EQ(v->row[0][1].ch & CELL_CHAR, 0x20ac);
	OUT(v, "\033[5;5H\033[s\033[H\033[uZ");
	CHECK(row_is(v, 4, "    Z"));
	end(v);
}

KTEST(vt, colors)
{
	struct vt *v = begin();
	struct cell *c;

	REQUIRE(v);
	OUT(v, "\033[31ma\033[1mb\033[44mc\033[0;4;7md\033[38;5;208me\033[48;2;1;2;3mf\033[mg");
	c = v->row[0];
	CHECK_EQ(c[0].fg, 1);
	CHECK_EQ(c[1].fg, 9);
	CHECK_EQ(c[2].bg, 4);
	CHECK_EQ(c[3].ch, 'd' | CELL_UNDERLINE | CELL_REVERSE);
	CHECK_EQ(c[4].fg, 208);
	CHECK_EQ(c[5].bg, COLOR_RGB | 0x010203);
	CHECK_EQ(c[6].ch, 'g');
	CHECK_EQ(c[6].bg, COLOR_DEFAULT);
	end(v);
}

KTEST(vt, scrolling_and_scrollback)
{
	struct vt *v = begin();
	char line[16];

	REQUIRE(v);
	for (unsigned i = 0; i < v->rows + 10; i++)
		vt_term_write(v, (const u8 *)line,
			      (size_t)scnprintf(line, sizeof(line), "line %u\r\n", i));
	CHECK_EQ(v->sb_len, 11);
	CHECK(row_is(v, 0, "line 11"));
	CHECK_EQ(v->sb[0]->n, 6);
	OUT(v, "\033[2;4r\033[2;1Htop\033[4;1Hbot\n");
	CHECK(row_is(v, 0, "line 11"));
	CHECK(row_is(v, 2, "bot"));
	CHECK(row_is(v, 4, "line 15"));
	CHECK_EQ(v->sb_len, 11);
	OUT(v, "\033[r\033[H\033[2J\033[3J");
	CHECK_EQ(v->sb_len, 0);
	end(v);
}

KTEST(vt, alternate_screen)
{
	struct vt *v = begin();

	REQUIRE(v);
	OUT(v, "main\033[?1049h\033[Halt");
	CHECK(row_is(v, 0, "alt"));
	OUT(v, "\033[?1049l");
	CHECK(row_is(v, 0, "main"));
	end(v);
}

KTEST(vt, console_sequences)
{
	struct vt *v = begin();

	REQUIRE(v);
	OUT(v, "\033]P1123456a\033]Rb");
	CHECK(row_is(v, 0, "ab"));
	CHECK_EQ(v->palette[1], 0xaa0000);
	OUT(v, "\033]P2abcdef");
	CHECK_EQ(v->palette[2], 0xabcdef);
	OUT(v, "\033[?1h\033=");
	CHECK(v->kbd.cursor_app);
	OUT(v, "\033c\033[3m\033[[Ax"); /* sequences that begin like special ones */
	CHECK(!v->kbd.cursor_app);
	CHECK(row_is(v, 0, "x"));
	end(v);
}

KTEST(vt, survives_garbage)
{
	struct vt *v = begin();
	u8 buf[256];
	u32 x = 12345;

	REQUIRE(v);
	for (unsigned i = 0; i < 300; i++) {
		for (unsigned k = 0; k < sizeof(buf); k++) {
			x = x * 1664525 + 1013904223;
			buf[k] = x >> 29 == 0 ? 27 : x >> 29 == 1 ? '[' : (u8)(x >> 20);
		}
		vt_term_write(v, buf, sizeof(buf));
	}
	/* a string that never ends: the terminal is reset, not the memory filled */
	OUT(v, "\033c\033]0;");
	memset(buf, 'x', sizeof(buf));
	for (unsigned i = 0; i < 4096; i++)
		vt_term_write(v, buf, sizeof(buf));
	OUT(v, "\033\\\033c\033[Hok");
	CHECK(row_is(v, 0, "ok"));
	end(v);
}

static u16 key(unsigned map, unsigned code)
{
	unsigned long f;
	u16 s;

	spin_lock_irqsave(&kbd_lock, f);
	s = keymap_get(map, code);
	spin_unlock_irqrestore(&kbd_lock, f);
	return s;
}

KTEST(keymap, layouts)
{
	const char *was = keymap_name();

	CHECK_EQ(keymap_init("nowhere"), -EINVAL);
	REQUIRE(!keymap_init("us"));
	CHECK_EQ(key(0, KEY_Z), K(KT_LETTER, 'z'));
	CHECK_EQ(key(1, KEY_1), K(KT_LATIN, '!'));
	CHECK_EQ(key(4, KEY_C), K(KT_LATIN, 3));
	CHECK_EQ(key(4, KEY_BACKSLASH), K(KT_LATIN, 28));
	CHECK_EQ(key(8, KEY_F2), K(KT_CONS, 1));
	CHECK_EQ(key(8, KEY_X), K(KT_META, 'x'));
	CHECK_EQ(key(12, KEY_DELETE), K(KT_SPEC, SP_BOOT));
	CHECK_EQ(key(1, KEY_PAGEUP), K(KT_SPEC, SP_SCROLLBACK));
	CHECK_EQ(key(0, KEY_LEFTSHIFT), K(KT_SHIFT, KG_SHIFT));
	REQUIRE(!keymap_init("de"));
	CHECK_EQ(key(0, KEY_Y), K(KT_LETTER, 'z'));
	CHECK_EQ(key(0, KEY_SEMICOLON), K(KT_LETTER, 0xf6));
	CHECK_EQ(key(2, KEY_Q), K(KT_LATIN, '@'));
	CHECK_EQ(key(2, KEY_E), K_UNI(0x20ac));
	CHECK_EQ(key(2, KEY_102ND), K(KT_LATIN, '|'));
	CHECK_EQ(key(0, KEY_EQUAL), K(KT_DEAD, 1));
	CHECK_EQ(keymap_compose(1, 'e'), 0xe9);
	CHECK_EQ(keymap_compose(1, 'x'), 0);
	CHECK_EQ(keymap_compose(4, 'u'), 0xfc);
	CHECK_EQ(key(200, KEY_A), K_NOSUCHMAP);
	REQUIRE(!keymap_init(was));
}
