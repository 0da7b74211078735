/* What libvterm wants of <stdio.h>: formatting comes from the kernel, its diagnostics go nowhere. */
#pragma once
#include <lib/string.h>
#define stderr		0
#define fprintf(f, ...) ((void)0)
