/* Queued signals and their information, SA_* flags, alternate stacks with SS_AUTODISARM, signal masks of
 * threads, waitid and wait4 in all forms. */
#include "abi.h"
#include <pthread.h>
#include <sys/resource.h>
#include <ucontext.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif

static volatile sig_atomic_t count, order[10];
static siginfo_t last;
static void on_info(int sig, siginfo_t *si, void *uc)
{
	if (count < 10)
		order[count] = sig;
	count++;
	last = *si;
}
static void catch (int sig, int flags)
{
	struct sigaction sa = {.sa_sigaction = on_info, .sa_flags = SA_SIGINFO | flags};
	sigaction(sig, &sa, NULL);
}
static sigset_t set_of(int a, int b)
{
	sigset_t s;
	sigemptyset(&s);
	if (a)
		sigaddset(&s, a);
	if (b)
		sigaddset(&s, b);
	return s;
}

static void queues(void)
{
	siginfo_t si;
	sigset_t rt = set_of(SIGRTMIN, SIGRTMIN + 1), usr = set_of(SIGUSR1, SIGUSR2), old;
	struct timespec zero = {0, 0};

	sigprocmask(SIG_BLOCK, &rt, &old);
	sigprocmask(SIG_BLOCK, &usr, NULL);
	for (int i = 0; i < 3; i++)
		sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i});
	sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 77});
	check("the lowest comes first",
	      sigwaitinfo(&rt, &si) == SIGRTMIN && si.si_value.sival_int == 77);
	check("SI_QUEUE with the sender",
	      si.si_code == SI_QUEUE && si.si_pid == getpid() && si.si_uid == getuid());
	bool ok = true;
	for (int i = 0; i < 3; i++)
		ok &= sigtimedwait(&rt, &si, &zero) == SIGRTMIN + 1 && si.si_value.sival_int == i;
	check("then in order", ok);
	fails("then none", sigtimedwait(&rt, &si, &zero), EAGAIN);
	kill(getpid(), SIGRTMIN);
	sigqueue(getpid(), SIGUSR1, (union sigval){5});
	sigqueue(getpid(), SIGUSR1, (union sigval){6});
	check("a standard signal keeps its first value",
	      sigwaitinfo(&usr, &si) == SIGUSR1 && si.si_value.sival_int == 5);
	fails("and comes once", sigtimedwait(&usr, &si, &zero), EAGAIN);
	check("kill queues real-time signals",
	      sigwaitinfo(&rt, &si) == SIGRTMIN && si.si_code == SI_USER);
	fails("sigqueue: nobody", sigqueue(1 << 22, SIGUSR1, (union sigval){0}), ESRCH);
	fails("sigqueue: bad signal", sigqueue(getpid(), 65, (union sigval){0}), EINVAL);
	works("sigqueue 0", sigqueue(getpid(), 0, (union sigval){0}));
	memset(&si, 0, sizeof(si));
	si.si_code = SI_USER;
	pid_t p = fork();
	if (!p) {
		for (;;)
			pause();
	}
	fails("rt_sigqueueinfo: a forged code to another",
	      syscall(SYS_rt_sigqueueinfo, p, SIGUSR1, &si), EPERM);
	si.si_code = SI_TKILL;
	fails("rt_sigqueueinfo: nor SI_TKILL", syscall(SYS_rt_sigqueueinfo, p, SIGUSR1, &si),
	      EPERM);
	kill(p, SIGKILL);
	waitpid(p, NULL, 0);
	si.si_code = SI_USER;
	works("rt_sigqueueinfo: to oneself", syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &si));
	sigwaitinfo(&usr, &si);
	si.si_code = -10;
	si.si_value.sival_int = 1234;
	works("rt_tgsigqueueinfo",
	      syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGUSR2, &si));
	check("its information", sigwaitinfo(&usr, &si) == SIGUSR2 && si.si_code == -10 &&
					 si.si_value.sival_int == 1234);
	fails("rt_tgsigqueueinfo: wrong group",
	      syscall(SYS_rt_tgsigqueueinfo, 1, gettid(), SIGUSR2, &si), ESRCH);
	fails("rt_tgsigqueueinfo: bad ids", syscall(SYS_rt_tgsigqueueinfo, 0, 0, SIGUSR2, &si),
	      EINVAL);
	fails("rt_sigqueueinfo: bad pointer",
	      syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR2, BAD_POINTER), EFAULT);
	fails("sigtimedwait: bad size", syscall(SYS_rt_sigtimedwait, &usr, &si, &zero, 4), EINVAL);
	fails("sigtimedwait: bad pointer", syscall(SYS_rt_sigtimedwait, BAD_POINTER, &si, &zero, 8),
	      EFAULT);
	fails("sigpending: bad size", syscall(SYS_rt_sigpending, &usr, 100), EINVAL);
	fails("sigpending: bad pointer", syscall(SYS_rt_sigpending, BAD_POINTER, 8), EFAULT);
	fails("sigsuspend: bad size", syscall(SYS_rt_sigsuspend, &usr, 4), EINVAL);
	fails("sigsuspend: bad pointer", syscall(SYS_rt_sigsuspend, BAD_POINTER, 8), EFAULT);
	fails("sigaction: bad size", syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4), EINVAL);
	fails("sigaction: bad pointer", syscall(SYS_rt_sigaction, SIGUSR1, BAD_POINTER, NULL, 8),
	      EFAULT);
	fails("sigprocmask: bad pointer",
	      syscall(SYS_rt_sigprocmask, SIG_BLOCK, BAD_POINTER, NULL, 8), EFAULT);
	fails("tkill: bad id", syscall(SYS_tkill, -1, SIGUSR1), EINVAL);
	fails("tkill: nobody", syscall(SYS_tkill, 1 << 22, SIGUSR1), ESRCH);
	fails("kill: no such group", kill(-(1 << 22), 0), ESRCH);
	/* Several at once: the handlers nest, the last one runs first... the lowest is set up first. */
	catch (SIGRTMIN, 0), catch (SIGRTMIN + 1, 0), catch (SIGUSR1, 0);
	count = 0;
	kill(getpid(), SIGRTMIN + 1), kill(getpid(), SIGRTMIN), kill(getpid(), SIGUSR1);
	sigprocmask(SIG_SETMASK, &old, NULL);
	check("three handlers", count == 3);
	check("the highest runs first, last set up",
	      order[0] == SIGRTMIN + 1 && order[1] == SIGRTMIN && order[2] == SIGUSR1);
	usr = set_of(SIGWINCH, 0);
	sigprocmask(SIG_BLOCK, &usr, NULL);
	kill(getpid(), SIGWINCH);
	check("blocked, ignored by default: pending", ({
		      sigset_t s;
		      sigpending(&s);
		      sigismember(&s, SIGWINCH);
	      }));
	signal(SIGWINCH, SIG_IGN);
	check("SIG_IGN discards what is pending", ({
		      sigset_t s;
		      sigpending(&s);
		      !sigismember(&s, SIGWINCH);
	      }));
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static char stack[65536], stack2[65536];
static stack_t during;
static bool on_it;
static void on_stack(int sig)
{
	char here;
	on_it = &here >= stack && &here < stack + sizeof(stack);
	sigaltstack(NULL, &during);
	count++;
}
static long inside;
static void change_inside(int sig)
{
	stack_t ss = {.ss_sp = stack2, .ss_size = sizeof(stack2)};
	inside = sigaltstack(&ss, NULL) ? errno : 0;
}
static void stacks(void)
{
	stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)}, old;
	struct sigaction sa = {.sa_handler = on_stack, .sa_flags = SA_ONSTACK};

	sigaltstack(&ss, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	check("on the alternate stack", on_it);
	check("SS_ONSTACK inside", during.ss_flags == SS_ONSTACK);
	sa.sa_handler = change_inside;
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	check("no change while on it", inside == EPERM);
	ss.ss_flags = SS_AUTODISARM;
	works("SS_AUTODISARM", sigaltstack(&ss, NULL));
	sa.sa_handler = on_stack;
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	check("on it with SS_AUTODISARM", on_it);
	check("disarmed inside", during.ss_flags == SS_DISABLE && during.ss_sp == NULL);
	check("armed again after", !sigaltstack(NULL, &old) && old.ss_sp == stack &&
					   (unsigned)old.ss_flags == SS_AUTODISARM);
	sa.sa_handler = change_inside;
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	check("it can be changed inside", inside == 0);
	check("and is restored", !sigaltstack(NULL, &old) && old.ss_sp == stack);
	pid_t p = fork();
	int s;
	if (!p)
		_exit(!sigaltstack(NULL, &old) && old.ss_sp == stack ? 0 : 1);
	waitpid(p, &s, 0);
	check("fork inherits it", exited(s, 0));
	ss.ss_flags = SS_DISABLE;
	works("SS_DISABLE", sigaltstack(&ss, NULL));
	sa.sa_handler = on_stack;
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	check("on the normal stack", !on_it);
	fails("sigaltstack: bad pointer", syscall(SYS_sigaltstack, BAD_POINTER, NULL), EFAULT);
}

