/* CRC-32 (IEEE 802.3, reflected, as in gzip and GPT) and CRC-32C (Castagnoli, as in ext4). Pure. */
#pragma once
#include <lib/types.h>

/* Continue crc over n bytes; start with 0. The usual pre- and post-inversion is done inside. */
u32 crc32(u32 crc, const void *p, size_t n);
/* Without inversions: start with ~0 and invert the result yourself (ext4 stores it uninverted). */
u32 crc32c_raw(u32 crc, const void *p, size_t n);
