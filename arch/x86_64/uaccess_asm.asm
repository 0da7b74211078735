; The instructions that touch user memory. Addresses have been checked against user_limit by the callers
; in uaccess.c. A page fault that the address space cannot resolve goes on at the fix-up of the
; instruction (.extable); SMAP is lifted between STAC and CLAC only.
;
; Source: Intel SDM vol. 1, 7.3.9.3 (fast string operation); System V AMD64 psABI for the calls.

%include "asm.inc"

global uaccess_copy
global uaccess_clear
global uaccess_cmpxchg32
global uaccess_load32
global uaccess_load64

section .text progbits alloc exec nowrite align=16

; size_t uaccess_copy(void *dst, const void *src, size_t n): bytes not copied. Either side is the user's.
	align 16
uaccess_copy:
	mov	rcx, rdx
	STAC
	cmp	rdx, 8
	jb	.tail
	cmp	rdx, 64
	jae	.string
.words:
.load8:	mov	rax, [rsi]
.store8: mov	[rdi], rax
	add	rsi, 8
	add	rdi, 8
	sub	rcx, 8
	cmp	rcx, 8
	jae	.words
	test	ecx, ecx
	jz	.done
	; Fewer than 8 bytes left (or asked for).
.tail:
	test	ecx, ecx
	jz	.done
.byte:
.load1:	mov	al, [rsi]
.store1: mov	[rdi], al
	inc	rsi
	inc	rdi
	dec	ecx
	jnz	.byte
.done:
	CLAC
	mov	rax, rcx
	ret
.string:
	shr	rcx, 3
	and	edx, 7
.movsq:	rep movsq
	mov	ecx, edx
	jmp	.tail
.fix_movsq:
	; RCX words and the tail are left. The bytes before the faulting one can still be copied.
	lea	rcx, [rcx * 8 + rdx]
.movsb:	rep movsb
.fix_bytes:
	jmp	.done
.fix_words:
	jmp	.movsb

	EXTABLE	.load8, .fix_words
	EXTABLE	.store8, .fix_words
	EXTABLE	.load1, .fix_bytes
	EXTABLE	.store1, .fix_bytes
	EXTABLE	.movsq, .fix_movsq
	EXTABLE	.movsb, .fix_bytes

; size_t uaccess_clear(void *dst, size_t n): bytes not cleared.
	align 16
uaccess_clear:
	mov	rcx, rsi
	mov	edx, esi
	and	edx, 7
	xor	eax, eax
	STAC
	shr	rcx, 3
.stosq:	rep stosq
	mov	ecx, edx
.stosb:	rep stosb
.done:
	CLAC
	mov	rax, rcx
	ret
.fix_stosq:
	lea	rcx, [rcx * 8 + rdx]
	jmp	.stosb

	EXTABLE	.stosq, .fix_stosq
	EXTABLE	.stosb, .done

; int uaccess_cmpxchg32(u32 *p, u32 expect, u32 desired, u32 *found): 0 or -1.
	align 16
uaccess_cmpxchg32:
	mov	eax, esi
	STAC
.op:	lock cmpxchg [rdi], edx
	CLAC
	mov	[rcx], eax
	xor	eax, eax
	ret
.fault:
	CLAC
	mov	eax, -1
	ret

	EXTABLE	.op, .fault

; int uaccess_load32(const u32 *p, u32 *out); int uaccess_load64(const u64 *p, u64 *out): 0 or -1.
	align 16
uaccess_load32:
	STAC
.op:	mov	eax, [rdi]
	CLAC
	mov	[rsi], eax
	xor	eax, eax
	ret

	EXTABLE	.op, uaccess_cmpxchg32.fault

	align 16
uaccess_load64:
	STAC
.op:	mov	rax, [rdi]
	CLAC
	mov	[rsi], rax
	xor	eax, eax
	ret

	EXTABLE	.op, uaccess_cmpxchg32.fault

section .note.GNU-stack noalloc noexec nowrite progbits
