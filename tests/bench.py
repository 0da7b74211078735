#!/usr/bin/python3
"""make bench: what the kernel costs, in guest instructions (deterministic, -icount shift=0) and in wall time.

One guest instruction is one nanosecond of guest time, so the guest's own clock counts instructions.
usage: bench.py [--linux BZIMAGE]      with a Linux kernel image: the same programs on it, side by side
"""
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import BUILD, TOP  # noqa: E402

ICOUNT = ["-icount", "shift=0,sleep=off", "-seed", "1", "-rtc", "base=2026-01-01T00:00:00,clock=vm"]


def qemu(kernel, append, initrd, extra=(), mem="512M"):
    cmd = ["qemu-system-x86_64", "-accel", "tcg", "-M", "q35", "-cpu", "max", "-m", mem, "-display", "none", "-no-reboot",
           "-serial", "stdio", "-kernel", kernel, "-append", append, "-initrd", initrd, *extra]
    p = subprocess.run(cmd, capture_output=True, text=True, errors="replace", timeout=600, stdin=subprocess.DEVNULL)
    return p.stdout


def figures(text):
    return {k: float(v) for k, v in re.findall(r"^BENCH (\S+) ([\d.]+)", text.replace("\r", ""), re.M)}


def prompt_seconds(kernel, append, initrd):
    """Wall time from the start of QEMU to the first line of PID 1; the best of three."""
    best = None
    for _ in range(3):
        start = time.time()
        p = subprocess.Popen(["qemu-system-x86_64", "-accel", "tcg", "-M", "q35", "-cpu", "max", "-m", "512M", "-display", "none",
                              "-no-reboot", "-serial", "stdio", "-kernel", kernel, "-append", append, "-initrd", initrd],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        for line in p.stdout:
            if b"BENCH" in line:
                break
        took = time.time() - start
        p.kill()
        p.wait()
        best = took if best is None else min(best, took)
    return best


def main():
    linux = sys.argv[sys.argv.index("--linux") + 1] if "--linux" in sys.argv else None
    initrd = f"{BUILD}/tests/bench.cpio"
    kernels = {"Daedalus": f"{BUILD}/daedalus.elf"}
    if linux:
        kernels["Linux"] = linux
    append = "console=ttyS0 quiet rdinit=/bench panic=-1"
    table = {name: figures(qemu(k, append, initrd, ICOUNT)) for name, k in kernels.items()}
    for name, k in kernels.items():
        table[name]["start-to-init-seconds"] = prompt_seconds(k, append, initrd)
    rows = list(table["Daedalus"])
    print(f"{'':34}" + "".join(f"{n:>14}" for n in kernels) + ("   ratio" if linux else ""))
    for row in rows:
        values = [table[n].get(row, float("nan")) for n in kernels]
        line = f"{row:34}" + "".join(f"{v:14,.2f}" if v < 100 else f"{v:14,.0f}" for v in values)
        print(line + (f"{values[0] / values[1]:8.2f}" if linux else ""))
    out = subprocess.run(["size", "-A", f"{BUILD}/release/daedalus.elf"], capture_output=True, text=True, cwd=TOP).stdout
    sizes = {m[0]: int(m[1]) for m in re.findall(r"^(\.\w+)\s+(\d+)", out, re.M)}
    kernel = sum(sizes.get(s, 0) for s in (".boot", ".text", ".rodata", ".data", ".bss"))
    print(f"kernel text, data and bss without init: {kernel / 1024:,.0f} KiB  {sizes}")


main()
