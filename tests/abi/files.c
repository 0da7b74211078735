/* open and its flags, read, write, seek, truncate, descriptors, stat. */
#include "abi.h"
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/statfs.h>
#include <linux/stat.h>

static int make(const char *name, const char *text)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (fd >= 0 && *text)
		(void)!write(fd, text, strlen(text));
	return fd;
}

static void opening(void)
{
	int fd;

	fails("open: not there", open("nothing", O_RDONLY), ENOENT);
	fails("open: empty name", open("", O_RDONLY), ENOENT);
	fails("open: bad pointer", open(BAD_POINTER, O_RDONLY), EFAULT);
	works("open: creates", fd = open("a", O_RDWR | O_CREAT | O_EXCL, 0640));
	close(fd);
	fails("open: O_EXCL on existing", open("a", O_RDWR | O_CREAT | O_EXCL, 0640), EEXIST);
	fails("open: component is a file", open("a/b", O_RDONLY), ENOTDIR);
	fails("open: O_DIRECTORY on a file", open("a", O_RDONLY | O_DIRECTORY), ENOTDIR);
	fails("open: directory for writing", open(".", O_RDWR), EISDIR);
	fails("open: create with trailing slash", open("b/", O_RDWR | O_CREAT, 0644), EISDIR);
	char longname[5000];
	memset(longname, 'x', sizeof(longname));
	longname[300] = 0;
	fails("open: name too long", open(longname, O_RDONLY), ENAMETOOLONG);
	longname[300] = 'x';
	longname[4999] = 0;
	fails("open: path too long", open(longname, O_RDONLY), ENAMETOOLONG);
	symlink("loop", "loop");
	fails("open: symlink loop", open("loop", O_RDONLY), ELOOP);
	symlink("a", "link");
	fails("open: O_NOFOLLOW", open("link", O_RDONLY | O_NOFOLLOW), ELOOP);
	works("open: through a symlink", fd = open("link", O_RDONLY));
	fails("write: read-only descriptor", write(fd, "x", 1), EBADF);
	close(fd);
	works("open: O_PATH", fd = open("a", O_PATH));
	char c;
	fails("read: O_PATH", read(fd, &c, 1), EBADF);
	struct stat st;
	works("fstat: O_PATH", fstat(fd, &st));
	close(fd);
	works("open: O_TMPFILE", fd = open(".", O_TMPFILE | O_RDWR, 0600));
	check("O_TMPFILE has no link", !fstat(fd, &st) && st.st_nlink == 0);
	close(fd);
	symlink("target-of-dangling", "dangling");
	works("open: O_CREAT through a dangling symlink",
	      fd = open("dangling", O_CREAT | O_WRONLY, 0600));
	close(fd);
	check("it made the target", !access("target-of-dangling", F_OK));
	umask(027);
	fd = open("masked", O_CREAT | O_WRONLY, 0666);
	check("umask", !fstat(fd, &st) && (st.st_mode & 0777) == 0640);
	umask(022);
	close(fd);
}

