#!/usr/bin/env bash
# QEMU stopped at reset with gdb attached, symbols loaded and the helper commands of tools/gdb.py.
# usage: debug.sh ELF ISO     environment: as run.sh; GDB
set -euo pipefail
elf=$1 iso=$2 here=$(dirname "$0")
port=${GDB_PORT:-1234}
qemu-system-x86_64 -accel tcg -M "${MACHINE:-q35}" -cpu max -smp "${SMP:-2}" -m "${MEM:-512M}" -cdrom "$iso" -boot d \
	-display none -serial file:build/debug-serial.log -S -gdb "tcp::$port" ${QEMU_ARGS:-} &
qemu=$!
trap 'kill $qemu 2>/dev/null' EXIT
echo "Serial output goes to build/debug-serial.log. Commands of ours: help daedalus"
"${GDB:-gdb}" -q "$elf" -ex "target remote :$port" -x "$here/gdb.py" -ex "hbreak kernel_main" -ex continue
