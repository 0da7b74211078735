/* File permissions: owner, group, others, supplementary groups, sticky directories, the setuid and
 * setgid bits, umask, chown's rules, who may set times. Needs root to become others. */
#include "abi.h"
#include <grp.h>
#include <sys/fsuid.h>

static void user(uid_t uid, gid_t gid, int n, const gid_t *more)
{
	if (setgroups(n, more) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		_exit(99);
}
static void make(const char *name, mode_t mode, uid_t uid, gid_t gid)
{
	close(open(name, O_RDWR | O_CREAT, 0600));
	chown(name, uid, gid);
	chmod(name, mode);
}
static mode_t mode_of(const char *name)
{
	struct stat st;
	return lstat(name, &st) ? 0 : st.st_mode & 07777;
}
static long owner_of(const char *name)
{
	struct stat st;
	return stat(name, &st) ? -1 : (long)st.st_uid * 100000 + st.st_gid;
}

static void classes(void)
{
	gid_t more[] = {2000, 3000};

	user(1000, 1000, 2, more);
	works("owner reads", access("o400", R_OK));
	fails("owner has only the owner's bits", access("o044", R_OK), EACCES);
	works("group reads", access("g040", R_OK));
	fails("group has only the group's bits", access("g004", R_OK), EACCES);
	works("supplementary group reads", access("s040", R_OK));
	fails("supplementary group: no write", access("s040", W_OK), EACCES);
	works("others read", access("x004", R_OK));
	fails("others: not", access("x440", R_OK), EACCES);
	fails("opening so", open("x440", O_RDONLY), EACCES);
	fails("truncate needs write", truncate("x004", 0), EACCES);
	fails("no search permission", access("dir600/f", F_OK), EACCES);
	works("search without read", access("dir711/f", F_OK));
	fails("read without read permission", open("dir711", O_RDONLY), EACCES);
	fails("create without write permission", open("dir711/n", O_CREAT | O_RDWR, 0644), EACCES);
	fails("unlink without write permission", unlink("dir711/f"), EACCES);
	fails("rename without write permission", rename("dir711/f", "dir777/f"), EACCES);
	fails("link without write permission", link("dir777/mine", "dir711/l"), EACCES);
	fails("mkdir without write permission", mkdir("dir711/d", 0755), EACCES);
	fails("symlink without write permission", symlink("x", "dir711/s"), EACCES);
	fails("chdir without search", chdir("dir600"), EACCES);
	fails("EACCES comes before EEXIST in a closed path", mkdir("dir600/f", 0755), EACCES);
	fails("EEXIST comes before EACCES", mkdir("dir711/f", 0755), EEXIST);
	fails("execute without x", execl("o400", "o400", NULL), EACCES);
	fails("O_NOATIME on another's file", open("x004", O_RDONLY | O_NOATIME), EPERM);
	fails("mknod: device", mknod("dir777/dev", S_IFCHR | 0600, 0x103), EPERM);
	works("mknod: FIFO", mknod("dir777/fifo", S_IFIFO | 0600, 0));
	fails("chroot", chroot("/"), EPERM);
}

static void sticky(void)
{
	user(1000, 1000, 0, NULL);
	fails("another's file in a sticky directory", unlink("sticky/theirs"), EPERM);
	fails("renaming it", rename("sticky/theirs", "sticky/x"), EPERM);
	fails("renaming over it", rename("sticky/mine", "sticky/theirs"), EPERM);
	fails("another's directory", rmdir("sticky/theird"), EPERM);
	works("one's own", rename("sticky/mine", "sticky/mine2"));
	works("and away", unlink("sticky/mine2"));
	works("another's file in a plain directory", unlink("dir777/theirs"));
	works("all in one's own sticky directory", unlink("mysticky/theirs"));
}

static void bits_as_owner(void)
{
	gid_t more[] = {2000};
	int fd;

	user(1000, 1000, 1, more);
	works("setuid bit", chmod("own", 04755));
	fd = open("own", O_WRONLY);
	write(fd, "x", 1);
	check("write clears setuid", mode_of("own") == 0755);
	chmod("own", 02755);
	write(fd, "x", 1);
	check("write clears setgid", mode_of("own") == 0755);
	chmod("own", 06777);
	ftruncate(fd, 0);
	check("ftruncate clears both", mode_of("own") == 0777);
	chmod("own", 02745);
	write(fd, "x", 1);
	check("setgid without group x", (mode_of("own") & 0777) == 0745);
	works("chgrp to a supplementary group", chown("own", -1, 2000));
	check("it is", owner_of("own") == 100002000);
	fails("chgrp to another group", chown("own", -1, 3000), EPERM);
	fails("giving away", chown("own", 2000, -1), EPERM);
	works("chown to oneself", chown("own", 1000, -1));
	works("setgid with own group", chmod("own", 02755));
	check("the bit is there", mode_of("own") == 02755);
	works("chgrp back", chown("own", -1, 1000));
	check("chown clears setgid", mode_of("own") == 0755);
	chmod("own", 06755);
	chown("own", -1, -1);
	check("chown to nobody clears too", mode_of("own") == 0755);
	close(fd);
	works("setgid of a foreign group is dropped", chmod("foreign", 02755));
	check("dropped", mode_of("foreign") == 0755);
	fails("chmod of another's", chmod("x004", 0777), EPERM);
	fails("chown of another's", chown("x004", -1, 1000), EPERM);
	fails("chown to nobody of another's setuid file", chown("theirsuid", -1, -1), EPERM);
	check("keeps its bits", mode_of("theirsuid") == 06755);
	fails("fchown", ({
		      int f = open("x004", O_RDONLY);
		      int r = fchown(f, 1000, 1000);
		      int e = errno;
		      close(f);
		      errno = e;
		      r;
	      }),
	      EPERM);
}

static void directories(void)
{
	umask(0);
	mkdir("sgid", 0777);
	chown("sgid", -1, 2000);
	chmod("sgid", 02777);
	close(open("sgid/f", O_CREAT | O_RDWR, 0666));
	check("a file takes the directory's group", owner_of("sgid/f") == 2000);
	mkdir("sgid/d", 0755);
	check("a directory takes the bit too",
	      mode_of("sgid/d") == 02755 && owner_of("sgid/d") == 2000);
	close(open("sgid/g", O_CREAT | O_RDWR, 02775));
	check("root may make setgid files there", mode_of("sgid/g") == 02775);
	chown("sgid/d", 0, 0);
	check("chown leaves a directory's bit", mode_of("sgid/d") == 02755);
	pid_t p = fork();
	if (!p) {
		user(1000, 1000, 0, NULL);
		close(open("sgid/u", O_CREAT | O_RDWR, 02775));
		check("others lose setgid for a group not theirs",
		      mode_of("sgid/u") == 0775 && owner_of("sgid/u") == 100002000);
		_exit(0);
	}
	waitpid(p, NULL, 0);
	check("umask returns the old one", umask(0777) == 0 && umask(022) == 0777);
	umask(07777);
	check("umask keeps nine bits", umask(022) == 0777);
	umask(077);
	mkdir("masked", 0777);
	mkfifo("maskedfifo", 0666);
	check("umask on mkdir", mode_of("masked") == 0700);
	check("umask on mkfifo", mode_of("maskedfifo") == 0600);
	close(open("sbits", O_CREAT | O_RDWR, 07777));
	check("open with special bits", mode_of("sbits") == 07700);
	mkdir("sticky2", 01777);
	check("mkdir sticky", mode_of("sticky2") == 01700);
	mkdir("suid", 06777);
	check("mkdir ignores setuid and setgid", mode_of("suid") == 0700);
	symlink("x", "slink");
	check("a symlink's mode", mode_of("slink") == 0777);
	umask(022);
}

static void times(void)
{
	struct timespec ts[2] = {{1000, 0}, {2000, 0}},
			nowish[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}},
			one[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}},
			omit[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};

	user(1000, 1000, 0, NULL);
	works("owner sets times", utimensat(AT_FDCWD, "own", ts, 0));
	fails("another's times", utimensat(AT_FDCWD, "x666", ts, 0), EPERM);
	works("now on a writable file", utimensat(AT_FDCWD, "x666", NULL, 0));
	works("both UTIME_NOW", utimensat(AT_FDCWD, "x666", nowish, 0));
	fails("one of them only", utimensat(AT_FDCWD, "x666", one, 0), EPERM);
	fails("now on a read-only file", utimensat(AT_FDCWD, "x004", NULL, 0), EACCES);
	works("both omitted need nothing", utimensat(AT_FDCWD, "x004", omit, 0));
	works("both omitted do not look", utimensat(AT_FDCWD, "none", omit, 0));
}

