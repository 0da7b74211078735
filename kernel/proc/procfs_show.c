/* The files of /proc/PID (proc(5)). */
#include "procfs_priv.h"
#include <alloc/slab.h>
#include <alloc/vmalloc.h>
#include <fs/dev.h>
#include <fs/mount.h>
#include <lib/bits.h>
#include <arch/smp.h>

#define TICK (NSEC_PER_SEC / USER_HZ)

static char state_letter(struct process *p, struct thread *t)
{
	if (p->state != PROC_RUNNING)
		return 'Z';
	u32 s = READ_ONCE(t->state);
	if (s & T_DEAD)
		return 'Z';
	if (s & T_STOPPED)
		return 'T';
	if (s & T_TRACED)
		return 't';
	if (s & T_UNINTERRUPTIBLE)
		return 'D';
	return s & T_INTERRUPTIBLE ? 'S' : 'R';
}

static const char *state_name(char c)
{
	switch (c) {
	case 'R':
		return "running";
	case 'S':
		return "sleeping";
	case 'D':
		return "disk sleep";
	case 'T':
		return "stopped";
	case 't':
		return "tracing stop";
	default:
		return "zombie";
	}
}

struct family {
	pid_t ppid, pgrp, session, tpgid;
	int tty_nr, threads;
	u64 pending, shared, blocked, ignored, caught;
};

static void get_family(struct process *p, struct thread *t, struct family *f)
{
	unsigned long fl, sf;
	struct pid *fg = NULL;

	memset(f, 0, sizeof(*f));
	f->tpgid = -1;
	spin_lock_irqsave(&tasklist_lock, fl);
	f->ppid = p->parent && p->parent->pid ? p->parent->pid->nr : 0;
	f->pgrp = pid_nr(p->pgrp);
	f->session = pid_nr(p->session);
	spin_unlock_irqrestore(&tasklist_lock, fl);
	sf = siglock(&p->tg);
	f->threads = p->tg.nr_threads;
	if (p->tty && tty_hooks) {
		f->tty_nr = (int)dev_encode(tty_hooks->devnr(p->tty));
		fg = tty_hooks->fg_pgrp(p->tty);
	}
	f->pending = t->pending.set.sig[0];
	f->shared = p->tg.shared.set.sig[0];
	f->blocked = t->blocked.sig[0];
	for (unsigned i = 0; i < NSIG; i++) {
		u64 h = user_to_u64(p->tg.sighand->action[i].handler);

		if (h == SIG_IGN)
			f->ignored |= 1ul << i;
		else if (h != SIG_DFL)
			f->caught |= 1ul << i;
	}
	sigunlock(&p->tg, sf);
	if (fg) {
		f->tpgid = fg->nr;
		pid_put(fg);
	}
}

static u64 rss_pages(const struct mm *mm)
{
	s64 n = atomic_read(&mm->rss[0]) + atomic_read(&mm->rss[1]) + atomic_read(&mm->rss[2]);

	return n > 0 ? n : 0;
}

static int show_stat(struct seq *s, struct process *p, struct thread *t)
{
	bool task = t != p->tg.leader, may = !process_may_access(p);
	struct mm *mm = process_mm(p);
	struct family f;
	u64 ut, st;
	char state = state_letter(p, t);

	get_family(p, t, &f);
	if (task)
		thread_times(t, &ut, &st);
	else
		process_times(p, &ut, &st);
	int prio = t->rt_priority ? -1 - (int)t->rt_priority : 20 + t->nice;
	seq_printf(s, "%d (%s) %c %d %d %d %d %d %u ", t->tid, t->comm, state, f.ppid, f.pgrp,
		   f.session, f.tty_nr, f.tpgid, 0x400000u);
	seq_printf(s, "%lu %lu %lu %lu %lu %lu %lu %lu ", t->minflt + (task ? 0 : p->tg.sum_minflt),
		   p->cminflt, t->majflt + (task ? 0 : p->tg.sum_majflt), p->cmajflt, ut / TICK,
		   st / TICK, p->cutime / TICK, p->cstime / TICK);
	seq_printf(s, "%d %d %d 0 %lu ", prio, t->nice, f.threads, p->start_boottime / TICK);
	if (mm)
		seq_printf(s, "%lu %lu %lu ", mm->total_vm * PAGE_SIZE, rss_pages(mm),
			   p->rlim[RLIMIT_RSS].rlim_cur);
	else
		seq_puts(s, "0 0 18446744073709551615 ");
	if (mm && may)
		seq_printf(s, "%lu %lu %lu 0 0 ", mm->start_code, mm->end_code, mm->start_stack);
	else
		seq_puts(s, "0 0 0 0 0 ");
	seq_printf(s, "%lu %lu %lu %lu ", f.pending | f.shared, f.blocked, f.ignored, f.caught);
	seq_printf(s, "%d 0 0 %d %u %u %u 0 0 0 ", state == 'S' || state == 'D', t->exit_signal,
		   t->cpu, t->rt_priority, t->policy);
	if (mm && may)
		seq_printf(s, "%lu %lu %lu %lu %lu %lu %lu ", mm->start_data, mm->end_data,
			   mm->start_brk, mm->arg_start, mm->arg_end, mm->env_start, mm->env_end);
	else
		seq_puts(s, "0 0 0 0 0 0 0 ");
	seq_printf(s, "%d\n", may ? p->exit_code : 0);
	if (mm)
		mm_put(mm);
	return 0;
}

