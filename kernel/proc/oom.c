/* The last resort when memory runs out: the process that uses the most, weighed by oom_score_adj, is
 * killed, and what it has is on its way back.
 *
 * Called by mm/alloc with no lock that kernel/proc takes; may be in process context of anybody. One
 * victim at a time: while one is dying, others wait for it. Source: proc(5) (oom_score, oom_score_adj). */
#include "proc_priv.h"
#include <alloc/page.h>
#include <log/printk.h>

#define VICTIM_PATIENCE (5 * NSEC_PER_SEC)

static DEFINE_MUTEX(oom_mutex);
static pid_t victim_pid;  /* [oom_mutex] */
static ktime_t victim_at; /* [oom_mutex] */

u64 oom_badness(struct process *p)
{
	struct mm *mm = process_mm(p);
	struct mem_stats m;

	if (!mm)
		return 0;
	s64 pages = atomic_read(&mm->rss[RSS_FILE]) + atomic_read(&mm->rss[RSS_ANON]) +
		    atomic_read(&mm->rss[RSS_SHMEM]) + atomic_read(&mm->pt_pages);
	mm_put(mm);
	mem_stats_get(&m);
	pages += p->oom_score_adj * (s64)m.total / 1000;
	return pages > 1 ? pages : 1;
}

static struct process *pick_victim(u64 *points)
{
	struct process *p, *best = NULL;
	pid_t nr = 2;

	*points = 0;
	for (; (p = process_find_next(&nr)); nr++) {
		bool exempt =
			p == init_process || p->oom_score_adj == -1000 || p->state != PROC_RUNNING;
		u64 b = exempt ? 0 : oom_badness(p);

		if (b > *points) {
			if (best)
				process_put(best);
			best = p;
			*points = b;
		} else {
			process_put(p);
		}
	}
	return best;
}

/* Is the last victim still giving its memory back? */
static bool victim_dying(void)
{
	if (!victim_pid || ktime_get() - victim_at > VICTIM_PATIENCE)
		return false;
	struct process *p = process_find(victim_pid);
	struct mm *mm = p ? process_mm(p) : NULL;
	bool yes = mm;
	if (mm)
		mm_put(mm);
	if (p)
		process_put(p);
	return yes;
}

static bool out_of_memory(gfp_t gfp, unsigned order)
{
	u64 points;

	if (!(gfp & GFP_WAIT) || in_atomic())
		return false;
	if (current->proc && fatal_signal_pending())
		return false; /* it dies anyway: let it fail and leave */
	mutex_lock(&oom_mutex);
	if (victim_dying()) {
		mutex_unlock(&oom_mutex);
		sleep_ns(NSEC_PER_MSEC);
		return true;
	}
	struct process *p = pick_victim(&points);
	if (!p) {
		mutex_unlock(&oom_mutex);
		return false;
	}
	victim_pid = p->pid->nr;
	victim_at = ktime_get();
	rcu_read_lock();
	struct thread *leader = READ_ONCE(p->tg.leader);
	pr_err("Out of memory (order %u, asked by %s[%d]): killed process %d (%s), %lu KiB in use, "
	       "oom_score_adj %d",
	       order, current->comm, current->tid, victim_pid, leader ? leader->comm : "?",
	       points * (PAGE_SIZE / KiB), p->oom_score_adj);
	rcu_read_unlock();
	(void)process_signal(p, SIGKILL, NULL);
	bool self = p == current->proc;
	process_put(p);
	mutex_unlock(&oom_mutex);
	if (self)
		return false;
	sleep_ns(NSEC_PER_MSEC);
	return true;
}

void oom_init(void)
{
	oom_hook = out_of_memory;
}
