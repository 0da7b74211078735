/*
 * poll(2), ppoll(2), select(2), pselect6(2).
 *
 * One pass over the files asks each for its events and, the first time, puts an entry on each wait
 * queue that the file names; a wake-up marks the waiter triggered and the passes repeat without
 * queueing. The entries of the first few files live on the stack. Files are held by a reference while
 * an entry of theirs is queued.
 *
 * Restart: poll restarts with the time that is left (restart_syscall), the others write it back.
 */
#include <alloc/slab.h>
#include <alloc/vmalloc.h>
#include <fs/poll.h>
#include <syscall/syscalls.h>
#include <time/timer.h>
#include <uapi/resource.h>
#include "vfs_priv.h"

struct poll_entry {
	struct wait_entry wait;
	struct wait_queue *q;
	struct file *f;
	struct poller *poller;
	unsigned key; /* the events that matter */
};
#define INLINE_ENTRIES 8
struct entry_page {
	struct entry_page *next;
	unsigned n;
	struct poll_entry e[(PAGE_SIZE - 16) / sizeof(struct poll_entry)];
};
struct poller {
	struct poll_table t;
	struct thread *thread;
	bool triggered; /* [a] */
	int err;
	unsigned key; /* of the file being asked */
	unsigned n;
	struct entry_page *pages;
	struct poll_entry e[INLINE_ENTRIES];
};

static bool poll_wake(struct wait_entry *w, unsigned mode, unsigned long key)
{
	struct poll_entry *e = container_of(w, struct poll_entry, wait);
	if (key && !(key & e->key))
		return false;
	WRITE_ONCE(e->poller->triggered, true);
	smp_mb();
	return thread_wake(e->poller->thread, mode);
}

static struct poll_entry *entry_new(struct poller *p)
{
	if (p->n < INLINE_ENTRIES)
		return &p->e[p->n++];
	struct entry_page *pg = p->pages;
	if (!pg || pg->n == ARRAY_SIZE(pg->e)) {
		pg = kmalloc(sizeof(*pg), GFP_KERNEL);
		if (!pg)
			return NULL;
		pg->n = 0;
		pg->next = p->pages;
		p->pages = pg;
	}
	return &pg->e[pg->n++];
}

static void enqueue(struct poll_table *t, struct file *f, struct wait_queue *q)
{
	struct poller *p = container_of(t, struct poller, t);
	struct poll_entry *e = entry_new(p);
	if (!e) {
		p->err = -ENOMEM;
		return;
	}
	file_get(f);
	e->f = f;
	e->q = q;
	e->poller = p;
	e->key = p->key | EPOLLERR | EPOLLHUP;
	wait_entry_init(&e->wait, poll_wake);
	wait_add(q, &e->wait);
}

static void poller_init(struct poller *p)
{
	p->t.queue = enqueue;
	p->thread = current;
	p->triggered = false;
	p->err = 0;
	p->n = 0;
	p->pages = NULL;
}

static void entry_end(struct poll_entry *e)
{
	wait_remove(e->q, &e->wait);
	file_put(e->f);
}

static void poller_end(struct poller *p)
{
	for (unsigned i = 0; i < p->n; i++)
		entry_end(&p->e[i]);
	while (p->pages) {
		struct entry_page *pg = p->pages;
		p->pages = pg->next;
		for (unsigned i = 0; i < pg->n; i++)
			entry_end(&pg->e[i]);
		kfree(pg);
	}
}

/* Sleep until triggered, a signal, or deadline (absolute; KTIME_MAX: none). True: time is up. */
static bool poller_sleep(struct poller *p, ktime_t deadline)
{
	bool up = false;
	set_current_state(T_INTERRUPTIBLE);
	if (!READ_ONCE(p->triggered) && !signal_pending()) {
		if (deadline == KTIME_MAX) {
			schedule();
		} else {
			ktime_t left = deadline - ktime_get();
			up = left <= 0 || schedule_timeout(left) == 0;
		}
	}
	set_current_state(T_RUNNING);
	WRITE_ONCE(p->triggered, false);
	smp_mb();
	return up;
}

