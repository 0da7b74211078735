/* clone and clone3: what each flag shares, ids and words that are set and cleared, combinations that are
 * refused, the sizes of clone3's argument; vfork. */
#include "abi.h"
#include <sched.h>
#include <linux/futex.h>
#include <linux/sched.h>

static char stack[1 << 16] __attribute__((aligned(16)));
static volatile int shared;
static int fd;

static long raw_clone(unsigned long flags, void *stk, int *ptid, int *ctid)
{
	return syscall(SYS_clone, flags, stk, ptid, ctid, 0);
}
static int status_of(pid_t p)
{
	int s = -1;
	waitpid(p, &s, __WALL);
	return s;
}
/* Run fn in a child made with these flags. */
static int run(int (*fn)(void *), unsigned long flags)
{
	fflush(stdout);
	pid_t p = clone(fn, stack + sizeof(stack), flags | SIGCHLD, NULL);
	return p < 0 ? -1 : status_of(p);
}

static int set_shared(void *arg)
{
	shared = 42;
	return 0;
}
static int close_fd(void *arg)
{
	close(fd);
	return 0;
}
static int change_fs(void *arg)
{
	umask(0123);
	return chdir("sub");
}
static int change_handler(void *arg)
{
	signal(SIGUSR1, SIG_IGN);
	return 0;
}
static int parent_of(void *arg)
{
	shared = getppid();
	return 0;
}

