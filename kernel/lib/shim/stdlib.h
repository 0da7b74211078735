/* Third-party decoders get their memory from the caller; nothing of the C library's <stdlib.h> is there. */
#pragma once
#include <stddef.h>
