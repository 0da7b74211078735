/* Calls about the whole machine: uname, host name, sysinfo, the log, reboot.
 * Sources: uname(2), sethostname(2), sysinfo(2), syslog(2), reboot(2). */
#include "proc_priv.h"
#include <alloc/slab.h>
#include <arch/cpu.h>
#include <arch/smp.h>
#include <fs/procfs.h>
#include <init/initcall.h>
#include <init/bootinfo.h>
#include <log/printk.h>
#include <proc/uts.h>
#include <arch/irq_work.h>
#include <syscall/syscalls.h>

#ifndef BUILD_ID
#define BUILD_ID "daedalus"
#endif
#define HOST_NAME_MAX 64

/* ---- names ---- */

static DEFINE_SPINLOCK(uts_lock);
static struct new_utsname uts = {
	.sysname = "Linux",
	.nodename = "daedalus",
	.release = "6.1.0-daedalus",
	.version = "#1 SMP PREEMPT " BUILD_ID,
	.machine = "x86_64",
	.domainname = "(none)",
}; /* [uts_lock] */

void uts_get(struct new_utsname *out)
{
	spin_lock(&uts_lock);
	*out = uts;
	spin_unlock(&uts_lock);
}

int uts_set(int field, const char *name, size_t n)
{
	char *dst = field == UTS_NODENAME ? uts.nodename : uts.domainname;

	if (n > HOST_NAME_MAX)
		return -EINVAL;
	spin_lock(&uts_lock);
	memset(dst, 0, UTS_LEN);
	memcpy(dst, name, n);
	spin_unlock(&uts_lock);
	return 0;
}

s64 sys_uname(void __user *buf)
{
	struct new_utsname u;

	uts_get(&u);
	return copy_out(buf, &u, sizeof(u));
}

static s64 set_name(int field, const char __user *name, int n)
{
	char b[HOST_NAME_MAX];

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (n < 0 || n > HOST_NAME_MAX)
		return -EINVAL;
	if (copy_in(b, name, n))
		return -EFAULT;
	return uts_set(field, b, n);
}

s64 sys_sethostname(const char __user *name, int n)
{
	return set_name(UTS_NODENAME, name, n);
}

s64 sys_setdomainname(const char __user *name, int n)
{
	return set_name(UTS_DOMAINNAME, name, n);
}

/* ---- sysinfo ---- */

struct sysinfo {
	s64 uptime;
	u64 loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	u16 procs, pad;
	u32 pad2;
	u64 totalhigh, freehigh;
	u32 mem_unit, pad3;
};
_Static_assert(sizeof(struct sysinfo) == 112, "ABI");

s64 sys_sysinfo(void __user *info)
{
	struct sysinfo si = {.mem_unit = 1};
	unsigned long avg[3];
	unsigned running, total;
	struct mem_stats m;

	mem_stats_get(&m);
	sched_loadavg(avg, &running, &total);
	si.uptime = (ktime_get_boottime() + NSEC_PER_SEC - 1) / NSEC_PER_SEC;
	for (int i = 0; i < 3; i++)
		si.loads[i] = (u64)avg[i] << 5; /* 11 bits of fraction to 16 */
	si.totalram = m.total * PAGE_SIZE;
	si.freeram = m.free * PAGE_SIZE;
	si.sharedram = m.shmem * PAGE_SIZE;
	si.procs = min_t(unsigned, nr_processes, 65535);
	return copy_out(info, &si, sizeof(si));
}

/* ---- the log ---- */

#define SYSLOG_CLOSE	     0
#define SYSLOG_OPEN	     1
#define SYSLOG_READ	     2
#define SYSLOG_READ_ALL	     3
#define SYSLOG_READ_CLEAR    4
#define SYSLOG_CLEAR	     5
#define SYSLOG_CONSOLE_OFF   6
#define SYSLOG_CONSOLE_ON    7
#define SYSLOG_CONSOLE_LEVEL 8
#define SYSLOG_SIZE_UNREAD   9
#define SYSLOG_SIZE_BUFFER   10
#define LINE_MAX	     1200

