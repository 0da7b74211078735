/* Many and deep: a thousand levels, twenty thousand names, directories changed while they are read,
 * many links, statx, file systems' figures. */
#include "abi.h"
#include <dirent.h>
#include <linux/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <utime.h>

#define DEPTH 1000
#define NAMES 20000

static void deep(void)
{
	char cwd[8192];
	int out = open(".", O_RDONLY), i;
	bool ok = true;

	for (i = 0; i < DEPTH && ok; i++)
		ok = !mkdir("0123456789", 0755) && !chdir("0123456789");
	check("a thousand levels", ok && i == DEPTH);
	close(open("bottom", O_CREAT | O_RDWR, 0644));
	fails("getcwd does not fit a page", syscall(SYS_getcwd, cwd, sizeof(cwd)), ENAMETOOLONG);
	works("dot works", access("./bottom", F_OK));
	unlink("bottom");
	for (i = 0; i < DEPTH && ok; i++)
		ok = !chdir("..") && !rmdir("0123456789");
	check("and up again", ok && i == DEPTH);
	struct stat a, b;
	check("where it began", !stat(".", &a) && !fstat(out, &b) && a.st_ino == b.st_ino);
	close(out);
}

static void wide(void)
{
	char name[40];
	static char seen[NAMES];
	int n = 0, twice = 0;
	bool ok = true;

	mkdir("wide", 0755);
	int dir = open("wide", O_RDONLY | O_DIRECTORY);
	for (int i = 0; i < NAMES && ok; i++) {
		snprintf(name, sizeof(name), "file-%d", i);
		ok = !mknodat(dir, name, S_IFREG | 0644, 0);
	}
	check("twenty thousand names", ok);
	DIR *d = opendir("wide");
	struct dirent *e;
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		int i = atoi(e->d_name + 5);
		twice += seen[i]++;
		n++;
	}
	check("all are read, once", n == NAMES && !twice);
	closedir(d);
	fails("it is not empty", rmdir("wide"), ENOTEMPTY);
	/* Remove half while reading: what stays is seen exactly once. */
	memset(seen, 0, sizeof(seen));
	d = opendir("wide");
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		int i = atoi(e->d_name + 5);
		if (i % 2) {
			snprintf(name, sizeof(name), "file-%d", i);
			unlinkat(dir, name, 0);
		} else {
			seen[i]++;
		}
	}
	closedir(d);
	n = 0;
	for (int i = 0; i < NAMES; i += 2)
		n += seen[i] == 1;
	check("reading while removing", n == NAMES / 2);
	for (int i = 0; i < NAMES; i++) {
		snprintf(name, sizeof(name), "file-%d", i);
		unlinkat(dir, name, 0);
	}
	works("now it is empty", rmdir("wide"));
	close(dir);
	/* telldir and seekdir */
	mkdir("seek", 0755);
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "seek/%d", i);
		mkdir(name, 0755);
	}
	d = opendir("seek");
	for (int i = 0; i < 20; i++)
		readdir(d);
	long at = telldir(d);
	e = readdir(d);
	int which = atoi(e->d_name);
	for (int i = 0; i < 10; i++)
		readdir(d);
	seekdir(d, at);
	e = readdir(d);
	check("seekdir", e && atoi(e->d_name) == which);
	closedir(d);
	struct stat st;
	check("links of a directory", !stat("seek", &st) && st.st_nlink == 52);
	dir = open("seek", O_RDONLY);
	char buf[512];
	check("getdents", syscall(SYS_getdents, dir, buf, sizeof(buf)) > 0);
	fails("getdents: too small", ({
		      lseek(dir, 0, SEEK_SET);
		      syscall(SYS_getdents, dir, buf, 5);
	      }),
	      EINVAL);
	fails("getdents: bad descriptor", syscall(SYS_getdents64, 999, buf, 100), EBADF);
	close(dir);
}