static inline unsigned file_poll(struct file *f, struct poll_table *t)
{
	if (!f->ops->poll)
		return EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM;
	return f->ops->poll(f, t);
}

/* ---- poll ---- */

struct pollfd {
	int fd;
	s16 events, revents;
};

static int poll_pass(struct pollfd *fds, unsigned n, struct poller *p, bool queue)
{
	int count = 0;
	for (unsigned i = 0; i < n; i++) {
		unsigned ev = 0;
		if (fds[i].fd >= 0) {
			struct fdref r = fdref_get(fds[i].fd);
			ev = EPOLLNVAL;
			if (r.f) {
				p->key = (u16)fds[i].events | EPOLLERR | EPOLLHUP;
				ev = file_poll(r.f, queue && !count ? &p->t : NULL) & p->key;
				fdref_put(r);
			}
		}
		fds[i].revents = (s16)ev;
		count += ev != 0;
	}
	return count;
}

static int poll_wait_loop(struct pollfd *fds, unsigned n, ktime_t deadline)
{
	struct poller p;
	bool queue = true, up = deadline == 0;
	poller_init(&p);
	int count;
	for (;;) {
		count = poll_pass(fds, n, &p, queue && !up);
		if (!count && p.err)
			count = p.err;
		if (count || up)
			break;
		if (signal_pending()) {
			count = -EINTR;
			break;
		}
		queue = false;
		up = poller_sleep(&p, deadline);
	}
	poller_end(&p);
	return count;
}

#define POLL_STACK 24

/* deadline: absolute monotonic; 0: only look, KTIME_MAX: for ever. */
static s64 do_poll(void __user *ufds, unsigned n, ktime_t deadline)
{
	struct pollfd small[POLL_STACK], *fds = small;
	s64 ret = -EFAULT;
	if (n > vfs_rlimit(RLIMIT_NOFILE))
		return -EINVAL;
	if (n > POLL_STACK) {
		fds = kvmalloc(n * sizeof(*fds), GFP_KERNEL);
		if (!fds)
			return -ENOMEM;
	}
	if (copy_in(fds, ufds, n * sizeof(*fds)))
		goto out;
	ret = poll_wait_loop(fds, n, deadline);
	if (ret != -EINTR) {
		struct pollfd __user *u = ufds;
		for (unsigned i = 0; i < n; i++)
			if (put_user(fds[i].revents, &u[i].revents)) {
				ret = -EFAULT;
				break;
			}
	}
out:
	if (fds != small)
		kvfree(fds);
	return ret;
}

static s64 poll_restart(struct restart *r)
{
	s64 ret = do_poll(u64_to_user(r->args[0]), (unsigned)r->args[1], (ktime_t)r->args[2]);
	return ret == -EINTR ? -ERESTART_RESTARTBLOCK : ret;
}

static ktime_t deadline_in(s64 ns)
{
	if (ns < 0)
		return KTIME_MAX;
	if (!ns)
		return 0;
	ktime_t now = ktime_get();
	return ktime_add(now, ns);
}

s64 sys_poll(void __user *fds, unsigned n, int timeout_ms)
{
	ktime_t deadline = deadline_in(timeout_ms < 0 ? -1 : timeout_ms * NSEC_PER_MSEC);
	s64 ret = do_poll(fds, n, deadline);
	if (ret == -EINTR) {
		current->restart = (struct restart){.fn = poll_restart,
						    .args = {user_to_u64(fds), n, (u64)deadline}};
		return -ERESTART_RESTARTBLOCK;
	}
	return ret;
}

/* ---- signal masks and time-outs ---- */

