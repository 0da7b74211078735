/* Reports of the checkers (lock checker, undefined behaviour): text that names a bug in the kernel. A report
 * panics; with reports=warn on the command line it is printed and the kernel goes on. Tests that provoke a
 * mistake capture what their own thread causes instead. Any context but NMI. */
#pragma once
#include <lib/types.h>

/* text: lines, ended by \n. True: captured by a test. */
bool report_submit(const char *title, const char *text);
/* Would it be captured? */
bool report_capturing(void);
/* From here on the reports of the current thread are kept. One thread at a time. */
void report_capture_begin(void);
/* How many there were. */
unsigned report_capture_end(void);
/* Titles and texts of the last capture (the first 4 KiB). */
const char *report_captured(void);
/* snprintf that appends to buf, which holds *len bytes already and is never overrun. */
void report_add(char *buf, size_t size, size_t *len, const char *fmt, ...) __printf(4, 5);
