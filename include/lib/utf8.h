/* UTF-8 streams made well-formed. Pure: the caller's state, any context. */
#pragma once
#include <lib/types.h>

/* What has come of a sequence so far; zeroed: between characters. */
struct utf8_cleaner {
	u8 have, need; /* bytes of pending that are there, that the sequence has in all */
	u8 pending[4];
};
#define UTF8_CLEAN_MAX 7 /* U+FFFD and a whole sequence or a byte */

/* Take the next byte of a stream; returns how many bytes went to out (at most UTF8_CLEAN_MAX). Sequences
 * come out whole or, where the stream breaks them off, as U+FFFD (RFC 3629). */
size_t utf8_clean(struct utf8_cleaner *s, u8 byte, u8 *out);
