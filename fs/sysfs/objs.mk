# sysfs and the files about CPUs and memory that no driver owns.
KOBJS += fs/sysfs/sysfs.o fs/sysfs/machine.o
