/* Processes that race: pipes between many, fork, exec and wait in parallel, signals, names in one
 * directory, sudden deaths. */
#include "abi.h"
#include <dirent.h>
#include <poll.h>
#include <sched.h>

static void wait_all(int n, int *bad)
{
	int status;
	for (int i = 0; i < n; i++)
		if (wait(&status) < 0 || !exited(status, 0))
			++*bad;
}

/* --- senders and receivers: every byte arrives, each receiver sees the end --- */
static bool talk(int groups, int pairs, int messages)
{
	int bad = 0;
	for (int g = 0; g < groups; g++)
		if (fork() == 0) {
			int fd[2], failed = 0;
			pipe(fd);
			for (int i = 0; i < pairs; i++)
				if (fork() == 0) {
					char m[100];
					close(fd[0]);
					memset(m, 'a' + i, sizeof(m));
					for (int k = 0; k < messages; k++)
						if (write(fd[1], m, sizeof(m)) != sizeof(m))
							_exit(1);
					_exit(0);
				}
			int sums[2];
			pipe(sums);
			for (int i = 0; i < pairs; i++)
				if (fork() == 0) {
					char m[100];
					long n, sum = 0;
					close(fd[1]);
					while ((n = read(fd[0], m, sizeof(m))) > 0)
						for (int k = 0; k < n; k++)
							sum += m[k];
					write(sums[1], &sum, sizeof(sum));
					_exit(n != 0);
				}
			close(fd[0]);
			close(fd[1]);
			wait_all(2 * pairs, &failed);
			long total = 0, sum, want = 0;
			for (int i = 0; i < pairs; i++) {
				read(sums[0], &sum, sizeof(sum));
				total += sum;
				want += ('a' + i) * 100l * messages;
			}
			_exit(failed || total != want);
		}
	wait_all(groups, &bad);
	return !bad;
}

static bool fork_exec_wait(int processes, int rounds)
{
	int bad = 0;
	for (int p = 0; p < processes; p++)
		if (fork() == 0) {
			for (int i = 0; i < rounds; i++) {
				char code[8], *args[] = {"stress_procs", "exit", code, NULL};
				int status;
				snprintf(code, sizeof(code), "%d", i % 200);
				pid_t c = i % 2 ? vfork() : fork();
				if (c == 0) {
					execv("/proc/self/exe", args);
					_exit(255);
				}
				if (waitpid(c, &status, 0) != c || !exited(status, i % 200))
					_exit(1);
			}
			_exit(0);
		}
	wait_all(processes, &bad);
	return !bad;
}

/* --- signals that queue: as many arrive as were sent --- */
static volatile sig_atomic_t got, last_value, out_of_order;
static void count(int sig, siginfo_t *info, void *context)
{
	if (info->si_value.sival_int != last_value + 1)
		out_of_order = 1;
	last_value = info->si_value.sival_int;
	got++;
}
static bool queued_signals(int n)
{
	struct sigaction sa = {.sa_sigaction = count, .sa_flags = SA_SIGINFO};
	int status;
	sigaction(SIGRTMIN, &sa, NULL);
	pid_t parent = getpid(), c = fork();
	if (c == 0) {
		for (int i = 1; i <= n; i++)
			while (sigqueue(parent, SIGRTMIN, (union sigval){.sival_int = i}) &&
			       errno == EAGAIN)
				sched_yield();
		_exit(0);
	}
	while (waitpid(c, &status, 0) < 0 && errno == EINTR)
		;
	return got == n && !out_of_order && exited(status, 0);
}

/* A pair that answers each other's signal: one lost signal or wake-up, and it hangs. */
static bool signal_ping_pong(int rounds)
{
	sigset_t set, old;
	int sig, status;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	pid_t parent = getpid(), c = fork();
	if (c == 0) {
		for (int i = 0; i < rounds; i++) {
			sigwait(&set, &sig);
			kill(parent, SIGUSR1);
		}
		_exit(0);
	}
	for (int i = 0; i < rounds; i++) {
		kill(c, SIGUSR1);
		sigwait(&set, &sig);
	}
	waitpid(c, &status, 0);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return exited(status, 0);
}

