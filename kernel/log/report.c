/* What the checkers found: to the panic, to the log, or to the test that provoked it.
 *
 * A report may come with any lock held, a run queue's or the log's own: so it normally is a panic, whose
 * output takes no lock. reports=warn prints instead and accepts that this may hang.
 * Locks: none; `owner` says which thread captures, and only that thread touches the rest. */
#include <log/panic.h>
#include <log/report.h>
#include <arch/current.h>
#include <init/bootinfo.h>
#include <lib/string.h>

#define CAPTURE_SIZE 4096

static const struct thread *owner; /* [a] who captures, NULL: nobody */
static unsigned captured;	   /* [owner] */
static char capture[CAPTURE_SIZE]; /* [owner] */
static size_t capture_len;	   /* [owner] */
static bool warn_only __ro_after_init;

void report_add(char *buf, size_t size, size_t *len, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(buf + *len, size - *len, fmt, ap);
	va_end(ap);
	if (n > 0)
		*len = *len + (size_t)n < size ? *len + (size_t)n : size - 1;
}

bool report_capturing(void)
{
	return READ_ONCE(owner) && READ_ONCE(owner) == current;
}

bool report_submit(const char *title, const char *text)
{
	if (report_capturing()) {
		captured++;
		report_add(capture, sizeof(capture), &capture_len, "%s\n%s", title, text);
		return true;
	}
	if (panicking)
		return false;
	if (!warn_only)
		panic_with(text, "%s", title);
	pr_err("%s", title);
	print_lines(LOG_ERR, text);
	warn_report("report", 0, title);
	return false;
}

void report_capture_begin(void)
{
	BUG_ON(owner);
	captured = 0;
	capture_len = 0;
	capture[0] = '\0';
	WRITE_ONCE(owner, current);
}

unsigned report_capture_end(void)
{
	WRITE_ONCE(owner, NULL);
	return captured;
}

const char *report_captured(void)
{
	return capture;
}

static void param_reports(const char *v)
{
	warn_only = v && !strcmp(v, "warn");
}
BOOT_PARAM("reports", param_reports);
