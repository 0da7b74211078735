KOBJS += kernel/time/timer.o kernel/time/clock.o kernel/time/sleep.o kernel/time/calls.o kernel/time/timer_test.o
