/* What programs parse in /proc: stat, status, maps, cmdline, environ, auxv, limits, fd, fdinfo, mounts,
 * mountinfo, and the machine's files; process states; who may look. */
#include "abi.h"
#include <dirent.h>
#include <elf.h>
#include <grp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static char text[1 << 18];
static ssize_t slurp(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = 0, r = -1;

	text[0] = 0;
	if (fd < 0)
		return -1;
	while (n < (ssize_t)sizeof(text) - 1 && (r = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
		n += r;
	close(fd);
	text[n] = 0;
	return r < 0 ? -1 : n;
}
static long field(const char *name)
{
	char *p = strstr(text, name);
	return p ? strtol(p + strlen(name), NULL, 0) : -1;
}
/* The state letter of a process, waiting until it is wanted. */
static char state(pid_t pid, char wanted)
{
	char path[64], c = 0;
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	for (int i = 0; i < 400; i++) {
		if (slurp(path) <= 0)
			return 0;
		c = strrchr(text, ')')[2];
		if (c == wanted)
			break;
		nap(0.005);
	}
	return c;
}

static void stats(void)
{
	long f[50] = {0};
	int n = 0;

	prctl(PR_SET_NAME, "odd) name (");
	check("stat reads", slurp("/proc/self/stat") > 0);
	check("the pid", atoi(text) == getpid());
	check("the name in parentheses", strstr(text, " (odd) name () ") != NULL);
	for (char *p = strrchr(text, ')') + 3; *p && n < 50; n++)
		f[n] = strtol(p, &p, 10), p += strspn(p, " \n");
	check("52 fields", n >= 49);
	check("parent, group, session",
	      f[0] == getppid() && f[1] == getpgrp() && f[2] == getsid(0));
	check("threads", f[16] == 1);
	check("nice and priority", f[15] == 0 && f[14] == 20);
	check("size and pages", f[19] > 4096 && f[20] >= 0);
	prctl(PR_SET_NAME, "procfs");
	check("statm: seven numbers", slurp("/proc/self/statm") > 0 &&
					      sscanf(text, "%*d %*d %*d %*d %*d %*d %ld", f) == 1 &&
					      f[0] == 0);
	slurp("/proc/self/status");
	check("status: Name", !strncmp(text, "Name:\tprocfs\n", 13));
	check("status: Pid, PPid, Tgid", field("\nPid:") == getpid() &&
						 field("\nPPid:") == getppid() &&
						 field("\nTgid:") == getpid());
	check("status: State", strstr(text, "\nState:\tR (running)\n") != NULL);
	char ids[100];
	snprintf(ids, sizeof(ids), "\nUid:\t%d\t%d\t%d\t%d\n", getuid(), geteuid(), geteuid(),
		 geteuid());
	check("status: Uid", strstr(text, ids) != NULL);
	check("status: Gid", strstr(text, "\nGid:\t") != NULL);
	check("status: Groups", strstr(text, "\nGroups:") != NULL);
	check("status: VmSize, VmRSS, VmPeak", field("\nVmSize:") > 0 && field("\nVmRSS:") > 0 &&
						       field("\nVmPeak:") >= field("\nVmSize:"));
	check("status: units", strstr(text, " kB\n") != NULL);
	check("status: Threads", field("\nThreads:") == 1);
	check("status: signals",
	      strstr(text, "\nSigBlk:\t0000000000000000\n") && strstr(text, "\nSigIgn:\t") &&
		      strstr(text, "\nSigCgt:\t") && strstr(text, "\nSigPnd:\t") &&
		      strstr(text, "\nShdPnd:\t"));
	check("status: capabilities", strstr(text, "\nCapInh:\t") && strstr(text, "\nCapPrm:\t") &&
					      strstr(text, "\nCapEff:\t") &&
					      strstr(text, "\nCapBnd:\t") &&
					      strstr(text, "\nCapAmb:\t"));
	check("status: NoNewPrivs, Seccomp",
	      field("\nNoNewPrivs:") == 0 && field("\nSeccomp:") == 0);
	check("status: CPUs allowed",
	      strstr(text, "\nCpus_allowed:\t") && strstr(text, "\nCpus_allowed_list:\t"));
	check("status: switches", field("\nvoluntary_ctxt_switches:") >= 0 &&
					  field("\nnonvoluntary_ctxt_switches:") >= 0);
	check("status: FDSize, Umask", field("\nFDSize:") > 0 && strstr(text, "\nUmask:\t00"));
	signal(SIGUSR1, SIG_IGN);
	slurp("/proc/self/status");
	char *p = strstr(text, "SigIgn:\t");
	check("an ignored signal shows", p && (strtoul(p + 8, NULL, 16) & 1 << (SIGUSR1 - 1)));
	signal(SIGUSR1, SIG_DFL);
}

static void states(void)
{
	int fds[2];
	char c;

	pipe(fds);
	pid_t p = fork();
	if (!p) {
		read(fds[0], &c, 1);
		for (;;)
			;
	}
	check("S in a read", state(p, 'S') == 'S');
	write(fds[1], "x", 1);
	check("R when it computes", state(p, 'R') == 'R');
	kill(p, SIGSTOP);
	check("T when it is stopped", state(p, 'T') == 'T');
	kill(p, SIGKILL);
	check("Z when it is dead", state(p, 'Z') == 'Z');
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/cmdline", p);
	check("a zombie has no command line", slurp(path) == 0);
	waitpid(p, NULL, 0);
	snprintf(path, sizeof(path), "/proc/%d", p);
	fails("then it is gone", access(path, F_OK), ENOENT);
	fails("/proc/0", access("/proc/0", F_OK), ENOENT);
	fails("/proc/01", access("/proc/01", F_OK), ENOENT);
	close(fds[0]), close(fds[1]);
}

static void maps(void)
{
	int fd = open("mapped", O_CREAT | O_RDWR | O_TRUNC, 0644);
	unsigned long lo, hi, off, ino;
	unsigned maj, min;
	char perm[8], line[100], name[300] = {0};
	struct stat st;

	ftruncate(fd, 16384);
	fstat(fd, &st);
	char *m = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 4096);
	snprintf(line, sizeof(line), "%lx-%lx ", (long)m, (long)m + 8192);
	slurp("/proc/self/maps");
	char *p = strstr(text, line);
	check("maps: a file", p && sscanf(p, "%lx-%lx %7s %lx %x:%x %lu %299[^\n]", &lo, &hi, perm,
					  &off, &maj, &min, &ino, name) == 8);
	check("maps: its protection", !strcmp(perm, "r--s"));
	check("maps: offset and inode", off == 4096 && ino == st.st_ino);
	check("maps: its name", strlen(name) > 7 && !strcmp(name + strlen(name) - 7, "/mapped"));
	check("maps: the name in column 73", p && strchr(p, '/') - p == 73);
	check("maps: [stack]", strstr(text, " [stack]\n") != NULL);
	syscall(SYS_brk, syscall(SYS_brk, 0) + 4096);
	slurp("/proc/self/maps");
	check("maps: [heap]", strstr(text, "[heap]\n") != NULL);
	unlink("mapped");
	slurp("/proc/self/maps");
	check("maps: deleted", strstr(text, "/mapped (deleted)\n") != NULL);
	unsigned long last = 0;
	bool ordered = true;
	for (p = text; *p; p = strchr(p, '\n') + 1) {
		sscanf(p, "%lx-%lx", &lo, &hi);
		ordered &= lo >= last && hi > lo;
		last = hi;
	}
	check("maps: in order", ordered);
	check("smaps: sums",
	      slurp("/proc/self/smaps") > 0 && strstr(text, "\nRss:") && strstr(text, "\nPss:"));
	uint64_t e = 0;
	int pm = open("/proc/self/pagemap", O_RDONLY);
	if (pm < 0) {
		skip("pagemap: a page that is there");
	} else {
		char *a = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			       0);
		a[0] = 1;
		check("pagemap: a page that is there",
		      pread(pm, &e, 8, (uintptr_t)a / 4096 * 8) == 8 && e >> 63);
	}
	int mem = open("/proc/self/mem", O_RDWR), v = 5, w = 6;
	check("mem reads", pread(mem, &w, 4, (uintptr_t)&v) == 4 && w == 5);
	w = 9;
	check("mem writes", pwrite(mem, &w, 4, (uintptr_t)&v) == 4 && *(volatile int *)&v == 9);
	check("mem writes what is read-only", ({
		      char *ro = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		      pwrite(mem, "x", 1, (uintptr_t)ro) == 1 && ro[0] == 'x';
	      }));
	fails("mem: nothing there to write", pwrite(mem, &w, 4, 16), EIO);
	fails("mem: nothing there", pread(mem, &w, 4, 16), EIO);
	close(mem), close(fd);
}

