/* Tests of address spaces. Each works in an mm of its own, installed for the test's kernel thread, so that
 * user copies take real faults and the system-call handlers can be called as they are. */
#include <alloc/slab.h>
#include <arch/uaccess.h>
#include <init/ktest.h>
#include <lib/string.h>
#include <log/random.h>
#include <sched/thread.h>
#include <syscall/syscalls.h>
#include "vm_priv.h"

#define BASE  0x10000000ul
#define PAGES 96u
#define RW    (PROT_READ | PROT_WRITE)

static struct mm *enter(void)
{
	struct mm *mm = mm_create();

	if (mm) {
		vm_layout(mm);
		(void)mm_install(mm);
	}
	return mm;
}

static void leave(struct mm *mm)
{
	(void)mm_install(NULL);
	for (unsigned i = 0; i < 3; i++)
		CHECK(atomic_read(&mm->rss[i]) >= 0);
	mm_grab(mm);
	mm_put(mm);
	for (unsigned i = 0; i < 3; i++)
		CHECK_EQ(atomic_read(&mm->rss[i]), 0);
	CHECK_EQ(atomic_read(&mm->pt_pages), 0);
	CHECK_EQ(pt_page_of(mm->root)->pt_used, 0);
	mm_drop(mm);
}

static s64 map(struct mm *mm, u64 addr, u64 len, u32 prot, u32 flags)
{
	struct vm_map req = {.addr = addr, .len = len, .prot = prot, .flags = flags};

	return vm_mmap(mm, &req);
}

static u8 peek(u64 addr)
{
	u8 v = 0xee;

	return get_user(v, (u8 __user *)u64_to_user(addr)) ? 0xfe : v;
}

static int poke(u64 addr, u8 v)
{
	return put_user(v, (u8 __user *)u64_to_user(addr));
}

/* --- the tree --- */

struct model {
	u8 prot[PAGES]; /* 0x80: not mapped */
};

static void check_tree(struct mm *mm, const struct model *m)
{
	struct vma *v, *prev = NULL;
	u64 total = 0;
	u32 n = 0;

	for (unsigned i = 0; i < PAGES; i++) {
		v = vma_at(mm, BASE + i * PAGE_SIZE);
		if (!ktest_check((v ? (v->flags & VM_ACCESS) : 0x80) == m->prot[i], __FILE__,
				 __LINE__, "page as in the model"))
			return;
	}
	for (v = vma_find(mm, 0); v; prev = v, v = vma_next(v)) {
		CHECK(v->start < v->end);
		CHECK(!prev || prev->end <= v->start);
		CHECK(!prev || !vma_can_merge(prev, v));
		CHECK_EQ(v->gap, v->start - (prev ? prev->end : 0));
		total += vma_pages(v);
		n++;
	}
	CHECK_EQ(mm->total_vm, total);
	CHECK_EQ(mm->nr_vmas, n);
}

/* The place that a search of the whole model gives. */
static u64 model_gap_high(const struct model *m, unsigned n)
{
	for (int i = PAGES - n; i >= 0; i--) {
		unsigned k = 0;

		while (k < n && m->prot[i + k] == 0x80)
			k++;
		if (k == n)
			return BASE + i * PAGE_SIZE;
	}
	return 0;
}

static u64 model_gap_low(const struct model *m, unsigned n)
{
	for (unsigned i = 0; i + n <= PAGES; i++) {
		unsigned k = 0;

		while (k < n && m->prot[i + k] == 0x80)
			k++;
		if (k == n)
			return BASE + i * PAGE_SIZE;
	}
	return 0;
}