static int show_statm(struct seq *s, struct process *p, struct thread *t)
{
	struct mm *mm = process_mm(p);

	if (!mm) {
		seq_puts(s, "0 0 0 0 0 0 0\n");
		return 0;
	}
	seq_printf(s, "%lu %lu %lu %lu 0 %lu 0\n", mm->total_vm, rss_pages(mm),
		   (u64)(atomic_read(&mm->rss[RSS_FILE]) + atomic_read(&mm->rss[RSS_SHMEM])),
		   (mm->end_code - mm->start_code + PAGE_SIZE - 1) / PAGE_SIZE,
		   mm->data_vm + mm->stack_vm);
	mm_put(mm);
	return 0;
}

static void show_status_mm(struct seq *s, struct process *p, struct mm *mm)
{
	const u64 k = PAGE_SIZE / KiB;
	u64 rss = rss_pages(mm);

	seq_printf(s,
		   "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t%8lu kB\nVmPin:\t       0 kB\n"
		   "VmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\n",
		   max(mm->hiwater_vm, mm->total_vm) * k, mm->total_vm * k, mm->locked_vm * k,
		   max(mm->hiwater_rss, rss) * k, rss * k);
	seq_printf(
		s,
		"RssAnon:\t%8lu kB\nRssFile:\t%8lu kB\nRssShmem:\t%8lu kB\nVmData:\t%8lu kB\n"
		"VmStk:\t%8lu kB\nVmExe:\t%8lu kB\nVmLib:\t%8lu kB\nVmPTE:\t%8lu kB\nVmSwap:\t       0 kB\n",
		atomic_read(&mm->rss[RSS_ANON]) * k, atomic_read(&mm->rss[RSS_FILE]) * k,
		atomic_read(&mm->rss[RSS_SHMEM]) * k, mm->data_vm * k, mm->stack_vm * k,
		(mm->end_code - mm->start_code + KiB - 1) / KiB, mm->exec_vm * k,
		atomic_read(&mm->pt_pages) * k);
}

static void show_status_cred(struct seq *s, struct thread *t)
{
	rcu_read_lock();
	const struct cred *c = rcu_dereference(t->cred);
	seq_printf(s, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", c->uid, c->euid, c->suid,
		   c->fsuid, c->gid, c->egid, c->sgid, c->fsgid);
	rcu_read_unlock();
}

static void show_status_caps(struct seq *s, struct thread *t)
{
	rcu_read_lock();
	const struct cred *c = rcu_dereference(t->cred);
	seq_printf(
		s,
		"CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\nCapAmb:\t%016lx\n"
		"NoNewPrivs:\t%d\nSeccomp:\t0\nSeccomp_filters:\t0\n",
		c->cap_inheritable, c->cap_permitted, c->cap_effective, c->cap_bounding,
		c->cap_ambient, c->no_new_privs);
	rcu_read_unlock();
}

static void show_groups(struct seq *s, struct thread *t)
{
	seq_puts(s, "Groups:\t");
	rcu_read_lock();
	const struct cred *c = rcu_dereference(t->cred);
	for (u32 i = 0; c->groups && i < c->groups->n; i++)
		seq_printf(s, "%u ", c->groups->gid[i]);
	rcu_read_unlock();
	seq_putc(s, '\n');
}

