/* readv, writev and their forms with offsets and flags; positions shared; sizes that are huge; pipes'
 * vectors; O_APPEND, O_DIRECT, O_SYNC; FIONREAD and other ioctls of every file. */
#include "abi.h"
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <termios.h>

#ifndef RWF_HIPRI
#define RWF_HIPRI  1
#define RWF_DSYNC  2
#define RWF_SYNC   4
#define RWF_NOWAIT 8
#define RWF_APPEND 16
#endif

static long preadv2_(int fd, const struct iovec *v, int n, off_t off, int flags)
{
	return syscall(SYS_preadv2, fd, v, n, off, 0, flags);
}
static long pwritev2_(int fd, const struct iovec *v, int n, off_t off, int flags)
{
	return syscall(SYS_pwritev2, fd, v, n, off, 0, flags);
}

static void vectors(void)
{
	char a[8] = {0}, b[8] = {0};
	struct iovec w[2] = {{"hello ", 6}, {"world", 5}}, r[2] = {{a, 3}, {b, 8}},
		     bad[2] = {{a, 2}, {BAD_POINTER, 4}}, huge[2] = {{a, 1}, {b, (size_t)-1}};
	int fd = open("v", O_CREAT | O_RDWR | O_TRUNC, 0644);

	check("writev", writev(fd, w, 2) == 11);
	lseek(fd, 0, SEEK_SET);
	check("readv", readv(fd, r, 2) == 11 && !memcmp(a, "hel", 3) && !memcmp(b, "lo world", 8));
	check("readv at the end", readv(fd, r, 2) == 0);
	check("no vectors", readv(fd, r, 0) == 0 && writev(fd, w, 0) == 0);
	fails("readv: too many", readv(fd, r, 1025), EINVAL);
	fails("readv: bad vector", readv(fd, BAD_POINTER, 2), EFAULT);
	fails("readv: negative length", readv(fd, huge, 2), EINVAL);
	lseek(fd, 0, SEEK_SET);
	check("readv: a part before a bad pointer", readv(fd, bad, 2) == 2);
	fails("writev: the first is bad", ({
		      bad[0] = bad[1];
		      writev(fd, bad, 2);
	      }),
	      EFAULT);
	fails("readv: bad descriptor", readv(999, r, 2), EBADF);
	int wo = open("v", O_WRONLY);
	fails("readv: write-only", readv(wo, r, 2), EBADF);
	close(wo);
	check("preadv", preadv(fd, r, 2, 6) == 5 && !memcmp(a, "wor", 3));
	check("pwritev", pwritev(fd, w, 1, 100) == 6);
	fails("preadv: negative", preadv(fd, r, 2, -1), EINVAL);
	check("preadv2 at -1 uses the position", ({
		      lseek(fd, 6, SEEK_SET);
		      preadv2_(fd, r, 1, -1, 0) == 3 && lseek(fd, 0, SEEK_CUR) == 9;
	      }));
	check("preadv2 with an offset does not move",
	      preadv2_(fd, r, 1, 0, 0) == 3 && lseek(fd, 0, SEEK_CUR) == 9);
	check("pwritev2 RWF_SYNC", pwritev2_(fd, w, 1, 0, RWF_SYNC) == 6);
	check("pwritev2 RWF_DSYNC", pwritev2_(fd, w, 1, 0, RWF_DSYNC) == 6);
	off_t size = lseek(fd, 0, SEEK_END);
	lseek(fd, 3, SEEK_SET);
	check("RWF_APPEND",
	      pwritev2_(fd, w, 1, 0, RWF_APPEND) == 6 && lseek(fd, 0, SEEK_END) == size + 6);
	lseek(fd, 3, SEEK_SET);
	check("RWF_APPEND with an offset does not move",
	      pwritev2_(fd, w, 1, 0, RWF_APPEND) == 6 && lseek(fd, 0, SEEK_CUR) == 3);
	fails("preadv2: unknown flags", preadv2_(fd, r, 1, 0, 0x40000000), EOPNOTSUPP);
	fails("pwritev2: bad descriptor", pwritev2_(999, w, 1, 0, 0), EBADF);
	int p[2];
	pipe(p);
	fails("preadv: pipe", preadv(p[0], r, 1, 0), ESPIPE);
	fails("pread: pipe", pread(p[0], a, 1, 0), ESPIPE);
	fails("pwrite: pipe", pwrite(p[1], a, 1, 0), ESPIPE);
	check("writev into a pipe", writev(p[1], w, 2) == 11);
	check("readv from it", readv(p[0], r, 2) == 11);
	check("preadv2 at -1 of a pipe",
	      write(p[1], "abc", 3) == 3 && preadv2_(p[0], r, 1, -1, 0) == 3);
	fails("RWF_NOWAIT of an empty pipe", preadv2_(p[0], r, 1, -1, RWF_NOWAIT), EAGAIN);
	close(p[0]), close(p[1]);
	static struct iovec many[1024];
	static char bytes[1024];
	for (int i = 0; i < 1024; i++)
		many[i] = (struct iovec){bytes + i, 1};
	check("1024 vectors", pwritev(fd, many, 1024, 0) == 1024);
	close(fd);
}

