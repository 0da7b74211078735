"""The screen and the keyboard, and a session on the serial port as a person would have it."""
import os
import time

from harness import BUILD, ISO, PROMPT, Failure, Machine

KERNEL = f"{BUILD}/daedalus.elf"


def wait_file(m, path, want, seconds=20):
    deadline = time.time() + seconds
    while time.time() < deadline:
        got = m.shell(f"cat {path} 2>/dev/null")
        if want in got:
            return got
        time.sleep(0.3)
    raise Failure(f"{path} holds {got!r}, expected {want!r}")


def job_control():
    """Ctrl-C, Ctrl-Z, fg, bg, jobs, pipelines on the serial console."""
    with Machine(kernel=KERNEL, append="console=ttyS0", smp=2) as m:
        m.expect(PROMPT)
        m.send("sleep 1000\r")
        time.sleep(0.5)
        m.send("\x03")
        m.expect(PROMPT)
        m.send("sleep 1000\r")
        time.sleep(0.5)
        m.send("\x1a")
        m.expect("Stopped")
        m.expect(PROMPT)
        m.send("bg\r")
        m.expect(PROMPT)
        out = m.shell("jobs")
        if "Running" not in out:
            raise Failure(f"jobs: {out!r}")
        m.send("fg\r")
        time.sleep(0.5)
        m.send("\x03")
        m.expect(PROMPT)
        if m.shell("jobs"):
            raise Failure("the job is still there")
        out = m.shell("yes | head -n 5 | wc -l; sleep 0.2 & wait; echo done $?")
        if "5" not in out or "done 0" not in out:
            raise Failure(out)
        m.send("cat\r")
        time.sleep(0.5)
        m.send("one line\r")
        m.expect(r"one line\s+one line")
        m.send("\x04")
        m.expect(PROMPT)
        m.send("poweroff\r")
        m.wait_exit()


def keyboard(iso):
    """Keys typed on the PS/2 keyboard reach tty1's shell; the picture changes; Alt+F2 switches."""
    source = {"iso": ISO} if iso else {"kernel": KERNEL, "append": "console=tty0 console=ttyS0"}
    with Machine(smp=2, timeout=90, **source) as m:
        m.expect(PROMPT)
        time.sleep(1)
        path = os.path.join(m.dir, "screen.ppm")
        before = m.screen(path)
        m.type_text("echo Typed-1 >/tmp/a; echo second line\n")
        wait_file(m, "/tmp/a", "Typed-1")
        after = m.screen(path)
        if before[2] == after[2]:
            raise Failure("the screen did not change")
        if not any(after[2]):
            raise Failure("the screen is black")
        m.keys("alt-f2")
        time.sleep(1)
        second = m.screen(path)
        if second[2] == after[2]:
            raise Failure("Alt+F2 shows the same screen")
        m.type_text("tty >/tmp/b\n")
        wait_file(m, "/tmp/b", "/dev/tty2")
        m.keys("alt-f1")
        time.sleep(1)
        if m.screen(path)[2][: 3 * before[0] * 16] != after[2][: 3 * before[0] * 16]:
            raise Failure("the first screen did not come back")
        m.shell("printf '\\033[2J\\033[H\\033[41m%-200s' red >/dev/tty1")
        time.sleep(1)
        w, h, pixels = m.screen(path)
        reds = sum(1 for i in range(0, 3 * w * 16, 3) if pixels[i] > 120 and pixels[i + 1] < 60 and pixels[i + 2] < 60)
        if reds < w * 4:
            raise Failure(f"no red background: {reds} pixels")


def layout():
    """kbd=de: y and z change places, and the key right of L gives a letter of two bytes."""
    with Machine(kernel=KERNEL, append="console=ttyS0 console=tty0 kbd=de") as m:
        m.expect(PROMPT)
        time.sleep(1)
        m.type_text("touch yz")
        m.keys("semicolon", "ret")
        deadline = time.time() + 20
        while (got := m.shell("cd /root; echo *")) == "*" and time.time() < deadline:
            time.sleep(0.3)
        if got != "zy\u00f6":
            raise Failure(f"typed yz; on a German keyboard, got {got!r}")


def paste():
    """A long paste through the serial port loses nothing."""
    text = "".join(f"line {i} " + "x" * 60 + "\r" for i in range(300))
    with Machine(kernel=KERNEL, append="console=ttyS0") as m:
        m.expect(PROMPT)
        m.send("stty -echo; cat >/tmp/paste\r")
        time.sleep(0.5)
        for i in range(0, len(text), 512):
            m.send(text[i:i + 512])
        m.send("\x04")
        m.expect(PROMPT)
        out = m.shell("stty echo; wc -lc </tmp/paste")
        out = m.shell("wc -lc </tmp/paste")
        want = f"{text.count(chr(13))}".split() + [str(len(text))]
        if out.split() != want:
            raise Failure(f"got {out.split()}, sent {want}")


def users():
    """Permissions hold for a user who is not root."""
    with Machine(kernel=KERNEL, append="console=ttyS0") as m:
        m.expect(PROMPT)
        out = m.shell("su user -c 'id -u; cat /etc/shadow; kill -9 1; echo x >/etc/motd; ls /root' 2>&1")
        if "1000" not in out or out.count("ermission denied") + out.count("not permitted") < 3:
            raise Failure(out)
        out = m.shell("ps | head -n 3; free; mount; df; uptime; cat /proc/loadavg; top -bn1 | head -n 4")
        for want in ("PID", "Mem", "proc on /proc", "Filesystem", "load average", "CPU"):
            if want not in out:
                raise Failure(f"{want!r} is missing in:\n{out}")


def run_all(results, parallel):
    parallel(results, [
        ("console job control", job_control),
        ("console keyboard and framebuffer (BIOS, GRUB)", keyboard, True),
        ("console keyboard and VGA text (PVH)", keyboard, False),
        ("console German layout", layout),
        ("console paste of 20 kB", paste),
        ("console users and tools", users),
    ])
