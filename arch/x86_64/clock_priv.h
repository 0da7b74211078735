/* Reference clocks of constant known rate (clock_ref.c), for calibrating the TSC and as its replacement. */
#pragma once
#include <lib/types.h>

#define NSEC_PER_MS 1000000ul

struct ref_clock {
	const char *name;
	u64 (*read)(void); /* counts up; only the bits of mask */
	u64 mask;
	u64 period_fs; /* femtoseconds per tick */
	bool lasting;  /* runs on after calibration */
};
struct ref_sample {
	u64 tsc, ref, width;
	u32 apic;
};

enum { REF_HPET, REF_PM_TIMER, REF_APIC, REF_PIT, REF_CLOCKS };
/* The reference, started; NULL: the machine has none of this kind. Boot CPU. */
const struct ref_clock *ref_clock_probe(unsigned which);
