#!/usr/bin/env bash
# Build x86_64-elf binutils and GCC (C only) from Debian's binutils-source and gcc-12-source into a cache.
# usage: toolchain.sh          environment: PREFIX (default ~/.cache/daedalus/x86_64-elf), JOBS
# Takes 10 to 35 minutes and about 3 GB while it builds. Then put $PREFIX/bin on the PATH: make uses it.
set -euo pipefail
prefix=${PREFIX:-${XDG_CACHE_HOME:-$HOME/.cache}/daedalus/x86_64-elf}
jobs=${JOBS:-$(nproc)}
target=x86_64-elf
if [ -x "$prefix/bin/$target-gcc" ] && [ -x "$prefix/bin/$target-ld" ]; then
	echo "toolchain: $prefix/bin/$target-gcc is there already"
	exit 0
fi
sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
packages="binutils-source gcc-12-source gcc g++ make bison flex texinfo libgmp-dev libmpfr-dev libmpc-dev xz-utils patch"
missing=
for p in $packages; do dpkg -s "$p" >/dev/null 2>&1 || missing="$missing $p"; done
if [ -n "$missing" ]; then
	command -v apt-get >/dev/null || { echo "toolchain: this needs Debian's packages:$missing" >&2; exit 1; }
	DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y --no-install-recommends $missing ||
		{ $sudo apt-get update && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y --no-install-recommends $missing; }
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/toolchain.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$prefix"
export PATH="$prefix/bin:$PATH" MAKEINFO=true

echo "toolchain: binutils"
tar -xf /usr/src/binutils/binutils-*.tar.xz -C "$work"
mkdir "$work/build-binutils"
(cd "$work/build-binutils" && "$work"/binutils-*/configure --target=$target --prefix="$prefix" --disable-nls --disable-werror \
	--disable-gdb --disable-gprofng --disable-sim --disable-readline --with-system-zlib=no >/dev/null &&
	make -j"$jobs" >log 2>&1 && make install >>log 2>&1) || { tail -n 30 "$work/build-binutils/log"; exit 1; }

echo "toolchain: gcc"
tar -xf /usr/src/gcc-12/gcc-12*-dfsg.tar.xz -C "$work"
src=$(echo "$work"/gcc-12*)
# A libgcc without red zone, for kernels.
cat >"$src/gcc/config/i386/t-$target" <<-'T'
	MULTILIB_OPTIONS += mno-red-zone
	MULTILIB_DIRNAMES += no-red-zone
T
sed -i "/^x86_64-\*-elf\*)/,/;;/ s#^\(\ttm_file=.*\)#\1\n\ttmake_file=\"\${tmake_file} i386/t-$target\"#" "$src/gcc/config.gcc"
# Debian's tarball lacks the manual that this rule would compare; nothing else needs it.
awk '/^s-tm-texi: build\/genhooks/ { print "s-tm-texi:\n\t$(STAMP) $@"; skip = 1; next }
	skip && /^$/ { skip = 0 } !skip' "$src/gcc/Makefile.in" >"$work/Makefile.in"
cp "$work/Makefile.in" "$src/gcc/Makefile.in"
mkdir "$work/build-gcc"
(cd "$work/build-gcc" && "$src/configure" --target=$target --prefix="$prefix" --disable-nls --enable-languages=c \
	--without-headers --disable-bootstrap --disable-shared --disable-threads --disable-libssp --disable-libquadmath \
	--disable-libgomp --disable-libatomic --disable-lto --disable-plugin >/dev/null &&
	make -j"$jobs" all-gcc >log 2>&1 && make -j"$jobs" all-target-libgcc >>log 2>&1 &&
	make install-strip-gcc install-target-libgcc >>log 2>&1) ||
	{ tail -n 30 "$work/build-gcc/log"; exit 1; }
"$prefix/bin/$target-gcc" --version | head -n 1
echo "toolchain: done; add $prefix/bin to the PATH"