static void lines(void)
{
	char path[64], target[300] = {0};
	Elf64_auxv_t *a;
	int fd = open("opened", O_CREAT | O_RDWR | O_APPEND | O_CLOEXEC, 0644);

	check("cmdline",
	      slurp("/proc/self/cmdline") > 0 && strstr(text, "procfs") && text[strlen(text)] == 0);
	pid_t p = fork();
	int s;
	if (!p) {
		execve("/proc/self/exe", (char *[]){"one", "two words", "", "x", NULL},
		       (char *[]){"VAR=value", "B=2", NULL});
		_exit(1);
	}
	waitpid(p, &s, 0);
	check("cmdline and environ of a new program", exited(s, 0));
	ssize_t n = slurp("/proc/self/auxv");
	a = (void *)text;
	bool page = false, end = false;
	for (int i = 0; i < n / 16; i++) {
		page |= a[i].a_type == AT_PAGESZ && a[i].a_un.a_val == 4096;
		end = a[i].a_type == AT_NULL;
	}
	check("auxv", n % 16 == 0 && page && end);
	slurp("/proc/self/limits");
	check("limits: heading",
	      !strncmp(
		      text,
		      "Limit                     Soft Limit           Hard Limit           Units     \n",
		      79));
	check("limits: open files", strstr(text, "\nMax open files            ") &&
					    strstr(text, "\nMax realtime timeout      "));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	readlink(path, target, 299);
	check("fd: a name", strlen(target) > 7 && !strcmp(target + strlen(target) - 7, "/opened"));
	struct stat st;
	check("fd: the link's mode tells the access",
	      !lstat(path, &st) && S_ISLNK(st.st_mode) && (st.st_mode & 0777) == 0700);
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	bool seen = false;
	while ((e = readdir(d)))
		seen |= atoi(e->d_name) == fd;
	closedir(d);
	check("fd: the directory has it", seen);
	lseek(fd, 5, SEEK_SET);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	check("fdinfo: position", slurp(path) > 0 && field("pos:") == 5);
	check("fdinfo: flags", (field("flags:") & (O_APPEND | O_CLOEXEC | O_ACCMODE)) ==
				       (O_APPEND | O_CLOEXEC | O_RDWR));
	int pp[2];
	pipe(pp);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", pp[0]);
	memset(target, 0, sizeof(target));
	readlink(path, target, 299);
	check("fd: a pipe", !strncmp(target, "pipe:[", 6));
	int again = open(path, O_WRONLY);
	check("fd: the pipe's other end opens",
	      again >= 0 && write(again, "x", 1) == 1 && read(pp[0], target, 1) == 1);
	close(again), close(pp[0]), close(pp[1]), close(fd);
	memset(target, 0, sizeof(target));
	check("cwd", readlink("/proc/self/cwd", target, 299) > 0 && ({
			     char c[300];
			     getcwd(c, 300);
			     !strcmp(c, target);
		     }));
	check("root", readlink("/proc/self/root", target, 299) == 1 && target[0] == '/');
	check("exe", readlink("/proc/self/exe", target, 299) > 0);
	check("self", ({
		      memset(target, 0, 300);
		      readlink("/proc/self", target, 299);
		      atoi(target) == getpid();
	      }));
	check("thread-self", ({
		      memset(target, 0, 300);
		      readlink("/proc/thread-self", target, 299);
		      strstr(target, "/task/") != NULL;
	      }));
	check("mounts", slurp("/proc/mounts") > 0 && strstr(text, " /proc proc "));
	check("mountinfo", slurp("/proc/self/mountinfo") > 0 && strstr(text, " / /proc ") &&
				   strstr(text, " - proc "));
	int id, parent, maj, min;
	check("mountinfo: its fields",
	      sscanf(text, "%d %d %d:%d / / ", &id, &parent, &maj, &min) == 4);
	check("comm", slurp("/proc/self/comm") > 0 && !strcmp(text, "procfs\n"));
	check("oom_score_adj", slurp("/proc/self/oom_score_adj") > 0 && !strcmp(text, "0\n"));
	check("task", ({
		      snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
		      slurp(path) > 0 && atoi(text) == getpid();
	      }));
	check("io", slurp("/proc/self/io") > 0 && field("rchar:") > 0 && field("\nsyscr:") > 0);
}