static void effective(void)
{
	setgroups(0, NULL);
	setresgid(0, 1000, 0);
	setresuid(0, 1000, 0);
	fails("effective id opens", open("r400", O_RDONLY), EACCES);
	works("access uses the real id", access("r400", R_OK));
	fails("AT_EACCESS uses the effective id", syscall(439, AT_FDCWD, "r400", R_OK, AT_EACCESS),
	      EACCES);
	setresuid(1000, 0, 0);
	works("the other way opens", open("r400", O_RDONLY));
	fails("the other way denies access", access("r400", R_OK), EACCES);
	works("and AT_EACCESS allows", syscall(439, AT_FDCWD, "r400", R_OK, AT_EACCESS));
}
static void fsids(void)
{
	setgroups(0, NULL);
	check("setfsuid tells the old one", setfsuid(1000) == 0 && setfsuid(-1) == 1000);
	check("setfsgid tells the old one", setfsgid(1000) == 0 && setfsgid(-1) == 1000);
	fails("fsuid opens", open("r400", O_RDONLY), EACCES);
	close(open("dir777/byfs", O_CREAT | O_RDWR, 0644));
	check("fsuid and fsgid own", owner_of("dir777/byfs") == 100001000);
	check("other ids stay", geteuid() == 0 && getuid() == 0);
	setfsuid(0);
	works("and back", open("r400", O_RDONLY));
}
static void root(void)
{
	works("root reads all", access("r000", R_OK | W_OK));
	fails("root executes nothing without x", access("r000", X_OK), EACCES);
	works("root searches all", access("dir600/f", F_OK));
	chmod("r000", 06755);
	int fd = open("r000", O_WRONLY);
	write(fd, "x", 1);
	check("root's write keeps setuid", mode_of("r000") == 06755);
	chown("r000", 5, 5);
	check("root's chown clears it", mode_of("r000") == 0755);
	works("lchown of a symlink", lchown("slink", 7, 8));
	struct stat st;
	check("the link itself", !lstat("slink", &st) && st.st_uid == 7 && st.st_gid == 8);
	works("fchownat AT_EMPTY_PATH", fchownat(fd, "", 9, 10, AT_EMPTY_PATH));
	check("owner is set", owner_of("r000") == 900010);
	works("fchownat AT_SYMLINK_NOFOLLOW",
	      fchownat(AT_FDCWD, "slink", 1, 1, AT_SYMLINK_NOFOLLOW));
	fails("fchownat: bad flags", fchownat(AT_FDCWD, "slink", 1, 1, 0x8000), EINVAL);
	fails("chown: not there", chown("none", 1, 1), ENOENT);
	fails("chmod: not there", chmod("none", 0), ENOENT);
	fails("chmod: bad pointer", chmod(BAD_POINTER, 0), EFAULT);
	close(fd);
}

