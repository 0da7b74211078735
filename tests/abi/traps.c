/* Exceptions as signals, single steps, FPU state over signals, forks and threads, hostile sigreturn. */
#include "abi.h"
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <ucontext.h>

static sigjmp_buf env;
static volatile sig_atomic_t got, code, steps;
static volatile uintptr_t addr, rip;
static volatile long err, trapno, cr2;

static void handler(int s, siginfo_t *i, void *u)
{
	greg_t *g = ((ucontext_t *)u)->uc_mcontext.gregs;
	got = s;
	code = i->si_code;
	addr = (uintptr_t)i->si_addr;
	err = g[REG_ERR];
	trapno = g[REG_TRAPNO];
	cr2 = g[REG_CR2];
	rip = (uintptr_t)g[REG_RIP];
	siglongjmp(env, 1);
}
static void stepper(int s, siginfo_t *i, void *u)
{
	code = i->si_code;
	if (++steps >= 5)
		((ucontext_t *)u)->uc_mcontext.gregs[REG_EFL] &= ~0x100;
}
static void spoil_fpu(int s)
{
	volatile double x = 3.25;
	x = x * 1.5;
	got = s;
	__asm__ volatile("pxor %%xmm7, %%xmm7\n\tpxor %%xmm15, %%xmm15\n\tfldz\n\tfldz" ::
				 : "xmm7", "xmm15");
}
static void catch (int s, void (*fn)(int, siginfo_t *, void *))
{
	struct sigaction a = {.sa_sigaction = fn, .sa_flags = SA_SIGINFO};
	sigemptyset(&a.sa_mask);
	sigaction(s, &a, NULL);
}
/* The statement raises this signal with this code and trap number. */
#define raises(name, sig, sicode, trap, statement)                                 \
	do {                                                                       \
		got = 0;                                                           \
		if (!sigsetjmp(env, 1)) {                                          \
			statement;                                                 \
		}                                                                  \
		check(name, got == (sig) && code == (sicode) && trapno == (trap)); \
	} while (0)

static void *sums(void *p)
{
	double s = 0, *r = malloc(sizeof(*r));
	for (int i = 0; i < 100000; i++) {
		s += (double)i * (double)(intptr_t)p;
		if (i % 5000 == 0)
			sched_yield();
	}
	*r = s;
	return r;
}
static void sigreturn_nowhere(void)
{
	signal(SIGSEGV, SIG_DFL);
	__asm__ volatile("mov $64, %%rsp\n\tmov $15, %%eax\n\tsyscall" ::: "memory");
}
static char junk[16384];
static void sigreturn_junk(void)
{
	signal(SIGSEGV, SIG_DFL);
	memset(junk, 0xcc, sizeof(junk));
	__asm__ volatile("lea 4096(%0), %%rsp\n\tmov $15, %%eax\n\tsyscall" ::"r"(junk) : "memory");
}

