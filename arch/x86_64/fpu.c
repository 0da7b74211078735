/* FPU, SSE and AVX state: one XSAVE area per user thread, switched eagerly.
 *
 * The kernel itself uses none of these registers, so the running user thread's state stays in them while
 * it is in the kernel. It is saved on every switch away and loaded on a switch to a thread, unless this
 * CPU still holds that very state (a kernel thread ran in between): fpu_owner names the area whose
 * contents the registers hold, area->cpu the CPU that loaded it last; both must agree.
 * The format is the standard (not compacted) one, which is what signal frames and ptrace show. CPUs
 * without XSAVE (qemu64) use FXSAVE on the same area.
 *
 * Source: Intel SDM vol. 1, chapter 13 (XSAVE), 10.5 (FXSAVE); the frame trailer (fpx_sw_bytes) is part
 * of Linux's signal ABI (sigaction(2), <asm/sigcontext.h>). Locks: none; interrupts off where noted. */
#include "arch_priv.h"
#include "fpu_priv.h"
#include <arch/cpu.h>
#include <arch/thread.h>
#include <arch/uaccess.h>
#include <init/sections.h>
#include <lib/string.h>
#include <uapi/errno.h>

#define XCR0_X87    1ul
#define XCR0_SSE    2ul
#define XCR0_AVX    4ul
#define XCR0_AVX512 0xe0ul

#define FP_XSTATE_MAGIC1 0x46505853u
#define FP_XSTATE_MAGIC2 0x46505845u
#define SW_BYTES_OFFSET	 464 /* in the FXSAVE area: bytes left to software */

struct fpx_sw_bytes {
	u32 magic1, extended_size;
	u64 xfeatures;
	u32 xstate_size, padding[7];
};
_Static_assert(sizeof(struct fpx_sw_bytes) == 48, "signal ABI");

static u32 mxcsr_mask __ro_after_init = 0xffbf;
static DEFINE_PER_CPU(struct fpu_state *, fpu_owner);

static void *(*area_alloc)(void);
static void (*area_free)(void *p);

void arch_fpu_set_allocator(void *(*alloc)(void), void (*free)(void *p))
{
	area_alloc = alloc;
	area_free = free;
}

static inline void xsetbv(u64 v)
{
	__asm__ volatile("xsetbv" ::"c"(0), "a"((u32)v), "d"((u32)(v >> 32)));
}

static void hw_save(struct fpu_state *s)
{
	u64 m = cpu_features.xcr0;

	if (cpu_features.xsaveopt)
		__asm__ volatile("xsaveopt64 %0"
				 : "+m"(s->xsave)
				 : "a"((u32)m), "d"((u32)(m >> 32))
				 : "memory");
	else if (cpu_features.xsave)
		__asm__ volatile("xsave64 %0"
				 : "+m"(s->xsave)
				 : "a"((u32)m), "d"((u32)(m >> 32))
				 : "memory");
	else
		__asm__ volatile("fxsave64 %0" : "=m"(s->xsave)::"memory");
}

/* The area's contents are valid by construction or by sanitize(). */
static void hw_load(const struct fpu_state *s)
{
	u64 m = cpu_features.xcr0;

	if (cpu_features.xsave)
		__asm__ volatile("xrstor64 %0" ::"m"(s->xsave), "a"((u32)m), "d"((u32)(m >> 32))
				 : "memory");
	else
		__asm__ volatile("fxrstor64 %0" ::"m"(s->xsave) : "memory");
}

__init void fpu_detect(void)
{
	u32 a, b, c, d;

	cpu_features.xsave_size = 512;
	if (!cpu_features.xsave)
		return;
	cpuid(13, 0, &a, &b, &c, &d);
	u64 have = (u64)d << 32 | a;
	u64 xcr0 = XCR0_X87 | XCR0_SSE;
	if (cpu_features.avx && (have & XCR0_AVX)) {
		xcr0 |= XCR0_AVX;
		if ((have & XCR0_AVX512) == XCR0_AVX512)
			xcr0 |= XCR0_AVX512;
	}
	cpu_features.xcr0 = xcr0;
}

void fpu_init_this(void)
{
	__asm__ volatile("fninit");
	if (cpu_features.xsave) {
		xsetbv(cpu_features.xcr0);
		if (cpu_features.xsave_size == 512) { /* the boot CPU, first time */
			u32 a, b, c, d;

			cpuid(13, 0, &a, &b, &c, &d);
			cpu_features.xsave_size = b; /* of the components enabled in XCR0 */
		}
	}
	if (cpu_id() == 0) {
		static struct fxsave probe __initdata __aligned(64);

		__asm__ volatile("fxsave64 %0" : "=m"(probe)::"memory");
		if (probe.mxcsr_mask)
			mxcsr_mask = probe.mxcsr_mask;
	}
	this_cpu_write(fpu_owner, NULL);
}

size_t arch_fpu_area_size(void)
{
	return __builtin_offsetof(struct fpu_state, xsave) + cpu_features.xsave_size;
}

static void set_initial(struct fpu_state *s)
{
	memset(&s->xsave, 0, cpu_features.xsave_size);
	s->xsave.fx.fcw = 0x37f;
	s->xsave.fx.mxcsr = 0x1f80;
	s->cpu = FPU_NO_CPU;
}

struct fpu_state *fpu_alloc(void)
{
	struct fpu_state *s = area_alloc ? area_alloc() : NULL;

	if (s)
		set_initial(s);
	return s;
}

void fpu_free(struct fpu_state *s)
{
	if (s)
		area_free(s);
}

