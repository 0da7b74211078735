/* Signal frames: struct rt_sigframe of Linux's x86-64 ABI, bit for bit.
 *
 *   handler's rsp -> return address (the restorer)
 *                    struct ucontext
 *                    siginfo
 *                    (padding)
 *                    FPU state, 64-byte aligned: XSAVE area with its trailer (fpu.c)
 *   old rsp - 128    (the red zone of the interrupted function stays)
 *
 * Everything that comes back through sigreturn was in user hands: selectors are replaced, flags masked,
 * the FPU state is made loadable; a bad RIP or RSP only faults in user mode (entry.asm, bad IRET).
 *
 * Source: System V AMD64 psABI 3.2.2 (red zone); sigaction(2), sigreturn(2); the layout is what
 * <asm/sigcontext.h> and <asm/ucontext.h> show to programs. Context: the thread itself; may sleep. */
#include "arch_priv.h"
#include <arch/cpu.h>
#include <arch/signal_frame.h>
#include <arch/thread.h>
#include <arch/uaccess.h>
#include <lib/string.h>
#include <uapi/errno.h>

#define RED_ZONE 128

#define UC_FP_XSTATE	     1u
#define UC_SIGCONTEXT_SS     2u
#define UC_STRICT_RESTORE_SS 4u

#define FLAG_TF 0x100ul
#define FLAG_DF 0x400ul
#define FLAG_RF 0x10000ul
#define FLAG_AC 0x40000ul
/* What a program may choose: CF PF AF ZF SF TF DF OF RF AC. */
#define FLAGS_USER (0xdd5ul | FLAG_RF | FLAG_AC)

struct sigcontext {
	u64 r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip,
		rflags;
	u16 cs, gs, fs, ss;
	u64 err, trapno, oldmask, cr2, fpstate, reserved[8];
};
_Static_assert(sizeof(struct sigcontext) == 256, "signal ABI");

struct ucontext {
	u64 flags, link;
	stack_t stack;
	struct sigcontext mcontext;
	sigset_t sigmask;
};
_Static_assert(sizeof(struct ucontext) == 304, "signal ABI");

struct rt_sigframe {
	u64 restorer;
	struct ucontext uc;
	siginfo_t info;
};
_Static_assert(sizeof(struct rt_sigframe) == 440, "signal ABI");

size_t arch_min_sigstack(void)
{
	return RED_ZONE + arch_fpu_frame_size() + 64 + sizeof(struct rt_sigframe) + 16;
}

static bool on_stack(const stack_t *s, u64 sp)
{
	u64 base = user_to_u64(s->ss_sp);

	return sp > base && sp - base <= s->ss_size;
}

/* Where the frame goes: its address, and that of the FPU state above it. */
static int place_frame(const struct regs *r, const struct ksigaction *act, const stack_t *alt,
		       u64 *frame, u64 *fpu)
{
	bool usable = alt->ss_size && !(alt->ss_flags & SS_DISABLE);
	bool on_alt = usable && !(alt->ss_flags & SS_AUTODISARM) && on_stack(alt, r->rsp);
	u64 sp = r->rsp - RED_ZONE;

	if ((act->flags & SA_ONSTACK) && usable && !on_alt) {
		sp = user_to_u64(alt->ss_sp) + alt->ss_size;
		on_alt = true;
	}
	*fpu = ALIGN_DOWN(sp - arch_fpu_frame_size(), 64ul);
	/* At the handler's first instruction rsp + 8 is a multiple of 16, as after a call. */
	*frame = ALIGN_DOWN(*fpu - sizeof(struct rt_sigframe), 16ul) - 8;
	if (on_alt && (*frame < user_to_u64(alt->ss_sp) || *frame > sp))
		return -EFAULT; /* overflow of the alternate stack */
	return *frame < sp ? 0 : -EFAULT;
}