static void exceptions(void)
{
	static const int all[] = {SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGBUS};
	for (unsigned i = 0; i < sizeof(all) / sizeof(*all); i++)
		catch (all[i], handler);
	raises("write to page 0", SIGSEGV, SEGV_MAPERR, 14, *(volatile int *)8 = 1);
	check("its address and error code", addr == 8 && cr2 == 8 && (err & 7) == 6);
	raises("read of the kernel half", SIGSEGV, SEGV_MAPERR, 14,
	       (void)*(volatile int *)0xffffffff80200000ul);
	raises("non-canonical address", SIGSEGV, SI_KERNEL, 13,
	       (void)*(volatile int *)0x8000000000000000ul);
	raises("write to read-only data", SIGSEGV, SEGV_ACCERR, 14, *(volatile char *)"ro" = 1);
	raises("division by zero", SIGFPE, FPE_INTDIV, 0,
	       __asm__ volatile(
		       "xor %%edx, %%edx\n\txor %%ecx, %%ecx\n\tmov $1, %%eax\n\tidiv %%ecx" ::
			       : "eax", "ecx", "edx"));
	raises("undefined instruction", SIGILL, ILL_ILLOPN, 6, __asm__ volatile("ud2"));
	check("si_addr is the instruction", addr == rip);
	raises("breakpoint", SIGTRAP, SI_KERNEL, 3, __asm__ volatile("int3"));
	raises("privileged instruction", SIGSEGV, SI_KERNEL, 13, __asm__ volatile("hlt"));
	raises("interrupt gate of the kernel", SIGSEGV, SI_KERNEL, 13,
	       __asm__ volatile("int $0x21"));
	char *nx = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	nx[0] = (char)0xc3;
	raises("execution of data", SIGSEGV, SEGV_ACCERR, 14, ((void (*)(void))nx)());
	check("was an instruction fetch", err & 16);
	raises("x87 exception", SIGFPE, FPE_FLTDIV, 16, {
		unsigned short cw = 0x37b;
		__asm__ volatile("fninit\n\tfldcw %0\n\tfld1\n\tfldz\n\tfdivrp\n\tfwait" ::"m"(cw));
	});
	__asm__ volatile("fninit");
}

static void fpu(void)
{
	uint64_t v;
	unsigned short cw;
	int tid = (int)syscall(SYS_gettid);

	signal(SIGUSR1, spoil_fpu);
	__asm__ volatile(
		"movq %1, %%xmm7\n\tmovl %2, %%edi\n\tmovl $10, %%esi\n\tmovl $200, %%eax\n\t"
		"syscall\n\tmovq %%xmm7, %0"
		: "=r"(v)
		: "r"(0x4010000000000000ul), "r"(tid)
		: "rax", "rdi", "rsi", "rcx", "r11", "xmm7", "memory");
	check("SSE register over a handler", v == 0x4010000000000000ul && got == SIGUSR1);
	__asm__ volatile("fnstcw %0" : "=m"(cw));
	check("x87 control word over a handler", cw == 0x37f);
	__asm__ volatile("movq %0, %%xmm9" ::"r"(0x1234567ul) : "xmm9");
	long p = syscall(SYS_fork);
	__asm__ volatile("movq %%xmm9, %0" : "=r"(v));
	if (!p)
		_exit(v == 0x1234567ul ? 7 : 8);
	int st = 0;
	waitpid((pid_t)p, &st, 0);
	check("SSE register in a child", WIFEXITED(st) && WEXITSTATUS(st) == 7);
	pthread_t t[6];
	bool right = true;
	for (intptr_t i = 0; i < 6; i++)
		right &= !pthread_create(&t[i], NULL, sums, (void *)(i + 1));
	for (int i = 0; right && i < 6; i++) {
		void *r;
		pthread_join(t[i], &r);
		right &= *(double *)r == (i + 1) * (99999.0 * 100000 / 2);
	}
	check("floating point in six threads", right);
}

int main(void)
{
	exceptions();
	catch (SIGTRAP, stepper);
	__asm__ volatile(
		"pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\tnop\n\tnop\n\tnop\n\tnop\n\tnop\n\tnop" ::
			: "memory", "cc");
	check("single steps", steps == 5 && code == TRAP_TRACE);
	steps = 3;
	long r;
	__asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\tsyscall\n\tnop\n\tnop\n\tnop"
			 : "=a"(r)
			 : "a"(SYS_getpid)
			 : "rcx", "r11", "memory", "cc");
	check("a single step over a system call", steps == 5 && r == getpid());
	fpu();
	int st = in_child(sigreturn_nowhere);
	check("sigreturn from nowhere", WIFSIGNALED(st) && WTERMSIG(st) == SIGSEGV);
	st = in_child(sigreturn_junk);
	check("sigreturn from junk", WIFSIGNALED(st) && WTERMSIG(st) == SIGSEGV);
	return 0;
}
