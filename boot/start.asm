; The way from the loader's 32-bit entry to 64-bit C.
;
; Both protocols enter in 32-bit protected mode without paging: Multiboot2 with its magic in EAX and the
; information block in EBX, PVH with start_info in EBX. This code runs at its physical address
; (.boot.*), checks the CPU, chooses 4 or 5 levels of paging, builds the early page tables and jumps to
; the higher half. Nothing here is used again later, but for the answers in boot_levels and boot_nokaslr.
;
; Early tables (all read-write-execute; arch_memory_init() replaces them):
;   identity, from 0		the first 4 GiB
;   0xffffffff80000000		the first 2 GiB: the kernel image
; arch_choose_layout() adds the early direct map at its final, random place. With 5 levels both slots 0
; and 511 of the top table point to the one level-4 table.
;
; Source: Intel SDM vol. 3, 4.5 (paging), 9.8.5 (initialising IA-32e mode).

%define KERNEL_BASE 0xffffffff80000000
%define PHYS(x) ((x) - KERNEL_BASE)

BOOT_MULTIBOOT2	equ 1			; boot/boot_priv.h
BOOT_PVH	equ 2

MB2_TAG_CMDLINE	equ 1
PVH_CMDLINE	equ 24			; offset of cmdline_paddr in hvm_start_info
CMDLINE_SCAN	equ 65536		; bytes of command line looked at

CR0_PE_ET_NE_WP_PG equ 0x80010031	; PG, WP, NE, ET, PE
CR4_PAE		equ 1 << 5
CR4_LA57	equ 1 << 12
MSR_EFER	equ 0xc0000080
EFER_LME	equ 1 << 8
EFER_NXE	equ 1 << 11
MSR_MISC_ENABLE	equ 0x1a0

PTE_P_W		equ 0x003
PTE_P_W_HUGE	equ 0x083

extern boot_main
global pvh_entry_phys
global multiboot2_entry_phys
global boot_levels
global boot_nokaslr
global boot_early_l5
global boot_early_l4
global boot_early_l4_direct
global boot_early_l3_direct
global boot_early_l2
global boot_stack
global boot_stack_top

BOOT_STACK_SIZE	equ 16384		; KSTACK_SIZE: becomes the idle thread's stack

section .boot.text progbits alloc exec nowrite align=16
bits 32

pvh_entry_phys:
	cli
	cld
	mov	esp, boot_stack32_top
	mov	dword [boot_kind], BOOT_PVH
	mov	[boot_info], ebx
	mov	esi, [ebx + PVH_CMDLINE]
	cmp	dword [ebx + PVH_CMDLINE + 4], 0
	jne	start_common
	call	scan_cmdline
	jmp	start_common

multiboot2_entry_phys:
	cli
	cld
	mov	esp, boot_stack32_top
	cmp	eax, 0x36d76289
	mov	edi, msg_loader
	jne	boot_fail
	mov	dword [boot_kind], BOOT_MULTIBOOT2
	mov	[boot_info], ebx
	; Tags start 8 bytes in; each is type, size, payload, padded to 8.
	mov	ecx, [ebx]		; total size
	lea	edx, [ebx + ecx]	; end
	lea	eax, [ebx + 8]
.tag:
	lea	ecx, [eax + 8]
	cmp	ecx, edx
	ja	start_common
	mov	ecx, [eax + 4]
	cmp	ecx, 8
	jb	start_common		; a tag that does not advance
	cmp	dword [eax], 0
	je	start_common
	cmp	dword [eax], MB2_TAG_CMDLINE
	je	.cmdline
	add	ecx, 7
	and	ecx, ~7
	add	eax, ecx
	jc	start_common
	jmp	.tag
.cmdline:
	lea	esi, [eax + 8]
	call	scan_cmdline