KTEST(vm, tree_matches_model)
{
	static const u8 prots[] = {PROT_NONE, PROT_READ, RW, PROT_READ | PROT_EXEC};
	struct mm *mm = enter();
	struct model m;

	REQUIRE(mm);
	memset(m.prot, 0x80, sizeof(m.prot));
	for (unsigned i = 0; i < 1500; i++) {
		unsigned at = random_below(PAGES), n = random_below(min(PAGES - at, 12u)) + 1;
		u64 addr = BASE + at * PAGE_SIZE, len = n * PAGE_SIZE,
		    end = BASE + PAGES * PAGE_SIZE;
		u8 prot = prots[random_below(ARRAY_SIZE(prots))];
		bool full = true;

		switch (random_below(4)) {
		case 0:
			CHECK_EQ(vm_munmap(mm, addr, len), 0);
			memset(m.prot + at, 0x80, n);
			break;
		case 1:
			for (unsigned k = 0; k < n; k++)
				full = full && m.prot[at + k] != 0x80;
			CHECK_EQ(sys_mprotect(addr, len, prot), full ? 0 : -ENOMEM);
			for (unsigned k = 0; k < n && m.prot[at + k] != 0x80; k++)
				m.prot[at + k] = prot;
			break;
		case 2:
			if (m.prot[at] != 0x80 && m.prot[at] & PROT_WRITE)
				CHECK_EQ(poke(addr, 1), 0);
			break;
		default:
			CHECK_EQ(map(mm, addr, len, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED),
				 addr);
			memset(m.prot + at, prot, n);
		}
		if (i % 8 == 0)
			check_tree(mm, &m);
		CHECK_EQ(vma_gap_high(mm, len, BASE, end), model_gap_high(&m, n));
		CHECK_EQ(vma_gap_low(mm, len, BASE, end), model_gap_low(&m, n));
	}
	check_tree(mm, &m);
	leave(mm);
}

KTEST(vm, placement)
{
	struct mm *mm = enter();
	u32 anon = MAP_PRIVATE | MAP_ANONYMOUS;
	s64 a, b;

	REQUIRE(mm);
	a = map(mm, 0, 8 * PAGE_SIZE, RW, anon);
	b = map(mm, 0, 8 * PAGE_SIZE, RW, anon);
	CHECK_EQ(a, mm->mmap_base - 8 * PAGE_SIZE);
	CHECK_EQ(b, a - 8 * PAGE_SIZE);
	CHECK_EQ(mm->nr_vmas, 1); /* neighbours merge */
	CHECK_EQ(map(mm, BASE + 5, PAGE_SIZE, RW, anon), BASE);
	CHECK_EQ(map(mm, BASE, PAGE_SIZE, RW, anon | MAP_FIXED_NOREPLACE), -EEXIST);
	CHECK_EQ(map(mm, BASE + 1, PAGE_SIZE, RW, anon | MAP_FIXED), -EINVAL);
	CHECK_EQ(map(mm, BASE, 0, RW, anon), -EINVAL);
	CHECK_EQ(map(mm, 0, ~0ul, RW, anon), -ENOMEM);
	CHECK_EQ(map(mm, 0, 1ul << 57, RW, anon), -ENOMEM);
	CHECK_EQ(map(mm, 0, PAGE_SIZE, RW, MAP_ANONYMOUS), -EINVAL);
	CHECK_EQ(map(mm, 0, PAGE_SIZE, RW, anon | MAP_HUGETLB), -ENOMEM);
	CHECK_EQ(map(mm, user_limit, PAGE_SIZE, RW, anon | MAP_FIXED), -ENOMEM);
	a = map(mm, 0, PAGE_SIZE, RW, anon | MAP_32BIT);
	CHECK(a >= 0x40000000 && a < 0x80000000l);
	if (mm->task_size > WINDOW_END) {
		a = map(mm, 1ul << 48, PAGE_SIZE, RW, anon);
		CHECK_EQ(a, 1ul << 48);
		CHECK_EQ(poke(a, 9), 0);
		CHECK_EQ(peek(a), 9);
		CHECK_EQ(map(mm, ~0ul & PAGE_MASK, PAGE_SIZE, RW, anon) > (s64)WINDOW_END, 1);
	}
	mm->rlim_as = (mm->total_vm + 2) << PAGE_SHIFT;
	CHECK_EQ(map(mm, 0, 3 * PAGE_SIZE, RW, anon), -ENOMEM);
	CHECK(map(mm, 0, 2 * PAGE_SIZE, RW, anon) > 0);
	leave(mm);
}

/* --- faults --- */

