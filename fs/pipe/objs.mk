KOBJS += fs/pipe/pipe.o
