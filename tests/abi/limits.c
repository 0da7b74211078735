/* Resource limits: each is enforced; prlimit on others; mlock's accounts; who may raise them. */
#include "abi.h"
#include <grp.h>
#include <pthread.h>
#include <sys/resource.h>

static long prlimit_(pid_t pid, int res, const struct rlimit *n, struct rlimit *o)
{
	return syscall(SYS_prlimit64, pid, res, n, o);
}
static void become(uid_t uid)
{
	setgroups(0, NULL);
	setresgid(uid, uid, uid);
	setresuid(uid, uid, uid);
}
static void limit(int res, rlim_t soft, rlim_t hard)
{
	struct rlimit r = {soft, hard};
	setrlimit(res, &r);
}

static void calls(void)
{
	struct rlimit r, old;
	int s;

	works("prlimit reads", prlimit_(0, RLIMIT_NOFILE, NULL, &r));
	old = r;
	r.rlim_cur = 100;
	works("prlimit sets", prlimit_(0, RLIMIT_NOFILE, &r, &old));
	check("and gives the old", old.rlim_cur != 100 || old.rlim_max == r.rlim_max);
	check("it is set", !getrlimit(RLIMIT_NOFILE, &r) && r.rlim_cur == 100);
	fails("prlimit: bad resource", prlimit_(0, 16, NULL, &r), EINVAL);
	fails("prlimit: nobody", prlimit_(1 << 22, RLIMIT_NOFILE, NULL, &r), ESRCH);
	fails("prlimit: bad pointer", prlimit_(0, RLIMIT_NOFILE, BAD_POINTER, NULL), EFAULT);
	fails("setrlimit: bad pointer", syscall(SYS_setrlimit, RLIMIT_NOFILE, BAD_POINTER), EFAULT);
	fails("getrlimit: bad pointer", syscall(SYS_getrlimit, RLIMIT_NOFILE, BAD_POINTER), EFAULT);
	pid_t p = fork();
	if (!p)
		_exit(!getrlimit(RLIMIT_NOFILE, &r) && r.rlim_cur == 100 ? 0 : 1);
	waitpid(p, &s, 0);
	check("limits are inherited", exited(s, 0));
	p = fork();
	if (!p) {
		for (;;)
			pause();
	}
	r = (struct rlimit){50, 60};
	works("prlimit of a child", prlimit_(p, RLIMIT_NOFILE, &r, NULL));
	check("is set there",
	      !prlimit_(p, RLIMIT_NOFILE, NULL, &old) && old.rlim_cur == 50 && old.rlim_max == 60);
	check("not here", !getrlimit(RLIMIT_NOFILE, &r) && r.rlim_cur == 100);
	kill(p, SIGKILL);
	waitpid(p, NULL, 0);
	bool ok = true;
	for (int i = 0; i < 16; i++)
		ok &= !getrlimit(i, &r) && r.rlim_cur <= r.rlim_max;
	check("sixteen limits", ok);
}

static void raising(void)
{
	limit(RLIMIT_NOFILE, 50, 100);
	become(1000);
	struct rlimit r = {100, 100}, root;
	works("soft up to hard", setrlimit(RLIMIT_NOFILE, &r));
	r.rlim_max = 90, r.rlim_cur = 90;
	works("hard down", setrlimit(RLIMIT_NOFILE, &r));
	r.rlim_max = 91;
	fails("hard up", setrlimit(RLIMIT_NOFILE, &r), EPERM);
	fails("prlimit of another user's process", prlimit_(1, RLIMIT_NOFILE, NULL, &root), EPERM);
}

static void descriptors(void)
{
	int p[2];

	limit(RLIMIT_NOFILE, 20, 30);
	int fd = open("/dev/null", O_RDONLY);
	check("dup2 to the limit", dup2(fd, 19) == 19);
	fails("dup2 above", dup2(fd, 20), EBADF);
	fails("dup3 above", dup3(fd, 25, 0), EBADF);
	fails("F_DUPFD above", fcntl(fd, F_DUPFD, 20), EINVAL);
	while (dup(fd) >= 0)
		;
	fails("dup", dup(fd), EMFILE);
	fails("open", open("/dev/null", O_RDONLY), EMFILE);
	fails("pipe", pipe(p), EMFILE);
	fails("memfd_create", syscall(SYS_memfd_create, "x", 0), EMFILE);
	fails("F_DUPFD", fcntl(fd, F_DUPFD, 0), EMFILE);
	close(10);
	fails("a pipe needs two", pipe(p), EMFILE);
	works("one is free still", dup(fd));
	limit(RLIMIT_NOFILE, 5, 30);
	works("what is open above stays", fcntl(15, F_GETFD));
	struct timeval tv = {0, 0};
	fd_set set;
	FD_ZERO(&set);
	FD_SET(15, &set);
	check("select looks at it", select(16, &set, NULL, NULL, &tv) == 1);
}

