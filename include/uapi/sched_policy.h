/* Scheduling policies and parameters of the ABI (sched(7), sched_setscheduler(2)). */
#pragma once
#include <lib/types.h>

#define SCHED_NORMAL	    0
#define SCHED_FIFO	    1
#define SCHED_RR	    2
#define SCHED_BATCH	    3
#define SCHED_IDLE	    5
#define SCHED_DEADLINE	    6
#define SCHED_RESET_ON_FORK 0x40000000

#define RT_PRIO_MIN 1
#define RT_PRIO_MAX 99
#define NICE_MIN    (-20)
#define NICE_MAX    19

#define PRIO_PROCESS 0
#define PRIO_PGRP    1
#define PRIO_USER    2

struct sched_param_abi {
	s32 sched_priority;
};
_Static_assert(sizeof(struct sched_param_abi) == 4, "ABI");
