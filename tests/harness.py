"""What all parts of `make test` share: results, and a machine in QEMU driven over its serial port."""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

import pexpect

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(TOP, "build")
ISO = os.path.join(BUILD, "daedalus.iso")
PROMPT = r"root@daedalus:[^\r\n]*# "
FIRST_PROMPT = r"root@daedalus:[^\r\n]*#"  # a log line may stand where the blank should
ANSI = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]")


class Results:
    """Counts outcomes from several threads and prints each as it comes."""

    def __init__(self):
        self.lock, self.passed, self.failed, self.skipped = threading.Lock(), 0, [], 0

    def add(self, name, ok, note="", seconds=None):
        with self.lock:
            if ok:
                self.passed += 1
            else:
                self.failed.append(name)
            took = f" ({seconds:.1f} s)" if seconds is not None else ""
            print(f"{'ok  ' if ok else 'FAIL'} {name}{took}{': ' + note if note else ''}", flush=True)

    def skip(self, name, why):
        with self.lock:
            self.skipped += 1
            print(f"skip {name}: {why}", flush=True)

    def many(self, name, passed, failed_names, skipped=0):
        """The outcome of a program that ran many tests of its own."""
        with self.lock:
            self.passed += passed
            self.skipped += skipped
            self.failed += [f"{name}: {f}" for f in failed_names]
            print(f"{'ok  ' if not failed_names else 'FAIL'} {name}: {passed} passed, {len(failed_names)} failed", flush=True)
            for f in failed_names:
                print(f"     {f}", flush=True)

    def run(self, name, fn, *args):
        """fn raises on failure; what it returns is a note."""
        start = time.time()
        try:
            note = fn(*args)
            self.add(name, True, note or "", time.time() - start)
        except Skip as e:
            self.skip(name, str(e))
        except Exception as e:  # pylint: disable=broad-except
            lines = str(e).strip().splitlines() or [type(e).__name__]
            self.add(name, False, lines[0][:300], time.time() - start)
            for line in lines[1:40]:
                print(f"     {line}", flush=True)


class Skip(Exception):
    pass


class Failure(Exception):
    pass