static void *other(void *arg)
{
	sigset_t s;
	stack_t ss;

	sigprocmask(SIG_BLOCK, NULL, &s);
	((long *)arg)[0] = sigismember(&s, SIGUSR2);
	sigaltstack(NULL, &ss);
	((long *)arg)[1] = ss.ss_flags == SS_DISABLE;
	s = set_of(SIGUSR1, 0);
	sigprocmask(SIG_UNBLOCK, &s, NULL);
	return NULL;
}
static void threads(void)
{
	pthread_t t;
	long got[2] = {0};
	sigset_t s = set_of(SIGUSR1, SIGUSR2), now_;

	sigprocmask(SIG_BLOCK, &s, NULL);
	pthread_create(&t, NULL, other, got);
	pthread_join(t, NULL);
	check("a thread inherits the mask", got[0] == 1);
	check("but no alternate stack", got[1]);
	sigprocmask(SIG_BLOCK, NULL, &now_);
	check("the masks are separate", sigismember(&now_, SIGUSR1) == 1);
	sigprocmask(SIG_UNBLOCK, &s, NULL);
	/* A signal to a thread stays the thread's. */
	catch (SIGUSR1, SA_NODEFER);
	count = 0;
	syscall(SYS_tkill, gettid(), SIGUSR1);
	check("tkill tells itself", count == 1 && last.si_code == SI_TKILL);
}

