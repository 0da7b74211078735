/* The calls that change user and group ids: which of the three may become what, supplementary groups. */
#include "abi.h"
#include <grp.h>

/* The library's functions of these names reach for all threads: the calls themselves here. */
#define call(n, ...) syscall(SYS_##n, __VA_ARGS__)
static bool uids(uid_t r, uid_t e, uid_t s)
{
	uid_t a, b, c;
	return !getresuid(&a, &b, &c) && a == r && b == e && c == s;
}
static bool gids(gid_t r, gid_t e, gid_t s)
{
	gid_t a, b, c;
	return !getresgid(&a, &b, &c) && a == r && b == e && c == s;
}

static void users(void)
{
	works("setresuid", call(setresuid, 10, 20, 30));
	check("three ids", uids(10, 20, 30) && getuid() == 10 && geteuid() == 20);
	works("any of the three may be taken", call(setresuid, 20, 30, 10));
	fails("no other", call(setresuid, -1, 40, -1), EPERM);
	works("-1 keeps", call(setresuid, -1, 10, -1));
	check("kept", uids(20, 10, 10));
	fails("setreuid: the real one only from real and effective", call(setreuid, 30, -1), EPERM);
	works("setreuid", call(setreuid, 10, 20));
	check("setreuid sets the saved one", uids(10, 20, 20));
	works("setuid to the real one", call(setuid, 10));
	check("only the effective one", uids(10, 10, 20));
	works("setuid to the saved one", call(setuid, 20));
	fails("setuid to another", call(setuid, 30), EPERM);
	fails("setuid to root", call(setuid, 0), EPERM);
	fails("setgid without the right", call(setgid, 5), EPERM);
	fails("setresgid without the right", call(setresgid, 5, 5, 5), EPERM);
	fails("setregid without the right", call(setregid, 5, 5), EPERM);
	fails("setgroups without the right", call(setgroups, 0, NULL), EPERM);
	fails("setuid: -1", call(setuid, -1), EINVAL);
}
static void root_users(void)
{
	works("setuid by root", call(setuid, 77));
	check("sets all three", uids(77, 77, 77));
}
static void root_saved(void)
{
	works("setreuid by root", call(setreuid, -1, 88));
	check("saved follows the effective one only when it differs from the real one",
	      uids(0, 88, 88));
	works("real root may come back", call(setreuid, -1, 0));
	check("so it does", geteuid() == 0);
}
static void groups(void)
{
	gid_t many[100], got[100];

	works("setresgid", call(setresgid, 10, 20, 30));
	check("three group ids", gids(10, 20, 30) && getgid() == 10 && getegid() == 20);
	works("setregid", call(setregid, 40, 50));
	check("sets the saved one too", gids(40, 50, 50));
	works("setgid by root", call(setgid, 60));
	check("sets all", gids(60, 60, 60));
	fails("setgid: -1", call(setgid, -1), EINVAL);
	for (int i = 0; i < 100; i++)
		many[i] = 1000 + (i * 37) % 100;
	works("setgroups", call(setgroups, 100, many));
	check("getgroups counts them", call(getgroups, 0, NULL) == 100);
	check("getgroups gives them", call(getgroups, 100, got) == 100);
	fails("getgroups: too small", call(getgroups, 99, got), EINVAL);
	fails("getgroups: bad pointer", call(getgroups, 100, BAD_POINTER), EFAULT);
	fails("setgroups: too many", call(setgroups, 65537, many), EINVAL);
	fails("setgroups: bad pointer", call(setgroups, 5, BAD_POINTER), EFAULT);
	pid_t p = fork();
	int s;
	if (!p)
		_exit(call(getgroups, 0, NULL) == 100 ? 0 : 1);
	waitpid(p, &s, 0);
	check("a child inherits them", exited(s, 0));
	works("no groups", call(setgroups, 0, NULL));
	check("none", call(getgroups, 0, NULL) == 0);
	fails("getresuid: bad pointer", call(getresuid, BAD_POINTER, got, got), EFAULT);
	fails("getresgid: bad pointer", call(getresgid, got, BAD_POINTER, got), EFAULT);
}
static void killing(void)
{
	int p[2], s;
	char c;

	pipe(p);
	pid_t child = fork();
	if (!child) {
		call(setresuid, 10, 20, 30);
		write(p[1], "x", 1);
		for (;;)
			pause();
	}
	read(p[0], &c, 1);
	pid_t q = fork();
	if (!q) {
		call(setresuid, 20, 20, 20); /* the target's effective id gives no right */
		bool no = kill(child, 0) == -1 && errno == EPERM;
		_exit(!no);
	}
	waitpid(q, &s, 0);
	check("kill: the target's effective id does not count", exited(s, 0));
	q = fork();
	if (!q) {
		call(setresuid, 99, 30, 99); /* its saved id does */
		_exit(kill(child, 0) != 0);
	}
	waitpid(q, &s, 0);
	check("kill: its saved id does", exited(s, 0));
	q = fork();
	if (!q) {
		call(setresuid, 10, 99, 99); /* as does our real one */
		_exit(kill(child, 0) != 0);
	}
	waitpid(q, &s, 0);
	check("kill: our real id counts", exited(s, 0));
	q = fork();
	if (!q) {
		call(setresuid, 55, 55, 55);
		_exit(kill(child, SIGCONT) == 0 && kill(child, 0) == -1 && errno == EPERM ? 0 : 1);
	}
	waitpid(q, &s, 0);
	check("kill: within the session all may send SIGCONT", exited(s, 0));
	kill(child, SIGKILL);
	waitpid(child, &s, 0);
}

int main(void)
{
	char buf[4];
	int fd = creat("created", 0640);
	struct stat st;

	check("creat", fd >= 0 && write(fd, "abc", 3) == 3 && !fstat(fd, &st) &&
			       (st.st_mode & 0777) == 0640);
	fails("creat is for writing only", read(fd, buf, 1), EBADF);
	close(fd);
	fd = syscall(SYS_creat, "created", 0777);
	check("creat again cuts and keeps the mode",
	      !fstat(fd, &st) && st.st_size == 0 && (st.st_mode & 0777) == 0640);
	close(fd);
	fails("pwrite64: negative", syscall(SYS_pwrite64, fd, "x", 1, -1l), EINVAL);
	fails("pread64: bad descriptor", syscall(SYS_pread64, 999, buf, 1, 0l), EBADF);
	fails("fadvise64: bad descriptor", syscall(SYS_fadvise64, 999, 0l, 0l, 0), EBADF);
	if (geteuid()) {
		skip("identities");
		return 0;
	}
	check("users", exited(in_child(users), 0));
	check("root's setuid", exited(in_child(root_users), 0));
	check("root's setreuid", exited(in_child(root_saved), 0));
	check("groups", exited(in_child(groups), 0));
	check("who may kill", exited(in_child(killing), 0));
	return 0;
}
