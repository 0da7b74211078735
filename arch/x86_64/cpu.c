/* CPU features and the control registers and MSRs of each CPU.
 *
 * cpu_features describes the boot CPU and is written once; the others are set up to match it. Everything
 * beyond plain x86-64 with NX is optional. cpuid_words holds the raw leaves behind /proc/cpuinfo's flags:
 *   0: 1.EDX  1: 1.ECX  2: 80000001.EDX  3: 80000001.ECX  4: 7.EBX  5: 7.ECX  6: 7.EDX  7: D.1.EAX
 *   8: 80000007.EDX  9: 80000008.EBX  10: 6.EAX
 *
 * Source: Intel SDM vol. 2 (CPUID), vol. 3, 2.5 (CR0, CR4), 2.2.1 (EFER), 11.12 (PAT); AMD APM vol. 3,
 * appendix E. */
#define LOG_PREFIX "cpu: "
#include "arch_priv.h"
#include <arch/cpu.h>
#include <arch/clock.h>
#include <arch/irqflags.h>
#include <arch/pgtable.h>
#include <arch/smp.h>
#include <init/bootinfo.h>
#include <lib/bits.h>
#include <lib/string.h>
#include <log/printk.h>

#define CR0_MP	       (1ul << 1)
#define CR0_EM	       (1ul << 2)
#define CR0_TS	       (1ul << 3)
#define CR0_NE	       (1ul << 5)
#define CR0_WP	       (1ul << 16)
#define CR0_AM	       (1ul << 18)
#define CR0_NW	       (1ul << 29)
#define CR0_CD	       (1ul << 30)
#define CR4_DE	       (1ul << 3)
#define CR4_MCE	       (1ul << 6)
#define CR4_PGE	       (1ul << 7)
#define CR4_OSFXSR     (1ul << 9)
#define CR4_OSXMMEXCPT (1ul << 10)
#define CR4_UMIP       (1ul << 11)
#define CR4_FSGSBASE   (1ul << 16)
#define CR4_PCIDE      (1ul << 17)
#define CR4_OSXSAVE    (1ul << 18)
#define CR4_SMEP       (1ul << 20)
#define CR4_SMAP       (1ul << 21)

#define EFER_SCE (1ul << 0)
#define EFER_NXE (1ul << 11)

/* RFLAGS cleared by SYSCALL: TF, IF, DF, IOPL, NT, RF, AC. */
#define SFMASK 0x57700ul

/* PAT entries by PCD:PWT (the PAT bit is never set): WB, WC, UC-, UC; twice (pgtable.h). */
#define PAT_VALUE 0x0007010600070106ul

#define AT_HWCAP2_RING3MWAIT 1u
#define AT_HWCAP2_FSGSBASE   2u

struct cpu_features cpu_features __ro_after_init;

extern char syscall_entry[], syscall_entry32[]; /* entry.asm */

enum { W_1D, W_1C, W_X1D, W_X1C, W_7B, W_7C, W_7D, W_D1A, W_X7D, W_X8B, W_6A };

