#!/usr/bin/env python3
"""Make the kernel's symbol table (format: kernel/log/symbols.c) from an ELF image.

usage: symtab.py NM IMAGE OUTPUT
"""
import struct
import subprocess
import sys

nm, image, output = sys.argv[1:4]
symbols, base = {}, None
for line in subprocess.run([nm, "-n", image], check=True, capture_output=True, text=True).stdout.splitlines():
    address, kind, name = line.split(maxsplit=2) if line[0] != " " else (None, None, None)
    if name == "__text_start":
        base = int(address, 16)
    elif name and kind in "tTwW" and not name.startswith((".L", "__text", "__init_", "__image", "__rodata")):
        symbols.setdefault(int(address, 16), name)
table = sorted((a - base, n) for a, n in symbols.items() if base is not None and a >= base)
names, offsets = b"", []
for _, name in table:
    offsets.append(len(names))
    names += name.encode() + b"\0"
with open(output, "wb") as out:
    out.write(struct.pack("<I", len(table)))
    out.write(b"".join(struct.pack("<I", a & 0xffffffff) for a, _ in table))
    out.write(b"".join(struct.pack("<I", o) for o in offsets))
    out.write(names)
