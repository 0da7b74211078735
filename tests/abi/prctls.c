/* prctl, arch_prctl, personality, and small calls: hostname, getrandom, getcpu, sysinfo, times, syslog,
 * reboot's refusals. */
#include "abi.h"
#include <grp.h>
#include <pthread.h>
#include <linux/futex.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <asm/prctl.h>

static volatile sig_atomic_t seen;
static void on_signal(int sig)
{
	seen = sig;
}

static void names(void)
{
	char name[17] = {0}, comm[20] = {0};

	works("PR_SET_NAME", prctl(PR_SET_NAME, "short"));
	works("PR_GET_NAME", prctl(PR_GET_NAME, name));
	check("the name", !strcmp(name, "short"));
	prctl(PR_SET_NAME, "a name of more than sixteen bytes");
	prctl(PR_GET_NAME, name);
	check("is cut to 15", !strcmp(name, "a name of more "));
	int fd = open("/proc/self/comm", O_RDWR);
	check("/proc/self/comm reads",
	      read(fd, comm, sizeof(comm)) == 16 && !strcmp(comm, "a name of more \n"));
	check("/proc/self/comm writes", write(fd, "written", 7) == 7 && !prctl(PR_GET_NAME, name) &&
						!strcmp(name, "written"));
	close(fd);
	fails("PR_SET_NAME: bad pointer", prctl(PR_SET_NAME, BAD_POINTER), EFAULT);
	fails("PR_GET_NAME: bad pointer", prctl(PR_GET_NAME, BAD_POINTER), EFAULT);
	fails("prctl: unknown", prctl(12345, 0, 0, 0, 0), EINVAL);
}

