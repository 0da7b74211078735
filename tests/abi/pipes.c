/* Pipes, poll, ppoll, select, pselect. */
#include "abi.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <pthread.h>

static volatile sig_atomic_t got;
static void handler(int s)
{
	got = s;
}
static int fd[2];
static void write_to_nobody(void)
{
	int mine[2];
	pipe(mine);
	close(mine[0]);
	write(mine[1], "x", 1);
	_exit(0);
}
static void *late_writer(void *arg)
{
	nap(0.1);
	write(fd[1], "late", 4);
	return NULL;
}

int main(void)
{
	char buf[70000];
	struct pollfd p;
	pthread_t th;

	fails("pipe2: bad flags", pipe2(fd, 0x77777), EINVAL);
	fails("pipe: bad pointer", syscall(SYS_pipe, BAD_POINTER), EFAULT);
	works("pipe2", pipe2(fd, O_NONBLOCK | O_CLOEXEC));
	fails("read: empty", read(fd[0], buf, 1), EAGAIN);
	check("fills up", ({
		      int total = 0, n;
		      memset(buf, 'q', sizeof(buf));
		      while ((n = write(fd[1], buf, 4096)) > 0)
			      total += n;
		      total == 65536 && errno == EAGAIN;
	      }));
	int n = 0;
	check("FIONREAD", !ioctl(fd[0], FIONREAD, &n) && n == 65536);
	p = (struct pollfd){fd[1], POLLOUT, 0};
	check("poll: full", poll(&p, 1, 0) == 0);
	check("drains", read(fd[0], buf, 65536) == 65536);
	check("poll: writable", poll(&p, 1, 0) == 1 && p.revents == POLLOUT);
	check("atomic write", write(fd[1], buf, 4096) == 4096);
	check("F_GETPIPE_SZ", fcntl(fd[0], F_GETPIPE_SZ) == 65536);
	check("F_SETPIPE_SZ", fcntl(fd[0], F_SETPIPE_SZ, 8192) == 8192);
	fails("F_SETPIPE_SZ: busy", ({
		      write(fd[1], buf, 4096);
		      fcntl(fd[0], F_SETPIPE_SZ, 4096);
	      }),
	      EBUSY);
	close(fd[1]);
	p = (struct pollfd){fd[0], POLLIN, 0};
	check("poll: data and hang-up", poll(&p, 1, 0) == 1 && p.revents == (POLLIN | POLLHUP));
	while (read(fd[0], buf, sizeof(buf)) > 0)
		;
	check("poll: hang-up", poll(&p, 1, 0) == 1 && p.revents == POLLHUP);
	check("end of file", read(fd[0], buf, 1) == 0);
	close(fd[0]);

	pipe(fd);
	check("SIGPIPE kills", killed(in_child(write_to_nobody), SIGPIPE));
	signal(SIGPIPE, SIG_IGN);
	close(fd[0]);
	fails("EPIPE", write(fd[1], "x", 1), EPIPE);
	p = (struct pollfd){fd[1], POLLOUT, 0};
	check("poll: no reader", poll(&p, 1, 0) == 1 && (p.revents & POLLERR));
	close(fd[1]);

	pipe(fd);
	pthread_create(&th, NULL, late_writer, NULL);
	p = (struct pollfd){fd[0], POLLIN, 0};
	check("poll waits", poll(&p, 1, 5000) == 1 && p.revents == POLLIN);
	check("and reads", read(fd[0], buf, 10) == 4);
	pthread_join(th, NULL);
	double t = now();
	check("poll times out", poll(&p, 1, 50) == 0 && now() - t >= 0.049);
	p.fd = -1;
	check("poll: negative descriptor", poll(&p, 1, 0) == 0);
	p.fd = 999;
	check("poll: bad descriptor", poll(&p, 1, 0) == 1 && p.revents == POLLNVAL);
	fails("poll: bad pointer", poll(BAD_POINTER, 1, 0), EFAULT);
	fails("poll: too many", syscall(SYS_poll, &p, 1 << 24, 0), EINVAL);

	fd_set r, w;
	struct timeval tv = {0, 30000};
	FD_ZERO(&r);
	FD_SET(fd[0], &r);
	t = now();
	check("select times out", syscall(SYS_select, fd[0] + 1, &r, NULL, NULL, &tv) == 0 &&
					  now() - t >= 0.029 && tv.tv_sec == 0 && tv.tv_usec == 0);
	check("set is cleared", !FD_ISSET(fd[0], &r));
	write(fd[1], "x", 1);
	FD_SET(fd[0], &r);
	FD_ZERO(&w);
	FD_SET(fd[1], &w);
	check("select counts both", select(fd[1] + 1, &r, &w, NULL, NULL) == 2 &&
					    FD_ISSET(fd[0], &r) && FD_ISSET(fd[1], &w));
	read(fd[0], buf, 1);
	FD_ZERO(&r);
	FD_SET(50, &r);
	fails("select: bad descriptor", select(51, &r, NULL, NULL, &tv), EBADF);
	fails("select: negative count", select(-1, NULL, NULL, NULL, NULL), EINVAL);

	struct sigaction sa = {.sa_handler = handler};
	sigaction(SIGALRM, &sa, NULL);
	sigset_t block, empty;
	sigemptyset(&block);
	sigaddset(&block, SIGALRM);
	sigemptyset(&empty);
	sigprocmask(SIG_BLOCK, &block, NULL);
	raise(SIGALRM);
	p = (struct pollfd){fd[0], POLLIN, 0};
	fails("ppoll unblocks for its time", ppoll(&p, 1, NULL, &empty), EINTR);
	check("handler ran", got == SIGALRM);
	sigset_t cur;
	sigprocmask(SIG_SETMASK, NULL, &cur);
	check("mask is back", sigismember(&cur, SIGALRM));
	got = 0;
	raise(SIGALRM);
	FD_ZERO(&r);
	FD_SET(fd[0], &r);
	fails("pselect unblocks for its time", pselect(fd[0] + 1, &r, NULL, NULL, NULL, &empty),
	      EINTR);
	check("handler ran again", got == SIGALRM);
	sigprocmask(SIG_UNBLOCK, &block, NULL);
	sa.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &sa, NULL);
	struct itimerval it = {{0, 0}, {0, 30000}};
	setitimer(ITIMER_REAL, &it, NULL);
	fails("poll is not restarted", poll(&p, 1, 3000), EINTR);
	pthread_create(&th, NULL, late_writer, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	check("read is restarted", read(fd[0], buf, 10) == 4);
	pthread_join(th, NULL);
	sa.sa_flags = 0;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	fails("read is interrupted", read(fd[0], buf, 10), EINTR);
	return 0;
}
