/* stat(2), statx(2), statfs(2) structures and mode bits; struct kstat is the kernel's own form. */
#pragma once
#include <uapi/time.h>

#define S_IFMT	      0170000u
#define S_IFSOCK      0140000u
#define S_IFLNK	      0120000u
#define S_IFREG	      0100000u
#define S_IFBLK	      0060000u
#define S_IFDIR	      0040000u
#define S_IFCHR	      0020000u
#define S_IFIFO	      0010000u
#define S_ISUID	      0004000u
#define S_ISGID	      0002000u
#define S_ISVTX	      0001000u
#define S_ISDIR(m)    (((m)&S_IFMT) == S_IFDIR)
#define S_ISREG(m)    (((m)&S_IFMT) == S_IFREG)
#define S_ISLNK(m)    (((m)&S_IFMT) == S_IFLNK)
#define S_ISCHR(m)    (((m)&S_IFMT) == S_IFCHR)
#define S_ISBLK(m)    (((m)&S_IFMT) == S_IFBLK)
#define S_ISFIFO(m)   (((m)&S_IFMT) == S_IFIFO)
#define S_ISSOCK(m)   (((m)&S_IFMT) == S_IFSOCK)
#define DT_OF_MODE(m) (((m)&S_IFMT) >> 12)

struct stat {
	u64 st_dev, st_ino, st_nlink;
	u32 st_mode, st_uid, st_gid, __pad0;
	u64 st_rdev;
	s64 st_size, st_blksize, st_blocks;
	struct timespec st_atim, st_mtim, st_ctim;
	s64 __unused[3];
};
_Static_assert(sizeof(struct stat) == 144, "ABI");

struct statx_timestamp {
	s64 tv_sec;
	u32 tv_nsec;
	s32 __reserved;
};
struct statx {
	u32 stx_mask, stx_blksize;
	u64 stx_attributes;
	u32 stx_nlink, stx_uid, stx_gid;
	u16 stx_mode, __spare0;
	u64 stx_ino, stx_size, stx_blocks, stx_attributes_mask;
	struct statx_timestamp stx_atime, stx_btime, stx_ctime, stx_mtime;
	u32 stx_rdev_major, stx_rdev_minor, stx_dev_major, stx_dev_minor;
	u64 stx_mnt_id;
	u32 stx_dio_mem_align, stx_dio_offset_align;
	u64 __spare3[12];
};
_Static_assert(sizeof(struct statx) == 256, "ABI");

struct statfs {
	s64 f_type, f_bsize;
	u64 f_blocks, f_bfree, f_bavail, f_files, f_ffree;
	s32 f_fsid[2];
	s64 f_namelen, f_frsize, f_flags, f_spare[4];
};
_Static_assert(sizeof(struct statfs) == 120, "ABI");
#define kstatfs statfs

struct kstat {
	u64 dev, ino, nlink, size, blocks, mnt_id, attributes, attributes_mask;
	u32 mode, uid, gid, blksize;
	dev_t rdev;
	struct timespec atime, mtime, ctime, btime;
	bool has_btime;
};
