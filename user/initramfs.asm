; The built-in initramfs, in pages of its own that are freed after unpacking (linker.ld: .initramfs).
section .initramfs progbits alloc noexec nowrite align=4096
incbin "initramfs.cpio"
