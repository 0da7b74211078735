/*
 * The dentry cache: one struct dentry per known name, also for names known not to exist.
 *
 * Invariants
 *  - The hash holds one reference: a hashed dentry with ref 1 is cached and unused. Only the shrinker
 *    turns 1 into 0, by compare-and-exchange; a lookup that finds 0 treats it as a miss. Whoever
 *    brings the count to 0 owns the dentry alone and takes it apart.
 *  - A child holds a reference on its parent, a positive dentry one on its inode.
 *  - Every hashed dentry that is not pinned is on the LRU list from its birth; dentry_put never
 *    touches a list. The shrinker gives recently used ones a second chance.
 *  - Names, parents and hash buckets change only under rename_lock with walk_seq odd. Name bytes are
 *    NUL-terminated at all times and external names are freed through RCU, so that a lock-free
 *    comparison stays inside its buffer and is at worst wrong, which walk_seq then tells.
 *
 * Locks: shrink_sem; directory's inode rwsem > rename_lock > parent->lock > bucket lock > lru_lock. None of the
 * spinlocks is taken in interrupts. dentry_put may sleep when it drops the last reference.
 */
#define LOG_PREFIX "dcache: "
#include <alloc/slab.h>
#include <alloc/vmalloc.h>
#include <init/bootinfo.h>
#include <log/panic.h>
#include <lib/bits.h>
#include <sched/workqueue.h>
#include "vfs_priv.h"

struct bucket {
	struct hlist chain; /* [bucket_lock] readers under RCU */
};
#define NR_BUCKET_LOCKS 64
static struct bucket *buckets; /* [I] */
static unsigned bucket_shift;  /* [I] 32 - log2(number of buckets) */
static spinlock_t bucket_locks[NR_BUCKET_LOCKS];
static struct slab_cache *dentry_slab;

static DEFINE_SPINLOCK(lru_lock);
static LIST_HEAD(lru);	     /* [lru_lock] newest first */
static unsigned long nr_lru; /* [lru_lock] */
static struct work shrink_work;
static DEFINE_RWSEM(
	shrink_sem); /* readers take unused dentries apart, a writer the tree of a dying super block */
static unsigned long lru_cap; /* [I] */

seqcount_t walk_seq;
DEFINE_SPINLOCK(rename_lock);

/* A name too long for the dentry itself. */
struct long_name {
	struct rcu_head rcu;
	char s[];
};

u32 name_hash(const char *s, size_t n)
{
	u32 h = NAME_HASH_INIT;
	for (size_t i = 0; i < n; i++)
		h = name_hash_step(h, (u8)s[i]);
	return h;
}

static __always_inline unsigned bucket_of(const struct dentry *parent, u32 hash)
{
	return (u32)((hash + (u32)((uintptr_t)parent >> 6)) * 0x9e3779b1u) >> bucket_shift;
}
static inline spinlock_t *bucket_lock(unsigned b)
{
	return &bucket_locks[b % NR_BUCKET_LOCKS];
}

struct dentry *dcache_find_rcu(const struct dentry *parent, const char *name, size_t len, u32 hash)
{
	struct dentry *d;
	hlist_for_each_entry (d, &buckets[bucket_of(parent, hash)].chain, hash) {
		if (d->hash_val != hash || READ_ONCE(d->parent) != parent || d->name_len != len)
			continue;
		const char *n = READ_ONCE(d->name);
		size_t i = 0;
		while (i < len && n[i] == name[i])
			i++;
		if (i == len && !n[i])
			return d;
	}
	return NULL;
}

struct dentry *dcache_find(struct dentry *parent, const char *name, size_t len, u32 hash)
{
	struct dentry *d;
	u32 seq;
	do {
		rcu_read_lock();
		seq = seq_read_begin(&walk_seq);
		d = dcache_find_rcu(parent, name, len, hash);
		if (d && !ref_tryget(&d->ref))
			d = NULL;
		rcu_read_unlock();
		if (!seq_read_retry(&walk_seq, seq))
			break;
		if (d)
			dentry_put(d);
	} while (1);
	if (d && !(READ_ONCE(d->flags) & DENTRY_REFD)) {
		spin_lock(&d->lock);
		d->flags |= DENTRY_REFD;
		spin_unlock(&d->lock);
	}
	return d;
}

static void set_flags(struct dentry *d, u16 set, u16 clear)
{
	spin_lock(&d->lock);
	WRITE_ONCE(d->flags, (d->flags | set) & ~clear);
	spin_unlock(&d->lock);
}

