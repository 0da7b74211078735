/* Directories and names: mkdir, rmdir, rename, link, unlink, getdents, getcwd. */
#include "abi.h"
#include <dirent.h>
#include <sys/syscall.h>
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE	 2
#endif

static void touch(const char *name)
{
	close(open(name, O_CREAT | O_WRONLY, 0644));
}

int main(void)
{
	struct stat st;
	char buf[4096], home[4096];

	works("mkdir", mkdir("d", 0755));
	fails("mkdir: exists", mkdir("d", 0755), EEXIST);
	fails("mkdir: no parent", mkdir("x/y", 0755), ENOENT);
	fails("mkdir: dot", mkdir("d/.", 0755), EEXIST);
	works("mkdir with slash", mkdir("d/e/", 0755));
	check("link count of a directory", !stat("d", &st) && st.st_nlink == 3);
	fails("rmdir: not empty", rmdir("d"), ENOTEMPTY);
	fails("rmdir: dot", rmdir("d/."), EINVAL);
	fails("rmdir: root", rmdir("/"), EBUSY);
	fails("unlink: directory", unlink("d"), EISDIR);
	touch("f");
	fails("rmdir: file", rmdir("f"), ENOTDIR);
	fails("unlink: trailing slash", unlink("f/"), ENOTDIR);
	works("rmdir", rmdir("d/e"));
	check("link count fell", !stat("d", &st) && st.st_nlink == 2);

	works("rename file", rename("f", "g"));
	fails("old name is gone", access("f", F_OK), ENOENT);
	touch("h");
	works("rename over a file", rename("g", "h"));
	fails("rename: file over directory", rename("h", "d"), EISDIR);
	fails("rename: directory over file", rename("d", "h"), ENOTDIR);
	mkdir("e", 0755);
	works("rename: directory over empty directory", rename("d", "e"));
	mkdir("e/sub", 0755);
	mkdir("k", 0755);
	fails("rename: over a full directory", rename("k", "e"), ENOTEMPTY);
	fails("rename: into itself", rename("e", "e/sub/x"), EINVAL);
	fails("rename: not there", rename("nothing", "x"), ENOENT);
	link("h", "h2");
	works("rename: same inode", rename("h", "h2"));
	check("both names stay", !access("h", F_OK) && !access("h2", F_OK));
	fails("RENAME_NOREPLACE",
	      syscall(SYS_renameat2, AT_FDCWD, "h", AT_FDCWD, "h2", RENAME_NOREPLACE), EEXIST);
	works("RENAME_EXCHANGE",
	      syscall(SYS_renameat2, AT_FDCWD, "h", AT_FDCWD, "e", RENAME_EXCHANGE));
	check("they changed places",
	      !stat("h", &st) && S_ISDIR(st.st_mode) && !stat("e", &st) && S_ISREG(st.st_mode));
	fails("renameat2: bad flags", syscall(SYS_renameat2, AT_FDCWD, "h", AT_FDCWD, "e", 99),
	      EINVAL);
	rename("h", "dir");
	rename("e", "file");

	fails("link: directory", link("dir", "dir2"), EPERM);
	fails("link: exists", link("file", "h2"), EEXIST);
	works("symlink", symlink("dir/sub", "s"));
	fails("symlink: exists", symlink("x", "s"), EEXIST);
	fails("symlink: empty target", symlink("", "s2"), ENOENT);
	check("readlink", readlink("s", buf, sizeof(buf)) == 7 && !memcmp(buf, "dir/sub", 7));
	check("readlink cut", readlink("s", buf, 3) == 3);
	fails("readlink: no link", readlink("file", buf, 10), EINVAL);
	fails("readlink: size 0", syscall(SYS_readlink, "s", buf, 0), EINVAL);

	getcwd(home, sizeof(home));
	works("chdir", chdir("s"));
	check("getcwd through a symlink", getcwd(buf, sizeof(buf)) && strlen(buf) > 8 &&
						  !strcmp(buf + strlen(buf) - 8, "/dir/sub"));
	check("dot dot", !stat("../sub", &st) && S_ISDIR(st.st_mode));
	chdir(home);
	fails("getcwd: too small", syscall(SYS_getcwd, buf, 1), ERANGE);
	fails("chdir: file", chdir("file"), ENOTDIR);
	int fd = open("dir", O_RDONLY | O_DIRECTORY);
	works("fchdir", fchdir(fd));
	chdir(home);
	works("openat", close(openat(fd, "made", O_CREAT | O_WRONLY, 0600)));
	works("mkdirat", mkdirat(fd, "deep", 0700));
	works("unlinkat", unlinkat(fd, "made", 0));
	works("unlinkat AT_REMOVEDIR", unlinkat(fd, "deep", AT_REMOVEDIR));
	fails("unlinkat: bad flag", unlinkat(fd, "deep", 77), EINVAL);

	mkdir("many", 0755);
	for (int i = 0; i < 300; i++) {
		snprintf(buf, sizeof(buf), "many/entry-with-a-name-%d", i);
		touch(buf);
	}
	DIR *d = opendir("many");
	int n = 0, dots = 0;
	for (struct dirent *e; (e = readdir(d));) {
		n++;
		dots += e->d_name[0] == '.';
		if (n == 100)
			unlink("many/entry-with-a-name-7");
	}
	check("readdir sees all", n >= 301 && n <= 302 && dots == 2);
	rewinddir(d);
	for (n = 0; readdir(d);)
		n++;
	check("rewinddir", n == 301);
	closedir(d);
	fd = open("many", O_RDONLY);
	fails("getdents64: buffer too small", syscall(SYS_getdents64, fd, buf, 4), EINVAL);
	fails("getdents64: bad pointer", syscall(SYS_getdents64, fd, BAD_POINTER, 4096), EFAULT);
	close(fd);
	fd = open("file", O_RDONLY);
	fails("getdents64: file", syscall(SYS_getdents64, fd, buf, 4096), ENOTDIR);
	unlink("file");
	check("unlinked but open", !fstat(fd, &st) && st.st_nlink <= 1);
	close(fd);

	works("mkfifo", mkfifo("fifo", 0600));
	check("a FIFO", !stat("fifo", &st) && S_ISFIFO(st.st_mode));
	fails("FIFO: writer without reader", open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
	works("FIFO: reader does not block", fd = open("fifo", O_RDONLY | O_NONBLOCK));
	int w = open("fifo", O_WRONLY | O_NONBLOCK);
	check("FIFO carries", write(w, "ab", 2) == 2 && read(fd, buf, 10) == 2);
	close(w);
	check("FIFO end of file", read(fd, buf, 10) == 0);
	fails("mknod: bad type", mknod("odd", 0170000, 0), EINVAL);
	if (geteuid()) {
		skip("mknod: device needs a capability");
	} else {
		check("mknod: device needs a capability", ({
			      pid_t p = fork();
			      if (p == 0) {
				      setuid(1000);
				      chdir("/tmp");
				      _exit(mknod("dev-abi", S_IFCHR | 0600, 0x103) == -1 &&
							    errno == EPERM
						    ? 0
						    : 1);
			      }
			      int s;
			      waitpid(p, &s, 0);
			      exited(s, 0);
		      }));
	}
	return 0;
}
