/* The three interval timers, alarm, accounts of time, and the sleeping calls' corners. */
#include "abi.h"
#include <pthread.h>
#include <sys/resource.h>
#include <sys/times.h>

static volatile sig_atomic_t count;
static void on_signal(int sig)
{
	count++;
}
static void catch (int sig)
{
	struct sigaction sa = {.sa_handler = on_signal};
	sigaction(sig, &sa, NULL);
}
static struct itimerval ms(long first, long then)
{
	return (struct itimerval){{then / 1000, then % 1000 * 1000},
				  {first / 1000, first % 1000 * 1000}};
}
static double tv(struct timeval t)
{
	return t.tv_sec + t.tv_usec / 1e6;
}
static double spent(int who)
{
	struct rusage r;
	getrusage(who, &r);
	return tv(r.ru_utime) + tv(r.ru_stime);
}
static void spin(double seconds)
{
	double end = spent(RUSAGE_SELF) + seconds;
	while (spent(RUSAGE_SELF) < end)
		;
}

static void real(void)
{
	struct itimerval it = ms(50, 0), old;
	double t = now();

	catch (SIGALRM);
	check("alarm: none before", alarm(100) == 0);
	check("alarm tells what was left", alarm(0) >= 99);
	count = 0;
	works("ITIMER_REAL", setitimer(ITIMER_REAL, &it, NULL));
	while (!count)
		pause();
	check("not before its time", now() - t >= 0.05);
	check("it is off again", !getitimer(ITIMER_REAL, &old) && !tv(old.it_value));
	it = ms(10, 10);
	count = 0;
	setitimer(ITIMER_REAL, &it, NULL);
	while (count < 5)
		nap(0.01);
	works("getitimer", getitimer(ITIMER_REAL, &old));
	check("interval and rest", tv(old.it_interval) > 0.0099 && tv(old.it_interval) < 0.0101 &&
					   tv(old.it_value) <= 0.0101);
	it = ms(0, 10);
	works("value 0 stops it", setitimer(ITIMER_REAL, &it, &old));
	count = 0;
	nap(0.05);
	check("stopped", !count);
	it = ms(100000, 0);
	setitimer(ITIMER_REAL, &it, NULL);
	check("alarm and ITIMER_REAL are one", alarm(0) == 100);
	pid_t p = fork();
	int s;
	setitimer(ITIMER_REAL, &it, NULL);
	if (!p)
		_exit(getitimer(ITIMER_REAL, &old) || tv(old.it_value) ? 1 : 0);
	waitpid(p, &s, 0);
	check("fork does not inherit it", ({
		      p = fork();
		      if (!p)
			      _exit(getitimer(ITIMER_REAL, &old) || tv(old.it_value));
		      waitpid(p, &s, 0);
		      exited(s, 0);
	      }));
	works("setitimer without a value", setitimer(ITIMER_REAL, NULL, &old) || 1);
	alarm(0);
	it = ms(0, 0);
	it.it_value.tv_usec = 1000000;
	fails("setitimer: bad microseconds", setitimer(ITIMER_REAL, &it, NULL), EINVAL);
	it.it_value.tv_usec = 0, it.it_value.tv_sec = -1;
	fails("setitimer: negative", setitimer(ITIMER_REAL, &it, NULL), EINVAL);
	fails("setitimer: bad which", setitimer(3, &it, NULL), EINVAL);
	fails("setitimer: bad pointer", syscall(SYS_setitimer, ITIMER_REAL, BAD_POINTER, NULL),
	      EFAULT);
	fails("getitimer: bad pointer", syscall(SYS_getitimer, ITIMER_REAL, BAD_POINTER), EFAULT);
	fails("getitimer: bad which", syscall(SYS_getitimer, 9, &it), EINVAL);
}

static void processor(void)
{
	struct itimerval it = ms(50, 0), off = ms(0, 0), old;

	catch (SIGVTALRM);
	catch (SIGPROF);
	count = 0;
	works("ITIMER_VIRTUAL", setitimer(ITIMER_VIRTUAL, &it, NULL));
	nap(0.15);
	check("sleeping does not count", !count);
	double t = spent(RUSAGE_SELF);
	while (!count)
		;
	check("computing does", spent(RUSAGE_SELF) - t >= 0.02);
	count = 0;
	it = ms(50, 0);
	works("ITIMER_PROF", setitimer(ITIMER_PROF, &it, NULL));
	nap(0.1);
	check("sleeping does not count for PROF", !count);
	while (!count)
		getppid();
	check("system time counts", count == 1);
	it = ms(10000, 0);
	setitimer(ITIMER_VIRTUAL, &it, NULL);
	setitimer(ITIMER_PROF, &it, NULL);
	check("both have a rest", !getitimer(ITIMER_VIRTUAL, &old) && tv(old.it_value) > 9 &&
					  !getitimer(ITIMER_PROF, &old) && tv(old.it_value) > 9);
	setitimer(ITIMER_VIRTUAL, &off, NULL);
	setitimer(ITIMER_PROF, &off, &old);
	check("the old rest", tv(old.it_value) > 9 && tv(old.it_value) <= 10.1);
}

