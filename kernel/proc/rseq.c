/* Restartable sequences, membarrier.
 *
 * A thread registers an area where the kernel publishes the CPU it runs on; a critical section named in
 * the area is aborted when the thread was preempted, migrated or got a signal inside it. The
 * scheduler marks a thread that has an area with TIF_NOTIFY_RESUME when it is switched in.
 * Sources: rseq(2) (librseq), membarrier(2). */
#include "proc_priv.h"
#include <arch/smp.h>
#include <sync/rcu.h>
#include <syscall/syscalls.h>

struct rseq_area {
	u32 cpu_id_start, cpu_id;
	u64 rseq_cs;
	u32 flags, node_id, mm_cid, pad;
};
_Static_assert(sizeof(struct rseq_area) == 32, "ABI");
struct rseq_cs {
	u32 version, flags;
	u64 start_ip, post_commit_offset, abort_ip;
};
_Static_assert(sizeof(struct rseq_cs) == 32, "ABI");

#define RSEQ_UNREGISTER 1
#define RSEQ_CPU_UNINIT 0xffffffffu
#define RSEQ_ALIGN	32
#define area_of(t)	((struct rseq_area __user *)(t)->rseq)

static int publish_cpu(struct thread *t, u32 start, u32 cpu)
{
	struct rseq_area __user *a = area_of(t);

	return put_user(start, &a->cpu_id_start) || put_user(cpu, &a->cpu_id) ? -EFAULT : 0;
}

/* In a critical section: go to its abort handler. -errno: the area is broken. */
static int abort_section(struct thread *t, struct regs *r)
{
	struct rseq_area __user *a = area_of(t);
	struct rseq_cs cs;
	u64 ptr;
	u32 sig;

	if (get_user(ptr, &a->rseq_cs))
		return -EFAULT;
	if (!ptr)
		return 0;
	if (ptr >= user_limit || copy_in(&cs, u64_to_user(ptr), sizeof(cs)))
		return -EFAULT;
	if (cs.start_ip >= user_limit || cs.start_ip + cs.post_commit_offset >= user_limit ||
	    cs.abort_ip >= user_limit || cs.start_ip + cs.post_commit_offset < cs.start_ip)
		return -EINVAL;
	if (cs.version || cs.abort_ip - cs.start_ip < cs.post_commit_offset)
		return -EINVAL;
	if (get_user(sig, (u32 __user *)u64_to_user(cs.abort_ip - sizeof(u32))))
		return -EFAULT;
	if (sig != t->rseq_sig)
		return -EINVAL;
	if (put_user(0ul, &a->rseq_cs))
		return -EFAULT;
	if (r->rip - cs.start_ip < cs.post_commit_offset)
		r->rip = cs.abort_ip;
	return 0;
}

void rseq_resume(struct regs *r)
{
	struct thread *t = current;

	if (!t->rseq)
		return;
	/* The number may be old by the time it is written; then we were preempted and come back here. */
	u32 cpu = cpu_id();
	if (abort_section(t, r) || publish_cpu(t, cpu, cpu))
		signal_force(t, SIGSEGV, NULL);
}

void rseq_signal(struct regs *r)
{
	if (current->rseq && abort_section(current, r))
		signal_force(current, SIGSEGV, NULL);
}

s64 sys_rseq(void __user *area, u32 len, int flags, u32 sig)
{
	struct thread *t = current;

	if (flags & RSEQ_UNREGISTER) {
		if (flags & ~RSEQ_UNREGISTER)
			return -EINVAL;
		if (t->rseq != area || !t->rseq || t->rseq_len != len)
			return -EINVAL;
		if (t->rseq_sig != sig)
			return -EPERM;
		if (publish_cpu(t, 0, RSEQ_CPU_UNINIT))
			return -EFAULT;
		t->rseq = NULL;
		t->rseq_len = t->rseq_sig = 0;
		return 0;
	}
	if (flags)
		return -EINVAL;
	if (t->rseq) {
		if (t->rseq != area || t->rseq_len != len)
			return -EINVAL;
		return t->rseq_sig != sig ? -EPERM : -EBUSY;
	}
	if (user_to_u64(area) % RSEQ_ALIGN || len < sizeof(struct rseq_area))
		return -EINVAL;
	if (!access_ok(area, len))
		return -EFAULT;
	t->rseq = area;
	t->rseq_len = len;
	t->rseq_sig = sig;
	thread_set_work(t, TIF_NOTIFY_RESUME);
	return 0;
}

/* ---- membarrier ---- */

#define MB_QUERY		0
#define MB_GLOBAL		1
#define MB_GLOBAL_EXP		2
#define MB_REG_GLOBAL_EXP	4
#define MB_PRIVATE_EXP		8
#define MB_REG_PRIVATE_EXP	16
#define MB_PRIVATE_EXP_CORE	32
#define MB_REG_PRIVATE_EXP_CORE 64

static void ipi_barrier(void *arg)
{
	/* The interrupt and its IRET order memory and, for changed code, serialise. */
	smp_mb();
}

static s64 expedited(u32 need)
{
	struct mm *mm = current->mm;

	if (need && !(READ_ONCE(mm->membarrier) & need))
		return -EPERM;
	smp_mb();
	if (nr_cpus_online > 1 && (!need || ref_read(&mm->users) > 1))
		smp_call_function(NULL, ipi_barrier, NULL);
	smp_mb();
	return 0;
}

s64 sys_membarrier(int cmd, unsigned flags, int cpu)
{
	struct mm *mm = current->mm;

	if (flags)
		return -EINVAL;
	switch (cmd) {
	case MB_QUERY:
		return MB_GLOBAL | MB_GLOBAL_EXP | MB_REG_GLOBAL_EXP | MB_PRIVATE_EXP |
		       MB_REG_PRIVATE_EXP | MB_PRIVATE_EXP_CORE | MB_REG_PRIVATE_EXP_CORE;
	case MB_GLOBAL:
		if (nr_cpus_online > 1)
			synchronize_rcu();
		return 0;
	case MB_GLOBAL_EXP:
		return expedited(0);
	case MB_PRIVATE_EXP:
		return expedited(MB_REG_PRIVATE_EXP);
	case MB_PRIVATE_EXP_CORE:
		return expedited(MB_REG_PRIVATE_EXP_CORE);
	case MB_REG_GLOBAL_EXP:
	case MB_REG_PRIVATE_EXP:
	case MB_REG_PRIVATE_EXP_CORE:
		__atomic_fetch_or(&mm->membarrier, cmd, __ATOMIC_SEQ_CST);
		return 0;
	}
	return -EINVAL;
}
