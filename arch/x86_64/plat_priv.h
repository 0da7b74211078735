/* The platform part of arch/x86_64: ACPI, APICs, CPUs, clocks, power. Private to this folder. */
#pragma once
#include <arch/acpi.h>
#include <arch/memops.h>
#include <arch/regs.h>
#include <lib/types.h>
#include "arch_priv.h"

/* Interrupt vectors. 0x20..0x2f take what a masked 8259 may still raise; 0x30..0xef are devices'. */
#define VECTOR_PIC	    0x20
#define VECTOR_DEVICE_FIRST 0x30
#define VECTOR_DEVICE_LAST  0xef
#define VECTOR_STOP	    0xf8
#define VECTOR_TLB	    0xf9
#define VECTOR_CALL	    0xfa
#define VECTOR_RESCHEDULE   0xfb
#define VECTOR_IRQ_WORK	    0xfc
#define VECTOR_TIMER	    0xfd
#define VECTOR_APIC_ERROR   0xfe
#define VECTOR_SPURIOUS	    0xff

/* map.c: memory operations of the layers above, and permanent mappings in a window of the kernel half that is arch's
 * own. NULL: no page tables, or no such physical address. */
extern struct arch_mem_ops arch_mem;
void *arch_map_phys(paddr_t p, size_t n, u64 flags);
#define arch_map_device(p, n) arch_map_phys(p, n, PTE_WRITE | PTE_CACHE_UC)

/* acpi.c */
void acpi_tables_init(void);
void acpi_fadt_init(const struct acpi_header *t); /* acpi_fadt.c */
int acpi_s5_types(u8 *typ_a, u8 *typ_b);

/* apic.c */
extern u32 *cpu_apic_id;		   /* [I] by CPU number */
extern bool apic_x2apic;		   /* [I] */
void apic_init_boot(u64 address_override); /* find, map, enable on the boot CPU */
void apic_init_cpu(void);		   /* enable on this AP */
u32 apic_this_id(void);			   /* of the running CPU, by CPUID or the register */
void apic_set_lint_nmi(void);		   /* after enumeration: LINT pins from the MADT */
void apic_eoi(void);
u32 apic_read(u32 reg);
void apic_write(u32 reg, u32 v);
/* Any context. */
void apic_send_ipi(unsigned cpu, u8 vector);
void apic_send_ipi_self(u8 vector);
void apic_send_nmi(unsigned cpu);
void apic_send_init(unsigned cpu);
void apic_send_startup(unsigned cpu, u8 page);

enum {
	APIC_ID = 0x20,
	APIC_VERSION = 0x30,
	APIC_TPR = 0x80,
	APIC_EOI = 0xb0,
	APIC_LDR = 0xd0,
	APIC_DFR = 0xe0,
	APIC_SVR = 0xf0,
	APIC_ISR = 0x100,
	APIC_ESR = 0x280,
	APIC_LVT_CMCI = 0x2f0,
	APIC_ICR = 0x300,
	APIC_ICR_HIGH = 0x310,
	APIC_LVT_TIMER = 0x320,
	APIC_LVT_THERMAL = 0x330,
	APIC_LVT_PERF = 0x340,
	APIC_LVT_LINT0 = 0x350,
	APIC_LVT_LINT1 = 0x360,
	APIC_LVT_ERROR = 0x370,
	APIC_TIMER_INITIAL = 0x380,
	APIC_TIMER_CURRENT = 0x390,
	APIC_TIMER_DIVIDE = 0x3e0,
	APIC_SELF_IPI = 0x3f0, /* x2APIC only */
};
#define APIC_LVT_MASKED (1u << 16)

/* ioapic.c */
struct ioapic;
void pic_silence(void);
void ioapic_init(void); /* from the MADT, or the default one */
unsigned ioapic_gsi_end(void);
/* Legacy ISA line to GSI; *flags gets the override's polarity and trigger bits (0: the bus's). */
unsigned ioapic_isa_to_gsi(unsigned isa_irq, u16 *flags);
int ioapic_route(unsigned gsi, u8 vector, u32 apic_id, bool level, bool low) __must_check;
void ioapic_mask(unsigned gsi, bool masked);

/* irq.c */
void irq_init(void);
void irq_dispatch(unsigned vector, struct regs *r);
enum irq_local { IRQ_LOC, IRQ_RES, IRQ_CAL, IRQ_TLB, IRQ_IWI, IRQ_SPU, IRQ_ERR, IRQ_LOCALS };
void irq_count_local(enum irq_local which);

/* smp.c, ipi.c */
void ipi_init(void);
void ipi_handle_calls(unsigned vector);
void irq_work_run(void);
void ipi_call(u8 vector, const unsigned long *mask, void (*fn)(void *), void *arg,
	      void (*meanwhile)(void *));
void ipi_stop_self(void) __noreturn;
/* An NMI that one of the functions of smp.h sent: true. Called by the NMI entry. */
bool smp_handle_nmi(struct regs *r);

/* clock.c, apic_timer.c */
void clock_init(void);		       /* calibration, boot CPU */
void clock_refine(void);	       /* longer baseline, before other CPUs run */
void clock_tsc_check(unsigned rounds); /* one side of the cross-CPU check */
void clock_tsc_verdict(void);	       /* after all CPUs ran it */
void apic_timer_calibrated(u64 hz);
void apic_timer_init(void); /* boot CPU: chooses the mode */
void apic_timer_init_cpu(void);
void apic_timer_irq(void);
void apic_timer_start_calibration(void);
u64 clock_ns_to_tsc(u64 ns);
/* Longest time between two readings that the clock source stands; U64_MAX: any. */
u64 clock_max_gap_ns(void);

struct cpuid_regs {
	u32 a, b, c, d;
};
static inline struct cpuid_regs cpuid_get(u32 leaf, u32 sub)
{
	struct cpuid_regs r;
	cpuid(leaf, sub, &r.a, &r.b, &r.c, &r.d);
	return r;
}
/* a * b / c with a 128-bit product; the quotient must fit. */
static inline u64 mul_div64(u64 a, u64 b, u64 c)
{
	u64 q, hi;
	__asm__("mulq %3; divq %4" : "=&a"(q), "=&d"(hi) : "0"(a), "rm"(b), "r"(c) : "cc");
	return q;
}
/* a * b >> s with a 128-bit product; s < 64. */
static inline u64 mul_shr64(u64 a, u64 b, unsigned s)
{
	return (u64)(((unsigned __int128)a * b) >> s);
}
