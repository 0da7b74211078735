/* Tests of the CPU core: exceptions, user access, page tables, protection, per-CPU set-up. */
#include "arch_priv.h"
#include <arch/backtrace.h>
#include <arch/cpu.h>
#include <arch/pgtable.h>
#include <arch/smp.h>
#include <arch/trap.h>
#include <arch/uaccess.h>
#include <init/ktest.h>
#include <init/sections.h>
#include <lib/string.h>
#include <sync/preempt.h>
#include <uapi/errno.h>

size_t uaccess_copy(void *dst, const void *src, size_t n);

#define USER_VA 0x10000000ul /* where the tests' user page is */

/* An address space of one writable page at USER_VA, with nothing on either side, loaded on this CPU. */
struct user_page {
	pte_t *root;
	u64 old_cr3;
	char *page;
};

static bool user_page_enter(struct user_page *u)
{
	u->root = pt_new_root();
	u->page = pt_alloc_page();
	if (!u->root || !u->page)
		return false;
	pte_t *e = pt_walk(u->root, USER_VA, 1, true);
	if (!e)
		return false;
	pte_write(e, pte_make(virt_to_phys(u->page), PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_NX));
	preempt_disable();
	pagefault_disable();
	u->old_cr3 = read_cr3();
	pt_switch(u->root);
	return true;
}

static void free_tables(pte_t *table, unsigned level)
{
	for (unsigned i = 0; level > 1 && i < 512; i++) {
		pte_t e = pte_read(&table[i]);
		if (level == pt_levels && i >= 256)
			break;
		if (pte_is_table(e))
			free_tables(pte_table(e), level - 1);
	}
	pt_free_page(table);
}

static void user_page_leave(struct user_page *u)
{
	write_cr3(u->old_cr3);
	pagefault_enable();
	preempt_enable();
	free_tables(u->root, pt_levels);
	pt_free_page(u->page);
}

KTEST(uaccess, copies_up_to_the_fault)
{
	static char buf[256];
	struct user_page u;

	REQUIRE(user_page_enter(&u));
	for (unsigned i = 0; i < PAGE_SIZE; i++)
		u.page[i] = (char)i;
	unsigned wrong = 0;
	for (unsigned n = 0; n <= 200; n++) {
		for (unsigned over = 0; over <= n && over <= 70; over++) {
			u64 at = USER_VA + PAGE_SIZE - (n - over);
			if (copy_in_partial(buf, u64_to_user(at), n) != over ||
			    memcmp(buf, u.page + PAGE_SIZE - (n - over), n - over))
				wrong++;
			if (copy_out_partial(u64_to_user(at), buf, n) != over)
				wrong++;
			if (n < 20 && clear_user_partial(u64_to_user(at), n) != over)
				wrong++;
			if (n < 20)
				for (unsigned i = 0; i < n - over; i++)
					u.page[PAGE_SIZE - (n - over) + i] =
						(char)(PAGE_SIZE - (n - over) + i);
		}
	}
	memset(buf, 1, sizeof(buf));
	int err = copy_in(buf, u64_to_user(USER_VA + PAGE_SIZE - 4), 8);
	user_page_leave(&u);
	CHECK_EQ(wrong, 0);
	CHECK_EQ(err, -EFAULT);
	CHECK_EQ(buf[4] | buf[5] | buf[6] | buf[7], 0);
	CHECK_EQ(buf[8], 1);
}

KTEST(uaccess, strings_stop_at_nul_and_at_the_edge)
{
	char out[32];
	struct user_page u;

	REQUIRE(user_page_enter(&u));
	memset(u.page, 'x', PAGE_SIZE);
	unsigned wrong = 0;
	for (unsigned len = 0; len < 24; len++) {
		u64 at = USER_VA + PAGE_SIZE - len - 1;
		u.page[PAGE_SIZE - 1] = '\0';
		if (strnlen_in(u64_to_user(at), 100) != (ssize_t)len ||
		    strncpy_in(out, u64_to_user(at), sizeof(out)) != (ssize_t)len ||
		    strlen(out) != len)
			wrong++;
		if (len && strncpy_in(out, u64_to_user(at), len) != -ENAMETOOLONG)
			wrong++;
		u.page[PAGE_SIZE - 1] = 'x';
		if (strnlen_in(u64_to_user(at), 100) != -EFAULT ||
		    strnlen_in(u64_to_user(at), len + 1) != (ssize_t)len + 1)
			wrong++;
	}
	user_page_leave(&u);
	CHECK_EQ(wrong, 0);
}

