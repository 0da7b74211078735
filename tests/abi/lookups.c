/* Path lookup at its limits, and the newer *at calls: openat2, fchmodat2, faccessat2, renames and links. */
#include "abi.h"
#include <dirent.h>
#include <linux/openat2.h>
#include <sys/mount.h>

#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

static long openat2(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	struct open_how how = {flags, mode, resolve};
	return syscall(SYS_openat2, dir, path, &how, sizeof(how));
}
static void make(const char *name)
{
	close(open(name, O_RDWR | O_CREAT, 0644));
}

static void open2(void)
{
	struct {
		struct open_how how;
		uint64_t more;
	} big = {{O_RDONLY, 0, 0}, 0};
	int fd, d;

	mkdir("box", 0755);
	make("box/in");
	make("out");
	symlink("../out", "box/up");
	symlink("/", "box/root");
	symlink("in", "box/rel");
	symlink("/proc/self/cwd", "box/magic");
	d = open("box", O_RDONLY | O_DIRECTORY);
	works("openat2", fd = openat2(d, "in", O_RDONLY, 0, 0));
	close(fd);
	works("RESOLVE_BENEATH: inside", fd = openat2(d, "rel", O_RDONLY, 0, RESOLVE_BENEATH));
	close(fd);
	fails("RESOLVE_BENEATH: dot dot", openat2(d, "../out", O_RDONLY, 0, RESOLVE_BENEATH),
	      EXDEV);
	fails("RESOLVE_BENEATH: absolute", openat2(d, "/", O_RDONLY, 0, RESOLVE_BENEATH), EXDEV);
	fails("RESOLVE_BENEATH: symlink out", openat2(d, "up", O_RDONLY, 0, RESOLVE_BENEATH),
	      EXDEV);
	fails("RESOLVE_BENEATH: absolute symlink", openat2(d, "root", O_RDONLY, 0, RESOLVE_BENEATH),
	      EXDEV);
	works("RESOLVE_IN_ROOT: slash is the directory",
	      fd = openat2(d, "/in", O_RDONLY, 0, RESOLVE_IN_ROOT));
	close(fd);
	works("RESOLVE_IN_ROOT: dot dot stays",
	      fd = openat2(d, "../../in", O_RDONLY, 0, RESOLVE_IN_ROOT));
	close(fd);
	works("RESOLVE_IN_ROOT: absolute symlink",
	      fd = openat2(d, "root/in", O_RDONLY, 0, RESOLVE_IN_ROOT));
	close(fd);
	fails("RESOLVE_IN_ROOT: symlink out", openat2(d, "up", O_RDONLY, 0, RESOLVE_IN_ROOT),
	      ENOENT);
	fails("RESOLVE_NO_SYMLINKS", openat2(d, "rel", O_RDONLY, 0, RESOLVE_NO_SYMLINKS), ELOOP);
	works("RESOLVE_NO_SYMLINKS: O_PATH of it",
	      fd = openat2(d, "rel", O_PATH | O_NOFOLLOW, 0, RESOLVE_NO_SYMLINKS));
	close(fd);
	fails("RESOLVE_NO_MAGICLINKS", openat2(d, "magic/out", O_RDONLY, 0, RESOLVE_NO_MAGICLINKS),
	      ELOOP);
	works("magic link", fd = openat2(d, "magic/out", O_RDONLY, 0, 0));
	close(fd);
	fails("RESOLVE_NO_XDEV", openat2(AT_FDCWD, "/proc/self/stat", O_RDONLY, 0, RESOLVE_NO_XDEV),
	      EXDEV);
	fails("openat2: unknown flag", openat2(d, "in", 1ull << 40, 0, 0), EINVAL);
	fails("openat2: unknown resolve", openat2(d, "in", O_RDONLY, 0, 1 << 20), EINVAL);
	fails("openat2: mode without creation", openat2(d, "in", O_RDONLY, 0644, 0), EINVAL);
	fails("openat2: mode out of range", openat2(d, "n", O_CREAT | O_RDWR, 0200000, 0), EINVAL);
	fails("openat2: O_PATH with others", openat2(d, "in", O_PATH | O_RDWR, 0, 0), EINVAL);
	fails("openat2: beneath and in root",
	      openat2(d, "in", O_RDONLY, 0, RESOLVE_BENEATH | RESOLVE_IN_ROOT), EINVAL);
	fails("openat2: too small", syscall(SYS_openat2, d, "in", &big, 8), EINVAL);
	works("openat2: bigger with zeroes", fd = syscall(SYS_openat2, d, "in", &big, sizeof(big)));
	close(fd);
	big.more = 1;
	fails("openat2: bigger with content", syscall(SYS_openat2, d, "in", &big, sizeof(big)),
	      E2BIG);
	fails("openat2: bad pointer", syscall(SYS_openat2, d, "in", BAD_POINTER, 24), EFAULT);
	fails("openat2: dirfd is a file", openat2(fd = open("out", O_RDONLY), "in", O_RDONLY, 0, 0),
	      ENOTDIR);
	close(fd);
	close(d);
}