start_common:
	; CPUID exists if EFLAGS.ID can be changed.
	pushfd
	pop	eax
	mov	ecx, eax
	xor	eax, 1 << 21
	push	eax
	popfd
	pushfd
	pop	eax
	xor	eax, ecx
	mov	edi, msg_cpuid
	test	eax, 1 << 21
	jz	boot_fail

	mov	eax, 0x80000000
	cpuid
	mov	edi, msg_long
	cmp	eax, 0x80000001
	jb	boot_fail
	mov	eax, 0x80000001
	cpuid
	mov	edi, msg_long
	bt	edx, 29
	jnc	boot_fail
	bt	edx, 20
	jc	.nx_ok
	; Intel firmware may have switched NX off: IA32_MISC_ENABLE bit 34 (family 6 and up with it).
	xor	eax, eax
	cpuid
	mov	edi, msg_nx
	cmp	ebx, 'Genu'
	jne	boot_fail
	mov	ecx, MSR_MISC_ENABLE
	rdmsr
	btr	edx, 2
	jnc	boot_fail
	wrmsr
	mov	eax, 0x80000001
	cpuid
	mov	edi, msg_nx
	bt	edx, 20
	jnc	boot_fail
.nx_ok:
	; LA57: CPUID.(7,0):ECX[16]
	mov	dword [PHYS(boot_levels)], 4
	cmp	byte [no5lvl], 0
	jne	.levels_done
	xor	eax, eax
	cpuid
	cmp	eax, 7
	jb	.levels_done
	mov	eax, 7
	xor	ecx, ecx
	cpuid
	bt	ecx, 16
	jnc	.levels_done
	mov	dword [PHYS(boot_levels)], 5
.levels_done:

	; Level 2: 4 GiB of 2 MiB pages.
	mov	edi, PHYS(boot_early_l2)
	mov	eax, PTE_P_W_HUGE
	xor	edx, edx
	mov	ecx, 2048
.l2:
	mov	[edi], eax
	mov	[edi + 4], edx
	add	edi, 8
	add	eax, 2 << 20
	loop	.l2

	; Level 3, low: the tables above.
	mov	edi, PHYS(boot_early_l3_low)
	mov	eax, PHYS(boot_early_l2) + PTE_P_W
	mov	ecx, 4
.l3:
	mov	[edi], eax
	mov	dword [edi + 4], 0
	add	edi, 8
	add	eax, 4096
	loop	.l3
	; Level 3, high: the last 2 GiB.
	mov	dword [PHYS(boot_early_l3_high) + 510 * 8], PHYS(boot_early_l2) + PTE_P_W
	mov	dword [PHYS(boot_early_l3_high) + 511 * 8], PHYS(boot_early_l2) + 4096 + PTE_P_W
	; Level 4.
	mov	dword [PHYS(boot_early_l4)], PHYS(boot_early_l3_low) + PTE_P_W
	mov	dword [PHYS(boot_early_l4) + 511 * 8], PHYS(boot_early_l3_high) + PTE_P_W
	; Level 5.
	mov	dword [PHYS(boot_early_l5)], PHYS(boot_early_l4) + PTE_P_W
	mov	dword [PHYS(boot_early_l5) + 511 * 8], PHYS(boot_early_l4) + PTE_P_W

	mov	ebx, CR4_PAE
	mov	eax, PHYS(boot_early_l4)
	cmp	dword [PHYS(boot_levels)], 5
	jne	.levels4
	or	ebx, CR4_LA57
	mov	eax, PHYS(boot_early_l5)
.levels4:
	mov	cr4, ebx
	mov	cr3, eax
	mov	ecx, MSR_EFER
	rdmsr
	or	eax, EFER_LME | EFER_NXE
	wrmsr
	mov	eax, CR0_PE_ET_NE_WP_PG
	mov	cr0, eax
	lgdt	[boot_gdt_ptr]
	jmp	0x08:start64

; Look for the words no5lvl and nokaslr in the string at ESI. Clobbers EAX, ECX, ESI.
scan_cmdline:
	test	esi, esi
	jz	.done
	mov	ecx, CMDLINE_SCAN