static __init void read_leaves(struct cpu_features *f)
{
	u32 a, b, c, d, max, *w = f->cpuid_words;

	cpuid(0, 0, &max, &b, &c, &d);
	memcpy(f->vendor, &b, 4);
	memcpy(f->vendor + 4, &d, 4);
	memcpy(f->vendor + 8, &c, 4);
	cpuid(1, 0, &a, &b, &w[W_1C], &w[W_1D]);
	f->stepping = a & 15;
	f->model = a >> 4 & 15;
	f->family = a >> 8 & 15;
	if (f->family == 6 || f->family == 15)
		f->model |= (a >> 16 & 15) << 4;
	if (f->family == 15)
		f->family += a >> 20 & 255;
	if (max >= 6)
		cpuid(6, 0, &w[W_6A], &b, &c, &d);
	if (max >= 7)
		cpuid(7, 0, &a, &w[W_7B], &w[W_7C], &w[W_7D]);
	if (max >= 13)
		cpuid(13, 1, &w[W_D1A], &b, &c, &d);
	cpuid(0x80000000, 0, &max, &b, &c, &d);
	cpuid(0x80000001, 0, &a, &b, &w[W_X1C], &w[W_X1D]);
	if (max >= 0x80000004) {
		u32 *name = (u32 *)f->model_name;
		for (u32 i = 0; i < 3; i++, name += 4)
			cpuid(0x80000002 + i, 0, &name[0], &name[1], &name[2], &name[3]);
	}
	f->phys_bits = 36;
	f->virt_bits = 48;
	if (max >= 0x80000007)
		cpuid(0x80000007, 0, &a, &b, &c, &w[W_X7D]);
	if (max >= 0x80000008) {
		cpuid(0x80000008, 0, &a, &w[W_X8B], &c, &d);
		f->phys_bits = a & 255;
		f->virt_bits = a >> 8 & 255;
	}
}

static __init void detect(struct cpu_features *f)
{
	const u32 *w = f->cpuid_words;

	read_leaves(f);
	f->la57 = pt_levels == 5;
	f->nx = true; /* the entry code insists on it */
	f->pge = w[W_1D] >> 13 & 1;
	f->pat = w[W_1D] >> 16 & 1;
	f->mwait = w[W_1C] >> 3 & 1;
	f->pcid = w[W_1C] >> 17 & 1;
	f->x2apic = w[W_1C] >> 21 & 1;
	f->tsc_deadline = w[W_1C] >> 24 & 1;
	f->xsave = w[W_1C] >> 26 & 1;
	f->avx = f->xsave && (w[W_1C] >> 28 & 1);
	f->rdrand = w[W_1C] >> 30 & 1;
	f->hypervisor = w[W_1C] >> 31;
	f->fsgsbase = w[W_7B] & 1;
	f->smep = w[W_7B] >> 7 & 1;
	f->erms = w[W_7B] >> 9 & 1;
	f->invpcid = w[W_7B] >> 10 & 1;
	f->rdseed = w[W_7B] >> 18 & 1;
	f->smap = w[W_7B] >> 20 & 1;
	f->umip = w[W_7C] >> 2 & 1;
	f->pku = w[W_7C] >> 3 & 1;
	f->rdpid = w[W_7C] >> 22 & 1;
	f->fsrm = w[W_7D] >> 4 & 1;
	f->xsaveopt = f->xsave && (w[W_D1A] & 1);
	f->pdpe1gb = w[W_X1D] >> 26 & 1;
	f->rdtscp = w[W_X1D] >> 27 & 1;
	f->tsc_invariant = w[W_X7D] >> 8 & 1;
	f->arat = w[W_6A] >> 2 & 1;
	f->hwcap = w[W_1D];
	f->hwcap2 = f->fsgsbase ? AT_HWCAP2_FSGSBASE : 0;
}

/* PCIDs are used when the command line is known and the CPU's INVLPG is sound: on the Intel CPUs below it leaves
 * global entries behind while PCIDs are on, unless the microcode is at least this one (erratum ADL063 and its
 * like). A hypervisor's guest does not see the microcode's real revision, and is not concerned. */
static const struct {
	u8 model;
	u32 microcode;
} invlpg_misses[] = {
	{0x97, 0x2e}, {0x9a, 0x42c}, {0xbe, 0x11}, {0xb7, 0x118}, {0xba, 0x4117}, {0xbf, 0x2e},
};
static bool pcid_decided __ro_after_init, no_pcid __initdata;

static __init void param_nopcid(const char *value)
{
	no_pcid = true;
}
BOOT_PARAM("nopcid", param_nopcid);