class Machine:
    """A QEMU guest. With-statement: it is gone at the end."""

    quiet = False  # after the first prompt: no log messages on the console

    def __init__(self, kernel=None, initrd=None, append="", iso=None, usb=None, machine="q35", cpu="max", smp=1,
                 mem="512M", uefi=False, args=(), timeout=60, log=None, serial=True):
        self.dir = tempfile.mkdtemp(prefix="daedalus-")
        self.timeout, self.log_path = timeout, log or os.path.join(self.dir, "serial.log")
        cmd = ["qemu-system-x86_64", "-accel", "tcg", "-M", machine, "-cpu", cpu, "-smp", str(smp), "-m", mem,
               "-display", "none", "-no-reboot", "-chardev", "stdio,id=serial0,signal=off",
               "-serial", "chardev:serial0" if serial else "none",
               "-qmp", f"unix:{self.dir}/qmp,server=on,wait=off"]
        if not machine.startswith("microvm"):
            cmd += ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
            if "-vga" not in args:
                cmd += ["-vga", "std"]
        if kernel:
            cmd += ["-kernel", kernel, "-append", append]
        if initrd:
            cmd += ["-initrd", initrd]
        if iso:
            cmd += ["-cdrom", iso, "-boot", "d"]
        if usb:
            cmd += ["-drive", f"id=stick,file={usb},format=raw,if=none,readonly=on", "-device", "qemu-xhci",
                    "-device", "usb-storage,drive=stick,bootindex=0"]
        if uefi:
            variables = os.path.join(self.dir, "vars.fd")
            shutil.copy("/usr/share/OVMF/OVMF_VARS.fd", variables)
            cmd += ["-drive", "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE.fd",
                    "-drive", f"if=pflash,format=raw,file={variables}"]
        cmd += list(args)
        self.command = cmd
        self.log = open(self.log_path, "wb")
        self.child = pexpect.spawn(cmd[0], cmd[1:], timeout=timeout, echo=False, logfile=self.log, maxread=65536)
        self.child.delaybeforesend = None
        self.qmp_socket = None
        self.end = None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.child.close(force=True)
        self.log.close()
        if self.qmp_socket:
            self.qmp_socket.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    # -- serial ---------------------------------------------------------------------------------
    def expect(self, pattern, timeout=None):
        """Wait for a regular expression on the serial port; a panic or the end is a failure."""
        if pattern == PROMPT and not self.quiet:
            pattern = FIRST_PROMPT
        patterns = [pattern, r"Kernel panic - not syncing:[^\r\n]*", pexpect.EOF, pexpect.TIMEOUT]
        index = self.child.expect(patterns, timeout=self.timeout if timeout is None else timeout)
        if index == 0 and pattern == FIRST_PROMPT and not self.quiet:
            # A late driver's message may fall into what tests look at: no more of them from here on.
            self.quiet = True
            self.send("dmesg -n 1\r")
            return self.expect(PROMPT, timeout)
        if index:
            what = ["", "kernel panic", "QEMU ended", "time-out"][index]
            if index == 1:
                self.child.expect([r"end Kernel panic", pexpect.EOF, pexpect.TIMEOUT], timeout=5)
            raise Failure(f"{what} while waiting for {pattern!r}\n" + self.tail())
        return self.child.match

    def tail(self, lines=30):
        self.log.flush()
        with open(self.log_path, "rb") as f:
            data = f.read()[-6000:]
        return "\n".join(ANSI.sub(b"", data).decode(errors="replace").replace("\r", "").splitlines()[-lines:])

    def send(self, text):
        self.child.send(text)

    def shell(self, command, timeout=None):
        """Run a command at the prompt; its output. The marks differ in the echo, so that they match once."""
        self.child.send(f"echo '<'BEGIN; {command}; echo '<'END\r")
        self.expect(r"<BEGIN\s+", timeout)
        self.expect(r"<END\s+", timeout)
        output = self.child.before
        self.expect(PROMPT, timeout)
        return ANSI.sub(b"", output).decode(errors="replace").replace("\r", "").strip()

    def wait_exit(self, timeout=None):
        """QEMU's exit status."""
        self.child.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=timeout or self.timeout)
        if self.child.isalive():
            deadline = time.time() + 2
            while self.child.isalive() and time.time() < deadline:
                time.sleep(0.02)
        if self.child.isalive():
            raise Failure("the machine did not switch off\n" + self.tail())
        self.child.wait()
        return self.child.exitstatus

    # -- monitor --------------------------------------------------------------------------------
    def qmp(self, command, **arguments):
        if not self.qmp_socket:
            s = socket.socket(socket.AF_UNIX)
            deadline = time.time() + 10
            while True:
                try:
                    s.connect(f"{self.dir}/qmp")
                    break
                except OSError:
                    if time.time() > deadline:
                        raise
                    time.sleep(0.05)
            self.qmp_socket = s
            self.qmp_file = s.makefile("rw")
            self.qmp_file.readline()
            self.qmp("qmp_capabilities")
        self.qmp_file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.qmp_file.flush()
        while True:
            answer = json.loads(self.qmp_file.readline())
            if answer.get("event") == "SHUTDOWN":
                self.end = answer["data"]["reason"]
            if "return" in answer or "error" in answer:
                return answer

    def why_ended(self):
        """After the end of QEMU: "guest-shutdown", "guest-reset" and the like; needs an earlier command."""
        try:
            for line in self.qmp_file:
                event = json.loads(line)
                if event.get("event") == "SHUTDOWN":
                    self.end = event["data"]["reason"]
        except (OSError, ValueError):
            pass
        return self.end

    def keys(self, *keys):
        """Press keys one after the other; "a-b" presses both together."""
        for k in keys:
            self.qmp("human-monitor-command", **{"command-line": f"sendkey {k}"})
            time.sleep(0.15)

    def type_text(self, text):
        names = {" ": "spc", "\n": "ret", "-": "minus", "/": "slash", ".": "dot", "=": "equal", ";": "semicolon",
                 ",": "comma", "_": "shift-minus", ">": "shift-dot", "<": "shift-comma", "|": "shift-backslash",
                 "&": "shift-7", "*": "shift-8", "$": "shift-4", "\"": "shift-apostrophe", "'": "apostrophe"}
        self.keys(*[names.get(c, f"shift-{c.lower()}" if c.isupper() else c) for c in text])

    def screen(self, path):
        """The screen as (width, height, RGB bytes); also written to path as PPM."""
        self.qmp("screendump", filename=path)
        deadline = time.time() + 5
        while time.time() < deadline:
            try:
                return read_ppm(path)
            except (OSError, ValueError, IndexError):
                time.sleep(0.05)
        raise Failure("no screen dump")


def read_ppm(path):
    data = open(path, "rb").read()
    m = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
    if not m:
        raise ValueError("not a PPM")
    w, h = int(m[1]), int(m[2])
    if len(data) < m.end() + 3 * w * h:
        raise ValueError("short")
    return w, h, data[m.end():]


def run(cmd, **kw):
    """Run a command; its output on failure."""
    p = subprocess.run(cmd, capture_output=True, text=True, errors="replace", cwd=TOP, **kw)
    if p.returncode:
        raise Failure(f"{' '.join(map(str, cmd))} ended with {p.returncode}\n" + (p.stdout + p.stderr)[-3000:])
    return p.stdout


def print_now(*args):
    print(*args, file=sys.stdout, flush=True)
