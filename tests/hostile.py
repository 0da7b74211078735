"""Bad input: broken archives, missing init, odd options; and random system calls on a checking build."""
import os
import re

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


def crashes(kind, *wanted, smp=2, kernel=KERNEL):
    """crash=KIND: the panic says all that is wanted, in this order, and panic=-1 ends the machine."""
    with Machine(kernel=kernel, append=f"console=ttyS0 panic=-1 crash={kind}", smp=smp) as m:
        for pattern in wanted:
            m.child.expect(pattern)
        m.wait_exit(30)


def little_memory():
    """64 MiB: full tmpfs, memory that is not there, a fork bomb, 200 shells; the login shell lives on."""
    with Machine(kernel=KERNEL, append="console=ttyS0 panic=-1", mem="64M", smp=2, timeout=60) as m:
        m.expect(PROMPT)
        m.shell("mkdir /tmp/t; mount -t tmpfs t /tmp/t; dd if=/dev/zero of=/tmp/t/a bs=64k; umount /tmp/t")
        for command, want in (
                ("awk 'BEGIN{s=\"x\"; while(1) s=s s}'; echo status $?", "status 137"),
                ("sh -c 'f() { f; }; f'; echo status $?", "status 139"),
                ("su user -s /bin/sh -c 'ulimit -u 40; b() { b | b & }; b; sleep 1' 2>&1 | grep -c 'fork' | sed 's/.*[1-9].*/refused/'",
                 "refused"),
                ("for i in $(seq 200); do sh -c 'sleep 2; :' & done 2>/dev/null; wait; echo waited", "waited")):
            out = m.shell(command)
            if want not in out:
                raise Failure(f"{command}: {out}")
        free = int(m.shell("sleep 1; awk '/MemFree/ {print $2}' /proc/meminfo").split()[-1])
        if free < 48000:
            raise Failure(f"only {free} KiB are free afterwards")
        return f"{free} KiB free afterwards"


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
        ("bad: little memory", little_memory),
        ("bad: init missing", panics, "Kernel panic - not syncing: Requested init /nowhere failed", "rdinit=/no init=/nowhere"),
        ("bad: init ends", panics, "Attempted to kill init!", "rdinit=/bin/true"),
        ("bad: init is not a program", panics, "Kernel panic - not syncing", "rdinit=/etc/motd init=/etc/motd"),
    ]
    who, regs, trace = r"CPU: \d PID: \d+ Comm: init", r"RIP: 0008:[0-9a-f]{16} %s\+0x.*R15: .*CR4: ", r"Call trace:.*%s\+0x"
    for kind, smp, wanted in (
        ("panic", 2, ("not syncing: crash=panic", who, trace % "crash_panic", "crash_on_request")),
        ("null", 2, ("not syncing: NULL pointer dereference: write at 0", who, regs % "crash_null", trace % "crash_on_request")),
        ("stack", 1, ("not syncing: kernel stack overflow", who, regs % "crash_stack", trace % "crash_stack")),
        ("doublefault", 2, ("not syncing: double fault", who, regs % "crash_double_fault", trace % "crash_on_request")),
        ("nmi", 4, ("3 CPUs had interrupts off, stopped by NMI", "not syncing: crash=nmi", who, trace % "crash_nmi")),
        ("again", 2, ("not syncing: crash=again", r"fault while panicking: NULL pointer .* at crash_null\+0x", trace % "crash_again")),
    ):
        jobs.append((f"bad: crash={kind}", lambda k=kind, w=wanted, n=smp: crashes(k, *w, smp=n)))
    for kind, wanted in (  # what only debug builds catch (kernel/init/crash_debug.c)
        ("sleep", r"may sleep, but the preemption count is 0x1"),
        ("relock", "taken again by its holder.*crash_lock"),
        ("unlock", "released by who does not hold it.*crash_lock"),
        ("up", "released by who does not hold it.*crash_sem"),
        ("behind", "slab .*: object .* was written behind its end"),
        ("freetwice", "slab .*: double free"),
        ("freed", "slab .*: free object .* was written at offset 40"),
    ):
        jobs.append((f"bad: debug build, crash={kind}", lambda k=kind, w=wanted: crashes(k, w, "Call trace", smp=1, kernel=DEBUG)))
    jobs.append(("bad: crash= of no known kind", lambda: says(boots("crash=banana"), "crash=banana did not work")))
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
