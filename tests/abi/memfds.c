/* memfd_create and seals; copy_file_range; fadvise, readahead, sync calls. */
#include "abi.h"
#include <sys/syscall.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x10
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20
#endif

static void *shared(int fd, int prot)
{
	return mmap(NULL, 4096, prot, MAP_SHARED, fd, 0);
}

static void seals(void)
{
	int fd = memfd_create("a name", MFD_ALLOW_SEALING);
	struct stat st;
	char path[64], target[64] = {0};

	check("memfd", fd >= 0);
	check("it is an empty file",
	      !fstat(fd, &st) && S_ISREG(st.st_mode) && !st.st_size && (st.st_mode & 0777) == 0777);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	readlink(path, target, 63);
	check("its name", !strcmp(target, "/memfd:a name (deleted)"));
	int again = open(path, O_RDWR);
	check("can be opened again", again >= 0);
	close(again);
	check("not closed by exec", fcntl(fd, F_GETFD) == 0);
	check("no seals yet", fcntl(fd, F_GET_SEALS) == 0);
	check("write", write(fd, "hello", 5) == 5);
	works("F_SEAL_SHRINK", fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	fails("no shrinking", ftruncate(fd, 1), EPERM);
	works("growing works", ftruncate(fd, 8192));
	works("F_SEAL_GROW", fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	fails("no growing", ftruncate(fd, 10000), EPERM);
	fails("no growing by write", pwrite(fd, "x", 1, 8192), EPERM);
	fails("no growing by fallocate", fallocate(fd, 0, 0, 10000), EPERM);
	works("writing inside works", pwrite(fd, "x", 1, 0));
	check("both seals show", fcntl(fd, F_GET_SEALS) == (F_SEAL_SHRINK | F_SEAL_GROW));
	void *m = shared(fd, PROT_READ | PROT_WRITE);
	fails("F_SEAL_WRITE with a writable mapping", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	munmap(m, 4096);
	m = shared(fd, PROT_READ);
	munmap(m, 4096);
	works("F_SEAL_WRITE", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	fails("no writing", pwrite(fd, "x", 1, 0), EPERM);
	fails("no hole", fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 4096), EPERM);
	check("no shared writable mapping",
	      shared(fd, PROT_READ | PROT_WRITE) == MAP_FAILED && errno == EPERM);
	m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	check("a private one works", m != MAP_FAILED);
	*(char *)m = 'p';
	check("reading works", ({
		      char c;
		      pread(fd, &c, 1, 0) == 1 && c == 'x';
	      }));
	works("F_SEAL_SEAL", fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	fails("no more seals", fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), EPERM);
	close(fd);

	fd = memfd_create("plain", MFD_CLOEXEC);
	check("MFD_CLOEXEC", fcntl(fd, F_GETFD) == FD_CLOEXEC);
	check("sealed against seals", fcntl(fd, F_GET_SEALS) == F_SEAL_SEAL);
	fails("so none can be added", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
	close(fd);
	fd = memfd_create("future", MFD_ALLOW_SEALING);
	ftruncate(fd, 4096);
	char *w = shared(fd, PROT_READ | PROT_WRITE);
	works("F_SEAL_FUTURE_WRITE", fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	w[0] = 'w';
	check("the old mapping writes", ({
		      char c;
		      pread(fd, &c, 1, 0) == 1 && c == 'w';
	      }));
	fails("write(2) does not", pwrite(fd, "x", 1, 0), EPERM);
	check("new mappings do not",
	      shared(fd, PROT_READ | PROT_WRITE) == MAP_FAILED && errno == EPERM);
	char *r = shared(fd, PROT_READ);
	check("reading mappings do", r != MAP_FAILED && r[0] == 'w');
	fails("and cannot be upgraded", mprotect(r, 4096, PROT_READ | PROT_WRITE), EACCES);
	close(fd);

	fails("bad flags", memfd_create("x", 0x8000), EINVAL);
	fails("bad pointer", syscall(SYS_memfd_create, BAD_POINTER, 0), EFAULT);
	char longname[300];
	memset(longname, 'n', 299);
	longname[250] = 0;
	fails("name too long", memfd_create(longname, 0), EINVAL);
	longname[249] = 0;
	works("name of 249", fd = memfd_create(longname, 0));
	close(fd);
	works("empty name", fd = memfd_create("", 0));
	close(fd);
	int p[2];
	pipe(p);
	fails("seals of a pipe", fcntl(p[0], F_GET_SEALS), EINVAL);
	fd = memfd_create("ro", MFD_ALLOW_SEALING);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int ro = open(path, O_RDONLY);
	fails("seals need a writable descriptor", fcntl(ro, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
	fails("unknown seals", fcntl(fd, F_ADD_SEALS, 0x8000), EINVAL);
	close(ro), close(fd), close(p[0]), close(p[1]);
}

static ssize_t cfr(int in, off_t *io, int out, off_t *oo, size_t n, unsigned flags)
{
	return syscall(SYS_copy_file_range, in, io, out, oo, n, flags);
}

static void copying(void)
{
	int a = open("a", O_RDWR | O_CREAT | O_TRUNC, 0644),
	    b = open("b", O_RDWR | O_CREAT | O_TRUNC, 0644);
	char buf[300000], back[300000];
	off_t io, oo;

	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = i * 7 + i / 256;
	write(a, buf, sizeof(buf));
	lseek(a, 0, SEEK_SET);
	size_t done = 0;
	ssize_t n;
	while (done < sizeof(buf) && (n = cfr(a, NULL, b, NULL, sizeof(buf) - done, 0)) > 0)
		done += n;
	check("copies all", done == sizeof(buf));
	check("positions moved",
	      lseek(a, 0, SEEK_CUR) == sizeof(buf) && lseek(b, 0, SEEK_CUR) == sizeof(buf));
	check("contents agree",
	      pread(b, back, sizeof(back), 0) == sizeof(back) && !memcmp(buf, back, sizeof(buf)));
	check("0 at the end", cfr(a, NULL, b, NULL, 10, 0) == 0);
	io = 5, oo = 10;
	check("with offsets", cfr(a, &io, b, &oo, 7, 0) == 7 && io == 12 && oo == 17);
	check("positions stay", lseek(a, 0, SEEK_CUR) == sizeof(buf));
	check("at the offset", pread(b, back, 7, 10) == 7 && !memcmp(back, buf + 5, 7));
	io = 0, oo = 100;
	check("within one file", cfr(a, &io, a, &oo, 50, 0) == 50);
	io = 0, oo = 10;
	fails("overlap", cfr(a, &io, a, &oo, 50, 0), EINVAL);
	io = 0, oo = 1000000;
	check("behind the end", cfr(a, &io, b, &oo, 1, 0) == 1 && lseek(b, 0, SEEK_END) == 1000001);
	fails("flags", cfr(a, NULL, b, NULL, 1, 1), EINVAL);
	int ro = open("b", O_RDONLY), wo = open("a", O_WRONLY), ap = open("b", O_WRONLY | O_APPEND),
	    dir = open(".", O_RDONLY);
	io = oo = 0;
	fails("output not writable", cfr(a, &io, ro, &oo, 1, 0), EBADF);
	fails("input not readable", cfr(wo, &io, b, &oo, 1, 0), EBADF);
	fails("output appends", cfr(a, &io, ap, NULL, 1, 0), EBADF);
	fails("directory", cfr(dir, NULL, b, NULL, 1, 0), EISDIR);
	int p[2];
	pipe(p);
	fails("pipe", cfr(a, &io, p[1], NULL, 1, 0), EINVAL);
	fails("bad descriptor", cfr(a, &io, 999, NULL, 1, 0), EBADF);
	fails("bad offset pointer", cfr(a, BAD_POINTER, b, NULL, 1, 0), EFAULT);
	/* sendfile's own rules */
	fails("sendfile: output appends", sendfile(ap, a, NULL, 1), EINVAL);
	fails("sendfile: from a pipe", sendfile(b, p[0], NULL, 1), EINVAL);
	io = -1;
	fails("sendfile: negative offset", sendfile(b, a, &io, 1), EINVAL);
	io = 3;
	check("sendfile: into a pipe", sendfile(p[1], a, &io, 5) == 5 && io == 8 &&
					       read(p[0], back, 5) == 5 &&
					       !memcmp(back, buf + 3, 5));
	fails("sendfile: bad pointer", syscall(SYS_sendfile, b, a, BAD_POINTER, 1), EFAULT);
	close(ro), close(wo), close(ap), close(dir);

	works("posix_fadvise", -posix_fadvise(a, 0, 0, POSIX_FADV_DONTNEED));
	check("posix_fadvise: bad advice", posix_fadvise(a, 0, 0, 99) == EINVAL);
	check("posix_fadvise: pipe", posix_fadvise(p[0], 0, 0, POSIX_FADV_NORMAL) == ESPIPE);
	check("posix_fadvise: bad descriptor", posix_fadvise(999, 0, 0, 0) == EBADF);
	works("readahead", readahead(a, 0, 10000));
	fails("readahead: bad descriptor", readahead(999, 0, 1), EBADF);
	fails("readahead: pipe", readahead(p[0], 0, 1), EINVAL);
	works("fsync", fsync(a));
	works("fdatasync", fdatasync(a));
	works("syncfs", syncfs(a));
	fails("fsync: pipe", fsync(p[0]), EINVAL);
	fails("fdatasync: bad descriptor", fdatasync(999), EBADF);
	fails("syncfs: bad descriptor", syncfs(999), EBADF);
	sync();
	close(a), close(b), close(p[0]), close(p[1]);
}

static void spaces(void)
{
	int fd = open("s", O_RDWR | O_CREAT | O_TRUNC, 0644), p[2], dir = open(".", O_RDONLY), ro;
	struct stat st;

	pipe(p);
	ro = open("s", O_RDONLY);
	fails("fallocate: negative offset", fallocate(fd, 0, -1, 10), EINVAL);
	fails("fallocate: pipe", fallocate(p[1], 0, 0, 10), ESPIPE);
	fails("fallocate: directory", fallocate(dir, 0, 0, 10), EBADF);
	fails("fallocate: read-only", fallocate(ro, 0, 0, 10), EBADF);
	fails("fallocate: unknown mode", fallocate(fd, 0x4000, 0, 10), EOPNOTSUPP);
	fails("fallocate: hole without keep size", fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 10),
	      EOPNOTSUPP);
	fails("fallocate: beyond all sizes", fallocate(fd, 0, INT64_MAX - 5, 100), EFBIG);
	pwrite(fd, "x", 1, 1L << 40);
	check("2^40 bytes", !fstat(fd, &st) && st.st_size == (1L << 40) + 1 && st.st_blocks < 1000);
	check("SEEK_DATA finds it", lseek(fd, 0, SEEK_DATA) <= 1L << 40 &&
					    lseek(fd, 4096, SEEK_DATA) >= (1L << 40) - 65536);
	check("SEEK_HOLE at the start", lseek(fd, 0, SEEK_HOLE) == 0);
	check("SEEK_HOLE at the end", lseek(fd, 1L << 40, SEEK_HOLE) == (1L << 40) + 1);
	fails("SEEK_DATA beyond", lseek(fd, (1L << 40) + 1, SEEK_DATA), ENXIO);
	fails("SEEK_HOLE beyond", lseek(fd, (1L << 40) + 1, SEEK_HOLE), ENXIO);
	char c = 1;
	check("reading the hole", pread(fd, &c, 1, 1L << 35) == 1 && !c);
	works("truncate it", ftruncate(fd, 0));
	check("and its blocks are gone", !fstat(fd, &st) && st.st_blocks == 0);
	close(fd), close(ro), close(dir), close(p[0]), close(p[1]);
	unlink("s");
}

int main(void)
{
	seals();
	copying();
	spaces();
	return 0;
}
