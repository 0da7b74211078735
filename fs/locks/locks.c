/*
 * Advisory locks: flock(2), and byte ranges of a process (POSIX) or of an open file (OFD), fcntl(2).
 *
 * Each inode that ever had a lock has a lock_ctx until it goes. In the range list, locks of one owner
 * never overlap and neighbours of the same type are merged. A request that must wait is entered in the
 * global list of blocked ones, through which deadlocks of process locks are found (-EDEADLK); any
 * change wakes the inode's waiters, who try again.
 *
 * Locks: blocked_lock and ctx->lock are leaves, never nested. Process context.
 */
#include <alloc/slab.h>
#include <sched/wait.h>
#include <syscall/syscalls.h>
#include "../vfs/vfs_priv.h"

struct lock {
	struct list list;  /* [ctx->lock] */
	u64 start, end;	   /* inclusive */
	int type;	   /* F_RDLCK, F_WRLCK */
	const void *owner; /* struct files (POSIX) or struct file (OFD, flock) */
	pid_t pid;	   /* -1: OFD */
};
struct lock_ctx {
	spinlock_t lock;
	struct list ranges, flocks; /* [lock] */
	struct wait_queue wait;
};
/* A process that waits, and for whom. */
struct blocked {
	struct list list; /* [blocked_lock] */
	const void *owner, *on;
};
static DEFINE_SPINLOCK(blocked_lock);
static LIST_HEAD(blocked_list);

static struct lock_ctx *ctx_of(struct inode *i)
{
	struct lock_ctx *c = __atomic_load_n(&i->locks, __ATOMIC_ACQUIRE);
	if (c)
		return c;
	c = kmalloc(sizeof(*c), GFP_KERNEL);
	if (!c)
		return NULL;
	spin_init(&c->lock);
	list_init(&c->ranges);
	list_init(&c->flocks);
	wait_queue_init(&c->wait);
	void *none = NULL;
	if (!__atomic_compare_exchange_n(&i->locks, &none, c, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST)) {
		kfree(c);
		return none;
	}
	return c;
}

void locks_free_inode(struct inode *i)
{
	kfree(i->locks);
}

static inline bool overlap(const struct lock *a, const struct lock *b)
{
	return a->start <= b->end && b->start <= a->end;
}

static struct lock *conflict(struct list *locks, const struct lock *req)
{
	struct lock *l;
	list_for_each_entry (l, locks, list)
		if (l->owner != req->owner && overlap(l, req) &&
		    (l->type == F_WRLCK || req->type == F_WRLCK))
			return l;
	return NULL;
}

static void free_list(struct list *dead)
{
	struct lock *l, *n;
	list_for_each_entry_safe (l, n, dead, list) {
		list_del(&l->list);
		kfree(l);
	}
}

/* Lay req over its owner's locks. Two spare locks: for req itself and for a split; what is left of
 * them and what goes ends up on dead. ctx->lock held. */
static void apply(struct lock_ctx *c, struct lock *req, struct lock *spare[2], struct list *dead)
{
	struct lock *l, *n;
	list_for_each_entry_safe (l, n, &c->ranges, list) {
		if (l->owner != req->owner)
			continue;
		if (l->type == req->type) {
			bool touch = overlap(l, req) || l->end + 1 == req->start ||
				     req->end + 1 == l->start;
			if (!touch || (l->end == UINT64_MAX && req->start == 0 && !overlap(l, req)))
				continue;
			req->start = min(req->start, l->start);
			req->end = max(req->end, l->end);
			list_move(&l->list, dead);
		} else if (overlap(l, req)) {
			if (l->start < req->start && l->end > req->end) {
				struct lock *tail = spare[1];
				spare[1] = NULL;
				*tail = *l;
				tail->start = req->end + 1;
				list_add(&tail->list, &l->list);
				l->end = req->start - 1;
			} else if (l->start < req->start) {
				l->end = req->start - 1;
			} else if (l->end > req->end) {
				l->start = req->end + 1;
			} else {
				list_move(&l->list, dead);
			}
		}
	}
	if (req->type != F_UNLCK) {
		*spare[0] = *req;
		list_add_tail(&spare[0]->list, &c->ranges);
		spare[0] = NULL;
	}
}

