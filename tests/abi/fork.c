/* fork, vfork, wait4, waitid, exit codes, orphans. */
#include "abi.h"

static void exit_7(void)
{
	_exit(7);
}
static void crash(void)
{
	*(volatile int *)BAD_POINTER = 1;
}
static void divide(void)
{
	int zero = 0, a = 1, d = 0;
	__asm__ volatile("idivl %2" : "+a"(a), "+d"(d) : "r"(zero));
}
static void bad_insn(void)
{
	__asm__ volatile("ud2");
}
static void privileged(void)
{
	__asm__ volatile("hlt");
}

int main(void)
{
	int status;
	siginfo_t info;

	check("exit status", exited(in_child(exit_7), 7));
	check("SIGSEGV kills", killed(in_child(crash), SIGSEGV));
	check("division kills by SIGFPE", killed(in_child(divide), SIGFPE));
	check("ud2 kills by SIGILL", killed(in_child(bad_insn), SIGILL));
	check("hlt kills by SIGSEGV", killed(in_child(privileged), SIGSEGV));

	volatile int mine = 1;
	fflush(stdout);
	pid_t p = fork();
	if (p == 0) {
		mine = 2;
		_exit(mine);
	}
	check("wait4 gives the child", wait4(p, &status, 0, NULL) == p && exited(status, 2));
	check("memory is copied", mine == 1);
	fails("no child", wait4(-1, &status, 0, NULL), ECHILD);
	fails("no such child", waitpid(1 << 21, &status, 0), ECHILD);
	fails("bad options", wait4(-1, &status, 0x1000, NULL), EINVAL);

	p = fork();
	if (p == 0) {
		pause();
		_exit(0);
	}
	check("WNOHANG with a running child", waitpid(p, &status, WNOHANG) == 0);
	kill(p, SIGTERM);
	check("waitid tells the signal", !waitid(P_PID, p, &info, WEXITED | WNOWAIT) &&
						 info.si_pid == p && info.si_code == CLD_KILLED &&
						 info.si_status == SIGTERM);
	check("WNOWAIT left it", waitpid(p, &status, 0) == p && killed(status, SIGTERM));
	fails("waitid without options", waitid(P_ALL, 0, &info, 0), EINVAL);

	p = vfork();
	if (p == 0)
		_exit(3);
	check("vfork", waitpid(p, &status, 0) == p && exited(status, 3));

	/* An orphan gets a new parent. */
	int fd[2];
	if (pipe(fd))
		return 1;
	p = fork();
	if (p == 0) {
		pid_t middle = getpid();
		if (fork() == 0) {
			while (getppid() == middle)
				nap(0.01);
			char c = 'x';
			(void)!write(fd[1], &c, 1);
			_exit(0);
		}
		_exit(0);
	}
	waitpid(p, &status, 0);
	char c = 0;
	check("orphans are reparented", read(fd[0], &c, 1) == 1 && c == 'x');

	p = fork();
	if (p == 0) {
		raise(SIGSTOP);
		nap(0.1); /* seen as continued before it is a zombie */
		_exit(9);
	}
	check("WUNTRACED", waitpid(p, &status, WUNTRACED) == p && WIFSTOPPED(status) &&
				   WSTOPSIG(status) == SIGSTOP);
	kill(p, SIGCONT);
	check("WCONTINUED", waitpid(p, &status, WCONTINUED) == p && WIFCONTINUED(status));
	check("and it ends", waitpid(p, &status, 0) == p && exited(status, 9));
	check("getppid in the child", ({
		      pid_t me = getpid();
		      p = fork();
		      if (p == 0)
			      _exit(getppid() == me ? 0 : 1);
		      waitpid(p, &status, 0);
		      exited(status, 0);
	      }));
	return 0;
}