static DEFINE_WAIT_QUEUE(log_wait);
static DEFINE_MUTEX(syslog_mutex);
static struct log_cursor syslog_cursor; /* [syslog_mutex] of SYSLOG_READ */
static size_t syslog_partial;		/* [syslog_mutex] bytes of the next line already given */
static int saved_loglevel = -1;		/* [syslog_mutex] */

static void wake_log_readers(struct irq_work *w)
{
	wake_up_interruptible_all(&log_wait);
}
static struct irq_work log_work = IRQ_WORK_INIT(wake_log_readers);

/* printk may run under any lock: wake later. */
static void log_added(void)
{
	if (wait_queue_active(&log_wait))
		irq_work_queue(&log_work);
}

static int syslog_hook_init(void)
{
	static struct log_wake_hook hook = {.fn = log_added};

	log_add_wake_hook(&hook);
	return 0;
}
INITCALL(core, syslog_hook_init);

/* The next record as "<prio>[seconds.micros] text\n" in buf; 0 at the end. */
static size_t format_record(struct log_cursor *c, char *buf, size_t n)
{
	struct log_record h;
	char *text = buf + 64;

	if (!log_read(c, &h, text, n - 66))
		return 0;
	char head[64];
	int k = scnprintf(head, sizeof(head), "<%u>[%5lu.%06lu] ", h.level,
			  (ulong)(h.ns / NSEC_PER_SEC), (ulong)(h.ns % NSEC_PER_SEC / 1000));
	memmove(buf + k, text, h.len);
	memcpy(buf, head, k);
	buf[k + h.len] = '\n';
	return k + h.len + 1;
}

static s64 syslog_read(char __user *ubuf, size_t n)
{
	char *line = kmalloc(LINE_MAX, GFP_KERNEL);
	s64 done = 0;
	int err;

	if (!line)
		return -ENOMEM;
	err = wait_event_interruptible(&log_wait, READ_ONCE(syslog_cursor.seq) < log_next_seq());
	if (err)
		goto out;
	err = mutex_lock_interruptible(&syslog_mutex);
	if (err)
		goto out;
	while ((size_t)done < n) {
		struct log_cursor c = syslog_cursor;
		size_t len = format_record(&c, line, LINE_MAX);

		if (!len)
			break;
		size_t from = min(syslog_partial, len), k = min(len - from, n - (size_t)done);
		if (copy_out(ubuf + done, line + from, k)) {
			err = -EFAULT;
			break;
		}
		done += k;
		if (from + k == len) {
			syslog_cursor = c;
			syslog_partial = 0;
		} else {
			syslog_partial = from + k;
		}
	}
	mutex_unlock(&syslog_mutex);
out:
	kfree(line);
	return done ? done : err;
}

/* Total size of the records from seq on. */
static size_t log_text_size(u64 seq, char *line)
{
	struct log_cursor c = {seq};
	size_t sum = 0, len;

	while ((len = format_record(&c, line, LINE_MAX)))
		sum += len;
	return sum;
}

/* The last n bytes' worth of whole records since the last clear. */
static s64 syslog_read_all(char __user *ubuf, size_t n, bool clear)
{
	char *line = kmalloc(LINE_MAX, GFP_KERNEL);
	size_t len, done = 0;
	s64 ret = 0;

	if (!line)
		return -ENOMEM;
	struct log_cursor c = {max(log_clear_seq, log_first_seq())};
	u64 end = log_next_seq();
	size_t total = log_text_size(c.seq, line);
	while (total > n && c.seq < end) {
		len = format_record(&c, line, LINE_MAX);
		total -= min(len, total);
	}
	while (c.seq < end && (len = format_record(&c, line, LINE_MAX)) && done + len <= n) {
		if (copy_out(ubuf + done, line, len)) {
			ret = -EFAULT;
			break;
		}
		done += len;
	}
	if (!ret && clear)
		log_clear();
	kfree(line);
	return ret ? ret : (s64)done;
}