KTEST(vm, demand_zero)
{
	struct mm *mm = enter();
	s64 a;

	REQUIRE(mm);
	a = map(mm, 0, 4 * PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS);
	REQUIRE(a > 0);
	CHECK_EQ(peek(a), 0);
	CHECK_EQ(atomic_read(&mm->rss[RSS_ANON]), 0); /* the shared zero page */
	CHECK_EQ(poke(a, 5), 0);
	CHECK_EQ(peek(a), 5);
	CHECK_EQ(atomic_read(&mm->rss[RSS_ANON]), 1);
	CHECK_EQ(sys_mprotect(a, PAGE_SIZE, PROT_READ), 0);
	CHECK_EQ(poke(a, 6), -EFAULT);
	CHECK_EQ(peek(a), 5);
	CHECK_EQ(sys_mprotect(a, PAGE_SIZE, PROT_NONE), 0);
	CHECK_EQ(peek(a), 0xfe);
	CHECK_EQ(sys_mprotect(a, PAGE_SIZE, RW), 0);
	CHECK_EQ(peek(a), 5);
	CHECK_EQ(poke(a, 6), 0);
	CHECK_EQ(sys_madvise(a, PAGE_SIZE, MADV_DONTNEED), 0);
	CHECK_EQ(peek(a), 0);
	CHECK_EQ(peek(a + 4 * PAGE_SIZE), 0xfe);
	CHECK_EQ(sys_madvise(a, 4 * PAGE_SIZE, MADV_POPULATE_WRITE), 0);
	CHECK_EQ(atomic_read(&mm->rss[RSS_ANON]), 4);
	pagefault_disable();
	CHECK_EQ(sys_munmap(a, PAGE_SIZE), 0);
	CHECK_EQ(peek(a), 0xfe);
	pagefault_enable();
	leave(mm);
}

KTEST(vm, fork_copies_on_write)
{
	struct mm *mm = enter(), *child;
	u64 a = BASE;
	u8 v;

	REQUIRE(mm);
	CHECK_EQ(map(mm, a, 64 * PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED), a);
	for (unsigned i = 0; i < 64; i++)
		CHECK_EQ(poke(a + i * PAGE_SIZE, i), 0);
	CHECK_EQ(sys_madvise(a + 8 * PAGE_SIZE, PAGE_SIZE, MADV_WIPEONFORK), 0);
	CHECK_EQ(sys_madvise(a + 9 * PAGE_SIZE, PAGE_SIZE, MADV_DONTFORK), 0);
	child = mm_fork(mm);
	REQUIRE(!IS_ERR(child));
	CHECK_EQ(poke(a, 100), 0);
	CHECK_EQ(vm_access(child, a, &v, 1, false), 1);
	CHECK_EQ(v, 0);
	v = 200;
	CHECK_EQ(vm_access(child, a + PAGE_SIZE, &v, 1, true), 1);
	CHECK_EQ(peek(a + PAGE_SIZE), 1);
	CHECK_EQ(vm_access(child, a + PAGE_SIZE, &v, 1, false), 1);
	CHECK_EQ(v, 200);
	CHECK_EQ(vm_access(child, a + 8 * PAGE_SIZE, &v, 1, false), 1);
	CHECK_EQ(v, 0);
	CHECK_EQ(vm_access(child, a + 9 * PAGE_SIZE, &v, 1, false), -EFAULT);
	CHECK_EQ(atomic_read(&child->rss[RSS_ANON]), 62);
	mm_grab(child);
	mm_put(child);
	CHECK_EQ(atomic_read(&child->rss[RSS_ANON]), 0);
	CHECK_EQ(atomic_read(&child->pt_pages), 0);
	mm_drop(child);
	/* The pages are ours alone again: writing keeps them. */
	for (unsigned i = 2; i < 64; i++) {
		pte_t before = pte_read(pt_find(mm, a + i * PAGE_SIZE));

		CHECK_EQ(peek(a + i * PAGE_SIZE), i);
		CHECK_EQ(poke(a + i * PAGE_SIZE, 1), 0);
		CHECK_EQ(pte_pa(pte_read(pt_find(mm, a + i * PAGE_SIZE))).v, pte_pa(before).v);
	}
	leave(mm);
}