static void modes(void)
{
	struct stat st;
	int fd = open("out", O_PATH);

	works("fchmodat2", syscall(SYS_fchmodat2, AT_FDCWD, "out", 0600, 0));
	check("mode changed", !stat("out", &st) && (st.st_mode & 07777) == 0600);
	works("fchmodat2 AT_EMPTY_PATH", syscall(SYS_fchmodat2, fd, "", 0640, AT_EMPTY_PATH));
	check("mode changed again", !stat("out", &st) && (st.st_mode & 07777) == 0640);
	fails("fchmodat2: symlink itself",
	      syscall(SYS_fchmodat2, AT_FDCWD, "box/rel", 0600, AT_SYMLINK_NOFOLLOW), EOPNOTSUPP);
	works("fchmodat2: file with AT_SYMLINK_NOFOLLOW",
	      syscall(SYS_fchmodat2, AT_FDCWD, "out", 0644, AT_SYMLINK_NOFOLLOW));
	fails("fchmodat2: bad flags", syscall(SYS_fchmodat2, AT_FDCWD, "out", 0600, 0x8000),
	      EINVAL);
	fails("fchmodat2: not there", syscall(SYS_fchmodat2, AT_FDCWD, "nothing", 0600, 0), ENOENT);
	fails("fchmod: O_PATH", syscall(SYS_fchmod, fd, 0600), EBADF);
	works("fchmodat", syscall(SYS_fchmodat, AT_FDCWD, "box/rel", 0600));
	check("fchmodat follows", !stat("box/in", &st) && (st.st_mode & 07777) == 0600);
	works("faccessat2", syscall(SYS_faccessat2, AT_FDCWD, "out", R_OK, 0));
	works("faccessat2 AT_EACCESS", syscall(SYS_faccessat2, AT_FDCWD, "out", R_OK, AT_EACCESS));
	works("faccessat2 AT_EMPTY_PATH", syscall(SYS_faccessat2, fd, "", R_OK, AT_EMPTY_PATH));
	works("faccessat2 AT_SYMLINK_NOFOLLOW",
	      syscall(SYS_faccessat2, AT_FDCWD, "loop", F_OK, AT_SYMLINK_NOFOLLOW));
	fails("faccessat2: follows", syscall(SYS_faccessat2, AT_FDCWD, "loop", F_OK, 0), ELOOP);
	fails("faccessat2: bad flags", syscall(SYS_faccessat2, AT_FDCWD, "out", R_OK, 0x8000),
	      EINVAL);
	fails("faccessat2: bad mode", syscall(SYS_faccessat2, AT_FDCWD, "out", 8, 0), EINVAL);
	works("faccessat", syscall(SYS_faccessat, AT_FDCWD, "out", R_OK));
	close(fd);
}

static void loops(void)
{
	char from[20], to[20];

	make("end");
	symlink("end", "l1");
	for (int i = 2; i <= 41; i++) {
		snprintf(from, sizeof(from), "l%d", i);
		snprintf(to, sizeof(to), "l%d", i - 1);
		symlink(to, from);
	}
	works("40 symlinks", access("l40", F_OK));
	fails("41 symlinks", access("l41", F_OK), ELOOP);
	fails("a loop in the middle", access("loop/x", F_OK), ELOOP);
	fails("mkdir on a dangling symlink", ({
		      symlink("gone", "dangling");
		      mkdir("dangling", 0755);
	      }),
	      EEXIST);
	fails("O_EXCL on a dangling symlink", open("dangling", O_CREAT | O_EXCL | O_RDWR, 0644),
	      EEXIST);
	fails("slash behind a symlink to a file", access("l1/", F_OK), ENOTDIR);
	fails("dot behind a file", access("end/.", F_OK), ENOTDIR);
	char buf[10];
	struct stat st;
	check("lstat with slash follows", ({
		      mkdir("dir", 0755);
		      symlink("dir", "dl");
		      !lstat("dl/", &st) && S_ISDIR(st.st_mode);
	      }));
	fails("readlink with slash", readlink("dl/", buf, 10), EINVAL);
	fails("rmdir of a symlink with slash", rmdir("dl/"), ENOTDIR);
	fails("rmdir of a symlink", rmdir("dl"), ENOTDIR);
	fails("unlink with slash", unlink("end/"), ENOTDIR);
	works("many slashes", access(".////dir///..//./end", F_OK));
	check("root's parent is root", ({
		      struct stat a, b;
		      !stat("/", &a) && !stat("/..", &b) && a.st_ino == b.st_ino;
	      }));
}

