#!/usr/bin/env bash
# Get the third-party sources and data that the kernel is built with into third_party/ (git-ignored), each
# pinned by version and SHA-256. Does nothing when they are there. Sources, in this order: Debian's archive
# through apt with a private source list (the machine's own apt configuration stays untouched), Debian's
# snapshot archive, the upstream release.
# usage: fetch-third-party.sh [NAME...]      environment: DEBIAN_MIRROR, DEBIAN_SUITE
set -euo pipefail
cd "$(dirname "$0")/.."
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
suite=${DEBIAN_SUITE:-bookworm}
snapshot=https://snapshot.debian.org/archive/debian/20250520T000000Z
dest=third_party

# name | Debian source package | version | pool directory | file | SHA-256 | upstream URL | its SHA-256
sources="
zlib|zlib|1:1.2.13.dfsg-1|pool/main/z/zlib|zlib_1.2.13.dfsg.orig.tar.bz2|71feb7947e3c00ef125f83b79a4e529bde31171e5babe48b391f06758d1ab0a1|https://zlib.net/fossils/zlib-1.2.13.tar.gz|b3a24de97a8fdbc835b9833169501030b8977031bcb54b3b3ac13740f846ab30
libvterm|libvterm|0.1.4-1|pool/main/libv/libvterm|libvterm_0.1.4.orig.tar.gz|bc70349e95559c667672fc8c55b9527d9db9ada0fb80a3beda533418d782d3dd|https://www.leonerd.org.uk/code/libvterm/libvterm-0.1.4.tar.gz|bc70349e95559c667672fc8c55b9527d9db9ada0fb80a3beda533418d782d3dd
lz4|lz4|1.9.4-1|pool/main/l/lz4|lz4_1.9.4.orig.tar.gz|0b0e3aa07c8c063ddf40b082bdf7e37a1562bda40a0ff5272957f3e987e0e54b|https://github.com/lz4/lz4/archive/refs/tags/v1.9.4.tar.gz|0b0e3aa07c8c063ddf40b082bdf7e37a1562bda40a0ff5272957f3e987e0e54b
zstd|libzstd|1.5.4+dfsg2-5|pool/main/libz/libzstd|libzstd_1.5.4+dfsg2.orig.tar.xz|8cf4bbb65e77ec348d052c8d6230eba66d435bddf64c8b5be2fcb16880c19953|https://github.com/facebook/zstd/releases/download/v1.5.4/zstd-1.5.4.tar.gz|0f470992aedad543126d06efab344dc5f3e171893810455787d38347343a4424
busybox|busybox|1:1.35.0-4+deb12u1|pool/main/b/busybox|busybox_1.35.0.orig.tar.bz2|faeeb244c35a348a334f4a59e44626ee870fb07b6884d68c10ae8bc19f83a694|https://busybox.net/downloads/busybox-1.35.0.tar.bz2|faeeb244c35a348a334f4a59e44626ee870fb07b6884d68c10ae8bc19f83a694
"
# A binary package of which we take files: the Terminus console fonts.
fonts_package=console-setup-linux
fonts_version=1.221
fonts_file=pool/main/c/console-setup/console-setup-linux_1.221_all.deb
fonts_sha=65fac4777b0d36e48d90c577ba296c9ceeb051210aa1bf405925e2bf6bc6fecd
fonts="Uni2-Terminus16.psf.gz Uni2-Terminus32x16.psf.gz"

say() { echo "fetch-third-party: $*"; }
die() { echo "fetch-third-party: $*" >&2; exit 1; }

# The version stamp inside each folder says what is there.
present() { [ "$(cat "$dest/$1/.version" 2>/dev/null)" = "$2" ]; }

want=${*:-zlib libvterm lz4 zstd fonts}
missing=
while IFS='|' read -r name _ version _; do
	[ -n "$name" ] || continue
	case " $want " in *" $name "*) present "$name" "$version" || missing="$missing $name" ;; esac
done <<<"$sources"
case " $want " in *" fonts "*) present fonts "$fonts_version" || missing="$missing fonts" ;; esac
if [ -z "$missing" ]; then
	[ -n "$*" ] || [ -e "$dest/.stamp" ] || touch "$dest/.stamp"
	exit 0
fi