static __init bool invlpg_sound(const struct cpu_features *f)
{
	u32 a, b, c, d;

	if (f->hypervisor || f->family != 6 || strcmp(f->vendor, "GenuineIntel"))
		return true;
	for (unsigned i = 0; i < ARRAY_SIZE(invlpg_misses); i++) {
		if (invlpg_misses[i].model != f->model)
			continue;
		/* CPUID puts the revision there (SDM vol. 3, 10.11.7.1). */
		wrmsr(MSR_MICROCODE, 0);
		cpuid(1, 0, &a, &b, &c, &d);
		return rdmsr(MSR_MICROCODE) >> 32 >= invlpg_misses[i].microcode;
	}
	return true;
}

__init void cpu_pcid_init(void)
{
	struct cpu_features *f = &cpu_features;

	f->pcid = f->pcid && f->pge && !no_pcid && invlpg_sound(f);
	f->invpcid = f->invpcid && f->pcid;
	if (!f->pcid) { /* what is not used is not shown */
		f->cpuid_words[W_1C] &= ~(1u << 17);
		f->cpuid_words[W_7B] &= ~(1u << 10);
	}
	pcid_decided = true;
	if (f->pcid)
		write_cr4(read_cr4() | CR4_PCIDE); /* CR3 has no PCID yet, as it must be */
}

void cpu_init_this(unsigned cpu)
{
	const struct cpu_features *f = &cpu_features;
	u64 cr4 = read_cr4() | CR4_DE | CR4_OSFXSR | CR4_OSXMMEXCPT;

	gdt_init_this();
	idt_load();
	cr4 |= (f->cpuid_words[W_1D] >> 7 & 1 ? CR4_MCE : 0) | (f->pge ? CR4_PGE : 0) |
	       (f->umip ? CR4_UMIP : 0) | (f->fsgsbase ? CR4_FSGSBASE : 0) |
	       (f->xsave ? CR4_OSXSAVE : 0) | (pcid_decided && f->pcid ? CR4_PCIDE : 0) |
	       (f->smep ? CR4_SMEP : 0) | (f->smap ? CR4_SMAP : 0);
	write_cr4(cr4);
	write_cr0((read_cr0() | CR0_MP | CR0_NE | CR0_WP | CR0_AM) &
		  ~(CR0_EM | CR0_TS | CR0_NW | CR0_CD));
	if (f->pat)
		wrmsr(MSR_PAT, PAT_VALUE);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | EFER_NXE);
	/* SYSRET takes CS from STAR[63:48] + 16 and SS from + 8, SYSCALL from STAR[47:32] and + 8. */
	wrmsr(MSR_STAR, (u64)USER_CS32 << 48 | (u64)KERNEL_CS << 32);
	wrmsr(MSR_LSTAR, (u64)syscall_entry);
	wrmsr(MSR_CSTAR, (u64)syscall_entry32);
	wrmsr(MSR_SYSENTER_CS, 0); /* SYSENTER faults */
	wrmsr(MSR_SFMASK, SFMASK);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	wrmsr(MSR_FS_BASE, 0);
	if (f->rdtscp || f->rdpid)
		wrmsr(MSR_TSC_AUX, cpu);
	fpu_init_this();
}

__init void arch_cpu_init(void)
{
	detect(&cpu_features);
	fpu_detect();
	alternatives_apply();
	cpu_init_this(0);
}

static bool rdrand(u64 *out)
{
	bool ok;

	__asm__ volatile("rdrand %0" : "=r"(*out), "=@ccc"(ok)::"cc");
	return ok;
}

static bool rdseed(u64 *out)
{
	bool ok;

	__asm__ volatile("rdseed %0" : "=r"(*out), "=@ccc"(ok)::"cc");
	return ok;
}

bool arch_random_u64(u64 *out)
{
	/* Intel's guide: ten tries for RDRAND; RDSEED may run dry for longer, RDRAND then does. */
	for (int i = 0; cpu_features.rdseed && i < 10; i++)
		if (rdseed(out))
			return true;
	for (int i = 0; cpu_features.rdrand && i < 10; i++)
		if (rdrand(out))
			return true;
	return false;
}