static void flags(void)
{
	struct sigaction sa = {.sa_handler = SIG_DFL}, old;
	int s, p[2];
	char c;

	catch (SIGCHLD, SA_NOCLDSTOP);
	count = 0;
	pid_t child = fork();
	if (!child) {
		raise(SIGSTOP);
		_exit(3);
	}
	waitpid(child, &s, WUNTRACED);
	check("stopped", WIFSTOPPED(s) && WSTOPSIG(s) == SIGSTOP);
	check("SA_NOCLDSTOP: no SIGCHLD for a stop", count == 0);
	kill(child, SIGCONT);
	waitpid(child, &s, 0);
	check("but for the end", count == 1 && last.si_code == CLD_EXITED && last.si_status == 3 &&
					 last.si_pid == child);
	catch (SIGCHLD, 0);
	count = 0;
	child = fork();
	if (!child) {
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(child, &s, WUNTRACED);
	check("without it a stop is told",
	      count == 1 && last.si_code == CLD_STOPPED && last.si_status == SIGSTOP);
	signal(SIGCHLD, SIG_DFL); /* being told of the continuation would interrupt the wait */
	kill(child, SIGCONT);
	waitpid(child, &s, 0);
	catch (SIGCHLD, SA_NOCLDWAIT);
	child = fork();
	if (!child)
		_exit(0);
	fails("SA_NOCLDWAIT leaves no zombie", waitpid(child, &s, 0), ECHILD);
	sigaction(SIGCHLD, &sa, NULL);
	catch (SIGUSR1, SA_RESTART);
	pipe(p);
	pid_t me = getpid();
	child = fork();
	if (!child) {
		nap(0.05);
		kill(me, SIGUSR1);
		nap(0.05);
		write(p[1], "x", 1);
		_exit(0);
	}
	count = 0;
	check("SA_RESTART restarts a read", read(p[0], &c, 1) == 1 && count == 1);
	waitpid(child, &s, 0);
	catch (SIGUSR1, 0);
	child = fork();
	if (!child) {
		nap(0.05);
		kill(me, SIGUSR1);
		nap(0.05);
		write(p[1], "x", 1);
		_exit(0);
	}
	fails("without it EINTR", read(p[0], &c, 1), EINTR);
	waitpid(child, &s, 0);
	works("sigaction reads flags", sigaction(SIGUSR1, NULL, &old));
	check("SA_SIGINFO is told", (old.sa_flags & SA_SIGINFO) && old.sa_sigaction == on_info);
	sa.sa_handler = SIG_IGN;
	fails("SIGKILL cannot be ignored", sigaction(SIGKILL, &sa, NULL), EINVAL);
	close(p[0]), close(p[1]);
}

static pid_t child_of_group(pid_t group, int code)
{
	pid_t p = fork();
	if (!p) {
		setpgid(0, group);
		_exit(code);
	}
	setpgid(p, group);
	return p;
}
static void waits(void)
{
	siginfo_t si;
	int s;
	struct rusage ru;

	pid_t a = child_of_group(0, 1), b = child_of_group(0, 2);
	memset(&si, 0, sizeof(si));
	works("waitid P_PGID", waitid(P_PGID, b, &si, WEXITED));
	check("only of that group", si.si_pid == b && si.si_status == 2 &&
					    si.si_code == CLD_EXITED && si.si_signo == SIGCHLD);
	fails("no more in that group", waitid(P_PGID, b, &si, WEXITED | WNOHANG), ECHILD);
	works("waitid P_PID WNOWAIT", waitid(P_PID, a, &si, WEXITED | WNOWAIT));
	works("again", waitid(P_PID, a, &si, WEXITED | WNOWAIT));
	check("waitpid of a group", waitpid(-a, &s, 0) == a && exited(s, 1));
	fails("P_ALL without children", waitid(P_ALL, 0, &si, WEXITED), ECHILD);
	a = child_of_group(getpgrp(), 5);
	check("waitpid 0: own group", waitpid(0, &s, 0) == a && exited(s, 5));
	a = child_of_group(getpgrp(), 6);
	works("P_PGID 0: own group", waitid(P_PGID, 0, &si, WEXITED));
	check("it is it", si.si_pid == a);
	fails("waitid: bad type", waitid(77, 0, &si, WEXITED), EINVAL);
	fails("waitid: bad options", waitid(P_ALL, 0, &si, WEXITED | 0x8000), EINVAL);
	fails("waitid: P_PID 0", waitid(P_PID, 0, &si, WEXITED), EINVAL);
	fails("wait4: the most negative", waitpid(-2147483647 - 1, &s, 0), ESRCH);
	a = fork();
	if (!a) {
		for (;;)
			pause();
	}
	si.si_pid = 99;
	works("waitid WNOHANG: nothing yet", waitid(P_PID, a, &si, WEXITED | WNOHANG));
	check("says so with pid 0", si.si_pid == 0 && si.si_signo == 0);
	kill(a, SIGSTOP);
	works("waitid WSTOPPED", waitid(P_PID, a, &si, WSTOPPED));
	check("CLD_STOPPED", si.si_code == CLD_STOPPED && si.si_status == SIGSTOP);
	works("a stop is told once", waitid(P_PID, a, &si, WSTOPPED | WNOHANG));
	check("so", si.si_pid == 0);
	kill(a, SIGCONT);
	works("waitid WCONTINUED", waitid(P_PID, a, &si, WCONTINUED));
	check("CLD_CONTINUED", si.si_code == CLD_CONTINUED && si.si_status == SIGCONT);
	kill(a, SIGKILL);
	works("waitid with usage", syscall(SYS_waitid, P_PID, a, &si, WEXITED, &ru));
	check("CLD_KILLED", si.si_code == CLD_KILLED && si.si_status == SIGKILL);
	a = fork();
	if (!a)
		_exit(0);
	fails("wait4: bad pointer", syscall(SYS_wait4, a, BAD_POINTER, 0, NULL), EFAULT);
	works("waitid without a place", ({
		      a = fork();
		      if (!a)
			      _exit(0);
		      waitid(P_PID, a, NULL, WEXITED);
	      }));
	fails("not another's child", waitpid(1, &s, 0), ECHILD);
	check("exit status is eight bits", ({
		      a = fork();
		      if (!a)
			      _exit(0x1234);
		      waitpid(a, &s, 0);
		      exited(s, 0x34);
	      }));
}

int main(void)
{
	queues();
	stacks();
	threads();
	flags();
	waits();
	return 0;
}
