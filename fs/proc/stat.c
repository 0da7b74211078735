/* Activity of the whole machine in procfs: stat, uptime, loadavg, interrupts, cpuinfo (proc(5)). */
#include <alloc/slab.h>
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/smp.h>
#include <fs/procfs.h>
#include <init/initcall.h>
#include <lib/string.h>
#include <sched/thread.h>
#include <time/timer.h>

void (*proc_totals_hook)(struct proc_totals *t);

static void totals(struct proc_totals *t)
{
	void (*hook)(struct proc_totals *) = READ_ONCE(proc_totals_hook);
	unsigned long avg[3];

	*t = (struct proc_totals){0};
	sched_loadavg(avg, &t->running, &t->threads);
	if (hook)
		hook(t);
}

static u64 ticks(u64 ns)
{
	return ns / (NSEC_PER_SEC / USER_HZ);
}

static void cpu_line(struct seq *s, const struct cpu_times *t)
{
	seq_printf(s, " %lu %lu %lu %lu %lu %lu %lu 0 0 0\n", ticks(t->user), ticks(t->nice),
		   ticks(t->system), ticks(t->idle), ticks(t->iowait), ticks(t->irq),
		   ticks(t->softirq));
}

static u64 irq_total(int irq)
{
	u64 n = 0;

	for_each_possible_cpu (c) {
		n += irq_count(irq, c);
	}
	return n;
}

static void intr_line(struct seq *s)
{
	const char *name, *chip, *tag;
	u64 all = 0;
	int irq;

	for (irq = irq_next(-1, &name, &chip); irq >= 0; irq = irq_next(irq, &name, &chip))
		all += irq_total(irq);
	for (unsigned n = 0; irq_local_name(n, &tag); n++) {
		for_each_possible_cpu (c) {
			all += irq_local_count(n, c);
		}
	}
	seq_printf(s, "intr %lu", all);
	int next = 0;
	for (irq = irq_next(-1, &name, &chip); irq >= 0; irq = irq_next(irq, &name, &chip)) {
		for (; next < irq; next++)
			seq_puts(s, " 0");
		seq_printf(s, " %lu", irq_total(irq));
		next = irq + 1;
	}
	seq_putc(s, '\n');
}

static int show_stat(struct seq *s, void *arg)
{
	struct cpu_times sum = {0}, t;
	struct proc_totals tot;

	for_each_online_cpu (c) {
		sched_cpu_times(c, &t);
		sum.user += t.user;
		sum.nice += t.nice;
		sum.system += t.system;
		sum.idle += t.idle;
		sum.iowait += t.iowait;
		sum.irq += t.irq;
		sum.softirq += t.softirq;
	}
	seq_puts(s, "cpu ");
	cpu_line(s, &sum);
	for_each_online_cpu (c) {
		sched_cpu_times(c, &t);
		seq_printf(s, "cpu%u", c);
		cpu_line(s, &t);
	}
	totals(&tot);
	intr_line(s);
	seq_printf(s,
		   "ctxt %lu\nbtime %ld\nprocesses %lu\nprocs_running %u\nprocs_blocked %u\n"
		   "softirq 0 0 0 0 0 0 0 0 0 0 0\n",
		   sched_context_switches(),
		   (ktime_get_real() - ktime_get_boottime()) / NSEC_PER_SEC, tot.forks, tot.running,
		   tot.blocked);
	return 0;
}

static void centiseconds(struct seq *s, u64 ns)
{
	u64 cs = ns / (NSEC_PER_SEC / 100);

	seq_printf(s, "%lu.%02lu", cs / 100, cs % 100);
}

static int show_uptime(struct seq *s, void *arg)
{
	struct cpu_times t;
	u64 idle = 0;

	for_each_online_cpu (c) {
		sched_cpu_times(c, &t);
		idle += t.idle + t.iowait;
	}
	centiseconds(s, (u64)ktime_get_boottime());
	seq_putc(s, ' ');
	centiseconds(s, idle);
	seq_putc(s, '\n');
	return 0;
}

static int show_loadavg(struct seq *s, void *arg)
{
	struct proc_totals tot;
	unsigned long avg[3];
	unsigned running, total;

	sched_loadavg(avg, &running, &total);
	for (unsigned i = 0; i < 3; i++) {
		/* 11 bits of fraction, rounded to the nearest hundredth */
		u64 v = avg[i] * 100 + (1 << 10);
		seq_printf(s, "%lu.%02lu ", (v >> 11) / 100, (v >> 11) % 100);
	}
	totals(&tot);
	seq_printf(s, "%u/%u %d\n", tot.running, tot.threads, tot.last_pid);
	return 0;
}

static int show_interrupts(struct seq *s, void *arg)
{
	const char *name, *chip, *tag;

	seq_puts(s, "     ");
	for_each_online_cpu (c) {
		seq_printf(s, "       CPU%-3u", c);
	}
	seq_putc(s, '\n');
	for (int irq = irq_next(-1, &name, &chip); irq >= 0; irq = irq_next(irq, &name, &chip)) {
		seq_printf(s, "%4d:", irq);
		for_each_online_cpu (c) {
			seq_printf(s, " %10lu  ", irq_count(irq, c));
		}
		seq_printf(s, " %s  %s\n", chip ? chip : "", name ? name : "");
	}
	for (unsigned n = 0; (name = irq_local_name(n, &tag)); n++) {
		seq_printf(s, "%4s:", tag);
		for_each_online_cpu (c) {
			seq_printf(s, " %10lu  ", irq_local_count(n, c));
		}
		seq_printf(s, " %s\n", name);
	}
	return 0;
}

static int show_cpuinfo(struct seq *s, void *arg)
{
	const size_t size = 8192;
	char *buf = kmalloc(size, GFP_KERNEL);

	if (!buf)
		return -ENOMEM;
	for_each_online_cpu (c) {
		int n = arch_cpuinfo(c, buf, size);
		seq_write(s, buf, min((size_t)n, size));
	}
	kfree(buf);
	return 0;
}

static int stat_files(void)
{
	static const struct {
		const char *path;
		proc_show_fn show;
	} files[] = {
		{"stat", show_stat},	   {"uptime", show_uptime},
		{"loadavg", show_loadavg}, {"interrupts", show_interrupts},
		{"cpuinfo", show_cpuinfo},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(files); i++) {
		int err = proc_create(files[i].path, 0444, files[i].show, NULL, NULL);
		if (err)
			return err;
	}
	return 0;
}
INITCALL(fs, stat_files);
