KOBJS += fs/initramfs/initramfs.o
