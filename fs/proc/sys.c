/* Tables of the file layer and the tunables below /proc/sys that no process subsystem owns: filesystems,
 * swaps, sys/kernel/{printk,random,...}, sys/fs (proc(5)). Only what is true here is shown. */
#include <fs/procfs.h>
#include <init/initcall.h>
#include <lib/string.h>
#include <log/panic.h>
#include <log/printk.h>
#include <log/random.h>
#include <sched/cred.h>

static int show_filesystems(struct seq *s, void *arg)
{
	for (const struct fs_type *const *t = __fs_types_start; t < __fs_types_end; t++)
		seq_printf(s, "%s\t%s\n", (*t)->flags & FS_NODEV ? "nodev" : "", (*t)->name);
	return 0;
}

static int show_swaps(struct seq *s, void *arg)
{
	seq_puts(s, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	return 0;
}

/* No block devices are registered with anybody yet: the tables are empty, but programs open them. */
static int show_partitions(struct seq *s, void *arg)
{
	seq_puts(s, "major minor  #blocks  name\n\n");
	return 0;
}

static int show_nothing(struct seq *s, void *arg)
{
	return 0;
}

static int show_panic(struct seq *s, void *arg)
{
	seq_printf(s, "%ld\n", READ_ONCE(panic_timeout));
	return 0;
}

static ssize_t write_panic(const char *buf, size_t n, void *arg)
{
	s64 v;
	int err = parse_s64(buf, 10, &v);

	if (err)
		return err;
	if (v < INT32_MIN || v > INT32_MAX)
		return -EINVAL;
	WRITE_ONCE(panic_timeout, v);
	return (ssize_t)n;
}

static int show_const(struct seq *s, void *arg)
{
	seq_printf(s, "%lu\n", (u64)(uintptr_t)arg);
	return 0;
}

/* Current, default, minimum and boot-time default level. */
static int show_printk(struct seq *s, void *arg)
{
	seq_printf(s, "%d\t%d\t%d\t%d\n", READ_ONCE(console_loglevel), LOG_WARNING, 1, LOG_DEBUG);
	return 0;
}

static ssize_t write_printk(const char *buf, size_t n, void *arg)
{
	char first[12];
	size_t len = 0;
	u64 v;

	while (len < sizeof(first) - 1 && buf[len] >= '0' && buf[len] <= '9') {
		first[len] = buf[len];
		len++;
	}
	first[len] = '\0';
	if (parse_u64(first, 10, &v) || v < 1 || v > 15)
		return -EINVAL;
	WRITE_ONCE(console_loglevel, (int)v);
	return (ssize_t)n;
}

static int show_entropy(struct seq *s, void *arg)
{
	seq_printf(s, "%u\n", random_entropy_bits());
	return 0;
}

/* RFC 4122, 4.4: random, version 4. */
static void make_uuid(u8 u[16])
{
	random_bytes(u, 16);
	u[6] = (u[6] & 0x0f) | 0x40;
	u[8] = (u[8] & 0x3f) | 0x80;
}

static void put_uuid(struct seq *s, const u8 u[16])
{
	for (unsigned i = 0; i < 16; i++)
		seq_printf(s, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", u[i]);
	seq_putc(s, '\n');
}

static int show_uuid(struct seq *s, void *arg)
{
	u8 u[16];

	make_uuid(u);
	put_uuid(s, u);
	return 0;
}

static int show_boot_id(struct seq *s, void *arg)
{
	static DEFINE_MUTEX(lock);
	static u8 id[16]; /* [lock] */
	static bool made; /* [lock] */

	mutex_lock(&lock);
	if (!made)
		make_uuid(id);
	made = true;
	mutex_unlock(&lock);
	put_uuid(s, id);
	return 0;
}

/* Open files, unused ones kept (none), the limit (none). */
static int show_file_nr(struct seq *s, void *arg)
{
	seq_printf(s, "%lu\t0\t%ld\n", file_count(), INT64_MAX);
	return 0;
}

static const struct {
	const char *path;
	proc_show_fn show;
	proc_write_fn write;
	u64 arg;
} files[] = {
	{"filesystems", show_filesystems, NULL, 0},
	{"swaps", show_swaps, NULL, 0},
	{"partitions", show_partitions, NULL, 0},
	{"diskstats", show_nothing, NULL, 0},
	{"sys/kernel/panic", show_panic, write_panic, 0},
	{"sys/kernel/printk", show_printk, write_printk, 0},
	{"sys/kernel/ngroups_max", show_const, NULL, 65536},
	{"sys/kernel/cap_last_cap", show_const, NULL, CAP_LAST},
	{"sys/kernel/random/entropy_avail", show_entropy, NULL, 0},
	{"sys/kernel/random/poolsize", show_const, NULL, 256},
	{"sys/kernel/random/uuid", show_uuid, NULL, 0},
	{"sys/vm/overcommit_memory", show_const, NULL, 0},
	{"sys/fs/file-max", show_const, NULL, INT64_MAX},
	{"sys/fs/nr_open", show_const, NULL, 1u << 20},
	{"sys/fs/file-nr", show_file_nr, NULL, 0},
	{"sys/kernel/random/boot_id", show_boot_id, NULL, 0},
};

static int sys_files(void)
{
	int err = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(files); i++) {
		int e = proc_create(files[i].path, files[i].write ? 0644 : 0444, files[i].show,
				    files[i].write, (void *)(uintptr_t)files[i].arg);
		err = err ? err : e;
	}
	return err;
}
INITCALL(fs, sys_files);
