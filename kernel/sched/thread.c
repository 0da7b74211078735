/* Threads: their memory, kernel threads and join handles, death.
 *
 * References: thread_alloc gives one to the caller; thread_start adds the thread's own, dropped by the
 * thread that runs after its last switch (core.c), when its stack is no longer used. Whoever finds a
 * thread under RCU takes one with ref_tryget: the struct itself is freed a grace period later.
 * The kernel stack and what hangs on the thread go at once, so that a thread nobody joins leaves
 * nothing behind.
 *
 * A join handle is exclusive: it holds the spawner's reference and the join state; thread_join and
 * thread_detach consume it. */
#include "sched_priv.h"
#include <alloc/slab.h>
#include <alloc/vmalloc.h>
#include <lib/string.h>
#include <log/panic.h>
#include <sched/lock.h>

struct join_state {
	struct completion done;
	int code; /* [o] until done */
};

static struct slab_cache *thread_cache;
static atomic_t nr_threads_all; /* [a] for the load average's total */
struct thread boot_thread;
void (*thread_free_hook)(struct thread *t);

void thread_cache_init(void)
{
	thread_cache = slab_cache_create("thread", sizeof(struct thread), 64, SLAB_PANIC, NULL);
}

unsigned thread_count(void)
{
	return (unsigned)atomic_read(&nr_threads_all);
}

void thread_init_common(struct thread *t, const char *comm)
{
	ref_init(&t->ref, 1);
	str_copy(t->comm, comm, sizeof(t->comm));
	t->state = T_NEW;
	t->class = &fair_class;
	t->start_time = (u64)ktime_get();
	t->cred = cred_get(&init_cred);
	spin_init(&t->pi_lock);
	rb_node_init(&t->se.node);
	list_init(&t->rt_node);
	list_init(&t->group_node);
	list_init(&t->work_list);
	sigpending_init(&t->pending);
	timer_init(&t->sleep_timer, NULL);
	fair_init_entity(t);
}

static unsigned long *copy_affinity(const unsigned long *mask)
{
	return mask ? kmemdup(mask, cpumask_bytes(), GFP_KERNEL) : NULL;
}

struct thread *thread_alloc(const char *comm)
{
	struct thread *t = slab_alloc(thread_cache, GFP_KERNEL | GFP_ZERO);
	struct thread *me = current;
	if (!t)
		return NULL;
	t->kstack = kstack_alloc();
	if (!t->kstack)
		goto out_thread;
	if (READ_ONCE(me->affinity) && !me->worker) {
		t->affinity = kzalloc(cpumask_bytes(), GFP_KERNEL);
		if (!t->affinity)
			goto out_stack;
		/* Another may be replacing ours just now. */
		sched_get_affinity(me, t->affinity);
	}
	/* Kernel threads' children start from nought, others inherit unless told not to. */
	if (me->group && !me->reset_on_fork) {
		t->nice = me->nice;
		t->policy = me->policy;
		t->rt_priority = me->rt_priority;
	} else if (me->group && me->nice > 0) {
		t->nice = me->nice;
	}
	thread_init_common(t, comm);
	if (t->policy == SCHED_FIFO || t->policy == SCHED_RR)
		t->class = &rt_class;
	t->cpu = cpu_id(); /* a hint for select_cpu */
	atomic_inc(&nr_threads_all);
	return t;

out_stack:
	kstack_free(t->kstack);
out_thread:
	slab_free(thread_cache, t);
	return NULL;
}

void thread_get(struct thread *t)
{
	ref_get(&t->ref);
}

static void thread_free_rcu(struct rcu_head *h)
{
	struct thread *t = container_of(h, struct thread, rcu);
	cred_put(t->cred);
	slab_free(thread_cache, t);
}

void thread_put(struct thread *t)
{
	if (!ref_put(&t->ref))
		return;
	BUG_ON(t->on_rq || t->on_cpu);
	if (t->group && thread_free_hook)
		thread_free_hook(t);
	atomic_dec(&nr_threads_all);
	arch_thread_destroy(&t->arch);
	kstack_free(t->kstack);
	kfree(t->affinity);
	kfree(t->join);
	call_rcu(&t->rcu, thread_free_rcu);
}

static void kernel_thread_main(void *arg)
{
	struct thread *t = arg;
	thread_exit(t->kfn(t->karg));
}

int thread_create_on(struct join_handle *h, const unsigned long *mask, int (*fn)(void *), void *arg,
		     const char *name)
{
	struct thread *t = thread_alloc(name);
	if (!t)
		return -ENOMEM;
	t->join = kzalloc(sizeof(*t->join), GFP_KERNEL);
	if (!t->join)
		goto out_put;
	completion_init(&t->join->done);
	if (mask) {
		kfree(t->affinity);
		t->affinity = copy_affinity(mask);
		if (!t->affinity)
			goto out_put;
	}
	t->kfn = fn;
	t->karg = arg;
	arch_thread_init_kernel(&t->arch, t->kstack, kernel_thread_main, t);
	h->thread = t;
	return 0;

out_put:
	thread_put(t);
	return -ENOMEM;
}

int thread_spawn(struct join_handle *h, int (*fn)(void *), void *arg, const char *fmt, ...)
{
	char name[sizeof(((struct thread *)0)->comm)];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	int err = thread_create_on(h, NULL, fn, arg, name);
	if (!err)
		thread_start(h->thread);
	return err;
}

int thread_join(struct join_handle *h)
{
	struct thread *t = h->thread;
	BUG_ON(!t || t == current);
	h->thread = NULL;
	wait_for_completion(&t->join->done);
	int code = t->join->code;
	thread_put(t);
	return code;
}

void thread_detach(struct join_handle *h)
{
	struct thread *t = h->thread;
	h->thread = NULL;
	thread_put(t);
}

void thread_exit(int code)
{
	struct thread *me = current;
#ifdef CONFIG_DEBUG_LOCKS
	lockdep_thread_exit();
#endif
	if (me->join) {
		me->join->code = code;
		complete(&me->join->done);
	}
	set_current_state(T_DEAD);
	schedule();
	panic("dead thread %s runs", me->comm);
}

void thread_add_work(struct thread *t, struct thread_work *w)
{
	unsigned long f;
	spin_lock_irqsave(&t->pi_lock, f);
	list_add_tail(&w->list, &t->work_list);
	spin_unlock_irqrestore(&t->pi_lock, f);
	thread_set_work(t, TIF_NOTIFY_RESUME);
	thread_kick(t);
}

void thread_run_work(void)
{
	struct thread *me = current;
	LIST_HEAD(todo);
	thread_clear_work(me, TIF_NOTIFY_RESUME);
	smp_mb();
	spin_lock_irq(&me->pi_lock);
	list_splice_tail(&me->work_list, &todo);
	spin_unlock_irq(&me->pi_lock);
	while (!list_empty(&todo)) {
		struct thread_work *w = list_first_entry(&todo, struct thread_work, list);
		list_del(&w->list);
		w->fn(w);
	}
}
