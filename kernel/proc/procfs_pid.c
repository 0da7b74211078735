/* The numbered half of /proc: directories for processes and threads, self, descriptors.
 *
 * An inode holds the id object (struct pid), not the process: after the process is gone its files answer
 * -ESRCH, and a new process with the same number has another struct pid. Dentries here are never kept
 * (DENTRY_NOCACHE), so a name always means what lives now. What is private (PE_PRIVATE) opens for
 * whom process_may_access() lets in. Source: proc(5). */
#include "procfs_priv.h"
#include <alloc/slab.h>

enum kind { K_PROC, K_ENTRY, K_TASKS, K_THREAD, K_FDS, K_FD, K_SELF };

struct pid_node {
	struct pid *pid; /* [I] counted: process id, or thread id for K_THREAD and its files */
	const struct pid_entry *entry; /* [I] K_ENTRY, K_FDS */
	enum kind kind;		       /* [I] */
	bool task;		       /* [I] below task/TID */
	bool info;		       /* [I] fdinfo rather than fd */
	bool thread_self;	       /* [I] K_SELF */
	unsigned fd;		       /* [I] K_FD */
};

static const struct inode_ops dir_iops, reg_iops, link_iops;
static const struct file_ops dir_fops, reg_fops, mem_fops;

/* The thread (counted) that n is about; its process is t->proc. NULL: gone. */
static struct thread *node_thread(const struct pid_node *n)
{
	struct thread *t;

	rcu_read_lock();
	t = rcu_dereference(n->pid->thread);
	if (t && !ref_tryget(&t->ref))
		t = NULL;
	rcu_read_unlock();
	if (t && !n->task && !READ_ONCE(n->pid->proc)) {
		thread_put(t);
		t = NULL;
	}
	return t;
}

static int node_access(const struct pid_node *n)
{
	struct thread *t = node_thread(n);

	if (!t)
		return -ESRCH;
	int err = process_may_access(t->proc);
	thread_put(t);
	return err ? -EACCES : 0;
}

static struct inode *make_inode(const struct pid_node *proto, mode_t mode, struct thread *t)
{
	struct pid_node *n = kmemdup(proto, sizeof(*n), GFP_KERNEL);
	bool dir = S_ISDIR(mode), link = S_ISLNK(mode);

	if (!n)
		return NULL;
	struct inode *i =
		proc_inode_new(proc_sb, mode,
			       dir    ? &dir_iops
			       : link ? &link_iops
				      : &reg_iops,
			       dir						? &dir_fops
			       : link						? NULL
			       : proto->entry && (proto->entry->flags & PE_MEM) ? &mem_fops
										: &reg_fops,
			       n);
	if (!i) {
		kfree(n);
		return NULL;
	}
	pid_get(n->pid);
	rcu_read_lock();
	const struct cred *c =
		t && (t->proc->dumpable || n->kind == K_PROC) ? rcu_dereference(t->cred) : NULL;
	if (c) {
		i->uid = c->euid;
		i->gid = c->egid;
	}
	rcu_read_unlock();
	return i;
}

static void evict(struct inode *i)
{
	struct pid_node *n = i->private;

	pid_put(n->pid);
	kfree(n);
}

static int instantiate(struct dentry *d, const struct pid_node *proto, mode_t mode,
		       struct thread *t)
{
	struct inode *i = make_inode(proto, mode, t);

	if (!i)
		return -ENOMEM;
	d->flags |= DENTRY_NOCACHE;
	dentry_instantiate(d, i);
	return 0;
}

/* A decimal number without leading zeroes, or -1. */
static long parse_number(const char *s, size_t len)
{
	long v = 0;

	if (!len || len > 9 || (s[0] == '0' && len > 1))
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		v = v * 10 + s[i] - '0';
	}
	return v;
}

static bool name_is(const struct dentry *d, const char *s)
{
	return strlen(s) == d->name_len && !memcmp(d->name, s, d->name_len);
}

/* ---- lookups ---- */

static int lookup_fd(const struct pid_node *n, struct dentry *d, struct thread *t)
{
	long nr = parse_number(d->name, d->name_len);
	unsigned fd = nr;
	struct files *files;
	struct file *f;
	bool cloexec;

	if (nr < 0)
		return -ENOENT;
	files = process_files(t);
	f = files ? files_next(files, &fd, &cloexec) : NULL;
	bool found = f && fd == (unsigned)nr;
	mode_t mode = S_IFLNK;
	if (f) {
		mode |= (f->mode & FMODE_READ ? 0500 : 0) | (f->mode & FMODE_WRITE ? 0300 : 0);
		file_put(f);
	}
	if (files)
		files_put(files);
	if (!found)
		return -ENOENT;
	struct pid_node c = {
		.pid = n->pid, .kind = K_FD, .task = n->task, .info = n->info, .fd = nr};
	return instantiate(d, &c, n->info ? S_IFREG | 0444 : mode, t);
}