static bool name_init(struct dentry *d, const char *name, size_t len)
{
	char *to = d->inline_name;
	if (len >= sizeof(d->inline_name)) {
		struct long_name *l = kmalloc(sizeof(*l) + len + 1, GFP_KERNEL);
		if (!l)
			return false;
		to = l->s;
	}
	memcpy(to, name, len);
	to[len] = '\0';
	d->name = to;
	d->name_len = (u16)len;
	return true;
}

static void name_free_now(struct dentry *d)
{
	if (d->name != d->inline_name)
		kfree(container_of((char(*)[])d->name, struct long_name, s));
}

/* A dentry below parent (NULL: a root or anonymous), unhashed, one reference for the caller. */
struct dentry *dentry_alloc(struct dentry *parent, struct super_block *sb, const char *name,
			    size_t len, u32 hash)
{
	if (unlikely(READ_ONCE(nr_lru) > lru_cap))
		(void)work_queue(&shrink_work); /* not here: the caller holds a directory */
	struct dentry *d = slab_alloc(dentry_slab, GFP_KERNEL);
	if (!d)
		return NULL;
	d->inline_name[sizeof(d->inline_name) - 1] = '\0';
	if (!name_init(d, name, len)) {
		slab_free(dentry_slab, d);
		return NULL;
	}
	ref_init(&d->ref, 1);
	spin_init(&d->lock);
	d->hash.pprev = NULL;
	d->hash_val = hash;
	d->flags = DENTRY_UNHASHED;
	d->seq.seq = 0;
	d->inode = NULL;
	list_init(&d->children);
	list_init(&d->sibling);
	list_init(&d->lru);
	d->sb = sb;
	d->private = NULL;
	d->parent = parent ? parent : d;
	if (parent) {
		dentry_get(parent);
		spin_lock(&parent->lock);
		list_add_tail(&d->sibling, &parent->children);
		spin_unlock(&parent->lock);
	}
	return d;
}

/* Make d findable. The directory's rwsem is held for writing. */
void dentry_hash(struct dentry *d)
{
	unsigned b = bucket_of(d->parent, d->hash_val);
	dentry_get(d);
	set_flags(d, DENTRY_REFD, DENTRY_UNHASHED);
	spin_lock(bucket_lock(b));
	hlist_add(&d->hash, &buckets[b].chain);
	spin_unlock(bucket_lock(b));
	spin_lock(&lru_lock);
	if (!(d->flags & DENTRY_LRU)) {
		set_flags(d, DENTRY_LRU, 0);
		list_add(&d->lru, &lru);
		nr_lru++;
	}
	spin_unlock(&lru_lock);
}

static bool unhash(struct dentry *d)
{
	unsigned b = bucket_of(d->parent, d->hash_val);
	spin_lock(bucket_lock(b));
	bool was = !hlist_unhashed(&d->hash);
	if (was)
		hlist_del(&d->hash);
	spin_unlock(bucket_lock(b));
	return was;
}

static void lru_remove(struct dentry *d)
{
	if (!(READ_ONCE(d->flags) & DENTRY_LRU))
		return;
	spin_lock(&lru_lock);
	if (d->flags & DENTRY_LRU) {
		set_flags(d, 0, DENTRY_LRU);
		list_del(&d->lru);
		nr_lru--;
	}
	spin_unlock(&lru_lock);
}

/* Nobody finds d any more; those who hold it keep it. */
void dentry_unhash(struct dentry *d)
{
	spin_lock(&rename_lock);
	bool was = unhash(d);
	if (was)
		set_flags(d, DENTRY_UNHASHED, 0);
	spin_unlock(&rename_lock);
	if (was) {
		lru_remove(d);
		dentry_put(d);
	}
}

static void dentry_free_rcu(struct rcu_head *h)
{
	struct dentry *d = container_of(h, struct dentry, rcu);
	name_free_now(d);
	slab_free(dentry_slab, d);
}

/* ref is 0: d is ours alone. Gives the parent, whose reference the caller drops. */
static struct dentry *dentry_kill(struct dentry *d)
{
	struct dentry *parent = d->parent == d ? NULL : d->parent;
	unhash(d);
	lru_remove(d);
	if (parent) {
		spin_lock(&parent->lock);
		list_del(&d->sibling);
		spin_unlock(&parent->lock);
	}
	struct inode *i = d->inode;
	WRITE_ONCE(d->inode, NULL);
	if (i)
		inode_put(i);
	call_rcu(&d->rcu, dentry_free_rcu);
	return parent;
}

void dentry_get(struct dentry *d)
{
	ref_get(&d->ref);
}

void dentry_put(struct dentry *d)
{
	while (d && ref_put(&d->ref))
		d = dentry_kill(d);
}

void dentry_pin(struct dentry *d)
{
	dentry_get(d);
	set_flags(d, DENTRY_PINNED, 0);
}