/* A bit mask as "f" (hexadecimal, groups of 32) and as "0-3". */
static void show_cpus(struct seq *s, struct thread *t)
{
	unsigned long *mask = kzalloc(cpumask_bytes(), GFP_KERNEL);

	if (!mask)
		return;
	(void)sched_get_affinity(t, mask);
	seq_puts(s, "Cpus_allowed:\t");
	for (int w = (int)(nr_cpus - 1) / 32; w >= 0; w--) {
		u32 m = 0;
		for (unsigned b = 0; b < 32; b++) {
			unsigned c = w * 32 + b;
			if (c < nr_cpus && bit_test(mask, c))
				m |= 1u << b;
		}
		seq_printf(s, w ? "%08x," : (nr_cpus > 32 ? "%08x" : "%x"), m);
	}
	seq_puts(s, "\nCpus_allowed_list:\t");
	bool first = true;
	for (unsigned c = 0; c < nr_cpus; c++) {
		unsigned e = c;

		if (!bit_test(mask, c))
			continue;
		while (e + 1 < nr_cpus && bit_test(mask, e + 1))
			e++;
		seq_printf(s, e > c ? "%s%u-%u" : "%s%u", first ? "" : ",", c, e);
		first = false;
		c = e;
	}
	seq_putc(s, '\n');
	kfree(mask);
}

static int show_status(struct seq *s, struct process *p, struct thread *t)
{
	struct mm *mm = process_mm(p);
	struct fs_ctx *fs = NULL;
	struct family f;
	char st = state_letter(p, t);
	unsigned long sf;

	get_family(p, t, &f);
	seq_puts(s, "Name:\t");
	seq_escape(s, t->comm, "\n");
	sf = siglock(&p->tg);
	if (t->fs)
		fs = fs_ctx_get(t->fs);
	sigunlock(&p->tg, sf);
	if (fs) {
		seq_printf(s, "\nUmask:\t%04o", fs->umask);
		fs_ctx_put(fs);
	}
	seq_printf(s,
		   "\nState:\t%c (%s)\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n",
		   st, state_name(st), p->pid->nr, t->tid, f.ppid);
	show_status_cred(s, t);
	seq_puts(s, "FDSize:\t64\n");
	show_groups(s, t);
	seq_printf(s, "NStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n", p->pid->nr, t->tid,
		   f.pgrp, f.session);
	if (mm) {
		show_status_mm(s, p, mm);
		mm_put(mm);
	}
	seq_printf(s, "Threads:\t%d\nSigQ:\t%ld/%lu\n", f.threads, atomic_read(&p->tg.sig_queued),
		   p->tg.sigpending_limit);
	seq_printf(
		s,
		"SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n",
		f.pending, f.shared, f.blocked, f.ignored, f.caught);
	show_status_caps(s, t);
	show_cpus(s, t);
	seq_puts(s, "Mems_allowed:\t1\nMems_allowed_list:\t0\n");
	seq_printf(s, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n", t->nvcsw,
		   t->nivcsw);
	return 0;
}

/* Part [from, to) of p's memory. */
static int show_memory(struct seq *s, struct process *p, bool env)
{
	struct mm *mm = process_mm(p);
	char *buf;
	int err = 0;

	if (!mm)
		return 0;
	u64 a = env ? mm->env_start : mm->arg_start, end = env ? mm->env_end : mm->arg_end;
	buf = kmalloc(PAGE_SIZE, GFP_KERNEL);
	while (buf && a < end) {
		size_t n = min_t(u64, end - a, PAGE_SIZE);
		ssize_t r = vm_access(mm, a, buf, n, false);

		if (r <= 0)
			break;
		seq_write(s, buf, r);
		a += r;
	}
	if (!buf)
		err = -ENOMEM;
	kfree(buf);
	mm_put(mm);
	return err;
}

static int show_cmdline(struct seq *s, struct process *p, struct thread *t)
{
	return show_memory(s, p, false);
}

static int show_environ(struct seq *s, struct process *p, struct thread *t)
{
	return show_memory(s, p, true);
}

static int show_auxv(struct seq *s, struct process *p, struct thread *t)
{
	struct mm *mm = process_mm(p);
	unsigned n = 0;

	if (!mm)
		return 0;
	while (n + 2 < ARRAY_SIZE(mm->auxv) && mm->auxv[n])
		n += 2;
	seq_write(s, mm->auxv, (n + 2) * sizeof(u64));
	mm_put(mm);
	return 0;
}

static int show_comm(struct seq *s, struct process *p, struct thread *t)
{
	seq_printf(s, "%s\n", t->comm);
	return 0;
}

