"""Unmodified programs from Debian: the same scripts on this machine's Linux and in the guest, with equal output."""
import difflib
import os
import re
import shutil
import subprocess
import tempfile

from harness import BUILD, TOP, Failure, Machine, Skip, run

KERNEL = f"{BUILD}/daedalus.elf"
BUSYBOX = "/bin/busybox"
DYNAMIC = ("bash", "make", "perl", "gawk")
# Suites without long sleeps and without timing of their own.
ASH_SUITES = ("alias", "arith", "comm", "getopts", "glob", "heredoc", "invert", "parsing", "psubst", "quoting", "redir",
              "standalone", "vars")
ASH_LEFT_OUT = {"bash_procsub.tests"}  # a race between the shell and a process substitution, lost on Linux as well
RUNNER = """#!/bin/busybox sh
export PATH=/bin:/usr/bin:/sbin:/usr/sbin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
cd /work
echo "<BEGIN"
setsid @SHELL@ /script </dev/null 2>&1 | cat
echo "<END"
poweroff -f
"""


def on_linux(shell, script, work):
    """The script's output here, with BusyBox's applets where Debian's programs are not asked for."""
    with tempfile.TemporaryDirectory(prefix="daedalus-bin-") as path:
        for applet in subprocess.run([BUSYBOX, "--list"], check=True, capture_output=True, text=True).stdout.split():
            os.symlink(BUSYBOX, f"{path}/{applet}")
        for program in DYNAMIC:
            where = shutil.which(program)
            if where and shell != BUSYBOX:
                if os.path.lexists(f"{path}/{program}"):
                    os.unlink(f"{path}/{program}")
                os.symlink(where, f"{path}/{program}")
        argv = [BUSYBOX, "sh", script] if shell == BUSYBOX else [shell, script]
        out = subprocess.run(argv, cwd=work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             env={"PATH": path, "HOME": "/"}, start_new_session=True, timeout=120, check=False).stdout
        return out.decode(errors="replace")


def libraries(program):
    out = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return re.findall(r"(/\S+) \(0x", out)


def archive(output, shell, script, tree, programs):
    """An initramfs over the built-in one: the script, the files of tree under /work, programs with their libraries."""
    entries, dirs, temp = [], set(), tempfile.mkdtemp(prefix="daedalus-")

    def parents(path):
        path = os.path.dirname(path)
        if path not in ("", "/") and path not in dirs:
            parents(path)
            dirs.add(path)
            entries.append(f"dir {path} 0755")

    def add(path, source):
        parents(path)
        entries.append(f"file {path} {source} {'0755' if os.access(source, os.X_OK) else '0644'}")

    try:
        with open(f"{temp}/runner", "w", encoding="ascii") as f:
            f.write(RUNNER.replace("@SHELL@", shell))
        os.chmod(f"{temp}/runner", 0o755)
        add("/runner", f"{temp}/runner")
        add("/script", script)
        parents("/work/x")
        for folder, _, files in os.walk(tree) if tree else ():
            parents(os.path.join("/work", os.path.relpath(folder, tree), "x").replace("/./", "/"))
            for name in files:
                add(os.path.normpath(os.path.join("/work", os.path.relpath(folder, tree), name)), os.path.join(folder, name))
        for program, source in programs:
            add(program, source)
        for library in sorted({x for _, source in programs for x in libraries(source)}):
            add(library, os.path.realpath(library))
        with open(f"{temp}/list", "w", encoding="utf-8") as f:
            f.write("\n".join(entries) + "\n")
        run(["tools/mkcpio.py", f"{temp}/list", output])
    finally:
        shutil.rmtree(temp)


def on_daedalus(shell, script, tree=None, programs=()):
    with tempfile.TemporaryDirectory(prefix="daedalus-") as temp:
        archive(f"{temp}/x.cpio", shell, script, tree, programs)
        with Machine(kernel=KERNEL, initrd=f"{temp}/x.cpio", append="console=ttyS0 quiet rdinit=/runner", smp=2,
                     timeout=120) as m:
            m.expect(r"<BEGIN\s+")
            m.expect(r"<END\s+")
            text = m.child.before
            m.wait_exit(20)
    return text.decode(errors="replace").replace("\r", "")


def same(linux, ours):
    if linux.split("\n") != ours.split("\n"):
        diff = difflib.unified_diff(linux.splitlines(), ours.splitlines(), "Linux", "Daedalus", lineterm="", n=1)
        raise Failure("the output differs\n" + "\n".join(diff))


def dynamic():
    """bash, make, perl and gawk with glibc's dynamic linker."""
    missing = [p for p in DYNAMIC if not shutil.which(p)]
    if missing:
        raise Skip(f"not installed: {' '.join(missing)}")
    script = f"{TOP}/tests/programs/shell.sh"
    with tempfile.TemporaryDirectory(prefix="daedalus-") as work:
        linux = on_linux(shutil.which("bash"), script, work)
    programs = [(f"/bin/{p}", os.path.realpath(shutil.which(p))) for p in DYNAMIC]
    same(linux, on_daedalus("/bin/bash", script, programs=programs))
    return f"{len(linux.splitlines())} lines"


def ash_suites():
    """BusyBox's own tests of its shell, from its source package; a test that passes on Linux passes here."""
    try:
        run(["tools/fetch-third-party.sh", "busybox"], timeout=120)
    except (Failure, subprocess.TimeoutExpired) as e:
        raise Skip("no BusyBox source package: offline?") from e
    source = f"{TOP}/third_party/busybox/shell/ash_test"
    with tempfile.TemporaryDirectory(prefix="daedalus-") as tree:
        for suite in ASH_SUITES:
            shutil.copytree(f"{source}/ash-{suite}", f"{tree}/ash-{suite}", ignore=lambda d, names: ASH_LEFT_OUT & set(names))
        for helper in ("recho", "zecho", "printenv"):
            run(["musl-gcc", "-static", "-O1", "-w", "-o", f"{tree}/{helper}", f"{source}/{helper}.c"])
        shutil.copy(f"{source}/run-all", tree)
        shutil.copy(BUSYBOX, f"{tree}/ash")
        open(f"{tree}/.config", "w", encoding="ascii").close()
        script = f"{tree}/script"
        with open(script, "w", encoding="ascii") as f:
            f.write("exec sh ./run-all\n")
        ours = on_daedalus("/bin/sh", script, tree)
        linux = on_linux(BUSYBOX, script, tree)
    passed = [set(re.findall(r"^(\S+):\s*ok$", text, re.M)) for text in (linux, ours)]
    if len(passed[0]) < 100:
        raise Failure(f"only {len(passed[0])} tests passed on Linux\n{linux[-2000:]}")
    if passed[0] - passed[1]:
        raise Failure("pass on Linux, not here:\n" + "\n".join(sorted(passed[0] - passed[1])))
    return f"{len(passed[0])} tests"


def run_all(results, parallel):
    parallel(results, [("programs: bash, make, perl, gawk", dynamic), ("programs: ash's own tests", ash_suites)], 1)