static void flags(void)
{
	char buf[100] = "0123456789";
	int a = open("f", O_CREAT | O_RDWR | O_TRUNC, 0644), b = dup(a),
	    ap = open("f", O_WRONLY | O_APPEND), c;

	write(a, buf, 10);
	check("a duplicate shares the position", lseek(b, 0, SEEK_CUR) == 10);
	check("another opening does not", lseek(ap, 0, SEEK_CUR) == 0);
	pid_t p = fork();
	if (!p) {
		lseek(a, 4, SEEK_SET);
		_exit(0);
	}
	waitpid(p, NULL, 0);
	check("a child shares it", lseek(a, 0, SEEK_CUR) == 4);
	write(ap, "x", 1);
	pwrite(ap, "y", 1, 0);
	check("pwrite with O_APPEND appends",
	      lseek(a, 0, SEEK_END) == 12 && pread(a, buf, 1, 0) == 1 && buf[0] == '0');
	fcntl(ap, F_SETFL, 0);
	pwrite(ap, "y", 1, 0);
	check("without it, not",
	      lseek(a, 0, SEEK_END) == 12 && pread(a, buf, 1, 0) == 1 && buf[0] == 'y');
	works("O_SYNC", c = open("f", O_RDWR | O_SYNC));
	check("O_SYNC shows", (fcntl(c, F_GETFL) & O_SYNC) == O_SYNC);
	close(c);
	check("O_CREAT and O_TRUNC do not show", ({
		      c = open("f", O_RDWR | O_CREAT | O_TRUNC | O_NONBLOCK, 0644);
		      (fcntl(c, F_GETFL) & (O_CREAT | O_TRUNC | O_NONBLOCK)) == O_NONBLOCK;
	      }));
	fcntl(c, F_SETFL, O_WRONLY | O_CREAT);
	check("F_SETFL leaves the access mode",
	      (fcntl(c, F_GETFL) & O_ACCMODE) == O_RDWR && !(fcntl(c, F_GETFL) & O_NONBLOCK));
	close(c);
	check("F_DUPFD_QUERY or EINVAL", ({
		      long r = fcntl(a, 1027, b);
		      r == 1 || (r == -1 && errno == EINVAL);
	      }));
	check("writing more than 2 GiB is cut", ({
		      size_t n = 1ul << 32;
		      char *m = mmap(NULL, n, PROT_READ,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		      int null = open("/dev/null", O_WRONLY);
		      ssize_t r = write(null, m, n);
		      close(null);
		      munmap(m, n);
		      r == 0x7ffff000;
	      }));
	fails("O_PATH: write", ({
		      c = open("f", O_PATH);
		      write(c, "x", 1);
	      }),
	      EBADF);
	fails("O_PATH: fstat works, ioctl does not", ioctl(c, FIONREAD, &(int){0}), EBADF);
	fails("O_PATH: mmap", (long)mmap(NULL, 4096, PROT_READ, MAP_SHARED, c, 0), EBADF);
	fails("O_PATH: fsync", fsync(c), EBADF);
	fails("O_PATH: fcntl F_SETFL", fcntl(c, F_SETFL, O_NONBLOCK), EBADF);
	works("O_PATH: dup", dup(c));
	close(a), close(b), close(ap), close(c);
	works("access mode 3 needs both", c = open("f", 3));
	fails("and reads nothing", read(c, buf, 1), EBADF);
	close(c);
}

static void controls(void)
{
	int fd = open("i", O_CREAT | O_RDWR | O_TRUNC, 0644), p[2], n = -1;
	struct termios t;
	struct winsize ws;

	write(fd, "0123456789", 10);
	lseek(fd, 3, SEEK_SET);
	check("FIONREAD of a file", !ioctl(fd, FIONREAD, &n) && n == 7);
	pipe(p);
	write(p[1], "abc", 3);
	check("FIONREAD of a pipe", !ioctl(p[0], FIONREAD, &n) && n == 3);
	n = 1;
	works("FIONBIO on", ioctl(p[0], FIONBIO, &n));
	check("is O_NONBLOCK", fcntl(p[0], F_GETFL) & O_NONBLOCK);
	n = 0;
	works("FIONBIO off", ioctl(p[0], FIONBIO, &n));
	check("is not", !(fcntl(p[0], F_GETFL) & O_NONBLOCK));
	works("FIOCLEX", ioctl(fd, FIOCLEX));
	check("closed on exec", fcntl(fd, F_GETFD) == FD_CLOEXEC);
	works("FIONCLEX", ioctl(fd, FIONCLEX));
	check("not closed on exec", fcntl(fd, F_GETFD) == 0);
	fails("TCGETS of a file", ioctl(fd, TCGETS, &t), ENOTTY);
	fails("TCGETS of a pipe", ioctl(p[0], TCGETS, &t), ENOTTY);
	fails("TIOCGWINSZ of a file", ioctl(fd, TIOCGWINSZ, &ws), ENOTTY);
	int null = open("/dev/null", O_RDWR);
	fails("TCGETS of /dev/null", ioctl(null, TCGETS, &t), ENOTTY);
	fails("unknown", ioctl(fd, 0xdeadbeef, 0), ENOTTY);
	fails("ioctl: bad descriptor", ioctl(999, FIONREAD, &n), EBADF);
	fails("ioctl: bad pointer", ioctl(p[0], FIONREAD, BAD_POINTER), EFAULT);
	fails("FIONBIO: bad pointer", ioctl(p[0], FIONBIO, BAD_POINTER), EFAULT);
	check("F_GETPIPE_SZ", fcntl(p[0], F_GETPIPE_SZ) == 65536);
	check("F_SETPIPE_SZ rounds up", fcntl(p[0], F_SETPIPE_SZ, 5000) == 8192);
	fails("F_SETPIPE_SZ of a file", fcntl(fd, F_SETPIPE_SZ, 4096), EBADF);
	fails("F_SETPIPE_SZ below what is in it", ({
		      static char b[8192];
		      write(p[1], b, 8000);
		      fcntl(p[0], F_SETPIPE_SZ, 4096);
	      }),
	      EBUSY);
	works("F_SETOWN", fcntl(p[0], F_SETOWN, getpid()));
	check("F_GETOWN", fcntl(p[0], F_GETOWN) == getpid());
	works("F_SETSIG", fcntl(p[0], F_SETSIG, SIGUSR1));
	check("F_GETSIG", fcntl(p[0], F_GETSIG) == SIGUSR1);
	fails("F_SETSIG: bad", fcntl(p[0], F_SETSIG, 99), EINVAL);
	fails("F_DUPFD: negative", fcntl(fd, F_DUPFD, -1), EINVAL);
	char c[16];
	int zero = open("/dev/zero", O_RDWR), full = open("/dev/full", O_RDWR),
	    rnd = open("/dev/urandom", O_RDONLY);
	check("/dev/zero", read(zero, c, 16) == 16 && !c[0] && !c[15] && write(zero, c, 16) == 16);
	check("/dev/null", read(null, c, 16) == 0 && write(null, c, 16) == 16);
	fails("/dev/full", write(full, c, 1), ENOSPC);
	check("/dev/urandom", read(rnd, c, 16) == 16);
	char *m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
	check("mmap of /dev/zero", m != MAP_FAILED && !m[5000] && (m[5000] = 1));
	fails("mmap of /dev/null", (long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, null, 0), ENODEV);
	check("lseek of /dev/null",
	      lseek(null, 100, SEEK_SET) == 0 || lseek(null, 0, SEEK_CUR) == 0);
	close(fd), close(null), close(zero), close(full), close(rnd), close(p[0]), close(p[1]);
}

int main(void)
{
	vectors();
	flags();
	controls();
	return 0;
}
