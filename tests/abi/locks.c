/* flock, fcntl record locks and open-file-description locks, between processes. */
#include "abi.h"
#include <sys/file.h>

static int fd;

static struct flock range(short type, off_t start, off_t len)
{
	return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
}
static int set(int f, short type, off_t start, off_t len)
{
	struct flock l = range(type, start, len);
	return fcntl(f, F_SETLK, &l);
}
static int ofd(int f, short type, off_t start, off_t len)
{
	struct flock l = range(type, start, len);
	return fcntl(f, F_OFD_SETLK, &l);
}
static struct flock query(int f, short type, off_t start, off_t len)
{
	struct flock l = range(type, start, len);
	if (fcntl(f, F_GETLK, &l))
		l.l_type = -1;
	return l;
}
/* Can another process lock this range? 0 or its errno. */
static int other(short type, off_t start, off_t len)
{
	pid_t p = fork();
	int s;

	if (!p) {
		int f = open("file", O_RDWR);
		_exit(set(f, type, start, len) ? errno : 0);
	}
	waitpid(p, &s, 0);
	return WIFEXITED(s) ? WEXITSTATUS(s) : -1;
}

static void records(void)
{
	struct flock l;

	works("write lock on a range", set(fd, F_WRLCK, 10, 10));
	check("others are refused inside", other(F_WRLCK, 15, 1) == EAGAIN);
	check("others may not read either", other(F_RDLCK, 19, 1) == EAGAIN);
	check("others may lock before", other(F_WRLCK, 0, 10) == 0);
	check("others may lock behind", other(F_WRLCK, 20, 0) == 0);
	check("overlap by one byte", other(F_RDLCK, 0, 11) == EAGAIN);
	check("own lock does not show in F_GETLK", query(fd, F_WRLCK, 0, 0).l_type == F_UNLCK);
	pid_t me = getpid(), p = fork();
	if (!p) {
		l = query(fd, F_WRLCK, 0, 0);
		check("F_GETLK tells the holder", l.l_type == F_WRLCK && l.l_pid == me);
		check("F_GETLK tells the range",
		      l.l_start == 10 && l.l_len == 10 && l.l_whence == SEEK_SET);
		check("fork does not inherit", set(fd, F_WRLCK, 12, 1) == -1);
		_exit(0);
	}
	waitpid(p, NULL, 0);
	works("split by unlocking the middle", set(fd, F_UNLCK, 14, 2));
	check("the hole is free", other(F_WRLCK, 14, 2) == 0);
	check("the left part holds", other(F_WRLCK, 13, 1) == EAGAIN);
	check("the right part holds", other(F_WRLCK, 16, 1) == EAGAIN);
	works("downgrade", set(fd, F_RDLCK, 10, 10));
	check("then reading is shared", other(F_RDLCK, 10, 10) == 0);
	check("and writing is not", other(F_WRLCK, 10, 10) == EAGAIN);
	works("negative length", set(fd, F_WRLCK, 110, -10));
	check("it covers what is before",
	      other(F_WRLCK, 100, 1) == EAGAIN && other(F_WRLCK, 110, 1) == 0);
	int second = open("file", O_RDWR);
	close(second);
	check("closing any descriptor releases all", other(F_WRLCK, 0, 0) == 0);

	lseek(fd, 50, SEEK_SET);
	l = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_start = 5, .l_len = 5};
	works("SEEK_CUR", fcntl(fd, F_SETLK, &l));
	check("SEEK_CUR is from the position",
	      other(F_WRLCK, 55, 1) == EAGAIN && other(F_WRLCK, 50, 5) == 0);
	set(fd, F_UNLCK, 0, 0);
	ftruncate(fd, 1000);
	l = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = -10, .l_len = 0};
	works("SEEK_END", fcntl(fd, F_SETLK, &l));
	check("to the end of time",
	      other(F_WRLCK, 990, 1) == EAGAIN && other(F_WRLCK, 1L << 40, 1) == EAGAIN);
	check("not before", other(F_WRLCK, 0, 990) == 0);
	set(fd, F_UNLCK, 0, 0);

	l = range(F_WRLCK, -1, 1);
	fails("negative start", fcntl(fd, F_SETLK, &l), EINVAL);
	l = range(77, 0, 1);
	fails("bad type", fcntl(fd, F_SETLK, &l), EINVAL);
	l = range(F_WRLCK, 0, 1);
	l.l_whence = 9;
	fails("bad whence", fcntl(fd, F_SETLK, &l), EINVAL);
	l = range(F_UNLCK, 0, 1);
	fails("F_GETLK with F_UNLCK", fcntl(fd, F_GETLK, &l), EINVAL);
	fails("bad pointer", fcntl(fd, F_SETLK, BAD_POINTER), EFAULT);
	fails("bad descriptor", set(999, F_WRLCK, 0, 1), EBADF);
	int ro = open("file", O_RDONLY), wo = open("file", O_WRONLY), path = open("file", O_PATH);
	fails("write lock on a read-only descriptor", set(ro, F_WRLCK, 0, 1), EBADF);
	fails("read lock on a write-only descriptor", set(wo, F_RDLCK, 0, 1), EBADF);
	fails("O_PATH has no locks", set(path, F_RDLCK, 0, 1), EBADF);
	close(ro), close(wo), close(path);
}

