/* Credentials. A published struct cred never changes: a thread prepares a copy, alters it and commits it
 * in one pointer store; others read a thread's credentials under RCU, so the old copy lives a grace
 * period longer. current's own may be read freely. Process context.
 * Source: credentials(7), capabilities(7). */
#include <alloc/slab.h>
#include <sched/cred.h>
#include <sched/thread.h>

struct cred init_cred = {
	.ref = {ATOMIC_INIT(1)}, /* the image's own: never freed */
	.cap_permitted = CAP_FULL_SET,
	.cap_effective = CAP_FULL_SET,
	.cap_bounding = CAP_FULL_SET,
};

struct cred *cred_get(const struct cred *c)
{
	struct cred *m = (struct cred *)c;
	ref_get(&m->ref);
	return m;
}

static void free_rcu(struct rcu_head *h)
{
	struct cred *c = container_of(h, struct cred, rcu);
	if (c->groups && ref_put(&c->groups->ref))
		kfree(c->groups);
	kfree(c);
}

void cred_put(const struct cred *c)
{
	struct cred *m = (struct cred *)c;
	if (ref_put(&m->ref))
		call_rcu(&m->rcu, free_rcu);
}

struct cred *cred_prepare(void)
{
	struct cred *c = kmemdup(current->cred, sizeof(*c), GFP_KERNEL);
	if (!c)
		return NULL;
	ref_init(&c->ref, 1);
	if (c->groups)
		ref_get(&c->groups->ref);
	return c;
}

void cred_commit(struct cred *c)
{
	const struct cred *old = current->cred;
	rcu_assign_pointer(current->cred, c);
	cred_put(old);
}

bool cred_in_group(const struct cred *c, gid_t g)
{
	if (c->fsgid == g)
		return true;
	if (!c->groups)
		return false;
	u32 lo = 0, hi = c->groups->n;
	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;
		if (c->groups->gid[mid] == g)
			return true;
		if (c->groups->gid[mid] < g)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

bool cred_capable(const struct cred *c, unsigned cap)
{
	return c->cap_effective >> cap & 1;
}

bool capable(unsigned cap)
{
	return cred_capable(current->cred, cap);
}