void dentry_unpin(struct dentry *d)
{
	set_flags(d, 0, DENTRY_PINNED);
	if (!(READ_ONCE(d->flags) & (DENTRY_LRU | DENTRY_UNHASHED))) {
		spin_lock(&lru_lock);
		if (!(d->flags & DENTRY_LRU)) {
			set_flags(d, DENTRY_LRU, 0);
			list_add(&d->lru, &lru);
			nr_lru++;
		}
		spin_unlock(&lru_lock);
	}
	dentry_put(d);
}

/* consumes i's reference; release: a walker that sees the inode sees it whole. */
void dentry_instantiate(struct dentry *d, struct inode *i)
{
	__atomic_store_n(&d->inode, i, __ATOMIC_RELEASE);
}

/* The name is gone from the directory, whose rwsem is held for writing. The caller holds d. */
void dentry_delete(struct dentry *d)
{
	s32 two = 2; /* the hash and the caller */
	if (!(d->flags & (DENTRY_UNHASHED | DENTRY_NOCACHE)) &&
	    atomic_try_cmpxchg(&d->ref.n, &two, 0)) {
		/* With the count at 0 no lookup gets hold of it: whoever has one sees it stay positive. */
		struct inode *i = d->inode;
		WRITE_ONCE(d->inode, NULL);
		atomic_set_release(&d->ref.n, 2);
		if (i)
			inode_put(i);
		return;
	}
	dentry_unhash(d);
}

void dentry_invalidate(struct dentry *d)
{
	dentry_unhash(d);
}

struct dentry *dentry_make_root(struct inode *root)
{
	struct dentry *d = dentry_alloc(NULL, root->sb, "/", 1, 0);
	if (!d) {
		inode_put(root);
		return NULL;
	}
	dentry_instantiate(d, root);
	return d;
}

bool dentry_is_ancestor(const struct dentry *anc, const struct dentry *d)
{
	for (;;) {
		if (d == anc)
			return true;
		if (d->parent == d)
			return false;
		d = d->parent;
	}
}

static void set_parent(struct dentry *d, struct dentry *to)
{
	struct dentry *from = d->parent;
	if (from == to)
		return;
	dentry_get(to);
	spin_lock(&from->lock);
	list_del(&d->sibling);
	spin_unlock(&from->lock);
	WRITE_ONCE(d->parent, to);
	spin_lock(&to->lock);
	list_add_tail(&d->sibling, &to->children);
	spin_unlock(&to->lock);
}

static void swap_names(struct dentry *a, struct dentry *b)
{
	char *an = a->name, *bn = b->name;
	char tmp[sizeof(a->inline_name)];
	bool ai = an == a->inline_name, bi = bn == b->inline_name;
	memcpy(tmp, a->inline_name, sizeof(tmp));
	memcpy(a->inline_name, b->inline_name, sizeof(tmp));
	memcpy(b->inline_name, tmp, sizeof(tmp));
	WRITE_ONCE(a->name, bi ? a->inline_name : bn);
	WRITE_ONCE(b->name, ai ? b->inline_name : an);
	u16 l = a->name_len;
	a->name_len = b->name_len;
	b->name_len = l;
	u32 h = a->hash_val;
	a->hash_val = b->hash_val;
	b->hash_val = h;
}

static void rehash(struct dentry *d)
{
	unsigned b = bucket_of(d->parent, d->hash_val);
	spin_lock(bucket_lock(b));
	hlist_add(&d->hash, &buckets[b].chain);
	spin_unlock(bucket_lock(b));
}

/*
 * The freed long name of a renamed dentry may still be under comparison: swapping (not freeing) leaves
 * it with the other dentry, and that one is freed through RCU.
 */
void dentry_move(struct dentry *d, struct dentry *target)
{
	struct dentry *old = d->parent, *new = target->parent;
	spin_lock(&rename_lock);
	seq_write_begin(&walk_seq);
	bool hashed = unhash(d), thashed = unhash(target);
	swap_names(d, target);
	set_parent(d, new);
	if (old != new)
		set_parent(target, old);
	if (hashed)
		rehash(d);
	if (thashed)
		set_flags(target, DENTRY_UNHASHED, 0);
	seq_write_end(&walk_seq);
	spin_unlock(&rename_lock);
	if (thashed) {
		lru_remove(target);
		dentry_put(target);
	}
	if (old != new) { /* each gave up its former parent */
		dentry_put(old);
		dentry_put(new);
	}
}

