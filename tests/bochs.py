#!/usr/bin/python3
"""make test-bochs: the in-kernel tests in Bochs, which has what QEMU's emulation lacks: x2APIC, the
TSC-deadline timer, PCID. The ISO's self-test entry starts by itself; results come over the serial port."""
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


def machine(model, cpus, features, seconds=600):
    def body():
        iso = f"{BUILD}/daedalus-ktest.iso"
        run(["tools/mkiso.sh", f"{BUILD}/daedalus.elf", iso, "4"])
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
                    if "# ktest:" in text or "end Kernel panic" in text:
                        break
            finally:
                p.kill()
                p.wait()
            with open(f"{BUILD}/bochs-{model}.log", "w") as f:
                f.write(text)
        m = re.search(r"# ktest: (\d+) passed, (\d+) failed", text)
        if not m or m[2] != "0":
            bad = [l for l in text.splitlines() if "not ok" in l or "failed at" in l or "panic" in l]
            raise Failure("\n".join(bad or text.splitlines()[-15:] or ["no output"]))
        missing = [f for f in features if not f in text]
        if missing:
            raise Failure(f"not in use: {missing}")
        return f"{m[1]} tests, with {', '.join(features)}"
    return body


def main():
    results = Results()
    results.run("Bochs Haswell, 2 CPUs", machine("corei7_haswell_4770", 2, ("x2APIC", "TSC-deadline", "PCIDs in use, with INVPCID")))
    results.run("Bochs Sandy Bridge, 1 CPU", machine("corei7_sandy_bridge_2600k", 1, ("xAPIC", "TSC-deadline", "PCIDs in use, without INVPCID")))
    print(f"{results.passed} passed, {len(results.failed)} failed, {results.skipped} skipped")
    return bool(results.failed)


sys.exit(main())
