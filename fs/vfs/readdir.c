/*
 * getdents(2) and getdents64(2): records are written straight to user memory as the file system names
 * them, with the directory's rwsem held for reading.
 */
#include <syscall/syscalls.h>
#include "vfs_priv.h"

struct dirent64_head {
	u64 ino;
	s64 off;
	u16 reclen;
	u8 type;
	char name[];
} __packed;
struct dirent_head {
	u64 ino;
	u64 off;
	u16 reclen;
	char name[]; /* the type is the record's last byte */
} __packed;

struct getdents {
	struct dir_context c;
	u8 __user *buf;
	size_t left, used;
	int err;
	bool wide;
};

static bool put_record(struct dir_context *c, const char *name, size_t len, ino_t ino,
		       unsigned type, u64 off)
{
	struct getdents *g = container_of(c, struct getdents, c);
	union {
		u8 raw[sizeof(struct dirent64_head) + NAME_MAX + 10];
		struct dirent64_head d64;
		struct dirent_head d;
	} r;
	size_t head =
		g->wide ? offsetof(struct dirent64_head, name) : offsetof(struct dirent_head, name);
	size_t rec = ALIGN_UP(head + len + (g->wide ? 1ul : 2ul), 8ul);
	if (len > NAME_MAX) {
		g->err = -EIO;
		return false;
	}
	if (rec > g->left) {
		g->err = -EINVAL; /* if not even one fits */
		return false;
	}
	if (signal_pending() && g->used) {
		g->err = -EINTR;
		return false;
	}
	*(u64 *)(void *)(r.raw + rec - 8) = 0;
	if (g->wide) {
		r.d64.ino = ino;
		r.d64.off = (s64)off;
		r.d64.reclen = (u16)rec;
		r.d64.type = (u8)type;
	} else {
		r.d.ino = ino;
		r.d.off = off;
		r.d.reclen = (u16)rec;
	}
	memcpy(r.raw + head, name, len);
	r.raw[head + len] = '\0';
	if (!g->wide)
		r.raw[rec - 1] = (u8)type;
	if (copy_out(g->buf + g->used, &r, rec)) {
		g->err = -EFAULT;
		return false;
	}
	g->used += rec;
	g->left -= rec;
	return true;
}

static s64 getdents(int fd, void __user *buf, unsigned n, bool wide)
{
	struct fdref r = fdref_get(fd);
	struct file *f = r.f;
	if (!f)
		return -EBADF;
	struct inode *dir = f->inode;
	s64 ret = -ENOTDIR;
	if (!f->ops->iterate)
		goto out;
	mutex_lock(&f->pos_lock);
	down_read(&dir->rwsem);
	ret = -ENOENT;
	if (dir->nlink) {
		struct getdents g = {.c = {.emit = put_record, .pos = f->pos},
				     .buf = buf,
				     .left = n,
				     .wide = wide};
		ret = f->ops->iterate(f, &g.c);
		f->pos = g.c.pos;
		if (ret >= 0)
			ret = g.used ? (s64)g.used : g.err;
		inode_touch_atime(&f->path);
	}
	up_read(&dir->rwsem);
	mutex_unlock(&f->pos_lock);
out:
	fdref_put(r);
	return ret;
}

s64 sys_getdents64(int fd, void __user *buf, unsigned n)
{
	return getdents(fd, buf, n, true);
}

s64 sys_getdents(int fd, void __user *buf, unsigned n)
{
	return getdents(fd, buf, n, false);
}
