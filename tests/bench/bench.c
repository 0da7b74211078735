/* PID 1 of `make bench`: measures by the guest's clock (under -icount shift=0 one nanosecond is one
 * instruction) and prints "BENCH name value". Run it on any Linux kernel too. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void report(const char *name, double value)
{
	printf("BENCH %s %.2f\n", name, value);
	fflush(stdout);
}

#define MEASURE(name, n, body)                     \
	do {                                       \
		for (int i_ = 0; i_ < 3; i_++) {   \
			body;                      \
		}                                  \
		double t_ = ns();                  \
		for (int i_ = 0; i_ < (n); i_++) { \
			body;                      \
		}                                  \
		report(name, (ns() - t_) / (n));   \
	} while (0)

static void memory(void)
{
	char line[128];
	double total = 0, available = 0, kb;
	FILE *f = fopen("/proc/meminfo", "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "MemTotal: %lf", &kb) == 1)
			total = kb;
		if (sscanf(line, "MemFree: %lf", &kb) == 1)
			available = kb;
	}
	if (f)
		fclose(f);
	report("memory-in-use-at-init-KiB", total - available);
}

int main(void)
{
	/* The time-stamp counter runs since reset; under -icount shift=0 it counts nanoseconds. */
	double at_start = (double)__builtin_ia32_rdtsc();
	mkdir("/proc", 0755);
	mkdir("/dev", 0755);
	mkdir("/tmp", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	memory();
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
	report("reset-to-init-instructions", at_start);
	int zero = open("/dev/zero", O_RDONLY), status, fd[2];
	char byte;

	MEASURE("getppid", 1000, syscall(SYS_getppid));
	MEASURE("read-1-byte-dev-zero", 1000, (void)!read(zero, &byte, 1));
	struct stat st;
	MEASURE("stat", 500, stat("/tmp", &st));
	MEASURE("fstat", 500, fstat(zero, &st));
	MEASURE("open-close", 300, close(open("/dev/zero", O_RDONLY)));
	(void)!pipe(fd);
	MEASURE("pipe-write-read-1-byte", 300, {
		(void)!write(fd[1], "x", 1);
		(void)!read(fd[0], &byte, 1);
	});
	MEASURE("fork-exit-wait", 30, {
		pid_t p = fork();
		if (p == 0)
			_exit(0);
		waitpid(p, &status, 0);
	});
	MEASURE("vfork-exit-wait", 30, {
		pid_t p = vfork();
		if (p == 0)
			_exit(0);
		waitpid(p, &status, 0);
	});
	MEASURE("fork-exec-wait", 20, {
		pid_t p = fork();
		if (p == 0) {
			execl("/empty", "/empty", (char *)NULL);
			_exit(1);
		}
		waitpid(p, &status, 0);
	});
	size_t size = 64 * 4096;
	char *m = mmap(NULL, size * 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
	     *at = m;
	double t = ns();
	for (; at < m + size * 20; at += 4096)
		*at = 1;
	report("anonymous-fault", (ns() - t) / (20 * 64));
	MEASURE("mmap-munmap-64K", 200,
		munmap(mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0),
		       65536));
	MEASURE("create-unlink", 200, {
		close(open("/tmp/x", O_CREAT | O_RDWR, 0644));
		unlink("/tmp/x");
	});
	int a[2], b[2];
	(void)!pipe(a);
	(void)!pipe(b);
	pid_t echo = fork();
	if (echo == 0) {
		close(a[1]);
		while (read(a[0], &byte, 1) == 1)
			(void)!write(b[1], &byte, 1);
		_exit(0);
	}
	MEASURE("pipe-round-trip", 200, {
		(void)!write(a[1], "x", 1);
		(void)!read(b[0], &byte, 1);
	});
	close(a[1]);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
