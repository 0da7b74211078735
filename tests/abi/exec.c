/* execve: arguments, environment, scripts, auxv, errors, corrupt ELF files. */
#include "abi.h"
#include <elf.h>
#include <sys/auxv.h>

static char self[4096];

static int run(const char *path, char *const argv[], char *const envp[])
{
	int status;
	fflush(stdout);
	pid_t p = fork();
	if (p == 0) {
		execve(path, argv, envp);
		_exit(errno == ENOEXEC	? 100
		      : errno == EACCES ? 101
		      : errno == E2BIG	? 102
		      : errno == ENOENT ? 103
					: 99);
	}
	waitpid(p, &status, 0);
	return status;
}
static void file(const char *name, const void *data, size_t n, int mode)
{
	int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, mode);
	write(fd, data, n);
	fchmod(fd, mode);
	close(fd);
}

static int child(int argc, char **argv)
{
	if (!strcmp(argv[1], "args"))
		return argc == 4 && !strcmp(argv[2], "") && !strcmp(argv[3], "b c") &&
				       getenv("X") && !strcmp(getenv("X"), "y")
			       ? 0
			       : 1;
	if (!strcmp(argv[1], "cloexec"))
		return fcntl(50, F_GETFD) == -1 && fcntl(51, F_GETFD) == 0 ? 0 : 1;
	if (!strcmp(argv[1], "signals")) {
		struct sigaction a, b;
		sigset_t s;
		sigaction(SIGUSR1, NULL, &a);
		sigaction(SIGUSR2, NULL, &b);
		sigprocmask(SIG_SETMASK, NULL, &s);
		return a.sa_handler == SIG_DFL && b.sa_handler == SIG_IGN && sigismember(&s, SIGHUP)
			       ? 0
			       : 1;
	}
	if (!strcmp(argv[1], "script-arg"))
		return argc == 5 && !strcmp(argv[2], "one arg") && strstr(argv[3], "script") &&
				       !strcmp(argv[4], "rest")
			       ? 0
			       : argc + 10;
	if (!strcmp(argv[1], "auxv")) {
		char exe[4096];
		ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
		exe[n > 0 ? n : 0] = 0;
		if (getauxval(AT_PAGESZ) != 4096 || getauxval(AT_CLKTCK) != 100 ||
		    getauxval(AT_UID) != getuid() || getauxval(AT_SECURE))
			return 1;
		if (!getauxval(AT_RANDOM) || !getauxval(AT_PHDR) || getauxval(AT_PHENT) != 56 ||
		    !getauxval(AT_ENTRY))
			return 2;
		if (strcmp((char *)getauxval(AT_PLATFORM), "x86_64"))
			return 3;
		if (strcmp((char *)getauxval(AT_EXECFN), argv[2]))
			return 4;
		return 0;
	}
	return 77;
}

static void handler(int s)
{
}