static void names(void)
{
	char name[300], path[5000];
	struct stat st;

	memset(name, 'n', sizeof(name));
	name[255] = 0;
	works("name of 255", open(name, O_CREAT | O_RDWR, 0644));
	check("reads back in the directory", ({
		      DIR *d = opendir(".");
		      struct dirent *e;
		      bool found = false;
		      while ((e = readdir(d)))
			      found |= !strcmp(e->d_name, name);
		      closedir(d);
		      found;
	      }));
	name[255] = 'n', name[256] = 0;
	fails("name of 256", open(name, O_CREAT | O_RDWR, 0644), ENAMETOOLONG);
	fails("mkdir of 256", mkdir(name, 0755), ENAMETOOLONG);
	fails("rename to 256", rename("end", name), ENAMETOOLONG);
	fails("symlink named 256", symlink("x", name), ENAMETOOLONG);
	memset(path, '/', sizeof(path));
	for (int i = 0; i < 4094; i += 2)
		path[i] = '.';
	path[4095] = 0;
	path[4094] = '.';
	works("path of 4095", stat(path, &st));
	memset(path + 4095, '/', 1);
	path[4096] = 0;
	fails("path of 4096", stat(path, &st), ENAMETOOLONG);
	memset(path, 'x', 4095);
	path[4095] = 0;
	works("symlink of 4095", symlink(path, "longlink"));
	check("its length", !lstat("longlink", &st) && st.st_size == 4095);
	path[4095] = 'x', path[4096] = 0;
	fails("symlink of 4096", symlink(path, "longlink2"), ENAMETOOLONG);
	char odd[] = "\xff\x01 \n\t*?";
	works("odd bytes in a name", open(odd, O_CREAT | O_RDWR, 0644));
	works("and it is found", access(odd, F_OK));
	unlink(odd);
}

