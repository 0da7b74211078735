/* What libvterm wants of <string.h>. */
#pragma once
#include <lib/string.h>