void dentry_exchange(struct dentry *a, struct dentry *b)
{
	struct dentry *pa = a->parent, *pb = b->parent;
	spin_lock(&rename_lock);
	seq_write_begin(&walk_seq);
	bool ha = unhash(a), hb = unhash(b);
	swap_names(a, b);
	set_parent(a, pb);
	set_parent(b, pa);
	if (ha)
		rehash(a);
	if (hb)
		rehash(b);
	seq_write_end(&walk_seq);
	spin_unlock(&rename_lock);
	if (pa != pb) {
		dentry_put(pa);
		dentry_put(pb);
	}
}

/* Take up to nr unused dentries from the cold end; those in use or recently used go round again. */
unsigned long dcache_shrink(unsigned long nr)
{
	unsigned long freed = 0;
	if (!down_read_trylock(&shrink_sem))
		return 0;
	for (unsigned long scan = nr * 4; scan && freed < nr; scan--) {
		struct dentry *victim = NULL;
		spin_lock(&lru_lock);
		if (!list_empty(&lru)) {
			struct dentry *d = list_last_entry(&lru, struct dentry, lru);
			s32 one = 1;
			if (d->flags & DENTRY_PINNED) {
				set_flags(d, 0, DENTRY_LRU);
				list_del(&d->lru);
				nr_lru--;
			} else if (d->flags & DENTRY_REFD || ref_read(&d->ref) != 1) {
				set_flags(d, 0, DENTRY_REFD);
				list_move(&d->lru, &lru);
			} else if (atomic_try_cmpxchg(&d->ref.n, &one, 0)) {
				set_flags(d, 0, DENTRY_LRU);
				list_del(&d->lru);
				nr_lru--;
				victim = d;
			} else {
				list_move(&d->lru, &lru);
			}
		}
		spin_unlock(&lru_lock);
		if (victim) {
			dentry_put(dentry_kill(victim));
			freed++;
		}
	}
	up_read(&shrink_sem);
	return freed;
}

/* Remove unused hashed children of p; true if one went. */
static bool prune_children(struct dentry *p)
{
	struct dentry *d;
	spin_lock(&p->lock);
	list_for_each_entry (d, &p->children, sibling) {
		s32 one = 1;
		if ((READ_ONCE(d->flags) & (DENTRY_UNHASHED | DENTRY_PINNED)) ||
		    !atomic_try_cmpxchg(&d->ref.n, &one, 0))
			continue;
		spin_unlock(&p->lock);
		dentry_put(dentry_kill(d));
		return true;
	}
	spin_unlock(&p->lock);
	return false;
}

/* A removed directory: its negative entries would keep it alive. */
void dentry_prune(struct dentry *d)
{
	while (prune_children(d))
		;
}

/* The last mount of a super block is gone: nothing below root is in use but by the cache and by pins. */
void dentry_kill_tree(struct dentry *root)
{
	struct dentry *d = root;
	down_write(&shrink_sem);
	for (;;) {
		while (!list_empty(&d->children))
			d = list_first_entry(&d->children, struct dentry, sibling);
		struct dentry *up = d == root ? NULL : d->parent;
		if (d->flags & DENTRY_PINNED) {
			set_flags(d, DENTRY_UNHASHED, DENTRY_PINNED);
			dentry_put(d);
		}
		if (unhash(d)) {
			lru_remove(d);
			if (up)
				dentry_get(up);
			dentry_put(d);
			if (up)
				dentry_put(up);
		} else if (up) {
			/* Held by somebody: cannot be, the super block counts its users. */
			WARN_ON(1);
			spin_lock(&up->lock);
			list_del(&d->sibling);
			spin_unlock(&up->lock);
		}
		if (!up)
			break;
		d = up;
	}
	dentry_put(root);
	up_write(&shrink_sem);
}

static void shrink_to_cap(struct work *w)
{
	while (READ_ONCE(nr_lru) > lru_cap && dcache_shrink(256))
		cond_resched();
}

void dcache_init(void)
{
	struct mem_stats st;
	mem_stats_get(&st);
	/* One bucket per 64 KiB of memory, from 512 to 256 Ki; names up to 1/64 of memory. */
	unsigned order = order_of(max_t(u64, st.total / 16, 512));
	order = min(order, 18u);
	lru_cap = max_t(u64, (st.total << PAGE_SHIFT) / 64 / sizeof(struct dentry), 1024);
	for (unsigned i = 0; i < NR_BUCKET_LOCKS; i++)
		spin_init(&bucket_locks[i]);
	dentry_slab = slab_cache_create("dentry", sizeof(struct dentry), 0,
					SLAB_RECLAIMABLE | SLAB_PANIC, NULL);
	buckets = kvmalloc(sizeof(struct bucket) << order, GFP_KERNEL | GFP_ZERO);
	if (!buckets)
		panic("no memory for the dentry hash");
	bucket_shift = 32 - order;
	work_init(&shrink_work, shrink_to_cap);
}
