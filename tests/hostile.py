"""Bad input: broken archives, missing init, odd options; and random system calls on a checking build."""
import os
import re
import struct

from harness import BUILD, PROMPT, Failure, Machine

KERNEL = f"{BUILD}/daedalus.elf"
DEBUG = f"{BUILD}/debug/daedalus.elf"


def write(name, data):
    os.makedirs(f"{BUILD}/tests", exist_ok=True)
    path = f"{BUILD}/tests/{name}"
    with open(path, "wb") as f:
        f.write(data)
    return path


def boots(append="", **kw):
    with Machine(kernel=KERNEL, append=f"console=ttyS0 {append}", **kw) as m:
        m.expect(PROMPT)
        out = m.shell("echo alive")
        if out != "alive":
            raise Failure(out)
        m.log.flush()
        return open(m.log_path, "rb").read().decode(errors="replace")


def says(text, want):
    if not re.search(want, text):
        raise Failure(f"no message like {want!r}\n" + "\n".join(text.splitlines()[-30:]))


def broken_archive(data, message):
    says(boots(initrd=write(f"broken-{abs(hash(data)) % 99999}.cpio", data)), message)


def panics(message, append="", initrd=None):
    with Machine(kernel=KERNEL, append=f"console=ttyS0 panic=-1 {append}", initrd=initrd) as m:
        m.child.expect(message)
        m.wait_exit(30)


def bad_input(results, parallel):
    good = open(f"{BUILD}/tests/abi.cpio", "rb").read()
    jobs = [
        ("bad: archive of noise", broken_archive, os.urandom(5000), r"(?i)initramfs"),
        ("bad: truncated archive", broken_archive, good[: len(good) // 2], r"(?i)initramfs"),
        ("bad: truncated gzip", broken_archive, b"\x1f\x8b\x08\0\0\0\0\0\0\3" + os.urandom(300), r"(?i)initramfs"),
        ("bad: huge name size", broken_archive, b"070701" + b"0" * 88 + b"FFFFFFFF" + b"0" * 8 + b"x" * 50, r"(?i)initramfs"),
        ("bad: no ACPI", lambda: boots(machine="pc", args=("-no-acpi",)) and None),
        ("bad: unknown options", lambda: says(boots("nonsense other=thing"), "nonsense")),
        ("bad: odd values", lambda: boots("loglevel=banana maxcpus=x mem=zzz console=ttyS9 panic=abc") and None),
        ("bad: init missing", panics, "Kernel panic - not syncing: Requested init /nowhere failed", "rdinit=/no init=/nowhere"),
        ("bad: init ends", panics, "Attempted to kill init!", "rdinit=/bin/true"),
        ("bad: init is not a program", panics, "Kernel panic - not syncing", "rdinit=/etc/motd init=/etc/motd"),
    ]
    parallel(results, jobs)


def random_calls(seed, seconds, smp):
    def body():
        with Machine(kernel=DEBUG, initrd=f"{BUILD}/tests/fuzz.cpio", timeout=seconds * 6 + 120, smp=smp, mem="256M",
                     append=f"console=ttyS0 panic=-1 rdinit=/randcalls randcalls.seconds={seconds} randcalls.seed={seed}") as m:
            note = m.expect(r"survived (\d+) rounds")[1].decode()
            m.wait_exit(30)
            text = open(m.log_path, "rb").read().decode(errors="replace")
        if "WARNING at" in text:
            raise Failure("\n".join(l for l in text.splitlines() if "WARNING" in l or "Call trace" in l or "[<" in l)[:3000])
        return f"{note} rounds"
    return body


def fuzz(results, parallel):
    parallel(results, [(f"random system calls, seed {s}, {n} CPUs", random_calls(s, 20, n)) for s, n in ((1, 1), (2, 2), (3, 4))])


def fuzz_long(results, parallel):
    parallel(results, [(f"random system calls for 5 minutes, seed {s}, {n} CPUs", random_calls(s, 300, n)) for s, n in ((11, 4), (12, 8))])
