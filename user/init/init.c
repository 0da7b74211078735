/* PID 1 of Daedalus' own userland: mounts what a Linux program expects, starts what /etc/inittab says
 * (BusyBox's format: tty::action:command), restarts shells, reaps orphans, and shuts down cleanly.
 *
 * Signals, as BusyBox's halt, poweroff and reboot send them: SIGUSR1 halt, SIGUSR2 power off, SIGTERM
 * reboot; SIGINT (Ctrl-Alt-Del from the kernel) reboot; SIGHUP reads /etc/inittab again. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

struct entry {
	struct entry *next;
	char *tty, *action, *command;
	pid_t pid;	/* 0: not running */
	time_t started; /* of the last start, against respawn storms */
};
static struct entry *entries;

static void message(const char *fmt, const char *what)
{
	char line[256];
	// cppcheck-suppress wrongPrintfScanfArgNum ; not every message tells errno
	int n = snprintf(line, sizeof(line), fmt, what, strerror(errno));
	if (n > 0)
		(void)!write(2, line, n < (int)sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

static void mount_one(const char *type, const char *dir, unsigned long flags, const char *options)
{
	if (mkdir(dir, 0755) && errno != EEXIST)
		message("init: cannot make %s: %s\n", dir);
	if (mount(type, dir, type, flags, options) && errno != EBUSY)
		message("init: cannot mount %s: %s\n", dir);
}

static void mount_all(void)
{
	mount_one("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_one("sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_one("devtmpfs", "/dev", MS_NOSUID, "mode=0755");
	mount_one("tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=0755");
	mount_one("tmpfs", "/tmp", MS_NOSUID | MS_NODEV, "mode=1777");
	mkdir("/dev/shm", 01777);
	mount_one("tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777");
	(void)!symlink("/proc/self/fd", "/dev/fd");
	(void)!symlink("/proc/self/fd/0", "/dev/stdin");
	(void)!symlink("/proc/self/fd/1", "/dev/stdout");
	(void)!symlink("/proc/self/fd/2", "/dev/stderr");
}

static void set_hostname(void)
{
	char name[65] = "daedalus";
	int fd = open("/etc/hostname", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		ssize_t n = read(fd, name, sizeof(name) - 1);
		if (n > 0) {
			name[n] = 0;
			name[strcspn(name, " \n")] = 0;
		}
		close(fd);
	}
	sethostname(name, strlen(name));
}

/* A line "tty:runlevels:action:command". */
static struct entry *parse_line(char *line)
{
	char *field[4];
	char *p = line;

	for (int i = 0; i < 4; i++) {
		field[i] = p;
		if (i == 3)
			break;
		p = strchr(p, ':');
		if (!p)
			return NULL;
		*p++ = 0;
	}
	struct entry *e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->tty = strdup(field[0]);
	e->action = strdup(field[2]);
	e->command = strdup(field[3]);
	return e;
}

static void free_entry(struct entry *e)
{
	free(e->tty);
	free(e->action);
	free(e->command);
	free(e);
}

static bool same(const struct entry *a, const struct entry *b)
{
	return !strcmp(a->tty, b->tty) && !strcmp(a->action, b->action) &&
	       !strcmp(a->command, b->command);
}

/* Read /etc/inittab; an entry that stays keeps its running process. */
static void read_inittab(void)
{
	char line[512];
	struct entry *old = entries, **tail = &entries;
	FILE *f = fopen("/etc/inittab", "re");

	entries = NULL;
	if (!f)
		message("init: %s: %s; starting a shell on the console\n", "/etc/inittab");
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		if (line[0] == '#' || !line[0])
			continue;
		struct entry *e = parse_line(line);
		if (!e) {
			message("init: bad line in /etc/inittab: %s\n", line);
			continue;
		}
		for (struct entry *o = old; o; o = o->next)
			if (same(o, e)) {
				e->pid = o->pid;
				e->started = o->started;
			}
		*tail = e;
		tail = &e->next;
	}
	if (f)
		fclose(f);
	if (!entries) {
		char fallback[] = "console::respawn:-/bin/sh";
		entries = parse_line(fallback);
	}
	while (old) {
		struct entry *next = old->next;
		free_entry(old);
		old = next;
	}
}

/* In the child: a session of its own on its terminal, default signals, then the command. A leading
 * '-' asks for a login shell; anything with shell characters goes through sh -c. */
static void run(const struct entry *e)
{
	char *argv[34];
	int argc = 0;
	sigset_t none;

	setsid();
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (e->tty[0]) {
		char path[80];
		snprintf(path, sizeof(path), "/dev/%s", e->tty);
		int fd = open(path, O_RDWR);
		if (fd < 0)
			_exit(127);
		ioctl(fd, TIOCSCTTY, 1);
		for (int i = 0; i < 3; i++)
			dup2(fd, i);
		if (fd > 2)
			close(fd);
		setenv("TERM", strncmp(e->tty, "ttyS", 4) ? "linux" : "vt102", 1);
	}
	char *cmd = strdup(e->command);
	bool login = cmd[0] == '-';
	if (login)
		cmd++;
	if (strpbrk(cmd, "~`!$^&*()=|\\{}[];\"'<>?")) {
		argv[argc++] = "sh";
		argv[argc++] = "-c";
		argv[argc++] = cmd;
		argv[argc] = NULL;
		execv("/bin/sh", argv);
		_exit(127);
	}
	for (char *w = strtok(cmd, " \t"); w && argc < 33; w = strtok(NULL, " \t"))
		argv[argc++] = w;
	argv[argc] = NULL;
	if (!argc)
		_exit(127);
	char *program = argv[0];
	if (login) {
		char *base = strrchr(program, '/');
		char *name = malloc(strlen(program) + 2);
		sprintf(name, "-%s", base ? base + 1 : program);
		argv[0] = name;
		(void)!chdir("/root");
	}
	execv(program, argv);
	message("init: cannot run %s: %s\n", program);
	_exit(127);
}

static pid_t start(struct entry *e)
{
	e->started = time(NULL);
	pid_t pid = fork();
	if (pid == 0)
		run(e);
	if (pid < 0)
		message("init: fork for %s: %s\n", e->command);
	e->pid = pid > 0 ? pid : 0;
	return pid;
}

static void run_and_wait(const char *action)
{
	for (struct entry *e = entries; e; e = e->next)
		if (!strcmp(e->action, action) && start(e) > 0) {
			int status;
			while (waitpid(e->pid, &status, 0) < 0 && errno == EINTR)
				;
			e->pid = 0;
		}
}

static bool has_terminal(const struct entry *e)
{
	char path[80];
	if (!e->tty[0])
		return true;
	snprintf(path, sizeof(path), "/dev/%s", e->tty);
	int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static void start_all(bool first)
{
	for (struct entry *e = entries; e; e = e->next) {
		bool respawn = !strcmp(e->action, "respawn") || !strcmp(e->action, "askfirst");
		bool once = first && !strcmp(e->action, "once");
		if (!e->pid && (respawn || once) && has_terminal(e))
			start(e);
	}
}

static void shut_down(int how)
{
	struct timespec second = {1, 0};
	const char *what = how == RB_POWER_OFF	? "power off"
			   : how == RB_AUTOBOOT ? "reboot"
						: "halt";

	run_and_wait("shutdown");
	message("The system is going down: %s\n", what);
	kill(-1, SIGCONT);
	kill(-1, SIGTERM);
	/* Leave as soon as everybody has gone, at the latest after a second. */
	sigset_t chld;
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	for (;;) {
		pid_t p = waitpid(-1, NULL, WNOHANG);
		if (p > 0)
			continue;
		if (p < 0 && errno == ECHILD)
			break;
		if (sigtimedwait(&chld, NULL, &second) < 0 && errno == EAGAIN)
			break;
	}
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	sync();
	umount2("/tmp", MNT_DETACH);
	umount2("/run", MNT_DETACH);
	reboot(how);
	message("init: %s: %s\n", what);
	for (;;)
		pause();
}

int main(void)
{
	sigset_t set;
	struct timespec pause_between = {0, 0};

	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	umask(022);
	setenv("PATH", "/sbin:/usr/sbin:/bin:/usr/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("USER", "root", 1);
	setenv("SHELL", "/bin/sh", 1);
	mount_all();
	reboot(RB_DISABLE_CAD);
	set_hostname();
	read_inittab();
	run_and_wait("sysinit");
	run_and_wait("wait");
	start_all(true);
	for (;;) {
		int sig = sigwaitinfo(&set, NULL);
		switch (sig) {
		case SIGUSR1:
			shut_down(RB_HALT_SYSTEM);
			break;
		case SIGUSR2:
			shut_down(RB_POWER_OFF);
			break;
		case SIGTERM:
		case SIGINT:
			shut_down(RB_AUTOBOOT);
			break;
		case SIGHUP:
			read_inittab();
			break;
		default:
			break;
		}
		for (pid_t p; (p = waitpid(-1, NULL, WNOHANG)) > 0;)
			for (struct entry *e = entries; e; e = e->next)
				if (e->pid == p) {
					e->pid = 0;
					/* A program that dies at once is not restarted in a storm. */
					if (time(NULL) - e->started < 1)
						pause_between.tv_sec = 1;
				}
		if (pause_between.tv_sec) {
			nanosleep(&pause_between, NULL);
			pause_between.tv_sec = 0;
		}
		start_all(false);
	}
}
