; Headers by which loaders recognise the image: Multiboot2 (Multiboot2 Specification 2.0, section 3.1)
; and the PVH note (Xen's "x86/HVM direct boot ABI", note XEN_ELFNOTE_PHYS32_ENTRY).

extern pvh_entry_phys
extern multiboot2_entry_phys

MB2_MAGIC	equ 0xe85250d6
MB2_ARCH_I386	equ 0
TAG_END		equ 0
TAG_ENTRY	equ 3
TAG_FRAMEBUFFER	equ 5
TAG_MODALIGN	equ 6
OPTIONAL	equ 1

section .multiboot2 alloc noexec nowrite align=8
mb2_header:
	dd MB2_MAGIC
	dd MB2_ARCH_I386
	dd mb2_header_end - mb2_header
	dd 0x100000000 - (MB2_MAGIC + MB2_ARCH_I386 + (mb2_header_end - mb2_header))

	align 8
	dw TAG_ENTRY, 0
	dd 12
	dd multiboot2_entry_phys

	align 8
	dw TAG_FRAMEBUFFER, OPTIONAL
	dd 20
	dd 0, 0, 32			; any size, 32 bits a pixel

	align 8
	dw TAG_MODALIGN, 0
	dd 8

	align 8
	dw TAG_END, 0
	dd 8
mb2_header_end:

section .note.pvh alloc noexec nowrite align=4
	dd 4				; name size
	dd 4				; descriptor size
	dd 18				; XEN_ELFNOTE_PHYS32_ENTRY
	db "Xen", 0
	dd pvh_entry_phys

section .note.GNU-stack noalloc noexec nowrite progbits
