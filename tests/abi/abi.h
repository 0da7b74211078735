/* For the ABI tests: every check prints "ok NAME" or "not ok NAME"; the names must be the same in every
 * run, so no addresses, pids or times in them. The program runs in an empty directory of its own, as
 * root or not (skip what needs root). */
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static inline void check_(bool ok, const char *name, const char *file, int line)
{
	printf("%sok %s\n", ok ? "" : "not ", name);
	if (!ok)
		printf("# at %s:%d, errno %d (%s)\n", file, line, errno, strerror(errno));
	fflush(stdout);
}
/* The condition holds. */
#define check(name, condition) check_(!!(condition), name, __FILE__, __LINE__)
/* The call fails with this errno. */
#define fails(name, call, err)                                                \
	do {                                                                  \
		errno = 0;                                                    \
		long r_ = (long)(call);                                       \
		check_(r_ == -1 && errno == (err), name, __FILE__, __LINE__); \
	} while (0)
/* The call does not fail. */
#define works(name, call) check_((errno = 0, (long)(call)) != -1, name, __FILE__, __LINE__)
static inline void skip(const char *name)
{
	printf("skip %s\n", name);
	fflush(stdout);
}

/* Run fn in a child: its wait status. */
static inline int in_child(void (*fn)(void))
{
	fflush(stdout);
	pid_t p = fork();
	if (p == 0) {
		fn();
		_exit(0);
	}
	int status = -1;
	while (waitpid(p, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}
static inline bool exited(int status, int code)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == code;
}
static inline bool killed(int status, int sig)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == sig;
}
static inline double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}
static inline void nap(double seconds)
{
	struct timespec t = {(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)};
	while (nanosleep(&t, &t) && errno == EINTR)
		;
}
#define BAD_POINTER ((void *)0x10) /* never mapped */
