/* Text files made on the fly (procfs, sysfs): a growing buffer that show functions print into, and the
 * file operations around it. */
#pragma once
#include <lib/types.h>

struct seq {
	char *buf;
	size_t len, size;
	bool failed; /* no memory */
};
void seq_printf(struct seq *s, const char *fmt, ...) __printf(2, 3);
void seq_puts(struct seq *s, const char *str);
void seq_putc(struct seq *s, char c);
void seq_write(struct seq *s, const void *p, size_t n);
/* str with the characters in esc (and backslash) as octal escapes, as in /proc/mounts. */
void seq_escape(struct seq *s, const char *str, const char *esc);
/* The buffer of an on-stack seq that no file owns. */
void seq_free(struct seq *s);

/* A file whose contents show(s, arg) prints, whole, when it is read from the start (or first read): the
 * open operation of its inode calls seq_open, the rest of its file_ops are the functions below. May
 * sleep. */
struct file;
struct inode;
struct iov_iter;
typedef int (*seq_show_fn)(struct seq *s, void *arg);
int seq_open(struct file *f, seq_show_fn show, void *arg) __must_check;
void *seq_arg(const struct file *f); /* as given to seq_open */
ssize_t seq_file_read(struct file *f, struct iov_iter *to, u64 *pos);
void seq_file_release(struct inode *i, struct file *f);