mkdir -p "$dest"
tmp=$(mktemp -d "${TMPDIR:-/tmp}/fetch-third-party.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
# The download sandbox of apt (user _apt) must be able to write here when we are root.
chmod 755 "$tmp"

# --- apt with configuration of its own -------------------------------------------------------------
apt_ready=
apt_options=()
apt_setup() {
	[ -z "$apt_ready" ] || { [ "$apt_ready" = yes ]; return; }
	apt_ready=no
	command -v apt-get >/dev/null || return 1
	mkdir -p "$tmp/lists/partial" "$tmp/cache/archives/partial"
	local by=
	[ ! -e /usr/share/keyrings/debian-archive-keyring.gpg ] ||
		by='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] '
	printf '%s\n' "deb-src $by$mirror $suite main" "deb $by$mirror $suite main" >"$tmp/sources.list"
	apt_options=(-qq -o Dir::Etc::sourcelist="$tmp/sources.list" -o Dir::Etc::sourceparts=/dev/null
		-o Dir::State::lists="$tmp/lists" -o Dir::Cache="$tmp/cache" -o APT::Sandbox::User=root
		-o Acquire::Languages=none)
	apt-get "${apt_options[@]}" update >"$tmp/apt.log" 2>&1 || { cat "$tmp/apt.log" >&2; return 1; }
	apt_ready=yes
}
apt_source() { # PACKAGE VERSION FILE
	apt_setup || return 1
	(cd "$tmp" && apt-get "${apt_options[@]}" source --download-only "$1=$2") >"$tmp/apt.log" 2>&1 &&
		[ -e "$tmp/$3" ]
}
apt_binary() { # PACKAGE VERSION FILE
	apt_setup || return 1
	(cd "$tmp" && apt-get "${apt_options[@]}" download "$1=$2") >"$tmp/apt.log" 2>&1 || return 1
	mv "$tmp/$1"_*.deb "$tmp/$3"
}

download() { # URL FILE
	if command -v curl >/dev/null; then
		curl -fsSL --retry 2 --connect-timeout 20 -o "$2" "$1"
	elif command -v wget >/dev/null; then
		wget -q -T 20 -O "$2" "$1"
	else
		return 1
	fi
}
check() { # FILE SHA-256
	[ -e "$1" ] && echo "$2  $1" | sha256sum --check --status
}

unpack() { # TARBALL NAME VERSION
	rm -rf "$tmp/out"
	mkdir "$tmp/out"
	tar -xf "$1" -C "$tmp/out" --strip-components=1 --no-same-owner
	printf '%s\n' "$3" >"$tmp/out/.version"
	rm -rf "${dest:?}/$2"
	mv "$tmp/out" "$dest/$2"
	say "$2 $3"
}

get_source() { # NAME PACKAGE VERSION POOL FILE SHA URL URL_SHA
	local f=$tmp/$5
	apt_source "$2" "$3" "$5" || true
	check "$f" "$6" || download "$mirror/$4/$5" "$f" || true
	check "$f" "$6" || download "$snapshot/$4/$5" "$f" || true
	if check "$f" "$6"; then
		unpack "$f" "$1" "$3"
		return
	fi
	f=$tmp/upstream-${7##*/}
	download "$7" "$f" || true
	check "$f" "$8" || die "$1: neither Debian ($3) nor $7 gave the file with the right SHA-256"
	unpack "$f" "$1" "$3"
}

get_fonts() {
	local f=$tmp/fonts.deb
	apt_binary "$fonts_package" "$fonts_version" fonts.deb || true
	check "$f" "$fonts_sha" || download "$mirror/$fonts_file" "$f" || true
	check "$f" "$fonts_sha" || download "$snapshot/$fonts_file" "$f" || true
	check "$f" "$fonts_sha" || die "fonts: no $fonts_package $fonts_version with the right SHA-256"
	mkdir -p "$tmp/deb" "$tmp/out-fonts"
	# A .deb is an ar archive; not every machine has dpkg-deb.
	if command -v dpkg-deb >/dev/null; then
		dpkg-deb -x "$f" "$tmp/deb"
	else
		(cd "$tmp/deb" && ar x "$f" && tar -xf data.tar.*)
	fi
	local x
	for x in $fonts; do
		cp "$tmp/deb/usr/share/consolefonts/$x" "$tmp/out-fonts/"
	done
	cp "$tmp/deb/usr/share/doc/$fonts_package/copyright" "$tmp/out-fonts/" 2>/dev/null || true
	printf '%s\n' "$fonts_version" >"$tmp/out-fonts/.version"
	rm -rf "$dest/fonts"
	mv "$tmp/out-fonts" "$dest/fonts"
	say "fonts $fonts_version"
}

while IFS='|' read -r name package version pool file sha url url_sha; do
	case " $missing " in *" $name "*) [ -z "$name" ] ||
		get_source "$name" "$package" "$version" "$pool" "$file" "$sha" "$url" "$url_sha" ;; esac
done <<<"$sources"
case " $missing " in *" fonts "*) get_fonts ;; esac
[ -n "$*" ] || touch "$dest/.stamp"
