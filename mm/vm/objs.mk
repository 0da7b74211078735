# Address spaces: VMAs, page tables, faults, and the system calls on them.
KOBJS += mm/vm/fault.o mm/vm/mm.o mm/vm/pt.o mm/vm/rmap.o mm/vm/vma.o
