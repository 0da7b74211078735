KOBJS += fs/locks/locks.o
