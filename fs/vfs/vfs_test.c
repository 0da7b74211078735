/* In-kernel tests of names, mounts, renames, files without a name, descriptors and poll. They work in a
 * directory of their own in the root file system. */
#include <alloc/slab.h>
#include <fs/dev.h>
#include <fs/pipe.h>
#include <fs/poll.h>
#include <init/ktest.h>
#include <sched/workqueue.h>
#include "vfs_priv.h"

#define T "/ktest-vfs"

static void setup(void)
{
	(void)vfs_mkdir(AT_FDCWD, T, 0755);
}

/* Everything below T that the tests make, then T. */
static void clean(void)
{
	static const char *const names[] = {T "/f",    T "/g",	 T "/h",   T "/l",
					    T "/loop", T "/d/x", T "/d/y", T "/e/x",
					    T "/m/f",  T "/abs", T "/fifo"};
	static const char *const dirs[] = {T "/d/s", T "/d", T "/e/d", T "/e", T "/m"};
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		(void)vfs_unlink(AT_FDCWD, names[i], 0);
	for (unsigned i = 0; i < ARRAY_SIZE(dirs); i++)
		(void)vfs_unlink(AT_FDCWD, dirs[i], AT_REMOVEDIR);
	CHECK_EQ(vfs_unlink(AT_FDCWD, T, AT_REMOVEDIR), 0);
}

static int lookup(const char *name, unsigned flags)
{
	struct path p;
	int err = path_lookup(AT_FDCWD, name, flags, &p);
	if (!err)
		path_put(&p);
	return err;
}

static int make(const char *name, const char *text)
{
	struct file *f = file_open(AT_FDCWD, name, O_CREAT | O_RDWR | O_TRUNC, 0644);
	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	ssize_t n = file_write_kernel(f, text, strlen(text), 0);
	file_put(f);
	return n == (ssize_t)strlen(text) ? 0 : -EIO;
}

static bool reads(struct file *f, const char *text)
{
	char buf[64];
	ssize_t n = file_read_kernel(f, buf, sizeof(buf), 0);
	return n == (ssize_t)strlen(text) && !memcmp(buf, text, (size_t)n);
}

static bool has_text(const char *name, const char *text)
{
	struct file *f = file_open(AT_FDCWD, name, O_RDONLY, 0);
	if (IS_ERR(f))
		return false;
	bool ok = reads(f, text);
	file_put(f);
	return ok;
}

KTEST(vfs, path_walk)
{
	setup();
	CHECK_EQ(vfs_mkdir(AT_FDCWD, T "/d", 0755), 0);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, T "/d", 0755), -EEXIST);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, T "/d/", 0755), -EEXIST);
	CHECK_EQ(make(T "/d/x", "x"), 0);
	CHECK_EQ(lookup(T "/d/x", 0), 0);
	CHECK_EQ(lookup(T "//d/./../d//x", 0), 0);
	CHECK_EQ(lookup(T "/d/x/", 0), -ENOTDIR);
	CHECK_EQ(lookup(T "/d/x/y", 0), -ENOTDIR);
	CHECK_EQ(lookup(T "/d/nothing", 0), -ENOENT);
	CHECK_EQ(lookup(T "/d/nothing", 0), -ENOENT); /* now a negative dentry */
	CHECK_EQ(lookup(T "/nothing/x", 0), -ENOENT);
	CHECK_EQ(lookup("", 0), -ENOENT);
	CHECK_EQ(lookup("/../../..", 0), 0);
	CHECK_EQ(vfs_symlink("d/x", AT_FDCWD, T "/l"), 0);
	CHECK(has_text(T "/l", "x"));
	CHECK_EQ(lookup(T "/l/", 0), -ENOTDIR);
	CHECK_EQ(vfs_symlink("loop", AT_FDCWD, T "/loop"), 0);
	CHECK_EQ(lookup(T "/loop", LOOKUP_FOLLOW), -ELOOP);
	CHECK_EQ(lookup(T "/loop", 0), 0);
	CHECK_EQ(vfs_symlink(T "/d", AT_FDCWD, T "/abs"), 0);
	CHECK(has_text(T "/abs/x", "x"));
	CHECK(has_text(T "/abs/../d/x", "x"));
	CHECK_EQ(vfs_unlink(AT_FDCWD, T "/d", 0), -EISDIR);
	CHECK_EQ(vfs_unlink(AT_FDCWD, T "/d/x", AT_REMOVEDIR), -ENOTDIR);
	CHECK_EQ(vfs_unlink(AT_FDCWD, T "/d", AT_REMOVEDIR), -ENOTEMPTY);
	CHECK_EQ(vfs_unlink(AT_FDCWD, T "/d/.", AT_REMOVEDIR), -EINVAL);
	CHECK_EQ(vfs_unlink(AT_FDCWD, T "/d/..", AT_REMOVEDIR), -ENOTEMPTY);
	clean();
}