KTEST(vm, debugger_writes_to_read_only)
{
	struct mm *mm = enter(), *child;
	u8 v = 7;

	REQUIRE(mm);
	CHECK_EQ(map(mm, BASE, PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED), BASE);
	CHECK_EQ(poke(BASE, 1), 0);
	CHECK_EQ(sys_mprotect(BASE, PAGE_SIZE, PROT_READ), 0);
	child = mm_fork(mm);
	REQUIRE(!IS_ERR(child));
	CHECK_EQ(vm_access(mm, BASE, &v, 1, true), 1);
	CHECK_EQ(peek(BASE), 7);
	CHECK_EQ(poke(BASE, 2), -EFAULT);
	CHECK_EQ(vm_access(child, BASE, &v, 1, false), 1);
	CHECK_EQ(v, 1);
	mm_put(child);
	leave(mm);
}

KTEST(vm, stack_grows_and_stops)
{
	struct mm *mm = enter();
	u64 top, low;

	REQUIRE(mm);
	mm->rlim_stack = MiB;
	CHECK_EQ(vm_setup_stack(mm, false, &top), 0);
	CHECK_EQ(poke(top - 1, 1), 0);
	CHECK_EQ(poke(top - 512 * KiB, 1), 0);
	CHECK_EQ(poke(top - 2 * MiB, 1), -EFAULT);
	low = vma_find(mm, 0)->start;
	CHECK_EQ(low, top - 512 * KiB);
	/* A mapping right below blocks the way, with a guard gap. */
	CHECK_EQ(map(mm, low - 300 * PAGE_SIZE, PAGE_SIZE, RW,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED),
		 low - 300 * PAGE_SIZE);
	CHECK_EQ(poke(low - 10 * PAGE_SIZE, 1), 0);
	CHECK_EQ(poke(low - 60 * PAGE_SIZE, 1), -EFAULT);
	leave(mm);
}

KTEST(vm, heap)
{
	struct mm *mm = enter();

	REQUIRE(mm);
	mm->start_brk = mm->brk = BASE + 0x123;
	CHECK_EQ(sys_brk(0), BASE + 0x123);
	CHECK_EQ(sys_brk(BASE + 0x10123), BASE + 0x10123);
	CHECK_EQ(poke(BASE + 0x10000, 3), 0);
	CHECK_EQ(poke(BASE + 0x11000, 3), -EFAULT);
	CHECK_EQ(sys_brk(BASE + 0x2000), BASE + 0x2000);
	CHECK_EQ(peek(BASE + 0x10000), 0xfe);
	CHECK_EQ(map(mm, BASE + 0x4000, PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED),
		 BASE + 0x4000);
	CHECK_EQ(sys_brk(BASE + 0x10000), BASE + 0x2000); /* in the way */
	leave(mm);
}

KTEST(vm, mremap_forms)
{
	struct mm *mm = enter();
	u32 fixed = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	u64 n = 4 * PAGE_SIZE;
	s64 a;

	REQUIRE(mm);
	CHECK_EQ(map(mm, BASE, n, RW, fixed), BASE);
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQ(poke(BASE + i * PAGE_SIZE, i + 1), 0);
	CHECK_EQ(sys_mremap(BASE, n, 2 * n, 0, 0), BASE); /* grows in place */
	CHECK_EQ(peek(BASE + n), 0);
	CHECK_EQ(sys_mremap(BASE, 2 * n, n, 0, 0), BASE);
	CHECK_EQ(map(mm, BASE + n, PAGE_SIZE, PROT_READ, fixed), BASE + n);
	CHECK_EQ(sys_mremap(BASE, n, 2 * n, 0, 0), -ENOMEM);
	a = sys_mremap(BASE, n, 2 * n, MREMAP_MAYMOVE, 0);
	REQUIRE(a > 0 && a != BASE);
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQ(peek(a + i * PAGE_SIZE), i + 1);
	CHECK_EQ(peek(BASE), 0xfe);
	CHECK_EQ(sys_mremap(a, n, n, MREMAP_MAYMOVE | MREMAP_FIXED, BASE + 0x400000 - PAGE_SIZE),
		 BASE + 0x400000 - PAGE_SIZE);
	CHECK_EQ(peek(BASE + 0x400000), 2);
	CHECK_EQ(sys_mremap(BASE + 0x400000 - PAGE_SIZE, n, n, MREMAP_MAYMOVE | MREMAP_DONTUNMAP,
			    0) > 0,
		 1);
	CHECK_EQ(peek(BASE + 0x400000), 0);
	CHECK_EQ(sys_mremap(BASE, n, n, 8, 0), -EINVAL);
	CHECK_EQ(sys_mremap(BASE, n, n, MREMAP_FIXED, 0), -EINVAL);
	CHECK_EQ(sys_mremap(BASE + 1, n, n, 0, 0), -EINVAL);
	CHECK_EQ(sys_mremap(BASE, n, 0, 0, 0), -EINVAL);
	CHECK_EQ(sys_mremap(0x1000, n, n, 0, 0), -EFAULT);
	leave(mm);
}