static ssize_t write_comm(const char *buf, size_t n, struct process *p, struct thread *t)
{
	char name[16] = {0};
	size_t len = min_t(size_t, n, sizeof(name) - 1);

	if (p != current->proc)
		return -EINVAL;
	memcpy(name, buf, len);
	char *nl = strchr(name, '\n');
	if (nl)
		*nl = 0;
	(void)str_copy(t->comm, name, sizeof(t->comm));
	return n;
}

static const char *vma_label(struct mm *mm, struct vma *v)
{
	if (v->ops && v->ops->name)
		return v->ops->name(v);
	if (v->start <= mm->brk && v->end >= mm->start_brk && !v->mapping)
		return "[heap]";
	if (v->start <= mm->start_stack && v->end >= mm->start_stack)
		return "[stack]";
	return NULL;
}

static void show_vma(struct seq *s, struct mm *mm, struct vma *v, char *buf)
{
	size_t start = s->len;
	dev_t dev = 0;
	u64 ino = 0, off = 0;

	if (v->file) {
		struct inode *i = v->file->inode;
		dev = i->sb ? i->sb->dev : 0;
		ino = i->ino;
		off = v->pgoff << PAGE_SHIFT;
	}
	seq_printf(s, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", v->start, v->end,
		   v->flags & VM_READ ? 'r' : '-', v->flags & VM_WRITE ? 'w' : '-',
		   v->flags & VM_EXEC ? 'x' : '-', v->flags & VM_SHARED ? 's' : 'p', off,
		   MAJOR(dev), MINOR(dev), ino);
	const char *name = v->file ? path_name(&v->file->path, buf, PATH_MAX) : vma_label(mm, v);
	if (!IS_ERR_OR_NULL(name)) {
		while (s->len - start < 73 && !s->failed)
			seq_putc(s, ' ');
		seq_escape(s, name, "\n");
	}
	seq_putc(s, '\n');
}

static int walk_maps(struct seq *s, struct process *p, bool smaps)
{
	struct mm *mm = process_mm(p);
	char *buf;

	if (!mm)
		return 0;
	buf = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!buf) {
		mm_put(mm);
		return -ENOMEM;
	}
	int err = down_read_killable(&mm->lock);
	if (!err) {
		for (struct vma *v = vma_find(mm, 0); v; v = vma_next(v)) {
			show_vma(s, mm, v, buf);
			if (!smaps)
				continue;
			struct vma_stats st = {0};
			vma_stats(v, &st);
			seq_printf(
				s,
				"Size:           %8lu kB\nKernelPageSize:        4 kB\nMMUPageSize:           4 kB\n"
				"Rss:            %8lu kB\nPss:            %8lu kB\nShared_Clean:   %8lu kB\n"
				"Shared_Dirty:   %8lu kB\nPrivate_Clean:  %8lu kB\nPrivate_Dirty:  %8lu kB\n"
				"Referenced:     %8lu kB\nAnonymous:      %8lu kB\nSwap:                  0 kB\n",
				(v->end - v->start) / KiB, st.rss / KiB, st.pss / KiB,
				st.shared_clean / KiB, st.shared_dirty / KiB,
				st.private_clean / KiB, st.private_dirty / KiB, st.referenced / KiB,
				st.anon / KiB);
		}
		up_read(&mm->lock);
	}
	kfree(buf);
	mm_put(mm);
	return err;
}

static int show_maps(struct seq *s, struct process *p, struct thread *t)
{
	return walk_maps(s, p, false);
}

static int show_smaps(struct seq *s, struct process *p, struct thread *t)
{
	return walk_maps(s, p, true);
}