static void *thread(void *arg)
{
	return NULL;
}
static void processes(void)
{
	limit(RLIMIT_NPROC, 3, 3);
	become(4711);
	int n = 0;
	pid_t p = 0;
	while (n < 10 && (p = fork()) >= 0) {
		if (!p) {
			for (;;)
				pause();
		}
		n++;
	}
	check("RLIMIT_NPROC counts", p == -1 && errno == EAGAIN && n == 2);
	pthread_t t;
	check("threads count too", pthread_create(&t, NULL, thread, NULL) == EAGAIN);
	kill(0, SIGKILL);
}
static void locked(void)
{
	limit(RLIMIT_MEMLOCK, 8 * 4096, 8 * 4096);
	become(1000);
	char *m = mmap(NULL, 64 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	works("mlock up to the limit", mlock(m, 8 * 4096));
	fails("mlock above", mlock(m + 8 * 4096, 4096), ENOMEM);
	works("again what is locked", mlock(m, 4096));
	works("munlock", munlock(m, 4096));
	works("makes room", mlock(m + 8 * 4096, 4096));
	fails("mlockall above", mlockall(MCL_CURRENT), ENOMEM);
	works("MAP_LOCKED above: no error by mlockall's rules", munlockall());
	check("MAP_LOCKED above the limit",
	      mmap(NULL, 64 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0) ==
			      MAP_FAILED &&
		      errno == EAGAIN);
	works("mlockall of what comes", mlockall(MCL_FUTURE));
	check("then mmap keeps to it",
	      mmap(NULL, 64 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
		      errno == EAGAIN);
	munlockall();
	limit(RLIMIT_MEMLOCK, 0, 0);
	fails("a limit of 0 forbids", mlock(m, 4096), EPERM);
}
static void locking(void)
{
	char *m = mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char vec[16];

	works("mlock", mlock(m, 4 * 4096));
	check("locked pages are there", !mincore(m, 4 * 4096, vec) && vec[0] & 1 && vec[3] & 1);
	works("mlock not aligned", mlock(m + 100, 10));
	works("mlock2 MLOCK_ONFAULT", syscall(SYS_mlock2, m + 8 * 4096, 4 * 4096, 1));
	check("not there before a touch", !mincore(m + 8 * 4096, 4096, vec) && !(vec[0] & 1));
	fails("mlock2: bad flags", syscall(SYS_mlock2, m, 4096, 8), EINVAL);
	munmap(m + 4 * 4096, 4096);
	fails("mlock: a hole", mlock(m, 6 * 4096), ENOMEM);
	fails("munlock: a hole", munlock(m, 6 * 4096), ENOMEM);
	fails("mlockall: bad flags", mlockall(0), EINVAL);
	fails("mlockall: unknown flags", mlockall(64), EINVAL);
	fails("mlockall: MCL_ONFAULT alone", mlockall(4), EINVAL);
	fails("mlock: wraps", mlock((void *)-4096l, 8192), EINVAL);
	works("mlock: nothing", mlock(m, 0));
	works("munlockall", munlockall());
}

static void stack(void)
{
	volatile char a[1 << 20];
	memset((char *)a, 1, sizeof(a));
	_exit(a[5]);
}
static void small_stack(void)
{
	limit(RLIMIT_STACK, 256 << 10, 256 << 10);
	stack();
}
static void big_stack(void)
{
	limit(RLIMIT_STACK, 4 << 20, RLIM_INFINITY);
	stack();
}
static void data(void)
{
	limit(RLIMIT_DATA, 1 << 20, 1 << 20);
	check("RLIMIT_DATA: brk",
	      syscall(SYS_brk, syscall(SYS_brk, 0) + (4 << 20)) == syscall(SYS_brk, 0));
	check("RLIMIT_DATA: private memory",
	      mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
			      MAP_FAILED &&
		      errno == ENOMEM);
	check("RLIMIT_DATA: not shared memory",
	      mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) !=
		      MAP_FAILED);
	char *ro = mmap(NULL, 4 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check("RLIMIT_DATA: not what cannot be written", ro != MAP_FAILED);
	fails("RLIMIT_DATA: nor made so", mprotect(ro, 4 << 20, PROT_READ | PROT_WRITE), ENOMEM);
}
static void space(void)
{
	limit(RLIMIT_AS, 64 << 20, 64 << 20);
	check("RLIMIT_AS: mmap",
	      mmap(NULL, 65 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
		      errno == ENOMEM);
	void *m = mmap(NULL, 32 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check("RLIMIT_AS: below", m != MAP_FAILED);
	check("RLIMIT_AS: mremap",
	      mremap(m, 32 << 20, 80 << 20, MREMAP_MAYMOVE) == MAP_FAILED && errno == ENOMEM);
	check("RLIMIT_AS: brk",
	      syscall(SYS_brk, syscall(SYS_brk, 0) + (64 << 20)) == syscall(SYS_brk, 0));
}
static void size(void)
{
	limit(RLIMIT_FSIZE, 1000, 2000);
	signal(SIGXFSZ, SIG_IGN);
	int fd = open("sized", O_CREAT | O_RDWR | O_TRUNC, 0644);
	static char b[4096];
	check("RLIMIT_FSIZE: a write is cut", write(fd, b, 4096) == 1000);
	fails("RLIMIT_FSIZE: the next fails", write(fd, b, 1), EFBIG);
	works("RLIMIT_FSIZE: inside works", pwrite(fd, b, 10, 500));
	fails("RLIMIT_FSIZE: ftruncate", ftruncate(fd, 1001), EFBIG);
	works("RLIMIT_FSIZE: ftruncate to it", ftruncate(fd, 1000));
	fails("RLIMIT_FSIZE: fallocate", fallocate(fd, 0, 0, 2000), EFBIG);
	fails("RLIMIT_FSIZE: truncate", truncate("sized", 5000), EFBIG);
	int p[2];
	pipe(p);
	check("RLIMIT_FSIZE: pipes have none", write(p[1], b, 4096) == 4096);
	signal(SIGXFSZ, SIG_DFL);
	pwrite(fd, b, 1, 3000);
}
static volatile sig_atomic_t xcpu;
static void on_xcpu(int sig)
{
	xcpu++;
}
static void cpu(void)
{
	signal(SIGXCPU, on_xcpu);
	limit(RLIMIT_CPU, 1, 2);
	while (!xcpu)
		;
	for (;;)
		;
}
static void core(void)
{
	limit(RLIMIT_CORE, 0, 0);
	abort();
}
static void pending(void)
{
	sigset_t set;
	int n = 0, err = 0;

	become(4712);
	limit(RLIMIT_SIGPENDING, 10, 10);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	while (n < 100 && !(err = sigqueue(getpid(), SIGRTMIN, (union sigval){0})))
		n++;
	check("RLIMIT_SIGPENDING", err == -1 && errno == EAGAIN && n == 10);
	works("standard signals still come", kill(getpid(), SIGUSR1));
	check("it is pending", ({
		      sigset_t s;
		      sigpending(&s);
		      sigismember(&s, SIGUSR1);
	      }));
	siginfo_t si;
	sigwaitinfo(&set, &si); /* the SIGUSR1 came above the limit */
	sigwaitinfo(&set, &si);
	works("one taken makes room for one", sigqueue(getpid(), SIGRTMIN, (union sigval){0}));
}

int main(void)
{
	calls();
	check("small stack", killed(in_child(small_stack), SIGSEGV));
	check("big stack", exited(in_child(big_stack), 1));
	check("RLIMIT_DATA", exited(in_child(data), 0));
	check("RLIMIT_AS", exited(in_child(space), 0));
	check("RLIMIT_FSIZE", killed(in_child(size), SIGXFSZ));
	check("RLIMIT_CPU", killed(in_child(cpu), SIGKILL));
	check("RLIMIT_CORE 0: no core", ({
		      int s = in_child(core);
		      killed(s, SIGABRT) && !WCOREDUMP(s);
	      }));
	check("RLIMIT_NOFILE", exited(in_child(descriptors), 0));
	check("locking memory", exited(in_child(locking), 0));
	if (geteuid()) {
		skip("limits of users");
		return 0;
	}
	check("raising", exited(in_child(raising), 0));
	pid_t p = fork();
	int s;
	if (!p) {
		setpgid(0, 0);
		processes();
	}
	waitpid(p, &s, 0);
	check("RLIMIT_NPROC", killed(s, SIGKILL));
	check("RLIMIT_MEMLOCK", exited(in_child(locked), 0));
	check("RLIMIT_SIGPENDING of a user", exited(in_child(pending), 0));
	return 0;
}