int main(int argc, char **argv)
{
	char *env[] = {"X=y", NULL};
	struct stat st;

	if (argc > 1)
		return child(argc, argv);
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[len > 0 ? len : 0] = 0;
	check("arguments and environment",
	      exited(run(self, (char *[]){"x", "args", "", "b c", NULL}, env), 0));
	check("auxiliary vector", exited(run(self, (char *[]){"x", "auxv", self, NULL}, env), 0));
	int fd = open(self, O_RDONLY);
	dup3(fd, 50, O_CLOEXEC);
	dup2(fd, 51);
	check("close-on-exec", exited(run(self, (char *[]){"x", "cloexec", NULL}, env), 0));
	close(51);
	signal(SIGUSR1, handler);
	signal(SIGUSR2, SIG_IGN);
	sigset_t s;
	sigemptyset(&s);
	sigaddset(&s, SIGHUP);
	sigprocmask(SIG_BLOCK, &s, NULL);
	check("signals across exec", exited(run(self, (char *[]){"x", "signals", NULL}, env), 0));
	sigprocmask(SIG_UNBLOCK, &s, NULL);
	pid_t p = fork();
	if (p == 0) {
		syscall(SYS_execveat, fd, "", (char *[]){"x", "args", "", "b c", NULL}, env,
			AT_EMPTY_PATH);
		_exit(99);
	}
	int status;
	waitpid(p, &status, 0);
	check("execveat AT_EMPTY_PATH", exited(status, 0));

	char script[5000];
	snprintf(script, sizeof(script), "#! %s script-arg\n", self);
	file("script0", script, strlen(script), 0755);
	check("script", exited(run("./script0", (char *[]){"x", NULL}, env), 13));
	/* "#!prog script-arg one arg": all behind the name is one argument, so go through argv[1]. */
	snprintf(script, sizeof(script), "#!%s\n", self);
	file("args", script, strlen(script), 0755);
	check("script without argument",
	      exited(run("args", (char *[]){"x", "a", NULL}, env), 1) ||
		      exited(run("args", (char *[]){"x", "a", NULL}, env), 77));
	file("bad-interp", "#!/nowhere/at/all\n", 18, 0755);
	check("missing interpreter", exited(run("./bad-interp", (char *[]){"x", NULL}, env), 103));
	file("empty", "", 0, 0755);
	check("empty file", exited(run("./empty", (char *[]){"x", NULL}, env), 100));
	file("text", "hello\n", 6, 0755);
	check("text file", exited(run("./text", (char *[]){"x", NULL}, env), 100));
	file("noexec", "\177ELF", 4, 0644);
	check("no permission", exited(run("./noexec", (char *[]){"x", NULL}, env), 101));
	mkdir("dir", 0755);
	check("directory", exited(run("./dir", (char *[]){"x", NULL}, env), 101));
	check("not there", exited(run("./nothing", (char *[]){"x", NULL}, env), 103));
	fails("bad argv", execve(self, BAD_POINTER, env), EFAULT);
	char *huge = malloc(200000);
	memset(huge, 'h', 200000);
	huge[199999] = 0;
	check("one argument too long", exited(run(self, (char *[]){"x", huge, NULL}, env), 102));
	huge[100000] = 0;
	check("a long argument", exited(run(self, (char *[]){"x", huge, NULL}, env), 77));

	/* Corrupt images: whatever comes, only the child may suffer. */
	fstat(fd, &st);
	unsigned char *image = malloc(st.st_size);
	pread(fd, image, st.st_size, 0);
	close(fd);
	unsigned rnd = 12345;
	bool lived = true;
	for (int i = 0; i < 150; i++) {
		unsigned char *copy = malloc(st.st_size);
		memcpy(copy, image, st.st_size);
		for (int k = 0; k <= i % 4; k++) {
			rnd = rnd * 1103515245 + 12345;
			unsigned at = (rnd >> 8) % (64 + 56 * 6);
			rnd = rnd * 1103515245 + 12345;
			copy[at] = rnd >> 16;
		}
		file("corrupt", copy, i % 10 == 9 ? (rnd >> 8) % st.st_size : (size_t)st.st_size,
		     0755);
		free(copy);
		fflush(stdout);
		p = fork();
		if (p == 0) {
			alarm(5);
			int null = open("/dev/null", O_RDWR);
			dup2(null, 1);
			execve("./corrupt", (char *[]){"x", "nothing", NULL}, env);
			_exit(1);
		}
		lived &= waitpid(p, &status, 0) == p;
	}
	check("150 corrupt programs", lived);
	Elf64_Ehdr *eh = (Elf64_Ehdr *)image;
	eh->e_machine = 40;
	file("arm", image, st.st_size, 0755);
	check("wrong machine", exited(run("./arm", (char *[]){"x", NULL}, env), 100));
	eh->e_machine = 62;
	eh->e_phentsize = 1;
	file("ph", image, st.st_size, 0755);
	check("bad header size", exited(run("./ph", (char *[]){"x", NULL}, env), 100));
	file("short", image, 40, 0755);
	check("shorter than its header", exited(run("./short", (char *[]){"x", NULL}, env), 100));
	file("busy", image, st.st_size, 0755);
	return 0;
}
