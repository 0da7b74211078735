/* Credentials, process groups, sessions, limits, priorities, uname, prctl, sysinfo, times. */
#include "abi.h"
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/random.h>

static void drop(void)
{
	uid_t r, e, s;

	if (setgroups(0, NULL) || setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000))
		_exit(1);
	if (getuid() != 1000 || getegid() != 1000)
		_exit(2);
	getresuid(&r, &e, &s);
	if (r != 1000 || e != 1000 || s != 1000)
		_exit(3);
	if (setuid(0) != -1 || errno != EPERM)
		_exit(4);
	if (kill(1, 0) != -1 || errno != EPERM)
		_exit(5);
	if (open("secret", O_RDONLY) != -1 || errno != EACCES)
		_exit(6);
	if (chmod("secret", 0777) != -1 || errno != EPERM)
		_exit(7);
	if (sethostname("x", 1) != -1 || errno != EPERM)
		_exit(8);
	if (setpriority(PRIO_PROCESS, 0, -5) != -1 || errno != EACCES)
		_exit(9);
	if (chown("secret", 1000, 1000) != -1 || errno != EPERM)
		_exit(10);
	_exit(0);
}
static void seteuid_and_back(void)
{
	if (seteuid(1000) || geteuid() != 1000 || getuid() != 0)
		_exit(1);
	if (open("secret", O_RDONLY) != -1)
		_exit(2);
	if (seteuid(0) || geteuid() != 0)
		_exit(3);
}
static void sessions(void)
{
	pid_t me = getpid();

	if (setsid() != me || getsid(0) != me || getpgrp() != me)
		_exit(1);
	if (setsid() != -1 || errno != EPERM)
		_exit(2);
	if (setpgid(0, 0) != -1 || errno != EPERM)
		_exit(3);
	pid_t c = fork();
	if (c == 0) {
		nap(0.5);
		_exit(0);
	}
	if (setpgid(c, c) || getpgid(c) != c)
		_exit(4);
	if (setpgid(c, 1) != -1 || errno != EPERM)
		_exit(5);
	if (kill(-c, SIGKILL))
		_exit(6);
	int s;
	if (waitpid(-c, &s, 0) != c || !killed(s, SIGKILL))
		_exit(7);
}
static void cpu_limit(void)
{
	struct rlimit r = {1, 2};
	setrlimit(RLIMIT_CPU, &r);
	for (;;)
		;
}
static void file_limit(void)
{
	struct rlimit r = {100, 100};
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &r);
	int fd = open("limited", O_CREAT | O_WRONLY | O_TRUNC, 0644);
	char b[200] = {0};
	if (write(fd, b, 200) != 100)
		_exit(1);
	if (write(fd, b, 1) != -1 || errno != EFBIG)
		_exit(2);
	signal(SIGXFSZ, SIG_DFL);
	write(fd, b, 1);
	_exit(3);
}
static void descriptor_limit(void)
{
	struct rlimit r = {10, 10};
	setrlimit(RLIMIT_NOFILE, &r);
	int fd, n = 0;
	while ((fd = open("/dev/null", O_RDONLY)) >= 0)
		n++;
	_exit(errno == EMFILE && n <= 7 ? 0 : 1);
}
static void memory_limit(void)
{
	struct rlimit r = {64 << 20, 64 << 20};
	setrlimit(RLIMIT_AS, &r);
	_exit(mmap(NULL, 128 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
			      errno == ENOMEM
		      ? 0
		      : 1);
}

int main(void)
{
	struct utsname u;
	struct rlimit r, old;
	struct rusage ru;
	struct sysinfo si;
	struct tms tms;
	char name[32] = {0};
	unsigned char rnd[64] = {0};
	int fd = open("secret", O_CREAT | O_WRONLY | O_TRUNC, 0600);

	close(fd);
	works("uname", uname(&u));
	check("Linux, x86_64",
	      !strcmp(u.sysname, "Linux") && !strcmp(u.machine, "x86_64") && u.release[0] >= '4');
	fails("uname: bad pointer", syscall(SYS_uname, BAD_POINTER), EFAULT);
	check("sessions and groups", exited(in_child(sessions), 0));
	fails("setpgid: negative", setpgid(0, -1), EINVAL);
	fails("getpgid: nobody", getpgid(1 << 21), ESRCH);
	fails("getsid: nobody", getsid(1 << 21), ESRCH);
	if (geteuid()) {
		skip("dropped privileges stay dropped");
		skip("seteuid and back");
	} else {
		check("dropped privileges stay dropped", exited(in_child(drop), 0));
		check("seteuid and back", exited(in_child(seteuid_and_back), 0));
	}
	check("getgroups counts", getgroups(0, NULL) >= 0);
	fails("getgroups: negative", getgroups(-1, NULL), EINVAL);

	works("getrlimit", getrlimit(RLIMIT_NOFILE, &r));
	check("limits are ordered", r.rlim_cur <= r.rlim_max);
	fails("getrlimit: bad resource", syscall(SYS_getrlimit, 99, &r), EINVAL);
	old = r;
	r.rlim_cur = r.rlim_max;
	r.rlim_max = r.rlim_cur - 1;
	fails("setrlimit: soft above hard", setrlimit(RLIMIT_NOFILE, &r), EINVAL);
	works("prlimit64", syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &r));
	check("prlimit64 agrees", r.rlim_cur == old.rlim_cur);
	check("RLIMIT_FSIZE", killed(in_child(file_limit), SIGXFSZ));
	check("RLIMIT_NOFILE", exited(in_child(descriptor_limit), 0));
	check("RLIMIT_AS", exited(in_child(memory_limit), 0));
	check("RLIMIT_CPU", killed(in_child(cpu_limit), SIGXCPU));

	int nice = (errno = 0, getpriority(PRIO_PROCESS, 0));
	check("getpriority", !errno && nice >= -20 && nice < 14);
	works("five nicer", setpriority(PRIO_PROCESS, 0, nice + 5));
	check("it is so", getpriority(PRIO_PROCESS, 0) == nice + 5);
	fails("setpriority: bad which", setpriority(9, 0, 0), EINVAL);
	fails("setpriority: nobody", setpriority(PRIO_PROCESS, 1 << 21, 0), ESRCH);
	check("sched_getscheduler", syscall(SYS_sched_getscheduler, 0) == SCHED_OTHER);
	check("priority range of FIFO",
	      syscall(SYS_sched_get_priority_max, SCHED_FIFO) == 99 &&
		      syscall(SYS_sched_get_priority_min, SCHED_FIFO) == 1);
	fails("sched_get_priority_max: bad policy", syscall(SYS_sched_get_priority_max, 99),
	      EINVAL);

	works("PR_SET_NAME", prctl(PR_SET_NAME, "a-name-that-is-too-long"));
	check("PR_GET_NAME", !prctl(PR_GET_NAME, name) && !strcmp(name, "a-name-that-is-"));
	check("PR_GET_NO_NEW_PRIVS", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
	fails("prctl: bad option", prctl(99999, 0, 0, 0, 0), EINVAL);
	works("PR_SET_PDEATHSIG", prctl(PR_SET_PDEATHSIG, SIGUSR1));
	works("getrusage", getrusage(RUSAGE_SELF, &ru));
	check("some memory", ru.ru_maxrss > 0);
	works("getrusage children", getrusage(RUSAGE_CHILDREN, &ru));
	fails("getrusage: bad who", getrusage(55, &ru), EINVAL);
	works("times", times(&tms));
	works("sysinfo", sysinfo(&si));
	check("sysinfo is sane", si.totalram > si.freeram && si.procs > 0 && si.mem_unit > 0);
	check("getrandom", getrandom(rnd, 64, 0) == 64);
	check("it is random", ({
		      int n = 0;
		      for (int i = 0; i < 64; i++)
			      n += rnd[i] == 0;
		      n < 8;
	      }));
	fails("getrandom: bad flags", getrandom(rnd, 1, 0x100), EINVAL);
	fails("getrandom: bad pointer", getrandom(BAD_POINTER, 16, 0), EFAULT);
	fails("no such call", syscall(999), ENOSYS);
	return 0;
}
