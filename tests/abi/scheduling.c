/* Policies, priorities, affinity, nice: what can be set, who may, what children inherit. */
#include "abi.h"
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#ifndef SCHED_RESET_ON_FORK
#define SCHED_RESET_ON_FORK 0x40000000
#endif

/* musl's functions of these names refuse: they mean processes, the calls mean threads. */
static long setscheduler(pid_t pid, int policy, int prio)
{
	int p = prio;
	return syscall(SYS_sched_setscheduler, pid, policy, &p);
}
static long setparam(pid_t pid, int prio)
{
	return syscall(SYS_sched_setparam, pid, &prio);
}
static long getparam(pid_t pid)
{
	int p = -1;
	return syscall(SYS_sched_getparam, pid, &p) ? -1 : p;
}
static long getscheduler(pid_t pid)
{
	return syscall(SYS_sched_getscheduler, pid);
}

static void ranges(void)
{
	check("FIFO: 1 to 99",
	      sched_get_priority_min(SCHED_FIFO) == 1 && sched_get_priority_max(SCHED_FIFO) == 99);
	check("RR: 1 to 99",
	      sched_get_priority_min(SCHED_RR) == 1 && sched_get_priority_max(SCHED_RR) == 99);
	check("OTHER: 0",
	      sched_get_priority_min(SCHED_OTHER) == 0 && sched_get_priority_max(SCHED_OTHER) == 0);
	check("BATCH and IDLE: 0",
	      sched_get_priority_max(SCHED_BATCH) == 0 && sched_get_priority_max(SCHED_IDLE) == 0);
	check("DEADLINE: 0", sched_get_priority_max(6) == 0);
	fails("min: bad policy", sched_get_priority_min(77), EINVAL);
	fails("max: bad policy", sched_get_priority_max(-1), EINVAL);
	check("default policy", getscheduler(0) == SCHED_OTHER && getparam(0) == 0);
	fails("getscheduler: nobody", getscheduler(1 << 22), ESRCH);
	fails("getscheduler: negative", getscheduler(-1), EINVAL);
	fails("getparam: nobody", getparam(1 << 22), ESRCH);
	fails("getparam: no pointer", syscall(SYS_sched_getparam, 0, NULL), EINVAL);
	fails("setscheduler: no pointer", syscall(SYS_sched_setscheduler, 0, 0, NULL), EINVAL);
	fails("setscheduler: bad pointer", syscall(SYS_sched_setscheduler, 0, 0, BAD_POINTER),
	      EFAULT);
	fails("setscheduler: bad policy", setscheduler(0, 99, 0), EINVAL);
	fails("setscheduler: negative policy", setscheduler(0, -1, 0), EINVAL);
	fails("FIFO: priority 0", setscheduler(0, SCHED_FIFO, 0), EINVAL);
	fails("FIFO: priority 100", setscheduler(0, SCHED_FIFO, 100), EINVAL);
	fails("OTHER: priority 1", setscheduler(0, SCHED_OTHER, 1), EINVAL);
	fails("setscheduler: nobody", setscheduler(1 << 22, SCHED_OTHER, 0), ESRCH);
	fails("setparam: OTHER has only 0", setparam(0, 1), EINVAL);
	works("setparam 0", setparam(0, 0));
	works("BATCH", setscheduler(0, SCHED_BATCH, 0));
	check("is BATCH", getscheduler(0) == SCHED_BATCH);
	works("back to OTHER", setscheduler(0, SCHED_OTHER, 0));
	struct timespec ts = {9, 9};
	works("rr_get_interval", syscall(SYS_sched_rr_get_interval, 0, &ts));
	check("a time slice", ts.tv_sec == 0 && ts.tv_nsec < 1000000000);
	fails("rr_get_interval: nobody", syscall(SYS_sched_rr_get_interval, 1 << 22, &ts), ESRCH);
	fails("rr_get_interval: bad pointer", syscall(SYS_sched_rr_get_interval, 0, BAD_POINTER),
	      EFAULT);
}

