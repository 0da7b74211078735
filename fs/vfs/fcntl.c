/*
 * fcntl(2) and the generic part of ioctl(2).
 */
#include <alloc/slab.h>
#include <fs/pipe.h>
#include <syscall/syscalls.h>
#include <uapi/resource.h>
#include "vfs_priv.h"

#define F_OWNER_TID  0
#define F_OWNER_PID  1
#define F_OWNER_PGRP 2

static s64 dup_above(struct file *f, unsigned long from, int cloexec)
{
	if (from >= vfs_rlimit(RLIMIT_NOFILE))
		return -EINVAL;
	int fd = fd_reserve((unsigned)from, cloexec);
	if (fd >= 0) {
		file_get(f);
		fd_install((unsigned)fd, f);
	}
	return fd;
}

#define SETFL_MASK (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | O_ASYNC)

static s64 set_flags(struct file *f, int flags)
{
	if ((flags & O_NOATIME) && !(f->flags & O_NOATIME) && !inode_owner_or_capable(f->inode))
		return -EPERM;
	if (((u32)flags ^ f->flags) & O_ASYNC) {
		if (!f->ops->fasync) {
			flags = (flags & ~O_ASYNC) | (int)(f->flags & O_ASYNC);
		} else {
			int err = f->ops->fasync(f, flags & O_ASYNC);
			if (err)
				return err;
		}
	}
	u32 old = READ_ONCE(f->flags), new;
	do
		new = (old & ~(u32)SETFL_MASK) | ((u32)flags & SETFL_MASK);
	while (!__atomic_compare_exchange_n(&f->flags, &old, new, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_RELAXED));
	return 0;
}

/* The owner record, made at first use and kept with the file. */
static struct fown *owner_of(struct file *f)
{
	struct fown *o = __atomic_load_n(&f->owner, __ATOMIC_ACQUIRE);
	if (o)
		return o;
	o = kzalloc(sizeof(*o), GFP_KERNEL);
	if (!o)
		return NULL;
	spin_init(&o->lock);
	struct fown *none = NULL;
	if (!__atomic_compare_exchange_n(&f->owner, &none, o, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST)) {
		kfree(o);
		return none;
	}
	return o;
}

static s64 set_owner(struct file *f, int type, pid_t id)
{
	struct fown *o = owner_of(f);
	if (!o)
		return -ENOMEM;
	spin_lock(&o->lock);
	o->type = type;
	o->id = id;
	spin_unlock(&o->lock);
	return 0;
}

struct owner_ex {
	int type;
	pid_t pid;
};

static s64 owner_cmd(struct file *f, unsigned cmd, unsigned long arg)
{
	struct fown *o = __atomic_load_n(&f->owner, __ATOMIC_ACQUIRE);
	struct owner_ex ex = {F_OWNER_PID, 0};
	switch (cmd) {
	case F_SETOWN:
		if ((int)arg == INT32_MIN)
			return -EINVAL;
		return (int)arg < 0 ? set_owner(f, F_OWNER_PGRP, -(int)arg)
				    : set_owner(f, F_OWNER_PID, (int)arg);
	case F_GETOWN:
		if (!o)
			return 0;
		return o->type == F_OWNER_PGRP ? -o->id : o->id;
	case F_SETOWN_EX:
		if (copy_in(&ex, u64_to_user(arg), sizeof(ex)))
			return -EFAULT;
		if (ex.type < F_OWNER_TID || ex.type > F_OWNER_PGRP)
			return -EINVAL;
		return set_owner(f, ex.type, ex.pid);
	case F_GETOWN_EX:
		if (o) {
			ex.type = o->type;
			ex.pid = o->id;
		}
		return copy_out(u64_to_user(arg), &ex, sizeof(ex));
	case F_SETSIG:
		if (arg > NSIG)
			return -EINVAL;
		o = owner_of(f);
		if (!o)
			return -ENOMEM;
		o->sig = (int)arg;
		return 0;
	default:
		return o ? o->sig : 0;
	}
}

