#!/usr/bin/python3
"""make test-bochs: the in-kernel tests in Bochs, which has what QEMU's emulation lacks: x2APIC, the
TSC-deadline timer, PCID. The ISO's self-test entry starts by itself; results come over the serial port. Then the
same machine boots to the shell's prompt."""
import os
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import BUILD, TOP, Failure, Results, run  # noqa: E402

CONFIG = """
plugin_ctrl: unmapped=1, biosdev=1, speaker=0, parallel=0, gameport=0, e1000=0
megs: 256
cpu: model={model}, count={cpus}, ips=50000000, reset_on_triple_fault=0
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
vga: extension=vbe
ata0-master: type=cdrom, path={iso}, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev={log}
log: {dir}/bochs.log
display_library: sdl2
clock: sync=none
"""


def boot(model, cpus, entry, until, seconds=600):
    """Start GRUB's entry; the serial port's text up to the pattern `until`, or when the time is over."""
    iso = f"{BUILD}/daedalus-bochs.iso"
    run(["tools/mkiso.sh", f"{BUILD}/daedalus.elf", iso, str(entry)])
    with tempfile.TemporaryDirectory() as folder:
        log = f"{folder}/serial"
        with open(f"{folder}/bochsrc", "w") as f:
            f.write(CONFIG.format(model=model, cpus=cpus, iso=iso, log=log, dir=folder))
        with open(f"{folder}/commands", "w") as f:
            f.write("c\n")
        p = subprocess.Popen(["bochs", "-q", "-f", f"{folder}/bochsrc", "-rc", f"{folder}/commands"], cwd=TOP,
                             env={**os.environ, "SDL_VIDEODRIVER": "dummy"}, stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        text, deadline = "", time.time() + seconds
        try:
            while time.time() < deadline and p.poll() is None:
                time.sleep(1)
                text = open(log, errors="replace").read() if os.path.exists(log) else ""
                if re.search(f"{until}|end Kernel panic", text):
                    break
        finally:
            p.kill()
            p.wait()
        if "transmit FIFO overflow" in open(f"{folder}/bochs.log", errors="replace").read():
            raise Failure("characters were lost on the serial port")
    with open(f"{BUILD}/bochs-{model}-{entry}.log", "w") as f:
        f.write(text)
    return text


def tests(model, cpus, features):
    text = boot(model, cpus, 4, r"# ktest: .*\n")
    m = re.search(r"# ktest: (\d+) passed, (\d+) failed", text)
    if not m or m[2] != "0":
        bad = [l for l in text.splitlines() if "not ok" in l or "failed at" in l or "panic" in l]
        raise Failure("\n".join(bad or text.splitlines()[-15:] or ["no output"]))
    missing = [f for f in features if f not in text]
    if missing:
        raise Failure(f"not in use: {missing}")
    return f"{m[1]} tests, with {', '.join(features)}"


def shell(model, cpus):
    text = boot(model, cpus, 0, "root@daedalus:")
    if "root@daedalus:" not in text:
        raise Failure("\n".join(text.splitlines()[-30:] or ["no output"]))


def main():
    haswell, sandy = "corei7_haswell_4770", "corei7_sandy_bridge_2600k"
    results = Results()
    results.run("Bochs Haswell, 2 CPUs", tests, haswell, 2, ("x2APIC", "TSC-deadline", "PCIDs in use, with INVPCID"))
    results.run("Bochs Sandy Bridge, 1 CPU", tests, sandy, 1, ("xAPIC", "TSC-deadline", "PCIDs in use, without INVPCID"))
    results.run("Bochs Haswell, 2 CPUs, to the shell", shell, haswell, 2)
    print(f"{results.passed} passed, {len(results.failed)} failed, {results.skipped} skipped")
    return bool(results.failed)


sys.exit(main())