static void accounts(void)
{
	struct rusage a, b;
	struct tms tms;
	struct timespec ts;
	int s;

	double before = spent(RUSAGE_SELF);
	spin(0.05);
	check("getrusage counts", spent(RUSAGE_SELF) - before >= 0.05);
	check("RUSAGE_CHILDREN is not mine", ({
		      double c = spent(RUSAGE_CHILDREN);
		      spin(0.02);
		      spent(RUSAGE_CHILDREN) == c;
	      }));
	before = spent(RUSAGE_CHILDREN);
	pid_t p = fork();
	if (!p) {
		spin(0.05);
		_exit(0);
	}
	nap(0.01);
	check("nor a running child's", spent(RUSAGE_CHILDREN) == before);
	struct rusage ru;
	wait4(p, &s, 0, &ru);
	check("wait4 tells the child's", tv(ru.ru_utime) + tv(ru.ru_stime) >= 0.05);
	check("now it counts", spent(RUSAGE_CHILDREN) - before >= 0.05);
	works("times", times(&tms));
	check("times agrees",
	      tms.tms_utime + tms.tms_stime >= 3 && tms.tms_cutime + tms.tms_cstime >= 3);
	works("RUSAGE_THREAD", getrusage(1, &a));
	check("the thread is the process here", tv(a.ru_utime) <= spent(RUSAGE_SELF));
	getrusage(RUSAGE_SELF, &a);
	char *m = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 1 << 20; i += 4096)
		m[i] = 1;
	nap(0.01);
	getrusage(RUSAGE_SELF, &b);
	check("minor faults are counted", b.ru_minflt > a.ru_minflt);
	check("voluntary switches are counted", b.ru_nvcsw > a.ru_nvcsw);
	check("the peak of memory", b.ru_maxrss >= 1024 && b.ru_maxrss >= a.ru_maxrss);
	fails("getrusage: bad who", getrusage(7, &a), EINVAL);
	fails("getrusage: bad pointer", syscall(SYS_getrusage, 0, BAD_POINTER), EFAULT);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	check("the CPU clock agrees", ts.tv_sec + ts.tv_nsec / 1e9 >= 0.07);
	struct timespec t2;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t2);
	check("and the thread's", t2.tv_sec + t2.tv_nsec / 1e9 >= 0.07);
}

static void sleeps(void)
{
	struct timespec ts = {0, 1000000000}, rem = {9, 9}, t;

	fails("nanosleep: bad nanoseconds", nanosleep(&ts, NULL), EINVAL);
	ts = (struct timespec){-1, 0};
	fails("nanosleep: negative", nanosleep(&ts, NULL), EINVAL);
	fails("nanosleep: bad pointer", syscall(SYS_nanosleep, BAD_POINTER, NULL), EFAULT);
	ts = (struct timespec){0, 0};
	works("nanosleep: nothing", nanosleep(&ts, NULL));
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += 30000000;
	if (t.tv_nsec >= 1000000000)
		t.tv_sec++, t.tv_nsec -= 1000000000;
	check("absolute sleep", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == 0);
	struct timespec n;
	clock_gettime(CLOCK_MONOTONIC, &n);
	check("until then",
	      n.tv_sec > t.tv_sec || (n.tv_sec == t.tv_sec && n.tv_nsec >= t.tv_nsec));
	t.tv_sec = 1;
	check("in the past", clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL) == 0);
	t = (struct timespec){0, 1};
	check("bad clock", clock_nanosleep(99, 0, &t, NULL) == EINVAL);
	check("thread clock",
	      syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &t, NULL) == -1 &&
		      errno == EOPNOTSUPP);
	struct itimerval it = ms(20, 0);
	catch (SIGALRM);
	setitimer(ITIMER_REAL, &it, NULL);
	t = (struct timespec){100, 0};
	check("absolute sleep gives no rest", ({
		      clock_gettime(CLOCK_MONOTONIC, &t);
		      t.tv_sec += 100;
		      clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, &rem) ==
			      EINTR &&rem.tv_sec == 9;
	      }));
	setitimer(ITIMER_REAL, &it, NULL);
	t = (struct timespec){100, 0};
	check("relative sleep does",
	      clock_nanosleep(CLOCK_BOOTTIME, 0, &t, &rem) == EINTR && rem.tv_sec == 99);
	/* An ignored signal does not end a sleep; a handled one with SA_RESTART does. */
	signal(SIGUSR1, SIG_IGN);
	pid_t me = getpid(), p = fork();
	if (!p) {
		nap(0.05);
		kill(me, SIGUSR1);
		_exit(0);
	}
	t = (struct timespec){0, 150000000};
	double at = now();
	check("an ignored signal does not wake", nanosleep(&t, NULL) == 0 && now() - at >= 0.15);
	waitpid(p, NULL, 0);
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	t = (struct timespec){100, 0};
	fails("SA_RESTART does not restart a sleep", nanosleep(&t, &rem), EINTR);
	/* Stopped and continued, a sleep goes on. */
	p = fork();
	if (!p) {
		t = (struct timespec){0, 200000000};
		at = now();
		_exit(nanosleep(&t, NULL) == 0 && now() - at >= 0.2 ? 0 : 1);
	}
	int s;
	nap(0.05);
	kill(p, SIGSTOP);
	waitpid(p, &s, WUNTRACED);
	kill(p, SIGCONT);
	waitpid(p, &s, 0);
	check("a stop does not end a sleep", exited(s, 0));
	fails("pause ends with EINTR", ({
		      setitimer(ITIMER_REAL, &it, NULL);
		      pause();
	      }),
	      EINTR);
	fails("settimeofday: bad microseconds", ({
		      struct timeval v = {0, 1000000};
		      syscall(SYS_settimeofday, &v, NULL);
	      }),
	      EINVAL);
	fails("clock_settime: monotonic", clock_settime(CLOCK_MONOTONIC, &ts), EINVAL);
	fails("clock_settime: bad clock", syscall(SYS_clock_settime, 77, &ts), EINVAL);
}

int main(void)
{
	real();
	processor();
	accounts();
	sleeps();
	return 0;
}
