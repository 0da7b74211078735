# Processes, signals, futexes, limits, /proc/PID (see README.md).
KOBJS += kernel/proc/pid.o kernel/proc/process.o kernel/proc/fork.o kernel/proc/exit.o kernel/proc/wait.o \
	kernel/proc/exec.o kernel/proc/elf.o kernel/proc/signal_calls.o kernel/proc/signal_deliver.o \
	kernel/proc/futex.o kernel/proc/rseq.o kernel/proc/oom.o
KOBJS += kernel/proc/ids.o kernel/proc/cred_calls.o kernel/proc/rlimits.o kernel/proc/prctl.o \
	kernel/proc/system.o kernel/proc/procfs_pid.o kernel/proc/procfs_show.o
KOBJS += kernel/proc/itimer.o kernel/proc/sched_calls.o kernel/proc/proc_test.o