.word:
	cmp	dword [esi], 'no5l'
	jne	.nokaslr
	cmp	word [esi + 4], 'vl'
	jne	.skip
	cmp	byte [esi + 6], ' '
	ja	.skip
	mov	byte [no5lvl], 1
	jmp	.skip
.nokaslr:
	cmp	dword [esi], 'noka'
	jne	.skip
	cmp	dword [esi + 3], 'aslr'
	jne	.skip
	cmp	byte [esi + 7], ' '
	ja	.skip
	mov	byte [PHYS(boot_nokaslr)], 1
.skip:
	mov	al, [esi]
	test	al, al
	jz	.done
	inc	esi
	dec	ecx
	jz	.done
	cmp	al, ' '
	jbe	.word
	jmp	.skip
.done:
	ret

; Show the message at EDI on the serial port and the VGA text screen, and stop.
boot_fail:
	mov	ebp, 0xb8000
.next:
	movzx	ebx, byte [edi]
	inc	edi
	test	ebx, ebx
	jz	.stop
	mov	bh, 0x4f		; white on red
	mov	[ebp], bx
	add	ebp, 2
	mov	ecx, 100000		; a missing UART reads 0xff: ready
	mov	dx, 0x3fd
.wait:
	in	al, dx
	test	al, 0x20
	loopz	.wait
	mov	dx, 0x3f8
	mov	al, bl
	out	dx, al
	mov	dx, 0xe9
	out	dx, al
	jmp	.next
.stop:
	cli
	hlt
	jmp	.stop

bits 64
start64:
	mov	ecx, 0x10
	mov	ds, ecx
	mov	es, ecx
	mov	ss, ecx
	xor	ecx, ecx
	mov	fs, ecx
	mov	gs, ecx
	mov	rax, start_high
	jmp	rax

section .boot.rodata progbits alloc noexec nowrite align=8
boot_gdt:
	dq 0
	dq 0x00af9b000000ffff		; 0x08 code, 64 bits
	dq 0x00cf93000000ffff		; 0x10 data
boot_gdt_ptr:
	dw $ - boot_gdt - 1
	dd boot_gdt
msg_loader:	db "Daedalus: started by something that is not a Multiboot2 loader", 13, 10, 0
msg_cpuid:	db "Daedalus: this CPU has no CPUID; an x86-64 CPU is needed", 13, 10, 0
msg_long:	db "Daedalus: this CPU has no long mode; an x86-64 CPU is needed", 13, 10, 0
msg_nx:		db "Daedalus: this CPU has no NX bit; an x86-64 CPU with NX is needed", 13, 10, 0

section .boot.data progbits alloc noexec write align=16
boot_kind:	dd 0
boot_info:	dd 0
no5lvl:		db 0
	align 16
	times 256 db 0
boot_stack32_top:

section .init.data progbits alloc noexec write align=4096
boot_early_l5:	times 4096 db 0
boot_early_l4:	times 4096 db 0
boot_early_l3_low:	times 4096 db 0
boot_early_l3_high:	times 4096 db 0
boot_early_l4_direct: times 4096 db 0
boot_early_l3_direct: times 4096 db 0
boot_early_l2:	times 4 * 4096 db 0

section .bss.page_aligned nobits alloc noexec write align=4096
boot_stack:	resb BOOT_STACK_SIZE
boot_stack_top:

section .data progbits alloc noexec write align=8
boot_levels:	dd 4
boot_nokaslr:	db 0

section .init.text progbits alloc exec nowrite align=16
bits 64
start_high:
	mov	rsp, boot_stack_top
	xor	ebp, ebp
	; %gs base 0: per-CPU variables are the linked copies until smp_prepare().
	mov	ecx, 0xc0000101
	xor	eax, eax
	xor	edx, edx
	wrmsr
	push	rbp			; end of the frame chain
	push	rbp
	mov	edi, [boot_kind]
	mov	esi, [boot_info]
	call	boot_main
.stop:	cli
	hlt
	jmp	.stop

section .note.GNU-stack noalloc noexec nowrite progbits
