#!/usr/bin/env bash
# Boot the ISO in QEMU. With a display: its window, and the serial console here too; without: the serial
# console on stdio. KVM only where a quick check shows that it is fast.
# usage: run.sh ISO       environment: SMP, MEM, MACHINE, QEMU_ARGS
set -euo pipefail
iso=$1
accel=tcg
if [ -r /dev/kvm ] && [ -w /dev/kvm ] && "$(dirname "$0")/kvm-is-fast.sh"; then accel=kvm; fi
cpu=max
[ "$accel" = kvm ] && cpu=host
display=(-display none)
if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then display=(); fi
exec qemu-system-x86_64 -accel "$accel" -M "${MACHINE:-q35}" -cpu "$cpu" -smp "${SMP:-2}" -m "${MEM:-512M}" \
	-cdrom "$iso" -boot d -vga std "${display[@]}" -serial mon:stdio -no-reboot ${QEMU_ARGS:-}
