"""ABI tests: small static programs that must behave alike on Linux (this host) and on Daedalus."""
import glob
import os
import re
import subprocess
import tempfile

from harness import BUILD, Failure, Machine

PROGRAMS = f"{BUILD}/tests/abi"
ARCHIVE = f"{BUILD}/tests/abi.cpio"
MINIMUM = 450  # checks, all programs together


def verdicts(text):
    return re.findall(r"^(ok|not ok|skip) (.+?)\r?$", text, re.M)


def unnice():
    """As a program started by hand: the guest's run so too."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, 0)
    except OSError:
        pass


def on_host(results, name, path):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # as in the guest
        p = subprocess.run([path], capture_output=True, text=True, errors="replace", cwd=folder, timeout=120,
                           stdin=subprocess.DEVNULL, preexec_fn=unnice)
    done = verdicts(p.stdout)
    if not done or p.returncode:
        results.add(f"abi on Linux: {name}", False, f"exit {p.returncode}\n{p.stdout[-500:]}{p.stderr[-500:]}")
    return dict((t, v) for v, t in done)


def in_guest(results, name, expected, kernel, **machine):
    def body():
        with Machine(kernel=kernel, initrd=ARCHIVE, append="console=ttyS0 quiet panic=-1 rdinit=/abi/runner",
                     timeout=400, **machine) as m:
            m.expect(r"== all done")
            m.wait_exit(30)
            text = open(m.log_path, "rb").read().decode(errors="replace").replace("\r", "")
        sections = dict(re.findall(r"^== begin (\S+)\n(.*?)^== end \1 ", text, re.M | re.S))
        statuses = dict(re.findall(r"^== end (\S+) (.*)$", text, re.M))
        passed, failed, skipped, total = 0, [], 0, 0
        for program, wanted in expected.items():
            got = dict((t, v) for v, t in verdicts(sections.get(program, "")))
            if statuses.get(program) != "status 0":
                failed.append(f"{program}: ended with {statuses.get(program, 'nothing')}")
            for test, verdict in wanted.items():
                total += 1
                if verdict == "skip" or got.get(test) == "skip":
                    skipped += 1
                elif got.get(test) == verdict == "ok":
                    passed += 1
                else:
                    failed.append(f"{program}: {test}: Linux says {verdict}, Daedalus {got.get(test, 'nothing')}")
        if total < MINIMUM:
            raise Failure(f"only {total} checks ran, {MINIMUM} expected")
        results.many(name, passed, failed, skipped)

    results.run(f"{name}: ran to the end", body)


def run_all(results, parallel):
    expected = {}
    for path in sorted(glob.glob(f"{PROGRAMS}/*")):
        name = os.path.basename(path)
        if os.access(path, os.X_OK) and name != "runner" and "." not in name:
            expected[name] = on_host(results, name, path)
    bad = [f"{p}: {t}" for p, d in expected.items() for t, v in d.items() if v == "not ok"]
    count = sum(v == "ok" for d in expected.values() for v in d.values())
    results.many("abi on this host's Linux", count, bad)
    for name, kernel, kw in (("abi on Daedalus, 2 CPUs", f"{BUILD}/daedalus.elf", dict(smp=2)),
                             ("abi on Daedalus, 1 CPU qemu64", f"{BUILD}/daedalus.elf", dict(cpu="qemu64"))):
        in_guest(results, name, expected, kernel, **kw)
