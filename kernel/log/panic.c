/* Panic, warnings and symbolised backtraces.
 *
 * The first CPU to panic wins; the others are stopped. A second fault inside the panic path (a broken
 * console, a corrupt stack) prints one line through the early console and goes straight to the end.
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
static u32 panic_depth;	    /* of that CPU */
s64 panic_timeout;	    /* seconds; see above */

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
		const char *name = symbol_lookup(pcs[i], &off, &size);
		if (name)
			pr_emerg(" [<%016lx>] %s+0x%lx/0x%lx", pcs[i], name, off, size);
		else
			pr_emerg(" [<%016lx>]", pcs[i]);
	}
}

static void __noreturn vpanic(const struct regs *r, const char *fmt, va_list ap)
{
	char msg[256];
	u32 me = cpu_id() + 1;
	u32 none = 0;

	irq_disable();
	preempt_disable();
	if (!__atomic_compare_exchange_n(&panic_cpu_plus1, &none, me, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_RELAXED) &&
	    none != me)
		arch_halt(); /* another CPU is at it */
	if (panic_depth++) {
		for (const char *p = "\r\nsecond fault while panicking\r\n"; *p; p++)
			arch_early_putc(*p);
		if (panic_depth > 2)
			arch_halt();
		panic_end();
	}
	panicking = true;
	smp_stop_others();
	if (console_loglevel < LOG_INFO)
		console_loglevel = LOG_INFO;
	vsnprintf(msg, sizeof(msg), fmt, ap);
	pr_emerg("Kernel panic - not syncing: %s", msg);
	if (panic_thread_hook)
		panic_thread_hook();
	else
		pr_emerg("CPU: %u", cpu_id());
	if (r)
		regs_print(r);
	backtrace_print(r && !regs_from_user(r) ? r->rbp : 0);
	panic_end();
}

void panic(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vpanic(NULL, fmt, ap); /* does not return */
			       // cppcheck-suppress va_end_missing
}

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
