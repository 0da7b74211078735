/* What sysfs shows of the machine itself: CPUs, the one memory node, the clock source; and the top-level
 * folders that programs expect (sysfs(5)). Devices register their own. */
#include <arch/clock.h>
#include <arch/smp.h>
#include <fs/procfs.h>
#include <init/initcall.h>
#include <lib/string.h>

/* CPUs as ranges: "0-3,5". pick: online or all. */
static void put_cpus(struct seq *s, bool online_only)
{
	bool first = true;

	for (unsigned c = 0; c < nr_cpus;) {
		unsigned end = c;

		if (online_only && !cpu_is_online(c)) {
			c++;
			continue;
		}
		while (end + 1 < nr_cpus && (!online_only || cpu_is_online(end + 1)))
			end++;
		seq_printf(s, end > c ? "%s%u-%u" : "%s%u", first ? "" : ",", c, end);
		first = false;
		c = end + 1;
	}
	seq_putc(s, '\n');
}

static int show_cpus(struct seq *s, void *arg)
{
	put_cpus(s, arg != NULL);
	return 0;
}

static int show_cpu_online(struct seq *s, void *arg)
{
	seq_printf(s, "%d\n", cpu_is_online((unsigned)(uintptr_t)arg));
	return 0;
}

static int show_clocksource(struct seq *s, void *arg)
{
	seq_printf(s, "%s\n", arch_clocksource_name());
	return 0;
}

static int show_zero(struct seq *s, void *arg)
{
	seq_puts(s, "0\n");
	return 0;
}

static int cpu_files(void)
{
	char path[64];
	int err = sysfs_create("devices/system/cpu/online", 0444, show_cpus, NULL, (void *)1);

	if (!err)
		err = sysfs_create("devices/system/cpu/possible", 0444, show_cpus, NULL, NULL);
	if (!err)
		err = sysfs_create("devices/system/cpu/present", 0444, show_cpus, NULL, NULL);
	for (unsigned c = 0; c < nr_cpus && !err; c++) {
		snprintf(path, sizeof(path), "devices/system/cpu/cpu%u/online", c);
		err = sysfs_create(path, 0444, show_cpu_online, NULL, (void *)(uintptr_t)c);
	}
	return err;
}

static int machine_files(void)
{
	static const char *const dirs[] = {"block",	"bus",	    "class/tty",
					   "dev/block", "dev/char", "devices",
					   "firmware",	"fs",	    "kernel",
					   "module",	"power",    "devices/system/node/node0"};
	static const char source[] = "devices/system/clocksource/clocksource0/";
	char path[80];
	int err = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(dirs) && !err; i++)
		err = sysfs_mkdir(dirs[i]);
	if (!err)
		err = cpu_files();
	/* One node, which holds all CPUs. */
	if (!err)
		err = sysfs_create("devices/system/node/online", 0444, show_zero, NULL, NULL);
	if (!err)
		err = sysfs_create("devices/system/node/possible", 0444, show_zero, NULL, NULL);
	if (!err)
		err = sysfs_create("devices/system/node/node0/cpulist", 0444, show_cpus, NULL,
				   (void *)1);
	snprintf(path, sizeof(path), "%savailable_clocksource", source);
	if (!err)
		err = sysfs_create(path, 0444, show_clocksource, NULL, NULL);
	snprintf(path, sizeof(path), "%scurrent_clocksource", source);
	if (!err)
		err = sysfs_create(path, 0444, show_clocksource, NULL, NULL);
	return err;
}
INITCALL(fs, machine_files);
