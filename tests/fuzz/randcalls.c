/* Throws random arguments at every system call, from several processes, for a number of seconds; the
 * kernel must survive. PID 1 (as /randcalls) runs it, restarts what dies, and switches off at the end.
 * Arguments are drawn from what finds mistakes: bad and good pointers, huge lengths, odd descriptors.
 * usage: kernel command line "randcalls.seconds=N randcalls.seed=N" */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORKERS 4
static uint64_t state;
static char *good; /* 64 KiB, readable and writable, with an unmapped page behind */
#define GOOD_SIZE 65536

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static uint64_t argument(void)
{
	static const uint64_t odd[] = {0, 1, 2, 3, 7, 8, 16, 63, 64, 127, 255, 4095, 4096, 4097, 0x7fffffff, 0x80000000,
				       0xffffffff, 0x100000000, 0x7fffffffefff, 0x7ffffffff000, 0x800000000000,
				       0xffff800000000000, 0xffff888000000000, 0xffffffff80000000, 0xffffffff81000000,
				       0x7fffffffffffffff, 0x8000000000000000, 0xfffffffffffff000, -1ul, -2ul, -100ul,
				       0x10, 0xdeadbeef};
	switch (rnd() % 8) {
	case 0:
	case 1:
		return odd[rnd() % (sizeof(odd) / sizeof(*odd))];
	case 2:
		return (uint64_t)good + rnd() % GOOD_SIZE;
	case 3:
		return (uint64_t)good + GOOD_SIZE - rnd() % 64; /* runs into the unmapped page */
	case 4:
		return rnd() % 24; /* descriptors, small counts */
	case 5:
		return rnd() % 5000;
	case 6:
		return 1ul << rnd() % 64;
	default:
		return rnd();
	}
}

static int forbidden(long nr)
{
	switch (nr) {
	case SYS_exit:
	case SYS_exit_group:
	case SYS_reboot:
	case SYS_kill: /* would end the test itself */
	case SYS_tkill:
	case SYS_tgkill:
	case SYS_rt_sigqueueinfo:
	case SYS_rt_tgsigqueueinfo:
	case SYS_pidfd_send_signal:
	case SYS_vhangup:
	case SYS_fork: /* no fork bombs */
	case SYS_vfork:
	case SYS_clone:
	case SYS_clone3:
	case SYS_rt_sigreturn:
	case SYS_pause:
	case SYS_syslog:
	case SYS_umount2:
	case SYS_chroot:
	case SYS_pivot_root:
		return 1;
	default:
		return 0;
	}
}

static void prepare_files(void)
{
	for (int i = 0; i < 4; i++) {
		char name[32];
		snprintf(name, sizeof(name), "f%d", i);
		(void)!open(name, O_RDWR | O_CREAT, 0644);
	}
	int fd[2];
	(void)!pipe2(fd, O_NONBLOCK);
	(void)!open("/dev/null", O_RDWR);
	(void)!open("/dev/zero", O_RDWR);
	(void)!open(".", O_RDONLY);
	(void)!open("/proc/self/maps", O_RDONLY);
	(void)!open("/dev/tty", O_RDWR | O_NONBLOCK);
	for (int i = 0; i < GOOD_SIZE; i += 8)
		*(uint64_t *)(good + i) = rnd() % 4 ? rnd() % 4096 : (uint64_t)good + rnd() % GOOD_SIZE;
	for (int i = 0; i < 64; i++)
		strcpy(good + rnd() % (GOOD_SIZE - 64), i % 3 ? "f1" : i % 2 ? "/proc/self" : "d/../f2");
}

static void worker(uint64_t seed)
{
	struct rlimit as = {1ul << 28, 1ul << 28}, files = {64, 64}, size = {1 << 24, 1 << 24}, core = {0, 0};

	state = seed | 1;
	good = mmap(NULL, GOOD_SIZE + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(good + GOOD_SIZE, 4096, PROT_NONE);
	setrlimit(RLIMIT_AS, &as);
	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_FSIZE, &size);
	setrlimit(RLIMIT_CORE, &core);
	char dir[64];
	snprintf(dir, sizeof(dir), "/tmp/w%llx", (unsigned long long)(seed & 0xffffff));
	mkdir(dir, 0777);
	(void)!chdir(dir);
	if (rnd() % 2 && (setgid(1000) || setuid(1000)))
		_exit(1);
	prepare_files();
	struct sigaction ign = {.sa_handler = SIG_IGN};
	sigaction(SIGPIPE, &ign, NULL);
	for (int n = 0; n < 4000; n++) {
		long nr = (long)(rnd() % 463);
		if (nr >= 335 && nr < 424)
			continue;
		if (forbidden(nr))
			continue;
		alarm(1); /* a call that blocks ends the worker by SIGALRM */
		syscall(nr, argument(), argument(), argument(), argument(), argument(), argument());
	}
	_exit(0);
}

static uint64_t parameter(const char *name, uint64_t value)
{
	static char line[4096];
	FILE *f = fopen("/proc/cmdline", "r");
	if (f && fgets(line, sizeof(line), f)) {
		char *p = strstr(line, name);
		if (p)
			value = strtoull(p + strlen(name) + 1, NULL, 0);
	}
	if (f)
		fclose(f);
	return value;
}

int main(void)
{
	pid_t pid[WORKERS] = {0};
	uint64_t rounds = 0;

	mkdir("/proc", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mkdir("/tmp", 0777);
	mount("tmpfs", "/tmp", "tmpfs", 0, "size=32m,mode=1777");
	uint64_t seconds = parameter("randcalls.seconds", 20), seed = parameter("randcalls.seed", 1);
	time_t end = time(NULL) + (time_t)seconds;
	printf("== randcalls: %llu s, seed %llu\n", (unsigned long long)seconds, (unsigned long long)seed);
	fflush(stdout);
	for (;;) {
		for (int i = 0; i < WORKERS; i++) {
			if (pid[i])
				continue;
			uint64_t s = (seed * 1000003 + rounds++) * 0x9e3779b97f4a7c15ul;
			pid[i] = fork();
			if (pid[i] == 0) {
				setsid();
				worker(s);
			}
		}
		pid_t p = waitpid(-1, NULL, 0);
		for (int i = 0; i < WORKERS; i++)
			if (pid[i] == p)
				pid[i] = 0;
		if (time(NULL) >= end)
			break;
	}
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	printf("== randcalls: survived %llu rounds\n", (unsigned long long)rounds);
	fflush(stdout);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
