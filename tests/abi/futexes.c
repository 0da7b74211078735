/* futex: requeue of several sleepers, WAKE_OP, bitsets, clocks, robust lists and the death of an owner,
 * process-shared mutexes; membarrier; rseq. */
#include "abi.h"
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

static long futex(void *a, int op, uint32_t v, const void *t, void *b, uint32_t v3)
{
	return syscall(SYS_futex, a, op, v, t, b, v3);
}
static uint32_t one, two;
static atomic_int asleep, woken;

static void *sleeper(void *bits)
{
	asleep++;
	futex(&one, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0, NULL, NULL,
	      (uint32_t)(uintptr_t)bits);
	woken++;
	return NULL;
}
static void start(pthread_t *t, int n, uintptr_t bits)
{
	asleep = woken = 0;
	for (int i = 0; i < n; i++)
		pthread_create(&t[i], NULL, sleeper, (void *)bits);
	while (asleep < n)
		nap(0.005);
	nap(0.05);
}
static void settle(int n)
{
	for (int i = 0; i < 400 && woken < n; i++)
		nap(0.005);
	nap(0.02);
}
static void finish(pthread_t *t, int n)
{
	for (int i = 0; i < n; i++)
		pthread_join(t[i], NULL);
}
#define P FUTEX_PRIVATE_FLAG

static void requeueing(void)
{
	pthread_t t[4];

	start(t, 4, ~0u);
	check("CMP_REQUEUE: one woken, two moved",
	      futex(&one, FUTEX_CMP_REQUEUE | P, 1, (void *)2, &two, 0) == 3);
	settle(1);
	check("one runs", woken == 1);
	check("one is left on the first", futex(&one, FUTEX_WAKE | P, 100, NULL, NULL, 0) == 1);
	check("two on the second", futex(&two, FUTEX_WAKE | P, 100, NULL, NULL, 0) == 2);
	finish(t, 4);
	check("all run", woken == 4);
	start(t, 4, ~0u);
	check("REQUEUE moves all", futex(&one, FUTEX_REQUEUE | P, 0, (void *)100, &two, 0) == 4);
	check("none is left on the first one",
	      futex(&one, FUTEX_WAKE | P, 100, NULL, NULL, 0) == 0);
	check("four on the second", futex(&two, FUTEX_WAKE | P, 100, NULL, NULL, 0) == 4);
	finish(t, 4);
	start(t, 4, ~0u);
	check("requeue to the same word",
	      futex(&one, FUTEX_CMP_REQUEUE | P, 1, (void *)100, &one, 0) >= 1);
	check("the rest are still there", futex(&one, FUTEX_WAKE | P, 100, NULL, NULL, 0) == 3);
	finish(t, 4);
	fails("CMP_REQUEUE: bad second word",
	      futex(&one, FUTEX_CMP_REQUEUE | P, 1, (void *)1, (char *)&two + 1, 0), EINVAL);
	fails("CMP_REQUEUE: negative", futex(&one, FUTEX_CMP_REQUEUE | P, -1, (void *)1, &two, 0),
	      EINVAL);
}

static void bitsets(void)
{
	pthread_t t[4];

	start(t, 2, 1);
	asleep = 0;
	for (int i = 2; i < 4; i++)
		pthread_create(&t[i], NULL, sleeper, (void *)2);
	while (asleep < 2)
		nap(0.005);
	nap(0.05);
	check("WAKE_BITSET: nobody with that bit",
	      futex(&one, FUTEX_WAKE_BITSET | P, 10, NULL, NULL, 4) == 0);
	check("WAKE_BITSET: two with the other",
	      futex(&one, FUTEX_WAKE_BITSET | P, 10, NULL, NULL, 2) == 2);
	settle(2);
	check("two run", woken == 2);
	check("a wake is for all bits", futex(&one, FUTEX_WAKE | P, 10, NULL, NULL, 0) == 2);
	finish(t, 4);
	fails("WAKE_BITSET: no bits", futex(&one, FUTEX_WAKE_BITSET | P, 10, NULL, NULL, 0),
	      EINVAL);
}

