KOBJS += fs/vfs/dcache.o fs/vfs/inode.o fs/vfs/super.o fs/vfs/mount.o fs/vfs/mountsys.o fs/vfs/namei.o \
	fs/vfs/fsctx.o fs/vfs/nameop.o fs/vfs/file.o fs/vfs/fdtable.o fs/vfs/open.o fs/vfs/rw.o fs/vfs/stat.o \
	fs/vfs/attr.o fs/vfs/readdir.o fs/vfs/fcntl.o fs/vfs/mmap.o fs/vfs/poll.o fs/vfs/xattr.o fs/vfs/init.o fs/vfs/vfs_test.o
