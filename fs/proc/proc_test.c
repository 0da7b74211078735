/* Tests of the registered tree and of text files, through the VFS: a pseudo file system of their own,
 * mounted nowhere, is looked at with its inode operations; /proc itself by path. */
#include <alloc/slab.h>
#include <fs/pseudofs.h>
#include <init/ktest.h>
#include <lib/string.h>

static u32 shown;
static char written[32];

static int show_lines(struct seq *s, void *arg)
{
	shown++;
	for (unsigned i = 0; i < (unsigned)(uintptr_t)arg; i++)
		seq_printf(s, "line %05u\n", i);
	return 0;
}

static ssize_t take(const char *buf, size_t n, void *arg)
{
	if (buf[n] != '\0' || n >= sizeof(written))
		return -EINVAL;
	memcpy(written, buf, n + 1);
	return (ssize_t)n;
}

KTEST(seq, grows_and_escapes)
{
	struct seq s = {0};

	for (unsigned i = 0; i < 3000; i++)
		seq_printf(&s, "%u,", i);
	CHECK(!s.failed);
	CHECK_EQ(s.len, 10 * 2 + 90 * 3 + 900 * 4 + 2000 * 5);
	CHECK(memcmp(s.buf, "0,1,2,3,", 8) == 0);
	CHECK(memcmp(s.buf + s.len - 5, "2999,", 5) == 0);
	s.len = 0;
	seq_escape(&s, "a b\\c\td", " \t");
	seq_putc(&s, '\0');
	CHECK(strcmp(s.buf, "a\\040b\\134c\\011d") == 0);
	seq_free(&s);
	CHECK(s.buf == NULL);
}

/* Made once: nodes are never removed. */
static int register_once(void)
{
	static bool done;
	int err = 0;

	if (!done) {
		err = proc_create("ktest/many", 0444, show_lines, NULL, (void *)2000);
		if (!err)
			err = proc_create("ktest/a/b/rw", 0644, show_lines, take, (void *)1);
		if (!err)
			err = proc_symlink("ktest/link", "a/b/rw");
	}
	done = true;
	return err;
}

KTEST(procfs, registration)
{
	CHECK_EQ(register_once(), 0);
	CHECK_EQ(proc_create("ktest/many", 0444, show_lines, NULL, NULL), -EEXIST);
	CHECK_EQ(proc_create("ktest/many/x", 0444, show_lines, NULL, NULL), -ENOTDIR);
	CHECK_EQ(proc_create("", 0444, show_lines, NULL, NULL), -EINVAL);
	CHECK_EQ(proc_create("ktest//x", 0444, show_lines, NULL, NULL), -EINVAL);
	CHECK_EQ(proc_mkdir("ktest/a"), 0);
}

/* procfs where init has mounted it, or mounted by us: ktest runs before init. */
static bool proc_mounted(void)
{
	struct path p;

	if (path_lookup(AT_FDCWD, "/proc/ktest", 0, &p) == 0) {
		path_put(&p);
		return true;
	}
	(void)vfs_mkdir(AT_FDCWD, "/proc", 0755);
	return vfs_mount("proc", "/proc", "proc", 0, NULL) == 0;
}

KTEST(procfs, reads_in_pieces_show_one_text)
{
	struct file *f;
	char buf[100];
	u64 pos = 0;
	u32 before;

	REQUIRE(register_once() == 0);
	REQUIRE(proc_mounted());
	f = file_open(AT_FDCWD, "/proc/ktest/many", O_RDONLY, 0);
	REQUIRE(!IS_ERR(f));
	before = shown;
	for (;;) {
		ssize_t n = file_read_kernel(f, buf, 77, pos);
		if (!CHECK(n >= 0) || n == 0)
			break;
		for (ssize_t i = 0; i < n; i++) {
			if ((pos + (u64)i) % 11 == 10)
				CHECK_EQ(buf[i], '\n');
		}
		pos += (u64)n;
	}
	CHECK_EQ(pos, 2000 * 11);
	CHECK_EQ(shown, before + 1);
	/* From the start again: made anew. */
	CHECK_EQ(file_read_kernel(f, buf, 11, 0), 11);
	CHECK_EQ(shown, before + 2);
	CHECK(memcmp(buf, "line 00000\n", 11) == 0);
	file_put(f);
}

KTEST(procfs, writes_and_links)
{
	struct file *f;
	char buf[16];

	REQUIRE(register_once() == 0);
	REQUIRE(proc_mounted());
	f = file_open(AT_FDCWD, "/proc/ktest/link", O_RDWR, 0);
	REQUIRE(!IS_ERR(f));
	CHECK_EQ(file_write_kernel(f, "value\n", 6, 0), 6);
	CHECK(strcmp(written, "value\n") == 0);
	CHECK_EQ(file_write_kernel(f, "far too long for the buffer of it", 33, 0), -EINVAL);
	CHECK_EQ(file_read_kernel(f, buf, sizeof(buf), 0), 11);
	file_put(f);
	f = file_open(AT_FDCWD, "/proc/ktest/absent", O_RDONLY, 0);
	CHECK(IS_ERR(f) && PTR_ERR(f) == -ENOENT);
}

/* Every registered file of the machine can be read to its end. */
KTEST(procfs, machine_files_are_readable)
{
	static const char *const paths[] = {
		"/proc/meminfo",	   "/proc/stat",       "/proc/uptime",
		"/proc/loadavg",	   "/proc/cpuinfo",    "/proc/interrupts",
		"/proc/filesystems",	   "/proc/swaps",      "/proc/vmstat",
		"/proc/buddyinfo",	   "/proc/zoneinfo",   "/proc/slabinfo",
		"/proc/sys/kernel/printk", "/proc/partitions", "/proc/sys/kernel/random/boot_id",
		"/proc/sys/fs/file-nr",	   "/proc/version",    "/proc/sys/kernel/osrelease",
	};
	char *buf = kmalloc(4096, GFP_KERNEL);

	REQUIRE(buf);
	if (CHECK(proc_mounted())) {
		for (unsigned i = 0; i < ARRAY_SIZE(paths); i++) {
			struct file *f = file_open(AT_FDCWD, paths[i], O_RDONLY, 0);
			u64 pos = 0;
			ssize_t n = -1;

			if (!CHECK(!IS_ERR(f)))
				continue;
			while ((n = file_read_kernel(f, buf, 4096, pos)) > 0)
				pos += (u64)n;
			CHECK_EQ(n, 0);
			CHECK(pos > 0);
			file_put(f);
		}
	}
	kfree(buf);
}
