/* Process groups and sessions: who may move whom, orphaned groups, signals to groups, vfork's and exec's
 * part in it, terminals where there is one. */
#include "abi.h"
#include <sys/ioctl.h>
#include <termios.h>

static int to_parent[2], to_child[2];
static void say(char c)
{
	write(to_parent[1], &c, 1);
}
static char hear(void)
{
	char c = 0;
	return read(to_parent[0], &c, 1) == 1 ? c : 0;
}
static void wait_go(void)
{
	char c;
	read(to_child[0], &c, 1);
}
static void go(void)
{
	write(to_child[1], "g", 1);
}

static volatile sig_atomic_t got_hup, got_cont;
static void on_hup(int sig)
{
	got_hup = 1;
}
static void on_cont(int sig)
{
	got_cont = 1;
}

static void moves(void)
{
	int s;
	pid_t p = fork();

	if (!p) {
		wait_go();
		_exit(0);
	}
	works("setpgid of a child", setpgid(p, p));
	check("it is", getpgid(p) == p);
	works("back into ours", setpgid(p, getpgrp()));
	fails("setpgid: no such group", setpgid(p, 1 << 22), EPERM);
	fails("setpgid: nobody", setpgid(1 << 22, 0), ESRCH);
	fails("setpgid: not a child", setpgid(1, 0), ESRCH);
	fails("setpgid: negative group", setpgid(p, -5), EINVAL);
	fails("setpgid: negative process", setpgid(-5, 0), EINVAL);
	go();
	waitpid(p, &s, 0);
	p = fork();
	if (!p) {
		if (!fork()) {
			say('r');
			wait_go();
			_exit(0);
		}
		wait(NULL);
		_exit(0);
	}
	hear();
	go();
	waitpid(p, &s, 0);
	/* after exec */
	p = fork();
	if (!p) {
		fcntl(to_parent[1], F_SETFD, FD_CLOEXEC);
		close(to_child[1]);
		dup2(to_child[0], 0);
		execl("/proc/self/exe", "self", "wait", NULL);
		_exit(1);
	}
	close(to_parent[1]);
	char c;
	read(to_parent[0], &c, 1); /* ends at its exec */
	fails("setpgid after exec", setpgid(p, p), EACCES);
	go();
	waitpid(p, &s, 0);
	check("it ended", exited(s, 0));
	pipe(to_parent);
	/* another session */
	p = fork();
	if (!p) {
		setsid();
		say('s');
		wait_go();
		_exit(0);
	}
	hear();
	fails("setpgid of a child in another session", setpgid(p, p), EPERM);
	check("getsid of it", getsid(p) == p);
	go();
	waitpid(p, &s, 0);
}

static void leader(void)
{
	pid_t me = getpid();

	check("setsid", setsid() == me);
	check("session, group", getsid(0) == me && getpgrp() == me);
	fails("setsid of a leader", setsid(), EPERM);
	fails("setpgid of a session leader", setpgid(0, 0), EPERM);
	pid_t p = fork();
	int s;
	if (!p)
		_exit(getsid(0) == me && getpgrp() == me && setsid() == getpid() ? 0 : 1);
	waitpid(p, &s, 0);
	check("a child is in it and may leave", exited(s, 0));
	fails("no terminal: /dev/tty", open("/dev/tty", O_RDWR), ENXIO);
}

static void group_signals(void)
{
	int s;
	pid_t a, b;

	signal(SIGUSR1, SIG_IGN);
	a = fork();
	if (!a) {
		signal(SIGUSR1, SIG_DFL);
		setpgid(0, 0);
		say('a');
		for (;;)
			pause();
	}
	setpgid(a, a);
	hear();
	b = fork();
	if (!b) {
		signal(SIGUSR1, SIG_DFL);
		setpgid(0, a);
		say('b');
		for (;;)
			pause();
	}
	hear();
	works("kill of a group", kill(-a, SIGUSR1));
	waitpid(a, &s, 0);
	check("the first", killed(s, SIGUSR1));
	waitpid(b, &s, 0);
	check("the second", killed(s, SIGUSR1));
	fails("the group is gone", kill(-a, 0), ESRCH);
	setpgid(0, 0);
	works("kill of one's own group", kill(0, SIGUSR1));
	a = fork();
	if (!a) {
		say('z');
		_exit(0);
	}
	hear();
	siginfo_t si;
	waitid(P_PID, a, &si, WEXITED | WNOWAIT);
	works("a zombie can be signalled", kill(a, SIGTERM));
	works("and still counts in its group", kill(-getpgrp(), 0));
	waitpid(a, &s, 0);
	check("it died as it did", exited(s, 0));
}

