/* What third-party code expects of the C library's <string.h>. */
#pragma once
#include <lib/string.h>
