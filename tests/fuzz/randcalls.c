/* Throws random arguments at every system call, from several processes with several threads each, for
 * a number of seconds; the kernel must survive, and every process must die of SIGKILL. PID 1 (as
 * /randcalls) starts the workers, ends those that take too long, and switches off at the end.
 * Most arguments fit their call (a descriptor, a path, a piece of the arena, a list of buffers: what
 * each call takes is in calls[]), so that the code behind the first checks is reached; the rest is what
 * finds mistakes: bad pointers, huge lengths, odd numbers.
 * usage: kernel command line "randcalls.seconds=N randcalls.seed=N" */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
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
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define WORKERS	      4
#define THREADS	      3	   /* of a worker */
#define CALLS	      3000 /* of a thread */
#define LIFE_SECONDS  3	   /* of a worker */
#define DEATH_SECONDS 15   /* from SIGKILL to the end, on a slow machine */
#define ARENA	      (4ul << 20)
#define GOOD_SIZE     65536

static __thread uint64_t state;
static __thread int depth; /* 1: a child that must not make children */
static char *good;  /* GOOD_SIZE bytes, readable and writable, with an unmapped page behind */
static int null;    /* PID 1 opens it: root's workers unlink device nodes */
static char *arena; /* what mmap, munmap, mprotect and so on may take apart */

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* f descriptor, d directory descriptor, p path, a page in the arena, n length, c small count, o flags,
 * b buffer, s signal, i process, t times, v vector of buffers, S set of signals, m mode, u id, w word
 * (futex), x anything. Calls that are not listed take "xxxxxx"; with "-" they are not made. */
