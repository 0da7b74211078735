/* Futexes: sleeping on the value of a user word.
 *
 * A word is named by a key: for private futexes the address space and the address, for shared ones the
 * mapping (page cache of a file or of shared memory) and the offset in it. Waiters hang in hash buckets,
 * each with its own lock. The waiter tests the word while holding the bucket's lock with page
 * faults disabled, so a waker that changed the word first cannot miss it; a word that is not in
 * memory is faulted in without the lock and tested again. A woken waiter is off its bucket
 * (q->bucket NULL, written last) and never touches the lock. A requeue moves waiters between
 * buckets, locks in address order. Shared waiters keep the file, and with it the mapping, alive.
 * Sources: futex(2), set_robust_list(2), Linux Documentation/locking/robust-futex-ABI. */
#include "proc_priv.h"
#include <alloc/slab.h>
#include <arch/smp.h>
#include <lib/bits.h>
#include <syscall/syscalls.h>
#include <time/timer.h>
#include <uapi/futex.h>

struct futex_key {
	const void *object; /* struct mm or struct mapping */
	u64 offset;
};
struct futex_bucket {
	spinlock_t lock;
	struct list waiters; /* [lock] struct futex_q, in order of arrival */
} __aligned(64);
struct futex_q {
	struct list node;	     /* [bucket->lock] */
	struct futex_bucket *bucket; /* [a] NULL: woken */
	struct futex_key key;	     /* [bucket->lock] */
	struct thread *thread;
	u32 bitset;
};

static struct futex_bucket *buckets;
static unsigned bucket_mask;

static struct futex_bucket *bucket_of(const struct futex_key *k)
{
	u64 h = ((u64)k->object >> 4) * 0x9e3779b97f4a7c15ul ^
		(k->offset >> 2) * 0xc2b2ae3d27d4eb4ful;

	return &buckets[(h ^ h >> 29 ^ h >> 47) & bucket_mask];
}

static bool key_equal(const struct futex_key *a, const struct futex_key *b)
{
	return a->object == b->object && a->offset == b->offset;
}

/* Fill *k; *pin is a counted file to release later, or NULL. */
static int get_key(u32 __user *uaddr, bool shared, struct futex_key *k, struct file **pin)
{
	u64 addr = user_to_u64(uaddr);
	struct mm *mm = current->mm;

	*pin = NULL;
	if (addr % sizeof(u32))
		return -EINVAL;
	if (!access_ok(uaddr, sizeof(u32)))
		return -EFAULT;
	k->object = mm;
	k->offset = addr;
	if (!shared)
		return 0;
	down_read(&mm->lock);
	struct vma *v = vma_find(mm, addr);
	int err = v && v->start <= addr ? 0 : -EFAULT;
	if (!err && (v->flags & VM_SHARED) && v->mapping) {
		k->object = v->mapping;
		k->offset = addr - v->start + (v->pgoff << PAGE_SHIFT);
		if (v->file) {
			file_get(v->file);
			*pin = v->file;
		}
	}
	up_read(&mm->lock);
	return err;
}

static void unpin(struct file *f)
{
	if (f)
		file_put(f);
}

/* Read a word without sleeping: -EFAULT means fault it in and try again. */
static int read_atomic(u32 *v, u32 __user *uaddr)
{
	pagefault_disable();
	int err = get_user(*v, uaddr);
	pagefault_enable();
	return err;
}

/* Off its bucket and awake. bucket->lock held; q may be gone when this returns. */
static void wake_one(struct futex_q *q)
{
	struct thread *t = q->thread;

	list_del(&q->node);
	thread_get(t);
	smp_store_release(&q->bucket, NULL);
	(void)thread_wake(t, T_INTERRUPTIBLE);
	thread_put(t);
}

static int wake_key(const struct futex_key *k, int n, u32 bitset)
{
	struct futex_bucket *b = bucket_of(k);
	struct futex_q *q, *next;
	int woken = 0;

	/* The lock is taken even if the list looks empty: a waiter may be about to test the word. */
	spin_lock(&b->lock);
	list_for_each_entry_safe (q, next, &b->waiters, node) {
		if (woken >= n)
			break;
		if (!key_equal(&q->key, k) || !(q->bitset & bitset))
			continue;
		wake_one(q);
		woken++;
	}
	spin_unlock(&b->lock);
	return woken;
}

static s64 futex_wake(u32 __user *uaddr, bool shared, int n, u32 bitset)
{
	struct futex_key k;
	struct file *pin;

	if (!bitset)
		return -EINVAL;
	int r = get_key(uaddr, shared, &k, &pin);
	if (r)
		return r;
	r = wake_key(&k, max(n, 1), bitset);
	unpin(pin);
	return r;
}