KTEST(vfs, long_names)
{
	char *name = kzalloc(PATH_MAX, GFP_KERNEL);
	REQUIRE(name);
	setup();
	str_copy(name, T "/", PATH_MAX);
	memset(name + sizeof(T), 'n', NAME_MAX);
	CHECK_EQ(make(name, "long"), 0);
	CHECK(has_text(name, "long"));
	/* Long to short and back: the names change places without tearing. */
	CHECK_EQ(vfs_rename(AT_FDCWD, name, AT_FDCWD, T "/f", 0), 0);
	CHECK(has_text(T "/f", "long"));
	CHECK_EQ(lookup(name, 0), -ENOENT);
	CHECK_EQ(vfs_rename(AT_FDCWD, T "/f", AT_FDCWD, name, 0), 0);
	CHECK(has_text(name, "long"));
	CHECK_EQ(vfs_unlink(AT_FDCWD, name, 0), 0);
	name[sizeof(T) + NAME_MAX] = 'n';
	CHECK_EQ(make(name, "too long"), -ENAMETOOLONG);
	clean();
	kfree(name);
}

KTEST(vfs, rename)
{
	setup();
	CHECK_EQ(vfs_mkdir(AT_FDCWD, T "/d", 0755), 0);
	CHECK_EQ(vfs_mkdir(AT_FDCWD, T "/e", 0755), 0);
	CHECK_EQ(make(T "/f", "f"), 0);
	CHECK_EQ(make(T "/g", "g"), 0);
	CHECK_EQ(vfs_rename(AT_FDCWD, T "/f", AT_FDCWD, T "/g", RENAME_NOREPLACE), -EEXIST);
	CHECK_EQ(vfs_rename(AT_FDCWD, T "/f", AT_FDCWD, T "/g", RENAME_EXCHANGE), 0);
	CHECK(has_text(T "/f", "g") && has_text(T "/g", "f"));
	CHECK_EQ(vfs_rename(AT_FDCWD, T "/f", AT_FDCWD, T "/g", 0), 0);
	CHECK(has_text(T "/g", "g"));
	CHECK_EQ(lookup(T "/f", 0), -ENOENT);
	CHECK_EQ(vfs_rename(AT_FDCWD, T "/g", AT_FDCWD, T "/d/x", 0), 0);
	CHECK(has_text(T "/d/x", "g"));
	CHECK_EQ(vfs_rename(AT_FDCWD, T "/d", AT_FDCWD, T "/d/s", 0), -EINVAL);
	CHECK_EQ(vfs_rename(AT_FDCWD, T "/d/x", AT_FDCWD, T "/d", 0), -ENOTEMPTY);
	CHECK_EQ(vfs_rename(AT_FDCWD, T "/e", AT_FDCWD, T "/d", 0), -ENOTEMPTY);
	CHECK_EQ(vfs_rename(AT_FDCWD, T "/e", AT_FDCWD, T "/d/x", 0), -ENOTDIR);
	CHECK_EQ(vfs_rename(AT_FDCWD, T "/d/x", AT_FDCWD, T "/e", 0), -EISDIR);
	CHECK_EQ(vfs_rename(AT_FDCWD, T "/d", AT_FDCWD, T "/e/d", 0), 0);
	CHECK(has_text(T "/e/d/x", "g"));
	CHECK_EQ(vfs_rename(AT_FDCWD, T "/e/d/x", AT_FDCWD, T "/f", 0), 0);
	CHECK_EQ(vfs_rename(AT_FDCWD, T "/nothing", AT_FDCWD, T "/f", 0), -ENOENT);
	clean();
}