/* 0, -EAGAIN with *on set to the owner in the way, -ENOMEM. */
static int try_range(struct lock_ctx *c, const struct lock *want, const void **on)
{
	struct lock req = *want;
	LIST_HEAD(dead);
	struct lock *spare[2];
	int err = 0;
	spare[0] = kmalloc(sizeof(struct lock), GFP_KERNEL);
	spare[1] = kmalloc(sizeof(struct lock), GFP_KERNEL);
	if (!spare[0] || !spare[1]) {
		err = -ENOMEM;
		goto out;
	}
	spin_lock(&c->lock);
	struct lock *bar = req.type == F_UNLCK ? NULL : conflict(&c->ranges, &req);
	if (bar) {
		err = -EAGAIN;
		*on = bar->owner;
	} else {
		apply(c, &req, spare, &dead);
	}
	spin_unlock(&c->lock);
	if (!err && wait_queue_active(&c->wait))
		wake_up_all(&c->wait);
out:
	kfree(spare[0]);
	kfree(spare[1]);
	free_list(&dead);
	return err;
}

/* Would owner, waiting for on, close a circle? Enters b if not. Owners that are open files have no
 * process to be stuck in and are not followed. */
static int block_on(struct blocked *b, const void *owner, const void *on, bool posix)
{
	int err = 0;
	b->owner = owner;
	b->on = on;
	spin_lock(&blocked_lock);
	const void *at = on;
	struct blocked *o;
	unsigned steps = 0;
again:
	if (posix) {
		list_for_each_entry (o, &blocked_list, list) {
			if (o->owner != at)
				continue;
			at = o->on;
			if (at == owner) {
				err = -EDEADLK;
				break;
			}
			if (++steps < 100)
				goto again;
		}
	}
	if (!err)
		list_add(&b->list, &blocked_list);
	spin_unlock(&blocked_lock);
	return err;
}

static void unblock(struct blocked *b)
{
	spin_lock(&blocked_lock);
	list_del(&b->list);
	spin_unlock(&blocked_lock);
}

static bool still_barred(struct lock_ctx *c, const struct lock *req)
{
	spin_lock(&c->lock);
	bool yes = conflict(&c->ranges, req) != NULL;
	spin_unlock(&c->lock);
	return yes;
}

static int set_range(struct lock_ctx *c, const struct lock *req, bool wait)
{
	for (;;) {
		const void *on = NULL;
		int err = try_range(c, req, &on);
		if (err != -EAGAIN || !wait)
			return err;
		struct blocked b;
		err = block_on(&b, req->owner, on, req->pid != -1);
		if (err)
			return err;
		err = wait_event_interruptible(&c->wait, !still_barred(c, req));
		unblock(&b);
		if (err)
			return err;
	}
}

/* struct flock of the 64-bit ABI (fcntl(2)). */
struct flock64 {
	s16 l_type, l_whence;
	s64 l_start, l_len;
	s32 l_pid;
};
_Static_assert(sizeof(struct flock64) == 32, "ABI");

static int to_range(struct file *f, const struct flock64 *u, struct lock *l)
{
	s64 base;
	switch (u->l_whence) {
	case SEEK_SET:
		base = 0;
		break;
	case SEEK_CUR:
		base = (s64)f->pos;
		break;
	case SEEK_END:
		base = (s64)f->inode->size;
		break;
	default:
		return -EINVAL;
	}
	if (u->l_start > INT64_MAX - base)
		return -EOVERFLOW;
	s64 start = base + u->l_start;
	if (start < 0)
		return -EINVAL;
	l->start = (u64)start;
	if (u->l_len > 0) {
		if (u->l_len - 1 > INT64_MAX - start)
			return -EOVERFLOW;
		l->end = (u64)(start + u->l_len - 1);
	} else if (u->l_len < 0) {
		if (start + u->l_len < 0)
			return -EINVAL;
		l->start = (u64)(start + u->l_len);
		l->end = (u64)start - 1;
	} else {
		l->end = INT64_MAX;
	}
	return 0;
}

static s64 get_lock(struct lock_ctx *c, const struct lock *req, struct flock64 *u)
{
	if (req->type == F_UNLCK)
		return -EINVAL;
	spin_lock(&c->lock);
	const struct lock *l = conflict(&c->ranges, req);
	if (l) {
		u->l_type = (s16)l->type;
		u->l_whence = SEEK_SET;
		u->l_start = (s64)l->start;
		u->l_len = l->end == INT64_MAX ? 0 : (s64)(l->end - l->start + 1);
		u->l_pid = l->pid;
	} else {
		u->l_type = F_UNLCK;
	}
	spin_unlock(&c->lock);
	return 0;
}

