/* <assert.h> for third-party code, as with NDEBUG: its input is checked by the decoders themselves. */
#pragma once
#define assert(e) ((void)0)
#define static_assert _Static_assert