/* The middle process dies; its stopped child's group is then orphaned: SIGHUP, then SIGCONT. */
static void orphans(void)
{
	pid_t middle = fork();

	if (!middle) {
		pid_t c = fork();
		if (!c) {
			signal(SIGHUP, on_hup);
			signal(SIGCONT, on_cont);
			setpgid(0, 0);
			say('i');
			raise(SIGSTOP);
			nap(0.02);
			say(got_hup && got_cont ? 'b' : got_hup ? 'h' : got_cont ? 'c' : 'n');
			_exit(0);
		}
		int s;
		waitpid(c, &s, WUNTRACED);
		_exit(0);
	}
	check("the child is there", hear() == 'i');
	waitpid(middle, NULL, 0);
	check("an orphaned stopped group gets SIGHUP and SIGCONT", hear() == 'b');
	/* A running one gets nothing. */
	middle = fork();
	if (!middle) {
		if (!fork()) {
			signal(SIGHUP, on_hup);
			setpgid(0, 0);
			say('i');
			nap(0.2);
			say(got_hup ? 'h' : 'n');
			_exit(0);
		}
		nap(0.1);
		_exit(0);
	}
	hear();
	waitpid(middle, NULL, 0);
	check("a running one gets nothing", hear() == 'n');
	/* In an orphaned group the terminal's stops do not stop. */
	middle = fork();
	if (!middle) {
		if (!fork()) {
			setsid();
			raise(SIGTSTP);
			raise(SIGTTIN);
			raise(SIGTTOU);
			say('r');
			_exit(0);
		}
		_exit(0);
	}
	waitpid(middle, NULL, 0);
	check("SIGTSTP does not stop an orphaned group", hear() == 'r');
}

static void stops(void)
{
	int s;
	pid_t p = fork();

	if (!p) {
		setpgid(0, 0); /* a group that is not orphaned */
		for (;;)
			pause();
	}
	setpgid(p, p);
	kill(p, SIGTSTP);
	check("SIGTSTP stops",
	      waitpid(p, &s, WUNTRACED) == p && WIFSTOPPED(s) && WSTOPSIG(s) == SIGTSTP);
	kill(p, SIGTERM);
	nap(0.05);
	check("a stopped process does not take SIGTERM", waitpid(p, &s, WNOHANG) == 0);
	kill(p, SIGCONT);
	check("until it goes on", waitpid(p, &s, 0) == p && killed(s, SIGTERM));
	p = fork();
	if (!p) {
		signal(SIGCONT, on_cont);
		sigset_t set;
		sigemptyset(&set);
		sigaddset(&set, SIGCONT);
		sigprocmask(SIG_BLOCK, &set, NULL);
		raise(SIGSTOP);
		_exit(got_cont);
	}
	waitpid(p, &s, WUNTRACED);
	kill(p, SIGCONT);
	check("a blocked SIGCONT continues", waitpid(p, &s, 0) == p && exited(s, 0));
	p = fork();
	if (!p) {
		sigset_t set;
		sigemptyset(&set);
		sigaddset(&set, SIGTSTP);
		sigprocmask(SIG_BLOCK, &set, NULL);
		kill(getpid(), SIGTSTP);
		kill(getpid(), SIGCONT);
		sigpending(&set);
		_exit(sigismember(&set, SIGTSTP));
	}
	waitpid(p, &s, 0);
	check("SIGCONT discards pending stops", exited(s, 0));
	p = fork();
	if (!p) {
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(p, &s, WUNTRACED);
	kill(p, SIGKILL);
	check("SIGKILL takes a stopped process", waitpid(p, &s, 0) == p && killed(s, SIGKILL));
}

/* A real terminal, only in the guest: this host gives a test none. */
static void terminal(void)
{
	setsid();
	int fd = open("/dev/tty5", O_RDWR);
	if (fd < 0)
		_exit(77);
	pid_t me = getpid(), sid = 0;
	int pg = 0;
	if (ioctl(fd, TIOCSCTTY, 0) && errno != EPERM)
		_exit(1);
	if (ioctl(fd, TIOCGSID, &sid) || sid != me)
		_exit(2);
	if (ioctl(fd, TIOCGPGRP, &pg) || pg != me)
		_exit(3);
	int t = open("/dev/tty", O_RDWR);
	if (t < 0)
		_exit(4);
	pid_t p = fork();
	if (!p) {
		char c;
		setpgid(0, 0);
		read(t, &c, 1); /* from the background: SIGTTIN */
		_exit(0);
	}
	int s;
	if (waitpid(p, &s, WUNTRACED) != p || !WIFSTOPPED(s) || WSTOPSIG(s) != SIGTTIN)
		_exit(5);
	kill(p, SIGKILL);
	waitpid(p, &s, 0);
	p = fork();
	if (!p) {
		setpgid(0, 0);
		int mine = getpid();
		ioctl(t, TIOCSPGRP, &mine); /* SIGTTOU */
		_exit(0);
	}
	if (waitpid(p, &s, WUNTRACED) != p || !WIFSTOPPED(s) || WSTOPSIG(s) != SIGTTOU)
		_exit(6);
	kill(p, SIGKILL);
	waitpid(p, &s, 0);
	int none = 1 << 22;
	if (ioctl(t, TIOCSPGRP, &none) != -1 || errno != ESRCH)
		_exit(7);
	struct termios io;
	struct winsize ws;
	if (tcgetattr(t, &io) || tcsetattr(t, TCSANOW, &io) || ioctl(t, TIOCGWINSZ, &ws) ||
	    !isatty(t))
		_exit(8);
	signal(SIGHUP, SIG_IGN);
	if (ioctl(t, TIOCNOTTY) || open("/dev/tty", O_RDWR) != -1 || errno != ENXIO)
		_exit(9);
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		char c;
		read(0, &c, 1);
		return 0;
	}
	pipe(to_parent);
	pipe(to_child);
	moves();
	in_child(leader);
	in_child(group_signals);
	orphans();
	stops();
	int s = geteuid() ? 77 << 8 : in_child(terminal);
	if (exited(s, 77) || exited(s, 1))
		skip("a terminal of one's own");
	else
		check("a terminal of one's own",
		      exited(s, 0) || (printf("# status %x\n", s), false));
	return 0;
}
