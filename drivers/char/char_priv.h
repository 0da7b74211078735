/* Major 1: one registration for all its minors, each with its own operations. */
#pragma once
#include <fs/vfs.h>

#define MEM_MAJOR 1
enum {
	MEM_NULL = 3,
	MEM_ZERO = 5,
	MEM_FULL = 7,
	MEM_RANDOM = 8,
	MEM_URANDOM = 9,
	MEM_KMSG = 11,
};
extern const struct file_ops random_fops, urandom_fops, kmsg_fops;
void kmsg_init(void);
