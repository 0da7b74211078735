# Processes, signals, futexes, limits (see README.md).
KOBJS += kernel/proc/pid.o kernel/proc/process.o kernel/proc/fork.o kernel/proc/exit.o kernel/proc/wait.o \
	kernel/proc/rlimits.o kernel/proc/exec.o kernel/proc/elf.o kernel/proc/futex.o kernel/proc/cred_calls.o kernel/proc/ids.o kernel/proc/system.o kernel/proc/prctl.o kernel/proc/rseq.o kernel/proc/oom.o kernel/proc/signal_calls.o kernel/proc/signal_deliver.o
KOBJS += kernel/proc/itimer.o kernel/proc/sched_calls.o
