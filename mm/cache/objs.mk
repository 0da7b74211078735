# The page cache and the cursors over user memory.
KOBJS += mm/cache/cache_test.o mm/cache/iov.o mm/cache/lru.o mm/cache/mapping.o mm/cache/pagelock.o mm/cache/rw.o \
	mm/cache/truncate.o mm/cache/writeback.o