/* --- one directory, many hands --- */
static void rename_about(int me)
{
	char a[16], b[16];
	for (int i = 0; i < 150; i++) {
		snprintf(a, sizeof(a), "n%d", (i * 7 + me) % 6);
		snprintf(b, sizeof(b), "n%d", (i * 5 + me * 3) % 6);
		int fd = open(a, O_CREAT | O_RDWR, 0600);
		if (fd >= 0) {
			write(fd, a, 2);
			close(fd);
		}
		rename(a, b);
		link(b, a);
		struct stat st;
		stat(b, &st);
		unlink(i % 2 ? a : b);
		if (i % 16 == me) {
			DIR *d = opendir(".");
			struct dirent *e;
			while ((e = readdir(d)))
				if (strlen(e->d_name) > 2)
					_exit(1);
			closedir(d);
		}
	}
	_exit(0);
}
static bool one_directory(int processes)
{
	int bad = 0, left = 0;
	mkdir("together", 0700);
	chdir("together");
	for (int p = 0; p < processes; p++)
		if (fork() == 0)
			rename_about(p);
	wait_all(processes, &bad);
	for (int i = 0; i < 6; i++) {
		char a[16];
		snprintf(a, sizeof(a), "n%d", i);
		unlink(a);
	}
	DIR *d = opendir(".");
	while (readdir(d))
		left++;
	closedir(d);
	chdir("..");
	return !bad && left == 2 && rmdir("together") == 0;
}

/* --- SIGKILL at any moment --- */
static void busy(void)
{
	for (int i = 0;; i++) {
		char name[32];
		int fd[2];
		pid_t c;
		snprintf(name, sizeof(name), "k%d", getpid());
		if (pipe(fd))
			_exit(1);
		close(open(name, O_CREAT | O_RDWR, 0600));
		c = fork();
		if (c == 0) {
			mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
			write(fd[1], "x", 1);
			_exit(0);
		}
		struct pollfd p = {fd[0], POLLIN, 0};
		poll(&p, 1, 10);
		waitpid(c, NULL, 0);
		close(fd[0]);
		close(fd[1]);
		unlink(name);
	}
}
static bool sudden_deaths(int rounds)
{
	bool good = true;
	for (int r = 0; r < rounds; r++) {
		pid_t c[4];
		int status;
		for (int i = 0; i < 4; i++)
			if ((c[i] = fork()) == 0)
				busy();
		nap(0.004 + 0.0037 * r);
		for (int i = 0; i < 4; i++)
			kill(c[i], SIGKILL);
		for (int i = 0; i < 4; i++)
			good &= waitpid(c[i], &status, 0) == c[i] && killed(status, SIGKILL);
	}
	return good;
}

/* Stopped, continued, and traced by waits while it works. */
static bool stop_and_go(int rounds)
{
	int status;
	bool good = true;
	pid_t c = fork();
	if (c == 0)
		for (;;)
			getppid();
	for (int i = 0; i < rounds; i++) {
		kill(c, SIGSTOP);
		good &= waitpid(c, &status, WUNTRACED) == c && WIFSTOPPED(status);
		kill(c, SIGCONT);
		good &= waitpid(c, &status, WCONTINUED) == c && WIFCONTINUED(status);
	}
	kill(c, SIGKILL);
	good &= waitpid(c, &status, 0) == c && killed(status, SIGKILL);
	return good;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "exit"))
		return atoi(argv[2]);
	alarm(60);
	check("pipes between many processes", talk(4, 4, 60));
	check("fork, exec and wait in parallel", fork_exec_wait(4, 20));
	check("queued signals all arrive, in order", queued_signals(1000));
	check("signals back and forth", signal_ping_pong(300));
	check("many processes in one directory", one_directory(4));
	check("sudden deaths", sudden_deaths(10));
	check("stop and continue", stop_and_go(60));
	return 0;
}
