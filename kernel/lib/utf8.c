/* UTF-8 streams made well-formed (RFC 3629): lead and continuation bytes are checked for their number
 * only, so overlong forms and surrogates pass; each is still one character for who decodes it. */
#include <lib/string.h>
#include <lib/utf8.h>

static size_t put_replacement(u8 *out)
{
	memcpy(out, "\xef\xbf\xbd", 3); /* U+FFFD */
	return 3;
}

static unsigned sequence_length(u8 lead)
{
	return lead < 0x80   ? 1
	       : lead < 0xc2 ? 0
	       : lead < 0xe0 ? 2
	       : lead < 0xf0 ? 3
	       : lead < 0xf5 ? 4
			     : 0;
}

size_t utf8_clean(struct utf8_cleaner *s, u8 byte, u8 *out)
{
	size_t n = 0;

	if (s->have) {
		if ((byte & 0xc0) == 0x80) {
			s->pending[s->have++] = byte;
			if (s->have < s->need)
				return 0;
			memcpy(out, s->pending, s->need);
			s->have = 0;
			return s->need;
		}
		s->have = 0;
		n = put_replacement(out);
	}
	s->need = (u8)sequence_length(byte);
	if (s->need == 0)
		return n + put_replacement(out + n);
	if (s->need == 1) {
		out[n] = byte;
		return n + 1;
	}
	s->pending[0] = byte;
	s->have = 1;
	return n;
}
