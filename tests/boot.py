"""The boot matrix: every path from reset to a shell that works, and off again."""
import itertools
import re
import time

from harness import BUILD, ISO, PROMPT, Failure, Machine

KERNEL = f"{BUILD}/daedalus.elf"


def use_shell(m, cpus, la57):
    """The shell answers, sees all CPUs, the right paging, and switches the machine off."""
    m.expect(r"login shell|runs unmodified Linux programs")
    m.expect(PROMPT)
    out = m.shell("echo $((6*7)) | tr 4 5; grep -c ^processor /proc/cpuinfo; uname -sm")
    if out.splitlines()[:3] != ["52", str(cpus), "Linux x86_64"]:
        raise Failure(f"unexpected output: {out!r}")
    if la57 is not None:
        levels = m.shell("dmesg | grep -o '[45]-level paging' | head -n 1")
        if levels != ("5-level paging" if la57 else "4-level paging"):
            raise Failure(f"paging: {levels!r}")
    m.send("poweroff\r")
    m.wait_exit(30)


def pvh(machine, smp, cpu, la57, append="", mem="512M"):
    with Machine(kernel=KERNEL, append=f"console=ttyS0 {append}", machine=machine, smp=smp, cpu=cpu, mem=mem) as m:
        use_shell(m, smp, la57)


def grub(uefi, usb, machine, smp, cpu, la57, mem="512M", entry=0):
    source = {"usb": ISO} if usb else {"iso": ISO}
    with Machine(machine=machine, smp=smp, cpu=cpu, uefi=uefi, mem=mem, timeout=120, **source) as m:
        if entry:
            m.expect("verbose")
            for _ in range(entry):
                m.send("\x1b[B")
            m.send("\r")
        use_shell(m, smp if entry != 3 else 1, la57)


def options(append, cpus, low, high):
    """Linux's options are honoured: four CPUs and 512 MiB are there; this many are used, and MemTotal is between, in MiB."""
    with Machine(kernel=KERNEL, append=f"console=ttyS0 {append}", smp=4) as m:
        m.expect(PROMPT)
        out = m.shell("grep -c ^processor /proc/cpuinfo; grep MemTotal /proc/meminfo; dmesg | grep -c 'Unknown kernel'; nproc")
        seen = re.fullmatch(r"(\d+)\s+MemTotal:\s+(\d+) kB\s+0\s+(\d+)", out)
        if not seen or int(seen[1]) != cpus or int(seen[3]) != cpus or not low < int(seen[2]) / 1024 <= high:
            raise Failure(f"{append}: {out!r}")
        m.send("poweroff\r")
        m.wait_exit(30)


def without(machine, *args):
    """A PC that lacks what PCs had for ages: the shell is there all the same."""
    with Machine(kernel=KERNEL, append="console=ttyS0", machine=machine, smp=2, args=args) as m:
        use_shell(m, 2, True)


def no_serial(**kw):
    """Nothing but screen and keyboard: typing works, which nobody can see but the machine, which switches itself off."""
    # "poweroff" without e and c, which GRUB understands if it gets to see them; firmware and GRUB take Enter for "go on".
    command = "/*bin/p*off\n"
    with Machine(serial=False, smp=2, **kw) as m:
        deadline = time.time() + 90
        while m.child.isalive():
            if time.time() > deadline:
                raise Failure("typed commands have no effect")
            try:
                m.type_text(command)
                time.sleep(1)
            except (OSError, ValueError):
                break  # it went off meanwhile
        m.wait_exit(10)
        if m.why_ended() != "guest-shutdown":
            raise Failure(f"ended by {m.end}")


def no_console():
    """Neither screen nor serial port: programs run."""
    with Machine(kernel=KERNEL, append='rdinit=/bin/sh -- -c "poweroff -f"', serial=False, args=("-vga", "none")) as m:
        m.wait_exit(30)


def run_all(results, parallel):
    jobs = []
    for machine, smp in itertools.product(("pc", "q35", "microvm"), (1, 2, 8)):
        jobs.append((f"boot pvh {machine} {smp} CPUs LA57", pvh, machine, smp, "max", True))
    for machine, smp in (("pc", 1), ("q35", 2), ("microvm", 2), ("q35", 8)):
        jobs.append((f"boot pvh {machine} {smp} CPUs qemu64", pvh, machine, smp, "qemu64", False))
    jobs.append(("boot pvh q35 no5lvl", pvh, "q35", 2, "max", False, "no5lvl"))
    jobs.append(("boot pvh q35 64 MiB", pvh, "q35", 1, "max", True, "", "64M"))
    jobs.append(("boot pvh q35 8 GiB", pvh, "q35", 2, "max", True, "", "8G"))
    jobs.append(("boot pvh q35 64 CPUs", pvh, "q35", 64, "max", True))
    for uefi, usb in itertools.product((False, True), (False, True)):
        name = f"boot {'UEFI' if uefi else 'BIOS'} {'USB' if usb else 'CD'}"
        for smp, cpu, la57 in ((1, "qemu64", False), (2, "max", True)):
            jobs.append((f"{name} q35 {smp} CPUs {'LA57' if la57 else '4-level'}", grub, uefi, usb, "q35", smp, cpu, la57))
    jobs.append(("boot BIOS CD pc 8 CPUs LA57", grub, False, False, "pc", 8, "max", True))
    jobs.append(("boot menu: 4-level", grub, False, False, "q35", 2, "max", False, "512M", 2))
    jobs.append(("boot menu: one CPU", grub, False, False, "q35", 2, "max", True, "512M", 3))
    jobs.append(("boot mem=256M", options, "mem=256M", 4, 200, 256))
    jobs.append(("boot maxcpus=2 nokaslr nopcid mitigations=off", options, "maxcpus=2 nokaslr nopcid mitigations=off", 2, 400, 512))
    jobs.append(("boot nosmp mem=128m", options, "nosmp mem=128m", 1, 90, 128))
    jobs.append(("boot no PS/2, HPET, VGA", without, "q35,i8042=off,hpet=off", "-vga", "none"))
    jobs.append(("boot no PIT, PIC, RTC", without, "microvm,pit=off,pic=off,rtc=off"))
    jobs.append(("boot no serial port", lambda: no_serial(kernel=KERNEL, append="")))
    jobs.append(("boot no serial port, BIOS CD", lambda: no_serial(iso=ISO)))
    jobs.append(("boot no serial port, UEFI USB", lambda: no_serial(usb=ISO, uefi=True)))
    jobs.append(("boot no console at all", no_console))
    parallel(results, jobs)