KTEST(vfs, unlinked_while_open)
{
	setup();
	CHECK_EQ(make(T "/f", "still here"), 0);
	struct file *f = file_open(AT_FDCWD, T "/f", O_RDWR, 0);
	REQUIRE(!IS_ERR(f));
	CHECK_EQ(vfs_link(AT_FDCWD, T "/f", AT_FDCWD, T "/g", 0), 0);
	CHECK_EQ(f->inode->nlink, 2);
	CHECK_EQ(vfs_unlink(AT_FDCWD, T "/f", 0), 0);
	CHECK_EQ(vfs_unlink(AT_FDCWD, T "/g", 0), 0);
	CHECK_EQ(f->inode->nlink, 0);
	CHECK_EQ(lookup(T "/f", 0), -ENOENT);
	CHECK(reads(f, "still here"));
	CHECK_EQ(make(T "/f", "another"), 0);
	CHECK(reads(f, "still here"));
	char buf[64];
	char *name = path_name(&f->path, buf, sizeof(buf));
	CHECK(!IS_ERR(name) && !strcmp(name, T "/f (deleted)"));
	file_put(f);
	CHECK(has_text(T "/f", "another"));
	clean();
}

KTEST(vfs, open_flags)
{
	setup();
	CHECK_EQ(make(T "/f", "0123456789"), 0);
	CHECK_EQ(vfs_symlink("f", AT_FDCWD, T "/l"), 0);
	CHECK_EQ(vfs_symlink("h", AT_FDCWD, T "/loop"), 0); /* dangling */
	CHECK_EQ(PTR_ERR(file_open(AT_FDCWD, T "/f", O_CREAT | O_EXCL | O_WRONLY, 0600)), -EEXIST);
	CHECK_EQ(PTR_ERR(file_open(AT_FDCWD, T "/l", O_CREAT | O_EXCL | O_WRONLY, 0600)), -EEXIST);
	CHECK_EQ(PTR_ERR(file_open(AT_FDCWD, T "/l", O_RDONLY | O_NOFOLLOW, 0)), -ELOOP);
	CHECK_EQ(PTR_ERR(file_open(AT_FDCWD, T "/f", O_RDONLY | O_DIRECTORY, 0)), -ENOTDIR);
	CHECK_EQ(PTR_ERR(file_open(AT_FDCWD, T, O_WRONLY, 0)), -EISDIR);
	CHECK_EQ(PTR_ERR(file_open(AT_FDCWD, T "/n/", O_CREAT | O_WRONLY, 0600)), -EISDIR);
	CHECK_EQ(make(T "/loop", "through"), 0); /* creates the target */
	CHECK(has_text(T "/h", "through"));
	struct file *f = file_open(AT_FDCWD, T, O_TMPFILE | O_RDWR, 0600);
	REQUIRE(!IS_ERR(f));
	CHECK_EQ(f->inode->nlink, 0);
	CHECK_EQ(file_write_kernel(f, "tmp", 3, 0), 3);
	CHECK(reads(f, "tmp"));
	file_put(f);
	f = file_open(AT_FDCWD, T "/f", O_WRONLY | O_TRUNC, 0);
	REQUIRE(!IS_ERR(f));
	CHECK_EQ(f->inode->size, 0);
	CHECK_EQ(file_read_kernel(f, &f, 1, 0), -EBADF);
	file_put(f);
	clean();
}