static const struct {
	short nr;
	const char *args;
} calls[] = {
	{0, "fbn"},	 {1, "fbn"},	  {2, "pom"},	   {3, "f"},	    {4, "pb"},
	{5, "fb"},	 {6, "pb"},	  {7, "bct"},	   {8, "fnc"},	    {9, "ancofn"},
	{10, "anc"},	 {11, "an"},	  {13, "sbbS"},	   {14, "cSSc"},    {16, "fob"},
	{17, "fbnn"},	 {18, "fbnn"},	  {19, "fvc"},	   {20, "fvc"},	    {21, "pc"},
	{22, "b"},	 {23, "cbbbt"},	  {25, "annca"},   {26, "anc"},	    {27, "anb"},
	{28, "anc"},	 {32, "f"},	  {33, "ff"},	   {34, "-"},	    {35, "tt"},
	{36, "cb"},	 {37, "c"},	  {38, "ctb"},	   {40, "ffbn"},    {53, "cccb"},
	{56, "-"},	 {57, "-"},	  {58, "-"},	   {59, "pbb"},	    {60, "-"},
	{61, "ibcb"},	 {62, "is"},	  {72, "fcf"},	   {73, "fc"},	    {74, "f"},
	{75, "f"},	 {76, "pn"},	  {77, "fn"},	   {78, "fbn"},	    {79, "bn"},
	{80, "p"},	 {81, "f"},	  {82, "pp"},	   {83, "pm"},	    {84, "p"},
	{85, "pm"},	 {86, "pp"},	  {87, "p"},	   {88, "pp"},	    {89, "pbn"},
	{90, "pm"},	 {91, "fm"},	  {92, "puu"},	   {93, "fuu"},	    {94, "puu"},
	{96, "bb"},	 {97, "cb"},	  {98, "cb"},	   {99, "b"},	    {100, "b"},
	{101, "cibb"},	 {103, "-"},	  {105, "u"},	   {106, "u"},	    {109, "ii"},
	{115, "cb"},	 {116, "cb"},	  {121, "i"},	   {124, "i"},	    {125, "bb"},
	{126, "bb"},	 {127, "bc"},	  {128, "Sbtc"},   {129, "isb"},    {130, "Sc"},
	{131, "bb"},	 {132, "pt"},	  {133, "pmx"},	   {137, "pb"},	    {138, "fb"},
	{140, "ci"},	 {141, "cic"},	  {142, "ib"},	   {143, "ib"},	    {144, "icb"},
	{148, "ib"},	 {149, "an"},	  {150, "an"},	   {15, "-"},	    {153, "-"},
	{155, "-"},	 {157, "cxxxx"},  {158, "ob"},	   {160, "cb"},	    {161, "-"},
	{164, "tb"},	 {165, "pppob"},  {166, "-"},	   {169, "-"},	    {170, "bc"},
	{171, "bc"},	 {187, "fnn"},	  {188, "ppbcc"},  {189, "ppbcc"},  {190, "fpbcc"},
	{191, "ppbn"},	 {192, "ppbn"},	  {193, "fpbn"},   {194, "pbn"},    {195, "pbn"},
	{196, "fbn"},	 {197, "pp"},	  {198, "pp"},	   {199, "fp"},	    {200, "is"},
	{202, "wcctwc"}, {203, "icb"},	  {204, "inb"},	   {213, "c"},	    {217, "fbn"},
	{218, "b"},	 {221, "fnnc"},	  {227, "ct"},	   {228, "cb"},	    {229, "cb"},
	{230, "cctt"},	 {231, "-"},	  {232, "fbct"},   {233, "fcfb"},   {234, "iis"},
	{235, "pt"},	 {247, "cibcb"},  {254, "fpo"},	   {257, "dpom"},   {258, "dpm"},
	{259, "dpmx"},	 {260, "dpuuc"},  {261, "dpt"},	   {262, "dpbo"},   {263, "dpo"},
	{264, "dpdp"},	 {265, "dpdpo"},  {266, "pdp"},	   {267, "dpbn"},   {268, "dpm"},
	{269, "dpc"},	 {270, "cbbbtb"}, {271, "bctSc"},  {272, "o"},	    {273, "bc"},
	{274, "ibb"},	 {275, "fbfbno"}, {276, "ffno"},   {277, "fnnc"},   {278, "fvco"},
	{280, "dpto"},	 {283, "co"},	  {285, "fcnn"},   {286, "fctb"},   {287, "fb"},
	{288, "fbbo"},	 {289, "fScc"},	  {290, "co"},	   {291, "o"},	    {292, "ffo"},
	{293, "bo"},	 {294, "o"},	  {295, "fvcnc"},  {296, "fvcnc"},  {297, "iisb"},
	{302, "icbb"},	 {303, "dpbbo"},  {304, "dbo"},	   {310, "ivcvcc"}, {311, "ivcvcc"},
	{316, "dpdpc"},	 {318, "bnc"},	  {319, "po"},	   {322, "dpbbo"},  {324, "occ"},
	{325, "anc"},	 {326, "fbfbnc"}, {327, "fvcnco"}, {328, "fvcnco"}, {332, "dpoxb"},
	{334, "bncx"},	 {424, "fsbc"},	  {434, "ic"},	   {435, "-"},	    {436, "ffc"},
	{437, "dpbc"},	 {438, "ffc"},	  {439, "dpco"},   {440, "fvccc"},  {441, "fbctSc"},
	{452, "dpmo"},
};
static const char *args_of[463];

static uint64_t anything(void)
{
	static const uint64_t odd[] = {0,
				       1,
				       2,
				       3,
				       7,
				       8,
				       16,
				       63,
				       64,
				       127,
				       255,
				       4095,
				       4096,
				       4097,
				       0x7fffffff,
				       0x80000000,
				       0xffffffff,
				       0x100000000,
				       0x7fffffffefff,
				       0x7ffffffff000,
				       0x800000000000,
				       0xffff800000000000,
				       0xffff888000000000,
				       0xffffffff80000000,
				       0xffffffff81000000,
				       0x7fffffffffffffff,
				       0x8000000000000000,
				       0xfffffffffffff000,
				       -1ul,
				       -2ul,
				       -100ul,
				       0x10,
				       0xdeadbeef};
	switch (rnd() % 8) {
	case 0:
	case 1:
		return odd[rnd() % (sizeof(odd) / sizeof(*odd))];
	case 2:
		return (uint64_t)good + rnd() % GOOD_SIZE;
	case 3:
		return (uint64_t)good + GOOD_SIZE - rnd() % 64; /* runs into the unmapped page */
	case 4:
		return rnd() % 24;
	case 5:
		return rnd() % 5000;
	case 6:
		return 1ul << rnd() % 64;
	default:
		return rnd();
	}
}