static void wake_op(void)
{
	pthread_t t[2];

	start(t, 2, ~0u);
	two = 5;
	check("WAKE_OP: adds, compares and wakes",
	      futex(&two, FUTEX_WAKE_OP | P, 1, (void *)1, &one,
		    FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 0)) == 1);
	check("WAKE_OP: comparison false",
	      futex(&two, FUTEX_WAKE_OP | P, 1, (void *)1, &one,
		    FUTEX_OP(FUTEX_OP_OR, 0, FUTEX_OP_CMP_NE, 0)) == 0);
	futex(&one, FUTEX_WAKE | P, 10, NULL, NULL, 0);
	finish(t, 2);
	struct {
		const char *name;
		int op, arg, result;
	} ops[] = {{"SET", FUTEX_OP_SET, 9, 9},
		   {"ADD", FUTEX_OP_ADD, 3, 8},
		   {"OR", FUTEX_OP_OR, 8, 13},
		   {"ANDN", FUTEX_OP_ANDN, 4, 1},
		   {"XOR", FUTEX_OP_XOR, 6, 3},
		   {"SET shifted", FUTEX_OP_SET | FUTEX_OP_OPARG_SHIFT, 4, 16},
		   {"ADD negative", FUTEX_OP_ADD, -1, 4}};
	for (unsigned i = 0; i < sizeof(ops) / sizeof(*ops); i++) {
		char name[40];
		two = 5;
		futex(&one, FUTEX_WAKE_OP | P, 0, (void *)0, &two,
		      FUTEX_OP(ops[i].op, ops[i].arg & 0xfff, FUTEX_OP_CMP_EQ, 0));
		snprintf(name, sizeof(name), "WAKE_OP: %s", ops[i].name);
		check(name, (int)two == ops[i].result);
	}
	fails("WAKE_OP: unknown operation",
	      futex(&one, FUTEX_WAKE_OP | P, 0, (void *)0, &two, 7u << 28), ENOSYS);
	fails("WAKE_OP: bad pointer", futex(&one, FUTEX_WAKE_OP | P, 0, (void *)0, (void *)16, 0),
	      EFAULT);
}

static void times(void)
{
	struct timespec t, past = {1, 0};

	one = 0;
	fails("absolute time in the past", futex(&one, FUTEX_WAIT_BITSET | P, 0, &past, NULL, ~0u),
	      ETIMEDOUT);
	fails("absolute real time in the past",
	      futex(&one, FUTEX_WAIT_BITSET | P | FUTEX_CLOCK_REALTIME, 0, &past, NULL, ~0u),
	      ETIMEDOUT);
	clock_gettime(CLOCK_MONOTONIC, &t);
	double end = t.tv_sec + t.tv_nsec / 1e9 + 0.05;
	t.tv_nsec += 50000000;
	if (t.tv_nsec >= 1000000000)
		t.tv_sec++, t.tv_nsec -= 1000000000;
	fails("absolute monotonic time", futex(&one, FUTEX_WAIT_BITSET | P, 0, &t, NULL, ~0u),
	      ETIMEDOUT);
	check("not before it", now() >= end - 1e-6);
	fails("bad pointer to the time", futex(&one, FUTEX_WAIT | P, 0, BAD_POINTER, NULL, 0),
	      EFAULT);
	fails("another value, and a time", futex(&one, FUTEX_WAIT | P, 1, &past, NULL, 0), EAGAIN);
	fails("CLOCK_REALTIME with WAKE",
	      futex(&one, FUTEX_WAKE | P | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0), ENOSYS);
	pthread_t th;
	start(&th, 1, ~0u);
	check("a private wake", futex(&one, FUTEX_WAKE | P, 1, NULL, NULL, 0) == 1);
	pthread_join(th, NULL);
}

