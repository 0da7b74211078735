/* Threads that race: futexes, mappings against faults, fork against writers, exit and exec against
 * everything. Short, but each part goes through thousands of chances. */
#include "abi.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define THREADS 4
static pthread_t threads[16];
static _Atomic int stop;

static void spawn(int n, void *(*fn)(void *))
{
	for (long i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, fn, (void *)i))
			_exit(99);
}
static long join(int n)
{
	long bad = 0;
	for (int i = 0; i < n; i++) {
		void *r;
		pthread_join(threads[i], &r);
		bad += (long)r;
	}
	return bad;
}
static long futex(_Atomic int *w, int op, int val, long arg, _Atomic int *w2, int val3)
{
	return syscall(SYS_futex, w, op | FUTEX_PRIVATE_FLAG, val, arg, w2, val3);
}

/* --- a mutex of three states; a lost wake-up hangs here --- */
static _Atomic int lock;
static long counter;
static void *count_locked(void *arg)
{
	for (int i = 0; i < 4000; i++) {
		int c = 0;
		if (!__atomic_compare_exchange_n((int *)&lock, &c, 1, 0, __ATOMIC_ACQUIRE,
						 __ATOMIC_RELAXED)) {
			if (c != 2)
				c = atomic_exchange_explicit(&lock, 2, __ATOMIC_ACQUIRE);
			while (c) {
				futex(&lock, FUTEX_WAIT, 2, 0, NULL, 0);
				c = atomic_exchange_explicit(&lock, 2, __ATOMIC_ACQUIRE);
			}
		}
		counter++;
		if (i % 64 == 0)
			sched_yield();
		if (atomic_fetch_sub_explicit(&lock, 1, __ATOMIC_RELEASE) != 1) {
			atomic_store(&lock, 0);
			futex(&lock, FUTEX_WAKE, 1, 0, NULL, 0);
		}
	}
	return NULL;
}

/* --- a token around a ring: each step one wait and one wake --- */
static _Atomic int turn[THREADS];
static void *pass_token(void *arg)
{
	long i = (long)arg;
	for (int round = 1; round <= 300; round++) {
		while (turn[i] != round)
			futex(&turn[i], FUTEX_WAIT, turn[i] == round ? -1 : round - 1, 0, NULL, 0);
		_Atomic int *next = &turn[(i + 1) % THREADS];
		atomic_fetch_add(next, 1);
		futex(next, FUTEX_WAKE, 1, 0, NULL, 0);
	}
	return NULL;
}

/* --- broadcasts by requeue --- */
static _Atomic int gate, parked, passed, second;
static void *wait_gate(void *arg)
{
	parked++;
	while (!gate)
		futex(&gate, FUTEX_WAIT, 0, 0, NULL, 0);
	passed++;
	return NULL;
}
static bool requeue(void)
{
	spawn(12, wait_gate);
	while (parked < 12)
		sched_yield();
	nap(0.01);
	gate = 1;
	long moved = futex(&gate, FUTEX_CMP_REQUEUE, 1, 100, &second, 1);
	while (passed < 12)
		if (futex(&second, FUTEX_WAKE, 1, 0, NULL, 0) == 0)
			sched_yield();
	join(12);
	return moved >= 0;
}

/* --- mapping, faulting, unmapping; fresh memory is zero --- */
static void *map_and_fault(void *arg)
{
	long bad = 0;
	double end = now() + 0.3; /* the work takes long where CPUs outnumber the host's */
	for (int i = 0; now() < end; i++) {
		size_t pages = 1 + (i * 7 + (long)arg) % 24;
		unsigned char *p = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return (void *)1;
		for (size_t k = 0; k < pages; k++) {
			bad += p[k * 4096 + 17] != 0;
			p[k * 4096 + 17] = (unsigned char)(i + k + 1);
		}
		if (i % 3 == 0)
			mprotect(p, pages * 2048 & ~4095ul, PROT_READ);
		if (i % 4 == 0 && pages > 2)
			madvise(p + 4096, 4096, MADV_DONTNEED);
		for (size_t k = 0; k < pages; k++) {
			unsigned char want = (unsigned char)(i + k + 1);
			if (k == 1 && i % 4 == 0 && pages > 2)
				want = 0;
			bad += p[k * 4096 + 17] != want;
		}
		munmap(p, pages * 4096);
	}
	return (void *)bad;
}