static void *nothing(void *arg)
{
	*(long *)arg = getscheduler(0);
	return NULL;
}
static void realtime(void)
{
	struct timespec ts = {9, 9};
	int s;
	long policy = -1;
	pthread_t t;

	works("FIFO", setscheduler(0, SCHED_FIFO, 10));
	check("is FIFO 10", getscheduler(0) == SCHED_FIFO && getparam(0) == 10);
	works("setparam", setparam(0, 20));
	check("is 20", getparam(0) == 20);
	works("rr_get_interval of FIFO", syscall(SYS_sched_rr_get_interval, 0, &ts));
	check("FIFO has no slice", ts.tv_sec == 0 && ts.tv_nsec == 0);
	pid_t p = fork();
	if (!p)
		_exit(getscheduler(0) == SCHED_FIFO && getparam(0) == 20 ? 0 : 1);
	waitpid(p, &s, 0);
	check("a child inherits", exited(s, 0));
	pthread_create(&t, NULL, nothing, &policy);
	pthread_join(t, NULL);
	check("a thread inherits", policy == SCHED_FIFO);
	works("RR", setscheduler(0, SCHED_RR, 5));
	works("rr_get_interval of RR", syscall(SYS_sched_rr_get_interval, 0, &ts));
	check("RR has a slice", ts.tv_nsec > 1000000);
	works("RESET_ON_FORK", setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, 5));
	check("shows in the policy", getscheduler(0) == (SCHED_RR | SCHED_RESET_ON_FORK));
	p = fork();
	if (!p)
		_exit(getscheduler(0) == SCHED_OTHER && getparam(0) == 0 ? 0 : 1);
	waitpid(p, &s, 0);
	check("a child is normal again", exited(s, 0));
	works("sched_yield of RR", sched_yield());
	setscheduler(0, SCHED_OTHER, 0);
	check("leaving clears it", getscheduler(0) == SCHED_OTHER);
	setpriority(PRIO_PROCESS, 0, -5);
	setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, 0);
	p = fork();
	if (!p)
		_exit(getpriority(PRIO_PROCESS, 0) == 0 ? 0 : 1);
	waitpid(p, &s, 0);
	check("RESET_ON_FORK resets a negative nice", exited(s, 0));
}
/* Under FIFO on one CPU the higher runs first, and runs at once when it wakes. */
static void order(void)
{
	cpu_set_t one;
	int p[2], go[2];
	char text[8] = {0};

	sched_getaffinity(0, sizeof(one), &one);
	for (int i = 0, first = 1; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &one)) {
			if (!first)
				CPU_CLR(i, &one);
			first = 0;
		}
	sched_setaffinity(0, sizeof(one), &one);
	setscheduler(0, SCHED_FIFO, 50);
	pipe(p);
	pipe(go);
	for (int i = 0; i < 3; i++) {
		pid_t c = fork();
		if (!c) {
			char x;
			setscheduler(0, SCHED_FIFO, 10 + i * 10); /* 10, 20, 30 */
			read(go[0], &x, 1);
			write(p[1], &"abc"[i], 1);
			_exit(0);
		}
	}
	nap(0.1); /* all wait */
	write(go[1], "xxx", 3);
	while (wait(NULL) > 0)
		;
	read(p[0], text, 3);
	check("FIFO runs by priority", !strcmp(text, "cba"));
}

static void nices(void)
{
	int s;

	check("nice starts at 0", getpriority(PRIO_PROCESS, 0) == 0);
	check("nice adds", nice(3) == 3 && getpriority(PRIO_PROCESS, 0) == 3);
	works("19 is the limit", setpriority(PRIO_PROCESS, 0, 100));
	check("clamped", getpriority(PRIO_PROCESS, 0) == 19);
	pid_t p = fork();
	if (!p)
		_exit(getpriority(PRIO_PROCESS, 0) == 19 ? 0 : 1);
	waitpid(p, &s, 0);
	check("nice is inherited", exited(s, 0));
	fails("getpriority: bad which", getpriority(7, 0), EINVAL);
	fails("setpriority: bad which", setpriority(7, 0, 0), EINVAL);
	fails("getpriority: nobody", getpriority(PRIO_PROCESS, 1 << 22), ESRCH);
	fails("getpriority: no such group", getpriority(PRIO_PGRP, 1 << 22), ESRCH);
	fails("getpriority: no such user", getpriority(PRIO_USER, 54321), ESRCH);
	setpgid(0, 0);
	p = fork();
	if (!p) {
		for (;;)
			pause();
	}
	if (geteuid()) {
		skip("setpriority of a group");
		skip("the other has it too");
	} else {
		works("setpriority of a group", setpriority(PRIO_PGRP, 0, 7));
		check("the other has it too", getpriority(PRIO_PROCESS, p) == 7);
		setpriority(PRIO_PROCESS, p, 3);
	}
	check("getpriority of a group is the best",
	      getpriority(PRIO_PGRP, 0) == (geteuid() ? 19 : 3));
	kill(p, SIGKILL);
	waitpid(p, NULL, 0);
}