KTEST(vfs, mounts)
{
	setup();
	CHECK_EQ(vfs_mkdir(AT_FDCWD, T "/m", 0755), 0);
	CHECK_EQ(make(T "/m/f", "below"), 0);
	CHECK_EQ(vfs_mount("t", T "/m", "nonesuch", 0, NULL), -ENODEV);
	CHECK_EQ(vfs_mount("t", T "/m", "tmpfs", 0, "size=8k,bogus=1"), -EINVAL);
	REQUIRE(vfs_mount("t", T "/m", "tmpfs", MS_NODEV, "size=8k") == 0);
	CHECK_EQ(lookup(T "/m/f", 0), -ENOENT);
	CHECK_EQ(make(T "/m/f", "above"), 0);
	CHECK(has_text(T "/m/../m/f", "above"));
	CHECK_EQ(vfs_unlink(AT_FDCWD, T "/m", AT_REMOVEDIR), -EBUSY);
	CHECK_EQ(vfs_rename(AT_FDCWD, T "/m", AT_FDCWD, T "/e", 0), -EBUSY);
	CHECK_EQ(vfs_rename(AT_FDCWD, T "/m/f", AT_FDCWD, T "/f", 0), -EXDEV);
	/* Two pages hold two pages. */
	struct file *f = file_open(AT_FDCWD, T "/m/f", O_RDWR, 0);
	REQUIRE(!IS_ERR(f));
	CHECK_EQ(file_write_kernel(f, "x", 1, 4096), 1);
	CHECK_EQ(file_write_kernel(f, "x", 1, 8192), -ENOSPC);
	struct path p;
	LIST_HEAD(drop);
	CHECK_EQ(path_lookup(AT_FDCWD, T "/m", LOOKUP_FOLLOW, &p), 0);
	down_write(&init_mnt_ns.sem);
	mount_detach(p.mnt, &drop);
	up_write(&init_mnt_ns.sem);
	mount_drop_list(&drop);
	path_put(&p);
	CHECK(has_text(T "/m/f", "below"));
	CHECK_EQ(file_write_kernel(f, "y", 1, 0), 1); /* lives on until closed */
	file_put(f);
	clean();
}

KTEST(vfs, directory_positions)
{
	setup();
	CHECK_EQ(make(T "/f", ""), 0);
	CHECK_EQ(make(T "/g", ""), 0);
	CHECK_EQ(lookup(T "/h", 0), -ENOENT); /* a negative dentry in between does not show */
	CHECK_EQ(make(T "/l", ""), 0);
	struct path p;
	REQUIRE(path_lookup(AT_FDCWD, T, 0, &p) == 0);
	CHECK_EQ(p.dentry->inode->size, 100); /* 20 for each name, "." and ".." too */
	CHECK_EQ(p.dentry->inode->nlink, 2);
	path_put(&p);
	clean();
}

/* ---- descriptors ---- */

KTEST(fdtable, grows_and_reuses)
{
	struct files *saved = current->files, *t = files_init();
	REQUIRE(t);
	current->files = t;
	struct file *f = file_open(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY, 0);
	if (!CHECK(!IS_ERR(f)))
		goto out;
	for (int i = 0; i < 300; i++) {
		int fd = fd_reserve(0, i & 1 ? O_CLOEXEC : 0);
		if (!CHECK_EQ(fd, i))
			break;
		file_get(f);
		fd_install((unsigned)fd, f);
	}
	CHECK_EQ(ref_read(&f->ref), 301);
	CHECK_EQ(fd_close(70), 0);
	CHECK_EQ(fd_close(70), -EBADF);
	CHECK_EQ(fd_close(5), 0);
	CHECK_EQ(fd_reserve(0, 0), 5);
	CHECK_EQ(fd_reserve(0, 0), 70);
	CHECK_EQ(fd_reserve(0, 0), 300);
	CHECK_EQ(fd_reserve(512, 0), 512);
	fd_release(5);
	CHECK_EQ(fd_reserve(0, 0), 5);
	CHECK(!fd_get(5)); /* reserved, not installed */
	CHECK(!fd_get(100000));
	struct files *copy = files_copy(t);
	CHECK(!IS_ERR(copy));
	files_close_on_exec();
	CHECK(!fd_get(1) && !fd_get(299));
	struct file *g = fd_get(298);
	CHECK(g == f);
	if (g)
		fd_put(g);
	if (!IS_ERR(copy))
		files_put(copy);
	file_put(f);
out:
	files_put(t);
	current->files = saved;
}

