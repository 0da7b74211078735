#!/usr/bin/python3
"""make test: everything that proves the tree good. Ends with one line "N passed, N failed, N skipped".

usage: run.py [PART ...]     parts: see parts.py (default: all but "long", which make test-long runs)
"""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Results, print_now  # noqa: E402
import parts  # noqa: E402


def main():
    results, start = Results(), time.time()
    wanted = sys.argv[1:] or [p for p in parts.PARTS if p != "long"]
    for name in wanted:
        print_now(f"== {name}")
        begin = time.time()
        results.run(f"{name}: prepared", parts.PREPARE.get(name, lambda: None))
        parts.PARTS[name](results)
        print_now(f"   {name} took {time.time() - begin:.0f} s")
    if results.failed:
        print_now("failed:")
        for f in results.failed:
            print_now("  " + f)
    print_now(f"all in {time.time() - start:.0f} s")
    print_now(f"{results.passed} passed, {len(results.failed)} failed, {results.skipped} skipped")
    return 1 if results.failed else 0


sys.exit(main())
