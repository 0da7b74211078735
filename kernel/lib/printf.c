/* Formatted printing: vsnprintf and its small relatives, C99 7.19.6 without floating point, wide
 * characters and %n, with the kernel's %pS, %ps and %pE. Pure but for printf_symbol_hook, which is set
 * once at boot; any context. */
#include <lib/err.h>
#include <lib/string.h>

const char *(*printf_symbol_hook)(u64 addr, u64 *offset, u64 *size);

struct out {
	char *buf;
	size_t size, len; /* len counts on past the end */
};

struct spec {
	bool left, zero, plus, space, alt, upper, has_prec;
	int width, prec;
};

static void put(struct out *o, char c)
{
	if (o->len < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void fill(struct out *o, char c, int n)
{
	while (n-- > 0)
		put(o, c);
}

static void put_string(struct out *o, const struct spec *sp, const char *s)
{
	size_t n;

	if (!s)
		s = "(null)";
	n = sp->has_prec ? strnlen(s, (size_t)sp->prec) : strlen(s);
	if (!sp->left)
		fill(o, ' ', sp->width - (int)n);
	for (size_t i = 0; i < n; i++)
		put(o, s[i]);
	if (sp->left)
		fill(o, ' ', sp->width - (int)n);
}

/* sign: the character in front of a number, or 0. */
static void put_number(struct out *o, const struct spec *sp, u64 v, unsigned base, char sign)
{
	const char *digits = sp->upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char tmp[24];
	int n = 0, zeros, pad;
	int prefix = sp->alt && base == 16 && v ? 2 : 0;

	if (base == 10) {
		for (; v; v /= 10)
			tmp[n++] = digits[v % 10];
	} else {
		unsigned shift = base == 16 ? 4 : 3;
		for (; v; v >>= shift)
			tmp[n++] = digits[v & (base - 1)];
	}
	zeros = sp->has_prec ? sp->prec - n : (n ? 0 : 1);
	if (base == 8 && sp->alt && zeros <= 0)
		zeros = 1;
	zeros = max(zeros, 0);
	pad = sp->width - n - zeros - prefix - (sign ? 1 : 0);
	if (sp->zero && !sp->left && !sp->has_prec && pad > 0) {
		zeros += pad;
		pad = 0;
	}
	if (!sp->left)
		fill(o, ' ', pad);
	if (sign)
		put(o, sign);
	if (prefix) {
		put(o, '0');
		put(o, sp->upper ? 'X' : 'x');
	}
	fill(o, '0', zeros);
	while (n)
		put(o, tmp[--n]);
	if (sp->left)
		fill(o, ' ', pad);
}

static void put_symbol(struct out *o, struct spec *sp, u64 addr, bool with_offset)
{
	u64 off = 0, size = 0;
	const char *name = printf_symbol_hook ? printf_symbol_hook(addr, &off, &size) : NULL;
	struct spec hex = {.alt = true};
	static const struct spec plain;

	if (!name) {
		put_number(o, &hex, addr, 16, 0);
		return;
	}
	put_string(o, with_offset ? &plain : sp, name);
	if (!with_offset)
		return;
	put(o, '+');
	put_string(o, &plain, "0x");
	put_number(o, &plain, off, 16, 0);
	put(o, '/');
	put_string(o, &plain, "0x");
	put_number(o, &plain, size, 16, 0);
}

/* The letter behind %p; returns how many format characters it took. */
static int put_pointer(struct out *o, struct spec *sp, char kind, const void *p)
{
	const char *name;

	switch (kind) {
	case 'S':
	case 's':
		put_symbol(o, sp, (u64)(uintptr_t)p, kind == 'S');
		return 1;
	case 'E':
		name = errno_name((int)PTR_ERR(p));
		if (name) {
			put(o, '-');
			put_string(o, sp, name);
		} else {
			s64 v = PTR_ERR(p);
			put_number(o, sp, v < 0 ? -(u64)v : (u64)v, 10, v < 0 ? '-' : 0);
		}
		return 1;
	default:
		if (!p) {
			put_string(o, sp, "(nil)");
		} else {
			sp->alt = true;
			put_number(o, sp, (u64)(uintptr_t)p, 16, 0);
		}
		return 0;
	}
}

static const char *parse_spec(const char *f, struct spec *sp, va_list *ap)
{
	for (;; f++) {
		if (*f == '-')
			sp->left = true;
		else if (*f == '0')
			sp->zero = true;
		else if (*f == '+')
			sp->plus = true;
		else if (*f == ' ')
			sp->space = true;
		else if (*f == '#')
			sp->alt = true;
		else
			break;
	}
	if (*f == '*') {
		sp->width = va_arg(*ap, int);
		if (sp->width < 0) {
			sp->left = true;
			sp->width = -sp->width;
		}
		f++;
	} else {
		while (*f >= '0' && *f <= '9')
			sp->width = sp->width * 10 + (*f++ - '0');
	}
	if (*f != '.')
		return f;
	f++;
	sp->has_prec = true;
	if (*f == '*') {
		sp->prec = va_arg(*ap, int);
		if (sp->prec < 0)
			sp->has_prec = false;
		f++;
	} else {
		while (*f >= '0' && *f <= '9')
			sp->prec = sp->prec * 10 + (*f++ - '0');
	}
	return f;
}

/* Bytes of the integer argument that the length modifier at *f names. */
static unsigned parse_length(const char **f)
{
	const char *p = *f;
	unsigned n = 4;

	if (*p == 'h') {
		n = p[1] == 'h' ? 1 : 2;
		p += n == 1 ? 2 : 1;
	} else if (*p == 'l') {
		p += p[1] == 'l' ? 2 : 1;
		n = 8;
	} else if (*p == 'z' || *p == 'j' || *p == 't') {
		p++;
		n = 8;
	}
	*f = p;
	return n;
}

static s64 take_signed(va_list *ap, unsigned bytes)
{
	if (bytes == 8)
		return va_arg(*ap, s64);
	s32 v = va_arg(*ap, s32);
	return bytes == 1 ? (s8)v : bytes == 2 ? (s16)v : v;
}

static u64 take_unsigned(va_list *ap, unsigned bytes)
{
	if (bytes == 8)
		return va_arg(*ap, u64);
	u32 v = va_arg(*ap, u32);
	return bytes == 1 ? (u8)v : bytes == 2 ? (u16)v : v;
}

static void put_signed(struct out *o, const struct spec *sp, s64 v)
{
	char sign = v < 0 ? '-' : sp->plus ? '+' : sp->space ? ' ' : 0;

	put_number(o, sp, v < 0 ? -(u64)v : (u64)v, 10, sign);
}

static const char *conversion(struct out *o, const char *f, struct spec *sp, va_list *ap)
{
	unsigned bytes = parse_length(&f);

	switch (*f) {
	case 'd':
	case 'i':
		put_signed(o, sp, take_signed(ap, bytes));
		break;
	case 'u':
		put_number(o, sp, take_unsigned(ap, bytes), 10, 0);
		break;
	case 'X':
		sp->upper = true;
		__fallthrough;
	case 'x':
		put_number(o, sp, take_unsigned(ap, bytes), 16, 0);
		break;
	case 'o':
		put_number(o, sp, take_unsigned(ap, bytes), 8, 0);
		break;
	case 'c': {
		char c = (char)va_arg(*ap, int);
		if (!sp->left)
			fill(o, ' ', sp->width - 1);
		put(o, c);
		if (sp->left)
			fill(o, ' ', sp->width - 1);
		break;
	}
	case 's':
		put_string(o, sp, va_arg(*ap, const char *));
		break;
	case 'p':
		f += put_pointer(o, sp, f[1], va_arg(*ap, const void *));
		break;
	case '%':
		put(o, '%');
		break;
	case '\0':
		return f;
	default:
		put(o, '%');
		put(o, *f);
	}
	return f + 1;
}

int vsnprintf(char *buf, size_t n, const char *fmt, va_list args)
{
	struct out o = {buf, n, 0};
	va_list ap;

	va_copy(ap, args);
	while (*fmt) {
		if (*fmt != '%') {
			put(&o, *fmt++);
			continue;
		}
		struct spec sp = {0};
		fmt = parse_spec(fmt + 1, &sp, &ap);
		fmt = conversion(&o, fmt, &sp, &ap);
	}
	va_end(ap);
	if (n)
		buf[min(o.len, n - 1)] = '\0';
	return (int)o.len;
}

int snprintf(char *buf, size_t n, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = vsnprintf(buf, n, fmt, ap);
	va_end(ap);
	return r;
}

int scnprintf(char *buf, size_t n, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = vsnprintf(buf, n, fmt, ap);
	va_end(ap);
	if (!n)
		return 0;
	return (size_t)r < n ? r : (int)(n - 1);
}
