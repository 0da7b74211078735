; Every way into the kernel and out of it: system calls, exceptions, interrupts, NMI, and the first steps
; of a new thread.
;
; Invariants:
;  - In the kernel %gs is the per-CPU base and MSR_KERNEL_GS_BASE the user's; SWAPGS happens exactly once
;    on each crossing. Entries from an IST stack (NMI, #DF, #MC, #DB in the kernel) cannot know on which
;    side of a SWAPGS they struck: they save the base, load their CPU's (kept above their stack) and put
;    the old one back.
;  - The user's frame is a struct regs at the top of the thread's kernel stack.
;  - Interrupts are off from the crossing to C's decision, and from the last test of the work flags to
;    the IRET or SYSRET.
;
; Source: Intel SDM vol. 2 (SYSCALL, SYSRET, IRETQ, SWAPGS), vol. 3, 6.14 (64-bit interrupt handling) and
; 6.7.1 (nested NMIs); AMD APM vol. 2, 8.9.

%include "asm.inc"

extern cpu_kstack_top
extern cpu_scratch
extern current_thread
extern entry_syscalls
extern entry_syscalls_len
extern trap_user
extern trap_kernel
extern trap_ist
extern trap_nmi
extern trap_bad_iret
extern trap_syscall_slow
extern trap_exit_work
extern trap_irq
extern thread_first_run_hook

global syscall_entry
global syscall_entry32
global vector_table
global arch_stack_switch
global thread_start_kernel
global thread_start_user

section .text.entry progbits alloc exec nowrite align=64

; ---- system calls ---------------------------------------------------------------------------------

	align 64
syscall_entry:
	swapgs
	mov	[gs:cpu_scratch], rsp
	mov	rsp, [gs:cpu_kstack_top]
	push	USER_DS
	push	qword [gs:cpu_scratch]
	push	r11			; RFLAGS
	push	USER_CS
	push	rcx			; RIP
	push	rax			; orig_rax
	push	rdi
	push	rsi
	push	rdx
	push	rcx
	push	-ENOSYS
	push	r8
	push	r9
	push	r10
	push	r11
	push	rbx
	push	rbp
	push	r12
	push	r13
	push	r14
	push	r15
	xor	ebp, ebp		; the end of the frame chain
	mov	rbx, [gs:current_thread]
	sti
	mov	eax, eax
	test	dword [rbx], TIF_SYSCALL_TRACE
	jnz	.slow
	cmp	rax, [entry_syscalls_len]
	jae	.slow
	mov	rcx, [entry_syscalls]
	mov	rax, [rcx + rax * 8]
	test	rax, rax
	jz	.slow
	mov	rdi, rsp
	call	rax
	mov	[rsp + R_RAX], rax
.out:
	cli
	test	dword [rbx], TIF_EXIT_WORK
	jnz	.work
.leave:
	; SYSRET loads RIP from RCX and RFLAGS from R11: only good when they are what the frame says. A
	; non-canonical RIP would fault in kernel mode on the user's stack.
	mov	rcx, [rsp + R_RIP]
	mov	r11, [rsp + R_RFLAGS]
	cmp	rcx, [rsp + R_RCX]
	jne	return_iret
	cmp	r11, [rsp + R_R11]
	jne	return_iret
	test	r11d, 0x10100		; RF, TF
	jnz	return_iret
	mov	rax, rcx
	shr	rax, 47
	jnz	return_iret
	cmp	dword [rsp + R_CS], USER_CS
	jne	return_iret
	pop	r15
	pop	r14
	pop	r13
	pop	r12
	pop	rbp
	pop	rbx
	add	rsp, 8
	pop	r10
	pop	r9
	pop	r8
	pop	rax
	add	rsp, 8
	pop	rdx
	pop	rsi
	pop	rdi
	mov	rsp, [rsp + 32]
	swapgs
	o64 sysret
.slow:
	mov	rdi, rsp
	call	trap_syscall_slow
	jmp	.out
.work:
	mov	rdi, rsp
	call	trap_exit_work
	jmp	.leave

; SYSCALL from 32-bit code, which AMD's CPUs (and QEMU) let through to CSTAR: there are no 32-bit calls. The
; stack and %gs are still the user's and stay so.
	align 16
syscall_entry32:
	mov	eax, -ENOSYS
	sysret

; ---- exceptions -----------------------------------------------------------------------------------

; Error code (or 0) on the stack, RDI pushed into its slot, the vector in EDI.
	align 16
exception_common:
	cld
	PUSH_REGS_BUT_RDI
	CLAC
	mov	esi, edi
	test	byte [rsp + R_CS], 3
	jz	exception_kernel
	swapgs
.user:
	xor	ebp, ebp
	mov	rdi, rsp
	call	trap_user
return_to_user:
	cli
	mov	rax, [gs:current_thread]
	test	dword [rax], TIF_EXIT_WORK
	jz	return_iret
	mov	rdi, rsp
	call	trap_exit_work
return_iret:
	POP_REGS
	add	rsp, 8
	swapgs
iret_user:
	iretq

exception_kernel:
	; An IRET to user mode with a frame that the CPU refuses faults here, with the user's %gs.
	cmp	qword [rsp + R_RIP], iret_user
	je	.bad_iret
	mov	rdi, rsp
	call	trap_kernel
	POP_REGS
	add	rsp, 8
	iretq
.bad_iret:
	swapgs
	mov	rdi, rsp
	mov	ebx, esi
	call	trap_bad_iret		; moves the frame to where a fault from user mode has it
	mov	rsp, rax
	mov	esi, ebx
	jmp	exception_common.user

%assign exc_errors (1 << 8) | (1 << 10) | (1 << 11) | (1 << 12) | (1 << 13) | (1 << 14) | (1 << 17) | (1 << 21) | (1 << 29) | (1 << 30)

%macro EXCEPTION 1
	align 8
vector_%1:
%if ((exc_errors >> %1) & 1) == 0
	push	0
%endif
	push	rdi
	mov	edi, %1
	jmp	exception_common
%endmacro

%assign n 0
%rep 32
%if n != 1 && n != 2 && n != 8 && n != 18
	EXCEPTION n
%endif
%assign n n + 1
%endrep

; ---- entries on IST stacks ------------------------------------------------------------------------

; With a whole struct regs pushed at the top of an IST stack: %gs becomes the kernel's (the word above the
; stack, %1 bytes above RSP), R12 keeps the old base.
%macro PARANOID_GS 1
	mov	ecx, MSR_GS_BASE
	rdmsr
	shl	rdx, 32
	lea	r12, [rdx + rax]
	mov	rax, [rsp + %1]
	mov	rdx, rax
	shr	rdx, 32
	wrmsr
