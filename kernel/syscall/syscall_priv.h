/* Between table.c and entry.c. */
#pragma once
#include <arch/trap.h>

#define SYSCALL_TABLE_SIZE 512
extern const syscall_fn syscall_table[SYSCALL_TABLE_SIZE];
const char *syscall_name(u64 nr); /* NULL: none */