int futex_wake_user(u32 __user *uaddr, int n, bool shared)
{
	return futex_wake(uaddr, shared, n, FUTEX_BITSET_ANY);
}

/* ---- waiting ---- */

static s64 futex_wait_restart(struct restart *r);

/* Put q on its bucket if the word still is val: 0, -EAGAIN (it is not), -EFAULT. */
static int queue_if_equal(struct futex_q *q, u32 __user *uaddr, u32 val)
{
	struct futex_bucket *b = bucket_of(&q->key);
	u32 cur;

	for (;;) {
		spin_lock(&b->lock);
		if (!read_atomic(&cur, uaddr))
			break;
		spin_unlock(&b->lock);
		if (get_user(cur, uaddr))
			return -EFAULT;
		if (cur != val)
			return -EAGAIN;
	}
	if (cur == val) {
		q->bucket = b;
		list_add_tail(&q->node, &b->waiters);
	}
	spin_unlock(&b->lock);
	return cur == val ? 0 : -EAGAIN;
}

/* Take q off unless it was woken: true if it was still queued. */
static bool unqueue(struct futex_q *q)
{
	struct futex_bucket *b;

	while ((b = smp_load_acquire(&q->bucket))) {
		spin_lock(&b->lock);
		bool same = q->bucket == b; /* a requeue may have moved it */
		if (same)
			list_del(&q->node);
		spin_unlock(&b->lock);
		if (same)
			return true;
	}
	return false;
}

/* deadline: CLOCK_MONOTONIC, KTIME_MAX: none. */
static s64 futex_wait(u32 __user *uaddr, bool shared, u32 val, u32 bitset, s64 deadline,
		      bool relative)
{
	struct futex_q q = {.thread = current, .bitset = bitset};
	struct file *pin;
	s64 left = KTIME_MAX;

	if (!bitset)
		return -EINVAL;
	int err = get_key(uaddr, shared, &q.key, &pin);
	if (err)
		return err;
	err = queue_if_equal(&q, uaddr, val);
	if (err)
		goto out;
	for (;;) {
		set_current_state(T_INTERRUPTIBLE);
		if (!smp_load_acquire(&q.bucket))
			break;
		if (deadline != KTIME_MAX) {
			left = deadline - ktime_get();
			if (left <= 0) {
				err = -ETIMEDOUT;
				break;
			}
		}
		if (signal_pending()) {
			err = -ERESTARTSYS;
			break;
		}
		(void)schedule_timeout(left);
	}
	set_current_state(T_RUNNING);
	if (!unqueue(&q)) {
		err = 0;
		/* wake_one still may use our thread, but not q. */
	}
	if (err == -ERESTARTSYS && relative && deadline != KTIME_MAX) {
		current->restart = (struct restart){
			.fn = futex_wait_restart,
			.args = {user_to_u64(uaddr), shared, val, bitset, (u64)deadline},
		};
		err = -ERESTART_RESTARTBLOCK;
	}
out:
	unpin(pin);
	return err;
}

static s64 futex_wait_restart(struct restart *r)
{
	return futex_wait(u64_to_user(r->args[0]), r->args[1], r->args[2], r->args[3], r->args[4],
			  true);
}

/* ---- requeue and wake-op ---- */

static void lock_two(struct futex_bucket *a, struct futex_bucket *b) __no_lock_check
{
	spin_lock(a < b ? &a->lock : &b->lock);
	if (a != b)
		spin_lock_nested(a < b ? &b->lock : &a->lock, LOCK_NESTED);
}

static void unlock_two(struct futex_bucket *a, struct futex_bucket *b) __no_lock_check
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

static s64 futex_requeue(u32 __user *ua, u32 __user *ub, bool shared, int nr_wake, int nr_requeue,
			 const u32 *cmp)
{
	struct futex_key ka, kb;
	struct file *pa, *pb;
	struct futex_q *q, *next;
	int done = 0, moved = 0;

	if (nr_wake < 0 || nr_requeue < 0)
		return -EINVAL;
	s64 r = get_key(ua, shared, &ka, &pa);
	if (r)
		return r;
	r = get_key(ub, shared, &kb, &pb);
	if (r)
		goto out_a;
	struct futex_bucket *a = bucket_of(&ka), *b = bucket_of(&kb);
	for (;;) {
		u32 cur;

		lock_two(a, b);
		if (!cmp || !read_atomic(&cur, ua)) {
			r = cmp && cur != *cmp ? -EAGAIN : 0;
			break;
		}
		unlock_two(a, b);
		if (get_user(cur, ua)) {
			r = -EFAULT;
			goto out_b;
		}
	}
	list_for_each_entry_safe (q, next, &a->waiters, node) {
		if (r || (done >= nr_wake && moved >= nr_requeue))
			break;
		if (!key_equal(&q->key, &ka))
			continue;
		if (done < nr_wake) {
			wake_one(q);
			done++;
			continue;
		}
		q->key = kb;
		if (a != b) {
			list_move_tail(&q->node, &b->waiters);
			smp_store_release(&q->bucket, b);
		}
		moved++;
	}
	unlock_two(a, b);
	if (!r)
		r = done + moved;
out_b:
	unpin(pb);
out_a:
	unpin(pa);
	return r;
}