static void settings(void)
{
	int v = 7;

	check("PR_GET_DUMPABLE", prctl(PR_GET_DUMPABLE) == 1);
	works("PR_SET_DUMPABLE", prctl(PR_SET_DUMPABLE, 0));
	check("not dumpable", prctl(PR_GET_DUMPABLE) == 0);
	fails("PR_SET_DUMPABLE: bad", prctl(PR_SET_DUMPABLE, 2), EINVAL);
	prctl(PR_SET_DUMPABLE, 1);
	works("PR_GET_PDEATHSIG", prctl(PR_GET_PDEATHSIG, &v));
	check("none", v == 0);
	fails("PR_SET_PDEATHSIG: bad", prctl(PR_SET_PDEATHSIG, 65), EINVAL);
	check("PR_GET_NO_NEW_PRIVS", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
	fails("PR_SET_NO_NEW_PRIVS: bad", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
	fails("PR_SET_NO_NEW_PRIVS: extra", prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0), EINVAL);
	check("timer slack", prctl(PR_GET_TIMERSLACK) == 50000);
	works("PR_SET_TIMERSLACK", prctl(PR_SET_TIMERSLACK, 12345));
	check("is set", prctl(PR_GET_TIMERSLACK) == 12345);
	prctl(PR_SET_TIMERSLACK, 0);
	check("0 is the default", prctl(PR_GET_TIMERSLACK) == 50000);
	works("PR_SET_CHILD_SUBREAPER", prctl(PR_SET_CHILD_SUBREAPER, 1));
	works("PR_GET_CHILD_SUBREAPER", prctl(PR_GET_CHILD_SUBREAPER, &v));
	check("subreaper", v == 1);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	check("PR_GET_TIMING", prctl(PR_GET_TIMING) == PR_TIMING_STATISTICAL);
	fails("PR_SET_TIMING: bad", prctl(PR_SET_TIMING, 1), EINVAL);
	works("PR_GET_TSC", prctl(PR_GET_TSC, &v));
	check("the TSC may be read", v == PR_TSC_ENABLE);
	check("PR_GET_SECCOMP", prctl(PR_GET_SECCOMP) == 0);
	if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) && errno == EINVAL) /* without huge pages */
		skip("PR_GET_THP_DISABLE");
	else
		check("PR_GET_THP_DISABLE", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1);
	prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
	int *tid = NULL, mine;
	pid_t me = syscall(SYS_set_tid_address, &mine);
	check("set_tid_address gives the id", me == gettid());
	works("PR_GET_TID_ADDRESS", prctl(PR_GET_TID_ADDRESS, &tid));
	check("it is that", tid == &mine);
}
static void nnp(void)
{
	works("PR_SET_NO_NEW_PRIVS", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	pid_t p = fork();
	if (!p) {
		check("no_new_privs is inherited", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
		_exit(0);
	}
	waitpid(p, NULL, 0);
}
static void pdeath(void)
{
	int p[2], s;
	char c = 0;

	pipe(p);
	pid_t child = fork();
	if (!child) {
		int ready[2];
		pipe(ready);
		if (!fork()) {
			sigset_t set;
			siginfo_t info;
			sigemptyset(&set);
			sigaddset(&set, SIGUSR1);
			sigprocmask(SIG_BLOCK, &set, NULL);
			prctl(PR_SET_PDEATHSIG, SIGUSR1);
			write(ready[1], "x", 1);
			if (sigwaitinfo(&set, &info) == SIGUSR1)
				write(p[1], "d", 1);
			_exit(0);
		}
		read(ready[0], &c, 1);
		_exit(0);
	}
	waitpid(child, &s, 0);
	check("the parent's death sends the signal", read(p[0], &c, 1) == 1 && c == 'd');
	close(p[0]), close(p[1]);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	child = fork();
	if (!child) {
		if (!fork()) {
			nap(0.05);
			_exit(7);
		}
		_exit(0);
	}
	waitpid(child, &s, 0);
	check("a subreaper inherits orphans", wait(&s) > 0 && exited(s, 7));
	prctl(PR_SET_CHILD_SUBREAPER, 0);
}

static unsigned long fs_in_thread;
static void *thread(void *arg)
{
	syscall(SYS_arch_prctl, ARCH_GET_FS, &fs_in_thread);
	return NULL;
}
static void segments(void)
{
	unsigned long fs = 0, gs = 1, value = 0x1122334455667788, seg = 0;
	pthread_t t;

	works("ARCH_GET_FS", syscall(SYS_arch_prctl, ARCH_GET_FS, &fs));
	unsigned long self;
	__asm__("mov %%fs:0, %0" : "=r"(self));
	check("it is where TLS is", fs == self);
	works("ARCH_GET_GS", syscall(SYS_arch_prctl, ARCH_GET_GS, &gs));
	check("GS is 0", gs == 0);
	works("ARCH_SET_GS", syscall(SYS_arch_prctl, ARCH_SET_GS, &value));
	__asm__("mov %%gs:0, %0" : "=r"(seg));
	check("GS reads there", seg == value);
	nap(0.01);
	seg = 0;
	__asm__("mov %%gs:0, %0" : "=r"(seg));
	check("and after a sleep", seg == value);
	pid_t p = fork();
	int s;
	if (!p) {
		__asm__("mov %%gs:0, %0" : "=r"(seg));
		_exit(seg != value);
	}
	waitpid(p, &s, 0);
	check("a child has it", exited(s, 0));
	pthread_create(&t, NULL, thread, NULL);
	pthread_join(t, NULL);
	check("a thread's FS is its own", fs_in_thread && fs_in_thread != fs);
	fails("ARCH_SET_FS: kernel address",
	      syscall(SYS_arch_prctl, ARCH_SET_FS, 0xffff800000000000), EPERM);
	fails("ARCH_SET_GS: not canonical",
	      syscall(SYS_arch_prctl, ARCH_SET_GS, 0x8000000000000000), EPERM);
	fails("ARCH_GET_FS: bad pointer", syscall(SYS_arch_prctl, ARCH_GET_FS, BAD_POINTER),
	      EFAULT);
	fails("arch_prctl: unknown", syscall(SYS_arch_prctl, 0x9999, 0), EINVAL);
	syscall(SYS_arch_prctl, ARCH_SET_GS, 0);

	check("personality is Linux", personality(0xffffffff) == PER_LINUX);
	check("personality gives the old", personality(ADDR_NO_RANDOMIZE) == PER_LINUX &&
						   personality(0xffffffff) == ADDR_NO_RANDOMIZE);
	p = fork();
	if (!p)
		_exit(personality(0xffffffff) == ADDR_NO_RANDOMIZE ? 0 : 1);
	waitpid(p, &s, 0);
	check("personality is inherited", exited(s, 0));
	personality(0);
}

static void hosts(void)
{
	struct utsname u, was;
	char longname[80];

	uname(&was);
	if (sethostname(was.nodename, strlen(was.nodename))) {
		skip("sethostname");
		return;
	}
	works("sethostname", sethostname("abi.test", 8));
	check("uname tells it", !uname(&u) && !strcmp(u.nodename, "abi.test"));
	char text[100] = {0};
	int fd = open("/proc/sys/kernel/hostname", O_RDONLY);
	check("/proc tells it", read(fd, text, 99) == 9 && !strcmp(text, "abi.test\n"));
	close(fd);
	memset(longname, 'h', sizeof(longname));
	works("64 bytes", sethostname(longname, 64));
	fails("65 bytes", sethostname(longname, 65), EINVAL);
	fails("hostname: negative", sethostname("x", -1), EINVAL);
	fails("hostname: bad pointer", sethostname(BAD_POINTER, 5), EFAULT);
	sethostname(was.nodename, strlen(was.nodename));
	works("setdomainname", setdomainname("abi.domain", 10));
	check("uname tells the domain", !uname(&u) && !strcmp(u.domainname, "abi.domain"));
	fails("domain: 65 bytes", setdomainname(longname, 65), EINVAL);
	setdomainname(was.domainname, strlen(was.domainname));
	check("uname's fields", was.version[0] == '#' && strlen(was.release) > 4);
}

static void small(void)
{
	unsigned char a[300] = {0}, b[300] = {0};
	unsigned cpu = 999, node = 999;
	struct sysinfo si;
	struct tms tms;

	check("getrandom",
	      getrandom(a, 300, 0) == 300 && getrandom(b, 300, 0) == 300 && memcmp(a, b, 300));
	check("GRND_NONBLOCK", getrandom(a, 10, GRND_NONBLOCK) == 10);
	check("GRND_RANDOM", getrandom(a, 10, GRND_RANDOM) > 0);
	check("GRND_INSECURE", getrandom(a, 10, GRND_INSECURE) == 10);
	check("getrandom: nothing", getrandom(a, 0, 0) == 0);
	fails("getrandom: bad flags", getrandom(a, 1, 0x100), EINVAL);
	fails("getrandom: both pools", getrandom(a, 1, GRND_RANDOM | GRND_INSECURE), EINVAL);
	fails("getrandom: bad pointer", getrandom(BAD_POINTER, 10, 0), EFAULT);
	works("getcpu", syscall(SYS_getcpu, &cpu, &node, NULL));
	check("a CPU and a node", cpu < 1024 && node < 64);
	works("getcpu without", syscall(SYS_getcpu, NULL, NULL, NULL));
	fails("getcpu: bad pointer", syscall(SYS_getcpu, BAD_POINTER, NULL, NULL), EFAULT);
	works("sysinfo", sysinfo(&si));
	check("sysinfo is sane", si.totalram >= si.freeram && si.mem_unit && si.procs > 0 &&
					 si.totalram * si.mem_unit > 10 << 20);
	fails("sysinfo: bad pointer", sysinfo(BAD_POINTER), EFAULT);
	check("times", times(&tms) != (clock_t)-1);
	works("times without", syscall(SYS_times, NULL));
	fails("times: bad pointer", syscall(SYS_times, BAD_POINTER), EFAULT);
	time_t t, r = syscall(SYS_time, &t);
	check("time", t == r && r > 1000000000);
	fails("time: bad pointer", syscall(SYS_time, BAD_POINTER), EFAULT);
	fails("gettimeofday: bad pointer", syscall(SYS_gettimeofday, BAD_POINTER, NULL), EFAULT);
	int tz[2] = {9, 9};
	works("time zone", syscall(SYS_gettimeofday, NULL, tz));
	check("restart_syscall alone", syscall(SYS_restart_syscall) == -1 && errno == EINTR);
	check("getpgrp is getpgid", getpgrp() == getpgid(0));
	fails("reboot: bad magic", syscall(SYS_reboot, 1, 672274793, 0x1234567, 0), EINVAL);
	fails("reboot: bad second magic", syscall(SYS_reboot, 0xfee1dead, 1, 0x1234567, 0), EINVAL);
	if (geteuid())
		skip("reboot: bad command");
	else
		fails("reboot: bad command",
		      syscall(SYS_reboot, 0xfee1dead, 672274793, 0x7777777, 0), EINVAL);
}

static void as_user(void)
{
	char buf[100];

	setgroups(0, NULL);
	setresuid(1000, 1000, 1000);
	fails("syslog: a user may not clear", syscall(SYS_syslog, 5, NULL, 0), EPERM);
	fails("syslog: nor read on", syscall(SYS_syslog, 2, buf, 100), EPERM);
	fails("syslog: nor set the level", syscall(SYS_syslog, 8, NULL, 4), EPERM);
}
static void kernel_log(void)
{
	static char buf[1 << 16];

	check("syslog: size of the buffer", syscall(SYS_syslog, 10, NULL, 0) >= 4096);
	check("syslog: reads all", syscall(SYS_syslog, 3, buf, sizeof(buf)) > 0);
	check("syslog: it begins a line", buf[0] == '<');
	fails("syslog: no buffer", syscall(SYS_syslog, 3, NULL, 10), EINVAL);
	fails("syslog: negative", syscall(SYS_syslog, 3, buf, -1), EINVAL);
	check("syslog: nothing", syscall(SYS_syslog, 3, buf, 0) == 0);
	fails("syslog: bad pointer", syscall(SYS_syslog, 3, BAD_POINTER, 60000), EFAULT);
	fails("syslog: bad level", syscall(SYS_syslog, 8, NULL, 9), EINVAL);
	fails("syslog: bad level 0", syscall(SYS_syslog, 8, NULL, 0), EINVAL);
	fails("syslog: unknown", syscall(SYS_syslog, 99, NULL, 0), EINVAL);
	check("syslog: open and close",
	      syscall(SYS_syslog, 1, NULL, 0) == 0 && syscall(SYS_syslog, 0, NULL, 0) == 0);
	check("syslog: unread", syscall(SYS_syslog, 9, NULL, 0) >= 0);
	check("syslog: as a user", exited(in_child(as_user), 0));
}

int main(void)
{
	signal(SIGUSR1, on_signal);
	names();
	settings();
	in_child(nnp);
	pdeath();
	segments();
	hosts();
	small();
	if (geteuid())
		skip("syslog");
	else
		kernel_log();
	return 0;
}
