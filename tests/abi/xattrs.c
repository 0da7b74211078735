/* Extended attributes: names, sizes, flags, name spaces, permissions, and what carries them. */
#include "abi.h"
#include <sys/xattr.h>
#include <grp.h>

static int user_ns; /* the file system keeps user.* attributes */

static void values(int fd)
{
	char buf[100];

	works("set", setxattr("f", "user.one", "value", 5, 0));
	check("get", getxattr("f", "user.one", buf, sizeof(buf)) == 5 && !memcmp(buf, "value", 5));
	check("size 0 asks for the size", getxattr("f", "user.one", NULL, 0) == 5);
	fails("get: too small", getxattr("f", "user.one", buf, 3), ERANGE);
	fails("get: not there", getxattr("f", "user.none", buf, sizeof(buf)), ENODATA);
	fails("XATTR_CREATE on existing", setxattr("f", "user.one", "x", 1, XATTR_CREATE), EEXIST);
	fails("XATTR_REPLACE on missing", setxattr("f", "user.two", "x", 1, XATTR_REPLACE),
	      ENODATA);
	works("XATTR_REPLACE", setxattr("f", "user.one", "new", 3, XATTR_REPLACE));
	works("XATTR_CREATE", setxattr("f", "user.two", "2", 1, XATTR_CREATE));
	check("replaced",
	      getxattr("f", "user.one", buf, sizeof(buf)) == 3 && !memcmp(buf, "new", 3));
	works("empty value", setxattr("f", "user.empty", NULL, 0, 0));
	check("empty value reads as empty", getxattr("f", "user.empty", buf, sizeof(buf)) == 0);
	fails("bad flags", setxattr("f", "user.one", "x", 1, 99), EINVAL);
	fails("empty name", setxattr("f", "", "x", 1, 0), ERANGE);
	char longname[300] = "user.";
	memset(longname + 5, 'n', 255);
	longname[260] = 0;
	fails("name too long", setxattr("f", longname, "x", 1, 0), ERANGE);
	longname[255] = 0;
	works("name of 255", setxattr("f", longname, "x", 1, 0));
	works("remove it", removexattr("f", longname));
	fails("value too big", setxattr("f", "user.big", "x", 65537, 0), E2BIG);
	fails("no such name space", setxattr("f", "nonsense.one", "x", 1, 0), EOPNOTSUPP);
	fails("no name space", setxattr("f", "plain", "x", 1, 0), EOPNOTSUPP);
	fails("bad name pointer", setxattr("f", BAD_POINTER, "x", 1, 0), EFAULT);
	fails("bad value pointer", setxattr("f", "user.one", BAD_POINTER, 8, 0), EFAULT);
	fails("get: bad buffer", getxattr("f", "user.one", BAD_POINTER, 8), EFAULT);
	fails("get: no file", getxattr("nothing", "user.one", buf, 8), ENOENT);
	works("fsetxattr", fsetxattr(fd, "user.three", "33", 2, 0));
	check("fgetxattr", fgetxattr(fd, "user.three", buf, 8) == 2);
	fails("fgetxattr: bad descriptor", fgetxattr(999, "user.three", buf, 8), EBADF);
	int path = open("f", O_PATH);
	fails("fgetxattr: O_PATH", fgetxattr(path, "user.three", buf, 8), EBADF);
	close(path);
}

static bool has(const char *list, ssize_t n, const char *name)
{
	for (const char *p = list; p < list + n; p += strlen(p) + 1)
		if (!strcmp(p, name))
			return true;
	return false;
}

