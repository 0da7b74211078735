KOBJS += kernel/sync/spinlock.o kernel/sync/preempt.o kernel/sync/rcu.o