KTEST(uaccess, atomics)
{
	struct user_page u;
	u32 found = 0, old = 0;

	REQUIRE(user_page_enter(&u));
	u32 *k = (u32 *)u.page;
	u32 __user *p = u64_to_user(USER_VA);
	*k = 5;
	int a = user_cmpxchg32(p, 5, 7, &found);
	u32 after_a = *k;
	int b = user_cmpxchg32(p, 5, 9, &found);
	int c = user_futex_op(1, 10, p, &old); /* FUTEX_OP_ADD */
	u32 after_c = *k;
	int d = user_futex_op(99, 0, p, &old);
	int e = user_cmpxchg32(u64_to_user(USER_VA + PAGE_SIZE), 0, 1, &old);
	int f = user_cmpxchg32(u64_to_user(USER_VA + 2), 0, 1, &old);
	user_page_leave(&u);
	CHECK_EQ(a, 0);
	CHECK_EQ(after_a, 7);
	CHECK_EQ(b, 0);
	CHECK_EQ(found, 7);
	CHECK_EQ(c, 0);
	CHECK_EQ(after_c, 17);
	CHECK_EQ(d, -ENOSYS);
	CHECK_EQ(e, -EFAULT);
	CHECK_EQ(f, -EFAULT);
}

KTEST(uaccess, kernel_addresses_are_refused)
{
	char b[8];

	CHECK_EQ(copy_in(b, u64_to_user((u64)__text_start), 8), -EFAULT);
	CHECK_EQ(copy_in(b, u64_to_user(user_limit - 4), 8), -EFAULT);
	CHECK_EQ(copy_out(u64_to_user(-8ul), b, 16), -EFAULT);
	CHECK_EQ(copy_out(u64_to_user(1ul << 62), b, 8), -EFAULT);
	CHECK_EQ(strnlen_in(u64_to_user((u64)__rodata_start), 8), -EFAULT);
}

KTEST(trap, exception_keeps_registers)
{
	static const u64 seed = 0x1122334455667788ul;
	u64 sum;

	/* Every register but RSP and RBP gets a value of its own, then #UD, then they are added up. */
	__asm__ volatile("mov %1, %%rax\n\t"
			 "lea 1(%%rax), %%rbx\n\tlea 2(%%rax), %%rcx\n\tlea 3(%%rax), %%rdx\n\t"
			 "lea 4(%%rax), %%rsi\n\tlea 5(%%rax), %%rdi\n\tlea 6(%%rax), %%r8\n\t"
			 "lea 7(%%rax), %%r9\n\tlea 8(%%rax), %%r10\n\tlea 9(%%rax), %%r11\n\t"
			 "lea 10(%%rax), %%r12\n\tlea 11(%%rax), %%r13\n\tlea 12(%%rax), %%r14\n\t"
			 "lea 13(%%rax), %%r15\n"
			 "1:\tud2\n"
			 "2:\tadd %%rbx, %%rax\n\tadd %%rcx, %%rax\n\tadd %%rdx, %%rax\n\t"
			 "add %%rsi, %%rax\n\tadd %%rdi, %%rax\n\tadd %%r8, %%rax\n\t"
			 "add %%r9, %%rax\n\tadd %%r10, %%rax\n\tadd %%r11, %%rax\n\t"
			 "add %%r12, %%rax\n\tadd %%r13, %%rax\n\tadd %%r14, %%rax\n\t"
			 "add %%r15, %%rax\n\tmov %%rax, %0\n\t"
			 ".pushsection .extable, \"a\"\n\t"
			 ".long 1b - .\n\t.long 2b - .\n\t"
			 ".popsection"
			 : "=m"(sum)
			 : "m"(seed)
			 : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11",
			   "r12", "r13", "r14", "r15", "cc", "memory");
	CHECK_EQ(sum, seed * 14 + 91);
}

KTEST(trap, single_step_in_the_kernel_goes_on)
{
	u64 flags;

	/* TF set by POPFQ traps behind the next instruction; the handler clears it. */
	__asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\tnop\n\tnop\n\tpushfq\n\tpopq %0"
			 : "=r"(flags)::"memory", "cc");
	CHECK_EQ(flags & 0x100, 0);
}

KTEST(trap, backtrace_finds_callers)
{
	u64 pcs[8];
	unsigned n = backtrace(0, pcs, ARRAY_SIZE(pcs));

	CHECK(n >= 2);
	for (unsigned i = 0; i < n; i++)
		CHECK(pcs[i] >= (u64)__image_start && pcs[i] < (u64)__image_end);
	/* A chain that leads nowhere ends. */
	u64 bad[2] = {0x4141414141414140ul, (u64)__text_start + 8};
	CHECK(backtrace((u64)bad, pcs, ARRAY_SIZE(pcs)) <= 1);
	CHECK_EQ(backtrace(0x1234, pcs, ARRAY_SIZE(pcs)), 0);
}

/* ---- page tables ---------------------------------------------------------------------------------- */

#define TEST_VA (vmalloc_end + 4 * MiB) /* the slot's last GiB belongs to nobody */

