/* Tests of what CPUs remember of address spaces. The same address is mapped in several spaces, and tables are changed
 * while their space is loaded here, elsewhere or nowhere. Right with and without PCIDs; only the count of loads that
 * keep translations needs them. */
#include <alloc/slab.h>
#include <alloc/vmalloc.h>
#include <arch/cpu.h>
#include <arch/smp.h>
#include <arch/uaccess.h>
#include <init/ktest.h>
#include <sched/lock.h>
#include <sched/thread.h>
#include "vm_priv.h"

#define ADDR   0x20000000ul
#define SPACES 9 /* more than a CPU has slots */

static struct mm *space(u8 value)
{
	struct vm_map req = {.addr = ADDR,
			     .len = 2 * PAGE_SIZE,
			     .prot = PROT_READ | PROT_WRITE,
			     .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED};
	struct mm *mm = mm_create();

	if (!mm)
		return NULL;
	vm_layout(mm);
	(void)mm_install(mm);
	CHECK_EQ(vm_mmap(mm, &req), ADDR);
	CHECK_EQ(put_user(value, (u8 __user *)u64_to_user(ADDR)), 0);
	return mm;
}

static u8 seen(u64 addr)
{
	u8 v = 0xee;

	return get_user(v, (u8 __user *)u64_to_user(addr)) ? 0xfe : v;
}

/* Let the entry for ADDR show what the one for the next page shows, and flush: as a page that moved. */
static void swap_pages(struct mm *mm)
{
	down_write(&mm->lock);
	pte_t *a = pt_find(mm, ADDR), *b = pt_find(mm, ADDR + PAGE_SIZE);
	pte_t x = pte_read(a), y = pte_read(b);

	pte_write(a, y);
	pte_write(b, x);
	vm_flush_range(mm, ADDR, ADDR + 2 * PAGE_SIZE);
	up_write(&mm->lock);
}

static void unpin(unsigned long *old)
{
	CHECK_EQ(thread_set_affinity(current, old), 0);
	kfree(old);
}

/* Stay on cpu; the old affinity. */
static unsigned long *pin(struct thread *t, unsigned cpu)
{
	unsigned long *mask = kzalloc(cpumask_bytes(), GFP_KERNEL);
	unsigned long *old = kzalloc(cpumask_bytes(), GFP_KERNEL);

	if (mask && old) {
		sched_get_affinity(t, old);
		bit_set(mask, cpu);
		CHECK_EQ(thread_set_affinity(t, mask), 0);
	}
	kfree(mask);
	return old;
}

KTEST(tlb, spaces_do_not_mix)
{
	unsigned long *old = pin(current, 0);
	struct mm *mm[SPACES];

	REQUIRE(old);
	for (u8 i = 0; i < SPACES; i++) {
		mm[i] = space(i);
		REQUIRE(mm[i]);
	}
	for (unsigned round = 0; round < 40; round++) {
		unsigned i = round * 7 % SPACES, k = (round * 5 + 1) % 3;

		(void)mm_install(mm[i]);
		CHECK_EQ(seen(ADDR), i);
		(void)mm_install(mm[k]);
		CHECK_EQ(seen(ADDR), k);
	}
	(void)mm_install(NULL);
	for (unsigned i = 0; i < SPACES; i++)
		mm_put(mm[i]);
	unpin(old);
}

KTEST(tlb, change_while_away_is_seen)
{
	unsigned long *old = pin(current, 0);
	struct mm *a = space(1), *b = space(9);

	REQUIRE(old && a && b);
	(void)mm_install(a);
	CHECK_EQ(put_user((u8)2, (u8 __user *)u64_to_user(ADDR + PAGE_SIZE)), 0);
	for (unsigned i = 0; i < 10; i++) {
		CHECK_EQ(seen(ADDR), 1 + i % 2);
		(void)mm_install(b);
		CHECK_EQ(seen(ADDR), 9);
		swap_pages(a);
		(void)mm_install(a);
	}
	swap_pages(a); /* and while it is loaded */
	CHECK_EQ(seen(ADDR), 2);
	swap_pages(a);
	CHECK_EQ(seen(ADDR), 1);
	(void)mm_install(NULL);
	swap_pages(a); /* loaded lazily */
	(void)mm_install(a);
	CHECK_EQ(seen(ADDR), 2);
	(void)mm_install(NULL);
	mm_put(a);
	mm_put(b);
	unpin(old);
}

