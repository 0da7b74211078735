/* Device numbers, character devices, devtmpfs. */
#pragma once
#include <fs/vfs.h>

#define MKDEV(ma, mi) (((dev_t)(ma) << 20) | (mi))
#define MAJOR(d)      ((d) >> 20)
#define MINOR(d)      ((d)&0xfffff)
/* The 64-bit encoding of stat(2) and mknod(2). */
u64 dev_encode(dev_t d);
dev_t dev_decode(u64 v);

/* Serve minors [minor, minor+count) of major. -EBUSY. ops->open finds its device by inode->rdev. */
int chrdev_register(unsigned major, unsigned minor, unsigned count, const char *name,
		    const struct file_ops *ops);
/* A node in devtmpfs ("tty1", "input/event0"): directories are made. mode with S_IFCHR/S_IFBLK. */
int devtmpfs_create(const char *name, mode_t mode, dev_t dev);
int devtmpfs_remove(const char *name);