static int show_limits(struct seq *s, struct process *p, struct thread *t)
{
	static const struct {
		const char *name, *unit;
	} text[RLIM_NLIMITS] = {
		[RLIMIT_CPU] = {"Max cpu time", "seconds"},
		[RLIMIT_FSIZE] = {"Max file size", "bytes"},
		[RLIMIT_DATA] = {"Max data size", "bytes"},
		[RLIMIT_STACK] = {"Max stack size", "bytes"},
		[RLIMIT_CORE] = {"Max core file size", "bytes"},
		[RLIMIT_RSS] = {"Max resident set", "bytes"},
		[RLIMIT_NPROC] = {"Max processes", "processes"},
		[RLIMIT_NOFILE] = {"Max open files", "files"},
		[RLIMIT_MEMLOCK] = {"Max locked memory", "bytes"},
		[RLIMIT_AS] = {"Max address space", "bytes"},
		[RLIMIT_LOCKS] = {"Max file locks", "locks"},
		[RLIMIT_SIGPENDING] = {"Max pending signals", "signals"},
		[RLIMIT_MSGQUEUE] = {"Max msgqueue size", "bytes"},
		[RLIMIT_NICE] = {"Max nice priority", ""},
		[RLIMIT_RTPRIO] = {"Max realtime priority", ""},
		[RLIMIT_RTTIME] = {"Max realtime timeout", "us"},
	};
	seq_puts(
		s,
		"Limit                     Soft Limit           Hard Limit           Units     \n");
	for (unsigned i = 0; i < RLIM_NLIMITS; i++) {
		char v[2][24];
		u64 val[2] = {p->rlim[i].rlim_cur, p->rlim[i].rlim_max};

		for (int k = 0; k < 2; k++)
			(void)snprintf(v[k], sizeof(v[k]),
				       val[k] == RLIM_INFINITY ? "unlimited" : "%lu", val[k]);
		seq_printf(s, "%-25s %-20s %-20s %-10s\n", text[i].name, v[0], v[1], text[i].unit);
	}
	return 0;
}

static struct fs_ctx *get_fs(struct process *p)
{
	struct fs_ctx *fs = NULL;
	struct thread *t;
	unsigned long f = siglock(&p->tg);

	list_for_each_entry (t, &p->tg.threads, group_node) {
		if (t->fs) {
			fs = fs_ctx_get(t->fs);
			break;
		}
	}
	sigunlock(&p->tg, f);
	return fs;
}

static int jump_fs(struct process *p, struct path *out, bool root)
{
	struct fs_ctx *fs = get_fs(p);

	if (!fs)
		return -ENOENT;
	spin_lock(&fs->lock);
	*out = root ? fs->root : fs->cwd;
	path_get(out);
	spin_unlock(&fs->lock);
	fs_ctx_put(fs);
	return 0;
}

static int jump_cwd(struct process *p, struct path *out)
{
	return jump_fs(p, out, false);
}

static int jump_root(struct process *p, struct path *out)
{
	return jump_fs(p, out, true);
}

static int jump_exe(struct process *p, struct path *out)
{
	struct mm *mm = process_mm(p);
	int err = -ENOENT;

	if (!mm)
		return err;
	if (mm->exe) {
		*out = mm->exe->path;
		path_get(out);
		err = 0;
	}
	mm_put(mm);
	return err;
}

static int show_mount_table(struct seq *s, struct process *p, enum mounts_kind kind)
{
	struct path root;
	int err = jump_root(p, &root);

	if (err)
		return err == -ENOENT ? -EINVAL : err;
	mounts_show(s, &root, kind);
	path_put(&root);
	return 0;
}

static int show_mounts(struct seq *s, struct process *p, struct thread *t)
{
	return show_mount_table(s, p, MOUNTS_MTAB);
}

static int show_mountinfo(struct seq *s, struct process *p, struct thread *t)
{
	return show_mount_table(s, p, MOUNTS_INFO);
}

static int show_mountstats(struct seq *s, struct process *p, struct thread *t)
{
	return show_mount_table(s, p, MOUNTS_STATS);
}

static int show_oom_score(struct seq *s, struct process *p, struct thread *t)
{
	struct mem_stats m;

	mem_stats_get(&m);
	seq_printf(s, "%lu\n", m.total ? oom_badness(p) * 1000 / m.total : 0);
	return 0;
}

static int show_oom_adj(struct seq *s, struct process *p, struct thread *t)
{
	seq_printf(s, "%d\n", p->oom_score_adj);
	return 0;
}

static ssize_t write_oom_adj(const char *buf, size_t n, struct process *p, struct thread *t)
{
	s64 v;
	int err = parse_s64(buf, 0, &v);

	if (err)
		return err;
	if (v < -1000 || v > 1000)
		return -EINVAL;
	if (v < p->oom_score_adj && !capable(CAP_SYS_RESOURCE))
		return -EACCES;
	p->oom_score_adj = v;
	return n;
}

static int show_wchan(struct seq *s, struct process *p, struct thread *t)
{
	seq_putc(s, '0');
	return 0;
}

