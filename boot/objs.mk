# Entry code and the translation of loader data into struct bootinfo.
KOBJS += boot/header.o boot/start.o boot/boot.o boot/multiboot2.o boot/pvh.o boot/ap.o