static pthread_mutex_t robust;
static void *dies(void *arg)
{
	pthread_mutex_lock(&robust);
	return NULL;
}
static void owners(void)
{
	pthread_mutexattr_t a;
	pthread_t t;
	int s;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&robust, &a);
	pthread_create(&t, NULL, dies, NULL);
	pthread_join(t, NULL);
	check("the owner's end is told", pthread_mutex_lock(&robust) == EOWNERDEAD);
	check("it can be repaired",
	      pthread_mutex_consistent(&robust) == 0 && pthread_mutex_unlock(&robust) == 0);
	check("and is normal again",
	      pthread_mutex_lock(&robust) == 0 && pthread_mutex_unlock(&robust) == 0);
	struct {
		pthread_mutex_t m;
		pthread_cond_t c;
		int n;
	} *sh = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_condattr_t ca;
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&sh->m, &a);
	pid_t p = fork();
	if (!p) {
		pthread_mutex_lock(&sh->m);
		kill(getpid(), SIGKILL);
	}
	waitpid(p, &s, 0);
	check("a killed process's mutex too", pthread_mutex_lock(&sh->m) == EOWNERDEAD);
	pthread_mutex_consistent(&sh->m);
	pthread_mutex_unlock(&sh->m);
	p = fork();
	if (!p) {
		pthread_mutex_lock(&sh->m);
		sh->n = 1;
		while (sh->n == 1)
			nap(0.01);
		kill(getpid(), SIGKILL);
	}
	while (!*(volatile int *)&sh->n)
		nap(0.005);
	pid_t q = fork();
	if (!q)
		_exit(pthread_mutex_lock(&sh->m) == EOWNERDEAD ? 0 : 1);
	nap(0.05);
	*(volatile int *)&sh->n = 2;
	waitpid(q, &s, 0);
	check("a sleeper is woken by the death", exited(s, 0));
	waitpid(p, &s, 0);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_STALLED);
	pthread_mutex_init(&sh->m, &a);
	pthread_condattr_init(&ca);
	pthread_condattr_setpshared(&ca, PTHREAD_PROCESS_SHARED);
	pthread_cond_init(&sh->c, &ca);
	sh->n = 0;
	for (int i = 0; i < 3; i++) {
		if (!fork()) {
			for (int k = 0; k < 500; k++) {
				pthread_mutex_lock(&sh->m);
				sh->n++;
				pthread_cond_signal(&sh->c);
				pthread_mutex_unlock(&sh->m);
			}
			_exit(0);
		}
	}
	pthread_mutex_lock(&sh->m);
	while (sh->n < 1500)
		pthread_cond_wait(&sh->c, &sh->m);
	pthread_mutex_unlock(&sh->m);
	while (wait(NULL) > 0)
		;
	check("mutex and condition between processes", sh->n == 1500);
	void *head = NULL;
	size_t len = 0;
	works("get_robust_list", syscall(SYS_get_robust_list, 0, &head, &len));
	check("its size", len == 24);
	fails("get_robust_list: nobody", syscall(SYS_get_robust_list, 1 << 22, &head, &len), ESRCH);
	fails("get_robust_list: bad pointer", syscall(SYS_get_robust_list, 0, BAD_POINTER, &len),
	      EFAULT);
	fails("set_robust_list: bad size", syscall(SYS_set_robust_list, head, 23), EINVAL);
	/* The kernel's part by itself: a list with one entry. */
	struct entry {
		struct entry *next;
		uint32_t word;
	};
	struct {
		struct entry *first;
		long offset;
		struct entry *pending;
	} *list = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct entry *e = (void *)(list + 1), *other = e + 1;
	p = fork();
	if (!p) {
		e->next = (void *)list;
		e->word = gettid();
		other->word = gettid();
		list->first = e, list->pending = other, list->offset = offsetof(struct entry, word);
		syscall(SYS_set_robust_list, list, 24);
		_exit(0);
	}
	waitpid(p, &s, 0);
	check("FUTEX_OWNER_DIED is set", e->word == FUTEX_OWNER_DIED);
	check("and for the pending entry", other->word == FUTEX_OWNER_DIED);
}

static void barriers(void)
{
	long all = syscall(SYS_membarrier, 0, 0, 0);

	check("MEMBARRIER_CMD_QUERY", all > 0 && (all & 1) && (all & 8) && (all & 16));
	works("MEMBARRIER_CMD_GLOBAL", syscall(SYS_membarrier, 1, 0, 0));
	fails("private expedited without registration", syscall(SYS_membarrier, 8, 0, 0), EPERM);
	works("registration", syscall(SYS_membarrier, 16, 0, 0));
	works("then it works", syscall(SYS_membarrier, 8, 0, 0));
	fails("membarrier: unknown", syscall(SYS_membarrier, 1 << 30, 0, 0), EINVAL);
	fails("membarrier: flags", syscall(SYS_membarrier, 8, 9, 0), EINVAL);
	if (all & 2) {
		works("global expedited", syscall(SYS_membarrier, 4, 0, 0));
		works("GLOBAL_EXPEDITED", syscall(SYS_membarrier, 2, 0, 0));
	} else {
		skip("global expedited");
		skip("GLOBAL_EXPEDITED");
	}
}

