/* Panic, warnings and symbolised backtraces.
 *
 * The first CPU to panic wins; the others are stopped. The report is made in stages, and what it needs is copied
 * first: a fault in one stage (a broken console, a corrupt stack) says so through the early console, and the
 * report goes on with the next.
 * What happens then is panic=: N > 0 reboots after N seconds, N < 0 at once, 0 stays for ever.
 * Context: any. */
#include <log/panic.h>
#include <arch/backtrace.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/irqflags.h>
#include <arch/smp.h>
#include <init/bootinfo.h>
#include <lib/string.h>
#include <sync/preempt.h>

bool panicking;
void (*panic_thread_hook)(void);
static u32 panic_cpu_plus1; /* [a] */
s64 panic_timeout;	    /* seconds; see above */

#define FAULTS_MAX 8 /* in the report: more, and there is no point in going on */

/* What the report is about. Of the CPU that panics. */
static struct {
	u32 entered; /* 1, and one for each fault on the way */
	u32 stage;   /* the next */
	bool have_regs;
	struct regs regs;
	u64 fp;
	char msg[256];
} report;

static void __noreturn panic_end(void)
{
	arch_debug_exit(0x7f);
	if (panic_timeout < 0)
		arch_reboot();
	if (panic_timeout > 0) {
		pr_emerg("Rebooting in %ld seconds..", (long)panic_timeout);
		for (s64 i = 0; i < panic_timeout * 10; i++)
			udelay(100000);
		arch_reboot();
	}
	pr_emerg("---[ end Kernel panic ]---");
	arch_halt();
}

void backtrace_print(u64 fp)
{
	u64 pcs[32], off, size;
	unsigned n = backtrace(fp, pcs, ARRAY_SIZE(pcs));

	pr_emerg("Call trace:");
	for (unsigned i = 0; i < n; i++) {
		/* A call that never returns may be the last thing in its function: look before it ends. */
		const char *name = symbol_lookup(pcs[i] - 1, &off, &size);
		if (name)
			pr_emerg(" [<%016lx>] %s+0x%lx/0x%lx", pcs[i], name, off + 1, size);
		else
			pr_emerg(" [<%016lx>]", pcs[i]);
	}
}

#ifdef CONFIG_DEBUG
static const char *panic_details; /* [a] more lines to print; the panicking CPU's */

void print_lines(enum log_level level, const char *text)
{
	for (const char *nl; (nl = strchr(text, '\n')); text = nl + 1)
		printk(level, "%.*s", (int)(nl - text), text);
}
#endif

static void __noreturn make_report(void)
{
	for (;;) {
		switch (report.stage++) {
		case 0:
			smp_stop_others();
			break;
		case 1:
			printk_panic_enter();
			break;
		case 2:
			pr_emerg("Kernel panic - not syncing: %s", report.msg);
#ifdef CONFIG_DEBUG
			if (panic_details)
				print_lines(LOG_EMERG, panic_details);
#endif
			break;
		case 3:
			if (panic_thread_hook)
				panic_thread_hook();
			else
				pr_emerg("CPU: %u", cpu_id());
			break;
		case 4:
			if (report.have_regs)
				regs_print(&report.regs);
			break;
		case 5:
			backtrace_print(report.fp);
			break;
		default:
			panic_end();
		}
	}
}

static void early_say(const char *s)
{
	for (; *s; s++)
		arch_early_putc(*s);
}

/* A fault in the report: say which, by the shortest way, and go on behind it. */
static void __noreturn fault_in_report(const struct regs *r, const char *fmt, va_list ap)
{
	static char text[256];

	if (report.entered > FAULTS_MAX)
		arch_halt();
	early_say("\r\nfault while panicking: ");
	vsnprintf(text, sizeof(text), fmt, ap);
	early_say(text);
	if (r) {
		snprintf(text, sizeof(text), " at %pS", (void *)r->rip);
		early_say(text);
	}
	early_say("\r\n");
	make_report();
}

static void __noreturn vpanic(const struct regs *r, const char *fmt, va_list ap)
{
	u32 me = cpu_id() + 1;
	u32 none = 0;

	irq_disable();
	preempt_disable();
	if (!__atomic_compare_exchange_n(&panic_cpu_plus1, &none, me, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_RELAXED) &&
	    none != me)
		arch_halt(); /* another CPU is at it */
	if (report.entered++)
		fault_in_report(r, fmt, ap);
	panicking = true;
	if (console_loglevel < LOG_INFO)
		console_loglevel = LOG_INFO;
	report.fp = (u64)__builtin_frame_address(0);
	if (r) {
		report.regs = *r;
		report.have_regs = true;
		if (!regs_from_user(r))
			report.fp = r->rbp;
	}
	vsnprintf(report.msg, sizeof(report.msg), fmt, ap);
	make_report();
}

void panic(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vpanic(NULL, fmt, ap); /* does not return */
			       // cppcheck-suppress va_end_missing
}

#ifdef CONFIG_DEBUG
void panic_with(const char *details, const char *fmt, ...)
{
	va_list ap;
	panic_details = details;
	va_start(ap, fmt);
	vpanic(NULL, fmt, ap); /* does not return */
			       // cppcheck-suppress va_end_missing
}
#endif

void panic_regs(const struct regs *r, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vpanic(r, fmt, ap); /* does not return */
			    // cppcheck-suppress va_end_missing
}

void warn_report(const char *file, int line, const char *what)
{
	pr_warn("WARNING at %s:%d: %s", file, line, what);
	if (panic_thread_hook)
		panic_thread_hook();
	backtrace_print(0);
}

static void param_panic(const char *v)
{
	if (!v || parse_s64(v, 10, &panic_timeout))
		panic_timeout = 0;
}
BOOT_PARAM("panic", param_panic);
