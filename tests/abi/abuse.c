/* What a program may try against the kernel itself, or by accident: none of it may stop the machine, hang
 * a process or get it more than its due. */
#include "abi.h"
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <ucontext.h>

/* ---- SIGCONT while a stop is under way: threads that have stopped already go on ---- */

static volatile struct {
	int counter, in_vfork, leave;
} * shared;

static void *count(void *arg)
{
	while (!shared->leave) {
		shared->counter++;
		nap(0.002);
	}
	return NULL;
}

static void stopped_in_part(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, count, NULL))
		_exit(2);
	/* Who waits for a vfork child does not stop. */
	if (vfork() == 0) {
		shared->in_vfork = 1;
		while (!shared->leave)
			nap(0.002);
		_exit(0);
	}
	pthread_join(t, NULL);
	_exit(0);
}

static bool counts_on(void)
{
	int from = shared->counter;

	for (int i = 0; i < 2000 && shared->counter <= from + 1; i++)
		nap(0.005);
	return shared->counter > from + 1;
}

static void test_partial_stop(void)
{
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t p = fork();
	if (p == 0)
		stopped_in_part();
	while (!shared->in_vfork || !shared->counter)
		nap(0.002);
	kill(p, SIGSTOP);
	nap(0.1);
	kill(p, SIGCONT);
	check("SIGCONT ends a stop that is not complete", counts_on());
	shared->leave = 1;
	int status;
	for (int i = 0; i < 1000; i++) {
		if (waitpid(p, &status, WNOHANG) == p) {
			check("and the process ends", exited(status, 0));
			return;
		}
		nap(0.005);
	}
	kill(p, SIGKILL);
	waitpid(p, &status, 0);
	check("and the process ends", false);
}

/* ---- a timer that expires faster than it can be served ---- */

static void test_fast_timer(void)
{
	struct itimerval it = {{0, 1}, {0, 1}}, off = {{0, 0}, {0, 0}};
	sigset_t set;
	int sig = 0;

	/* Blocked: a handler would be entered again and again. */
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	works("an interval of one microsecond", setitimer(ITIMER_REAL, &it, NULL));
	check("comes", sigwait(&set, &sig) == 0 && sig == SIGALRM);
	for (int i = 0; i < 2000; i++)
		(void)syscall(SYS_getppid);
	works("and can be ended", setitimer(ITIMER_REAL, &off, NULL));
	signal(SIGALRM, SIG_IGN);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	signal(SIGALRM, SIG_DFL);
}

/* ---- SYSCALL from 32-bit code ---- */

static void call32(void)
{
	/* mov $20,%eax (getpid); syscall; far jump to the code behind: mov saved(%rip),%rsp; ret. No far
	 * returns: QEMU lets them trip over SMAP. */
	static const unsigned char code[] = {0xb8, 20, 0, 0, 0, 0x0f, 0x05, 0xea};
	static const unsigned char back[] = {0x48, 0x8b, 0x25, 0xf9, 0x06, 0, 0, 0xc3};
	unsigned short cs;
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (page == MAP_FAILED)
		_exit(0);
	uint32_t there = (uint32_t)(uintptr_t)page, behind = there + 0x100;
	__asm__("mov %%cs, %0" : "=r"(cs));
	memcpy(page, code, sizeof(code));
	memcpy(page + sizeof(code), &behind, 4);
	memcpy(page + sizeof(code) + 4, &cs, 2);
	memcpy(page + 0x100, back, sizeof(back)); /* saved is at 0x800 = 0x107 + 0x6f9 */
	cs -= 16; /* SYSRET's rule: 32-bit code is two descriptors below */
	memcpy(page + 0x900, &there, 4);
	memcpy(page + 0x904, &cs, 2);
	__asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
			 "push %%rbx\n\t"
			 "push %%rbp\n\t"
			 "call 1f\n\t"
			 "jmp 2f\n"
			 "1:\tmov %%rsp, 0x800(%0)\n\t"
			 "ljmpl *0x900(%0)\n"
			 "2:\tpop %%rbp\n\t"
			 "pop %%rbx\n\t"
			 "lea 128(%%rsp), %%rsp"
			 :
			 : "D"(page)
			 : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
			   "r15", "memory", "cc");
	_exit(0);
}

static void test_call32(void)
{
	/* AMD's CPUs carry it out, Intel's do not know it. */
	int s = in_child(call32);

	check("SYSCALL in 32-bit code returns or is refused",
	      exited(s, 0) || killed(s, SIGILL) || killed(s, SIGSEGV));
}

/* ---- smaller ones ---- */

static void test_late_subreaper(void)
{
	int go[2];
	char c;

	if (pipe(go))
		return;
	pid_t p = fork();
	if (p == 0) {
		close(go[1]);
		(void)!read(go[0], &c, 1); /* end of file */
		pid_t parent = getpid();
		if (fork() == 0) {
			while (getppid() == parent)
				nap(0.002);
			_exit(7);
		}
		_exit(0);
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	close(go[1]);
	close(go[0]);
	int status = 0;
	check("a child of a subreaper ends", waitpid(p, &status, 0) == p);
	check("a child from before it was one leaves it its children",
	      waitpid(-1, &status, 0) > 0 && exited(status, 7));
	prctl(PR_SET_CHILD_SUBREAPER, 0);
}

static void test_open_files_limit(void)
{
	struct rlimit l = {RLIM_INFINITY, RLIM_INFINITY};

	fails("no limit on open files is too much", setrlimit(RLIMIT_NOFILE, &l), EPERM);
}

static int seen_flags;

static void look_at_altstack(int sig)
{
	stack_t s;

	sigaltstack(NULL, &s);
	seen_flags = s.ss_flags;
}

static void test_autodisarm(void)
{
	static char space[65536];
	stack_t s = {.ss_sp = space, .ss_size = sizeof(space), .ss_flags = (int)(1u << 31)};
	struct sigaction a = {.sa_handler = look_at_altstack};

	sigaction(SIGUSR1, &a, NULL);
	works("SS_AUTODISARM", sigaltstack(&s, NULL));
	raise(SIGUSR1);
	check("disarms for a handler on the plain stack too", seen_flags == SS_DISABLE);
	sigaltstack(NULL, &s);
	check("and is armed again behind it", s.ss_flags == (int)(1u << 31) && s.ss_sp == space);
}

/* ---- floating-point state in a signal frame: what a handler writes there holds ---- */

static uint16_t seen_control;

static void change_rounding(int sig, siginfo_t *si, void *context)
{
	uint16_t *control = (uint16_t *)((ucontext_t *)context)->uc_mcontext.fpregs;

	seen_control = *control;
	*control |= 0xc00; /* towards zero */
}

static void test_fpu_frame(void)
{
	struct sigaction a = {.sa_sigaction = change_rounding, .sa_flags = SA_SIGINFO};
	uint16_t control = 0;

	sigaction(SIGUSR2, &a, NULL);
	__asm__ volatile("fninit");
	raise(SIGUSR2);
	__asm__ volatile("fnstcw %0" : "=m"(control));
	__asm__ volatile("fninit");
	check("a frame shows the initial x87 state", seen_control == 0x37f);
	check("and a change of it is taken over", control == 0xf7f);
}

int main(void)
{
	test_fpu_frame();
	test_partial_stop();
	test_late_subreaper();
	test_open_files_limit();
	test_autodisarm();
	test_call32();
	test_fast_timer();
	return 0;
}