struct area {
	uint32_t cpu_start, cpu;
	uint64_t cs;
	uint32_t flags, node, mm_cid;
	uint32_t pad;
} __attribute__((aligned(32)));
struct cs {
	uint32_t version, flags;
	uint64_t start, offset, abort;
} __attribute__((aligned(32)));
static struct area area = {.cpu = -1};
#define SIG 0x53053053

static volatile sig_atomic_t ticked;
static void tick(int sig)
{
	ticked++;
}
/* A critical section that spins until a signal comes: it leaves by its abort address. */
static int section(void)
{
	static struct cs cs;
	int aborted;

	__asm__ volatile("leaq 1f(%%rip), %%rax\n"
			 "movq %%rax, 8(%[cs])\n"
			 "leaq 3f(%%rip), %%rax\n"
			 "movq %%rax, 24(%[cs])\n"
			 "leaq 2f(%%rip), %%rax\n"
			 "leaq 1f(%%rip), %%rcx\n"
			 "subq %%rcx, %%rax\n"
			 "movq %%rax, 16(%[cs])\n"
			 "movq %[cs], %[area]\n"
			 "1: pause\n"
			 "jmp 1b\n"
			 "2: movl $0, %[out]\n"
			 "jmp 4f\n"
			 ".long 0x53053053\n"
			 "3: movl $1, %[out]\n"
			 "4:\n"
			 : [out] "=&r"(aborted), [area] "=m"(area.cs)
			 : [cs] "r"(&cs)
			 : "rax", "rcx", "memory", "cc");
	return aborted;
}
static void sequences(void)
{
	fails("rseq: bad size", syscall(SYS_rseq, &area, 16, 0, SIG), EINVAL);
	fails("rseq: unaligned", syscall(SYS_rseq, (char *)&area + 8, 32, 0, SIG), EINVAL);
	fails("rseq: bad flags", syscall(SYS_rseq, &area, 32, 8, SIG), EINVAL);
	fails("rseq: unregister what is not", syscall(SYS_rseq, &area, 32, 1, SIG), EINVAL);
	works("rseq", syscall(SYS_rseq, &area, 32, 0, SIG));
	check("the CPU is there", area.cpu < 1024 && area.cpu_start == area.cpu);
	fails("rseq: twice", syscall(SYS_rseq, &area, 32, 0, SIG), EBUSY);
	fails("rseq: other signature", syscall(SYS_rseq, &area, 32, 0, SIG + 1), EPERM);
	fails("rseq: other address", syscall(SYS_rseq, &area + 1, 32, 0, SIG), EINVAL);
	signal(SIGALRM, tick);
	struct itimerval it = {{0, 0}, {0, 20000}};
	setitimer(ITIMER_REAL, &it, NULL);
	bool aborted = true;
	while (!ticked) /* preemption aborts it as well */
		aborted &= section() == 1;
	check("a signal aborts the critical section", aborted);
	check("and the pointer is cleared", area.cs == 0);
	int s;
	pid_t p = fork();
	if (!p)
		_exit(syscall(SYS_rseq, &area, 32, 0, SIG) == -1 && errno == EBUSY ? 0 : 1);
	waitpid(p, &s, 0);
	check("a fork keeps the registration", exited(s, 0));
	works("unregister", syscall(SYS_rseq, &area, 32, 1, SIG));
	check("the CPU is gone", area.cpu == (uint32_t)-1);
	area.cs = 0;
	p = fork();
	if (!p) {
		static struct cs bad;
		syscall(SYS_rseq, &area, 32, 0, SIG);
		bad.version = 7;
		bad.start = (uintptr_t)sequences, bad.offset = 4096, bad.abort = (uintptr_t)tick;
		area.cs = (uintptr_t)&bad;
		for (;;)
			nap(0.01);
	}
	waitpid(p, &s, 0);
	check("a bad section kills", killed(s, SIGSEGV));
}

int main(void)
{
	requeueing();
	bitsets();
	wake_op();
	times();
	owners();
	barriers();
	in_child(sequences);
	return 0;
}