/* What was not flushed is kept, what was is not. A dead space's successor finds nothing of it. */
KTEST(tlb, pcid_keeps_translations)
{
	unsigned long *old = pin(current, 0);
	struct mm *a, *b;

	if (!cpu_features.pcid) {
		ktest_skip("no PCIDs");
		unpin(old);
		return;
	}
	a = space(1);
	b = space(2);
	REQUIRE(old && a && b);
	preempt_disable();
	u64 kept = tlb_loads_kept();
	for (unsigned i = 0; i < 10; i++)
		(void)mm_install(i % 2 ? b : a);
	kept = tlb_loads_kept() - kept;
	preempt_enable();
	CHECK_EQ(kept, 10);
	/* b is loaded; a changes and is behind once. */
	kept = tlb_loads_kept();
	CHECK_EQ(seen(ADDR), 2);
	swap_pages(a);
	(void)mm_install(a);
	CHECK_EQ(tlb_loads_kept() - kept, 0);
	(void)mm_install(b);
	(void)mm_install(a);
	CHECK_EQ(tlb_loads_kept() - kept, 2);
	swap_pages(a); /* while it is loaded: its slot keeps up */
	(void)mm_install(b);
	(void)mm_install(a);
	CHECK_EQ(tlb_loads_kept() - kept, 4);
	CHECK_EQ(seen(ADDR), 1);
	(void)mm_install(NULL);
	mm_put(a);
	a = space(3); /* with luck in the same memory */
	REQUIRE(a);
	CHECK_EQ(seen(ADDR), 3);
	(void)mm_install(NULL);
	mm_put(a);
	mm_put(b);
	unpin(old);
}

/* Kernel entries are global: they change for all spaces, whichever is loaded. */
KTEST(tlb, kernel_entries_are_global)
{
	unsigned long *old = pin(current, 0);
	struct mm *mm[3] = {space(1), space(2), space(3)};
	volatile u8 *v = vmalloc(2 * PAGE_SIZE, GFP_KERNEL);

	REQUIRE(old && mm[0] && mm[1] && mm[2] && v);
	pte_t *e = pt_walk(kernel_root, (u64)v, 1, false),
	      *next = pt_walk(kernel_root, (u64)v + PAGE_SIZE, 1, false);
	REQUIRE(e && next);
	v[0] = 10;
	v[PAGE_SIZE] = 11;
	for (unsigned round = 0; round < 6; round++) {
		for (unsigned i = 0; i < 3; i++) {
			(void)mm_install(mm[i]);
			CHECK_EQ(v[0], 10 + round % 2);
		}
		pte_t x = pte_read(e);
		CHECK(x.v & PTE_GLOBAL);
		pte_write(e, pte_read(next));
		pte_write(next, x);
		tlb_shootdown_kernel((u64)v, (round % 3 ? 2 : 2000) * PAGE_SIZE);
	}
	(void)mm_install(NULL);
	vfree((void *)v);
	for (unsigned i = 0; i < 3; i++)
		mm_put(mm[i]);
	unpin(old);
}

struct roamer {
	struct mm *a, *b;
	u32 stop, rounds; /* [a] */
	u64 version;	  /* [a] of a's page: even numbers are settled */
	u32 bad;
};

/* Between two spaces; what is read of a must not be older than what it was before. */
static int roam(void *arg)
{
	struct roamer *r = arg;

	mm_get(r->a);
	(void)mm_install(r->a);
	while (!READ_ONCE(r->stop)) {
		(void)mm_install(r->b);
		if (seen(ADDR) != 99)
			r->bad++;
		(void)mm_install(r->a);
		u64 before = smp_load_acquire(&r->version);
		u8 v = seen(ADDR);
		smp_mb();
		if (READ_ONCE(r->version) == before && !(before & 1) && v != before / 2 % 2)
			r->bad++;
		__atomic_fetch_add(&r->rounds, 1, __ATOMIC_RELAXED);
	}
	(void)mm_install(NULL);
	mm_put(r->a);
	return 0;
}

/* Threads on all CPUs come and go while the pages are swapped. */
KTEST(tlb, change_reaches_all_cpus)
{
	static struct roamer r;
	struct join_handle h[8];
	unsigned n = min(nr_cpus_online, 8u);

	r = (struct roamer){.a = space(0), .b = space(99)};
	REQUIRE(r.a && r.b);
	(void)mm_install(r.a);
	CHECK_EQ(put_user((u8)1, (u8 __user *)u64_to_user(ADDR + PAGE_SIZE)), 0);
	for (unsigned i = 0; i < n; i++) {
		REQUIRE(thread_spawn(&h[i], roam, &r, "roam%u", i) == 0);
		kfree(pin(h[i].thread, i));
	}
	for (u64 i = 1; i <= 200 || (i < 20000 && READ_ONCE(r.rounds) < 500); i++) {
		smp_store_release(&r.version, 2 * i - 1);
		swap_pages(r.a);
		smp_store_release(&r.version, 2 * i);
		CHECK_EQ(seen(ADDR), i % 2);
		if (i % 8 == 0)
			sleep_ns(50 * NSEC_PER_USEC);
	}
	WRITE_ONCE(r.stop, 1);
	for (unsigned i = 0; i < n; i++)
		thread_join(&h[i]);
	CHECK_EQ(r.bad, 0);
	(void)mm_install(NULL);
	mm_put(r.a);
	mm_put(r.b);
}
