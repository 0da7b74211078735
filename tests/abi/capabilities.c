/* Capabilities: capget and capset, what they allow, bounding set, ambient set, securebits, no_new_privs,
 * setuid programs. The program runs itself again to see what execve leaves. */
#include "abi.h"
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>

struct caps {
	uint64_t effective, permitted, inheritable;
};
#define CAP(c) (1ull << (c))

static struct caps get(void)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2] = {{0}};

	syscall(SYS_capget, &h, d);
	return (struct caps){d[0].effective | (uint64_t)d[1].effective << 32,
			     d[0].permitted | (uint64_t)d[1].permitted << 32,
			     d[0].inheritable | (uint64_t)d[1].inheritable << 32};
}
static int set(struct caps c)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2] = {
		{c.effective, c.permitted, c.inheritable},
		{c.effective >> 32, c.permitted >> 32, c.inheritable >> 32}};
	return syscall(SYS_capset, &h, d);
}
static bool has(int cap)
{
	return get().effective & CAP(cap);
}
static void become(uid_t uid)
{
	setgroups(0, NULL);
	setresgid(uid, uid, uid);
	setresuid(uid, uid, uid);
}

/* "What do you have?", asked of this program run again: one letter each. */
static void report(void)
{
	printf("%c%c%c%c%c%c", geteuid() ? 'u' : 'r', getuid() ? 'u' : 'r',
	       has(CAP_CHOWN) ? 'C' : '-', get().permitted & CAP(CAP_KILL) ? 'K' : '-',
	       prctl(PR_GET_DUMPABLE) == 1 ? 'D' : '-', getegid() ? 'u' : 'r');
}
static bool run(const char *path, void (*before)(void), const char *wanted)
{
	char got[32] = {0};
	int p[2], s;

	pipe(p);
	fflush(stdout);
	pid_t child = fork();
	if (!child) {
		dup2(p[1], 1);
		before();
		execl(path, path, "report", NULL);
		_exit(99);
	}
	close(p[1]);
	waitpid(child, &s, 0);
	read(p[0], got, sizeof(got) - 1);
	close(p[0]);
	if (strcmp(got, wanted))
		printf("# got %s, not %s\n", got, wanted);
	return !strcmp(got, wanted);
}

static void drops(void)
{
	struct caps c = get();

	c.effective &= ~CAP(CAP_CHOWN);
	works("dropping an effective one", set(c));
	fails("it no longer counts", chown("f", 5, 5), EPERM);
	c.effective |= CAP(CAP_CHOWN);
	works("taking it again", set(c));
	works("it counts", chown("f", 5, 5));
	c.effective &= ~CAP(CAP_CHOWN);
	c.permitted &= ~CAP(CAP_CHOWN);
	works("dropping a permitted one", set(c));
	c.effective |= CAP(CAP_CHOWN);
	fails("effective must be permitted", set(c), EPERM);
	c.permitted |= CAP(CAP_CHOWN);
	fails("permitted does not grow", set(c), EPERM);
	c = get();
	c.effective &= ~CAP(CAP_SETPCAP);
	c.inheritable = CAP(CAP_KILL);
	works("inheritable from permitted", set(c));
	c.inheritable |= CAP(CAP_CHOWN);
	fails("inheritable needs permitted or CAP_SETPCAP", set(c), EPERM);
}

static void forms(void)
{
	struct __user_cap_header_struct h = {0, 0};
	struct __user_cap_data_struct d[2];

	works("capget tells the version", syscall(SYS_capget, &h, NULL));
	check("it is the third", h.version == _LINUX_CAPABILITY_VERSION_3);
	h.version = 0;
	fails("capget: bad version", syscall(SYS_capget, &h, d), EINVAL);
	fails("capset: bad version", ({
		      h.version = 5;
		      syscall(SYS_capset, &h, d);
	      }),
	      EINVAL);
	h = (struct __user_cap_header_struct){_LINUX_CAPABILITY_VERSION_3, 1 << 22};
	fails("capget: nobody", syscall(SYS_capget, &h, d), ESRCH);
	h.pid = -1;
	fails("capget: negative", syscall(SYS_capget, &h, d), EINVAL);
	h.pid = 1;
	works("capget of another", syscall(SYS_capget, &h, d));
	fails("capset of another", syscall(SYS_capset, &h, d), EPERM);
	h.pid = 0;
	fails("capget: bad pointer", syscall(SYS_capget, BAD_POINTER, d), EFAULT);
	fails("capget: bad data", syscall(SYS_capget, &h, BAD_POINTER), EFAULT);
	h.version = _LINUX_CAPABILITY_VERSION_1;
	works("first version", syscall(SYS_capget, &h, d));
}

