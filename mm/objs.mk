include mm/alloc/objs.mk mm/vm/objs.mk mm/cache/objs.mk