KTEST(pgtable, maps_protects_and_unmaps)
{
	char *page = pt_alloc_page();
	char b = 1;

	REQUIRE(page);
	REQUIRE(!pt_map_kernel(TEST_VA, virt_to_phys(page), PAGE_SIZE, PTE_WRITE | PTE_NX));
	*(volatile char *)TEST_VA = 42;
	CHECK_EQ(page[0], 42);
	CHECK_EQ(pt_map_kernel(TEST_VA, virt_to_phys(page), PAGE_SIZE, PTE_NX), -EEXIST);
	pt_protect_kernel(TEST_VA, PAGE_SIZE, PTE_NX);
	CHECK_EQ(uaccess_copy((void *)TEST_VA, &b, 1), 1);
	CHECK_EQ(page[0], 42);
	pt_unmap_kernel(TEST_VA, PAGE_SIZE);
	CHECK(!pt_kernel_mapped(TEST_VA));
	CHECK_EQ(uaccess_copy(&b, (void *)TEST_VA, 1), 1);
	pt_free_page(page);
}

KTEST(pgtable, unmapping_part_of_a_huge_page_splits_it)
{
	u64 va = ALIGN_UP(TEST_VA, 2 * MiB) + 8 * MiB;

	/* Any 2 MiB of physical memory do: nothing reads them. */
	REQUIRE(!pt_map_kernel(va, pa(0), 2 * MiB, PTE_NX));
	pt_unmap_kernel(va + PAGE_SIZE, PAGE_SIZE);
	CHECK(pt_kernel_mapped(va));
	CHECK(!pt_kernel_mapped(va + PAGE_SIZE));
	CHECK(pt_kernel_mapped(va + 2 * PAGE_SIZE));
	CHECK(pt_kernel_mapped(va + 2 * MiB - 1));
	pt_unmap_kernel(va, 2 * MiB);
	CHECK(!pt_kernel_mapped(va + 2 * PAGE_SIZE));
}

/* Leaves below table that are both writable and executable. */
static unsigned long count_wx(pte_t *table, unsigned level)
{
	unsigned long n = 0;

	for (unsigned i = level == pt_levels ? 256 : 0; i < 512; i++) {
		pte_t e = pte_read(&table[i]);

		if (!pte_present(e))
			continue;
		if (level > 1 && pte_is_table(e))
			n += count_wx(pte_table(e), level - 1);
		else if ((e.v & PTE_WRITE) && !(e.v & PTE_NX))
			n++;
	}
	return n;
}

KTEST(pgtable, nothing_is_writable_and_executable)
{
	CHECK_EQ(count_wx(kernel_root, pt_levels), 0);
}

KTEST(pgtable, text_and_rodata_are_read_only_everywhere)
{
	char b = 0;
	u64 alias = (u64)__text_start - KERNEL_IMAGE_BASE + direct_map_base;

	CHECK_EQ(uaccess_copy(__text_start, &b, 1), 1);
	CHECK_EQ(uaccess_copy(__rodata_start, &b, 1), 1);
	CHECK_EQ(uaccess_copy((void *)alias, &b, 1), 1);
}

KTEST(pgtable, every_space_shares_the_kernel_half)
{
	pte_t *root = pt_new_root();

	REQUIRE(root);
	CHECK_EQ(memcmp(root + 256, kernel_root + 256, 256 * sizeof(*root)), 0);
	for (unsigned i = 0; i < 256; i++)
		CHECK(pte_none(root[i]));
	pt_free_root(root);
}

/* ---- per CPU ---------------------------------------------------------------------------------------- */

struct cpu_state {
	u64 cr4, pat, efer, gs, star;
};

static void read_state(void *arg)
{
	struct cpu_state *s = arg;

	s->cr4 = read_cr4();
	s->pat = cpu_features.pat ? rdmsr(MSR_PAT) : 0;
	s->efer = rdmsr(MSR_EFER);
	s->gs = rdmsr(MSR_GS_BASE);
	s->star = rdmsr(MSR_STAR);
}

KTEST(cpu, all_are_set_up_alike)
{
	struct cpu_state me, other;

	preempt_disable();
	read_state(&me);
	unsigned here = cpu_id();
	preempt_enable();
	CHECK_EQ(!!(me.cr4 & 1ul << 20), cpu_features.smep);
	CHECK_EQ(!!(me.cr4 & 1ul << 21), cpu_features.smap);
	CHECK_EQ(!!(me.cr4 & 1ul << 12), pt_levels == 5);
	CHECK((me.efer & 0xd01) == 0xd01); /* NXE, LMA, LME, SCE */
	CHECK_EQ(me.gs, percpu_offset[here]);
	for_each_online_cpu (c) {
		smp_call_function_single(c, read_state, &other);
		CHECK_EQ(other.cr4, me.cr4);
		CHECK_EQ(other.pat, me.pat);
		CHECK_EQ(other.efer, me.efer);
		CHECK_EQ(other.star, me.star);
		CHECK_EQ(other.gs, percpu_offset[c]);
	}
}

KTEST(cpu, random_words_differ)
{
	u64 a, b;

	if (!arch_random_u64(&a))
		ktest_skip("no hardware random numbers");
	else
		CHECK(arch_random_u64(&b) && a != b);
}