static const char *path(void)
{
	static const char *const names[] = {
		"f0",
		"f1",
		"f2",
		"f3",
		"d",
		"d/f4",
		"d/../f2",
		"l",
		"l/f5",
		"d/e",
		".",
		"..",
		"/",
		"",
		"loop",
		"fifo",
		"/proc/self/maps",
		"/proc/self/fd/3",
		"/proc/self/fd",
		"/proc/self/status",
		"/proc/self",
		"/proc",
		"/dev",
		"/proc/self/exe",
		"/proc/self/mem",
		"/proc/self/cmdline",
		"/proc/self/cwd/f1",
		"/proc/meminfo",
		"/proc/slabinfo",
		"/proc/self/task",
		"/proc/stat",
		"/proc/mounts",
		"/proc/self/oom_score_adj",
		"/dev/null",
		"/dev/zero",
		"/dev/full",
		"/dev/urandom",
		"/dev/ptmx",
		"/dev/tty",
		"/sys",
		"/randcalls",
		"user.name",
		"trusted.name",
		"tmpfs",
		"proc",
		"security.capability",
		"/nowhere/file",
		"/proc/sys/kernel/hostname",
		"m",
		"m/f6",
	};
	char *p = good + rnd() % (GOOD_SIZE - 300);

	if (rnd() % 50 == 0) {
		memset(p, 'a', 256 + rnd() % 8);
		return p; /* over-long, often runs into other names */
	}
	return names[rnd() % (sizeof(names) / sizeof(*names))];
}

static uint64_t vector(void)
{
	struct iovec *v = (struct iovec *)(good + (rnd() % (GOOD_SIZE / 2) & ~15ul));

	for (int i = 0; i < 4; i++) {
		v[i].iov_base = rnd() % 16 ? good + rnd() % GOOD_SIZE : (void *)anything();
		v[i].iov_len = rnd() % 16 ? rnd() % 9000 : anything();
	}
	return (uint64_t)v;
}

static uint64_t times(void)
{
	uint64_t *t = (uint64_t *)(good + (rnd() % (GOOD_SIZE / 2) & ~15ul));

	if (rnd() % 8 == 0)
		return 0;
	for (int i = 0; i < 4; i += 2) {
		t[i] = rnd() % 8 ? 0 : anything();
		t[i + 1] = rnd() % 8 ? rnd() % 20000 : anything();
	}
	return (uint64_t)t;
}

static uint64_t process(void)
{
	switch (rnd() % 6) {
	case 0:
		return getpid();
	case 1:
		return syscall(SYS_gettid);
	case 2:
		return 0;
	case 3:
		return -getpid();
	case 4:
		return getpid() + rnd() % 8 - 3;
	default:
		return 2 + rnd() % 300;
	}
}