static void reading_and_writing(void)
{
	char buf[64];
	int fd = make("data", "0123456789");

	check("write moves the position", lseek(fd, 0, SEEK_CUR) == 10);
	check("read at the end", read(fd, buf, 5) == 0);
	check("pread", pread(fd, buf, 4, 3) == 4 && !memcmp(buf, "3456", 4));
	check("pread past the end", pread(fd, buf, 4, 100) == 0);
	fails("pread: negative offset", pread(fd, buf, 1, -1), EINVAL);
	check("lseek SEEK_SET", lseek(fd, 2, SEEK_SET) == 2);
	fails("lseek: negative result", lseek(fd, -3, SEEK_CUR), EINVAL);
	fails("lseek: bad whence", lseek(fd, 0, 99), EINVAL);
	fails("lseek: pipe", ({
		      int p[2];
		      pipe(p);
		      lseek(p[0], 0, SEEK_SET);
	      }),
	      ESPIPE);
	check("short read", read(fd, buf, 64) == 8);
	fails("read: bad pointer", ({
		      lseek(fd, 0, SEEK_SET);
		      read(fd, BAD_POINTER, 4);
	      }),
	      EFAULT);
	fails("write: bad pointer", write(fd, BAD_POINTER, 4), EFAULT);
	fails("read: bad descriptor", read(999, buf, 1), EBADF);
	fails("read: directory", ({
		      int d = open(".", O_RDONLY);
		      read(d, buf, 1);
	      }),
	      EISDIR);
	lseek(fd, 20, SEEK_SET);
	check("write past the end", write(fd, "end", 3) == 3);
	memset(buf, 'x', sizeof(buf));
	check("the hole reads as zeroes",
	      pread(fd, buf, 23, 0) == 23 && !buf[10] && !buf[19] && buf[20] == 'e');
	works("ftruncate shrinks", ftruncate(fd, 5));
	struct stat st;
	check("size after ftruncate", !fstat(fd, &st) && st.st_size == 5);
	works("ftruncate grows", ftruncate(fd, 5000));
	check("grown part is zero", pread(fd, buf, 8, 4990) == 8 && !buf[0] && !buf[7]);
	check("old tail is zero", pread(fd, buf, 8, 4) == 8 && buf[0] == '4' && !buf[1]);
	fails("ftruncate: negative", ftruncate(fd, -1), EINVAL);
	fails("truncate: not there", truncate("nothing", 0), ENOENT);
	close(fd);

	int ap = open("data", O_WRONLY | O_APPEND);
	lseek(ap, 0, SEEK_SET);
	check("O_APPEND writes at the end",
	      write(ap, "z", 1) == 1 && lseek(ap, 0, SEEK_CUR) == 5001);
	close(ap);

	struct iovec v[3] = {{"ab", 2}, {"", 0}, {"cde", 3}};
	fd = make("vec", "");
	check("writev", writev(fd, v, 3) == 5);
	char x[2], y[4];
	struct iovec r[2] = {{x, 2}, {y, 3}};
	check("preadv", preadv(fd, r, 2, 0) == 5 && !memcmp(x, "ab", 2) && !memcmp(y, "cde", 3));
	fails("writev: too many", writev(fd, v, 2000), EINVAL);
	fails("writev: negative count", writev(fd, v, -1), EINVAL);
	int in = open("vec", O_RDONLY), out = make("copy", "");
	off_t off = 1;
	check("sendfile with offset", sendfile(out, in, &off, 10) == 4 && off == 5);
	check("sendfile leaves the position", lseek(in, 0, SEEK_CUR) == 0);
	check("sendfile without", sendfile(out, in, NULL, 2) == 2 && lseek(in, 0, SEEK_CUR) == 2);
	close(in);
	close(out);
	works("fallocate", fallocate(fd, 0, 0, 10000));
	check("fallocate sets the size", !fstat(fd, &st) && st.st_size == 10000);
	works("fallocate keep size", fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 20000));
	check("size is kept", !fstat(fd, &st) && st.st_size == 10000);
	works("punch hole", fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 4096));
	check("the hole is zero", pread(fd, x, 2, 0) == 2 && !x[0] && !x[1]);
	fails("fallocate: zero length", fallocate(fd, 0, 0, 0), EINVAL);
	close(fd);
	check("a gigabyte of hole", ({
		      fd = make("sparse", "");
		      bool ok = pwrite(fd, "x", 1, 1 << 30) == 1 && lseek(fd, 0, SEEK_DATA) >= 0 &&
				lseek(fd, 0, SEEK_END) == (1 << 30) + 1;
		      close(fd);
		      unlink("sparse");
		      ok;
	      }));
}

