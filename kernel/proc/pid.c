/* Process and thread ids.
 *
 * struct pid is the number as an object. The id table (an idr) maps the number to it. A number is taken
 * while it has `uses`: the thread that bears it, each member of the process group and of the session
 * that it names; so a group id is not handed out again while the group lives. References only keep
 * the memory. Readers look up under RCU; changes of the table take pid_lock, the innermost lock here.
 * Numbers are handed out in turn up to pid_max (pid_namespaces(7), proc(5)); after the first round
 * those below 300 are left alone, as on Linux. */
#include "proc_priv.h"
#include <alloc/slab.h>
#include <lib/idr.h>
#include <sync/rcu.h>

#define RESERVED_PIDS 300

static DEFINE_SPINLOCK(pid_lock);
static struct idr pid_table; /* [pid_lock] readers under RCU */
static struct slab_cache *pid_cache;
int pid_max = 32768;

struct pid *pid_get(struct pid *p)
{
	if (p)
		ref_get(&p->ref);
	return p;
}

static void pid_free_rcu(struct rcu_head *h)
{
	slab_free(pid_cache, container_of(h, struct pid, rcu));
}

void pid_put(struct pid *p)
{
	if (p && ref_put(&p->ref))
		call_rcu(&p->rcu, pid_free_rcu);
}

struct pid *pid_alloc(pid_t want)
{
	struct pid *p = slab_alloc(pid_cache, GFP_KERNEL);
	unsigned long f;
	long nr;

	if (!p)
		return ERR_PTR(-ENOMEM);
	ref_init(&p->ref, 1);
	p->uses = 1;
	p->thread = NULL;
	p->proc = NULL;
	p->exit_wait = NULL;
	list_init(&p->pgrp);
	list_init(&p->session);
	spin_lock_irqsave(&pid_lock, f);
	if (want)
		nr = idr_alloc(&pid_table, p, want, want + 1);
	else
		nr = idr_alloc_cyclic(&pid_table, p,
				      pid_table.next > RESERVED_PIDS ? RESERVED_PIDS : 1, pid_max);
	if (nr >= 0)
		p->nr = nr;
	spin_unlock_irqrestore(&pid_lock, f);
	if (nr >= 0)
		return p;
	slab_free(pid_cache, p);
	return ERR_PTR(nr == -ENOSPC ? (want ? -EEXIST : -EAGAIN) : nr);
}

void pid_use(struct pid *p)
{
	unsigned long f;

	ref_get(&p->ref);
	spin_lock_irqsave(&pid_lock, f);
	p->uses++;
	spin_unlock_irqrestore(&pid_lock, f);
}

void pid_unuse(struct pid *p)
{
	unsigned long f;

	if (!p)
		return;
	spin_lock_irqsave(&pid_lock, f);
	if (--p->uses == 0)
		idr_remove(&pid_table, p->nr);
	spin_unlock_irqrestore(&pid_lock, f);
	pid_put(p);
}

pid_t pid_last(void)
{
	return READ_ONCE(pid_table.next) - 1;
}

struct pid *pid_lookup(pid_t nr)
{
	return nr > 0 ? idr_find(&pid_table, nr) : NULL;
}

struct process *process_lookup(pid_t nr)
{
	struct pid *p = pid_lookup(nr);

	return p ? rcu_dereference(p->proc) : NULL;
}

struct pid *pid_find(pid_t nr)
{
	rcu_read_lock();
	struct pid *p = pid_lookup(nr);
	if (p && !ref_tryget(&p->ref))
		p = NULL;
	rcu_read_unlock();
	return p;
}

struct process *process_find(pid_t nr)
{
	rcu_read_lock();
	struct process *p = process_lookup(nr);
	if (p && !ref_tryget(&p->ref))
		p = NULL;
	rcu_read_unlock();
	return p;
}

struct thread *thread_find(pid_t nr)
{
	rcu_read_lock();
	struct pid *p = pid_lookup(nr);
	struct thread *t = p ? rcu_dereference(p->thread) : NULL;
	if (t && !ref_tryget(&t->ref))
		t = NULL;
	rcu_read_unlock();
	return t;
}

struct process *process_find_next(pid_t *nr)
{
	struct process *found = NULL;
	unsigned long id = *nr > 0 ? *nr : 1, f;

	spin_lock_irqsave(&pid_lock, f);
	for (;; id++) {
		struct pid *p = idr_next(&pid_table, &id);
		if (!p)
			break;
		struct process *proc = rcu_dereference(p->proc);
		if (proc && ref_tryget(&proc->ref)) {
			found = proc;
			*nr = id;
			break;
		}
	}
	spin_unlock_irqrestore(&pid_lock, f);
	return found;
}

void pid_init(void)
{
	idr_init(&pid_table);
	pid_cache = slab_cache_create("pid", sizeof(struct pid), 0, SLAB_PANIC, NULL);
}