static uint64_t argument(char kind)
{
	if (rnd() % 12 == 0)
		return anything();
	switch (kind) {
	case 'f':
		return rnd() % 48;
	case 'd':
		return rnd() % 4 ? (uint64_t)AT_FDCWD : rnd() % 48;
	case 'p':
		return (uint64_t)path();
	case 'a':
		return (uint64_t)arena + (rnd() % (ARENA / 4096)) * 4096;
	case 'n':
		return rnd() % 3 ? rnd() % 10000 : (rnd() % 64) * 4096;
	case 'c':
		return rnd() % 24;
	case 'o':
		return (rnd() % 2 ? 1ul << rnd() % 24 : 0) | (rnd() % 2 ? 1ul << rnd() % 24 : 0) |
		       (rnd() % 2 ? rnd() % 256 : 0);
	case 'b':
		return rnd() % 10 ? (uint64_t)good + (rnd() % GOOD_SIZE & ~7ul) : 0;
	case 's':
		return rnd() % 4 ? SIGRTMIN + rnd() % 8 : rnd() % 65;
	case 'i':
		return process();
	case 't':
		return times();
	case 'v':
		return vector();
	case 'S': {
		uint64_t *set = (uint64_t *)(good + (rnd() % (GOOD_SIZE / 2) & ~7ul));
		*set = rnd() & rnd() & ~(1ul << (SIGALRM - 1));
		return (uint64_t)set;
	}
	case 'm':
		return rnd() % 4096;
	case 'u':
		return rnd() % 2 ? getuid() : 1000 + rnd() % 2;
	case 'w':
		return (uint64_t)good + (rnd() % 4) * 4;
	default:
		return anything();
	}
}

/* What would end or falsify the test itself: PID 1 is left alone. */
static int spares_init(long nr, const uint64_t *a)
{
	if (nr == SYS_prlimit64 || nr == SYS_sched_setscheduler || nr == SYS_sched_setparam ||
	    nr == SYS_sched_setaffinity || nr == SYS_process_vm_writev)
		return (int)a[0] != 1;
	if (nr == SYS_ptrace)
		return (int)a[1] != 1;
	if (nr == SYS_setpriority)
		return 1;
	return 1;
}

