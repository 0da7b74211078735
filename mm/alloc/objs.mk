# Frames, slab, vmalloc.
KOBJS += mm/alloc/early.o mm/alloc/buddy.o mm/alloc/meminit.o mm/alloc/page.o mm/alloc/slab.o mm/alloc/kmalloc.o mm/alloc/vmalloc.o mm/alloc/kstack.o mm/alloc/alloc_test.o