static void descriptors(void)
{
	int fd = make("desc", "hello"), low;

	close(0);
	works("lowest descriptor", low = dup(fd));
	check("it is 0", low == 0);
	check("dup shares the position", lseek(fd, 2, SEEK_SET) == 2 && lseek(0, 0, SEEK_CUR) == 2);
	check("dup2 to itself", dup2(fd, fd) == fd);
	check("dup2 to a number", dup2(fd, 100) == 100);
	fails("dup2: bad old", dup2(999, 5), EBADF);
	fails("dup2: bad new", dup2(fd, -1), EBADF);
	fails("dup3: same", syscall(SYS_dup3, fd, fd, 0), EINVAL);
	fails("dup3: flags", syscall(SYS_dup3, fd, 101, O_APPEND), EINVAL);
	check("dup3 O_CLOEXEC",
	      dup3(fd, 101, O_CLOEXEC) == 101 && fcntl(101, F_GETFD) == FD_CLOEXEC);
	check("F_DUPFD", fcntl(fd, F_DUPFD, 50) == 50);
	check("F_DUPFD_CLOEXEC",
	      fcntl(fd, F_DUPFD_CLOEXEC, 50) == 51 && fcntl(51, F_GETFD) == FD_CLOEXEC);
	works("F_SETFD", fcntl(50, F_SETFD, FD_CLOEXEC));
	check("F_GETFL", (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
	works("F_SETFL", fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK));
	check("F_SETFL took",
	      (fcntl(fd, F_GETFL) & (O_APPEND | O_NONBLOCK)) == (O_APPEND | O_NONBLOCK));
	fails("fcntl: bad command", fcntl(fd, 9999), EINVAL);
	works("close_range", syscall(SYS_close_range, 50, 101, 0));
	fails("closed", fcntl(51, F_GETFD), EBADF);
	fails("close: twice", ({
		      close(fd);
		      close(fd);
	      }),
	      EBADF);
	fails("close_range: bad range", syscall(SYS_close_range, 5, 3, 0), EINVAL);
	close(0);
	open("/dev/null", O_RDWR);
}

static void status(void)
{
	struct stat st, st2;
	struct statfs fs;
	int fd = make("stat", "12345");

	works("stat", stat("stat", &st));
	check("size and type", st.st_size == 5 && S_ISREG(st.st_mode) && st.st_nlink == 1);
	check("fstat agrees",
	      !fstat(fd, &st2) && st2.st_ino == st.st_ino && st2.st_dev == st.st_dev);
	works("link", link("stat", "stat2"));
	check("two links", !stat("stat2", &st2) && st2.st_nlink == 2 && st2.st_ino == st.st_ino);
	works("symlink", symlink("stat", "sym"));
	check("lstat", !lstat("sym", &st2) && S_ISLNK(st2.st_mode) && st2.st_size == 4);
	fails("stat: not there", stat("nothing", &st), ENOENT);
	fails("stat: bad buffer", syscall(SYS_stat, "stat", BAD_POINTER), EFAULT);
	works("AT_EMPTY_PATH", fstatat(fd, "", &st2, AT_EMPTY_PATH));
	fails("fstatat: bad flag", fstatat(AT_FDCWD, "stat", &st2, 0x8000000), EINVAL);
	fails("fstatat: bad directory", fstatat(999, "stat", &st2, 0), EBADF);
	works("absolute path ignores the directory", fstatat(999, "/", &st2, 0));
	struct statx sx;
	works("statx", syscall(SYS_statx, AT_FDCWD, "stat", 0, STATX_BASIC_STATS, &sx));
	check("statx size", sx.stx_size == 5 && sx.stx_nlink == 2 &&
				    (sx.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
	works("statfs", statfs(".", &fs));
	check("statfs is sane", fs.f_bsize > 0 && fs.f_namelen == 255);
	works("chmod", chmod("stat", 0600));
	check("mode", !stat("stat", &st) && (st.st_mode & 07777) == 0600);
	works("fchmod", fchmod(fd, 0444));
	struct timespec ts[2] = {{1000, 5}, {2000, 6}};
	works("utimensat", utimensat(AT_FDCWD, "stat", ts, 0));
	check("times", !stat("stat", &st) && st.st_atim.tv_sec == 1000 &&
			       st.st_mtim.tv_sec == 2000 && st.st_mtim.tv_nsec == 6);
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_nsec = UTIME_NOW;
	works("UTIME_OMIT and NOW", utimensat(AT_FDCWD, "stat", ts, 0));
	check("only mtime moved",
	      !stat("stat", &st) && st.st_atim.tv_sec == 1000 && st.st_mtim.tv_sec > 100000);
	ts[0].tv_nsec = 2000000000;
	fails("utimensat: bad time", utimensat(AT_FDCWD, "stat", ts, 0), EINVAL);
	works("access", access("stat", R_OK));
	fails("access: not there", access("nothing", F_OK), ENOENT);
	fails("access: bad mode", access("stat", 99), EINVAL);
	fails("access: not executable", access("stat", X_OK), EACCES);
	close(fd);
}

int main(void)
{
	opening();
	reading_and_writing();
	descriptors();
	status();
	return 0;
}