static void sharing(void)
{
	mkdir("sub", 0755);
	shared = 0;
	check("without CLONE_VM: a copy", exited(run(set_shared, 0), 0) && shared == 0);
	check("CLONE_VM: the same memory", exited(run(set_shared, CLONE_VM), 0) && shared == 42);
	shared = 0;
	check("CLONE_VM and CLONE_VFORK",
	      exited(run(set_shared, CLONE_VM | CLONE_VFORK), 0) && shared == 42);
	fd = open("/dev/null", O_RDONLY);
	check("without CLONE_FILES: a copy of the table",
	      exited(run(close_fd, 0), 0) && fcntl(fd, F_GETFD) == 0);
	check("CLONE_FILES: the same table",
	      exited(run(close_fd, CLONE_FILES), 0) && fcntl(fd, F_GETFD) == -1);
	umask(022);
	check("without CLONE_FS: its own directory",
	      exited(run(change_fs, 0), 0) && !access("sub", F_OK) && umask(022) == 022);
	check("CLONE_FS: the same directory and umask",
	      exited(run(change_fs, CLONE_FS), 0) && access("sub", F_OK) && umask(022) == 0123);
	chdir("..");
	struct sigaction sa;
	signal(SIGUSR1, SIG_DFL);
	run(change_handler, 0);
	sigaction(SIGUSR1, NULL, &sa);
	check("without CLONE_SIGHAND: its own actions", sa.sa_handler == SIG_DFL);
	run(change_handler, CLONE_SIGHAND | CLONE_VM);
	sigaction(SIGUSR1, NULL, &sa);
	check("CLONE_SIGHAND: the same", sa.sa_handler == SIG_IGN);
	signal(SIGUSR1, SIG_DFL);
	pid_t p = clone(parent_of, stack + sizeof(stack), CLONE_VM | CLONE_PARENT | SIGCHLD, NULL);
	check("CLONE_PARENT: not our child",
	      p > 0 && waitpid(p, NULL, __WALL) == -1 && errno == ECHILD);
	for (int i = 0; i < 200 && shared != getppid(); i++)
		nap(0.005);
	check("but our parent's", shared == getppid());
}
/* CLONE_PARENT leaves a child to whoever started us: run it all below a process of our own. */
static void sharing_below(void)
{
	pid_t p = fork();
	if (!p) {
		sharing();
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
}

static int sleeps(void *arg)
{
	nap(0.05);
	return 5;
}
static int is_there(void *word)
{
	return *(int *)word == syscall(SYS_gettid) ? 0 : 1; /* gettid() is the library's memory */
}
static void ids(void)
{
	int ptid = 0, ctid = 0;
	int *sh = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fflush(stdout);
	pid_t p = raw_clone(CLONE_PARENT_SETTID | SIGCHLD, NULL, &ptid, NULL);
	if (!p)
		_exit(ptid == getpid() || ptid == 0 ? 0 : 1);
	check("CLONE_PARENT_SETTID", ptid == p);
	check("child of it", exited(status_of(p), 0));
	p = raw_clone(CLONE_CHILD_SETTID | SIGCHLD, NULL, NULL, &ctid);
	if (!p)
		_exit(ctid == getpid() ? 0 : 1);
	check("CLONE_CHILD_SETTID", exited(status_of(p), 0) && ctid == 0);
	*sh = 7;
	p = clone(is_there, stack + sizeof(stack),
		  CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | CLONE_VM | CLONE_VFORK | SIGCHLD, sh,
		  NULL, NULL, sh);
	check("CLONE_CHILD_CLEARTID", exited(status_of(p), 0) && *sh == 0);
	int other = 0;
	p = clone(sleeps, stack + sizeof(stack),
		  CLONE_VM | CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | CLONE_PARENT_SETTID |
			  SIGCHLD,
		  NULL, &other, NULL, sh);
	check("the word holds the id", other == p);
	while (*sh && syscall(SYS_futex, sh, FUTEX_WAIT, p, NULL, NULL, 0) == -1 && errno != EAGAIN)
		;
	check("its end wakes a futex", *(volatile int *)sh == 0);
	check("and the exit status is there", exited(status_of(p), 5));
	p = clone(sleeps, stack + sizeof(stack), CLONE_VM, NULL);
	check("without a signal: not for wait", waitpid(p, NULL, WNOHANG) == -1 && errno == ECHILD);
	int s;
	check("but with __WCLONE", waitpid(p, &s, __WCLONE) == p && exited(s, 5));
	signal(SIGUSR2, SIG_IGN);
	p = clone(sleeps, stack + sizeof(stack), CLONE_VM | SIGUSR2, NULL);
	check("another signal: __WALL", waitpid(p, &s, __WALL) == p && exited(s, 5));
	int pidfd = -1;
	p = raw_clone(CLONE_PIDFD | SIGCHLD, NULL, &pidfd, NULL);
	if (!p)
		_exit(0);
	if (p < 0) {
		skip("CLONE_PIDFD");
		return;
	}
	check("CLONE_PIDFD", pidfd >= 0 && fcntl(pidfd, F_GETFD) == FD_CLOEXEC);
	status_of(p);
	close(pidfd);
}

static void refusals(void)
{
	fails("CLONE_SIGHAND without CLONE_VM",
	      raw_clone(CLONE_SIGHAND | SIGCHLD, NULL, NULL, NULL), EINVAL);
	fails("CLONE_THREAD without CLONE_SIGHAND",
	      raw_clone(CLONE_THREAD | CLONE_VM, NULL, NULL, NULL), EINVAL);
	fails("CLONE_FS and CLONE_NEWNS",
	      raw_clone(CLONE_FS | CLONE_NEWNS | SIGCHLD, NULL, NULL, NULL), EINVAL);
	fails("CLONE_THREAD and CLONE_NEWPID",
	      raw_clone(CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_NEWPID, NULL, NULL, NULL),
	      EINVAL);
}

static long clone3_(struct clone_args *a, size_t n)
{
	return syscall(SYS_clone3, a, n);
}
static void third(void)
{
	struct {
		struct clone_args a;
		char more[64];
	} big;
	struct clone_args *a = &big.a;
	int tid = 0;

	memset(&big, 0, sizeof(big));
	a->exit_signal = SIGCHLD;
	fails("clone3: too small", clone3_(a, 63), EINVAL);
	fails("clone3: too big", clone3_(a, 5000), E2BIG);
	fails("clone3: bad pointer", clone3_(BAD_POINTER, 64), EFAULT);
	pid_t p = clone3_(a, 64);
	if (!p)
		_exit(1);
	check("clone3: first size", p > 0 && exited(status_of(p), 1));
	p = clone3_(a, sizeof(big));
	if (!p)
		_exit(2);
	check("clone3: zeroes behind", p > 0 && exited(status_of(p), 2));
	big.more[60] = 1;
	fails("clone3: content behind", clone3_(a, sizeof(big)), E2BIG);
	big.more[60] = 0;
	a->exit_signal = 65;
	fails("clone3: bad signal", clone3_(a, 64), EINVAL);
	a->exit_signal = SIGCHLD;
	a->flags = CLONE_SIGHAND;
	fails("clone3: CLONE_SIGHAND alone", clone3_(a, 64), EINVAL);
	a->flags = 0xff;
	fails("clone3: a signal in the flags", clone3_(a, 64), EINVAL);
	a->flags = CLONE_DETACHED;
	fails("clone3: CLONE_DETACHED", clone3_(a, 64), EINVAL);
	a->flags = 1ull << 50;
	fails("clone3: unknown flag", clone3_(a, 64), EINVAL);
	a->flags = 0;
	a->stack = (uintptr_t)stack;
	fails("clone3: a stack without a size", clone3_(a, 64), EINVAL);
	a->stack = 0, a->stack_size = 4096;
	fails("clone3: a size without a stack", clone3_(a, 64), EINVAL);
	a->stack_size = 0;
	a->flags = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
	fails("clone3: a thread with an exit signal", clone3_(a, 64), EINVAL);
	a->flags = CLONE_PARENT_SETTID;
	a->parent_tid = (uintptr_t)&tid;
	p = clone3_(a, 64);
	if (!p)
		_exit(0);
	check("clone3: CLONE_PARENT_SETTID", tid == p);
	status_of(p);
	a->flags = CLONE_CLEAR_SIGHAND;
	signal(SIGUSR1, (void (*)(int))ids);
	signal(SIGUSR2, SIG_IGN);
	p = clone3_(a, sizeof(*a));
	if (!p) {
		struct sigaction one, two;
		sigaction(SIGUSR1, NULL, &one);
		sigaction(SIGUSR2, NULL, &two);
		_exit(one.sa_handler == SIG_DFL && two.sa_handler == SIG_IGN ? 0 : 1);
	}
	check("CLONE_CLEAR_SIGHAND", p > 0 && exited(status_of(p), 0));
	a->flags = CLONE_CLEAR_SIGHAND | CLONE_SIGHAND | CLONE_VM;
	fails("CLONE_CLEAR_SIGHAND and CLONE_SIGHAND", clone3_(a, sizeof(*a)), EINVAL);
	a->flags = 0;
	int want = 1;
	a->set_tid = (uintptr_t)&want, a->set_tid_size = 1;
	fails("set_tid that is taken", clone3_(a, sizeof(*a)), EEXIST);
	a->set_tid_size = 100;
	fails("set_tid_size too big", clone3_(a, sizeof(*a)), EINVAL);
}

static void vforks(void)
{
	volatile int x = 0;
	int s;

	fflush(stdout);
	pid_t p = vfork();
	if (!p) {
		nap(0.05);
		x = 5;
		_exit(3);
	}
	check("vfork: the parent waits, memory is shared", x == 5);
	check("vfork: exit status", waitpid(p, &s, 0) == p && exited(s, 3));
	p = vfork();
	if (!p) {
		execl("/proc/self/exe", "self", "9", NULL);
		_exit(1);
	}
	check("vfork and exec", exited(status_of(p), 9));
	p = vfork();
	if (!p)
		kill(getpid(), SIGKILL);
	check("vfork and a signal", killed(status_of(p), SIGKILL));
	/* what fork copies and what it does not */
	sigset_t set, now_;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	signal(SIGUSR2, (void (*)(int))ids);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR2);
	p = fork();
	if (!p) {
		sigpending(&now_);
		bool pending = sigismember(&now_, SIGUSR2);
		sigprocmask(SIG_BLOCK, NULL, &now_);
		_exit(pending || !sigismember(&now_, SIGUSR2));
	}
	check("fork: the mask, not what is pending", exited(status_of(p), 0));
	signal(SIGUSR2, SIG_IGN);
	mlockall(MCL_CURRENT);
	p = fork();
	if (!p) {
		char line[4096] = {0};
		int f = open("/proc/self/status", O_RDONLY);
		read(f, line, sizeof(line) - 1);
		char *at = strstr(line, "VmLck:");
		_exit(at && atoi(at + 6) == 0 ? 0 : 1);
	}
	check("fork: memory locks are not inherited", exited(status_of(p), 0));
	munlockall();
	bool ok = true;
	for (int i = 0; i < 200; i++) {
		p = fork();
		if (!p)
			_exit(i & 0x7f);
		ok &= exited(status_of(p), i & 0x7f);
	}
	check("two hundred forks", ok);
	pid_t many[200];
	for (int i = 0; i < 200; i++)
		if (!(many[i] = fork()))
			_exit(i & 0x7f);
	for (int i = 199; i >= 0; i--)
		ok &= exited(status_of(many[i]), i & 0x7f);
	check("two hundred at once", ok);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return atoi(argv[1]);
	sharing_below();
	ids();
	refusals();
	third();
	vforks();
	return 0;
}
