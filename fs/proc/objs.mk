# procfs: the registered tree (shared with sysfs), text files, and the files about the whole machine.
KOBJS += fs/seq.o fs/proc/pseudofs.o fs/proc/procfs.o fs/proc/mem.o fs/proc/stat.o fs/proc/sys.o fs/proc/proc_test.o
