"""Properties of the tree and of what is built from it: the same bytes every time, sizes, pages, finished code."""
import os
import re
import subprocess
import tempfile

from harness import BUILD, TOP, Failure, Skip, run

KERNEL = f"{BUILD}/release/daedalus.elf"  # with its debug information
IMAGE = f"{BUILD}/daedalus.elf"
SIZE_MAX = 2 << 20  # text and data without the initramfs
LINES_MAX = 800
LEFTOVER = re.compile(r"\b(TODO|FIXME|XXX|HACK|not implemented yet|for now)\b")


def tracked(*patterns):
    out = run(["git", "ls-files", "-co", "--exclude-standard", *patterns])
    return [f for f in out.split() if os.path.exists(f"{TOP}/{f}")]


def text_of(path):
    with open(f"{TOP}/{path}", errors="replace") as f:
        return f.read()


def same_bytes(make):
    """make(output, cwd) twice, in different folders: the same file."""
    with tempfile.TemporaryDirectory() as a, tempfile.TemporaryDirectory() as b:
        for folder in (a, b):
            make(f"{folder}/out", folder)
        if open(f"{a}/out", "rb").read() != open(f"{b}/out", "rb").read():
            raise Failure("two runs gave different bytes")


def make_archive(out, cwd):
    busybox = os.environ.get("BUSYBOX", "/bin/busybox")
    run([f"{TOP}/tools/mkcpio.py", f"{TOP}/user/initramfs.list", out, f"USER_BUILD={BUILD}/user", f"BUSYBOX={busybox}"])


def make_iso(out, cwd):
    missing = [t for t in ("grub-mkrescue", "xorriso", "mformat")
               if subprocess.run(["which", t], capture_output=True).returncode]
    if missing:
        raise Skip("no " + ", ".join(missing))
    p = subprocess.run([f"{TOP}/tools/mkiso.sh", IMAGE, out], cwd=cwd, capture_output=True, text=True)
    if p.returncode:
        raise Failure(p.stderr[-2000:])


def no_paths():
    data = open(IMAGE, "rb").read()
    if TOP.encode() in data:
        at = data.index(TOP.encode())
        raise Failure(f"the image names its checkout: {data[at:at + 120]!r}")


def kernel_size():
    text, data = map(int, run(["size", KERNEL]).splitlines()[1].split()[:2])
    symbols = {name: int(value, 16) for value, _, name in (line.split() for line in run(["nm", "-g", "--defined-only", KERNEL]).splitlines())}
    size = text + data - (symbols["__initramfs_end"] - symbols["__initramfs_start"])
    if size > SIZE_MAX:
        raise Failure(f"text and data without the initramfs: {size} bytes, at most {SIZE_MAX}")
    return f"{size // 1024} KiB"


def no_leftovers():
    bad = [f"{f}:{n}: {line.strip()}"
           for f in tracked("*.c", "*.h", "*.asm", "*.py", "*.sh", "*.mk", "*.ld", "*.md", "Makefile") if f != "tests/tree.py"
           for n, line in enumerate(text_of(f).splitlines(), 1) if LEFTOVER.search(line)]
    if bad:
        raise Failure("\n".join(bad))


def pages():
    folders = {os.path.dirname(f) for f in tracked("*.c", "*.asm")}
    bad = sorted(d for d in folders if not os.path.exists(f"{TOP}/{d}/README.md"))
    if bad:
        raise Failure("no README.md in " + ", ".join(bad))
    return f"{len(folders)} folders"


def long_files():
    """A file above the limit says at its top why it is that long ("lines" or "long" in its first comment)."""
    bad = []
    for f in tracked("*.c", "*.h"):
        text = text_of(f)
        if text.count("\n") > LINES_MAX and not re.match(r"/\*[^/]*\b(lines|long)\b", text):
            bad.append(f"{f}: {text.count(chr(10))} lines")
    if bad:
        raise Failure("\n".join(bad))


def run_all(results):
    results.run("tree: archive, the same bytes every time", lambda: same_bytes(make_archive))
    results.run("tree: ISO, the same bytes every time", lambda: same_bytes(make_iso))
    results.run("tree: no path of the checkout in the image", no_paths)
    results.run("tree: size of the kernel", kernel_size)
    results.run("tree: nothing left unfinished", no_leftovers)
    results.run("tree: a page in every folder", pages)
    results.run("tree: no file is too long", long_files)
    for step in ("clang", "headers"):
        results.run(f"tree: check {step}", lambda s=step: run(["tools/check.sh", s]) and None)