static s64 syslog_unread(void)
{
	char *line = kmalloc(LINE_MAX, GFP_KERNEL);

	if (!line)
		return -ENOMEM;
	mutex_lock(&syslog_mutex);
	size_t n = log_text_size(syslog_cursor.seq, line) - syslog_partial;
	mutex_unlock(&syslog_mutex);
	kfree(line);
	return n;
}

static s64 console_level(int type, int level)
{
	s64 ret = 0;

	mutex_lock(&syslog_mutex);
	switch (type) {
	case SYSLOG_CONSOLE_OFF:
		if (saved_loglevel < 0)
			saved_loglevel = console_loglevel;
		console_loglevel = 1;
		break;
	case SYSLOG_CONSOLE_ON:
		if (saved_loglevel >= 0)
			console_loglevel = saved_loglevel;
		saved_loglevel = -1;
		break;
	default:
		if (level < 1 || level > 8) {
			ret = -EINVAL;
			break;
		}
		console_loglevel = level;
		saved_loglevel = -1;
	}
	mutex_unlock(&syslog_mutex);
	return ret;
}

s64 sys_syslog(int type, char __user *buf, int n)
{
	bool may = capable(CAP_SYSLOG) || capable(CAP_SYS_ADMIN);

	if (!may && type != SYSLOG_READ_ALL && type != SYSLOG_SIZE_BUFFER)
		return -EPERM;
	switch (type) {
	case SYSLOG_CLOSE:
	case SYSLOG_OPEN:
		return 0;
	case SYSLOG_READ:
	case SYSLOG_READ_ALL:
	case SYSLOG_READ_CLEAR:
		if (!buf || n < 0)
			return -EINVAL;
		if (!n)
			return 0;
		if (!access_ok(buf, n))
			return -EFAULT;
		return type == SYSLOG_READ ? syslog_read(buf, n)
					   : syslog_read_all(buf, n, type == SYSLOG_READ_CLEAR);
	case SYSLOG_CLEAR:
		log_clear();
		return 0;
	case SYSLOG_CONSOLE_OFF:
	case SYSLOG_CONSOLE_ON:
	case SYSLOG_CONSOLE_LEVEL:
		return console_level(type, n);
	case SYSLOG_SIZE_UNREAD:
		return syslog_unread();
	case SYSLOG_SIZE_BUFFER:
		return log_buf_size();
	}
	return -EINVAL;
}

/* ---- reboot ---- */

#define REBOOT_MAGIC1	  0xfee1deadu
#define REBOOT_RESTART	  0x01234567u
#define REBOOT_HALT	  0xcdef0123u
#define REBOOT_CAD_ON	  0x89abcdefu
#define REBOOT_CAD_OFF	  0x00000000u
#define REBOOT_POWER_OFF  0x4321fedcu
#define REBOOT_RESTART2	  0xa1b2c3d4u
#define REBOOT_SW_SUSPEND 0xd000fce2u
#define REBOOT_KEXEC	  0x45584543u

static bool ctrl_alt_del = true;

/* Ctrl+Alt+Del from a keyboard: restart, or SIGINT to PID 1 (reboot(2)). Any context but IRQ. */
void ctrl_alt_del_pressed(void)
{
	if (ctrl_alt_del)
		arch_reboot();
	else if (init_process)
		(void)process_signal(init_process, SIGINT, NULL);
}