static int lookup_thread(const struct pid_node *n, struct dentry *d, struct thread *t)
{
	long nr = parse_number(d->name, d->name_len);
	struct pid *pid = nr > 0 ? pid_find(nr) : NULL;
	int err = -ENOENT;

	if (!pid)
		return err;
	struct pid_node c = {.pid = pid, .kind = K_THREAD, .task = true};
	struct thread *o = node_thread(&c);
	if (o && o->proc == t->proc)
		err = instantiate(d, &c, S_IFDIR | 0555, o);
	if (o)
		thread_put(o);
	pid_put(pid);
	return err;
}

static int lookup_entry(const struct pid_node *n, struct dentry *d, struct thread *t)
{
	for (unsigned i = 0; i < nr_pid_entries; i++) {
		const struct pid_entry *e = &pid_entries[i];

		if (!name_is(d, e->name) || (n->task && (e->flags & PE_GROUP)))
			continue;
		struct pid_node c = {.pid = n->pid, .entry = e, .kind = K_ENTRY, .task = n->task};
		if (e->flags & (PE_FD | PE_FDINFO)) {
			c.kind = K_FDS;
			c.info = e->flags & PE_FDINFO;
		} else if (e->flags & PE_TASK) {
			c.kind = K_TASKS;
		}
		return instantiate(d, &c, e->mode, t);
	}
	return -ENOENT;
}

static int dir_lookup(struct inode *dir, struct dentry *d)
{
	struct pid_node *n = dir->private;
	struct thread *t = node_thread(n);
	int err = -ENOENT;

	d->flags |= DENTRY_NOCACHE;
	if (!t)
		return -ENOENT;
	if (n->kind == K_FDS)
		err = process_may_access(t->proc) ? -EACCES : lookup_fd(n, d, t);
	else if (n->kind == K_TASKS)
		err = lookup_thread(n, d, t);
	else
		err = lookup_entry(n, d, t);
	thread_put(t);
	return err;
}

static int root_lookup(struct inode *dir, struct dentry *d)
{
	bool self = name_is(d, "self"), tself = name_is(d, "thread-self");

	if (self || tself) {
		struct pid_node n = {.kind = K_SELF, .thread_self = tself};
		return instantiate(d, &n, S_IFLNK | 0777, NULL);
	}
	long nr = parse_number(d->name, d->name_len);
	struct pid *pid = nr > 0 ? pid_find(nr) : NULL;
	if (!pid)
		return -ENOENT;
	struct pid_node n = {.pid = pid, .kind = K_PROC};
	struct thread *t = node_thread(&n);
	int err = t ? instantiate(d, &n, S_IFDIR | 0555, t) : -ENOENT;
	if (t)
		thread_put(t);
	pid_put(pid);
	return err;
}

/* ---- directories ---- */

static bool emit_number(struct dir_context *c, unsigned long nr, unsigned type, u64 next)
{
	char name[24];
	int len = snprintf(name, sizeof(name), "%lu", nr);

	return c->emit(c, name, len, (1ul << 32) + nr, type, next);
}

static int root_iterate(struct file *f, struct dir_context *c, u64 base)
{
	if (c->pos == base) {
		if (!c->emit(c, "self", 4, (1ul << 32), DT_OF_MODE(S_IFLNK), base + 1))
			return 0;
		c->pos++;
	}
	if (c->pos == base + 1) {
		if (!c->emit(c, "thread-self", 11, (1ul << 32), DT_OF_MODE(S_IFLNK), base + 2))
			return 0;
		c->pos++;
	}
	for (;;) {
		pid_t nr = c->pos - base - 1;
		struct process *p = process_find_next(&nr);

		if (!p)
			return 0;
		process_put(p);
		if (!emit_number(c, nr, DT_OF_MODE(S_IFDIR), base + 2 + nr))
			return 0;
		c->pos = base + 2 + nr;
	}
}

static int iterate_entries(struct pid_node *n, struct dir_context *c)
{
	while (c->pos - 2 < nr_pid_entries) {
		const struct pid_entry *e = &pid_entries[c->pos - 2];

		if (!(n->task && (e->flags & PE_GROUP)) &&
		    !c->emit(c, e->name, strlen(e->name), (1ul << 32) + c->pos, DT_OF_MODE(e->mode),
			     c->pos + 1))
			return 0;
		c->pos++;
	}
	return 0;
}

