#!/usr/bin/env python3
"""Write a newc cpio archive from a list file (see user/initramfs.list), the same bytes every time.

usage: mkcpio.py LIST OUTPUT [NAME=VALUE ...]      ${NAME} in the list is replaced
"""
import os
import re
import stat
import subprocess
import sys

ALIGN = 4


class Archive:
    def __init__(self, out):
        self.out, self.ino, self.pos = out, 0, 0

    def _write(self, data):
        self.out.write(data)
        self.pos += len(data)

    def _pad(self):
        self._write(b"\0" * (-self.pos % ALIGN))

    def entry(self, name, mode, data=b"", uid=0, gid=0, nlink=1, ino=None, rdev=(0, 0)):
        if ino is None:
            self.ino += 1
            ino = self.ino
        raw = name.lstrip("/").encode() + b"\0"
        fields = (ino, mode, uid, gid, nlink, 0, len(data), 0, 0, *rdev, len(raw), 0)
        self._write(b"070701" + b"".join(b"%08X" % f for f in fields))
        self._write(raw)
        self._pad()
        self._write(data)
        self._pad()

    def end(self):
        self.entry("TRAILER!!!", 0, ino=0)


def busybox(archive, source):
    """The program and its applets as symbolic links, everything below usr (/bin and /sbin lead there)."""
    names = subprocess.run([source, "--list-full"], check=True, capture_output=True, text=True).stdout.split()
    folders = {"bin": "usr/bin", "sbin": "usr/sbin", "usr/bin": "usr/bin", "usr/sbin": "usr/sbin"}
    targets = {"usr/bin": b"busybox", "usr/sbin": b"../bin/busybox"}
    archive.entry("usr/bin/busybox", stat.S_IFREG | 0o755, open(source, "rb").read())
    for name in sorted(names):
        folder, base = folders.get(os.path.dirname(name)), os.path.basename(name)
        if folder and base != "busybox" and name != "sbin/init":
            archive.entry(f"{folder}/{base}", stat.S_IFLNK | 0o777, targets[folder])


def main():
    list_file, output = sys.argv[1:3]
    values = dict(a.split("=", 1) for a in sys.argv[3:])
    with open(output + ".tmp", "wb") as out:
        archive = Archive(out)
        for number, line in enumerate(open(list_file), 1):
            line = re.sub(r"\$\{(\w+)\}", lambda m: values[m[1]], line.split("#")[0]).split()
            if not line:
                continue
            kind, args = line[0], line[1:]
            ids = lambda i: tuple(int(a) for a in args[i:i + 2]) or (0, 0)
            if kind == "dir":
                archive.entry(args[0], stat.S_IFDIR | int(args[1], 8), b"", *ids(2), nlink=2)
            elif kind == "file":
                archive.entry(args[0], stat.S_IFREG | int(args[2], 8), open(args[1], "rb").read(), *ids(3))
            elif kind == "slink":
                archive.entry(args[0], stat.S_IFLNK | 0o777, args[1].encode())
            elif kind == "node":
                fmt = {"c": stat.S_IFCHR, "b": stat.S_IFBLK}[args[2]]
                archive.entry(args[0], fmt | int(args[1], 8), rdev=(int(args[3]), int(args[4])))
            elif kind == "busybox":
                busybox(archive, args[0])
            else:
                sys.exit(f"{list_file}:{number}: unknown kind {kind}")
        archive.end()
    os.replace(output + ".tmp", output)


main()