void fpu_switch(struct fpu_state *prev, struct fpu_state *next)
{
	if (prev)
		hw_save(prev);
	if (!next || (this_cpu_read(fpu_owner) == next && next->cpu == cpu_id()))
		return;
	hw_load(next);
	next->cpu = cpu_id();
	this_cpu_write(fpu_owner, next);
}

void fpu_copy_current(struct fpu_state *dst, struct fpu_state *current_state)
{
	preempt_disable();
	hw_save(current_state);
	preempt_enable();
	memcpy(&dst->xsave, &current_state->xsave, cpu_features.xsave_size);
	dst->cpu = FPU_NO_CPU;
}

static void load_changed(struct fpu_state *s)
{
	preempt_disable();
	hw_load(s);
	s->cpu = cpu_id();
	this_cpu_write(fpu_owner, s);
	preempt_enable();
}

void fpu_reset_current(struct fpu_state *s)
{
	preempt_disable();
	set_initial(s);
	load_changed(s);
	preempt_enable();
}

/* ---- signal frames ------------------------------------------------------------------------------ */

static struct fpu_state *own_state(void)
{
	return this_cpu_read(current_arch)->fpu;
}

void arch_fpu_restart(void)
{
	if (own_state())
		fpu_reset_current(own_state());
}

size_t arch_fpu_frame_size(void)
{
	return cpu_features.xsave_size + (cpu_features.xsave ? sizeof(u32) : 0);
}

/* Programs read and change x87 and SSE registers in a frame without a look at the header: components that
 * the CPU left out as initial (SDM vol. 1, 13.6) are filled in, and the frame's header names them. The
 * values are the true ones, so the area stays what the CPU knows it to be. */
static void fill_legacy(struct xsave_area *x)
{
	u64 missing = ~x->xstate_bv;

	if (missing & XCR0_X87) {
		x->fx.fcw = 0x37f;
		x->fx.fsw = x->fx.ftw = x->fx.fop = 0;
		x->fx.rip = x->fx.rdp = 0;
		memset(x->fx.st, 0, sizeof(x->fx.st));
	}
	if (missing & XCR0_SSE)
		memset(x->fx.xmm, 0, sizeof(x->fx.xmm));
}

int arch_fpu_save_user(void __user *frame)
{
	struct fpu_state *s = own_state();
	u32 size = cpu_features.xsave_size, magic2 = FP_XSTATE_MAGIC2;
	struct fpx_sw_bytes sw = {
		.magic1 = FP_XSTATE_MAGIC1,
		.extended_size = size + sizeof(u32),
		.xfeatures = cpu_features.xcr0,
		.xstate_size = size,
	};
	char __user *p = frame;

	if (!s)
		return -EFAULT;
	preempt_disable();
	hw_save(s);
	if (cpu_features.xsave)
		fill_legacy(&s->xsave);
	u64 bv = s->xsave.xstate_bv | XCR0_X87 | XCR0_SSE;
	preempt_enable();
	if (copy_out(p, &s->xsave, size))
		return -EFAULT;
	if (!cpu_features.xsave)
		return clear_user(p + SW_BYTES_OFFSET, sizeof(sw));
	if (copy_out(p + SW_BYTES_OFFSET, &sw, sizeof(sw)) ||
	    copy_out(p + offsetof(struct xsave_area, xstate_bv), &bv, sizeof(bv)) ||
	    copy_out(p + size, &magic2, sizeof(magic2)))
		return -EFAULT;
	return 0;
}

/* Make what user mode wrote loadable without a fault. */
static void sanitize(struct fpu_state *s, u64 features)
{
	struct xsave_area *x = &s->xsave;

	x->fx.mxcsr &= mxcsr_mask;
	if (!cpu_features.xsave)
		return;
	x->xstate_bv &= features & cpu_features.xcr0;
	x->xcomp_bv = 0;
	memset(x->reserved, 0, sizeof(x->reserved));
}

int arch_fpu_restore_user(const void __user *frame)
{
	struct fpu_state *s = own_state();
	const char __user *p = frame;
	struct fpx_sw_bytes sw;
	u32 magic2, size = cpu_features.xsave_size;
	u64 features = XCR0_X87 | XCR0_SSE;
	int err = -EFAULT;

	if (!s)
		return -EFAULT;
	if (!frame) {
		arch_fpu_restart();
		return 0;
	}
	if (copy_in(&sw, p + SW_BYTES_OFFSET, sizeof(sw)))
		return -EFAULT;
	bool extended = cpu_features.xsave && sw.magic1 == FP_XSTATE_MAGIC1 &&
			sw.xstate_size == size && sw.extended_size == size + sizeof(u32) &&
			!copy_in(&magic2, p + size, sizeof(magic2)) && magic2 == FP_XSTATE_MAGIC2;
	if (extended)
		features = sw.xfeatures;
	/* The area is not the truth while its owner runs: a switch now would save the registers over
	 * it, so it is filled with preemption off, in a copy that may sleep before. */
	struct fpu_state *tmp = fpu_alloc();
	if (!tmp)
		return -ENOMEM;
	if (copy_in(&tmp->xsave, p, extended ? size : sizeof(struct fxsave)))
		goto out;
	if (!extended && cpu_features.xsave)
		tmp->xsave.xstate_bv = features;
	sanitize(tmp, features);
	preempt_disable();
	memcpy(&s->xsave, &tmp->xsave, size);
	load_changed(s);
	preempt_enable();
	err = 0;
out:
	fpu_free(tmp);
	return err;
}
