/* What third-party code expects of <sys/types.h>. */
#pragma once
#include <stddef.h>