static void listing(int fd)
{
	char list[1000];
	ssize_t n = listxattr("f", list, sizeof(list));

	check("list has all", n > 0 && has(list, n, "user.one") && has(list, n, "user.two") &&
				      has(list, n, "user.empty") && has(list, n, "user.three"));
	check("size of the list", listxattr("f", NULL, 0) == n);
	fails("list: too small", listxattr("f", list, 3), ERANGE);
	check("flistxattr", flistxattr(fd, list, sizeof(list)) == n);
	fails("list: bad pointer", listxattr("f", BAD_POINTER, 1000), EFAULT);
	works("removexattr", removexattr("f", "user.two"));
	fails("removed", removexattr("f", "user.two"), ENODATA);
	works("fremovexattr", fremovexattr(fd, "user.three"));
	n = listxattr("f", list, sizeof(list));
	check("gone from the list",
	      !has(list, n, "user.two") && !has(list, n, "user.three") && has(list, n, "user.one"));
	link("f", "hardlink");
	check("a hard link has them", getxattr("hardlink", "user.one", list, 100) == 3);
	rename("hardlink", "renamed");
	check("renaming keeps them", getxattr("renamed", "user.one", list, 100) == 3);
	unlink("renamed");
}

static void links(void)
{
	char buf[10];

	symlink("f", "sym");
	check("getxattr follows", getxattr("sym", "user.one", buf, 10) == 3);
	fails("user.* on a symlink", lsetxattr("sym", "user.one", "x", 1, 0), EPERM);
	fails("lgetxattr does not follow", lgetxattr("sym", "user.one", buf, 10), ENODATA);
	check("llistxattr of a symlink", llistxattr("sym", buf, 10) == 0);
	mkfifo("fifo", 0644);
	fails("user.* on a FIFO", setxattr("fifo", "user.one", "x", 1, 0), EPERM);
	mkdir("d", 0755);
	works("user.* on a directory", setxattr("d", "user.one", "x", 1, 0));
	if (geteuid()) {
		skip("trusted.* on a symlink");
		skip("trusted.* reads back");
		skip("trusted.* is removed");
		return;
	}
	works("trusted.* on a symlink", lsetxattr("sym", "trusted.t", "t", 1, 0));
	check("trusted.* reads back", lgetxattr("sym", "trusted.t", buf, 10) == 1);
	works("trusted.* is removed", lremovexattr("sym", "trusted.t"));
}

static void as_user(void)
{
	char buf[100];

	setgroups(0, NULL);
	setresgid(1000, 1000, 1000);
	setresuid(1000, 1000, 1000);
	fails("user.* needs write permission", setxattr("f", "user.one", "x", 1, 0), EACCES);
	check("reading needs read permission", getxattr("f", "user.one", buf, 100) == 3);
	fails("an unreadable file", getxattr("closed", "user.one", buf, 100), EACCES);
	fails("trusted.* is root's to write", setxattr("mine", "trusted.one", "x", 1, 0), EPERM);
	fails("trusted.* does not show", getxattr("shown", "trusted.one", buf, 100), ENODATA);
	ssize_t n = listxattr("shown", buf, 100);
	check("nor in the list", n >= 0 && !has(buf, n, "trusted.one"));
	works("one's own file", setxattr("mine", "user.one", "x", 1, 0));
	fails("sticky directory of another", setxattr("sticky", "user.one", "x", 1, 0), EPERM);
	uint32_t caps[5] = {0x02000000, 1};
	fails("security.capability needs a capability",
	      setxattr("mine", "security.capability", caps, sizeof(caps), 0), EPERM);
}

int main(void)
{
	int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644);

	user_ns = setxattr("f", "user.probe", "x", 1, 0) == 0;
	if (!user_ns) {
		skip("user attributes");
		return 0;
	}
	removexattr("f", "user.probe");
	values(fd);
	listing(fd);
	links();
	if (!geteuid()) {
		setxattr("f", "user.one", "abc", 3, 0);
		close(open("closed", O_RDWR | O_CREAT, 0600));
		setxattr("closed", "user.one", "abc", 3, 0);
		close(open("mine", O_RDWR | O_CREAT, 0644));
		chown("mine", 1000, 1000);
		close(open("shown", O_RDWR | O_CREAT, 0644));
		setxattr("shown", "trusted.one", "abc", 3, 0);
		mkdir("sticky", 0777);
		chmod("sticky", 01777);
		check("runs as a user", exited(in_child(as_user), 0));
	} else {
		skip("runs as a user");
	}
	return 0;
}