%endmacro
%macro PARANOID_RESTORE_GS 0
	mov	rax, r12
	mov	rdx, r12
	shr	rdx, 32
	mov	ecx, MSR_GS_BASE
	wrmsr
%endmacro

	align 16
; #DB: from user mode it goes on like any exception, on the thread's stack.
vector_1:
	push	0
	test	byte [rsp + 16], 3
	jz	.kernel
	cld
	swapgs
	mov	[gs:cpu_scratch], rdi
	mov	rdi, rsp
	mov	rsp, [gs:cpu_kstack_top]
	push	qword [rdi + 40]
	push	qword [rdi + 32]
	push	qword [rdi + 24]
	push	qword [rdi + 16]
	push	qword [rdi + 8]
	push	0
	push	qword [gs:cpu_scratch]
	PUSH_REGS_BUT_RDI
	CLAC
	mov	esi, 1
	jmp	exception_common.user
.kernel:
	push	rdi
	mov	edi, 1
	jmp	ist_common

	align 8
vector_8:				; #DF pushes a zero
	push	rdi
	mov	edi, 8
	jmp	ist_common

	align 8
vector_18:				; #MC
	push	0
	push	rdi
	mov	edi, 18

ist_common:
	cld
	PUSH_REGS_BUT_RDI
	CLAC
	mov	ebx, edi
	PARANOID_GS REGS_SIZE
	mov	rdi, rsp
	mov	esi, ebx
	call	trap_ist
	PARANOID_RESTORE_GS
	POP_REGS
	add	rsp, 8
	iretq