static void some_calls(int n)
{
	for (int i = 0; i < n; i++) {
		long nr = (long)(rnd() % 463);
		if (nr >= 335 && nr < 424)
			continue;
		const char *kind = args_of[nr] ? args_of[nr] : "xxxxxx";
		uint64_t a[6];
		if (*kind == '-')
			continue;
		for (int k = 0; k < 6; k++)
			a[k] = *kind ? argument(*kind++) : anything();
		if (spares_init(nr, a))
			syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
}

static int child(void *seed)
{
	state = (uint64_t)seed | 1;
	depth = 1;
	some_calls((int)(rnd() % 40));
	syscall(SYS_exit, 0);
	return 0;
}

/* A process or thread of some kind; what shares memory gets a stack of its own. */
static void make_child(void)
{
	static const int may[] = {CLONE_FS,
				  CLONE_FILES,
				  CLONE_VFORK,
				  CLONE_PARENT_SETTID,
				  CLONE_CHILD_CLEARTID,
				  CLONE_CHILD_SETTID,
				  CLONE_SYSVSEM,
				  CLONE_UNTRACED,
				  CLONE_PARENT,
				  CLONE_IO,
				  CLONE_PIDFD};
	int flags = rnd() % 4 ? SIGCHLD : (int)(rnd() % 65);
	void *words = good + (rnd() % (GOOD_SIZE / 2) & ~7ul), *seed = (void *)rnd();
	char *stack = good + GOOD_SIZE;

	if (depth)
		return;
	for (int i = rnd() % 4; i > 0; i--)
		flags |= may[rnd() % (sizeof(may) / sizeof(*may))];
	if (rnd() % 3 == 0) {
		flags |= CLONE_VM | (rnd() % 2 ? CLONE_SIGHAND : 0);
		stack = mmap(NULL, 32768, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			     0);
		if (stack == MAP_FAILED)
			return;
		stack += 32768;
		flags |=
			CLONE_VFORK; /* the thread-local words of libc are shared until it is gone */
	}
	if (flags & CLONE_VM) {
		uint64_t kept = state;
		clone(child, stack, flags, seed, words, NULL, words);
		state = kept;
		depth = 0;
	} else {
		long pid = syscall(SYS_clone, flags, NULL, words, words, 0);
		if (pid == 0)
			child(seed);
	}
	if (rnd() % 2)
		waitpid(-1, NULL, WNOHANG | (rnd() % 2 ? __WALL : 0));
}

static void prepare_files(void)
{
	int fd[2];

	for (int i = 0; i < 4; i++) {
		char name[32];
		snprintf(name, sizeof(name), "f%d", i);
		int f = open(name, O_RDWR | O_CREAT, 0644);
		(void)!write(f, good, rnd() % 20000);
	}
	mkdir("d", 0777);
	mkdir("m", 0777);
	mkfifo("fifo", 0666);
	(void)!symlink("d", "l");
	(void)!symlink("loop", "loop");
	(void)!pipe2(fd, O_NONBLOCK);
	(void)!pipe2(fd, 0);
	for (int i = 0; i < 8; i++)
		(void)!open(path(), rnd() % 2 ? O_RDWR | O_NONBLOCK : O_RDONLY | O_NONBLOCK);
	(void)!open(".", O_RDONLY);
	(void)!open("fifo", O_RDWR);
	(void)!open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
	syscall(SYS_memfd_create, "mem", 2 /* MFD_ALLOW_SEALING */);
	syscall(SYS_eventfd2, 3, O_NONBLOCK);
	syscall(SYS_epoll_create1, 0);
	syscall(SYS_timerfd_create, CLOCK_MONOTONIC, 0);
	syscall(SYS_pidfd_open, getpid(), 0);
	(void)!syscall(SYS_socketpair, 1, 1, 0, fd);
	(void)!syscall(SYS_socketpair, 1, 2, 0, fd);
}

static void nothing(int sig)
{
	(void)sig;
}

static void *loop(void *seed)
{
	state = (uint64_t)seed | 1;
	for (int n = 0; n < CALLS; n += 10) {
		some_calls(10);
		if (rnd() % 8 == 0)
			make_child();
		if (rnd() % 64 == 0)
			prepare_files();
		if (rnd() % 64 == 0)
			mmap(arena, ARENA, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		for (int i = 0; i < 32; i++)
			*(uint64_t *)(good + (rnd() % GOOD_SIZE & ~7ul)) =
				rnd() % 4 ? rnd() % 4096 : (uint64_t)good + rnd() % GOOD_SIZE;
	}
	return NULL;
}

static void limit(int what, rlim_t value)
{
	struct rlimit r = {value, value};
	setrlimit(what, &r);
}

static void worker(uint64_t seed, int slot)
{
	static const int handled[] = {SIGALRM, SIGPIPE, SIGCHLD, SIGUSR1, SIGHUP,
				      SIGTERM, SIGIO,	SIGINT,	 SIGTTOU, SIGTTIN};
	struct itimerval tick = {{0, 100000}, {0, 100000}};
	struct sigaction sa = {.sa_handler = nothing, .sa_flags = 0};
	char dir[32];

	state = seed | 1;
	setsid();
	for (int i = 0; i < 3; i++)
		dup2(null, i);
	good = mmap(NULL, GOOD_SIZE + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	mprotect(good + GOOD_SIZE, 4096, PROT_NONE);
	arena = mmap((void *)0x100000000, ARENA, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	limit(RLIMIT_AS, 64ul << 20);
	limit(RLIMIT_NOFILE, 64);
	limit(RLIMIT_FSIZE, 1 << 22);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NPROC, 60);
	limit(RLIMIT_RTPRIO, 0);
	snprintf(dir, sizeof(dir), "/tmp/w%d", slot);
	(void)!chdir(dir);
	if (rnd() % 2 && (setgid(1000) || setuid(1000)))
		_exit(1);
	prepare_files();
	for (unsigned i = 0; i < sizeof(handled) / sizeof(*handled); i++)
		sigaction(handled[i], &sa, NULL);
	for (int i = SIGRTMIN; i < SIGRTMIN + 8; i++) {
		sa.sa_flags = rnd() % 2 ? SA_RESTART : 0;
		sigaction(i, &sa, NULL);
	}
	setitimer(ITIMER_REAL, &tick, NULL); /* ends calls that block */
	for (int i = 1; i < THREADS; i++) {
		pthread_t t;
		pthread_create(&t, NULL, loop, (void *)rnd());
	}
	loop((void *)rnd());
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

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void print_file(const char *format, int pid)
{
	char name[64], text[4096];
	snprintf(name, sizeof(name), format, pid);
	int fd = open(name, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text));
	printf("%s:\n%.*s\n", name, n < 0 ? 0 : (int)n, text);
	if (fd >= 0)
		close(fd);
}

static void off(void)
{
	fflush(stdout);
	tcdrain(1);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static struct {
	pid_t pid;
	double started;
	int killed;
} slots[WORKERS];

static void start(int slot, uint64_t seed)
{
	char dir[32];

	snprintf(dir, sizeof(dir), "/tmp/w%d", slot);
	mkdir(dir, 0777);
	umount2(dir, MNT_DETACH);
	mount("tmpfs", dir, "tmpfs", 0, "size=4m,mode=1777");
	pid_t pid = fork();
	if (pid == 0)
		worker(seed, slot);
	slots[slot].pid = pid < 0 ? 0 : pid;
	slots[slot].started = now();
	slots[slot].killed = 0;
}

/* Ends what has run for long enough; what does not die of SIGKILL is the kernel's mistake. */
static void supervise(void)
{
	for (int i = 0; i < WORKERS; i++) {
		double age = now() - slots[i].started;
		if (!slots[i].pid || age < LIFE_SECONDS)
			continue;
		if (!slots[i].killed) {
			kill(slots[i].pid, SIGKILL);
			slots[i].killed = 1;
		}
		if (age > LIFE_SECONDS + DEATH_SECONDS) {
			printf("== randcalls: process %d does not die\n", slots[i].pid);
			print_file("/proc/%d/status", slots[i].pid);
			print_file("/proc/%d/stack", slots[i].pid);
			print_file("/proc/%d/wchan", slots[i].pid);
			off();
		}
	}
}

static void reap(void)
{
	pid_t p;

	while ((p = waitpid(-1, NULL, WNOHANG)) > 0)
		for (int i = 0; i < WORKERS; i++)
			if (slots[i].pid == p)
				slots[i].pid = 0;
}

int main(void)
{
	uint64_t rounds = 0;

	if (getpid() != 1)
		return 0; /* a worker's execve of this file */
	for (unsigned i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		args_of[calls[i].nr] = calls[i].args;
	mkdir("/proc", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mkdir("/tmp", 0777);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	uint64_t seconds = parameter("randcalls.seconds", 20),
		 seed = parameter("randcalls.seed", 1);
	double end = now() + (double)seconds;
	printf("== randcalls: %llu s, seed %llu\n", (unsigned long long)seconds,
	       (unsigned long long)seed);
	fflush(stdout);
	struct sched_param first = {.sched_priority = 99};
	sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first);
	while (now() < end) {
		for (int i = 0; i < WORKERS; i++)
			if (!slots[i].pid)
				start(i, (seed * 1000003 + rounds++) * 0x9e3779b97f4a7c15ul);
		usleep(20000);
		supervise();
		reap();
	}
	end = now() + DEATH_SECONDS;
	do {
		kill(-1, SIGKILL);
		usleep(20000);
		reap();
	} while (now() < end && kill(-1, 0) == 0);
	if (kill(-1, 0) == 0) {
		printf("== randcalls: something does not die\n");
		for (int pid = 2; pid < 32768; pid++)
			if (kill(pid, 0) == 0)
				print_file("/proc/%d/status", pid),
					print_file("/proc/%d/stack", pid);
		off();
	}
	printf("== randcalls: survived %llu rounds\n", (unsigned long long)rounds);
	off();
}
