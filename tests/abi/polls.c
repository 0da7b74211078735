/* poll, ppoll, select and pselect6 on every kind of file, their times, masks and errors; FIFOs. */
#include "abi.h"
#include <poll.h>
#include <sys/resource.h>
#include <sys/select.h>

static volatile sig_atomic_t caught;
static void on_signal(int sig)
{
	caught = sig;
}
static int ask(int fd, int events)
{
	struct pollfd p = {fd, events, 0};
	int n = poll(&p, 1, 0);
	return n < 0 ? -1 : n == 0 ? 0 : p.revents;
}

static void kinds(void)
{
	int p[2], file = open("file", O_CREAT | O_RDWR, 0644), dir = open(".", O_RDONLY),
		  null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDONLY),
		  path = open("file", O_PATH);
	static char page[65536];

	check("a file: both", ask(file, POLLIN | POLLOUT) == (POLLIN | POLLOUT));
	check("a directory: both", ask(dir, POLLIN | POLLOUT) == (POLLIN | POLLOUT));
	check("/dev/null: both", ask(null, POLLIN | POLLOUT) == (POLLIN | POLLOUT));
	check("/dev/zero: readable", ask(zero, POLLIN) == POLLIN);
	check("/proc: both", ask(open("/proc/self/status", O_RDONLY), POLLIN) == POLLIN);
	check("not open: POLLNVAL", ask(999, POLLIN) == POLLNVAL);
	check("O_PATH: POLLNVAL", ask(path, POLLIN) == POLLNVAL);
	check("negative: nothing", ask(-1, POLLIN) == 0);
	pipe(p);
	check("an empty pipe: not readable", ask(p[0], POLLIN) == 0);
	check("an empty pipe: writable", ask(p[1], POLLOUT) == POLLOUT);
	check("the wrong end: nothing", ask(p[0], POLLOUT) == 0 && ask(p[1], POLLIN) == 0);
	write(p[1], "x", 1);
	check("something in it", ask(p[0], POLLIN | POLLRDNORM) == (POLLIN | POLLRDNORM));
	fcntl(p[1], F_SETFL, O_NONBLOCK);
	while (write(p[1], page, sizeof(page)) > 0)
		;
	check("a full pipe: not writable", ask(p[1], POLLOUT) == 0);
	read(p[0], page, 100);
	while (ask(p[0], POLLIN))
		read(p[0], page, sizeof(page));
	check("emptied: writable", ask(p[1], POLLOUT) == POLLOUT);
	write(p[1], "y", 1);
	close(p[1]);
	check("no writer, something left: both", ask(p[0], POLLIN) == (POLLIN | POLLHUP));
	read(p[0], page, 1);
	check("no writer, empty: POLLHUP", ask(p[0], POLLIN) == POLLHUP);
	check("POLLHUP unasked", ask(p[0], 0) == POLLHUP);
	close(p[0]);
	pipe(p);
	close(p[0]);
	check("no reader: POLLERR", ask(p[1], POLLOUT) == (POLLOUT | POLLERR));
	close(p[1]);
	close(file), close(dir), close(null), close(zero), close(path);
}

static void several(void)
{
	int a[2], b[2];
	struct pollfd f[4];

	pipe(a), pipe(b);
	write(b[1], "x", 1);
	f[0] = (struct pollfd){a[0], POLLIN, 0x7f};
	f[1] = (struct pollfd){b[0], POLLIN, 0};
	f[2] = (struct pollfd){b[1], POLLOUT, 0};
	f[3] = (struct pollfd){-5, POLLIN, 0x7f};
	check("poll counts", poll(f, 4, 1000) == 2);
	check("revents of each",
	      !f[0].revents && f[1].revents == POLLIN && f[2].revents == POLLOUT && !f[3].revents);
	double t = now();
	check("poll times out", poll(f, 1, 50) == 0 && now() - t >= 0.05);
	check("poll of nothing sleeps", ({
		      t = now();
		      poll(NULL, 0, 30) == 0 && now() - t >= 0.03;
	      }));
	fails("poll: bad pointer", syscall(SYS_poll, BAD_POINTER, 1, 0), EFAULT);
	struct rlimit r;
	getrlimit(RLIMIT_NOFILE, &r);
	fails("poll: too many", syscall(SYS_poll, f, (unsigned)r.rlim_cur + 1, 0), EINVAL);
	pid_t p = fork();
	if (!p) {
		nap(0.05);
		write(a[1], "x", 1);
		_exit(0);
	}
	check("poll is woken", poll(f, 1, -1) == 1 && f[0].revents == POLLIN);
	waitpid(p, NULL, 0);
	char c;
	read(a[0], &c, 1);
	p = fork();
	if (!p) {
		close(a[0]), close(b[0]), close(b[1]);
		nap(0.05);
		_exit(0);
	}
	close(a[1]);
	check("the last writer's end wakes", poll(f, 1, -1) == 1 && f[0].revents == POLLHUP);
	waitpid(p, NULL, 0);
	close(a[0]), close(b[0]), close(b[1]);
}

