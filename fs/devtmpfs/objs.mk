KOBJS += fs/devtmpfs/chrdev.o fs/devtmpfs/devtmpfs.o