/* One thread throws pages away, others write a pattern and see either it or zero. */
static volatile uint64_t *shared;
static void *write_shared(void *arg)
{
	long me = (long)arg, bad = 0;
	for (uint64_t n = 1; !stop; n++)
		for (int page = 0; page < 8; page++) {
			volatile uint64_t *w = shared + page * 512 + me;
			*w = n;
			uint64_t seen = *w;
			bad += seen != n && seen != 0;
		}
	return (void *)bad;
}

/* --- fork against writers: a child's memory is a snapshot --- */
static volatile uint64_t *first, *later;
static void *write_pairs(void *arg)
{
	for (uint64_t n = 1; !stop; n++) {
		*first = n;
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		*later = n;
	}
	return NULL;
}
static void snapshot(void)
{
	uint64_t a = *first, b = *later;
	for (int i = 0; i < 5; i++) {
		sched_yield();
		if (*first != a || *later != b)
			_exit(1); /* the parent still writes into our pages */
	}
	*first = *later = 0;
	_exit(a - b > 1 ? 2 : 0);
}
static bool forks(double seconds)
{
	bool good = true;
	for (double end = now() + seconds; now() < end;)
		good &= exited(in_child(snapshot), 0);
	return good;
}

/* --- exit_group, SIGKILL and exec with threads in all sorts of waits --- */
static int pipe_fd[2];
static void *wait_somehow(void *arg)
{
	_Atomic int zero = 0;
	char c;
	switch ((long)arg % 5) {
	case 0:
		futex(&zero, FUTEX_WAIT, 0, 0, NULL, 0);
		break;
	case 1:
		read(pipe_fd[0], &c, 1);
		break;
	case 2:
		nap(100);
		break;
	case 3:
		for (;;)
			sched_yield();
	default:
		for (;;)
			munmap(mmap(NULL, 8192, PROT_READ,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0),
			       8192);
	}
	return NULL;
}
static int ending;
static void *end_it(void *arg)
{
	char *args[] = {"stress_threads", "exit", "23", NULL};
	if (ending == 0)
		_exit(21);
	if (ending == 1)
		raise(SIGKILL);
	execv("/proc/self/exe", args);
	return NULL;
}
static void end_with_threads(void)
{
	pthread_t t;
	pipe(pipe_fd);
	spawn(6, wait_somehow);
	pthread_create(&t, NULL, end_it, NULL);
	nap(100);
}

static void on_tick(int sig)
{
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "exit"))
		return atoi(argv[2]);
	alarm(60);
	spawn(THREADS, count_locked);
	join(THREADS);
	check("a futex mutex keeps its count", counter == THREADS * 4000);
	turn[0] = 0;
	spawn(THREADS, pass_token);
	for (int round = 1; round <= 1; round++) {
		turn[0]++;
		futex(&turn[0], FUTEX_WAKE, 1, 0, NULL, 0);
	}
	join(THREADS);
	check("a token goes round by futexes", turn[0] == 301);
	check("requeue loses nobody", requeue());

	/* The same under a storm of timer signals. */
	struct sigaction sa = {.sa_handler = on_tick};
	struct itimerval storm = {{0, 1500}, {0, 1500}}, quiet = {{0, 0}, {0, 0}};
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &storm, NULL);
	counter = 0;
	spawn(THREADS, count_locked);
	join(THREADS);
	check("a futex mutex under signals", counter == THREADS * 4000);
	setitimer(ITIMER_REAL, &quiet, NULL);
	signal(SIGALRM, SIG_DFL);
	alarm(60);

	spawn(THREADS, map_and_fault);
	check("fresh memory is zero, written memory stays", join(THREADS) == 0);

	shared = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	spawn(THREADS, write_shared);
	for (double end = now() + 0.2; now() < end;)
		madvise((void *)shared, 8 * 4096, MADV_DONTNEED);
	for (double end = now() + 0.2; now() < end;) {
		mprotect((void *)shared, 8 * 4096, PROT_READ | PROT_WRITE);
		mprotect((void *)(shared + 1024), 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
	}
	stop = 1;
	check("MADV_DONTNEED and mprotect against writers", join(THREADS) == 0);

	first = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	later = first + 512;
	stop = 0;
	spawn(1, write_pairs);
	check("a forked child sees a snapshot", forks(0.4));
	stop = 1;
	join(1);

	bool good[3] = {true, true, true};
	for (int i = 0; i < 12; i++) {
		ending = i % 3;
		int status = in_child(end_with_threads);
		good[ending] &=
			ending == 1 ? killed(status, SIGKILL) : exited(status, ending ? 23 : 21);
	}
	check("exit_group with threads waiting", good[0]);
	check("SIGKILL with threads waiting", good[1]);
	check("exec with threads waiting", good[2]);
	return 0;
}
