/* execve's edges: texts that are busy, scripts of scripts, arguments at their limits, what a new program
 * keeps and what it loses. */
#include "abi.h"
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/prctl.h>

static char self[256];

static void script(const char *name, const char *text)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0755);
	write(fd, text, strlen(text));
	fchmod(fd, 0755);
	close(fd);
}
static void copy_self(const char *name)
{
	char buf[65536];
	ssize_t n;
	int in = open(self, O_RDONLY), out = open(name, O_CREAT | O_WRONLY, 0755);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		write(out, buf, n);
	close(in), close(out);
}
static int run(const char *path, char **argv, char **envp)
{
	int s;
	fflush(stdout);
	pid_t p = fork();
	if (!p) {
		execve(path, argv, envp);
		_exit(100 + (errno == ELOOP	? 1
			     : errno == E2BIG	? 2
			     : errno == ETXTBSY ? 3
			     : errno == ENOENT	? 4
			     : errno == EACCES	? 5
			     : errno == ENOEXEC ? 6
						: 0));
	}
	waitpid(p, &s, 0);
	return s;
}
#define ARGS(...) ((char *[]){__VA_ARGS__, NULL})
static char *none[] = {NULL};

static void busy(void)
{
	copy_self("prog");
	int fd = open("prog", O_RDWR);
	check("a file open for writing is no program",
	      exited(run("./prog", ARGS("x", "9"), none), 103));
	close(fd);
	int p[2];
	char c;
	pipe(p);
	pid_t child = fork();
	if (!child) {
		dup2(p[1], 1);
		execl("./prog", "prog", "linger", NULL);
		_exit(1);
	}
	read(p[0], &c, 1);
	fails("a running program cannot be opened for writing", open("prog", O_WRONLY), ETXTBSY);
	fails("nor truncated", truncate("prog", 0), ETXTBSY);
	fails("nor opened with O_TRUNC", open("prog", O_RDONLY | O_TRUNC), ETXTBSY);
	works("but unlinked", unlink("prog"));
	char path[64], exe[300] = {0};
	snprintf(path, sizeof(path), "/proc/%d/exe", child);
	readlink(path, exe, 299);
	check("exe says so", strlen(exe) > 10 && !strcmp(exe + strlen(exe) - 10, " (deleted)"));
	check("and still opens", access(path, X_OK) == 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	copy_self("prog");
	works("afterwards it can be written", fd = open("prog", O_WRONLY));
	close(fd);
	close(p[0]), close(p[1]);
}

static void scripts(void)
{
	char name[300], text[600];

	snprintf(text, sizeof(text), "#!%s 21\n", self);
	script("s0", text);
	check("a script", exited(run("./s0", ARGS("x"), none), 21));
	for (int i = 1; i <= 6; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		snprintf(text, sizeof(text), "#!./s%d\n", i - 1);
		script(name, text);
	}
	check("a script of a script", exited(run("./s1", ARGS("x"), none), 21));
	check("five deep", exited(run("./s4", ARGS("x"), none), 21));
	check("too deep", exited(run("./s6", ARGS("x"), none), 101));
	script("loop", "#!./loop\n");
	check("a script of itself", exited(run("./loop", ARGS("x"), none), 101));
	snprintf(text, sizeof(text), "#!   %s   arguments   \n", self);
	script("spaces", text);
	check("spaces around, one argument",
	      exited(run("./spaces", ARGS("zero", "a", "b"), none), 33));
	snprintf(text, sizeof(text), "#!%s count one two three", self);
	script("noline", text);
	check("no newline; the rest is one argument",
	      exited(run("./noline", ARGS("zero"), none), 3));
	script("bare", "#!\n");
	check("no interpreter", exited(run("./bare", ARGS("x"), none), 106));
	script("dirint", "#!/\n");
	check("a directory as interpreter", exited(run("./dirint", ARGS("x"), none), 105));
	int fd = open("s0", O_RDONLY | O_CLOEXEC);
	snprintf(name, sizeof(name), "/dev/fd/%d", fd);
	pid_t p = fork();
	int s;
	if (!p) {
		syscall(SYS_execveat, fd, "", ARGS("x"), none, AT_EMPTY_PATH);
		_exit(errno == ENOENT ? 44 : 45);
	}
	waitpid(p, &s, 0);
	check("a script by a descriptor that is closed on exec", exited(s, 44));
	fails("execveat: bad flags", syscall(SYS_execveat, fd, "s0", none, none, 0x8000), EINVAL);
	fails("execveat: empty without the flag", syscall(SYS_execveat, fd, "", none, none, 0),
	      ENOENT);
	symlink("s0", "link");
	fails("execveat: AT_SYMLINK_NOFOLLOW",
	      syscall(SYS_execveat, AT_FDCWD, "link", none, none, AT_SYMLINK_NOFOLLOW), ELOOP);
	fails("execveat: bad descriptor", syscall(SYS_execveat, 999, "s0", none, none, 0), EBADF);
	fails("execve: bad path", execve(BAD_POINTER, none, none), EFAULT);
	fails("execve: bad environment", execve("./s0", none, BAD_POINTER), EFAULT);
	fails("execve: a bad string", execve("./s0", ARGS("x", BAD_POINTER), none), EFAULT);
	fails("execve: file as directory", execve("./s0/x", none, none), ENOTDIR);
	mkfifo("fifo", 0755);
	fails("execve: FIFO", execve("./fifo", none, none), EACCES);
	fails("execve: device", execve("/dev/null", none, none), EACCES);
	close(fd);
}

static void arguments(void)
{
	static char big[131072 + 10], *many[3000];

	memset(big, 'a', sizeof(big));
	big[131071] = 0;
	check("an argument of 128 KiB",
	      exited(run(self, ARGS("x", "length", big), none), 131071 % 251));
	big[131071] = 'a', big[131072] = 0;
	check("one byte more", exited(run(self, ARGS("x", "length", big), none), 102));
	check("in the environment too", exited(run(self, ARGS("x", "9"), ARGS(big)), 102));
	for (int i = 0; i < 2000; i++)
		many[i] = "0123456789";
	many[0] = "x", many[1] = "count";
	check("two thousand arguments", exited(run(self, many, none), 2000 % 251));
	big[100000] = 0;
	for (int i = 2; i < 100; i++)
		many[i] = big;
	many[100] = NULL;
	check("more than the stack's quarter", exited(run(self, many, none), 102));
	check("no argv: one empty string", exited(run(self, none, none), 55));
	check("no environment pointer", ({
		      int s;
		      pid_t p = fork();
		      if (!p) {
			      syscall(SYS_execve, self, ARGS("x", "9"), NULL);
			      _exit(1);
		      }
		      waitpid(p, &s, 0);
		      exited(s, 9);
	      }));
}

static void *sleeping(void *arg)
{
	for (;;)
		pause();
	return NULL;
}
static void *executing(void *arg)
{
	execve(self, ARGS("x", "alone", arg), none);
	return NULL;
}
static void kept(void)
{
	char me[20];
	int s;
	pid_t p;

	fflush(stdout);
	p = fork();
	if (!p) {
		pthread_t t;
		for (int i = 0; i < 4; i++)
			pthread_create(&t, NULL, sleeping, NULL);
		snprintf(me, sizeof(me), "%d", getpid());
		pthread_create(&t, NULL, executing, me);
		pthread_join(t, NULL);
		pause();
	}
	waitpid(p, &s, 0);
	check("exec by a thread: alone, with the process's id", exited(s, 0));
	p = fork();
	if (!p) {
		struct sigaction sa = {.sa_handler = SIG_IGN};
		stack_t ss = {.ss_sp = malloc(65536), .ss_size = 65536};
		struct itimerval it = {{0, 0}, {100, 0}};
		struct rlimit r = {77, 78};
		sigset_t set;
		sigaltstack(&ss, NULL);
		sigaction(SIGUSR1, &sa, NULL);
		sa.sa_handler = (void (*)(int))kept;
		sigaction(SIGUSR2, &sa, NULL);
		sigemptyset(&set);
		sigaddset(&set, SIGALRM);
		sigaddset(&set, SIGHUP);
		sigprocmask(SIG_BLOCK, &set, NULL);
		raise(SIGHUP);
		setitimer(ITIMER_REAL, &it, NULL);
		setrlimit(RLIMIT_NOFILE, &r);
		umask(0111);
		nice(3);
		mkdir("there", 0777);
		chdir("there");
		prctl(PR_SET_NAME, "before");
		prctl(PR_SET_KEEPCAPS, 1);
		prctl(PR_SET_TIMERSLACK, 777);
		prctl(PR_SET_DUMPABLE, 0);
		mlockall(MCL_FUTURE);
		snprintf(me, sizeof(me), "%d", getpid());
		execve(self, ARGS("x", "kept", me), none);
		_exit(99);
	}
	waitpid(p, &s, 0);
	check("what exec keeps and loses", exited(s, 0) || (printf("# %d\n", s >> 8), false));
}
static int kept_check(const char *me)
{
	struct sigaction sa;
	stack_t ss;
	struct itimerval it;
	struct rlimit r;
	sigset_t set;
	char name[20] = {0}, cwd[300];

	if (atoi(me) != getpid())
		return 1;
	sigaction(SIGUSR1, NULL, &sa);
	if (sa.sa_handler != SIG_IGN)
		return 2;
	sigaction(SIGUSR2, NULL, &sa);
	if (sa.sa_handler != SIG_DFL)
		return 3;
	sigaltstack(NULL, &ss);
	if (ss.ss_flags != SS_DISABLE)
		return 4;
	sigprocmask(SIG_BLOCK, NULL, &set);
	if (!sigismember(&set, SIGALRM) || sigismember(&set, SIGUSR1))
		return 5;
	sigpending(&set);
	if (!sigismember(&set, SIGHUP))
		return 6;
	getitimer(ITIMER_REAL, &it);
	if (it.it_value.tv_sec < 90)
		return 7;
	getrlimit(RLIMIT_NOFILE, &r);
	if (r.rlim_cur != 77)
		return 8;
	if (umask(0) != 0111 || nice(0) != 3)
		return 9;
	if (!getcwd(cwd, sizeof(cwd)) || strcmp(cwd + strlen(cwd) - 6, "/there"))
		return 10;
	prctl(PR_GET_NAME, name);
	if (!strcmp(name, "before"))
		return 11;
	if (prctl(PR_GET_KEEPCAPS) != 0)
		return 12;
	if (prctl(PR_GET_DUMPABLE) != 1)
		return 13;
	if (prctl(PR_GET_TIMERSLACK) != 777)
		return 14;
	char text[4096] = {0};
	int fd = open("/proc/self/status", O_RDONLY);
	read(fd, text, sizeof(text) - 1);
	if (!strstr(text, "VmLck:\t       0 kB"))
		return 15;
	if (getauxval(AT_SECURE) || getauxval(AT_PAGESZ) != 4096 || getauxval(AT_UID) != getuid() ||
	    !getauxval(AT_RANDOM) || !getauxval(AT_PHDR))
		return 16;
	if (getauxval(AT_CLKTCK) != 100 || !getauxval(AT_EXECFN) || !getauxval(AT_PLATFORM) ||
	    strcmp((char *)getauxval(AT_PLATFORM), "x86_64"))
		return 17;
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 1 && argv[0] && !argv[0][0])
		return 55;
	if (argc > 1) {
		if (!strcmp(argv[1], "length"))
			return strlen(argv[2]) % 251;
		if (!strcmp(argv[1], "count"))
			return argc % 251;
		if (!strncmp(argv[1], "count ", 6))
			return argc;
		if (!strcmp(argv[1], "arguments"))
			return argc == 5 && !strcmp(argv[2], "./spaces") && !strcmp(argv[3], "a")
				       ? 33
				       : argc;
		if (!strcmp(argv[1], "kept"))
			return kept_check(argv[2]);
		if (!strcmp(argv[1], "alone")) {
			char text[4096] = {0};
			int fd = open("/proc/self/status", O_RDONLY);
			read(fd, text, sizeof(text) - 1);
			return atoi(argv[2]) == getpid() && getpid() == syscall(SYS_gettid) &&
					       strstr(text, "Threads:\t1\n")
				       ? 0
				       : 1;
		}
		if (!strcmp(argv[1], "linger")) {
			write(1, "x", 1);
			for (;;)
				pause();
		}
		return atoi(argv[1]);
	}
	readlink("/proc/self/exe", self, sizeof(self) - 1);
	busy();
	scripts();
	arguments();
	kept();
	return 0;
}
