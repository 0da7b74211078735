#!/usr/bin/env bash
# See that everything needed is there; install what is missing by name from Debian; fail loudly.
# usage: deps.sh build|iso|run|test|bochs|all
# Each line below: what must be there, the package that brings it, the levels that need it.
set -euo pipefail
cd "$(dirname "$0")/.."
level=${1:-build}

table='
gcc            gcc                 build
ld             binutils            build
nm             binutils            build
objcopy        binutils            build
nasm           nasm                build
python3        python3             build
musl-gcc       musl-tools          build
/bin/busybox   busybox-static      build
/usr/include/linux/version.h linux-libc-dev build
/usr/include/x86_64-linux-gnu/asm/unistd_64.h linux-libc-dev build
curl           curl                build
dpkg-source    dpkg-dev            build
xz             xz-utils            build
patch          patch               build
grub-mkrescue  grub-common         iso
/usr/lib/grub/i386-pc/multiboot2.mod grub-pc-bin iso
/usr/lib/grub/x86_64-efi/multiboot2.mod grub-efi-amd64-bin iso
xorriso        xorriso             iso
mformat        mtools              iso
qemu-system-x86_64 qemu-system-x86 run
gdb            gdb                 run
/usr/share/OVMF/OVMF_CODE.fd ovmf  test
clang          clang               test
ld.lld         lld                 test
clang-format   clang-format        test
cppcheck       cppcheck            test
cpio           cpio                test
python3:pexpect python3-pexpect    test
clang:asan     libclang-rt-14-dev  test
bochs          bochs               bochs
/usr/share/bochs/BIOS-bochs-latest bochsbios bochs
/usr/share/bochs/VGABIOS-lgpl-latest vgabios bochs
/usr/lib/x86_64-linux-gnu/bochs/plugins/libbx_sdl2_gui.so bochs-sdl bochs
'

needed() { # levels include the ones before them
	case "$level:$1" in
	all:*|bochs:*|test:build|test:iso|test:run|test:test|run:build|run:iso|run:run|iso:build|iso:iso|build:build) return 0 ;;
	*) return 1 ;;
	esac
}
present() {
	case $1 in
	/bin/busybox) [ -x /bin/busybox ] && ! readelf -lW /bin/busybox 2>/dev/null | grep -q INTERP ;;
	/*) [ -e "$1" ] ;;
	python3:*) /usr/bin/python3 -c "import ${1#python3:}" 2>/dev/null ;;
	clang:asan) ls /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.asan-x86_64.a >/dev/null 2>&1 ;;
	*) command -v "$1" >/dev/null 2>&1 ;;
	esac
}
list_missing() {
	while read -r what package lvl; do
		[ -n "$what" ] && needed "$lvl" && ! present "$what" && echo "$package"
	done <<<"$table" | sort -u
	return 0
}

missing=$(list_missing)
if [ -n "$missing" ]; then
	if ! command -v apt-get >/dev/null 2>&1; then
		echo "deps: missing, please install what these Debian packages hold:" $missing >&2
		exit 1
	fi
	sudo=
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null 2>&1 || { echo "deps: run as root: apt-get install" $missing >&2; exit 1; }
		sudo=sudo
	fi
	echo "deps: installing" $missing >&2
	export DEBIAN_FRONTEND=noninteractive
	install() { $sudo apt-get install -y --no-install-recommends $missing >&2; }
	install || { $sudo apt-get update >&2 && install; } || { echo "deps: apt-get could not install:" $missing >&2; exit 1; }
	missing=$(list_missing)
	[ -z "$missing" ] || { echo "deps: still missing after installation:" $missing >&2; exit 1; }
fi
if [ -x tools/fetch-third-party.sh ]; then tools/fetch-third-party.sh; fi
