/* Private to kernel/time. */
#pragma once
#include <time/clock.h>

void timers_init(void);
bool clock_valid(int clk);