static int show_io(struct seq *s, struct process *p, struct thread *t)
{
	struct io_account io = t->io;

	if (t == p->tg.leader) {
		unsigned long f = siglock(&p->tg);
		struct thread *o;

		io = p->io;
		list_for_each_entry (o, &p->tg.threads, group_node) {
			io.rchar += o->io.rchar;
			io.wchar += o->io.wchar;
			io.syscr += o->io.syscr;
			io.syscw += o->io.syscw;
		}
		sigunlock(&p->tg, f);
	}
	/* There is no block device below files yet that could read or write more or less. */
	seq_printf(s,
		   "rchar: %lu\nwchar: %lu\nsyscr: %lu\nsyscw: %lu\nread_bytes: 0\nwrite_bytes: 0\n"
		   "cancelled_write_bytes: 0\n",
		   io.rchar, io.wchar, io.syscr, io.syscw);
	return 0;
}

static int show_loginuid(struct seq *s, struct process *p, struct thread *t)
{
	seq_puts(s, "4294967295");
	return 0;
}

static int show_id_map(struct seq *s, struct process *p, struct thread *t)
{
	seq_puts(s, "         0          0 4294967295\n");
	return 0;
}

static int show_setgroups(struct seq *s, struct process *p, struct thread *t)
{
	seq_puts(s, "allow\n");
	return 0;
}

static int show_personality(struct seq *s, struct process *p, struct thread *t)
{
	seq_printf(s, "%08x\n", p->personality);
	return 0;
}

static int show_schedstat(struct seq *s, struct process *p, struct thread *t)
{
	seq_printf(s, "%lu 0 %lu\n", t->se.sum_exec, t->nvcsw + t->nivcsw);
	return 0;
}

static int show_cgroup(struct seq *s, struct process *p, struct thread *t)
{
	seq_puts(s, "0::/\n");
	return 0;
}

#define REG(n, m, sh, wr, fl)                                                          \
	{                                                                              \
		.name = n, .mode = S_IFREG | (m), .show = sh, .write = wr, .flags = fl \
	}
#define LNK(n, j)                                                                 \
	{                                                                         \
		.name = n, .mode = S_IFLNK | 0777, .jump = j, .flags = PE_PRIVATE \
	}
#define SUBDIR(n, m, fl)                                      \
	{                                                     \
		.name = n, .mode = S_IFDIR | (m), .flags = fl \
	}

const struct pid_entry pid_entries[] = {
	SUBDIR("task", 0555, PE_TASK | PE_GROUP),
	SUBDIR("fd", 0500, PE_FD | PE_PRIVATE),
	SUBDIR("fdinfo", 0555, PE_FDINFO | PE_PRIVATE),
	REG("environ", 0400, show_environ, NULL, PE_PRIVATE),
	REG("auxv", 0400, show_auxv, NULL, PE_PRIVATE),
	REG("status", 0444, show_status, NULL, 0),
	REG("personality", 0400, show_personality, NULL, PE_PRIVATE),
	REG("limits", 0444, show_limits, NULL, 0),
	REG("comm", 0644, show_comm, write_comm, 0),
	REG("cmdline", 0444, show_cmdline, NULL, 0),
	REG("stat", 0444, show_stat, NULL, 0),
	REG("statm", 0444, show_statm, NULL, 0),
	REG("mem", 0600, NULL, NULL, PE_PRIVATE | PE_MEM),
	REG("maps", 0444, show_maps, NULL, PE_PRIVATE),
	REG("smaps", 0444, show_smaps, NULL, PE_PRIVATE),
	LNK("cwd", jump_cwd),
	LNK("root", jump_root),
	LNK("exe", jump_exe),
	REG("mounts", 0444, show_mounts, NULL, 0),
	REG("mountinfo", 0444, show_mountinfo, NULL, 0),
	REG("mountstats", 0400, show_mountstats, NULL, 0),
	REG("wchan", 0444, show_wchan, NULL, 0),
	REG("schedstat", 0444, show_schedstat, NULL, 0),
	REG("oom_score", 0444, show_oom_score, NULL, 0),
	REG("oom_score_adj", 0644, show_oom_adj, write_oom_adj, 0),
	REG("loginuid", 0444, show_loginuid, NULL, 0),
	REG("io", 0400, show_io, NULL, PE_PRIVATE),
	REG("uid_map", 0444, show_id_map, NULL, 0),
	REG("gid_map", 0444, show_id_map, NULL, 0),
	REG("setgroups", 0444, show_setgroups, NULL, 0),
	REG("cgroup", 0444, show_cgroup, NULL, 0),
};
const unsigned nr_pid_entries = ARRAY_SIZE(pid_entries);
