/* The text of /proc/cpuinfo for one CPU (proc_cpuinfo(5)): identity, topology, feature names. All CPUs of a PC report
 * the same features; those are read on the CPU that runs this. Sources: Intel SDM vol. 2, CPUID; AMD APM vol. 3. */
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/smp.h>
#include <lib/string.h>
#include "plat_priv.h"

/* Names of feature bits as programs know them; "" where nobody asks. */
static const char *const leaf1_edx[32] = {
	"fpu",	"vme",	"de",	"pse", "tsc",  "msr", "pae",   "mce", "cx8",	 "apic", "",
	"sep",	"mtrr", "pge",	"mca", "cmov", "pat", "pse36", "pn",  "clflush", "",	 "dts",
	"acpi", "mmx",	"fxsr", "sse", "sse2", "ss",  "ht",    "tm",  "ia64",	 "pbe"};
static const char *const leaf1_ecx[32] = {
	"pni",	  "pclmulqdq", "dtes64", "monitor", "ds_cpl",
	"vmx",	  "smx",       "est",	 "tm2",	    "ssse3",
	"cid",	  "sdbg",      "fma",	 "cx16",    "xtpr",
	"pdcm",	  "",	       "pcid",	 "dca",	    "sse4_1",
	"sse4_2", "x2apic",    "movbe",	 "popcnt",  "tsc_deadline_timer",
	"aes",	  "xsave",     "",	 "avx",	    "f16c",
	"rdrand", "hypervisor"};
static const char *const ext1_edx[32] = {
	"",	   "", "", "",	       "",	  "",	    "", "",   "",	  "",	  "",
	"syscall", "", "", "",	       "",	  "",	    "", "",   "mp",	  "nx",	  "",
	"mmxext",  "", "", "fxsr_opt", "pdpe1gb", "rdtscp", "", "lm", "3dnowext", "3dnow"};
static const char *const ext1_ecx[32] = {"lahf_lm", "cmp_legacy",  "svm",
					 "extapic", "cr8_legacy",  "abm",
					 "sse4a",   "misalignsse", "3dnowprefetch",
					 "osvw",    "ibs",	   "xop",
					 "skinit",  "wdt",	   "",
					 "lwp",	    "fma4",	   "tce",
					 "",	    "nodeid_msr",  "",
					 "tbm",	    "topoext"};
static const char *const leaf7_ebx[32] = {
	"fsgsbase",   "tsc_adjust", "sgx",	  "bmi1",     "hle",	  "avx2",     "",
	"smep",	      "bmi2",	    "erms",	  "invpcid",  "rtm",	  "cqm",      "",
	"mpx",	      "rdt_a",	    "avx512f",	  "avx512dq", "rdseed",	  "adx",      "smap",
	"avx512ifma", "",	    "clflushopt", "clwb",     "intel_pt", "avx512pf", "avx512er",
	"avx512cd",   "sha_ni",	    "avx512bw",	  "avx512vl"};
static const char *const leaf7_ecx[32] = {"",
					  "avx512vbmi",
					  "umip",
					  "pku",
					  "ospke",
					  "waitpkg",
					  "avx512_vbmi2",
					  "",
					  "gfni",
					  "vaes",
					  "vpclmulqdq",
					  "avx512_vnni",
					  "avx512_bitalg",
					  "tme",
					  "avx512_vpopcntdq",
					  "",
					  "la57",
					  "",
					  "",
					  "",
					  "",
					  "",
					  "rdpid",
					  "",
					  "",
					  "cldemote",
					  "",
					  "movdiri",
					  "movdir64b"};
static const char *const leaf7_edx[32] = {"",
					  "",
					  "avx512_4vnniw",
					  "avx512_4fmaps",
					  "fsrm",
					  "",
					  "",
					  "",
					  "avx512_vp2intersect",
					  "",
					  "md_clear",
					  "",
					  "",
					  "",
					  "serialize",
					  "",
					  "",
					  "tsxldtrk",
					  "pconfig",
					  "arch_lbr",
					  "ibt",
					  "",
					  "amx_bf16",
					  "avx512_fp16",
					  "amx_tile",
					  "amx_int8",
					  "",
					  "",
					  "flush_l1d",
					  "arch_capabilities",
					  "",
					  ""};
static const char *const xsave_eax[32] = {"xsaveopt", "xsavec", "xgetbv1", "xsaves"};
static const char *const thermal_eax[32] = {"dtherm", "ida", "arat"};
static const char *const power_edx[32] = {
	"", "", "", "", "", "", "", "", "constant_tsc nonstop_tsc"};

struct text {
	char *buf;
	size_t n, len;
};

static void add(struct text *t, const char *fmt, ...) __printf(2, 3);
static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int k = vsnprintf(t->buf + t->len, t->n - t->len, fmt, ap);
	va_end(ap);
	if (k > 0)
		t->len = min_t(size_t, t->len + k, t->n ? t->n - 1 : 0);
}