/* The comparison half of FUTEX_WAKE_OP: 1, 0 or -ENOSYS. */
static int op_compare(u32 encoded, u32 old)
{
	int arg = (int)(encoded << 20) >> 20;

	switch (encoded >> 24 & 15) {
	case FUTEX_OP_CMP_EQ:
		return (int)old == arg;
	case FUTEX_OP_CMP_NE:
		return (int)old != arg;
	case FUTEX_OP_CMP_LT:
		return (int)old < arg;
	case FUTEX_OP_CMP_GE:
		return (int)old >= arg;
	case FUTEX_OP_CMP_LE:
		return (int)old <= arg;
	case FUTEX_OP_CMP_GT:
		return (int)old > arg;
	default:
		return -ENOSYS;
	}
}

static int do_op(u32 encoded, u32 __user *ub, u32 *old)
{
	int op = encoded >> 28 & 15;
	u32 arg = (u32)((int)(encoded << 8) >> 20);

	if (op & FUTEX_OP_ARG_SHIFT) {
		arg = 1u << (arg & 31);
		op &= ~FUTEX_OP_ARG_SHIFT;
	}
	return user_futex_op(op, arg, ub, old);
}

static s64 futex_wake_op(u32 __user *ua, u32 __user *ub, bool shared, int n1, int n2, u32 encoded)
{
	struct futex_key ka, kb;
	struct file *pa, *pb;
	u32 old;

	if (op_compare(encoded, 0) < 0)
		return -ENOSYS;
	s64 r = get_key(ua, shared, &ka, &pa);
	if (r)
		return r;
	r = get_key(ub, shared, &kb, &pb);
	if (r)
		goto out_a;
	struct futex_bucket *a = bucket_of(&ka), *b = bucket_of(&kb);
	struct futex_q *q, *next;
	for (;;) {
		lock_two(a, b);
		pagefault_disable();
		r = do_op(encoded, ub, &old);
		pagefault_enable();
		if (r != -EFAULT)
			break;
		unlock_two(a, b);
		/* Fault it in for writing: an exchange of a value with itself. */
		u32 found;
		r = get_user(old, ub);
		if (!r)
			r = user_cmpxchg32(ub, old, old, &found);
		if (r)
			goto out_b;
	}
	if (!r) {
		int done = 0, also = 0;

		list_for_each_entry_safe (q, next, &a->waiters, node) {
			if (done < n1 && key_equal(&q->key, &ka)) {
				wake_one(q);
				done++;
			}
		}
		if (op_compare(encoded, old) > 0) {
			list_for_each_entry_safe (q, next, &b->waiters, node) {
				if (also < n2 && key_equal(&q->key, &kb)) {
					wake_one(q);
					also++;
				}
			}
		}
		r = done + also;
	}
	unlock_two(a, b);
out_b:
	unpin(pb);
out_a:
	unpin(pa);
	return r;
}

/* The time-out of a waiting call as a monotonic deadline. */
static int import_deadline(int op, const struct timespec __user *uts, s64 *deadline)
{
	struct timespec ts;

	*deadline = KTIME_MAX;
	if (!uts)
		return 0;
	if (copy_in(&ts, uts, sizeof(ts)))
		return -EFAULT;
	s64 t = timespec_to_ktime(&ts);
	if (t < 0)
		return -EINVAL;
	if ((op & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)) == FUTEX_WAIT) {
		s64 now = ktime_get();
		*deadline = ktime_add(now, t);
	} else if (op & FUTEX_CLOCK_REALTIME) {
		s64 delta = t - ktime_get_real();
		s64 now = ktime_get();
		*deadline = ktime_add(now, delta);
	} else {
		*deadline = t;
	}
	return 0;
}

