; The application processors' way from the startup IPI to C: real mode at page:0, 32 bits, 64 bits.
;
; ap_code..ap_code_end is copied into a page below 1 MiB (arch/x86_64/ap_start.c), which fills in ap_data
; in the copy. EBX is the page's linear address throughout; the page is mapped at that address by the
; tables that ap_data.cr3 names, and in the kernel's by the direct map only.
;
; Source: Intel SDM vol. 3, 8.4.4 (MP initialisation), 9.8.5 (IA-32e mode).

%define AT(x) ((x) - ap_code)

MSR_EFER	equ 0xc0000080
EFER_LME_NXE	equ 0x900
MSR_GS_BASE	equ 0xc0000101
CR0_PE_ET_NE_WP_PG equ 0x80010031

global ap_code
global ap_code_end
global ap_data
global ap_entry32
global ap_entry64

section .rodata progbits alloc noexec nowrite align=16
ap_code:
bits 16
	cli
	cld
	mov	ax, cs
	mov	ds, ax
	movzx	ebx, ax
	shl	ebx, 4
	o32 lgdt [AT(d_gdt_limit)]
	mov	eax, 0x11		; PE, ET
	mov	cr0, eax
	jmp	dword far [AT(d_far32)]
bits 32
ap_entry32:
	mov	eax, 0x10
	mov	ds, eax
	mov	es, eax
	mov	ss, eax
	mov	eax, [ebx + AT(d_cr4)]
	mov	cr4, eax
	mov	eax, [ebx + AT(d_cr3)]
	mov	cr3, eax
	mov	ecx, MSR_EFER
	rdmsr
	or	eax, EFER_LME_NXE
	wrmsr
	mov	eax, CR0_PE_ET_NE_WP_PG
	mov	cr0, eax
	jmp	dword far [ebx + AT(d_far64)]
bits 64
ap_entry64:
	mov	rax, ap_high
	jmp	rax

	align 16
; struct ap_data of ap_start.c
ap_data:
d_cr3:		dd 0			; tables for here, below 4 GiB
d_cr4:		dd 0
d_far32:		dd 0
		dw 0x08
d_gdt_limit:	dw 4 * 8 - 1
d_gdt_base:	dd 0
d_far64:		dd 0
		dw 0x18
		dw 0, 0, 0
d_kernel_cr3:	dq 0
d_gdt:		dq 0
		dq 0x00cf9b000000ffff	; 0x08 code, 32 bits
		dq 0x00cf93000000ffff	; 0x10 data
		dq 0x00af9b000000ffff	; 0x18 code, 64 bits
; struct ap_start_args of arch_priv.h
d_stack_top:	dq 0
d_entry:		dq 0
d_cpu:		dq 0
d_percpu_offset:	dq 0
d_started:	dd 0
		dd 0
ap_code_end:

section .text progbits alloc exec nowrite align=16
bits 64
ap_high:
	mov	ecx, 0x10
	mov	ss, ecx
	mov	ds, ecx
	mov	es, ecx
	xor	ecx, ecx
	mov	fs, ecx
	mov	gs, ecx
	mov	eax, [rbx + AT(d_percpu_offset)]
	mov	edx, [rbx + AT(d_percpu_offset) + 4]
	mov	ecx, MSR_GS_BASE
	wrmsr
	mov	rsp, [rbx + AT(d_stack_top)]
	mov	rdi, [rbx + AT(d_cpu)]
	mov	rsi, [rbx + AT(d_entry)]
	mov	rcx, [rbx + AT(d_kernel_cr3)]
	mov	dword [rbx + AT(d_started)], 1
	mov	cr3, rcx
	xor	ebp, ebp
	push	rbp			; end of the frame chain
	push	rbp
	call	rsi
	ud2

section .note.GNU-stack noalloc noexec nowrite progbits