static void fill_context(struct sigcontext *c, const struct regs *r)
{
	const struct arch_thread *at = this_cpu_read(current_arch);

	*c = (struct sigcontext){
		.r8 = r->r8,
		.r9 = r->r9,
		.r10 = r->r10,
		.r11 = r->r11,
		.r12 = r->r12,
		.r13 = r->r13,
		.r14 = r->r14,
		.r15 = r->r15,
		.rdi = r->rdi,
		.rsi = r->rsi,
		.rbp = r->rbp,
		.rbx = r->rbx,
		.rdx = r->rdx,
		.rax = r->rax,
		.rcx = r->rcx,
		.rsp = r->rsp,
		.rip = r->rip,
		.rflags = r->rflags,
		.cs = (u16)r->cs,
		.ss = (u16)r->ss,
		.err = at->err,
		.trapno = at->trapno,
		.cr2 = at->cr2,
	};
}

int arch_setup_signal_frame(struct regs *r, int sig, const struct ksigaction *act,
			    const siginfo_t *info, const sigset_t *oldmask, const stack_t *altstack)
{
	struct rt_sigframe f;
	u64 at, fpu;
	int err;

	if (!(act->flags & SA_RESTORER))
		return -EFAULT;
	err = place_frame(r, act, altstack, &at, &fpu);
	if (err)
		return err;
	err = arch_fpu_save_user(u64_to_user(fpu));
	if (err)
		return err;
	memset(&f, 0, sizeof(f));
	f.restorer = user_to_u64(act->restorer);
	f.uc.flags =
		UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS | (cpu_features.xsave ? UC_FP_XSTATE : 0);
	f.uc.stack = *altstack;
	fill_context(&f.uc.mcontext, r);
	f.uc.mcontext.oldmask = oldmask->sig[0];
	f.uc.mcontext.fpstate = fpu;
	f.uc.sigmask = *oldmask;
	f.info = *info;
	if (copy_out(u64_to_user(at), &f, sizeof(f)))
		return -EFAULT;

	arch_fpu_restart();
	r->rdi = (u64)sig;
	r->rsi = at + __builtin_offsetof(struct rt_sigframe, info);
	r->rdx = at + __builtin_offsetof(struct rt_sigframe, uc);
	r->rax = 0; /* no vector registers in use, should the handler be variadic */
	r->rip = user_to_u64(act->handler);
	r->rsp = at;
	r->cs = USER_CS;
	r->ss = USER_DS;
	r->rflags &= ~(FLAG_DF | FLAG_TF | FLAG_RF);
	return 0;
}

int arch_restore_signal_frame(struct regs *r, sigset_t *mask, stack_t *altstack)
{
	struct ucontext uc;
	const struct sigcontext *c = &uc.mcontext;
	u64 at = r->rsp - 8; /* the restorer's address was popped by the handler's RET */

	if (copy_in(&uc, u64_to_user(at + __builtin_offsetof(struct rt_sigframe, uc)), sizeof(uc)))
		return -EFAULT;
	r->r8 = c->r8;
	r->r9 = c->r9;
	r->r10 = c->r10;
	r->r11 = c->r11;
	r->r12 = c->r12;
	r->r13 = c->r13;
	r->r14 = c->r14;
	r->r15 = c->r15;
	r->rdi = c->rdi;
	r->rsi = c->rsi;
	r->rbp = c->rbp;
	r->rbx = c->rbx;
	r->rdx = c->rdx;
	r->rax = c->rax;
	r->rcx = c->rcx;
	r->rsp = c->rsp;
	r->rip = c->rip;
	r->rflags = (r->rflags & ~FLAGS_USER) | (c->rflags & FLAGS_USER);
	r->cs = USER_CS;
	r->ss = USER_DS;
	r->orig_rax = -1ul;
	*mask = uc.sigmask;
	*altstack = uc.stack;
	return arch_fpu_restore_user(u64_to_user(c->fpstate));
}