; NMI. An exception inside the handler ends with an IRET, which lets the next NMI in while this one is
; still on the stack: the CPU then overwrites the frame at the top. So the frame is copied down first
; (NMIs are blocked until then), and an NMI that finds itself interrupting this stack only leaves a note
; in the second word above the stack; the first one then runs its handler again.
	align 16
vector_2:
	push	rax
	push	rdx
	test	byte [rsp + 24], 3	; CS: [rdx, rax, rip, cs, rflags, rsp, ss]
	jnz	.first
	mov	rax, rsp
	sub	rax, [rsp + 40]		; an interrupted RSP a little below is this very stack
	cmp	rax, 8192
	jb	.nested
.first:
	mov	rdx, rsp
	sub	rsp, 8
	push	qword [rdx + 48]
	push	qword [rdx + 40]
	push	qword [rdx + 32]
	push	qword [rdx + 24]
	push	qword [rdx + 16]
	push	-1
	mov	rax, [rdx + 8]
	mov	rdx, [rdx]
	cld
	PUSH_REGS
	CLAC
	xor	ebx, ebx
	PARANOID_GS REGS_SIZE + 64
.again:
	mov	qword [rsp + REGS_SIZE + 72], 0
	mov	rdi, rsp
	call	trap_nmi
	cmp	qword [rsp + REGS_SIZE + 72], 0
	jne	.again
	PARANOID_RESTORE_GS
	POP_REGS
	add	rsp, 8
	iretq
.nested:
	; RSP is 56 below the top here, and the two words lie above it.
	mov	qword [rsp + 64], 1
	pop	rdx
	pop	rax
	iretq

; ---- interrupts -----------------------------------------------------------------------------------

	align 16
irq_common:
	cld
	PUSH_REGS
	CLAC
	test	byte [rsp + R_CS], 3
	jz	.kernel
	swapgs
	xor	ebp, ebp
	mov	rdi, rsp
	call	trap_irq
	jmp	return_to_user
.kernel:
	mov	rdi, rsp
	call	trap_irq
	POP_REGS
	add	rsp, 8
	iretq

%assign n 32
%rep 224
	align 8
vector_%[n]:
	push	-1 - n
	jmp	irq_common
%assign n n + 1
%endrep

; ---- threads --------------------------------------------------------------------------------------

; void *arch_stack_switch(u64 *save_sp, u64 new_sp, void *cookie): returns cookie on the new stack.
	align 16
arch_stack_switch:
	push	rbp
	push	rbx
	push	r12
	push	r13
	push	r14
	push	r15
	mov	[rdi], rsp
	mov	rsp, rsi
	pop	r15
	pop	r14
	pop	r13
	pop	r12
	pop	rbx
	pop	rbp
	mov	rax, rdx
	ret

; First run of a kernel thread: RBX is its function, R12 the argument.
	align 16
thread_start_kernel:
	xor	ebp, ebp
	mov	rdi, rax
	call	[thread_first_run_hook]
	sti
	mov	rdi, r12
	call	rbx
	ud2				; the function never returns

; First run of a user thread: RSP is its struct regs.
	align 16
thread_start_user:
	xor	ebp, ebp
	mov	rdi, rax
	call	[thread_first_run_hook]
	jmp	return_to_user

section .rodata progbits alloc noexec nowrite align=8
; Entry points by vector, for the IDT.
vector_table:
%assign n 0
%rep 256
	dq	vector_%[n]
%assign n n + 1
%endrep

section .note.GNU-stack noalloc noexec nowrite progbits
