/* mmap, munmap, mprotect, mremap, brk, madvise, msync, mincore, mlock; copy-on-write. */
#include "abi.h"
#include <setjmp.h>

static sigjmp_buf env;
static volatile int sig;
static void catch (int s)
{
	sig = s;
	siglongjmp(env, 1);
}
/* The signal that reading or writing p gives, 0 for none. */
static int touch(volatile char *p, bool write)
{
	sig = 0;
	if (!sigsetjmp(env, 1)) {
		if (write)
			*p = 1;
		else
			(void)*p;
	}
	return sig;
}
static char *map(size_t n, int prot)
{
	return mmap(NULL, n, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

int main(void)
{
	const size_t P = 4096;
	const int rw = PROT_READ | PROT_WRITE;
	unsigned char vec[16];
	int status;

	signal(SIGSEGV, catch);
	signal(SIGBUS, catch);
	char *a = map(16 * P, rw);
	check("anonymous memory is zero", a != MAP_FAILED && !a[0] && !a[16 * P - 1]);
	a[0] = 1;
	a[5 * P] = 5;
	works("munmap in the middle", munmap(a + 4 * P, P));
	check("unmapped page faults", touch(a + 4 * P, false) == SIGSEGV);
	check("its neighbours live", !touch(a + 3 * P, true) && a[5 * P] == 5);
	works("mprotect read-only", mprotect(a, P, PROT_READ));
	check("write is refused", touch(a, true) == SIGSEGV && a[0] == 1);
	works("mprotect none", mprotect(a, P, PROT_NONE));
	check("read is refused", touch(a, false) == SIGSEGV);
	mprotect(a, P, rw);
	check("contents survive", a[0] == 1);
	fails("mprotect: hole", mprotect(a + 3 * P, 3 * P, PROT_READ), ENOMEM);
	fails("mprotect: unaligned", syscall(SYS_mprotect, a + 1, P, PROT_READ), EINVAL);
	fails("mmap: zero length", (long)mmap(NULL, 0, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
	      EINVAL);
	fails("mmap: no sharing kind", (long)mmap(NULL, P, rw, MAP_ANONYMOUS, -1, 0), EINVAL);
	fails("mmap: huge", (long)mmap(NULL, 1ul << 62, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
	      ENOMEM);
	fails("mmap: bad descriptor", (long)mmap(NULL, P, rw, MAP_PRIVATE, 999, 0), EBADF);
	fails("mmap: unaligned offset",
	      (long)syscall(SYS_mmap, 0, P, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 5), EINVAL);
	fails("munmap: unaligned", munmap(a + 5, P), EINVAL);
	fails("munmap: zero length", munmap(a, 0), EINVAL);
	works("munmap: nothing there", munmap(a + 4 * P, P));
	char *f = mmap(a + 4 * P, P, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	check("MAP_FIXED", f == a + 4 * P && !*f);
	fails("MAP_FIXED_NOREPLACE",
	      (long)mmap(a, P, rw, MAP_PRIVATE | MAP_ANONYMOUS | 0x100000, -1, 0), EEXIST);
	char *h = mmap((void *)0x10000000, P, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check("a free hint is taken", h == (void *)0x10000000);
	char *low = mmap(NULL, P, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	check("MAP_32BIT", (uintptr_t)low < 0x80000000ul);

	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
	ftruncate(fd, 2 * P);
	pwrite(fd, "file", 4, 0);
	char *s = mmap(NULL, 4 * P, rw, MAP_SHARED, fd, 0);
	char *p = mmap(NULL, 2 * P, rw, MAP_PRIVATE, fd, 0);
	char buf[8];
	check("file contents", !memcmp(s, "file", 4) && !memcmp(p, "file", 4));
	s[0] = 'F';
	check("shared write reaches the file", pread(fd, buf, 4, 0) == 4 && buf[0] == 'F');
	check("private mapping sees it", p[0] == 'F');
	p[1] = 'X';
	check("private write stays private", s[1] == 'i');
	pwrite(fd, "L", 1, 2);
	check("write(2) shows in the mapping", s[2] == 'L');
	check("beyond the end is SIGBUS", touch(s + 3 * P, false) == SIGBUS);
	s[P] = 7;
	ftruncate(fd, P);
	check("truncated away is SIGBUS", touch(s + P, false) == SIGBUS);
	check("also for private copies never made", touch(p + P, false) == SIGBUS);
	works("msync", msync(s, P, MS_SYNC));
	fails("msync: both kinds", msync(s, P, MS_SYNC | MS_ASYNC), EINVAL);
	int ro = open("file", O_RDONLY);
	fails("mmap: shared write of a read-only file", (long)mmap(NULL, P, rw, MAP_SHARED, ro, 0),
	      EACCES);
	works("mmap: private write of a read-only file",
	      (long)mmap(NULL, P, rw, MAP_PRIVATE, ro, 0));
	char *r = mmap(NULL, P, PROT_READ, MAP_SHARED, ro, 0);
	fails("mprotect: not beyond the file's mode", mprotect(r, P, rw), EACCES);
	close(fd);
	check("mapping outlives the descriptor", s[0] == 'F');

	char *sh = mmap(NULL, P, rw, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *pr = map(P, rw);
	*pr = 1;
	pid_t c = fork();
	if (c == 0) {
		*sh = 42;
		*pr = 2;
		_exit(*pr);
	}
	waitpid(c, &status, 0);
	check("shared anonymous memory is shared", *sh == 42);
	check("private memory is copied on write", exited(status, 2) && *pr == 1);

	char *m = map(4 * P, rw);
	for (int i = 0; i < 4; i++)
		m[i * P] = i + 1;
	char *grown = mremap(m, 4 * P, 64 * P, MREMAP_MAYMOVE);
	check("mremap grows",
	      grown != MAP_FAILED && grown[0] == 1 && grown[3 * P] == 4 && !grown[63 * P]);
	char *shrunk = mremap(grown, 64 * P, 2 * P, 0);
	check("mremap shrinks in place", shrunk == grown && touch(grown + 2 * P, false) == SIGSEGV);
	char *to = map(2 * P, PROT_NONE);
	char *moved = mremap(shrunk, 2 * P, 2 * P, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	check("mremap MREMAP_FIXED", moved == to && to[0] == 1 && to[P] == 2);
	check("the old place is gone", touch(grown, false) == SIGSEGV);
	fails("mremap: nothing there", (long)mremap(grown, P, 2 * P, MREMAP_MAYMOVE), EFAULT);
	fails("mremap: bad flags", (long)mremap(to, P, P, 0x80), EINVAL);

	char *d = map(8 * P, rw);
	memset(d, 9, 8 * P);
	works("MADV_DONTNEED", madvise(d, 4 * P, MADV_DONTNEED));
	check("it is zero again", !d[0] && !d[4 * P - 1] && d[4 * P] == 9);
	fails("madvise: bad advice", madvise(d, P, 999), EINVAL);
	fails("madvise: hole", ({
		      munmap(d + P, P);
		      madvise(d, 3 * P, MADV_DONTNEED);
	      }),
	      ENOMEM);
	works("MADV_WIPEONFORK", madvise(d + 4 * P, P, MADV_WIPEONFORK));
	works("MADV_DONTFORK", madvise(d + 5 * P, P, MADV_DONTFORK));
	fflush(stdout);
	c = fork();
	if (c == 0)
		_exit(d[4 * P] == 0 && d[6 * P] == 9 && touch(d + 5 * P, false) == SIGSEGV ? 0 : 1);
	waitpid(c, &status, 0);
	check("child sees them so", exited(status, 0));
	char *q = map(4 * P, rw);
	q[P] = 1;
	works("mincore", mincore(q, 4 * P, vec));
	check("one page is there", !(vec[0] & 1) && (vec[1] & 1) && !(vec[3] & 1));
	fails("mincore: unmapped", mincore(grown, P, vec), ENOMEM);
	works("mlock", mlock(q, 4 * P));
	works("munlock", munlock(q, 4 * P));

	char *brk0 = sbrk(0);
	check("brk grows",
	      (char *)syscall(SYS_brk, brk0 + 5 * P) == brk0 + 5 * P && !touch(brk0 + 4 * P, true));
	check("brk shrinks", (char *)syscall(SYS_brk, brk0) == brk0);
	check("brk refuses", (char *)syscall(SYS_brk, 0x10) == brk0);
	check("gone after brk", touch(brk0 + 4 * P, false) == SIGSEGV);
	char *big = mmap(NULL, 1ul << 40, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			 -1, 0);
	check("a tebibyte of reserved addresses", big != MAP_FAILED);
	munmap(big, 1ul << 40);
	char *gd = mmap(NULL, 4 * P, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0);
	check("MAP_GROWSDOWN maps", gd != MAP_FAILED);
	for (int i = 0; i < 500; i++) {
		char *x = map((i % 7 + 1) * P, rw);
		x[0] = 1;
		if (i % 3)
			munmap(x, (i % 7 + 1) * P);
	}
	check("many mappings", 1);
	check("a read into a fresh mapping", ({
		      char *x = map(P, rw);
		      int z = open("/dev/zero", O_RDONLY);
		      x[1] = 3;
		      read(z, x, P) == (long)P && !x[1];
	      }));
	return 0;
}
