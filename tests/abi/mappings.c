/* mremap's flags, every madvise, high addresses, mprotect and mmap flags, msync, mincore, brk, and what
 * mappings do to processes that share them. */
#include "abi.h"
#include <setjmp.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif
#define PG 4096

static char *anon(size_t pages)
{
	return mmap(NULL, pages * PG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static sigjmp_buf back;
static void on_fault(int sig)
{
	siglongjmp(back, sig);
}
/* The signal that touching p gives, or 0. */
static int touch(char *p, bool write)
{
	int sig = sigsetjmp(back, 1);
	if (!sig) {
		if (write)
			*(volatile char *)p = 1;
		else
			(void)*(volatile char *)p;
	}
	return sig;
}
static bool resident(void *p)
{
	unsigned char v = 0;
	return !mincore(p, PG, &v) && (v & 1);
}

static void moving(void)
{
	char *a = anon(4), *b = anon(8), *c;

	memset(a, 'a', 4 * PG);
	c = mremap(a, 4 * PG, 4 * PG, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
	check("MREMAP_DONTUNMAP", c != MAP_FAILED && c != a && c[0] == 'a' && c[4 * PG - 1] == 'a');
	check("the old place reads zero", a[0] == 0 && a[3 * PG] == 0);
	fails("MREMAP_DONTUNMAP with another size",
	      (long)mremap(c, 4 * PG, 8 * PG, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0), EINVAL);
	fails("MREMAP_DONTUNMAP without MAYMOVE",
	      (long)mremap(c, 4 * PG, 4 * PG, MREMAP_DONTUNMAP, 0), EINVAL);
	fails("MREMAP_FIXED without MAYMOVE", (long)mremap(c, 4 * PG, 4 * PG, MREMAP_FIXED, b),
	      EINVAL);
	fails("MREMAP_FIXED over itself",
	      (long)mremap(c, 4 * PG, 4 * PG, MREMAP_MAYMOVE | MREMAP_FIXED, c + PG), EINVAL);
	fails("MREMAP_FIXED unaligned",
	      (long)mremap(c, 4 * PG, 4 * PG, MREMAP_MAYMOVE | MREMAP_FIXED, b + 1), EINVAL);
	check("MREMAP_FIXED replaces what is there",
	      mremap(c, 4 * PG, 4 * PG, MREMAP_MAYMOVE | MREMAP_FIXED, b) == b && b[0] == 'a' &&
		      b[4 * PG] == 0);
	fails("mremap: new size 0", (long)mremap(b, PG, 0, 0), EINVAL);
	fails("mremap: unaligned", (long)mremap(b + 1, PG, PG, 0), EINVAL);
	fails("mremap: across mappings", ({
		      mprotect(b + PG, PG, PROT_READ);
		      (long)mremap(b, 3 * PG, 20 * PG, MREMAP_MAYMOVE);
	      }),
	      EFAULT);
	char *d = anon(3);
	munmap(d + 2 * PG, PG);
	mmap(d + 2 * PG, PG, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	fails("no room and not MAYMOVE", (long)mremap(d, 2 * PG, 3 * PG, 0), ENOMEM);
	char *s = mmap(NULL, 2 * PG, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	s[PG] = 's';
	char *t = mremap(s, 0, 2 * PG, MREMAP_MAYMOVE);
	check("old size 0 maps shared memory twice",
	      t != MAP_FAILED && t != s && t[PG] == 's' && (t[0] = 'x') && s[0] == 'x');
	fails("old size 0 of private memory", (long)mremap(a, 0, PG, MREMAP_MAYMOVE), EINVAL);
	check("a moved part", ({
		      char *m = anon(4);
		      m[PG] = 'm';
		      char *n = mremap(m + PG, PG, 2 * PG, MREMAP_MAYMOVE);
		      n != MAP_FAILED &&n[0] == 'm' && touch(m, false) == 0 &&
			      touch(m + 2 * PG, false) == 0;
	      }));
}

static void advising(void)
{
	char *m = anon(16);
	static const struct {
		const char *name;
		int advice;
	} plain[] = {{"NORMAL", 0},   {"RANDOM", 1}, {"SEQUENTIAL", 2},
		     {"WILLNEED", 3}, {"FREE", 8},   {"DONTDUMP", 16},
		     {"DODUMP", 17},  {"COLD", 20},  {"PAGEOUT", 21}};

	for (unsigned i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
		char name[40];
		snprintf(name, sizeof(name), "madvise %s", plain[i].name);
		works(name, madvise(m, 4 * PG, plain[i].advice));
	}
	works("MADV_POPULATE_WRITE", madvise(m, 4 * PG, MADV_POPULATE_WRITE));
	check("all are there", resident(m) && resident(m + 3 * PG) && !resident(m + 4 * PG));
	works("MADV_POPULATE_READ", madvise(m + 8 * PG, PG, MADV_POPULATE_READ));
	check("that one too", resident(m + 8 * PG));
	mprotect(m + 12 * PG, PG, PROT_READ);
	fails("MADV_POPULATE_WRITE of what is read-only",
	      madvise(m + 12 * PG, PG, MADV_POPULATE_WRITE), EINVAL);
	m[0] = 'z';
	works("MADV_DONTNEED", madvise(m, PG, MADV_DONTNEED));
	check("zero again", m[0] == 0);
	m[PG] = 'k';
	madvise(m + PG, PG, MADV_COLD);
	madvise(m + PG, PG, MADV_PAGEOUT);
	check("COLD and PAGEOUT keep contents", m[PG] == 'k');
	works("MADV_DONTFORK", madvise(m, PG, MADV_DONTFORK));
	works("MADV_WIPEONFORK", madvise(m + PG, PG, MADV_WIPEONFORK));
	pid_t p = fork();
	int s;
	if (!p)
		_exit(touch(m, false) == SIGSEGV && m[PG] == 0 ? 0 : 1);
	waitpid(p, &s, 0);
	check("a child sees it so", exited(s, 0) && m[PG] == 'k');
	madvise(m, PG, MADV_DOFORK), madvise(m + PG, PG, MADV_KEEPONFORK);
	p = fork();
	if (!p)
		_exit(touch(m, false) == 0 && m[PG] == 'k' ? 0 : 1);
	waitpid(p, &s, 0);
	check("DOFORK and KEEPONFORK undo", exited(s, 0));
	fails("madvise: unaligned", madvise(m + 1, PG, MADV_NORMAL), EINVAL);
	works("madvise: nothing", madvise(m, 0, MADV_NORMAL));
	fails("madvise: a hole, the rest is done", ({
		      munmap(m + 5 * PG, PG);
		      m[6 * PG] = 'y';
		      madvise(m + 4 * PG, 4 * PG, MADV_DONTNEED);
	      }),
	      ENOMEM);
	check("the rest", m[6 * PG] == 0);
	int fd = open("mf", O_CREAT | O_RDWR | O_TRUNC, 0644);
	ftruncate(fd, 4 * PG);
	char *f = mmap(NULL, 4 * PG, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	f[PG] = 'f';
	works("MADV_REMOVE", madvise(f + PG, PG, MADV_REMOVE));
	char c = 1;
	check("punches a hole", f[PG] == 0 && pread(fd, &c, 1, PG) == 1 && c == 0);
	fails("MADV_REMOVE of private memory", madvise(m, PG, MADV_REMOVE), EINVAL);
	fails("MADV_FREE of a file", madvise(f, PG, MADV_FREE), EINVAL);
	fails("MADV_WIPEONFORK of a file", madvise(f, PG, MADV_WIPEONFORK), EINVAL);
	mlock(m, PG);
	fails("MADV_DONTNEED of locked memory", madvise(m, PG, MADV_DONTNEED), EINVAL);
	munlock(m, PG);
	works("msync MS_SYNC", msync(f, 4 * PG, MS_SYNC));
	works("msync MS_ASYNC", msync(f, 4 * PG, MS_ASYNC));
	works("msync MS_INVALIDATE", msync(f, 4 * PG, MS_INVALIDATE));
	fails("msync MS_INVALIDATE of locked memory", ({
		      mlock(f, PG);
		      msync(f, PG, MS_INVALIDATE);
	      }),
	      EBUSY);
	fails("msync: hole", msync(m + 5 * PG, PG, MS_SYNC), ENOMEM);
	fails("msync: unaligned", msync(f + 1, PG, MS_SYNC), EINVAL);
	fails("msync: bad flags", msync(f, PG, 64), EINVAL);
	fails("mincore: unaligned", mincore(f + 1, PG, (unsigned char *)&c), EINVAL);
	fails("mincore: bad pointer", mincore(f, PG, BAD_POINTER), EFAULT);
	close(fd);
}

static void placing(void)
{
	char *m = anon(4);

	/* Without a high hint nothing is above 47 bits. */
	check("low without a hint", ((uintptr_t)m >> 47) == 0);
	char *h = mmap((void *)(1ul << 50), PG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);
	check("a hint above 47 bits works", h != MAP_FAILED && (*h = 1) == 1);
	check("and is taken or left whole", (uintptr_t)h == 1ul << 50 || ((uintptr_t)h >> 47) == 0);
	check("MAP_FIXED above: there or ENOMEM", ({
		      char *f = mmap((void *)(1ul << 51), PG, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		      f == MAP_FAILED ? errno == ENOMEM : (*f = 1) == 1;
	      }));
	fails("MAP_FIXED in the kernel's half",
	      (long)mmap((void *)0xffff800000000000, PG, PROT_READ,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
	      ENOMEM);
	fails("MAP_FIXED unaligned",
	      (long)mmap(m + 1, PG, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
	      EINVAL);
	check("MAP_POPULATE", ({
		      char *p = mmap(NULL, 4 * PG, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		      resident(p) && resident(p + 3 * PG);
	      }));
	check("MAP_NORESERVE",
	      mmap(NULL, 1ul << 36, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) != MAP_FAILED);
	check("MAP_STACK", mmap(NULL, PG, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1,
				0) != MAP_FAILED);
	fails("MAP_SHARED_VALIDATE: unknown flag", ({
		      int fd = open("mf", O_RDWR);
		      long r = (long)mmap(NULL, PG, PROT_READ, 3 | 0x1000000, fd, 0);
		      int e = errno;
		      close(fd);
		      errno = e;
		      r;
	      }),
	      EOPNOTSUPP);
	fails("mmap: offset overflows", ({
		      int fd = open("mf", O_RDWR);
		      long r = (long)mmap(NULL, 2 * PG, PROT_READ, MAP_SHARED, fd,
					  (off_t)0x7ffffffffffff000);
		      int e = errno;
		      close(fd);
		      errno = e;
		      r;
	      }),
	      EOVERFLOW);
	fails("mmap of a directory", ({
		      int fd = open(".", O_RDONLY);
		      long r = (long)mmap(NULL, PG, PROT_READ, MAP_PRIVATE, fd, 0);
		      int e = errno;
		      close(fd);
		      errno = e;
		      r;
	      }),
	      ENODEV);
	fails("mmap of a write-only file", ({
		      int fd = open("mf", O_WRONLY);
		      long r = (long)mmap(NULL, PG, PROT_READ, MAP_PRIVATE, fd, 0);
		      int e = errno;
		      close(fd);
		      errno = e;
		      r;
	      }),
	      EACCES);
	fails("mmap of a pipe", ({
		      int p[2];
		      pipe(p);
		      long r = (long)mmap(NULL, PG, PROT_READ, MAP_PRIVATE, p[0], 0);
		      int e = errno;
		      close(p[0]), close(p[1]);
		      errno = e;
		      r;
	      }),
	      ENODEV);
	check("PROT_NONE faults", ({
		      mprotect(m, PG, PROT_NONE);
		      touch(m, false) == SIGSEGV;
	      }));
	fails("mprotect: bad protection", mprotect(m, PG, 0x80), EINVAL);
	works("mprotect: nothing", mprotect(m, 0, PROT_READ));
	fails("mprotect: wraps", mprotect(m, -PG, PROT_READ), ENOMEM);
	fails("munmap: wraps", munmap(m, (size_t)-1), EINVAL);
	check("code runs", ({
		      unsigned char *c = mmap(NULL, PG, PROT_READ | PROT_WRITE,
					      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		      memcpy(c, "\xb8\x2a\0\0\0\xc3", 6);
		      mprotect(c, PG, PROT_READ | PROT_EXEC);
		      ((int (*)(void))c)() == 42;
	      }));
	/* Below the program's start nothing maps without the right to. */
	check("brk: 0 asks", syscall(SYS_brk, 0) == syscall(SYS_brk, 0));
	long at = syscall(SYS_brk, 0);
	check("brk: grows by a byte", syscall(SYS_brk, at + 1) == at + 1);
	*(char *)at = 1;
	check("brk: back", syscall(SYS_brk, at) == at);
	check("brk: too low is refused", syscall(SYS_brk, 4096) == at);
	check("brk: too high is refused", syscall(SYS_brk, 1l << 62) == at);
}

static void sharing(void)
{
	int fd = open("sh", O_CREAT | O_RDWR | O_TRUNC, 0644), s;

	ftruncate(fd, 2 * PG);
	char *a = mmap(NULL, 2 * PG, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0),
	     *b = mmap(NULL, PG, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	check("private sees shared until it writes", (a[0] = 'q') && b[0] == 'q' && (b[1] = 'p') &&
							     a[1] == 0 && (a[0] = 'r') &&
							     b[0] == 'q');
	pid_t p = fork();
	if (!p) {
		a[5] = 'c';
		b[5] = 'c';
		_exit(0);
	}
	waitpid(p, &s, 0);
	check("a child's write: shared seen, private not", a[5] == 'c' && b[5] == 0);
	ftruncate(fd, 10);
	check("after a cut the page's rest is zero", a[9] == 0);
	check("beyond the end SIGBUS", touch(a + PG, false) == SIGBUS);
	works("growing brings it back", ftruncate(fd, 2 * PG));
	check("zero", touch(a + PG, true) == 0);
	unlink("sh");
	close(fd);
	check("unlinked and closed it lives", a[0] == 'r');
	/* a read into memory that goes on through a file mapping, and a write from itself */
	int big = open("big", O_CREAT | O_RDWR | O_TRUNC, 0644);
	ftruncate(big, 4 * PG);
	char *m = mmap(NULL, 4 * PG, PROT_READ | PROT_WRITE, MAP_SHARED, big, 0);
	memset(m, 'm', PG);
	check("write from its own mapping",
	      pwrite(big, m, PG, PG) == PG && m[PG] == 'm' && m[2 * PG - 1] == 'm');
	check("read into its own mapping", pread(big, m + 2 * PG, PG, 0) == PG && m[2 * PG] == 'm');
	check("read into what is read-only", ({
		      mprotect(m, PG, PROT_READ);
		      pread(big, m, 10, 0) == -1 && errno == EFAULT;
	      }));
	close(big);
}

int main(void)
{
	signal(SIGSEGV, on_fault);
	signal(SIGBUS, on_fault);
	moving();
	advising();
	placing();
	sharing();
	return 0;
}
