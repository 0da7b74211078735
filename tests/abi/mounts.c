/* mount, umount2, chroot, pivot_root: in a mount name space of the test's own where there are such. */
#include "abi.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#define TMPFS 0x01021994

static void put(const char *name, const char *text)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0644);
	write(fd, text, strlen(text));
	close(fd);
}
static bool in_mounts(const char *what)
{
	static char buf[1 << 16];
	int fd = open("/proc/self/mounts", O_RDONLY), n = 0, r;

	while ((r = read(fd, buf + n, sizeof(buf) - 1 - n)) > 0)
		n += r;
	buf[n > 0 ? n : 0] = 0;
	close(fd);
	return strstr(buf, what);
}

static void mounting(void)
{
	struct statfs fs;
	struct stat a, b;

	mkdir("m", 0755);
	put("m/under", "x");
	works("mount tmpfs", mount("abi-a", "m", "tmpfs", 0, NULL));
	check("statfs tells tmpfs", !statfs("m", &fs) && fs.f_type == TMPFS);
	fails("what is under is hidden", access("m/under", F_OK), ENOENT);
	check("another device", !stat("m", &a) && !stat(".", &b) && a.st_dev != b.st_dev);
	check("dot dot leads out",
	      !stat("m/..", &a) && a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	check("in /proc/self/mounts", in_mounts("abi-a "));
	put("m/f", "hello");
	fails("rename out of it", rename("m/f", "f"), EXDEV);
	fails("link out of it", link("m/f", "f"), EXDEV);
	fails("rmdir of a mount point", rmdir("m"), EBUSY);
	fails("rename of a mount point", rename("m", "m2"), EBUSY);
	works("mount over it", mount("abi-b", "m", "tmpfs", 0, "size=1m,mode=0700"));
	check("mode= counts", !stat("m", &a) && (a.st_mode & 07777) == 0700);
	check("size= counts", !statfs("m", &fs) && fs.f_blocks * fs.f_bsize == 1 << 20);
	fails("the upper one hides", access("m/f", F_OK), ENOENT);
	int fd = open("m/big", O_CREAT | O_RDWR, 0644);
	static char big[1 << 19];
	ssize_t total = 0, n;
	while ((n = write(fd, big, sizeof(big))) > 0)
		total += n;
	check("it fills up",
	      n == -1 && errno == ENOSPC && total <= 1 << 20 && total >= (1 << 20) - 65536);
	fails("umount: busy", umount2("m", 0), EBUSY);
	close(fd);
	works("umount", umount("m"));
	works("the lower one is back", access("m/f", F_OK));
	fd = open("m/f", O_RDONLY);
	fails("umount: busy file", umount2("m", 0), EBUSY);
	works("umount MNT_DETACH", umount2("m", MNT_DETACH));
	works("what was under is back", access("m/under", F_OK));
	char c = 0;
	check("the open file lives", read(fd, &c, 1) == 1 && c == 'h');
	close(fd);
	check("not in /proc/self/mounts", !in_mounts("abi-a ") && !in_mounts("abi-b "));
	fails("umount: no mount point", umount("m"), EINVAL);
	fails("umount: not there", umount("none"), ENOENT);
	fails("umount: bad flags", umount2("m", 0x8000), EINVAL);
	fails("umount: bad pointer", syscall(SYS_umount2, BAD_POINTER, 0), EFAULT);
	fails("mount: not there", mount("x", "none", "tmpfs", 0, NULL), ENOENT);
	fails("mount: no such type", mount("x", "m", "nonsense", 0, NULL), ENODEV);
	fails("mount: no type", mount("x", "m", NULL, 0, NULL), EINVAL);
	fails("mount: bad type pointer", mount("x", "m", BAD_POINTER, 0, NULL), EFAULT);
	fails("mount: on a file", mount("x", "m/under", "tmpfs", 0, NULL), ENOTDIR);
	fails("tmpfs: bad option", mount("x", "m", "tmpfs", 0, "nonsense=1"), EINVAL);
}

static void flags(void)
{
	struct statvfs v;
	int fd;

	works("mount read-only",
	      mount("abi-ro", "m", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
	check("statvfs tells the flags",
	      !statvfs("m", &v) && (v.f_flag & (ST_RDONLY | ST_NOSUID)) == (ST_RDONLY | ST_NOSUID));
	fails("read-only: create", open("m/f", O_CREAT | O_RDWR, 0644), EROFS);
	fails("read-only: mkdir", mkdir("m/d", 0755), EROFS);
	fails("read-only: chmod", chmod("m", 0700), EROFS);
	fails("read-only: access", access("m", W_OK), EROFS);
	check("the line tells them", in_mounts("abi-ro ") && in_mounts(" ro,nosuid,nodev,noexec"));
	works("remount", mount(NULL, "m", NULL, MS_REMOUNT, NULL));
	works("now it can be written", fd = open("m/f", O_CREAT | O_RDWR, 0755));
	write(fd, "#!/bin/sh\n", 10);
	fails("remount read-only while a file is written",
	      mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL), EBUSY);
	close(fd);
	works("remount read-only", mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	fails("existing file", open("m/f", O_WRONLY), EROFS);
	works("reading works", fd = open("m/f", O_RDONLY));
	close(fd);
	fails("truncate", truncate("m/f", 0), EROFS);
	fails("unlink", unlink("m/f"), EROFS);
	fails("utimes", utimensat(AT_FDCWD, "m/f", NULL, 0), EROFS);
	works("remount noexec and nodev",
	      mount(NULL, "m", NULL, MS_REMOUNT | MS_NOEXEC | MS_NODEV, NULL));
	fails("noexec", execl("m/f", "f", NULL), EACCES);
	fails("noexec: access", access("m/f", X_OK), EACCES);
	fd = open("m/f", O_RDONLY);
	fails("noexec: mmap", (long)mmap(NULL, 4096, PROT_EXEC | PROT_READ, MAP_PRIVATE, fd, 0),
	      EPERM);
	close(fd);
	if (mknod("m/null", S_IFCHR | 0666, 0x103))
		skip("nodev");
	else
		fails("nodev", open("m/null", O_RDWR), EACCES);
	umount("m");
	fails("remount: no mount point", mount(NULL, "m", NULL, MS_REMOUNT, NULL), EINVAL);
	mount("abi-nosym", "m", "tmpfs", 256 /* MS_NOSYMFOLLOW */, NULL);
	symlink("f", "m/s");
	fails("nosymfollow", open("m/s", O_RDONLY), ELOOP);
	umount("m");
}

static void binds(void)
{
	struct stat a, b;

	mkdir("from", 0755), mkdir("to", 0755);
	put("from/f", "text");
	works("bind", mount("from", "to", NULL, MS_BIND, NULL));
	check("the same file", !stat("from/f", &a) && !stat("to/f", &b) && a.st_ino == b.st_ino &&
				       a.st_dev == b.st_dev);
	put("to/g", "new");
	works("and the same directory", access("from/g", F_OK));
	fails("but another mount: link", link("from/f", "to/h"), EXDEV);
	fails("but another mount: rename", rename("from/f", "to/h"), EXDEV);
	works("remount bind read-only",
	      mount(NULL, "to", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	fails("read-only there", open("to/f", O_WRONLY), EROFS);
	int fd;
	works("writable here", fd = open("from/f", O_WRONLY));
	close(fd);
	umount("to");
	put("target", "");
	works("bind a file", mount("from/f", "target", NULL, MS_BIND, NULL));
	check("it is there", !stat("target", &b) && b.st_ino == a.st_ino);
	fails("unlink of a mount point", unlink("target"), EBUSY);
	umount("target");
	fails("bind a file on a directory", mount("from/f", "to", NULL, MS_BIND, NULL), ENOTDIR);
	fails("bind: not there", mount("none", "to", NULL, MS_BIND, NULL), ENOENT);
	fails("bind: no source", mount(NULL, "to", NULL, MS_BIND, NULL), EINVAL);
	mkdir("from/sub", 0755);
	mount("abi-sub", "from/sub", "tmpfs", 0, NULL);
	put("from/sub/deep", "");
	mount("from", "to", NULL, MS_BIND, NULL);
	fails("a bind does not take mounts below", access("to/sub/deep", F_OK), ENOENT);
	umount("to");
	works("recursive bind", mount("from", "to", NULL, MS_BIND | MS_REC, NULL));
	works("it does", access("to/sub/deep", F_OK));
	fails("umount: with a mount below", umount("to"), EBUSY);
	works("detach all", umount2("to", MNT_DETACH));
	mkdir("moved", 0755);
	works("move a mount", mount("from/sub", "moved", NULL, MS_MOVE, NULL));
	works("it is there now", access("moved/deep", F_OK));
	fails("and not here", access("from/sub/deep", F_OK), ENOENT);
	fails("move: no mount point", mount("from", "to", NULL, MS_MOVE, NULL), EINVAL);
	mkdir("moved/in", 0755);
	fails("move into itself", mount("moved", "moved/in", NULL, MS_MOVE, NULL), ELOOP);
	umount("moved");
}

static void roots(void)
{
	char buf[100];
	int out = open(".", O_RDONLY);
	struct stat st, root;

	mkdir("jail", 0755), mkdir("jail/etc", 0755), put("jail/etc/inside", "");
	symlink("/etc/inside", "jail/link");
	works("chroot", chroot("jail"));
	fails("the outside is not seen from the root", access("/jail", F_OK), ENOENT);
	works("the inside is", access("/etc/inside", F_OK));
	chdir("/");
	works("dot dot stops", access("../../../etc/inside", F_OK));
	works("absolute links start at the new root", access("/link", F_OK));
	check("getcwd is from there", getcwd(buf, sizeof(buf)) && !strcmp(buf, "/"));
	fchdir(out);
	check("outside, getcwd says so",
	      syscall(SYS_getcwd, buf, sizeof(buf)) > 0 && !strncmp(buf, "(unreachable)", 13));
	fails("chroot: not there", chroot("none"), ENOENT);
	fails("chroot: file", chroot("m/under"), ENOTDIR);
	stat("/", &root);
	check("the way out by a descriptor", !stat("jail", &st) && st.st_ino == root.st_ino);
	close(out);
}

/* In a chroot that is a mount of its own: the first root file system cannot be pivoted away. */
static void pivots(void)
{
	struct stat st;

	mkdir("base", 0755);
	mount("abi-base", "base", "tmpfs", 0, NULL);
	mkdir("base/new", 0755), mkdir("base/plain", 0755), mkdir("base/new2", 0755);
	put("base/oldmarker", "");
	chroot("base");
	chdir("/");
	fails("pivot_root: no mount point", syscall(SYS_pivot_root, "plain", "plain"), EBUSY);
	mount("abi-root", "new", "tmpfs", 0, NULL);
	mount("abi-root2", "new2", "tmpfs", 0, NULL);
	mkdir("new/old", 0755);
	put("new/marker", "");
	fails("pivot_root: not there", syscall(SYS_pivot_root, "none", "none"), ENOENT);
	fails("pivot_root: file", syscall(SYS_pivot_root, "new/marker", "new"), ENOTDIR);
	fails("pivot_root: old on the root", syscall(SYS_pivot_root, "new", "plain"), EBUSY);
	fails("pivot_root: old not under new", syscall(SYS_pivot_root, "new", "new2"), EINVAL);
	works("pivot_root", syscall(SYS_pivot_root, "new", "new/old"));
	works("the new root", access("/marker", F_OK));
	works("the old one below", access("/old/oldmarker", F_OK));
	works("the working directory moved too", access("marker", F_OK));
	chdir("/");
	fails("the old root is busy with its mounts", umount2("/old", 0), EBUSY);
	works("detach the old root", umount2("/old", MNT_DETACH));
	check("it is gone", !stat("/old", &st) && access("/old/oldmarker", F_OK) == -1);
}

int main(void)
{
	if (geteuid()) {
		skip("mounts");
		return 0;
	}
	if (unshare(CLONE_NEWNS)) {
		if (errno != ENOSYS) {
			skip("mounts");
			return 0;
		}
	} else {
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	}
	mounting();
	flags();
	binds();
	in_child(roots);
	in_child(pivots);
	return 0;
}
