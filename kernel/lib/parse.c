/* Number parsing. Pure; any context. */
#include <lib/string.h>
#include <uapi/errno.h>

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 10;
	return 99;
}

int parse_u64(const char *s, unsigned base, u64 *out)
{
	u64 v = 0;
	bool over = false;

	if (*s == '+')
		s++;
	if ((base == 0 || base == 16) && s[0] == '0' && (s[1] | 32) == 'x') {
		base = 16;
		s += 2;
	} else if (base == 0) {
		base = s[0] == '0' && s[1] >= '0' && s[1] <= '7' ? 8 : 10;
	}
	if (digit_value(*s) >= (int)base)
		return -EINVAL;
	for (int d; (d = digit_value(*s)) < (int)base; s++) {
		over |= __builtin_mul_overflow(v, (u64)base, &v);
		over |= __builtin_add_overflow(v, (u64)d, &v);
	}
	if (*s == '\n')
		s++;
	if (*s)
		return -EINVAL;
	if (over)
		return -ERANGE;
	*out = v;
	return 0;
}

int parse_s64(const char *s, unsigned base, s64 *out)
{
	bool neg = *s == '-';
	u64 v;
	int r;

	if (neg && s[1] == '+')
		return -EINVAL;
	r = parse_u64(s + neg, base, &v);
	if (r)
		return r;
	if (v > (u64)INT64_MAX + neg)
		return -ERANGE;
	*out = neg ? (s64)(0 - v) : (s64)v;
	return 0;
}

u64 parse_size(const char *s, const char **end)
{
	unsigned base = 10;
	u64 v = 0;

	if (s[0] == '0' && (s[1] | 32) == 'x') {
		base = 16;
		s += 2;
	}
	for (int d; (d = digit_value(*s)) < (int)base; s++)
		v = v * base + (u64)d;
	switch (*s | 32) {
	case 'e':
		v <<= 10;
		__fallthrough;
	case 'p':
		v <<= 10;
		__fallthrough;
	case 't':
		v <<= 10;
		__fallthrough;
	case 'g':
		v <<= 10;
		__fallthrough;
	case 'm':
		v <<= 10;
		__fallthrough;
	case 'k':
		v <<= 10;
		s++;
		break;
	default:
		break;
	}
	if (end)
		*end = s;
	return v;
}