static void machine(void)
{
	double up, idle;
	int run, all;

	check("meminfo", slurp("/proc/meminfo") > 0 && field("MemTotal:") > 1000 &&
				 field("\nMemFree:") > 0 && field("\nMemAvailable:") > 0 &&
				 field("\nCached:") >= 0 && field("\nSwapTotal:") >= 0);
	check("stat", slurp("/proc/stat") > 0 && !strncmp(text, "cpu  ", 5) &&
			      strstr(text, "\ncpu0 ") && field("\nctxt ") > 0 &&
			      field("\nbtime ") > 0 && field("\nprocesses ") > 0);
	check("uptime",
	      slurp("/proc/uptime") > 0 && sscanf(text, "%lf %lf", &up, &idle) == 2 && up > 0);
	check("loadavg", slurp("/proc/loadavg") > 0 &&
				 sscanf(text, "%*f %*f %*f %d/%d", &run, &all) == 2 && run > 0 &&
				 all >= run);
	check("version", slurp("/proc/version") > 0 && !strncmp(text, "Linux version ", 14));
	check("cpuinfo", slurp("/proc/cpuinfo") > 0 && !strncmp(text, "processor\t: 0\n", 14) &&
				 strstr(text, "\nflags\t\t: fpu"));
	check("filesystems", slurp("/proc/filesystems") > 0 && strstr(text, "nodev\tproc\n") &&
				     strstr(text, "nodev\ttmpfs\n"));
	check("cmdline of the kernel", slurp("/proc/cmdline") > 0);
	check("devices", slurp("/proc/devices") > 0 && !strncmp(text, "Character devices:\n", 19));
	check("pid_max", slurp("/proc/sys/kernel/pid_max") > 0 && atoi(text) >= 32768);
	check("osrelease", slurp("/proc/sys/kernel/osrelease") > 0);
	check("uuid",
	      slurp("/proc/sys/kernel/random/uuid") == 37 && text[8] == '-' && text[14] == '4');
	check("entropy", slurp("/proc/sys/kernel/random/entropy_avail") > 0 && atoi(text) > 0);
	check("overcommit", slurp("/proc/sys/vm/overcommit_memory") == 2);
	fails("not there", open("/proc/nonsense", O_RDONLY), ENOENT);
	fails("no creation", open("/proc/nonsense", O_RDWR | O_CREAT, 0644), ENOENT);
	fails("no mkdir", mkdir("/proc/d", 0755), ENOENT);
	check("reading in small pieces", ({
		      int fd = open("/proc/version", O_RDONLY);
		      char c;
		      ssize_t n = 0;
		      while (read(fd, &c, 1) == 1)
			      n++;
		      close(fd);
		      n == slurp("/proc/version");
	      }));
	check("seeking back", ({
		      int fd = open("/proc/version", O_RDONLY);
		      char a[10], b[10];
		      read(fd, a, 10);
		      lseek(fd, 0, SEEK_SET);
		      read(fd, b, 10);
		      close(fd);
		      !memcmp(a, b, 10);
	      }));
}

