# Threads, scheduling classes, sleeping locks, signals, work queues (see README.md).
KOBJS += kernel/sched/core.o kernel/sched/fair.o kernel/sched/rt.o kernel/sched/idle.o kernel/sched/balance.o \
	kernel/sched/tick.o kernel/sched/thread.o kernel/sched/params.o kernel/sched/wait.o kernel/sched/mutex.o \
	kernel/sched/rwsem.o kernel/sched/completion.o kernel/sched/cred.o kernel/sched/signal.o \
	kernel/sched/workqueue.o kernel/sched/rcu_thread.o kernel/sched/async.o \
	kernel/sched/sched_test.o kernel/sched/lock_test.o
ifeq ($(BUILD),debug)
KOBJS += kernel/sched/lockdep_test.o
endif
