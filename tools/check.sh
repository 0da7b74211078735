#!/usr/bin/env bash
# make check: format, clang's warnings and lock annotations, address spaces, cppcheck, layers.
# usage: check.sh [STEP ...]     steps: format clang headers cppcheck layers (default: all)
set -uo pipefail
cd "$(dirname "$0")/.."
fail=0
wanted=" $* "
step() { # key, name, command...
	local key=$1 name=$2 log
	shift 2
	[ "$wanted" = "  " ] || [[ $wanted == *" $key "* ]] || return 0
	log=$(mktemp)
	if "$@" >"$log" 2>&1; then
		echo "ok   $name"
	else
		echo "FAIL $name"
		head -n 40 "$log"
		fail=1
	fi
	rm -f "$log"
}
sources() { git ls-files -co --exclude-standard "$@" | while read -r f; do [ -f "$f" ] && echo "$f"; done; }

format() { sources '*.c' '*.h' | xargs clang-format --dry-run -Werror; }
# Every object of the kernel, as clang sees it.
kernel_sources() { sources 'arch/*.c' 'boot/*.c' 'kernel/*.c' 'mm/*.c' 'fs/*.c' 'drivers/*.c' 'net/*.c'; }
clang_flags='--target=x86_64-unknown-none-elf -std=gnu11 -O2 -ffreestanding -mcmodel=kernel -mno-red-zone -mgeneral-regs-only
	-fno-pic -nostdinc -isystem '$(clang -print-file-name=include)' -Iinclude -DKERNEL -Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare
	-Wno-missing-field-initializers -Wno-unused-function -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef
	-Wno-gnu-variable-sized-type-not-at-end -DCHECK_THREAD_SAFETY -Wthread-safety -DCHECK_ADDRESS_SPACES'
for d in drivers/tty/vt/shim kernel/lib/shim third_party/{libvterm/include,libvterm/src,zlib,zstd/lib,lz4/lib}; do
	clang_flags+=" -isystem $d"
done
# What only debug builds hold (kernel/*/objs.mk) is seen as they see it.
debug_only='kernel/sync/lockdep|kernel/log/report|kernel/log/ubsan|kernel/init/crash_debug'
clang_each() { # extra flags
	xargs -P 2 -n 8 sh -c 'for f do clang -fsyntax-only '"$(echo $clang_flags) $*"' "$f" || exit 255; done' sh
}
clang_all() {
	kernel_sources | grep -Ev "$debug_only" | clang_each &&
		kernel_sources | grep -E "$debug_only" | clang_each -DCONFIG_DEBUG -DCONFIG_DEBUG_LOCKS
}
headers() {
	sources 'include/*.h' | while read -r h; do
		echo "#include \"$h\"" | clang -fsyntax-only -x c $clang_flags -I. - || exit 1
	done
}
cppcheck_all() {
	mkdir -p build/cppcheck
	cppcheck --quiet --error-exitcode=1 --enable=warning,portability --inline-suppr --std=c11 --platform=unix64 \
		--suppressions-list=tools/cppcheck.suppress --cppcheck-build-dir=build/cppcheck \
		-Iinclude -DKERNEL -j 2 $(kernel_sources | grep -v ubsan_test) user tests/abi/runner.c
}
step format "format" format
step clang "clang: warnings, lock annotations (-Wthread-safety), user pointers (address spaces)" clang_all
step headers "headers compile alone" headers
step cppcheck "cppcheck" cppcheck_all
step layers "layers" tools/check-layers build/release
exit $fail