static void as_user(void)
{
	char path[64];

	setgroups(0, NULL);
	setresgid(1000, 1000, 1000);
	setresuid(1000, 1000, 1000);
	works("others' stat", open("/proc/1/stat", O_RDONLY));
	works("others' status", open("/proc/1/status", O_RDONLY));
	fails("others' environment", open("/proc/1/environ", O_RDONLY), EACCES);
	fails("others' memory", open("/proc/1/mem", O_RDONLY), EACCES);
	fails("others' descriptors", open("/proc/1/fd", O_RDONLY), EACCES);
	fails("others' program", readlink("/proc/1/exe", path, 60), EACCES);
	fails("others' directory", readlink("/proc/1/cwd", path, 60), EACCES);
	fails("root's files", open("/proc/sys/kernel/hostname", O_WRONLY), EACCES);
}

int main(int argc, char **argv)
{
	if (argc == 4) {
		if (slurp("/proc/self/cmdline") != 17 || memcmp(text, "one\0two words\0\0x\0", 17))
			return 1;
		return slurp("/proc/self/environ") == 14 && !memcmp(text, "VAR=value\0B=2", 14) ? 0
												: 2;
	}
	stats();
	states();
	maps();
	lines();
	machine();
	if (geteuid())
		skip("as a user");
	else
		check("as a user", exited(in_child(as_user), 0));
	return 0;
}
