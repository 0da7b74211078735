#!/usr/bin/env bash
# Exit 0 when KVM runs guests at hardware speed. Nested or emulated KVM can be thousands of times slower
# than TCG: a boot sector that counts a million loops must finish within two seconds.
set -euo pipefail
image=$(mktemp)
trap 'rm -f "$image"' EXIT
# mov ecx,0xf4240; l: dec ecx; jnz l; mov dx,0xf4; mov al,0x10; out dx,al; hlt
printf '\x66\xb9\x40\x42\x0f\x00\x66\x49\x75\xfc\xba\xf4\x00\xb0\x10\xee\xf4' >"$image"
truncate -s 510 "$image"
printf '\x55\xaa' >>"$image"
status=0
timeout 2 qemu-system-x86_64 -accel kvm -M pc -m 16 -display none -serial none -no-reboot \
	-device isa-debug-exit,iobase=0xf4,iosize=4 -drive file="$image",format=raw,if=ide >/dev/null 2>&1 || status=$?
[ "$status" = 33 ]