static void add_bits(struct text *t, u32 bits, const char *const *names)
{
	for (unsigned i = 0; i < 32; i++)
		if ((bits >> i & 1) && names[i] && names[i][0])
			add(t, " %s", names[i]);
}

static void add_flags(struct text *t)
{
	u32 max = cpuid_get(0, 0).a, max_ext = cpuid_get(0x80000000, 0).a;
	struct cpuid_regs r = cpuid_get(1, 0), e = cpuid_get(0x80000001, 0);

	add(t, "flags\t\t:");
	add_bits(t, r.d, leaf1_edx);
	add_bits(t, e.d, ext1_edx);
	if (max_ext >= 0x80000007)
		add_bits(t, cpuid_get(0x80000007, 0).d, power_edx);
	add(t, " rep_good nopl cpuid");
	add_bits(t, r.c, leaf1_ecx);
	add_bits(t, e.c, ext1_ecx);
	if (max >= 7) {
		struct cpuid_regs s = cpuid_get(7, 0);
		add_bits(t, s.b, leaf7_ebx);
		add_bits(t, s.c, leaf7_ecx);
		add_bits(t, s.d, leaf7_edx);
	}
	if (max >= 0xd && cpu_features.xsave)
		add_bits(t, cpuid_get(0xd, 1).a, xsave_eax);
	if (max >= 6)
		add_bits(t, cpuid_get(6, 0).a, thermal_eax);
	add(t, "\n");
}

/* Bits of the APIC id below the package number, from leaf 0xb, else one package per 2^n logical CPUs (leaf 1). */
static unsigned package_shift(void)
{
	unsigned shift = 0;

	if (cpuid_get(0, 0).a >= 0xb)
		for (unsigned level = 0; level < 8; level++) {
			struct cpuid_regs r = cpuid_get(0xb, level);
			if (!(r.c >> 8 & 0xff))
				break;
			shift = r.a & 31;
		}
	if (shift || !(cpuid_get(1, 0).d >> 28 & 1))
		return shift;
	unsigned logical = cpuid_get(1, 0).b >> 16 & 0xff;
	while ((1u << shift) < logical)
		shift++;
	return shift;
}

static unsigned smt_shift(void)
{
	if (cpuid_get(0, 0).a < 0xb)
		return 0;
	struct cpuid_regs r = cpuid_get(0xb, 0);
	return (r.c >> 8 & 0xff) == 1 ? r.a & 31 : 0;
}

static void add_topology(struct text *t, unsigned cpu)
{
	unsigned shift = package_shift(), smt = smt_shift(), siblings = 0;
	u32 id = cpu_apic_id ? cpu_apic_id[cpu] : 0, package = id >> shift;
	unsigned cores = 0;

	for_each_online_cpu (c) {
		if (cpu_apic_id[c] >> shift != package)
			continue;
		siblings++;
		cores += !(cpu_apic_id[c] & ((1u << smt) - 1));
	}
	add(t,
	    "physical id\t: %u\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\napicid\t\t: %u\ninitial apicid\t: %u\n",
	    package, siblings, (id & ((1u << shift) - 1)) >> smt, cores ? cores : 1, id, id);
}

int arch_cpuinfo(unsigned cpu, char *buf, size_t n)
{
	struct text t = {buf, n, 0};
	u64 khz = arch_tsc_khz();
	struct cpuid_regs l1 = cpuid_get(1, 0);
	u32 cache_kb =
		cpuid_get(0x80000000, 0).a >= 0x80000006 ? cpuid_get(0x80000006, 0).c >> 16 : 0;
	/* 500000/HZ-style loops are long gone; two per TSC cycle is what everyone reports. */
	u64 bogo = khz * 2;

	add(&t,
	    "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\nstepping\t: %u\n",
	    cpu, cpu_features.vendor, cpu_features.family, cpu_features.model,
	    cpu_features.model_name, cpu_features.stepping);
	add(&t, "cpu MHz\t\t: %lu.%03lu\ncache size\t: %u KB\n", khz / 1000, khz % 1000, cache_kb);
	add_topology(&t, cpu);
	add(&t, "fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\n",
	    cpuid_get(0, 0).a);
	add_flags(&t);
	add(&t, "bugs\t\t:\nbogomips\t: %lu.%02lu\nclflush size\t: %u\ncache_alignment\t: %u\n",
	    bogo / 1000, bogo % 1000 / 10, (l1.b >> 8 & 0xff) * 8, (l1.b >> 8 & 0xff) * 8);
	add(&t, "address sizes\t: %u bits physical, %u bits virtual\npower management:\n\n",
	    cpu_features.phys_bits, cpu_features.virt_bits);
	return (int)t.len;
}