static void one(int cap)
{
	struct caps c = get();
	c.effective = cap < 0 ? 0 : CAP(cap);
	set(c);
}
static pid_t victim; /* another user's process */
static void effects(void)
{
	struct rlimit r;
	int fd;

	one(-1);
	fails("DAC_OVERRIDE missing", open("theirs", O_RDWR), EACCES);
	fails("FOWNER missing", chmod("theirs", 0600), EPERM);
	fails("KILL missing", kill(victim, SIGTERM), EPERM);
	fails("SETUID missing", setuid(5), EPERM);
	fails("SETGID missing", setgid(5), EPERM);
	fails("SETGID missing for groups", setgroups(0, NULL), EPERM);
	fails("SYS_CHROOT missing", chroot("."), EPERM);
	fails("SYS_NICE missing", setpriority(PRIO_PROCESS, 0, -1), EACCES);
	fails("SYS_TIME missing", settimeofday(&(struct timeval){1, 0}, NULL), EPERM);
	fails("SYS_TIME missing for clock_settime",
	      clock_settime(CLOCK_REALTIME, &(struct timespec){1, 0}), EPERM);
	fails("SYS_BOOT missing", syscall(SYS_reboot, 0xfee1dead, 672274793, 0, 0), EPERM);
	fails("SYS_ADMIN missing for sethostname", sethostname("x", 1), EPERM);
	fails("SYS_ADMIN missing for setdomainname", setdomainname("x", 1), EPERM);
	fails("SYS_ADMIN missing for mount", syscall(SYS_mount, "none", ".", "tmpfs", 0, NULL),
	      EPERM);
	fails("SYS_ADMIN missing for umount", syscall(SYS_umount2, "/proc", 0), EPERM);
	fails("SYS_ADMIN missing for pivot_root", syscall(SYS_pivot_root, ".", "."), EPERM);
	fails("SYS_TTY_CONFIG missing", syscall(SYS_vhangup), EPERM);
	fails("MKNOD missing", mknod("dev", S_IFCHR | 0600, 0x103), EPERM);
	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_max++;
	fails("SYS_RESOURCE missing", setrlimit(RLIMIT_NOFILE, &r), EPERM);
	fails("SETPCAP missing", prctl(PR_CAPBSET_DROP, CAP_CHOWN), EPERM);
	fails("SETPCAP missing for securebits", prctl(PR_SET_SECUREBITS, SECBIT_NOROOT), EPERM);
	one(CAP_DAC_READ_SEARCH);
	works("DAC_READ_SEARCH reads", fd = open("theirs", O_RDONLY));
	close(fd);
	fails("but does not write", open("theirs", O_RDWR), EACCES);
	works("DAC_READ_SEARCH searches", access("closed", F_OK));
	one(CAP_DAC_OVERRIDE);
	works("DAC_OVERRIDE writes", fd = open("theirs", O_RDWR));
	close(fd);
	one(CAP_FOWNER);
	works("FOWNER changes modes", chmod("theirs", 0600));
	works("FOWNER sets times",
	      utimensat(AT_FDCWD, "theirs", (struct timespec[2]){{1, 0}, {1, 0}}, 0));
	works("FOWNER deletes in sticky directories", unlink("sticky/theirs"));
	one(CAP_KILL);
	works("KILL kills", kill(victim, SIGKILL));
	one(CAP_CHOWN);
	works("CHOWN gives away", chown("theirs", 4000, 4000));
	one(CAP_SYS_NICE);
	works("SYS_NICE raises", setpriority(PRIO_PROCESS, 0, -1));
	one(CAP_SETGID);
	works("SETGID", setgid(5));
	one(CAP_SETUID);
	works("SETUID", setuid(5));
	check("setuid to a user drops all", get().effective == 0 && get().permitted == 0);
}

static void fixups(void)
{
	check("root has them", has(CAP_CHOWN));
	seteuid(1000);
	check("effective user has none", get().effective == 0 && get().permitted & CAP(CAP_CHOWN));
	seteuid(0);
	check("back with root", has(CAP_CHOWN));
	setfsuid(1000);
	check("fsuid moves the file ones only", !has(CAP_CHOWN) && has(CAP_KILL));
	setfsuid(0);
	check("and back", has(CAP_CHOWN));
}
static void keeping(void)
{
	check("KEEPCAPS is off", prctl(PR_GET_KEEPCAPS) == 0);
	works("KEEPCAPS", prctl(PR_SET_KEEPCAPS, 1));
	fails("KEEPCAPS: bad value", prctl(PR_SET_KEEPCAPS, 2), EINVAL);
	become(1000);
	check("permitted stay", get().permitted & CAP(CAP_CHOWN));
	check("effective go", get().effective == 0);
	one(CAP_CHOWN);
	works("can be taken again", chown("f", 1, 1));
}
static void bits(void)
{
	check("no securebits", prctl(PR_GET_SECUREBITS) == 0);
	fails("unknown securebits", prctl(PR_SET_SECUREBITS, 1 << 20), EPERM);
	works("NO_SETUID_FIXUP",
	      prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED));
	fails("it is locked", prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP_LOCKED), EPERM);
	fails("the lock stays", prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP), EPERM);
	become(1000);
	check("nothing is dropped", has(CAP_CHOWN));
}
static void bounding(void)
{
	check("in the bounding set", prctl(PR_CAPBSET_READ, CAP_KILL) == 1);
	works("dropped from it", prctl(PR_CAPBSET_DROP, CAP_KILL));
	check("not in it", prctl(PR_CAPBSET_READ, CAP_KILL) == 0);
	check("still permitted", get().permitted & CAP(CAP_KILL));
	fails("bounding: bad capability", prctl(PR_CAPBSET_READ, 64), EINVAL);
	fails("bounding: bad drop", prctl(PR_CAPBSET_DROP, 64), EINVAL);
}
static void ambient(void)
{
	struct caps c = get();

	check("ambient: not set",
	      prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0) == 0);
	fails("ambient: not inheritable",
	      prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0), EPERM);
	c.inheritable |= CAP(CAP_KILL);
	set(c);
	works("ambient: raised", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	check("ambient: set", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0) == 1);
	works("ambient: lowered", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_KILL, 0, 0));
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0);
	c.inheritable = 0;
	set(c);
	check("ambient goes with inheritable",
	      prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0) == 0);
	works("ambient: cleared", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
	fails("ambient: bad operation", prctl(PR_CAP_AMBIENT, 99, CAP_KILL, 0, 0), EINVAL);
	fails("ambient: bad capability", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 64, 0, 0),
	      EINVAL);
}

