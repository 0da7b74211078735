/* Threads, futexes, TLS, exit_group, signals to threads, robust lists. */
#include "abi.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int counter, ready;
static __thread int tls = 5;
static volatile int signalled_tid;

static long futex(void *a, int op, unsigned v, const struct timespec *t, void *b, unsigned v3)
{
	return syscall(SYS_futex, a, op, v, t, b, v3);
}
static void *adder(void *arg)
{
	tls += (int)(long)arg;
	for (int i = 0; i < 20000; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		pthread_mutex_unlock(&mutex);
	}
	return (void *)(long)tls;
}
static void *waiter(void *arg)
{
	pthread_mutex_lock(&mutex);
	while (!ready)
		pthread_cond_wait(&cond, &mutex);
	pthread_mutex_unlock(&mutex);
	return arg;
}
static unsigned word;
static void *waker(void *arg)
{
	nap(0.05);
	__atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
	futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0);
	return NULL;
}
static void handler(int s)
{
	signalled_tid = syscall(SYS_gettid);
}
static volatile int tid;
static volatile int stop;
static void *spinner(void *arg)
{
	tid = syscall(SYS_gettid);
	while (!stop)
		nap(0.005);
	return NULL;
}
static void *exits(void *arg)
{
	nap(0.02);
	_exit(33);
}
static void group_exit(void)
{
	pthread_t t;
	pthread_create(&t, NULL, exits, NULL);
	for (;;)
		pause();
}
static void *crash(void *arg)
{
	*(volatile int *)BAD_POINTER = 1;
	return NULL;
}
static void thread_crashes(void)
{
	pthread_t t;
	pthread_create(&t, NULL, crash, NULL);
	for (;;)
		pause();
}
static void *execs(void *arg)
{
	execl("/proc/self/exe", "threads", "exec-child", (char *)NULL);
	_exit(1);
}
static void exec_from_thread(void)
{
	pthread_t t;
	pthread_create(&t, NULL, execs, NULL);
	for (;;)
		pause();
}
static sem_t sem_a, sem_b;
static void *ping(void *arg)
{
	for (int i = 0; i < 2000; i++) {
		sem_wait(&sem_a);
		sem_post(&sem_b);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t th[8];
	void *ret;

	if (argc > 1)
		return 44;
	for (long i = 0; i < 8; i++)
		pthread_create(&th[i], NULL, adder, (void *)i);
	bool tls_ok = true;
	for (long i = 0; i < 8; i++) {
		pthread_join(th[i], &ret);
		tls_ok &= (long)ret == 5 + i;
	}
	check("mutual exclusion", counter == 160000);
	check("thread-local storage", tls_ok && tls == 5);
	for (long i = 0; i < 4; i++)
		pthread_create(&th[i], NULL, waiter, (void *)i);
	nap(0.02);
	pthread_mutex_lock(&mutex);
	ready = 1;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&mutex);
	for (long i = 0; i < 4; i++)
		pthread_join(th[i], NULL);
	check("condition variable", 1);

	fails("FUTEX_WAIT: value differs", futex(&word, FUTEX_WAIT, 7, NULL, NULL, 0), EAGAIN);
	struct timespec ts = {0, 20000000};
	double t = now();
	fails("FUTEX_WAIT times out", futex(&word, FUTEX_WAIT, 0, &ts, NULL, 0), ETIMEDOUT);
	check("after its time", now() - t >= 0.019);
	ts.tv_nsec = 1000000000;
	fails("FUTEX_WAIT: bad time", futex(&word, FUTEX_WAIT, 0, &ts, NULL, 0), EINVAL);
	fails("futex: unaligned", futex((char *)&word + 1, FUTEX_WAIT, 0, NULL, NULL, 0), EINVAL);
	fails("futex: bad pointer", futex(BAD_POINTER, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT);
	fails("futex: bad operation", futex(&word, 99, 0, NULL, NULL, 0), ENOSYS);
	fails("FUTEX_WAIT_BITSET: empty set", futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0),
	      EINVAL);
	check("FUTEX_WAKE: nobody", futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0) == 0);
	pthread_create(&th[0], NULL, waker, NULL);
	while (__atomic_load_n(&word, __ATOMIC_SEQ_CST) == 0)
		futex(&word, FUTEX_WAIT, 0, NULL, NULL, 0);
	pthread_join(th[0], NULL);
	check("FUTEX_WAIT and WAKE", word == 1);

	/* Between processes, in shared memory. */
	unsigned *shared =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t p = fork();
	if (p == 0) {
		while (__atomic_load_n(shared, __ATOMIC_SEQ_CST) == 0)
			futex(shared, FUTEX_WAIT, 0, NULL, NULL, 0);
		_exit(8);
	}
	nap(0.03);
	__atomic_store_n(shared, 1, __ATOMIC_SEQ_CST);
	futex(shared, FUTEX_WAKE, 1, NULL, NULL, 0);
	int status;
	waitpid(p, &status, 0);
	check("futex between processes", exited(status, 8));

	/* Requeue: of four sleepers on one word, one wakes and three move. */
	static unsigned from, to;
	check("FUTEX_CMP_REQUEUE: value differs",
	      futex(&from, FUTEX_CMP_REQUEUE, 1, (void *)3, &to, 9) == -1 && errno == EAGAIN);
	sem_init(&sem_a, 0, 0);
	sem_init(&sem_b, 0, 0);
	pthread_create(&th[0], NULL, ping, NULL);
	for (int i = 0; i < 2000; i++) {
		sem_post(&sem_a);
		sem_wait(&sem_b);
	}
	pthread_join(th[0], NULL);
	check("semaphore ping-pong", 1);

	struct sigaction sa = {.sa_handler = handler};
	sigaction(SIGUSR1, &sa, NULL);
	pthread_create(&th[0], NULL, spinner, NULL);
	while (!tid)
		nap(0.001);
	pthread_kill(th[0], SIGUSR1);
	for (int i = 0; i < 1000 && !signalled_tid; i++)
		nap(0.001);
	check("a signal for one thread", signalled_tid == tid);
	signalled_tid = 0;
	sigset_t s;
	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &s, NULL);
	kill(getpid(), SIGUSR1);
	for (int i = 0; i < 1000 && !signalled_tid; i++)
		nap(0.001);
	check("a process signal goes to a thread that takes it", signalled_tid == tid);
	check("gettid differs", tid != getpid() && getpid() == syscall(SYS_gettid));
	stop = 1;
	pthread_join(th[0], NULL);

	check("exit_group from a thread", exited(in_child(group_exit), 33));
	check("a crash ends all threads", killed(in_child(thread_crashes), SIGSEGV));
	check("exec from a thread", exited(in_child(exec_from_thread), 44));

	cpu_set_t set;
	CPU_ZERO(&set);
	works("sched_getaffinity", sched_getaffinity(0, sizeof(set), &set));
	check("at least one CPU", CPU_COUNT(&set) >= 1 && CPU_ISSET(0, &set));
	CPU_ZERO(&set);
	fails("sched_setaffinity: empty", sched_setaffinity(0, sizeof(set), &set), EINVAL);
	CPU_SET(0, &set);
	works("sched_setaffinity", sched_setaffinity(0, sizeof(set), &set));
	check("runs there", sched_getcpu() == 0);
	works("sched_yield", sched_yield());
	fails("sched_getaffinity: no such thread", sched_getaffinity(1 << 21, sizeof(set), &set),
	      ESRCH);
	return 0;
}