KTEST(vm, mlock_accounts)
{
	struct mm *mm = enter();

	REQUIRE(mm);
	CHECK_EQ(map(mm, BASE, 8 * PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED), BASE);
	CHECK_EQ(sys_mlock(BASE + 100, PAGE_SIZE), 0);
	CHECK_EQ(mm->locked_vm, 2);
	CHECK_EQ(atomic_read(&mm->rss[RSS_ANON]), 2);
	CHECK_EQ(mm->nr_vmas, 2);
	CHECK_EQ(sys_madvise(BASE, PAGE_SIZE, MADV_DONTNEED), -EINVAL);
	CHECK_EQ(sys_munlock(BASE, PAGE_SIZE), 0);
	CHECK_EQ(mm->locked_vm, 1);
	CHECK_EQ(sys_mlock(BASE, 16 * PAGE_SIZE), -ENOMEM);
	CHECK_EQ(sys_munlockall(), 0);
	CHECK_EQ(mm->locked_vm, 0);
	CHECK_EQ(mm->nr_vmas, 1);
	leave(mm);
}

/* --- files --- */

static u64 test_size;
static u64 size_op(struct mapping *m)
{
	return test_size;
}

KTEST(vm, shared_and_private_file)
{
	static const struct pager_ops ops = {.size = size_op};
	struct vm_map req = {.len = 8 * PAGE_SIZE, .prot = RW, .flags = MAP_SHARED};
	struct mm *mm = enter(), *child;
	struct iov_iter it;
	struct mapping m;
	char text[] = "hello";
	s64 sh, pr;
	u8 v;

	REQUIRE(mm);
	mapping_init(&m, &ops, NULL);
	test_size = 6 * PAGE_SIZE;
	req.mapping = &m;
	sh = vm_mmap(mm, &req);
	req.flags = MAP_PRIVATE;
	req.addr = 0;
	pr = vm_mmap(mm, &req);
	REQUIRE(sh > 0 && pr > 0);
	iov_kernel(&it, text, sizeof(text));
	CHECK_EQ(mapping_write(&m, PAGE_SIZE, &it), sizeof(text));
	CHECK_EQ(peek(sh + PAGE_SIZE), 'h');
	CHECK_EQ(peek(pr + PAGE_SIZE), 'h');
	CHECK_EQ(poke(sh + PAGE_SIZE, 'j'), 0);
	CHECK_EQ(peek(pr + PAGE_SIZE), 'j');
	CHECK_EQ(poke(pr + PAGE_SIZE, 'c'), 0);
	CHECK_EQ(peek(sh + PAGE_SIZE), 'j');
	CHECK_EQ(poke(sh + 6 * PAGE_SIZE, 1), -EFAULT);
	child = mm_fork(mm);
	REQUIRE(!IS_ERR(child));
	CHECK_EQ(poke(sh + 2 * PAGE_SIZE, 'q'), 0);
	CHECK_EQ(vm_access(child, sh + 2 * PAGE_SIZE, &v, 1, false), 1);
	CHECK_EQ(v, 'q');
	CHECK_EQ(vm_access(child, pr + PAGE_SIZE, &v, 1, false), 1);
	CHECK_EQ(v, 'c');
	/* Truncation takes the pages from under all mappings, private copies too. */
	test_size = PAGE_SIZE;
	mapping_truncate(&m, test_size);
	CHECK_EQ(peek(sh + PAGE_SIZE), 0xfe);
	CHECK_EQ(peek(pr + PAGE_SIZE), 0xfe);
	CHECK_EQ(vm_access(child, sh + 2 * PAGE_SIZE, &v, 1, false), -EFAULT);
	CHECK_EQ(peek(sh), 0);
	mm_put(child);
	leave(mm);
	CHECK(m.i_mmap.node == NULL);
	CHECK_EQ(m.writable_maps, 0);
	mapping_destroy(&m);
	CHECK_EQ(m.nr_pages, 0);
}