s64 sys_futex(u32 __user *uaddr, int op, u32 val, u64 timeout_or_val2, u32 __user *uaddr2, u32 val3)
{
	int cmd = op & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME), val2 = (int)timeout_or_val2;
	bool shared = !(op & FUTEX_PRIVATE_FLAG);
	s64 deadline;
	int err;

	if ((op & FUTEX_CLOCK_REALTIME) && cmd != FUTEX_WAIT_BITSET)
		return -ENOSYS;
	switch (cmd) {
	case FUTEX_WAIT:
		val3 = FUTEX_BITSET_ANY;
		__fallthrough;
	case FUTEX_WAIT_BITSET:
		err = import_deadline(op, u64_to_user(timeout_or_val2), &deadline);
		if (err)
			return err;
		return futex_wait(uaddr, shared, val, val3, deadline, cmd == FUTEX_WAIT);
	case FUTEX_WAKE:
		val3 = FUTEX_BITSET_ANY;
		__fallthrough;
	case FUTEX_WAKE_BITSET:
		return futex_wake(uaddr, shared, (int)val, val3);
	case FUTEX_REQUEUE:
		return futex_requeue(uaddr, uaddr2, shared, (int)val, val2, NULL);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(uaddr, uaddr2, shared, (int)val, val2, &val3);
	case FUTEX_WAKE_OP:
		return futex_wake_op(uaddr, uaddr2, shared, (int)val, val2, val3);
	default: /* priority inheritance is not there yet */
		return -ENOSYS;
	}
}

/* ---- robust lists ---- */

/* The owner of a lock died: mark the word and wake one waiter. */
static int robust_death(u32 __user *uaddr, struct thread *t, bool pending)
{
	u32 v, found;

	if (user_to_u64(uaddr) % sizeof(u32))
		return -EINVAL;
	if (get_user(v, uaddr))
		return -EFAULT;
	for (;;) {
		/* Died between unlocking and waking, or between waking and locking: pass the wake on. */
		if (pending && !v) {
			(void)futex_wake_user(uaddr, 1, true);
			return 0;
		}
		if ((v & FUTEX_TID_MASK) != (u32)t->tid)
			return 0;
		if (user_cmpxchg32(uaddr, v, (v & FUTEX_WAITERS) | FUTEX_OWNER_DIED, &found))
			return -EFAULT;
		if (found == v)
			break;
		v = found;
	}
	if (v & FUTEX_WAITERS)
		(void)futex_wake_user(uaddr, 1, true);
	return 0;
}

#define ROBUST_LIMIT 2048

void robust_list_exit(struct thread *t)
{
	struct robust_list_head __user *head = t->robust_list;
	struct robust_list_head h;
	u64 end = user_to_u64(head);

	if (copy_in(&h, head, sizeof(h)))
		return;
	/* Bit 0 of the pointers marks priority-inheritance locks. */
	u64 pend = h.list_op_pending & ~1ul, e = h.list.next;
	for (unsigned n = 0; (e & ~1ul) != end && n < ROBUST_LIMIT; n++) {
		u64 next, cur = e & ~1ul;
		int err = get_user(next, (u64 __user *)u64_to_user(cur));

		if (cur != pend && robust_death(u64_to_user(cur + h.futex_offset), t, false))
			return;
		if (err)
			return;
		e = next;
		cond_resched();
	}
	if (pend)
		(void)robust_death(u64_to_user(pend + h.futex_offset), t, true);
}

s64 sys_set_robust_list(void __user *head, size_t len)
{
	if (len != sizeof(struct robust_list_head))
		return -EINVAL;
	current->robust_list = head;
	return 0;
}

s64 sys_get_robust_list(int pid, void __user *uhead, size_t __user *ulen)
{
	struct thread *t = current;
	u64 head;

	if (pid) {
		t = thread_find(pid);
		if (!t)
			return -ESRCH;
		int err = process_may_access(t->proc);
		if (err) {
			thread_put(t);
			return err;
		}
	}
	head = user_to_u64(t->robust_list);
	if (pid)
		thread_put(t);
	if (put_user(sizeof(struct robust_list_head), ulen) || put_user(head, (u64 __user *)uhead))
		return -EFAULT;
	return 0;
}

void futex_init(void)
{
	unsigned n = 1u << order_of(256ul * nr_cpus);

	buckets = kcalloc(n, sizeof(*buckets), GFP_KERNEL);
	if (!buckets) {
		static struct futex_bucket one;
		buckets = &one;
		n = 1;
	}
	bucket_mask = n - 1;
	for (unsigned i = 0; i < n; i++) {
		spin_init(&buckets[i].lock);
		list_init(&buckets[i].waiters);
	}
}