int main(void)
{
	if (geteuid()) {
		skip("permissions");
		return 0;
	}
	umask(022);
	directories();
	make("o400", 0400, 1000, 1000), make("o044", 0044, 1000, 1000);
	make("g040", 0040, 0, 1000), make("g004", 0004, 0, 1000), make("s040", 0040, 0, 3000);
	make("theirsuid", 06755, 0, 0);
	make("x004", 0004, 0, 0), make("x440", 0440, 0, 0), make("x666", 0666, 0, 0),
		make("r400", 0400, 0, 0);
	make("r000", 0, 0, 0), make("own", 0755, 1000, 1000), make("foreign", 0755, 1000, 3000);
	mkdir("dir600", 0600), mkdir("dir711", 0711), mkdir("dir777", 0755), chmod("dir777", 0777);
	make("dir600/f", 0666, 0, 0), make("dir711/f", 0666, 0, 0);
	make("dir777/mine", 0644, 1000, 1000), make("dir777/theirs", 0644, 2000, 2000);
	mkdir("sticky", 0777), chmod("sticky", 01777);
	make("sticky/mine", 0644, 1000, 1000), make("sticky/theirs", 0666, 2000, 2000);
	mkdir("sticky/theird", 0777), chown("sticky/theird", 2000, 2000);
	mkdir("mysticky", 0777), chmod("mysticky", 01777), chown("mysticky", 1000, 1000);
	make("mysticky/theirs", 0666, 2000, 2000);
	check("classes of users", exited(in_child(classes), 0));
	check("sticky directories", exited(in_child(sticky), 0));
	check("special bits", exited(in_child(bits_as_owner), 0));
	check("times of files", exited(in_child(times), 0));
	check("effective ids", exited(in_child(effective), 0));
	check("file system ids", exited(in_child(fsids), 0));
	check("root", exited(in_child(root), 0));
	return 0;
}