static void links(void)
{
	char name[40];
	struct stat st;
	bool ok = true;
	int n;

	close(open("many", O_CREAT | O_RDWR, 0644));
	for (n = 0; n < 3000 && ok; n++) {
		snprintf(name, sizeof(name), "l%d", n);
		ok = !link("many", name);
	}
	check("three thousand links", ok && !stat("many", &st) && st.st_nlink == 3001);
	for (n = 0; n < 3000; n++) {
		snprintf(name, sizeof(name), "l%d", n);
		unlink(name);
	}
	check("one again", !stat("many", &st) && st.st_nlink == 1);
	int fd = open("many", O_RDWR);
	unlink("many");
	check("none", !fstat(fd, &st) && st.st_nlink == 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	fails("what has no name gets none",
	      linkat(AT_FDCWD, name, AT_FDCWD, "new", AT_SYMLINK_FOLLOW), ENOENT);
	close(fd);
}

static long statx_(int dir, const char *path, int flags, unsigned mask, struct statx *sx)
{
	return syscall(SYS_statx, dir, path, flags, mask, sx);
}
static void figures(void)
{
	struct statx sx;
	struct stat st, st2;
	int fd = open("fig", O_CREAT | O_RDWR | O_TRUNC, 0640);

	write(fd, "12345", 5);
	works("statx: nothing asked", statx_(AT_FDCWD, "fig", 0, 0, &sx));
	works("statx: all", statx_(AT_FDCWD, "fig", 0, 0xfff, &sx));
	fstat(fd, &st);
	check("statx agrees with stat",
	      sx.stx_ino == st.st_ino && sx.stx_mode == st.st_mode && sx.stx_size == 5 &&
		      sx.stx_blksize == st.st_blksize && sx.stx_uid == st.st_uid &&
		      sx.stx_mtime.tv_sec == st.st_mtim.tv_sec);
	check("its basic mask", (sx.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
	check("time of birth", !(sx.stx_mask & STATX_BTIME) || sx.stx_btime.tv_sec > 1000000000);
	check("device", makedev(sx.stx_dev_major, sx.stx_dev_minor) == st.st_dev);
	fails("statx: reserved mask", statx_(AT_FDCWD, "fig", 0, 0x80000000, &sx), EINVAL);
	fails("statx: bad flags", statx_(AT_FDCWD, "fig", 0x800000, 0xfff, &sx), EINVAL);
	fails("statx: both kinds of sync", statx_(AT_FDCWD, "fig", 0x6000, 0xfff, &sx), EINVAL);
	works("statx: AT_STATX_FORCE_SYNC", statx_(AT_FDCWD, "fig", 0x2000, 0xfff, &sx));
	works("statx: AT_EMPTY_PATH", statx_(fd, "", AT_EMPTY_PATH, 0xfff, &sx));
	fails("statx: empty path", statx_(fd, "", 0, 0xfff, &sx), ENOENT);
	fails("statx: bad pointer", statx_(AT_FDCWD, "fig", 0, 0xfff, BAD_POINTER), EFAULT);
	works("statx: the root of a mount", statx_(AT_FDCWD, "/proc", 0, 0xfff, &sx));
	check("says so", !(sx.stx_attributes_mask & 0x2000) || (sx.stx_attributes & 0x2000));
	/* what moves which time */
	struct timespec old[2] = {{1000, 0}, {1000, 0}};
	futimens(fd, old);
	fstat(fd, &st);
	nap(0.02);
	write(fd, "x", 1);
	fstat(fd, &st2);
	check("write moves mtime and ctime", st2.st_mtim.tv_sec > 1000 &&
						     st2.st_atim.tv_sec == 1000 &&
						     (st2.st_ctim.tv_sec > st.st_ctim.tv_sec ||
						      st2.st_ctim.tv_nsec > st.st_ctim.tv_nsec));
	futimens(fd, old);
	fchmod(fd, 0600);
	fstat(fd, &st2);
	check("chmod moves ctime only", st2.st_mtim.tv_sec == 1000 && st2.st_ctim.tv_sec > 1000);
	mkdir("td", 0755);
	utimensat(AT_FDCWD, "td", old, 0);
	close(open("td/new", O_CREAT | O_RDWR, 0644));
	check("creating moves the directory's mtime",
	      !stat("td", &st2) && st2.st_mtim.tv_sec > 1000);
	utimensat(AT_FDCWD, "td", old, 0);
	rename("td/new", "td/other");
	check("renaming too", !stat("td", &st2) && st2.st_mtim.tv_sec > 1000);
	symlink("fig", "tl");
	works("times of a symlink", utimensat(AT_FDCWD, "tl", old, AT_SYMLINK_NOFOLLOW));
	check("it and not its target", !lstat("tl", &st2) && st2.st_mtim.tv_sec == 1000);
	works("utime", utime("fig", &(struct utimbuf){5, 6}));
	check("utime set", !stat("fig", &st2) && st2.st_atime == 5 && st2.st_mtime == 6);
	works("utimes", utimes("fig", (struct timeval[2]){{7, 8}, {9, 10}}));
	check("utimes set",
	      !stat("fig", &st2) && st2.st_atim.tv_nsec == 8000 && st2.st_mtim.tv_sec == 9);
	works("futimesat",
	      syscall(SYS_futimesat, AT_FDCWD, "fig", (struct timeval[2]){{11, 0}, {12, 0}}));
	fails("utimes: bad microseconds",
	      syscall(SYS_utimes, "fig", (struct timeval[2]){{0, 1000000}, {0, 0}}), EINVAL);
	fails("utime: not there", utime("none", NULL), ENOENT);
	fails("utimensat: bad flags", utimensat(AT_FDCWD, "fig", NULL, 0x8000), EINVAL);
	fails("utimensat: no path, no descriptor", syscall(SYS_utimensat, 999, NULL, NULL, 0),
	      EBADF);
	works("times before 1970",
	      utimensat(AT_FDCWD, "fig", (struct timespec[2]){{-5, 0}, {-6, 500}}, 0));
	check("are kept", !stat("fig", &st2) && st2.st_atim.tv_sec == -5 &&
				  st2.st_mtim.tv_sec == -6 && st2.st_mtim.tv_nsec == 500);
	struct statfs a, b;
	works("statfs", statfs("fig", &a));
	works("fstatfs", fstatfs(fd, &b));
	check("they agree", a.f_type == b.f_type && a.f_blocks == b.f_blocks &&
				    a.f_namelen == 255 && a.f_bsize >= 512 &&
				    a.f_blocks >= a.f_bfree && a.f_bfree >= a.f_bavail);
	check("/proc's kind", !statfs("/proc", &a) && a.f_type == 0x9fa0);
	if (access("/sys/kernel", F_OK))
		skip("/sys's kind"); /* not mounted: a chroot */
	else
		check("/sys's kind", !statfs("/sys", &a) && a.f_type == 0x62656572);
	int p[2];
	pipe(p);
	check("a pipe's", !fstatfs(p[0], &a) && a.f_type == 0x50495045);
	fails("statfs: not there", statfs("none", &a), ENOENT);
	fails("fstatfs: bad descriptor", fstatfs(999, &a), EBADF);
	fails("statfs: bad pointer", syscall(SYS_statfs, "fig", BAD_POINTER), EFAULT);
	check("a pipe's inode", !fstat(p[0], &st) && S_ISFIFO(st.st_mode) && st.st_nlink == 1);
	close(p[0]), close(p[1]), close(fd);
}

int main(void)
{
	deep();
	wide();
	links();
	figures();
	return 0;
}
