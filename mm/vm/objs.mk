# Address spaces: VMAs, page tables, faults, and the system calls on them.
KOBJS += mm/vm/access.o mm/vm/fault.o mm/vm/fork.o mm/vm/madvise.o mm/vm/mlock.o mm/vm/mm.o \
	mm/vm/mmap.o mm/vm/mprotect.o mm/vm/mremap.o mm/vm/pt.o mm/vm/rmap.o mm/vm/stack.o mm/vm/tlb.o mm/vm/tlb_test.o mm/vm/vma.o mm/vm/vm_test.o
