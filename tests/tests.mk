# See tests/README.md.
test:
	$(Q)tests/run.py

# ABI tests: static programs for Linux, run here and in the guest.
ABI_TESTS := $(sort $(patsubst tests/abi/%.c,%,$(wildcard tests/abi/*.c)))
ABI_PROGRAMS := $(addprefix build/tests/abi/,$(ABI_TESTS))
.PHONY: abi-tests
abi-tests: build/tests/abi.cpio
build/tests/abi/%: tests/abi/%.c tests/abi/abi.h $(UAPI_DIR)/.made
	@mkdir -p $(@D)
	@echo "  MUSL  $@"
	$(Q)$(MUSL_GCC) $(USER_CFLAGS) -Wno-unused-parameter -Wno-infinite-recursion -Wno-stringop-overread -Wno-stringop-overflow -Wno-unused-but-set-variable -Wno-clobbered -Wno-array-bounds -Wno-nonnull -Wno-unused-result -pthread $< -o $@
build/tests/abi.cpio: $(ABI_PROGRAMS) tools/mkcpio.py
	$(Q)(echo "dir /abi 0755"; echo "dir /abi/tests 0755"; echo "file /abi/runner build/tests/abi/runner 0755"; \
		for t in $(filter-out runner,$(ABI_TESTS)); do echo "file /abi/tests/$$t build/tests/abi/$$t 0755"; done) \
		>build/tests/abi.list
	$(Q)tools/mkcpio.py build/tests/abi.list $@

test-long: test test-bochs
	$(Q)tests/run.py long
test-bochs: build/daedalus.iso
	$(Q)tests/bochs.py $<
bench: build/daedalus.elf build/tests/bench.cpio
	$(Q)tests/bench.py $(if $(LINUX),--linux $(LINUX))
build/tests/bench/%: tests/bench/%.c $(UAPI_DIR)/.made
	@mkdir -p $(@D)
	@echo "  MUSL  $@"
	$(Q)$(MUSL_GCC) $(USER_CFLAGS) -Wno-unused-result -Wno-clobbered $< -o $@
build/tests/bench.cpio: build/tests/bench/bench build/tests/bench/empty tools/mkcpio.py
	$(Q)printf 'file /bench build/tests/bench/bench 0755\nfile /empty build/tests/bench/empty 0755\n' >build/tests/bench.list
	$(Q)tools/mkcpio.py build/tests/bench.list $@
format:
	git ls-files '*.c' '*.h' | xargs clang-format -i
check: build/daedalus.elf
	$(Q)tools/check.sh

# Random system calls (tests/fuzz).
abi-tests: build/tests/fuzz.cpio
build/tests/fuzz/randcalls: tests/fuzz/randcalls.c $(UAPI_DIR)/.made
	@mkdir -p $(@D)
	@echo "  MUSL  $@"
	$(Q)$(MUSL_GCC) $(USER_CFLAGS) -Wno-unused-result -Wno-clobbered -pthread $< -o $@
build/tests/fuzz.cpio: build/tests/fuzz/randcalls tools/mkcpio.py
	$(Q)echo "file /randcalls build/tests/fuzz/randcalls 0755" >build/tests/fuzz.list
	$(Q)tools/mkcpio.py build/tests/fuzz.list $@
