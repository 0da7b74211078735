/* Clocks and sleeping. */
#include "abi.h"

int main(void)
{
	struct timespec a, b, t;
	struct timeval tv;

	works("clock_gettime REALTIME", clock_gettime(CLOCK_REALTIME, &a));
	check("after 2020", a.tv_sec > 1577836800);
	gettimeofday(&tv, NULL);
	check("gettimeofday agrees", tv.tv_sec - a.tv_sec <= 1 && tv.tv_sec >= a.tv_sec);
	check("time agrees", time(NULL) - a.tv_sec <= 1);
	bool monotonic = true;
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < 10000; i++) {
		clock_gettime(CLOCK_MONOTONIC, &b);
		monotonic &=
			b.tv_sec > a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec);
		a = b;
	}
	check("monotonic", monotonic);
	for (int c = 0; c < 8; c++) {
		char name[40];
		snprintf(name, sizeof(name), "clock %d reads", c);
		works(name, clock_gettime(c, &t));
		snprintf(name, sizeof(name), "clock %d has a resolution", c);
		check(name, !clock_getres(c, &t) && t.tv_sec == 0 && t.tv_nsec > 0);
	}
	fails("clock_gettime: bad clock", syscall(SYS_clock_gettime, 77, &t), EINVAL);
	fails("clock_gettime: bad pointer", syscall(SYS_clock_gettime, CLOCK_TAI, BAD_POINTER),
	      EFAULT);
	double s = now();
	t = (struct timespec){0, 1000000};
	for (int i = 0; i < 20; i++)
		nanosleep(&t, NULL);
	double d = now() - s;
	check("20 sleeps of 1 ms take at least 20 ms", d >= 0.02);
	t.tv_nsec = 1000000000;
	fails("nanosleep: bad time", nanosleep(&t, NULL), EINVAL);
	t = (struct timespec){-1, 0};
	fails("nanosleep: negative", nanosleep(&t, NULL), EINVAL);
	fails("nanosleep: bad pointer", syscall(SYS_nanosleep, BAD_POINTER, NULL), EFAULT);
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += 30000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	s = now();
	check("absolute sleep",
	      !clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) && now() - s >= 0.0299);
	check("absolute sleep in the past",
	      !clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &a, NULL));
	check("clock_nanosleep: bad clock", clock_nanosleep(77, 0, &t, NULL) == EINVAL);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
	s = now();
	volatile unsigned long x = 0;
	while (now() - s < 0.05)
		x++;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
	double used = (b.tv_sec - a.tv_sec) + (b.tv_nsec - a.tv_nsec) / 1e9;
	check("CPU time runs", used > 0.001 && used < 1);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
	nap(0.05);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
	used = (b.tv_sec - a.tv_sec) + (b.tv_nsec - a.tv_nsec) / 1e9;
	check("not while sleeping", used < 0.04);
	return 0;
}
