# Files: the VFS and what lives directly on it. Each folder lists its own.
include fs/vfs/objs.mk
-include fs/tmpfs/objs.mk fs/devtmpfs/objs.mk fs/pipe/objs.mk fs/initramfs/objs.mk fs/locks/objs.mk
-include fs/proc/objs.mk fs/sysfs/objs.mk