static int iterate_fds(struct pid_node *n, struct dir_context *c, struct thread *t)
{
	struct files *files = process_files(t);
	struct file *f;
	bool cloexec;

	if (!files)
		return 0;
	for (;;) {
		unsigned fd = c->pos - 2;

		f = files_next(files, &fd, &cloexec);
		if (!f)
			break;
		file_put(f);
		if (!emit_number(c, fd, DT_OF_MODE(n->info ? S_IFREG : S_IFLNK), fd + 3ul))
			break;
		c->pos = fd + 3ul;
	}
	files_put(files);
	return 0;
}

/* Threads in the order of their numbers. */
static int iterate_tasks(struct dir_context *c, struct process *p)
{
	for (;;) {
		pid_t best = 0, min_nr = (pid_t)c->pos - 1;
		struct thread *t;
		unsigned long f = siglock(&p->tg);

		list_for_each_entry (t, &p->tg.threads, group_node) {
			if (t->tid >= min_nr && (!best || t->tid < best))
				best = t->tid;
		}
		sigunlock(&p->tg, f);
		if (!best || !emit_number(c, best, DT_OF_MODE(S_IFDIR), best + 2ul))
			return 0;
		c->pos = best + 2ul;
	}
}

static int dir_iterate(struct file *f, struct dir_context *c)
{
	struct pid_node *n = f->inode->private;
	struct thread *t = node_thread(n);
	int err = 0;

	if (!t)
		return -ENOENT;
	if (c->pos == 0) {
		if (!c->emit(c, ".", 1, f->inode->ino, DT_OF_MODE(S_IFDIR), 1))
			goto out;
		c->pos = 1;
	}
	if (c->pos == 1) {
		if (!c->emit(c, "..", 2, f->path.dentry->parent->inode->ino, DT_OF_MODE(S_IFDIR),
			     2))
			goto out;
		c->pos = 2;
	}
	if (n->kind == K_FDS)
		err = process_may_access(t->proc) ? -EACCES : iterate_fds(n, c, t);
	else if (n->kind == K_TASKS)
		err = iterate_tasks(c, t->proc);
	else
		err = iterate_entries(n, c);
out:
	thread_put(t);
	return err;
}

/* ---- files ---- */

static int show_fdinfo(struct seq *s, struct pid_node *n, struct thread *t)
{
	struct files *files = process_files(t);
	unsigned fd = n->fd;
	bool cloexec = false;
	struct file *f = files ? files_next(files, &fd, &cloexec) : NULL;
	int err = -ENOENT;

	if (f && fd == n->fd) {
		seq_printf(s, "pos:\t%ld\nflags:\t0%o\nmnt_id:\t0\nino:\t%lu\n", f->pos,
			   f->flags | (cloexec ? O_CLOEXEC : 0), f->inode ? f->inode->ino : 0);
		if (f->ops && f->ops->show_fdinfo)
			f->ops->show_fdinfo(f, s);
		err = 0;
	}
	if (f)
		file_put(f);
	if (files)
		files_put(files);
	return err;
}

static int node_show(struct seq *s, void *arg)
{
	struct pid_node *n = arg;
	struct thread *t = node_thread(n);

	if (!t)
		return -ESRCH;
	/* It may have become somebody else since the file was opened (execve of a set-user-ID program). */
	int err =
		n->kind == K_FD || (n->entry->flags & PE_PRIVATE) ? process_may_access(t->proc) : 0;
	if (err)
		err = -EACCES;
	else
		err = n->kind == K_FD ? show_fdinfo(s, n, t) : n->entry->show(s, t->proc, t);
	thread_put(t);
	return err;
}

static int reg_open(struct inode *i, struct file *f)
{
	struct pid_node *n = i->private;

	if (n->kind == K_FD || (n->entry->flags & PE_PRIVATE)) {
		int err = node_access(n);
		if (err)
			return err;
	}
	return seq_open(f, node_show, n);
}

static ssize_t reg_write(struct file *f, struct iov_iter *from, u64 *pos)
{
	struct pid_node *n = f->inode->private;
	char buf[128];
	size_t len = from->count;

	if (n->kind != K_ENTRY || !n->entry->write)
		return -EINVAL;
	if (len >= sizeof(buf))
		return -EINVAL;
	if (iov_copy_from(from, buf, len) != len)
		return -EFAULT;
	buf[len] = 0;
	struct thread *t = node_thread(n);
	if (!t)
		return -ESRCH;
	ssize_t r = n->entry->write(buf, len, t->proc, t);
	thread_put(t);
	return r;
}