s64 sys_fcntl(unsigned fd, unsigned cmd, unsigned long arg)
{
	struct fdref r = fdref_get_raw((int)fd);
	struct file *f = r.f;
	if (!f)
		return -EBADF;
	s64 ret = -EBADF;
	if ((f->mode & FMODE_PATH) && cmd != F_DUPFD && cmd != F_DUPFD_CLOEXEC && cmd != F_GETFD &&
	    cmd != F_SETFD && cmd != F_GETFL)
		goto out;
	switch (cmd) {
	case F_DUPFD:
		ret = dup_above(f, arg, 0);
		break;
	case F_DUPFD_CLOEXEC:
		ret = dup_above(f, arg, O_CLOEXEC);
		break;
	case F_GETFD:
		ret = fd_is_cloexec((int)fd) ? FD_CLOEXEC : 0;
		break;
	case F_SETFD:
		ret = fd_set_cloexec(fd, arg & FD_CLOEXEC);
		break;
	case F_GETFL:
		ret = (s64)f->flags;
		break;
	case F_SETFL:
		ret = set_flags(f, (int)arg);
		break;
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		ret = fcntl_lock(fd, f, cmd, u64_to_user(arg));
		break;
	case F_SETOWN:
	case F_GETOWN:
	case F_SETOWN_EX:
	case F_GETOWN_EX:
	case F_SETSIG:
	case F_GETSIG:
		ret = owner_cmd(f, cmd, arg);
		break;
	case F_SETPIPE_SZ:
	case F_GETPIPE_SZ:
		ret = pipe_fcntl(f, cmd, arg);
		break;
	case F_ADD_SEALS:
	case F_GET_SEALS:
		ret = tmpfs_seals(f, cmd == F_ADD_SEALS, (u32)arg);
		break;
	default:
		ret = -EINVAL; /* leases, notifications: not offered */
	}
out:
	fdref_put(r);
	return ret;
}

/* ---- ioctl ---- */

#define FIONREAD 0x541b
#define FIONBIO	 0x5421
#define FIONCLEX 0x5450
#define FIOCLEX	 0x5451
#define FIOASYNC 0x5452
#define FIOQSIZE 0x5460

static s64 set_flag_by_arg(struct file *f, int flag, unsigned long arg)
{
	int on;
	if (get_user(on, (int __user *)u64_to_user(arg)))
		return -EFAULT;
	return set_flags(f, (int)(on ? f->flags | (u32)flag : f->flags & ~(u32)flag));
}

static s64 file_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	s64 ret = f->ops->ioctl ? f->ops->ioctl(f, cmd, arg) : -ENOIOCTLCMD;
	if (ret != -ENOIOCTLCMD)
		return ret;
	if (S_ISREG(f->inode->mode) && cmd == FIONREAD) {
		int left = (int)(READ_ONCE(f->inode->size) - f->pos);
		return put_user(left, (int __user *)u64_to_user(arg));
	}
	return -ENOTTY;
}

s64 sys_ioctl(int fd, unsigned cmd, unsigned long arg)
{
	struct fdref r = fdref_get(fd);
	struct file *f = r.f;
	if (!f)
		return -EBADF;
	s64 ret;
	s64 size;
	switch (cmd) {
	case FIOCLEX:
	case FIONCLEX:
		ret = fd_set_cloexec((unsigned)fd, cmd == FIOCLEX);
		break;
	case FIONBIO:
		ret = set_flag_by_arg(f, O_NONBLOCK, arg);
		break;
	case FIOASYNC:
		ret = f->ops->fasync ? set_flag_by_arg(f, O_ASYNC, arg) : -ENOTTY;
		break;
	case FIOQSIZE:
		size = (s64)READ_ONCE(f->inode->size);
		ret = -ENOTTY;
		if (S_ISREG(f->inode->mode) || S_ISDIR(f->inode->mode) || S_ISLNK(f->inode->mode))
			ret = put_user(size, (s64 __user *)u64_to_user(arg));
		break;
	default:
		ret = file_ioctl(f, cmd, arg);
	}
	fdref_put(r);
	return ret;
}
