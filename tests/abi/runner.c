/* PID 1 for the ABI tests: runs every program in /abi/tests, each with a time limit, then switches off. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void run(const char *name)
{
	char path[300], dir[300];
	sigset_t chld;
	struct timespec limit = {60, 0};
	int status = 0;

	snprintf(path, sizeof(path), "/abi/tests/%s", name);
	snprintf(dir, sizeof(dir), "/tmp/%s", name);
	mkdir(dir, 0755);
	printf("== begin %s\n", name);
	fflush(stdout);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);
		dup2(null, 0);
		close(null);
		sigprocmask(SIG_UNBLOCK, &chld, NULL);
		setsid();
		if (chdir(dir))
			_exit(126);
		execl(path, path, (char *)NULL);
		_exit(127);
	}
	for (;;) {
		int sig = sigtimedwait(&chld, NULL, &limit);
		if (sig < 0) {
			printf("time-out in %s\n", name);
			kill(-pid, SIGKILL);
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			break;
		}
		pid_t p;
		int s, done = 0;
		while ((p = waitpid(-1, &s, WNOHANG)) > 0)
			if (p == pid) {
				status = s;
				done = 1;
			}
		if (done)
			break;
	}
	if (WIFEXITED(status))
		printf("== end %s status %d\n", name, WEXITSTATUS(status));
	else
		printf("== end %s signal %d\n", name, WTERMSIG(status));
	fflush(stdout);
}

static int real_name(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

int main(void)
{
	struct dirent **names;

	mkdir("/proc", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mkdir("/tmp", 01777);
	mount("tmpfs", "/tmp", "tmpfs", 0, "mode=1777");
	int n = scandir("/abi/tests", &names, real_name, alphasort);
	for (int i = 0; i < n; i++)
		run(names[i]->d_name);
	printf("== all done\n");
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
