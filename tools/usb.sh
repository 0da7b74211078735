#!/usr/bin/env bash
# Write the ISO to a USB stick, after showing what would be lost and asking.
# usage: usb.sh ISO DEVICE
set -euo pipefail
iso=$1 dev=${2:-}
if [ -z "$dev" ]; then
	echo "Say which device: make usb DEV=/dev/sdX. Removable disks here:" >&2
	lsblk -d -o NAME,SIZE,TRAN,MODEL,RM 2>/dev/null | awk 'NR == 1 || $NF == 1' >&2
	exit 1
fi
[ -b "$dev" ] || { echo "$dev is not a block device" >&2; exit 1; }
name=$(basename "$(readlink -f "$dev")")
[ -e "/sys/block/$name" ] || { echo "$dev is a partition; give the whole disk" >&2; exit 1; }
if lsblk -nro MOUNTPOINT "$dev" | grep -q .; then
	echo "$dev has mounted file systems; unmount them first:" >&2
	lsblk "$dev" >&2
	exit 1
fi
lsblk -o NAME,SIZE,TRAN,MODEL,FSTYPE,LABEL "$dev"
read -r -p "Everything on $dev will be lost. Type its name ($name) to write Daedalus to it: " answer
[ "$answer" = "$name" ] || { echo "Nothing written."; exit 1; }
dd if="$iso" of="$dev" bs=4M conv=fsync status=progress
echo "Done: boot the PC from $dev."
