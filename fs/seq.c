/* Text files made on the fly. The text of a file is generated whole into a growing buffer when it is
 * read from position 0 (or for the first time), and later reads continue in that text, so that a reader
 * with a small buffer sees one consistent state. The buffer belongs to the open file, under its mutex.
 * A show function prints until it is done; when memory runs out the text is thrown away and the read
 * fails with -ENOMEM. */
#include <alloc/slab.h>
#include <alloc/vmalloc.h>
#include <fs/seq.h>
#include <fs/vfs.h>
#include <lib/string.h>

#define MAX_SIZE (256 * MiB) /* beyond any honest text */

struct seq_file {
	mutex_t lock;
	struct seq seq; /* [lock] */
	bool valid;	/* [lock] */
	seq_show_fn show;
	void *arg;
};

/* Room for n more bytes. */
static bool reserve(struct seq *s, size_t n)
{
	size_t size = max_t(size_t, s->size * 2, 512);
	char *buf;

	if (s->failed)
		return false;
	if (likely(s->size - s->len >= n))
		return true;
	while (size - s->len < n)
		size *= 2;
	buf = size <= MAX_SIZE ? kvmalloc(size, GFP_KERNEL | GFP_NOWARN) : NULL;
	if (!buf) {
		s->failed = true;
		return false;
	}
	if (s->buf) {
		memcpy(buf, s->buf, s->len);
		kvfree(s->buf);
	}
	s->buf = buf;
	s->size = size;
	return true;
}

void seq_write(struct seq *s, const void *p, size_t n)
{
	if (!reserve(s, n))
		return;
	memcpy(s->buf + s->len, p, n);
	s->len += n;
}

void seq_putc(struct seq *s, char c)
{
	if (reserve(s, 1))
		s->buf[s->len++] = c;
}

void seq_puts(struct seq *s, const char *str)
{
	seq_write(s, str, strlen(str));
}

void seq_printf(struct seq *s, const char *fmt, ...)
{
	for (unsigned i = 0; i < 2; i++) {
		va_list ap;
		size_t room = s->size - s->len;
		int n;

		if (s->failed)
			return;
		va_start(ap, fmt);
		n = vsnprintf(s->buf ? s->buf + s->len : NULL, room, fmt, ap);
		va_end(ap);
		if ((size_t)n < room) {
			s->len += (size_t)n;
			return;
		}
		if (!reserve(s, (size_t)n + 1))
			return;
	}
}

void seq_escape(struct seq *s, const char *str, const char *esc)
{
	for (; *str; str++) {
		if (*str == '\\' || strchr(esc, *str))
			seq_printf(s, "\\%03o", (u8)*str);
		else
			seq_putc(s, *str);
	}
}

void seq_free(struct seq *s)
{
	kvfree(s->buf);
	*s = (struct seq){0};
}

int seq_open(struct file *f, seq_show_fn show, void *arg)
{
	struct seq_file *sf = kzalloc(sizeof(*sf), GFP_KERNEL);

	if (!sf)
		return -ENOMEM;
	mutex_init(&sf->lock);
	sf->show = show;
	sf->arg = arg;
	f->private = sf;
	return 0;
}

void *seq_arg(const struct file *f)
{
	return ((struct seq_file *)f->private)->arg;
}

void seq_file_release(struct inode *i, struct file *f)
{
	struct seq_file *sf = f->private;

	kvfree(sf->seq.buf);
	kfree(sf);
}

static int generate(struct seq_file *sf)
{
	int err;

	sf->seq.len = 0;
	sf->seq.failed = false;
	err = sf->show(&sf->seq, sf->arg);
	if (!err && sf->seq.failed)
		err = -ENOMEM;
	sf->valid = !err;
	return err;
}

ssize_t seq_file_read(struct file *f, struct iov_iter *to, u64 *pos)
{
	struct seq_file *sf = f->private;
	ssize_t done = 0;
	int err;

	err = mutex_lock_killable(&sf->lock);
	if (err)
		return err;
	if (*pos == 0 || !sf->valid)
		err = generate(sf);
	if (!err && *pos < sf->seq.len) {
		size_t n = min(sf->seq.len - (size_t)*pos, to->count);
		done = (ssize_t)iov_copy_to(to, sf->seq.buf + *pos, n);
		*pos += (u64)done;
		if (!done && n)
			err = -EFAULT;
	}
	mutex_unlock(&sf->lock);
	return err ? err : done;
}