static int set_temp_mask(const sigset_t __user *mask, size_t sz)
{
	sigset_t set;
	if (!mask)
		return 0;
	if (sz != sizeof(set))
		return -EINVAL;
	if (copy_in(&set, mask, sizeof(set)))
		return -EFAULT;
	current->saved_mask = current->blocked;
	current->restore_mask = true;
	signal_set_blocked(&set);
	return 0;
}

/* A handler must run with the temporary mask: then the return to user mode puts the old one back. */
static void end_temp_mask(bool set, s64 ret)
{
	if (!set || !current->restore_mask || ret == -ERESTARTNOHAND)
		return;
	current->restore_mask = false;
	signal_set_blocked(&current->saved_mask);
}

static int get_timeout(const struct timespec __user *uts, ktime_t *deadline)
{
	struct timespec ts;
	*deadline = KTIME_MAX;
	if (!uts)
		return 0;
	if (copy_in(&ts, uts, sizeof(ts)))
		return -EFAULT;
	ktime_t t = timespec_to_ktime(&ts);
	if (t < 0)
		return -EINVAL;
	*deadline = deadline_in(t);
	return 0;
}

static struct timespec time_left(ktime_t deadline)
{
	ktime_t left = deadline ? deadline - ktime_get() : 0;
	return ktime_to_timespec(left > 0 ? left : 0);
}

static void put_timeout(struct timespec __user *uts, ktime_t deadline)
{
	if (uts && deadline != KTIME_MAX) {
		struct timespec ts = time_left(deadline);
		(void)!copy_out(uts, &ts, sizeof(ts)); /* a read-only time-out is no error */
	}
}

s64 sys_ppoll(void __user *fds, unsigned n, struct timespec __user *uts,
	      const sigset_t __user *mask, size_t sz)
{
	ktime_t deadline;
	s64 ret = get_timeout(uts, &deadline);
	if (!ret)
		ret = set_temp_mask(mask, sz);
	if (ret)
		return ret;
	ret = do_poll(fds, n, deadline);
	if (ret == -EINTR)
		ret = -ERESTARTNOHAND;
	end_temp_mask(mask != NULL, ret);
	put_timeout(uts, deadline);
	return ret;
}

/* ---- select ---- */

#define SEL_IN	(EPOLLIN | EPOLLRDNORM | EPOLLRDBAND | EPOLLHUP | EPOLLERR)
#define SEL_OUT (EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND | EPOLLERR)
#define SEL_EX	EPOLLPRI

struct fd_sets {
	unsigned long *in, *out, *ex, *rin, *rout, *rex;
};

static int select_pass(const struct fd_sets *s, unsigned words, unsigned n, struct poller *p,
		       bool queue)
{
	int count = 0;
	for (unsigned w = 0; w < words; w++) {
		unsigned long all = s->in[w] | s->out[w] | s->ex[w], ri = 0, ro = 0, re = 0;
		while (all) {
			unsigned b = (unsigned)__builtin_ctzl(all);
			unsigned long bit = 1ul << b;
			all &= all - 1;
			if (w * 64 + b >= n)
				break;
			struct fdref r = fdref_get((int)(w * 64 + b));
			if (!r.f)
				return -EBADF;
			unsigned want = (s->in[w] & bit ? SEL_IN : 0) |
					(s->out[w] & bit ? SEL_OUT : 0) |
					(s->ex[w] & bit ? SEL_EX : 0);
			p->key = want;
			unsigned ev = file_poll(r.f, queue && !count ? &p->t : NULL) & want;
			fdref_put(r);
			if (!ev)
				continue;
			if ((ev & SEL_IN) && (s->in[w] & bit)) {
				ri |= bit;
				count++;
			}
			if ((ev & SEL_OUT) && (s->out[w] & bit)) {
				ro |= bit;
				count++;
			}
			if ((ev & SEL_EX) && (s->ex[w] & bit)) {
				re |= bit;
				count++;
			}
		}
		s->rin[w] = ri;
		s->rout[w] = ro;
		s->rex[w] = re;
	}
	return count;
}