/* ---- pipes and poll ---- */

KTEST(pipe, carries_bytes)
{
	struct file *e[2];
	char buf[16];
	REQUIRE(pipe_create(e, O_NONBLOCK) == 0);
	CHECK_EQ(file_read_kernel(e[0], buf, 1, 0), -EAGAIN);
	CHECK_EQ(file_write_kernel(e[1], "abc", 3, 0), 3);
	CHECK_EQ(file_write_kernel(e[1], "def", 3, 0), 3);
	CHECK_EQ(file_read_kernel(e[0], buf, 4, 0), 4);
	CHECK(!memcmp(buf, "abcd", 4));
	CHECK_EQ(file_read_kernel(e[0], buf, 16, 0), 2);
	CHECK_EQ(file_read_kernel(e[1], buf, 1, 0), -EBADF);
	CHECK_EQ(pipe_fcntl(e[0], F_GETPIPE_SZ, 0), 65536);
	CHECK_EQ(pipe_fcntl(e[0], F_SETPIPE_SZ, 5000), 8192);
	char *page = kzalloc(PAGE_SIZE, GFP_KERNEL);
	CHECK(page);
	if (page) {
		CHECK_EQ(file_write_kernel(e[1], page, PAGE_SIZE, 0), PAGE_SIZE);
		CHECK_EQ(file_write_kernel(e[1], page, 100, 0), 100);
		/* What is at most PIPE_BUF goes whole or not at all. */
		CHECK_EQ(file_write_kernel(e[1], page, PAGE_SIZE, 0), -EAGAIN);
		CHECK_EQ(pipe_fcntl(e[0], F_SETPIPE_SZ, 4096), -EBUSY);
		CHECK_EQ(file_read_kernel(e[0], page, PAGE_SIZE, 0), PAGE_SIZE);
		CHECK_EQ(file_read_kernel(e[0], page, PAGE_SIZE, 0), 100);
		kfree(page);
	}
	file_put(e[1]);
	CHECK_EQ(file_read_kernel(e[0], buf, 1, 0), 0);
	file_put(e[0]);
}

static struct file *writer_end;
static void write_late(struct work *w)
{
	(void)file_write_kernel(writer_end, "!", 1, 0);
}

KTEST(pipe, reader_sleeps)
{
	struct file *e[2];
	struct work w;
	char c = 0;
	REQUIRE(pipe_create(e, 0) == 0);
	writer_end = e[1];
	work_init(&w, write_late);
	(void)work_queue(&w);
	CHECK_EQ(file_read_kernel(e[0], &c, 1, 0), 1);
	CHECK_EQ(c, '!');
	work_flush(&w);
	file_put(e[0]);
	file_put(e[1]);
}

KTEST(poll, pipe_events)
{
	struct file *e[2];
	char c;
	REQUIRE(pipe_create(e, O_NONBLOCK) == 0);
	CHECK_EQ(e[0]->ops->poll(e[0], NULL), 0);
	CHECK_EQ(e[1]->ops->poll(e[1], NULL), EPOLLOUT | EPOLLWRNORM);
	CHECK_EQ(file_write_kernel(e[1], "x", 1, 0), 1);
	CHECK_EQ(e[0]->ops->poll(e[0], NULL), EPOLLIN | EPOLLRDNORM);
	CHECK_EQ(file_read_kernel(e[0], &c, 1, 0), 1);
	file_put(e[1]);
	CHECK_EQ(e[0]->ops->poll(e[0], NULL), EPOLLHUP);
	file_put(e[0]);
}

KTEST(vfs, dev_numbers)
{
	CHECK_EQ(dev_encode(MKDEV(8, 1)), 0x801);
	CHECK_EQ(dev_encode(MKDEV(259, 0x12345)), 0x12310345ul);
	CHECK_EQ(dev_decode(dev_encode(MKDEV(259, 0x12345))), MKDEV(259, 0x12345));
}