static void selecting(void)
{
	int p[2];
	fd_set r, w, e;
	struct timeval tv = {0, 50000};

	pipe(p);
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_ZERO(&e);
	FD_SET(p[0], &r);
	FD_SET(p[1], &w);
	FD_SET(p[0], &e);
	check("select: one", select(p[1] + 1, &r, &w, &e, NULL) == 1 && !FD_ISSET(p[0], &r) &&
				     FD_ISSET(p[1], &w) && !FD_ISSET(p[0], &e));
	FD_SET(p[0], &r);
	double t = now();
	check("select times out", syscall(SYS_select, p[0] + 1, &r, NULL, NULL, &tv) == 0 &&
					  now() - t >= 0.05 && !FD_ISSET(p[0], &r));
	check("and the time is used up", tv.tv_sec == 0 && tv.tv_usec == 0);
	write(p[1], "x", 1);
	FD_SET(p[0], &r);
	tv = (struct timeval){100, 0};
	check("select: readable", syscall(SYS_select, p[0] + 1, &r, NULL, NULL, &tv) == 1);
	check("what is left of the time", tv.tv_sec == 99 || tv.tv_sec == 100);
	check("only below n", ({
		      FD_ZERO(&r);
		      FD_SET(p[0], &r);
		      tv = (struct timeval){0, 0};
		      select(p[0], &r, NULL, NULL, &tv) == 0;
	      }));
	check("the same in two sets counts twice", ({
		      FD_ZERO(&r);
		      FD_ZERO(&w);
		      int f = open("file", O_RDWR);
		      FD_SET(f, &r);
		      FD_SET(f, &w);
		      int n = select(f + 1, &r, &w, NULL, NULL);
		      close(f);
		      n == 2;
	      }));
	fails("select: not open", ({
		      FD_ZERO(&r);
		      FD_SET(60, &r);
		      select(61, &r, NULL, NULL, NULL);
	      }),
	      EBADF);
	fails("select: negative n", select(-1, NULL, NULL, NULL, NULL), EINVAL);
	fails("select: negative time",
	      syscall(SYS_select, 0, NULL, NULL, NULL, &(struct timeval){-1, 0}), EINVAL);
	fails("select: bad pointer", syscall(SYS_select, 10, BAD_POINTER, NULL, NULL, NULL),
	      EFAULT);
	check("a closed pipe is readable", ({
		      char c;
		      read(p[0], &c, 1);
		      close(p[1]);
		      FD_ZERO(&r);
		      FD_SET(p[0], &r);
		      select(p[0] + 1, &r, NULL, NULL, NULL) == 1;
	      }));
	close(p[0]);
}

static void masks(void)
{
	sigset_t block, none, old;
	struct pollfd f = {-1, 0, 0};
	struct timespec ts = {5, 0}, zero = {0, 0};

	signal(SIGUSR1, on_signal);
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, &old);
	raise(SIGUSR1);
	caught = 0;
	fails("ppoll lets a signal in", ppoll(&f, 1, &ts, &none), EINTR);
	check("its handler ran", caught == SIGUSR1);
	sigset_t now_;
	sigprocmask(SIG_BLOCK, NULL, &now_);
	check("the mask is back", sigismember(&now_, SIGUSR1));
	raise(SIGUSR1);
	caught = 0;
	fails("pselect lets a signal in", pselect(0, NULL, NULL, NULL, &ts, &none), EINTR);
	check("its handler ran too", caught == SIGUSR1);
	raise(SIGUSR1);
	check("ppoll with nothing to wait for", ppoll(&f, 1, &zero, &block) == 0);
	caught = 0;
	sigprocmask(SIG_SETMASK, &old, NULL);
	check("the signal came after", caught == SIGUSR1);
	fails("ppoll: bad size of the mask", syscall(SYS_ppoll, &f, 1, &zero, &none, 4), EINVAL);
	fails("ppoll: bad time", ppoll(&f, 1, &(struct timespec){0, 1000000000}, NULL), EINVAL);
	fails("ppoll: bad pointer to the time", syscall(SYS_ppoll, &f, 1, BAD_POINTER, NULL, 8),
	      EFAULT);
	fails("pselect: bad time",
	      syscall(SYS_pselect6, 0, NULL, NULL, NULL, &(struct timespec){-1, 0}, NULL), EINVAL);
	struct timespec left = {0, 30000000};
	check("ppoll updates the time",
	      syscall(SYS_ppoll, NULL, 0, &left, NULL, 8) == 0 && left.tv_nsec == 0);
	/* SA_RESTART does not restart poll. */
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	sigaction(SIGALRM, &sa, NULL);
	struct itimerval it = {{0, 0}, {0, 30000}};
	setitimer(ITIMER_REAL, &it, NULL);
	fails("a handler ends poll, SA_RESTART or not", poll(NULL, 0, 10000), EINTR);
	setitimer(ITIMER_REAL, &it, NULL);
	fails("and select", select(0, NULL, NULL, NULL, &(struct timeval){10, 0}), EINTR);
}