static void on_alarm(int sig)
{
}
static void waiting(void)
{
	struct flock l = range(F_WRLCK, 0, 1);
	int p[2], s;
	char c;

	pipe(p);
	pid_t child = fork();
	if (!child) {
		set(fd, F_WRLCK, 0, 1);
		write(p[1], "x", 1);
		nap(0.2);
		_exit(0); /* lets go */
	}
	read(p[0], &c, 1);
	works("F_SETLKW waits for the exit of the holder", fcntl(fd, F_SETLKW, &l));
	waitpid(child, &s, 0);

	child = fork();
	if (!child) {
		struct sigaction sa = {.sa_handler = on_alarm};
		sigaction(SIGALRM, &sa, NULL);
		struct itimerval it = {{0, 0}, {0, 100000}};
		setitimer(ITIMER_REAL, &it, NULL);
		int r = fcntl(fd, F_SETLKW, &l);
		_exit(r == -1 && errno == EINTR ? 0 : 1);
	}
	waitpid(child, &s, 0);
	check("F_SETLKW is interrupted", exited(s, 0));
	set(fd, F_UNLCK, 0, 0);

	/* Each holds one byte and asks for the other's. */
	int q[2];
	pipe(q);
	set(fd, F_WRLCK, 0, 1);
	child = fork();
	if (!child) {
		set(fd, F_WRLCK, 1, 1);
		write(p[1], "x", 1);
		l = range(F_WRLCK, 0, 1);
		int r = fcntl(fd, F_SETLKW, &l);
		_exit(r ? (errno == EDEADLK ? 3 : 4) : 0);
	}
	read(p[0], &c, 1);
	nap(0.2);
	l = range(F_WRLCK, 1, 1);
	fails("a deadlock is refused", fcntl(fd, F_SETLKW, &l), EDEADLK);
	set(fd, F_UNLCK, 0, 0);
	waitpid(child, &s, 0);
	check("and the other gets its lock", exited(s, 0));
	set(fd, F_UNLCK, 0, 0);
}

static void descriptions(void)
{
	int a = open("file", O_RDWR), b = open("file", O_RDWR), c = dup(a);
	struct flock l;

	works("OFD write lock", ofd(a, F_WRLCK, 0, 10));
	fails("OFD conflicts in one process", ofd(b, F_WRLCK, 5, 1), EAGAIN);
	works("a duplicate shares it", ofd(c, F_WRLCK, 5, 1));
	fails("OFD conflicts with a process lock", set(b, F_WRLCK, 0, 1), EAGAIN);
	l = range(F_WRLCK, 0, 0);
	check("F_OFD_GETLK tells no process",
	      !fcntl(b, F_OFD_GETLK, &l) && l.l_type == F_WRLCK && l.l_pid == -1);
	l = range(F_WRLCK, 0, 1);
	l.l_pid = 1;
	fails("OFD with a process id", fcntl(a, F_OFD_SETLK, &l), EINVAL);
	close(c);
	fails("closing a duplicate keeps it", ofd(b, F_WRLCK, 5, 1), EAGAIN);
	pid_t p = fork();
	int s;
	if (!p)
		_exit(ofd(a, F_WRLCK, 0, 10) ? 1 : 0);
	waitpid(p, &s, 0);
	check("fork shares it", exited(s, 0));
	fails("the child's end does not release", ofd(b, F_WRLCK, 5, 1), EAGAIN);
	close(a);
	works("the last close releases", ofd(b, F_WRLCK, 5, 1));
	close(b);
}

static void whole(void)
{
	int a = open("file", O_RDWR), b = open("file", O_RDONLY), c = dup(a), s;

	works("flock exclusive", flock(a, LOCK_EX));
	fails("flock: would block", flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	fails("flock: shared would block", flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	works("flock: to shared by a duplicate", flock(c, LOCK_SH));
	works("flock: shared twice", flock(b, LOCK_SH | LOCK_NB));
	fails("flock: no upgrade with another reader", flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	flock(b, LOCK_UN);
	flock(a, LOCK_EX);
	works("flock and fcntl do not meet", set(b, F_RDLCK, 0, 0));
	fails("flock: bad operation", flock(a, 77), EINVAL);
	fails("flock: bad descriptor", flock(999, LOCK_SH), EBADF);
	pid_t p = fork();
	if (!p)
		_exit(flock(b, LOCK_EX) ? 1 : 0); /* waits for the parent */
	nap(0.1);
	check("flock waits", waitpid(p, &s, WNOHANG) == 0);
	close(a);
	nap(0.1);
	check("a duplicate keeps it", waitpid(p, &s, WNOHANG) == 0);
	flock(c, LOCK_UN);
	waitpid(p, &s, 0);
	check("unlocking wakes", exited(s, 0));
	close(c);
	/* The child's lock is the description's that we share. */
	a = open("file", O_RDWR);
	fails("the shared description still holds", flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	close(b);
	works("the last close lets go", flock(a, LOCK_EX | LOCK_NB));
	int path = open("file", O_PATH);
	fails("flock: O_PATH", flock(path, LOCK_SH), EBADF);
	int dir = open(".", O_RDONLY);
	works("flock on a directory", flock(dir, LOCK_EX | LOCK_NB));
	close(a), close(path), close(dir);
}

static void many(void)
{
	bool ok = true;
	for (int i = 0; i < 1000; i++)
		ok &= set(fd, i % 2 ? F_WRLCK : F_RDLCK, i * 2, 1) == 0;
	check("a thousand locks", ok);
	check("each holds", other(F_WRLCK, 1998, 1) == EAGAIN && other(F_WRLCK, 1999, 1) == 0);
	works("one lock over all", set(fd, F_WRLCK, 0, 0));
	check("it took the gaps", other(F_RDLCK, 1999, 1) == EAGAIN);
	works("unlock all", set(fd, F_UNLCK, 0, 0));
	check("all are gone", other(F_WRLCK, 0, 0) == 0);
}

int main(void)
{
	fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
	records();
	waiting();
	descriptions();
	whole();
	many();
	return 0;
}
