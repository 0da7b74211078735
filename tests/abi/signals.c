/* Handlers, masks, siginfo, alternate stack, pending, suspend, timedwait, queueing, stop and continue. */
#include "abi.h"
#include <ucontext.h>
#include <setjmp.h>

static volatile sig_atomic_t count, last, last_code, last_pid, on_alt, order[16], nested;
static volatile uintptr_t last_addr;
static char *alt;

static void simple(int s)
{
	count++;
	last = s;
}
static void info(int s, siginfo_t *i, void *u)
{
	char here;
	count++;
	last = s;
	last_code = i->si_code;
	last_pid = i->si_pid;
	last_addr = (uintptr_t)i->si_addr;
	on_alt = &here > alt && &here < alt + 65536;
}
static void recorder(int s, siginfo_t *i, void *u)
{
	if (count < 16)
		order[count++] = i->si_value.sival_int;
}
static sigjmp_buf env;
static void jump(int s, siginfo_t *i, void *u)
{
	last_addr = (uintptr_t)i->si_addr;
	last_code = i->si_code;
	siglongjmp(env, 1);
}
static void nest(int s)
{
	if (s == SIGUSR1) {
		raise(SIGUSR2);
		nested = count; /* SIGUSR2 is in sa_mask: not yet */
	} else {
		count++;
	}
}
static void change_rax(int s, siginfo_t *i, void *u)
{
	ucontext_t *c = u;
	c->uc_mcontext.gregs[REG_RIP] += 2; /* over ud2 */
	count++;
}
static void set(int s, void (*fn)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = {.sa_sigaction = fn, .sa_flags = SA_SIGINFO | flags};
	sigaction(s, &sa, NULL);
}
static void overflow(void)
{
	volatile char big[4096];
	big[0] = 1;
	overflow();
	__asm__ volatile("" ::"m"(big));
}
static void run_off_stack(void)
{
	struct rlimit_ {
		unsigned long a, b;
	} r = {1 << 20, 1 << 20};
	signal(SIGSEGV, SIG_DFL);
	syscall(SYS_setrlimit, 3, &r);
	signal(SIGSEGV, SIG_DFL); /* the handler in force has a stack of its own */
	overflow();
}
static void abort_self(void)
{
	signal(SIGABRT, SIG_IGN);
	abort();
}

