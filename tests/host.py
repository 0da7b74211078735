"""Host tests: the pure code of kernel/lib and its tests, compiled for this machine under ASan and UBSan."""
import glob
import os
import re

from harness import BUILD, TOP, Failure, run


def run_all(results):
    def body():
        out = f"{BUILD}/host"
        os.makedirs(out, exist_ok=True)
        sources = sorted(glob.glob(f"{TOP}/kernel/lib/*.c")) + [f"{TOP}/tests/host/runner.c"]
        third = [s for s in sources if "decompress" in s]
        sources = [s for s in sources if s not in third]
        cc = ["clang", "-std=gnu11", "-g", "-O1", "-DHOST_TEST", f"-I{TOP}/include", "-Wall", "-Wextra",
              "-Wno-unused-parameter", "-Wno-sign-compare", "-Wno-gnu-variable-sized-type-not-at-end",
              "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-fno-omit-frame-pointer"]
        run(cc + ["-o", f"{out}/tests"] + sources)
        text = run([f"{out}/tests"])
        done = re.findall(r"^(not ok|ok) \d+ - (\S+)", text, re.M)
        if len(done) < 20:
            raise Failure(f"only {len(done)} tests ran")
        results.many("host tests (ASan, UBSan)", sum(v == "ok" for v, _ in done), [n for v, n in done if v != "ok"])

    results.run("host tests: built and run", body)