static void as_user(void)
{
	struct rlimit r = {0, 0};

	setrlimit(RLIMIT_NICE, &r);
	setrlimit(RLIMIT_RTPRIO, &r);
	setgroups(0, NULL);
	setresgid(1000, 1000, 1000);
	setresuid(1000, 1000, 1000);
	fails("a user: no real time", setscheduler(0, SCHED_FIFO, 1), EPERM);
	works("a user: nice up", setpriority(PRIO_PROCESS, 0, 5));
	fails("a user: nice down", setpriority(PRIO_PROCESS, 0, 4), EACCES);
	fails("a user: another's nice", setpriority(PRIO_PROCESS, 1, 5), EPERM);
	fails("a user: another's policy", setscheduler(1, SCHED_BATCH, 0), EPERM);
	works("a user: IDLE", setscheduler(0, SCHED_IDLE, 0));
	fails("a user: not out of IDLE", setscheduler(0, SCHED_OTHER, 0), EPERM);
	cpu_set_t set;
	sched_getaffinity(0, sizeof(set), &set);
	works("a user: own affinity", sched_setaffinity(0, sizeof(set), &set));
	fails("a user: another's affinity", sched_setaffinity(1, sizeof(set), &set), EPERM);
}
static void with_limits(void)
{
	struct rlimit n = {25, 25}, rt = {10, 10};

	setrlimit(RLIMIT_NICE, &n);
	setrlimit(RLIMIT_RTPRIO, &rt);
	setgroups(0, NULL);
	setresgid(1000, 1000, 1000);
	setresuid(1000, 1000, 1000);
	works("RLIMIT_NICE 25 gives -5", setpriority(PRIO_PROCESS, 0, -5));
	fails("but not -6", setpriority(PRIO_PROCESS, 0, -6), EACCES);
	works("RLIMIT_RTPRIO 10 gives 10", setscheduler(0, SCHED_RR, 10));
	fails("but not 11", setparam(0, 11), EPERM);
	works("lower", setparam(0, 2));
	setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, 2);
	fails("RESET_ON_FORK cannot be cleared", setscheduler(0, SCHED_RR, 2), EPERM);
}

static void affinity(void)
{
	cpu_set_t all, none, one;
	int s, cpu = -1;

	CPU_ZERO(&none);
	sched_getaffinity(0, sizeof(all), &all);
	fails("setaffinity: no CPU that exists", ({
		      CPU_SET(1000, &none);
		      sched_setaffinity(0, sizeof(none), &none);
	      }),
	      EINVAL);
	fails("setaffinity: bad pointer", syscall(SYS_sched_setaffinity, 0, 8, BAD_POINTER),
	      EFAULT);
	fails("setaffinity: nobody", sched_setaffinity(1 << 22, sizeof(all), &all), ESRCH);
	fails("getaffinity: bad pointer", syscall(SYS_sched_getaffinity, 0, 128, BAD_POINTER),
	      EFAULT);
	fails("getaffinity: not a multiple of a word", syscall(SYS_sched_getaffinity, 0, 9, &all),
	      EINVAL);
	check("getaffinity gives its size", syscall(SYS_sched_getaffinity, 0, 1024, &one) >= 8);
	for (int i = CPU_SETSIZE - 1; i >= 0; i--)
		if (CPU_ISSET(i, &all))
			cpu = cpu < 0 ? i : cpu;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	works("to the last CPU", sched_setaffinity(0, sizeof(one), &one));
	check("getcpu says so", sched_getcpu() == cpu);
	pid_t p = fork();
	if (!p) {
		cpu_set_t mine;
		sched_getaffinity(0, sizeof(mine), &mine);
		_exit(CPU_EQUAL(&mine, &one) && sched_getcpu() == cpu ? 0 : 1);
	}
	waitpid(p, &s, 0);
	check("a child inherits the affinity", exited(s, 0));
	sched_setaffinity(0, sizeof(all), &all);
	works("CPUs that do not exist are ignored", ({
		      one = all;
		      CPU_SET(1000, &one);
		      sched_setaffinity(0, sizeof(one), &one);
	      }));
	check("they do not show", ({
		      sched_getaffinity(0, sizeof(one), &one);
		      CPU_EQUAL(&one, &all);
	      }));
}

int main(void)
{
	ranges();
	affinity();
	in_child(nices);
	if (geteuid() || setscheduler(0, SCHED_FIFO, 1)) {
		skip("real time");
		return 0;
	}
	setscheduler(0, SCHED_OTHER, 0);
	check("real time", exited(in_child(realtime), 0));
	check("order", exited(in_child(order), 0));
	check("as a user", exited(in_child(as_user), 0));
	struct rlimit r;
	getrlimit(RLIMIT_NICE, &r);
	if (r.rlim_max < 25 && setrlimit(RLIMIT_NICE, &(struct rlimit){25, 25}))
		skip("with limits");
	else
		check("with limits", exited(in_child(with_limits), 0));
	return 0;
}
