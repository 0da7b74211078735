"""The in-kernel tests: booted with ktest on the command line, TAP over the serial port."""
import re

from harness import BUILD, Failure, Machine

# Fewer than this many tests run means that something was left out of the image.
MINIMUM = 170


def one(results, name, kernel, **machine):
    def body():
        with Machine(kernel=kernel, append="console=ttyS0 ktest panic=-1", timeout=240, **machine) as m:
            m.expect(r"# ktest: (\d+) passed, (\d+) failed, (\d+) skipped")
            status = m.wait_exit(20)
            m.log.flush()
            text = open(m.log_path, "rb").read().decode(errors="replace").replace("\r", "")
        done = re.findall(r"^.*?(not ok|ok) \d+ - (\S+)", text, re.M)
        failed = [t for verdict, t in done if verdict == "not ok"]
        skipped = len(re.findall(r"ok \d+ - \S+ # SKIP", text))
        if len(done) < MINIMUM:
            raise Failure(f"only {len(done)} tests ran, {MINIMUM} expected")
        if not failed and status not in (33, None) and machine.get("machine") != "microvm":
            raise Failure(f"exit status {status}")
        details = re.findall(r"^.*(# failed at .*)$", text, re.M)
        results.many(name, len(done) - len(failed) - skipped, failed + (details if failed else []), skipped)

    results.run(f"{name}: booted", body)


def run_all(results, parallel):
    release, debug = f"{BUILD}/daedalus.elf", f"{BUILD}/debug/daedalus.elf"
    jobs = [
        ("ktest release q35 4 CPUs", release, dict(smp=4)),
        ("ktest debug q35 2 CPUs", debug, dict(smp=2)),
        ("ktest debug pc 1 CPU qemu64 64 MiB", debug, dict(machine="pc", cpu="qemu64", mem="64M")),
        ("ktest release microvm 2 CPUs", release, dict(machine="microvm", smp=2)),
    ]
    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor(2) as pool:
        for name, kernel, kw in jobs:
            pool.submit(one, results, name, kernel, **kw)
