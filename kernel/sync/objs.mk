KOBJS += kernel/sync/random.o kernel/sync/spinlock.o kernel/sync/preempt.o kernel/sync/rcu.o
