KOBJS += fs/tmpfs/inode.o fs/tmpfs/file.o fs/tmpfs/xattr.o
