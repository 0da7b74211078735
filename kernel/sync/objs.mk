KOBJS += kernel/sync/spinlock.o kernel/sync/preempt.o kernel/sync/rcu.o
ifeq ($(BUILD),debug)
KOBJS += kernel/sync/lockdep.o
endif
