"""The parts of `make test`, by name."""
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import abi
import boot
import console
import hostile
import host
import ktest
import programs
import tree
from harness import TOP, run


def make(*args):
    run(["make", "-j2", *args], env={k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "MFLAGS"})


def check(results):
    """The proofs that need no machine."""
    results.run("layers", lambda: run(["tools/check-layers", "build/release"]).splitlines()[-1])
    for script in sorted(subprocess.run(["git", "ls-files", "tools/*.sh", "tests/*.sh"], capture_output=True,
                                        text=True, cwd=TOP).stdout.split()):
        results.run(f"syntax {script}", lambda s=script: run(["bash", "-n", s]) and None)
    tree.run_all(results)


def parallel(results, jobs, workers=2):
    """jobs: (name, function, arguments...)"""
    with ThreadPoolExecutor(workers) as pool:
        for job in jobs:
            pool.submit(results.run, *job)


def long(results):
    """What takes longer than a change should wait for: the same instruments, more often and with more CPUs."""
    hostile.fuzz_long(results, parallel)
    for _ in range(10):
        ktest.run_all(results, parallel)
    for _ in range(5):
        abi.run_all(results, parallel)


PREPARE = {
    "check": lambda: make("all"),
    "host": lambda: None,
    "abi": lambda: make("all", "abi-tests"),
    "ktest": lambda: (make("all"), make("BUILD=debug", "build/debug/daedalus.elf")) and None,
    "boot": lambda: make("iso"),
    "console": lambda: make("iso"),
    "bad": lambda: (make("all", "abi-tests"), make("BUILD=debug", "build/debug/daedalus.elf")) and None,
    "fuzz": lambda: make("BUILD=debug", "build/debug/daedalus.elf", "abi-tests"),
    "long": lambda: make("all", "abi-tests") or make("BUILD=debug", "build/debug/daedalus.elf"),
}
PARTS = {
    "check": check,
    "host": host.run_all,
    "ktest": lambda r: ktest.run_all(r, parallel),
    "abi": lambda r: abi.run_all(r, parallel),
    "boot": lambda r: boot.run_all(r, parallel),
    "console": lambda r: console.run_all(r, parallel),
    "programs": lambda r: programs.run_all(r, parallel),
    "bad": lambda r: hostile.bad_input(r, parallel),
    "fuzz": lambda r: hostile.fuzz(r, parallel),
    "long": long,
}