s64 fcntl_lock(unsigned fd, struct file *f, unsigned cmd, void __user *arg)
{
	struct flock64 u;
	bool ofd = cmd >= F_OFD_GETLK;
	bool get = cmd == F_GETLK || cmd == F_OFD_GETLK;
	bool wait = cmd == F_SETLKW || cmd == F_OFD_SETLKW;
	if (copy_in(&u, arg, sizeof(u)))
		return -EFAULT;
	struct lock req = {.type = u.l_type,
			   .owner = ofd ? (const void *)f : (const void *)current->files,
			   .pid = ofd		   ? -1
				  : current->group ? current->group->leader->tid
						   : 0};
	if (u.l_type != F_RDLCK && u.l_type != F_WRLCK && u.l_type != F_UNLCK)
		return -EINVAL;
	int err = to_range(f, &u, &req);
	if (err)
		return err;
	if (ofd && u.l_pid)
		return -EINVAL;
	struct lock_ctx *c = ctx_of(f->inode);
	if (!c)
		return -ENOLCK;
	if (get) {
		err = (int)get_lock(c, &req, &u);
		return err ? err : copy_out(arg, &u, sizeof(u));
	}
	if ((u.l_type == F_RDLCK && !(f->mode & FMODE_READ)) ||
	    (u.l_type == F_WRLCK && !(f->mode & FMODE_WRITE)))
		return -EBADF;
	err = set_range(c, &req, wait);
	if (!err && !ofd && req.type != F_UNLCK) {
		/* Another thread may have closed the file meanwhile: then the lock must not stay. */
		struct fdref r = fdref_get((int)fd);
		if (r.f != f) {
			req.type = F_UNLCK;
			(void)set_range(c, &req, false);
			err = -EBADF;
		}
		fdref_put(r);
	}
	return err;
}

static void drop_owner(struct lock_ctx *c, struct list *from, const void *owner)
{
	LIST_HEAD(dead);
	struct lock *l, *n;
	spin_lock(&c->lock);
	list_for_each_entry_safe (l, n, from, list)
		if (l->owner == owner)
			list_move(&l->list, &dead);
	spin_unlock(&c->lock);
	if (!list_empty(&dead)) {
		free_list(&dead);
		wake_up_all(&c->wait);
	}
}

/* close(2): the process loses all its locks on the file. */
void locks_remove_posix(struct file *f, struct files *owner)
{
	struct lock_ctx *c = f->inode->locks;
	if (c)
		drop_owner(c, &c->ranges, owner);
}

/* The last reference to the open file is gone. */
void locks_remove_file(struct file *f)
{
	struct lock_ctx *c = f->inode->locks;
	if (!c)
		return;
	drop_owner(c, &c->ranges, f);
	drop_owner(c, &c->flocks, f);
}

/* ---- flock ---- */

static int try_flock(struct lock_ctx *c, const struct lock *req)
{
	struct lock *l, *mine = NULL;
	struct lock *fresh = kmalloc(sizeof(*fresh), GFP_KERNEL);
	int err = 0;
	if (!fresh)
		return -ENOMEM;
	spin_lock(&c->lock);
	list_for_each_entry (l, &c->flocks, list)
		if (l->owner == req->owner)
			mine = l;
	if (mine && mine->type != req->type) { /* a conversion gives the old one up first */
		list_del(&mine->list);
	} else if (mine) {
		mine = NULL; /* held already */
		goto out;
	}
	if (conflict(&c->flocks, req)) {
		err = -EAGAIN;
	} else {
		*fresh = *req;
		list_add_tail(&fresh->list, &c->flocks);
		fresh = NULL;
	}
out:
	spin_unlock(&c->lock);
	if (mine) {
		wake_up_all(&c->wait);
		kfree(mine);
	}
	kfree(fresh);
	return err;
}

static bool flock_barred(struct lock_ctx *c, const struct lock *req)
{
	spin_lock(&c->lock);
	bool yes = conflict(&c->flocks, req) != NULL;
	spin_unlock(&c->lock);
	return yes;
}

s64 sys_flock(unsigned fd, unsigned cmd)
{
	unsigned op = cmd & ~(unsigned)LOCK_NB;
	if (op != LOCK_SH && op != LOCK_EX && op != LOCK_UN)
		return -EINVAL;
	struct fdref r = fdref_get((int)fd);
	if (!r.f)
		return -EBADF;
	s64 err = -ENOLCK;
	struct lock_ctx *c = ctx_of(r.f->inode);
	if (!c)
		goto out;
	err = 0;
	if (op == LOCK_UN) {
		drop_owner(c, &c->flocks, r.f);
		goto out;
	}
	struct lock req = {
		.end = UINT64_MAX, .type = op == LOCK_SH ? F_RDLCK : F_WRLCK, .owner = r.f};
	while ((err = try_flock(c, &req)) == -EAGAIN && !(cmd & LOCK_NB)) {
		err = wait_event_interruptible(&c->wait, !flock_barred(c, &req));
		if (err)
			break;
	}
out:
	fdref_put(r);
	return err;
}