int main(void)
{
	struct sigaction sa, old;
	sigset_t s, o, pend;
	siginfo_t si;

	alt = malloc(65536);
	works("signal", (long)signal(SIGUSR1, simple));
	raise(SIGUSR1);
	check("handler ran", count == 1 && last == SIGUSR1);
	fails("sigaction: SIGKILL",
	      sigaction(SIGKILL, &(struct sigaction){.sa_handler = SIG_IGN}, NULL), EINVAL);
	fails("sigaction: SIGSTOP",
	      sigaction(SIGSTOP, &(struct sigaction){.sa_handler = simple}, NULL), EINVAL);
	fails("sigaction: no such signal", sigaction(65, NULL, &old), EINVAL);
	check("old action", !sigaction(SIGUSR1, NULL, &old) && old.sa_handler == simple);
	set(SIGUSR1, info, 0);
	kill(getpid(), SIGUSR1);
	check("siginfo of kill", last_code == SI_USER && last_pid == getpid());
	raise(SIGUSR1);
	check("siginfo of tkill", last_code == SI_TKILL);
	set(SIGUSR1, info, SA_RESETHAND);
	raise(SIGUSR1);
	check("SA_RESETHAND", !sigaction(SIGUSR1, NULL, &old) && old.sa_handler == SIG_DFL);

	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	sigaddset(&s, SIGUSR2);
	works("block", sigprocmask(SIG_BLOCK, &s, &o));
	set(SIGUSR1, info, 0);
	count = 0;
	raise(SIGUSR1);
	raise(SIGUSR1);
	check("blocked", count == 0);
	check("pending",
	      !sigpending(&pend) && sigismember(&pend, SIGUSR1) && !sigismember(&pend, SIGUSR2));
	sigprocmask(SIG_SETMASK, &o, NULL);
	check("standard signals do not queue", count == 1);
	fails("sigprocmask: bad how", sigprocmask(99, &s, NULL), EINVAL);
	fails("sigprocmask: bad size", syscall(SYS_rt_sigprocmask, SIG_BLOCK, &s, NULL, 4), EINVAL);
	check("SIGKILL cannot be blocked", ({
		      sigset_t all;
		      sigfillset(&all);
		      sigprocmask(SIG_SETMASK, &all, NULL);
		      sigprocmask(SIG_SETMASK, NULL, &all);
		      bool ok = !sigismember(&all, SIGKILL) && !sigismember(&all, SIGSTOP);
		      sigprocmask(SIG_SETMASK, &o, NULL);
		      ok;
	      }));

	int rt = SIGRTMIN + 1;
	set(rt, recorder, 0);
	sigemptyset(&s);
	sigaddset(&s, rt);
	sigprocmask(SIG_BLOCK, &s, NULL);
	count = 0;
	for (int i = 0; i < 5; i++)
		sigqueue(getpid(), rt, (union sigval){.sival_int = i * 10});
	sigprocmask(SIG_UNBLOCK, &s, NULL);
	check("real-time signals queue in order", count == 5 && order[0] == 0 && order[4] == 40);

	sa = (struct sigaction){.sa_handler = nest};
	sigemptyset(&sa.sa_mask);
	sigaddset(&sa.sa_mask, SIGUSR2);
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGUSR2, &sa, NULL);
	count = 0;
	nested = -1;
	raise(SIGUSR1);
	check("sa_mask holds back", nested == 0 && count == 1);

	stack_t ss = {.ss_sp = alt, .ss_size = 65536}, oss;
	works("sigaltstack", sigaltstack(&ss, NULL));
	check("sigaltstack reads back", !sigaltstack(NULL, &oss) && oss.ss_sp == alt &&
						oss.ss_size == 65536 && !oss.ss_flags);
	fails("sigaltstack: too small", sigaltstack(&(stack_t){.ss_sp = alt, .ss_size = 100}, NULL),
	      ENOMEM);
	fails("sigaltstack: bad flags",
	      sigaltstack(&(stack_t){.ss_sp = alt, .ss_flags = 99, .ss_size = 65536}, NULL),
	      EINVAL);
	set(SIGUSR1, info, SA_ONSTACK);
	on_alt = 0;
	raise(SIGUSR1);
	check("runs on the alternate stack", on_alt == 1);
	set(SIGUSR1, info, 0);
	raise(SIGUSR1);
	check("runs on the normal stack", on_alt == 0);

	set(SIGSEGV, jump, SA_ONSTACK);
	if (!sigsetjmp(env, 1))
		*(volatile int *)0x1234 = 1;
	check("SEGV_MAPERR with its address", last_addr == 0x1234 && last_code == SEGV_MAPERR);
	char *ro = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!sigsetjmp(env, 1))
		*(volatile char *)(ro + 5) = 1;
	check("SEGV_ACCERR with its address",
	      last_addr == (uintptr_t)ro + 5 && last_code == SEGV_ACCERR);
	if (!sigsetjmp(env, 1)) {
		void (*fn)(void) = (void (*)(void))ro;
		fn();
	}
	check("no execution of data", last_addr == (uintptr_t)ro && last_code == SEGV_ACCERR);
	if (!sigsetjmp(env, 1))
		*(volatile int *)0xffff888000000000ul = 1;
	check("kernel addresses", last_code == SEGV_MAPERR || last_code == SI_KERNEL);
	set(SIGFPE, jump, 0);
	if (!sigsetjmp(env, 1))
		__asm__ volatile("xorl %%edx,%%edx; movl $1,%%eax; xorl %%ecx,%%ecx; divl %%ecx" ::
					 : "eax", "ecx", "edx");
	check("FPE_INTDIV", last_code == FPE_INTDIV);
	set(SIGTRAP, jump, 0);
	if (!sigsetjmp(env, 1))
		__asm__ volatile("int3");
	check("int3 is SIGTRAP", last_code == SI_KERNEL || last_code == TRAP_BRKPT);
	set(SIGILL, change_rax, 0);
	count = 0;
	__asm__ volatile("ud2");
	check("a handler may change the context", count == 1);
	check("stack overflow kills", killed(in_child(run_off_stack), SIGSEGV));
	check("abort", killed(in_child(abort_self), SIGABRT));

	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	sigprocmask(SIG_BLOCK, &s, NULL);
	kill(getpid(), SIGUSR1);
	check("sigwaitinfo", sigwaitinfo(&s, &si) == SIGUSR1 && si.si_code == SI_USER);
	struct timespec ts = {0, 20000000};
	double t = now();
	fails("sigtimedwait times out", sigtimedwait(&s, &si, &ts), EAGAIN);
	check("after its time", now() - t >= 0.019);
	ts.tv_nsec = -1;
	fails("sigtimedwait: bad time", sigtimedwait(&s, &si, &ts), EINVAL);
	set(SIGUSR1, info, 0);
	count = 0;
	kill(getpid(), SIGUSR1);
	sigemptyset(&o);
	fails("sigsuspend", sigsuspend(&o), EINTR);
	check("sigsuspend ran the handler", count == 1);
	sigprocmask(SIG_SETMASK, NULL, &o);
	check("and restored the mask", sigismember(&o, SIGUSR1));
	sigprocmask(SIG_UNBLOCK, &s, NULL);

	works("kill with 0", kill(getpid(), 0));
	fails("kill: nobody", kill(1 << 21, 0), ESRCH);
	fails("kill: bad signal", kill(getpid(), 65), EINVAL);
	fails("tgkill: bad tid", syscall(SYS_tgkill, getpid(), -1, 0), EINVAL);
	fails("tgkill: wrong group", syscall(SYS_tgkill, 1, getpid(), 0), ESRCH);
	signal(SIGCHLD, SIG_IGN);
	pid_t p = fork();
	if (p == 0)
		_exit(0);
	fails("ignored SIGCHLD leaves no zombie", waitpid(p, NULL, 0), ECHILD);
	signal(SIGCHLD, SIG_DFL);
	set(SIGCHLD, info, SA_NOCLDSTOP);
	count = 0;
	p = fork();
	if (p == 0)
		_exit(5);
	while (waitpid(p, NULL, 0) < 0)
		;
	check("SIGCHLD with its information",
	      count == 1 && last == SIGCHLD && last_code == CLD_EXITED && last_pid == p);
	set(SIGALRM, info, 0);
	count = 0;
	check("alarm", alarm(100) == 0 && alarm(0) == 100);
	struct itimerval it = {{0, 10000}, {0, 10000}};
	setitimer(ITIMER_REAL, &it, NULL);
	while (count < 3)
		pause();
	it = (struct itimerval){0};
	setitimer(ITIMER_REAL, &it, NULL);
	check("interval timer", count >= 3);
	fails("setitimer: bad which", setitimer(9, &it, NULL), EINVAL);
	t = now();
	struct timespec req = {0, 200000000}, rem = {0, 0};
	struct itimerval once = {{0, 0}, {0, 30000}};
	setitimer(ITIMER_REAL, &once, NULL);
	fails("nanosleep is interrupted", nanosleep(&req, &rem), EINTR);
	check("and tells the rest", rem.tv_nsec > 50000000 && rem.tv_nsec < 200000000);
	return 0;
}
