KOBJS += fs/vfs/dcache.o fs/vfs/inode.o fs/vfs/super.o fs/vfs/mount.o fs/vfs/mountsys.o fs/vfs/namei.o \
	fs/vfs/fsctx.o fs/vfs/nameop.o fs/vfs/file.o fs/vfs/fdtable.o fs/vfs/open.o
