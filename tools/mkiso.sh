#!/usr/bin/env bash
# Make the hybrid ISO: BIOS and UEFI, from CD or written to a stick. Same input, same bytes.
# usage: mkiso.sh KERNEL OUTPUT [DEFAULT]      DEFAULT: the menu entry that starts by itself (0)
set -euo pipefail
kernel=$1 out=$2 default=${3:-0}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1767225600}
mkdir -p "$root/iso/boot/grub"
cp "$kernel" "$root/iso/boot/daedalus.elf"
cp "$(dirname "$0")/../boot/grub.cfg" "$root/iso/boot/grub/grub.cfg"
sed -i "s/^set default=.*/set default=$default/" "$root/iso/boot/grub/grub.cfg"
find "$root/iso" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
modules="multiboot2 normal configfile test echo all_video video video_fb gfxterm serial terminal
	boot iso9660 part_msdos part_gpt part_apple fat search search_fs_file search_label minicmd halt reboot"
# mformat would make up a serial number for the UEFI image; xorriso would take the time of day for
# what GRUB adds.
mkdir "$root/bin"
printf '#!/bin/sh\nexec %s -N 20260101 "$@"\n' "$(command -v mformat)" >"$root/bin/mformat"
chmod +x "$root/bin/mformat"
log=$root/log
if ! PATH=$root/bin:$PATH grub-mkrescue -o "$out.tmp" --install-modules="$(echo $modules)" --fonts= --locales= --themes= \
	"$root/iso" -- -volume_date uuid 2026010100000000 \
	-alter_date_r b "=$SOURCE_DATE_EPOCH" / -- >"$log" 2>&1; then
	cat "$log" >&2
	exit 1
fi
mv "$out.tmp" "$out"