static void fifos(void)
{
	char c;
	int s;

	mkfifo("fifo", 0644);
	fails("a writer that does not wait needs a reader", open("fifo", O_WRONLY | O_NONBLOCK),
	      ENXIO);
	int r = open("fifo", O_RDONLY | O_NONBLOCK);
	check("a reader need not wait", r >= 0);
	check("never had a writer: no hang-up", ask(r, POLLIN) == 0);
	check("reads nothing", read(r, &c, 1) == 0);
	int w = open("fifo", O_WRONLY | O_NONBLOCK);
	check("now a writer", w >= 0);
	fails("empty with a writer", read(r, &c, 1), EAGAIN);
	write(w, "ab", 2);
	check("carries", read(r, &c, 1) == 1 && c == 'a');
	close(w);
	check("what is left, then the end", read(r, &c, 1) == 1 && c == 'b' && read(r, &c, 1) == 0);
	check("hang-up", ask(r, POLLIN) == POLLHUP);
	w = open("fifo", O_WRONLY);
	check("a new writer ends the hang-up", ask(r, POLLIN) == 0);
	close(r);
	signal(SIGPIPE, SIG_IGN);
	fails("no reader", write(w, "x", 1), EPIPE);
	close(w);
	int rw = open("fifo", O_RDWR);
	check("both at once waits for nobody",
	      rw >= 0 && write(rw, "q", 1) == 1 && read(rw, &c, 1) == 1 && c == 'q');
	close(rw);
	pid_t p = fork();
	if (!p) {
		int f = open("fifo", O_WRONLY); /* waits for the reader */
		write(f, "hello", 5);
		_exit(0);
	}
	nap(0.05);
	check("the opener waits", waitpid(p, &s, WNOHANG) == 0);
	r = open("fifo", O_RDONLY);
	char buf[8];
	check("they meet", read(r, buf, 8) == 5);
	waitpid(p, &s, 0);
	close(r);
	signal(SIGALRM, on_signal);
	struct sigaction sa = {.sa_handler = on_signal};
	sigaction(SIGALRM, &sa, NULL);
	struct itimerval it = {{0, 0}, {0, 30000}};
	setitimer(ITIMER_REAL, &it, NULL);
	fails("a signal ends the wait", open("fifo", O_RDONLY), EINTR);
	struct stat st;
	check("a FIFO has no size", !stat("fifo", &st) && S_ISFIFO(st.st_mode) && st.st_size == 0);
	fails("lseek of a FIFO", ({
		      r = open("fifo", O_RDWR);
		      lseek(r, 0, SEEK_SET);
	      }),
	      ESPIPE);
	fails("ftruncate of a FIFO", ftruncate(r, 0), EINVAL);
	fails("truncate of a FIFO", truncate("fifo", 0), EINVAL);
	int r2 = open("fifo", O_RDONLY | O_NONBLOCK);
	write(r, "one", 3);
	check("two openings are one FIFO", read(r2, buf, 8) == 3);
	link("fifo", "fifo2");
	int r3 = open("fifo2", O_RDONLY | O_NONBLOCK);
	write(r, "two", 3);
	check("by two names too", read(r3, buf, 8) == 3);
	close(r), close(r2), close(r3);
	/* packets */
	int pp[2];
	pipe2(pp, O_DIRECT);
	write(pp[1], "abc", 3), write(pp[1], "defg", 4);
	check("O_DIRECT keeps packets apart", read(pp[0], buf, 8) == 3 && read(pp[0], buf, 2) == 2);
	check("what does not fit is lost", ({
		      write(pp[1], "hi", 2);
		      read(pp[0], buf, 8) == 2 && buf[0] == 'h';
	      }));
	fails("pipe2: bad flags", pipe2(pp, O_APPEND), EINVAL);
	fails("pipe: bad pointer", syscall(SYS_pipe, BAD_POINTER), EFAULT);
}

int main(void)
{
	kinds();
	several();
	selecting();
	masks();
	fifos();
	return 0;
}
