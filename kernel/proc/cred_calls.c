/* User and group ids, supplementary groups, capabilities.
 *
 * Credentials are immutable once published: each call changes a private copy and commits it, or drops it
 * when the change is not allowed. A change of the effective or fs user to or from 0 moves capabilities
 * as capabilities(7) says ("Effect of user ID changes on capabilities").
 * Sources: setresuid(2), setreuid(2), setuid(2), setfsuid(2), setgroups(2), capget(2), credentials(7). */
#include "proc_priv.h"
#include <alloc/slab.h>
#include <lib/sort.h>
#include <syscall/syscalls.h>

#define SECBIT_NO_SETUID_FIXUP 4u
#define SECBIT_KEEP_CAPS       16u
#define NGROUPS_MAX	       65536
#define FS_CAPS                                                                                \
	(BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FOWNER) | \
	 BIT(CAP_FSETID) | BIT(CAP_LINUX_IMMUTABLE) | BIT(CAP_MKNOD) | BIT(32))

static bool root_among(uid_t a, uid_t b, uid_t c)
{
	return !a || !b || !c;
}

static void fix_caps(struct cred *n, const struct cred *old)
{
	if (n->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (root_among(old->uid, old->euid, old->suid) && !root_among(n->uid, n->euid, n->suid)) {
		if (!(n->securebits & SECBIT_KEEP_CAPS)) {
			n->cap_permitted = 0;
			n->cap_effective = 0;
		}
		n->cap_ambient = 0;
	}
	if (!old->euid && n->euid)
		n->cap_effective = 0;
	else if (old->euid && !n->euid)
		n->cap_effective = n->cap_permitted;
}

static int commit_uid(struct cred *n)
{
	const struct cred *old = current_cred();
	struct user_count *u = NULL;

	fix_caps(n, old);
	if (n->uid != old->uid) {
		u = user_count_add(n->uid);
		if (!u) {
			cred_put(n);
			return -ENOMEM;
		}
	}
	if (n->euid != old->euid || n->fsuid != old->fsuid) {
		current->proc->dumpable = false;
		current->proc->pdeath_signal = 0;
	}
	cred_commit(n);
	if (u) {
		user_count_sub(current->user_count);
		current->user_count = u;
	}
	return 0;
}

static int commit_gid(struct cred *n)
{
	const struct cred *old = current_cred();

	if (n->egid != old->egid || n->fsgid != old->fsgid) {
		current->proc->dumpable = false;
		current->proc->pdeath_signal = 0;
	}
	cred_commit(n);
	return 0;
}

static int refuse(struct cred *n)
{
	cred_put(n);
	return -EPERM;
}

s64 sys_getuid(void)
{
	return current_cred()->uid;
}
s64 sys_geteuid(void)
{
	return current_cred()->euid;
}
s64 sys_getgid(void)
{
	return current_cred()->gid;
}
s64 sys_getegid(void)
{
	return current_cred()->egid;
}

s64 sys_setuid(uid_t uid)
{
	const struct cred *old = current_cred();
	struct cred *n;

	if (uid == (uid_t)-1)
		return -EINVAL;
	n = cred_prepare();
	if (!n)
		return -ENOMEM;
	if (capable(CAP_SETUID))
		n->uid = n->suid = uid;
	else if (uid != old->uid && uid != old->suid)
		return refuse(n);
	n->euid = n->fsuid = uid;
	return commit_uid(n);
}

s64 sys_setgid(gid_t gid)
{
	const struct cred *old = current_cred();
	struct cred *n;

	if (gid == (gid_t)-1)
		return -EINVAL;
	n = cred_prepare();
	if (!n)
		return -ENOMEM;
	if (capable(CAP_SETGID))
		n->gid = n->sgid = gid;
	else if (gid != old->gid && gid != old->sgid)
		return refuse(n);
	n->egid = n->fsgid = gid;
	return commit_gid(n);
}

s64 sys_setreuid(uid_t r, uid_t e)
{
	const struct cred *old = current_cred();
	struct cred *n = cred_prepare();
	const uid_t none = (uid_t)-1;

	if (!n)
		return -ENOMEM;
	if (r != none) {
		n->uid = r;
		if (r != old->uid && r != old->euid && !capable(CAP_SETUID))
			return refuse(n);
	}
	if (e != none) {
		n->euid = e;
		if (e != old->uid && e != old->euid && e != old->suid && !capable(CAP_SETUID))
			return refuse(n);
	}
	if (r != none || (e != none && e != old->uid))
		n->suid = n->euid;
	n->fsuid = n->euid;
	return commit_uid(n);
}

s64 sys_setregid(gid_t r, gid_t e)
{
	const struct cred *old = current_cred();
	struct cred *n = cred_prepare();
	const gid_t none = (gid_t)-1;

	if (!n)
		return -ENOMEM;
	if (r != none) {
		n->gid = r;
		if (r != old->gid && r != old->egid && !capable(CAP_SETGID))
			return refuse(n);
	}
	if (e != none) {
		n->egid = e;
		if (e != old->gid && e != old->egid && e != old->sgid && !capable(CAP_SETGID))
			return refuse(n);
	}
	if (r != none || (e != none && e != old->gid))
		n->sgid = n->egid;
	n->fsgid = n->egid;
	return commit_gid(n);
}

static bool id_known(u32 id, u32 a, u32 b, u32 c)
{
	return id == (u32)-1 || id == a || id == b || id == c;
}

s64 sys_setresuid(uid_t r, uid_t e, uid_t s)
{
	const struct cred *old = current_cred();
	struct cred *n = cred_prepare();
	const uid_t none = (uid_t)-1;

	if (!n)
		return -ENOMEM;
	if (!capable(CAP_SETUID) && (!id_known(r, old->uid, old->euid, old->suid) ||
				     !id_known(e, old->uid, old->euid, old->suid) ||
				     !id_known(s, old->uid, old->euid, old->suid)))
		return refuse(n);
	if (r != none)
		n->uid = r;
	if (e != none)
		n->euid = e;
	if (s != none)
		n->suid = s;
	n->fsuid = n->euid;
	return commit_uid(n);
}

s64 sys_setresgid(gid_t r, gid_t e, gid_t s)
{
	const struct cred *old = current_cred();
	struct cred *n = cred_prepare();
	const gid_t none = (gid_t)-1;

	if (!n)
		return -ENOMEM;
	if (!capable(CAP_SETGID) && (!id_known(r, old->gid, old->egid, old->sgid) ||
				     !id_known(e, old->gid, old->egid, old->sgid) ||
				     !id_known(s, old->gid, old->egid, old->sgid)))
		return refuse(n);
	if (r != none)
		n->gid = r;
	if (e != none)
		n->egid = e;
	if (s != none)
		n->sgid = s;
	n->fsgid = n->egid;
	return commit_gid(n);
}

s64 sys_getresuid(uid_t __user *r, uid_t __user *e, uid_t __user *s)
{
	const struct cred *c = current_cred();

	return put_user(c->uid, r) || put_user(c->euid, e) || put_user(c->suid, s) ? -EFAULT : 0;
}

s64 sys_getresgid(gid_t __user *r, gid_t __user *e, gid_t __user *s)
{
	const struct cred *c = current_cred();

	return put_user(c->gid, r) || put_user(c->egid, e) || put_user(c->sgid, s) ? -EFAULT : 0;
}

/* setfsuid and setfsgid report no error: the old id, changed or not. */
s64 sys_setfsuid(uid_t uid)
{
	const struct cred *old = current_cred();
	uid_t was = old->fsuid;

	if (uid == (uid_t)-1 || uid == was)
		return was;
	if (uid != old->uid && uid != old->euid && uid != old->suid && !capable(CAP_SETUID))
		return was;
	struct cred *n = cred_prepare();
	if (!n)
		return was;
	n->fsuid = uid;
	if (!(n->securebits & SECBIT_NO_SETUID_FIXUP)) {
		if (!was && uid)
			n->cap_effective &= ~FS_CAPS;
		else if (was && !uid)
			n->cap_effective |= n->cap_permitted & FS_CAPS;
	}
	cred_commit(n);
	return was;
}

s64 sys_setfsgid(gid_t gid)
{
	const struct cred *old = current_cred();
	gid_t was = old->fsgid;

	if (gid == (gid_t)-1 || gid == was)
		return was;
	if (gid != old->gid && gid != old->egid && gid != old->sgid && !capable(CAP_SETGID))
		return was;
	struct cred *n = cred_prepare();
	if (!n)
		return was;
	n->fsgid = gid;
	cred_commit(n);
	return was;
}

/* ---- supplementary groups ---- */

s64 sys_getgroups(int n, gid_t __user *list)
{
	const struct group_list *g = current_cred()->groups;
	int have = g ? (int)g->n : 0;

	if (n < 0)
		return -EINVAL;
	if (n) {
		if (have > n)
			return -EINVAL;
		if (have && copy_out(list, g->gid, have * sizeof(gid_t)))
			return -EFAULT;
	}
	return have;
}

static int cmp_gid(const void *a, const void *b)
{
	gid_t x = *(const gid_t *)a, y = *(const gid_t *)b;

	return x < y ? -1 : x > y;
}

s64 sys_setgroups(int n, const gid_t __user *list)
{
	struct group_list *g = NULL;

	if (!capable(CAP_SETGID))
		return -EPERM;
	if (n < 0 || n > NGROUPS_MAX)
		return -EINVAL;
	if (n) {
		g = kmalloc(sizeof(*g) + n * sizeof(gid_t), GFP_KERNEL);
		if (!g)
			return -ENOMEM;
		ref_init(&g->ref, 1);
		g->n = n;
		if (copy_in(g->gid, list, n * sizeof(gid_t))) {
			kfree(g);
			return -EFAULT;
		}
		sort(g->gid, n, sizeof(gid_t), cmp_gid);
	}
	struct cred *c = cred_prepare();
	if (!c) {
		kfree(g);
		return -ENOMEM;
	}
	struct group_list *old = c->groups;
	c->groups = g;
	if (old && ref_put(&old->ref))
		kfree(old);
	cred_commit(c);
	return 0;
}

/* ---- capabilities ---- */

#define CAP_VERSION_1 0x19980330u
#define CAP_VERSION_2 0x20071026u
#define CAP_VERSION_3 0x20080522u

struct cap_header {
	u32 version;
	int pid;
};
struct cap_data {
	u32 effective, permitted, inheritable;
};

/* Words of data for the caller's version; an unknown one is answered with ours. */
static int cap_words(struct cap_header __user *uh, struct cap_header *h)
{
	if (copy_in(h, uh, sizeof(*h)))
		return -EFAULT;
	switch (h->version) {
	case CAP_VERSION_1:
		return 1;
	case CAP_VERSION_2:
	case CAP_VERSION_3:
		return 2;
	}
	if (put_user(CAP_VERSION_3, &uh->version))
		return -EFAULT;
	return -EINVAL;
}

s64 sys_capget(void __user *uh, void __user *data)
{
	struct cap_header h;
	int words = cap_words(uh, &h);
	u64 e = 0, p = 0, i = 0;

	if (words < 0)
		return words == -EINVAL && !data ? 0 : words;
	if (h.pid < 0)
		return -EINVAL;
	rcu_read_lock();
	const struct cred *c = current_cred();
	struct thread *t = NULL;
	if (h.pid && h.pid != current->tid) {
		t = thread_find(h.pid);
		c = t ? rcu_dereference(t->cred) : NULL;
	}
	if (c) {
		e = c->cap_effective;
		p = c->cap_permitted;
		i = c->cap_inheritable;
	}
	rcu_read_unlock();
	if (t)
		thread_put(t);
	if (!c)
		return -ESRCH;
	struct cap_data d[2] = {{(u32)e, (u32)p, (u32)i},
				{(u32)(e >> 32), (u32)(p >> 32), (u32)(i >> 32)}};
	return copy_out(data, d, words * sizeof(d[0]));
}

s64 sys_capset(void __user *uh, const void __user *data)
{
	struct cap_data d[2] = {0};
	struct cap_header h;
	int words = cap_words(uh, &h);

	if (words < 0)
		return words;
	if (h.pid && h.pid != current->tid)
		return -EPERM;
	if (copy_in(d, data, words * sizeof(d[0])))
		return -EFAULT;
	u64 e = (d[0].effective | (u64)d[1].effective << 32) & CAP_FULL_SET;
	u64 p = (d[0].permitted | (u64)d[1].permitted << 32) & CAP_FULL_SET;
	u64 i = (d[0].inheritable | (u64)d[1].inheritable << 32) & CAP_FULL_SET;
	const struct cred *old = current_cred();
	if (!capable(CAP_SETPCAP) && (i & ~(old->cap_inheritable | old->cap_permitted)))
		return -EPERM;
	if ((i & ~(old->cap_inheritable | old->cap_bounding)) || (p & ~old->cap_permitted) ||
	    (e & ~p))
		return -EPERM;
	struct cred *n = cred_prepare();
	if (!n)
		return -ENOMEM;
	n->cap_effective = e;
	n->cap_permitted = p;
	n->cap_inheritable = i;
	n->cap_ambient &= p & i;
	cred_commit(n);
	return 0;
}
