# The kernel proper; each folder lists its own.
include kernel/lib/objs.mk kernel/log/objs.mk kernel/sync/objs.mk kernel/sched/objs.mk kernel/time/objs.mk \
	kernel/proc/objs.mk kernel/syscall/objs.mk kernel/init/objs.mk