static void nothing(void)
{
}
static void user(void)
{
	become(1000);
}
static void user_nnp(void)
{
	become(1000);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}
static void user_keep(void)
{
	prctl(PR_SET_KEEPCAPS, 1);
	become(1000);
	one(CAP_CHOWN);
}
static void user_ambient(void)
{
	struct caps c = get();
	prctl(PR_SET_KEEPCAPS, 1);
	c.inheritable |= CAP(CAP_KILL);
	set(c);
	become(1000);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0);
}
static void no_kill(void)
{
	prctl(PR_CAPBSET_DROP, CAP_KILL);
}
static void noroot(void)
{
	prctl(PR_SET_SECUREBITS, SECBIT_NOROOT);
}
static void executing(void)
{
	check("root gets all at exec", run("./plain", nothing, "rrCKDr"));
	check("a user gets none", run("./plain", user, "uu--Du"));
	check("kept ones do not survive exec", run("./plain", user_keep, "uu--Du"));
	check("ambient ones do", run("./plain", user_ambient, "uu-KDu"));
	check("bounding set limits exec", run("./plain", no_kill, "rrC-Dr"));
	check("NOROOT: none for root", run("./plain", noroot, "rr--Dr"));
	check("setuid root", run("./suid", user, "ruCK-u"));
	check("no_new_privs: no setuid", run("./suid", user_nnp, "uu--Du"));
	check("setgid root", run("./sgid", user, "uu---r"));
	check("setuid to a user", run("./suiduser", nothing, "ur-K-r"));
	check("setgid without group x is nothing", run("./sgidlock", user, "uu--Du"));
}
static void copy_self(const char *name, mode_t mode, uid_t uid, gid_t gid)
{
	char buf[65536];
	ssize_t n;
	int in = open("/proc/self/exe", O_RDONLY), out = open(name, O_CREAT | O_WRONLY, 0755);

	while ((n = read(in, buf, sizeof(buf))) > 0)
		write(out, buf, n);
	close(in), close(out);
	chown(name, uid, gid);
	chmod(name, mode);
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		report();
		return 0;
	}
	if (geteuid() || !has(CAP_SYS_ADMIN) || !has(CAP_SETPCAP)) {
		skip("capabilities");
		return 0;
	}
	close(open("f", O_CREAT | O_RDWR, 0644));
	close(open("theirs", O_CREAT | O_RDWR, 0600));
	chown("theirs", 3000, 3000);
	mkdir("closed", 0700);
	mkdir("sticky", 0777), chmod("sticky", 01777), chown("sticky", 3000, 3000);
	close(open("sticky/theirs", O_CREAT | O_RDWR, 0600)), chown("sticky/theirs", 3000, 3000);
	copy_self("plain", 0755, 0, 0), copy_self("suid", 04755, 0, 0),
		copy_self("sgid", 02755, 0, 0);
	copy_self("suiduser", 04755, 1000, 1000), copy_self("sgidlock", 02745, 0, 0);
	chmod("sgidlock", 02705 | 0040);
	check("capset", exited(in_child(drops), 0));
	check("forms of the calls", exited(in_child(forms), 0));
	int p[2];
	char c;
	pipe(p);
	victim = fork();
	if (!victim) {
		become(3000);
		write(p[1], "x", 1);
		for (;;)
			pause();
	}
	read(p[0], &c, 1);
	check("effects", exited(in_child(effects), 0));
	check("user changes", exited(in_child(fixups), 0));
	check("keeping", exited(in_child(keeping), 0));
	check("securebits", exited(in_child(bits), 0));
	check("bounding set", exited(in_child(bounding), 0));
	check("ambient set", exited(in_child(ambient), 0));
	executing();
	return 0;
}