static void renaming(void)
{
	make("r1"), make("r2");
	mkdir("rd", 0755);
	fails("rename: dot", rename("rd/.", "x"), EBUSY);
	fails("rename: to dot dot", rename("r1", "rd/.."), EBUSY);
	fails("rename: file with slash", rename("r1/", "r3"), ENOTDIR);
	fails("rename: file to a name with slash", rename("r1", "r3/"), ENOTDIR);
	works("rename: directory to a name with slash", rename("rd", "rd2/"));
	fails("rename: empty", rename("", "x"), ENOENT);
	fails("RENAME_NOREPLACE and EXCHANGE",
	      syscall(SYS_renameat2, AT_FDCWD, "r1", AT_FDCWD, "r2", 3), EINVAL);
	fails("RENAME_EXCHANGE with nothing",
	      syscall(SYS_renameat2, AT_FDCWD, "r1", AT_FDCWD, "none", 2), ENOENT);
	works("RENAME_EXCHANGE of a file and a directory",
	      syscall(SYS_renameat2, AT_FDCWD, "r1", AT_FDCWD, "rd2", 2));
	struct stat st;
	check("exchanged", !stat("r1", &st) && S_ISDIR(st.st_mode) && st.st_nlink == 2);
	mkdir("r1/sub", 0755);
	fails("RENAME_EXCHANGE with its own parent",
	      syscall(SYS_renameat2, AT_FDCWD, "r1/sub", AT_FDCWD, "r1", 2), EINVAL);
	mkdir("p1", 0755), mkdir("p2", 0755), mkdir("p1/kid", 0755);
	works("a directory to another parent", rename("p1/kid", "p2/kid"));
	check("link counts move", ({
		      struct stat a, b;
		      !stat("p1", &a) && !stat("p2", &b) && a.st_nlink == 2 && b.st_nlink == 3;
	      }));
	check("dot dot moves", ({
		      struct stat a, b;
		      !stat("p2/kid/..", &a) && !stat("p2", &b) && a.st_ino == b.st_ino;
	      }));
	fails("rename over mounts", rename("r2", "/proc/x"), EXDEV);
	fails("link over mounts", link("r2", "/dev/abi-x"), EXDEV);
	int fd = open("r2", O_PATH);
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	works("linkat AT_SYMLINK_FOLLOW through /proc/self/fd",
	      linkat(AT_FDCWD, path, AT_FDCWD, "r4", AT_SYMLINK_FOLLOW));
	fails("linkat: bad flags", linkat(AT_FDCWD, "r2", AT_FDCWD, "r5", 0x8000), EINVAL);
	symlink("r2", "rs");
	works("linkat: symlink itself", linkat(AT_FDCWD, "rs", AT_FDCWD, "rs2", 0));
	check("it is a symlink", !lstat("rs2", &st) && S_ISLNK(st.st_mode) && st.st_nlink == 2);
	works("linkat: follow", linkat(AT_FDCWD, "rs", AT_FDCWD, "r6", AT_SYMLINK_FOLLOW));
	check("it is the file", !lstat("r6", &st) && S_ISREG(st.st_mode) && st.st_nlink == 3);
	fails("linkat: not there", link("none", "r7"), ENOENT);
	close(fd);
	fd = open(".", O_TMPFILE | O_RDWR, 0644);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	works("linkat of O_TMPFILE", linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	check("it has a name", !stat("named", &st) && st.st_nlink == 1);
	close(fd);
	fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0644);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fails("linkat of O_TMPFILE with O_EXCL",
	      linkat(AT_FDCWD, path, AT_FDCWD, "named2", AT_SYMLINK_FOLLOW), ENOENT);
	close(fd);
	fails("O_TMPFILE read-only", open(".", O_TMPFILE | O_RDONLY, 0644), EINVAL);
	fails("O_TMPFILE on a file", open("r2", O_TMPFILE | O_RDWR, 0644), ENOTDIR);
	fails("unlinkat: dot", unlinkat(AT_FDCWD, ".", AT_REMOVEDIR), EINVAL);
	fails("unlinkat: dot dot", unlinkat(AT_FDCWD, "p2/..", AT_REMOVEDIR), ENOTEMPTY);
	works("symlinkat", symlinkat("r2", AT_FDCWD, "sa"));
	char buf[4];
	check("readlinkat", readlinkat(AT_FDCWD, "sa", buf, 4) == 2);
	fd = open("sa", O_PATH | O_NOFOLLOW);
	check("readlinkat of a descriptor", readlinkat(fd, "", buf, 4) == 2);
	close(fd);
	fails("symlinkat: not a directory", symlinkat("x", fd = open("r2", O_RDONLY), "y"),
	      ENOTDIR);
	fails("renameat: bad descriptor", renameat(999, "a", AT_FDCWD, "b"), EBADF);
	fails("mkdirat: bad descriptor", mkdirat(999, "a", 0755), EBADF);
	fails("mknodat: exists", mknodat(AT_FDCWD, "r2", S_IFIFO | 0644, 0), EEXIST);
	works("mknodat: regular file", mknodat(AT_FDCWD, "mkreg", S_IFREG | 0644, 0));
	works("mknod: type 0 is a file", mknod("mkreg0", 0644, 0));
	check("so they are", !stat("mkreg", &st) && S_ISREG(st.st_mode) && !stat("mkreg0", &st) &&
				     S_ISREG(st.st_mode));
	works("mknod: socket", mknod("sock", S_IFSOCK | 0644, 0));
	fails("opening a socket file", open("sock", O_RDWR), ENXIO);
	fails("mknod: directory", mknod("mkd", S_IFDIR | 0755, 0), EPERM);
}

static void gone(void)
{
	char buf[100];
	int out = open(".", O_RDONLY);

	mkdir("leaving", 0755);
	chdir("leaving");
	rmdir("../leaving");
	fails("getcwd of a deleted directory", syscall(SYS_getcwd, buf, sizeof(buf)), ENOENT);
	fails("creating in it", open("x", O_CREAT | O_RDWR, 0644), ENOENT);
	fails("mkdir in it", mkdir("x", 0755), ENOENT);
	works("dot is still there", access(".", F_OK));
	DIR *d = opendir(".");
	check("it reads empty", d && !readdir(d));
	closedir(d);
	works("dot dot still works", chdir(".."));
	fchdir(out);
	check("and it is where we were", !access("r2", F_OK));
	fails("fchdir: file", fchdir(open("r2", O_RDONLY)), ENOTDIR);
	fails("fchdir: bad descriptor", fchdir(999), EBADF);
	fails("chdir: not there", chdir("none"), ENOENT);
	close(out);
}

int main(void)
{
	symlink("loop", "loop");
	open2();
	modes();
	loops();
	names();
	renaming();
	gone();
	return 0;
}