static int select_loop(const struct fd_sets *s, unsigned words, unsigned n, ktime_t deadline)
{
	struct poller p;
	bool queue = true, up = deadline == 0;
	int count;
	poller_init(&p);
	for (;;) {
		count = select_pass(s, words, n, &p, queue && !up);
		if (!count && p.err)
			count = p.err;
		if (count || up)
			break;
		if (signal_pending()) {
			count = -ERESTARTNOHAND;
			break;
		}
		queue = false;
		up = poller_sleep(&p, deadline);
	}
	poller_end(&p);
	return count;
}

static int get_set(unsigned long *to, const void __user *from, size_t bytes)
{
	if (from)
		return copy_in(to, from, bytes);
	memset(to, 0, bytes);
	return 0;
}

#define SELECT_STACK_WORDS 4 /* 256 descriptors without an allocation */

static s64 do_select(int n, void __user *r, void __user *w, void __user *e, ktime_t deadline)
{
	unsigned long small[6 * SELECT_STACK_WORDS], *mem = small;
	if (n < 0)
		return -EINVAL;
	u32 max = current->files->table->max;
	unsigned nfds = min((u32)n, max);
	unsigned words = DIV_ROUND_UP(nfds, 64);
	size_t bytes = words * 8;
	if (words > SELECT_STACK_WORDS) {
		mem = kvmalloc(6 * bytes, GFP_KERNEL);
		if (!mem)
			return -ENOMEM;
	}
	struct fd_sets s = {mem,
			    mem + words,
			    mem + 2 * words,
			    mem + 3 * words,
			    mem + 4 * words,
			    mem + 5 * words};
	s64 ret = -EFAULT;
	if (get_set(s.in, r, bytes) || get_set(s.out, w, bytes) || get_set(s.ex, e, bytes))
		goto out;
	ret = select_loop(&s, words, nfds, deadline);
	if (ret < 0)
		goto out;
	if ((r && copy_out(r, s.rin, bytes)) || (w && copy_out(w, s.rout, bytes)) ||
	    (e && copy_out(e, s.rex, bytes)))
		ret = -EFAULT;
out:
	if (mem != small)
		kvfree(mem);
	return ret;
}

s64 sys_select(int n, void __user *r, void __user *w, void __user *e, struct timeval __user *utv)
{
	ktime_t deadline = KTIME_MAX;
	struct timeval tv;
	if (utv) {
		if (copy_in(&tv, utv, sizeof(tv)))
			return -EFAULT;
		struct timespec ts = {tv.tv_sec + tv.tv_usec / 1000000,
				      tv.tv_usec % 1000000 * 1000};
		ktime_t t = timespec_to_ktime(&ts);
		if (t < 0)
			return -EINVAL;
		deadline = deadline_in(t);
	}
	s64 ret = do_select(n, r, w, e, deadline);
	if (utv && deadline != KTIME_MAX) {
		struct timespec ts = time_left(deadline);
		tv.tv_sec = ts.tv_sec;
		tv.tv_usec = ts.tv_nsec / 1000;
		(void)!copy_out(utv, &tv, sizeof(tv));
	}
	return ret;
}

s64 sys_pselect6(int n, void __user *r, void __user *w, void __user *e, struct timespec __user *uts,
		 const void __user *usig)
{
	struct {
		const sigset_t __user *set;
		size_t size;
	} sig = {NULL, 0};
	ktime_t deadline;
	if (usig && copy_in(&sig, usig, sizeof(sig)))
		return -EFAULT;
	s64 ret = get_timeout(uts, &deadline);
	if (!ret)
		ret = set_temp_mask(sig.set, sig.size);
	if (ret)
		return ret;
	ret = do_select(n, r, w, e, deadline);
	end_temp_mask(sig.set != NULL, ret);
	put_timeout(uts, deadline);
	return ret;
}