s64 sys_reboot(int magic1, int magic2, unsigned cmd, void __user *arg)
{
	static const u32 magic2s[] = {672274793, 85072278, 369367448, 537993216};
	char why[256];
	bool ok = false;

	if (!capable(CAP_SYS_BOOT))
		return -EPERM;
	for (unsigned i = 0; i < ARRAY_SIZE(magic2s); i++)
		ok |= (u32)magic2 == magic2s[i];
	if ((u32)magic1 != REBOOT_MAGIC1 || !ok)
		return -EINVAL;
	if (cmd != REBOOT_CAD_ON && cmd != REBOOT_CAD_OFF)
		consoles_drain(); /* the last words of programs come before ours */
	switch (cmd) {
	case REBOOT_CAD_ON:
	case REBOOT_CAD_OFF:
		ctrl_alt_del = cmd == REBOOT_CAD_ON;
		return 0;
	case REBOOT_RESTART2:
		if (strncpy_in(why, arg, sizeof(why)) < 0)
			return -EFAULT;
		pr_emerg("Restarting system with command '%s'", why);
		break;
	case REBOOT_RESTART:
		pr_emerg("Restarting system");
		break;
	case REBOOT_HALT:
		pr_emerg("System halted");
		break;
	case REBOOT_POWER_OFF:
		pr_emerg("Power down");
		break;
	default: /* suspend and kexec are not there */
		return -EINVAL;
	}
	(void)vfs_sync_all(true);
	if (cmd == REBOOT_POWER_OFF) {
		arch_power_off();
		pr_emerg("The machine cannot be switched off; halted");
	} else if (cmd != REBOOT_HALT) {
		arch_reboot();
	}
	smp_stop_others();
	arch_halt();
}

/* ---- /proc files about these ---- */

static int show_uts(struct seq *s, void *arg)
{
	struct new_utsname u;

	uts_get(&u);
	seq_printf(s, "%s\n", (char *)&u + (size_t)arg);
	return 0;
}

static ssize_t write_name(const char *buf, size_t n, void *arg)
{
	size_t len = n;

	while (len && (buf[len - 1] == '\n' || !buf[len - 1]))
		len--;
	int err = uts_set((size_t)arg == offsetof(struct new_utsname, nodename) ? UTS_NODENAME
										: UTS_DOMAINNAME,
			  buf, min_t(size_t, len, HOST_NAME_MAX));
	return err ? err : (ssize_t)n;
}

static int show_version(struct seq *s, void *arg)
{
	struct new_utsname u;

	uts_get(&u);
	seq_printf(s, "%s version %s (daedalus@builder) (gcc) %s\n", u.sysname, u.release,
		   u.version);
	return 0;
}

static int show_int(struct seq *s, void *arg)
{
	seq_printf(s, "%d\n", *(int *)arg);
	return 0;
}

static ssize_t write_pid_max(const char *buf, size_t n, void *arg)
{
	s64 v;
	int err = parse_s64(buf, 0, &v);

	if (err)
		return err;
	if (v < 301 || v > PID_MAX_LIMIT)
		return -EINVAL;
	pid_max = v;
	return n;
}

static int show_cmdline(struct seq *s, void *arg)
{
	seq_printf(s, "%s\n", bootinfo.cmdline);
	return 0;
}

static int system_proc_init(void)
{
	static const struct {
		const char *path;
		size_t off;
	} names[] = {
		{"sys/kernel/ostype", offsetof(struct new_utsname, sysname)},
		{"sys/kernel/osrelease", offsetof(struct new_utsname, release)},
		{"sys/kernel/version", offsetof(struct new_utsname, version)},
		{"sys/kernel/hostname", offsetof(struct new_utsname, nodename)},
		{"sys/kernel/domainname", offsetof(struct new_utsname, domainname)},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		(void)proc_create(names[i].path, i < 3 ? 0444 : 0644, show_uts,
				  i < 3 ? NULL : write_name, (void *)names[i].off);
	(void)proc_create("version", 0444, show_version, NULL, NULL);
	(void)proc_create("cmdline", 0444, show_cmdline, NULL, NULL);
	(void)proc_create("sys/kernel/pid_max", 0644, show_int, write_pid_max, &pid_max);
	procfs_pid_init();
	return proc_symlink("mounts", "self/mounts");
}
INITCALL(fs, system_proc_init);