static char *link_readlink(struct inode *i, struct dentry *d, struct path *jump)
{
	struct pid_node *n = i->private;
	int err;

	if (n->kind == K_SELF) {
		if (!current->proc)
			return ERR_PTR(-ENOENT);
		pid_t tgid = current->proc->pid->nr;
		char *s = n->thread_self ? kasprintf(GFP_KERNEL, "%d/task/%d", tgid, current->tid)
					 : kasprintf(GFP_KERNEL, "%d", tgid);
		return s ? s : ERR_PTR(-ENOMEM);
	}
	struct thread *t = node_thread(n);
	if (!t)
		return ERR_PTR(-ENOENT);
	err = process_may_access(t->proc) ? -EACCES : 0;
	if (!err && n->kind == K_FD) {
		struct files *files = process_files(t);
		unsigned fd = n->fd;
		bool cloexec;
		struct file *f = files ? files_next(files, &fd, &cloexec) : NULL;

		err = -ENOENT;
		if (f && fd == n->fd) {
			*jump = f->path;
			path_get(jump);
			err = 0;
		}
		if (f)
			file_put(f);
		if (files)
			files_put(files);
	} else if (!err) {
		err = n->entry->jump(t->proc, jump);
	}
	thread_put(t);
	return ERR_PTR(err); /* NULL: *jump is set */
}

/* O_TRUNC has nothing to cut; owner and mode follow the process. */
static int reg_setattr(struct inode *i, const struct iattr *a)
{
	return a->valid & ~(ATTR_SIZE | ATTR_CTIME | ATTR_MTIME | ATTR_ATIME) ? -EPERM : 0;
}

static const struct inode_ops dir_iops = {.lookup = dir_lookup};
static const struct inode_ops reg_iops = {.setattr = reg_setattr};
static const struct inode_ops link_iops = {.readlink = link_readlink};
static const struct file_ops dir_fops = {.iterate = dir_iterate, .llseek = seek_no_end};
static const struct file_ops reg_fops = {
	.open = reg_open,
	.release = seq_file_release,
	.read = seq_file_read,
	.write = reg_write,
	.llseek = seek_no_end,
};

/* ---- mem ---- */

/* The open file is about the address space of then, also after an exec: it is one of its users. */
static int mem_open(struct inode *i, struct file *f)
{
	struct pid_node *n = i->private;
	struct thread *t = node_thread(n);

	if (!t)
		return -ESRCH;
	int err = process_may_access(t->proc) ? -EACCES : 0;
	if (!err)
		f->private = process_mm(t->proc);
	thread_put(t);
	return err;
}

static void mem_release(struct inode *i, struct file *f)
{
	if (f->private)
		mm_put(f->private);
}

static ssize_t mem_rw(struct file *f, struct iov_iter *it, u64 *pos, bool write)
{
	ssize_t done = 0, n = 0;

	if (!f->private || !it->count)
		return 0;
	u8 *page = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	while (it->count) {
		size_t want = min(it->count, PAGE_SIZE - (*pos & (PAGE_SIZE - 1)));
		if (write) {
			want = iov_copy_from(it, page, want);
			n = want ? vm_access(f->private, *pos, page, want, true) : -EFAULT;
		} else {
			n = vm_access(f->private, *pos, page, want, false);
			if (n > 0 && iov_copy_to(it, page, (size_t)n) != (size_t)n)
				n = -EFAULT;
			else if (n < 0)
				n = -EIO;
		}
		if (n < 0)
			break;
		*pos += (u64)n;
		done += n;
		if ((size_t)n < want)
			break;
	}
	kfree(page);
	return done ? done : write && n == -EFAULT ? -EIO : n;
}

static ssize_t mem_read(struct file *f, struct iov_iter *to, u64 *pos)
{
	return mem_rw(f, to, pos, false);
}

static ssize_t mem_write(struct file *f, struct iov_iter *from, u64 *pos)
{
	return mem_rw(f, from, pos, true);
}

static const struct file_ops mem_fops = {
	.open = mem_open,
	.release = mem_release,
	.read = mem_read,
	.write = mem_write,
	.llseek = seek_no_end,
};

static void totals(struct proc_totals *t)
{
	unsigned long avg[3];
	unsigned total;

	sched_loadavg(avg, &t->running, &total);
	t->forks = process_forks();
	t->blocked = 0;
	t->threads = total;
	t->last_pid = pid_last();
}

void procfs_pid_init(void)
{
	static const struct proc_pid_ops ops = {
		.lookup = root_lookup,
		.iterate = root_iterate,
		.evict = evict,
	};
	proc_set_pid_ops(&ops);
	proc_totals_hook = totals;
}