/* Write-notify: a shared mapping over a pager gets dirty by its first store after each writeback. */
static unsigned note_writes;
static int note_read(struct mapping *m, struct page *p)
{
	memset(page_address(p), 0x11, PAGE_SIZE);
	page_set_uptodate(p);
	page_unlock(p);
	return 0;
}
static int note_write(struct mapping *m, struct page *p)
{
	note_writes++;
	page_unlock(p);
	page_end_writeback(p, 0);
	return 0;
}

KTEST(vm, stores_dirty_paged_files)
{
	static const struct pager_ops ops = {.read_page = note_read, .write_page = note_write};
	struct vm_map req = {.len = 4 * PAGE_SIZE, .prot = RW, .flags = MAP_SHARED};
	struct mm *mm = enter();
	struct mapping m;
	s64 a;

	REQUIRE(mm);
	note_writes = 0;
	mapping_init(&m, &ops, NULL);
	req.mapping = &m;
	a = vm_mmap(mm, &req);
	REQUIRE(a > 0);
	CHECK_EQ(peek(a), 0x11);
	CHECK(!mapping_dirty(&m));
	for (unsigned i = 1; i < 4; i++) {
		CHECK_EQ(poke(a, i), 0);
		CHECK(mapping_dirty(&m));
		CHECK_EQ(mapping_sync(&m, 0, ~0ul), 0);
		CHECK(!mapping_dirty(&m));
		CHECK_EQ(note_writes, i);
	}
	leave(mm);
	mapping_destroy(&m);
}

/* --- many threads in one space --- */

struct storm {
	struct mm *mm;
	u64 base;
};

static int storm_thread(void *arg)
{
	struct storm *s = arg;
	int bad = 0;

	mm_get(s->mm);
	(void)mm_install(s->mm);
	for (unsigned i = 0; i < 300; i++) {
		u64 at = s->base + random_below(64) * PAGE_SIZE;

		switch (random_below(6)) {
		case 0:
			bad += sys_madvise(at & ~(8 * PAGE_SIZE - 1), PAGE_SIZE, MADV_DONTNEED) !=
			       0;
			break;
		case 1:
			bad += sys_mprotect(at, PAGE_SIZE, i & 1 ? RW : PROT_READ) != 0;
			break;
		case 2: {
			struct mm *c = mm_fork(s->mm);

			if (!IS_ERR(c))
				mm_put(c);
			break;
		}
		default:
			(void)poke(at, 1);
			bad += peek(at) > 1;
		}
	}
	(void)mm_install(NULL);
	mm_put(s->mm);
	return bad;
}

KTEST(vm, threads_fault_fork_and_protect)
{
	struct storm s = {.mm = enter(), .base = BASE};
	struct join_handle h[4];
	unsigned n = 0;

	REQUIRE(s.mm);
	CHECK_EQ(map(s.mm, BASE, 64 * PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED),
		 BASE);
	while (n < ARRAY_SIZE(h) && !thread_spawn(&h[n], storm_thread, &s, "storm/%u", n))
		n++;
	for (unsigned i = 0; i < n; i++)
		CHECK_EQ(thread_join(&h[i]), 0);
	CHECK(n > 0);
	leave(s.mm);
}
