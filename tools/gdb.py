"""gdb helpers for Daedalus: `help daedalus` lists them. Loaded by tools/debug.sh."""
import gdb


def lookup(name):
    return gdb.parse_and_eval(name)


def per_cpu(symbol, cpu):
    """A per-CPU variable of one CPU."""
    sym = lookup(symbol)
    address = int(sym.address) + int(lookup(f"percpu_offset[{cpu}]"))
    return gdb.Value(address & 0xffffffffffffffff).cast(sym.type.pointer()).dereference()


class Daedalus(gdb.Command):
    """Helper commands of the Daedalus kernel."""

    def __init__(self):
        super().__init__("daedalus", gdb.COMMAND_USER, prefix=True)


class Cpus(gdb.Command):
    """daedalus cpus: the thread that each CPU runs."""

    def __init__(self):
        super().__init__("daedalus cpus", gdb.COMMAND_USER)

    def invoke(self, argument, from_tty):
        for cpu in range(int(lookup("nr_cpus"))):
            thread = per_cpu("current_thread", cpu)
            name = thread["comm"].string() if int(thread) else "(none)"
            print(f"cpu {cpu}: {name} {thread}")


class Log(gdb.Command):
    """daedalus log: the kernel's log ring."""

    def __init__(self):
        super().__init__("daedalus log", gdb.COMMAND_USER)

    def invoke(self, argument, from_tty):
        ring = lookup("'kernel/log/printk.c'::ring")
        head, pos = int(lookup("'kernel/log/printk.c'::head")), int(lookup("'kernel/log/printk.c'::tail"))
        data = bytes(gdb.selected_inferior().read_memory(int(ring.address), ring.type.sizeof))
        size = len(data)
        while pos < head:
            at = pos % size
            if size - at < 24:
                pos += size - at
                continue
            ns = int.from_bytes(data[at + 8:at + 16], "little")
            total = int.from_bytes(data[at + 16:at + 20], "little")
            length = int.from_bytes(data[at + 20:at + 22], "little")
            if not data[at + 23]:
                print(f"[{ns / 1e9:12.6f}] {data[at + 24:at + 24 + length].decode(errors='replace')}")
            pos += total


for command in (Daedalus, Cpus, Log):
    command()
