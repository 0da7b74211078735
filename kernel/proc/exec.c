/* execve, execveat and the start of PID 1.
 *
 * The new program is built completely beside the old one (elf.c), so nearly all errors leave the caller
 * as it was. What cannot be undone comes last and cannot fail but by the death of the caller: the other
 * threads go, the address space, descriptors, handlers and credentials are exchanged.
 * Sources: execve(2), execveat(2), capabilities(7), credentials(7). */
#include "exec_priv.h"
#include <alloc/slab.h>
#include <alloc/vmalloc.h>
#include <fs/mount.h>
#include <log/printk.h>
#include <syscall/syscalls.h>
#include <time/timer.h>

#define MAX_ARG_STRLEN	 (128 * KiB)
#define MAX_SCRIPT_DEPTH 5
#define STACK_LIMIT	 (8 * MiB)
#define SECBIT_NOROOT	 1u

/* ---- argument strings ---- */

static int args_room(struct arg_strings *a, size_t extra)
{
	if (a->len + extra <= a->cap)
		return 0;
	size_t cap = max_t(size_t, a->cap * 2, max_t(size_t, 1024, a->len + extra));
	char *b = kvmalloc(cap, GFP_KERNEL);
	if (!b)
		return -ENOMEM;
	if (a->len)
		memcpy(b, a->buf, a->len);
	kvfree(a->buf);
	a->buf = b;
	a->cap = cap;
	return 0;
}

static int args_fit(const struct exec_image *x, size_t extra)
{
	size_t used = x->argv.len + x->envp.len + (x->argv.n + x->envp.n + 1ul) * 8;

	return used + extra > x->arg_limit ? -E2BIG : 0;
}

int args_add(struct exec_image *x, struct arg_strings *a, const char *s, size_t len)
{
	int err = args_fit(x, len + 1);

	if (!err)
		err = args_room(a, len + 1);
	if (err)
		return err;
	memcpy(a->buf + a->len, s, len);
	a->buf[a->len + len] = 0;
	a->len += len + 1;
	a->n++;
	return 0;
}

static int args_add_user(struct exec_image *x, struct arg_strings *a, const char __user *s)
{
	ssize_t len = strnlen_in(s, MAX_ARG_STRLEN);

	if (len < 0)
		return len;
	if ((size_t)len >= MAX_ARG_STRLEN)
		return -E2BIG;
	int err = args_fit(x, len + 1);
	if (!err)
		err = args_room(a, len + 1);
	if (err)
		return err;
	if (copy_in(a->buf + a->len, s, len))
		return -EFAULT;
	a->buf[a->len + len] = 0;
	/* Changed under us: the string ends where it ends now. */
	a->len += strlen(a->buf + a->len) + 1;
	a->n++;
	return 0;
}

static int args_import(struct exec_image *x, struct arg_strings *a, const void __user *vec)
{
	const u64 __user *p = vec;

	for (; p; p++) {
		u64 s;

		if (get_user(s, p))
			return -EFAULT;
		if (!s)
			break;
		int err = args_add_user(x, a, u64_to_user(s));
		if (err)
			return err;
		if (fatal_signal_pending())
			return -EINTR;
	}
	return 0;
}

static void args_free(struct arg_strings *a)
{
	kvfree(a->buf);
	a->buf = NULL;
}

/* A script runs as: interpreter, its argument if any, the script, the caller's arguments from the second. */
static int args_script(struct exec_image *x, const char *interp, const char *arg)
{
	struct arg_strings old = x->argv, fresh = {0};
	size_t skip = old.n ? strlen(old.buf) + 1 : 0;
	unsigned rest = old.n ? old.n - 1 : 0;
	/* A nested script is the next one's argument by its own name. */
	const char *script = x->script ? x->script : x->name;

	x->argv = fresh;
	int err = args_add(x, &x->argv, interp, strlen(interp));
	if (!err && arg)
		err = args_add(x, &x->argv, arg, strlen(arg));
	if (!err)
		err = args_add(x, &x->argv, script, strlen(script));
	if (!err)
		err = args_fit(x, old.len - skip);
	if (!err)
		err = args_room(&x->argv, old.len - skip);
	if (!err && old.len > skip) {
		memcpy(x->argv.buf + x->argv.len, old.buf + skip, old.len - skip);
		x->argv.len += old.len - skip;
		x->argv.n += rest;
	}
	args_free(&old);
	return err;
}

/* ---- the file ---- */

struct file *exec_open(int dirfd, const char *name, unsigned flags)
{
	struct path p;
	int err = path_lookup(dirfd, name, lookup_of_at(flags), &p);
	if (err)
		return ERR_PTR(err);
	struct inode *i = p.dentry->inode;
	struct file *f;
	if (S_ISLNK(i->mode))
		f = ERR_PTR(-ELOOP);
	else if (!S_ISREG(i->mode) || (p.mnt && (p.mnt->flags & MS_NOEXEC)))
		f = ERR_PTR(-EACCES);
	else if ((err = path_permission(&p, MAY_EXEC)))
		f = ERR_PTR(err);
	else
		f = file_open_exec(&p);
	path_put(&p);
	return f;
}

/* "#! interpreter [argument]": both are cut out of head. 0, or -ENOEXEC if it is not one. */
static int parse_script(struct exec_image *x, char **interp, char **arg)
{
	char *s = (char *)x->head + 2, *end = (char *)x->head + x->head_len, *nl;

	if (x->head_len < 3 || x->head[0] != '#' || x->head[1] != '!')
		return -ENOEXEC;
	nl = memchr(s, '\n', end - s);
	bool cut = !nl && x->head_len == sizeof(x->head) - 1;
	if (nl)
		end = nl;
	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	while (end > s && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if (s == end || memchr(s, 0, end - s))
		return -ENOEXEC;
	*interp = s;
	while (s < end && *s != ' ' && *s != '\t')
		s++;
	if (s == end && cut)
		return -ENOEXEC; /* the interpreter's name does not fit */
	char *name_end = s;
	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	*arg = s < end ? s : NULL;
	*name_end = 0;
	/* head has one byte more than is ever read into it */
	*end = 0;
	return 0;
}

static int read_head(struct exec_image *x)
{
	memset(x->head, 0, sizeof(x->head));
	ssize_t n = file_read_kernel(x->file, x->head, sizeof(x->head) - 1, 0);
	if (n < 0)
		return n;
	x->head_len = n;
	return 0;
}

/* Follow scripts to a binary; x->file and x->argv change on the way. */
static int resolve_scripts(struct exec_image *x, bool name_gone)
{
	for (unsigned depth = 0;; depth++) {
		char *interp, *arg;
		int err = read_head(x);

		if (err)
			return err;
		if (parse_script(x, &interp, &arg))
			return 0;
		if (depth == MAX_SCRIPT_DEPTH)
			return -ELOOP;
		/* The interpreter could not open a name that close-on-exec takes away. */
		if (name_gone)
			return -ENOENT;
		char *name = kstrdup(interp, GFP_KERNEL);
		if (!name)
			return -ENOMEM;
		err = args_script(x, name, arg);
		struct file *f = err ? ERR_PTR(err) : exec_open(AT_FDCWD, name, 0);
		if (IS_ERR(f)) {
			kfree(name);
			return PTR_ERR(f);
		}
		file_put(x->file);
		x->file = f;
		kfree(x->script);
		x->script = name;
	}
}

/* ---- credentials ---- */

/* capabilities(7), "transformation of capabilities during execve"; files carry no capabilities here. */
static void cred_caps_exec(struct cred *n, bool setid)
{
	bool root = !(n->securebits & SECBIT_NOROOT);

	if (setid)
		n->cap_ambient = 0;
	if (root && (!n->euid || !n->uid))
		n->cap_permitted = n->cap_inheritable | n->cap_bounding;
	else
		n->cap_permitted = n->cap_ambient;
	n->cap_effective = root && !n->euid ? n->cap_permitted : n->cap_ambient;
	n->securebits &= ~0x10u; /* KEEP_CAPS does not survive */
}

static int prepare_cred(struct exec_image *x)
{
	struct inode *i = x->file->inode;
	struct mount *m = x->file->path.mnt;
	struct cred *n = cred_prepare();
	bool setid = false;

	if (!n)
		return -ENOMEM;
	u64 old_caps = n->cap_permitted;
	mode_t mode = READ_ONCE(i->mode);
	if (!(m && (m->flags & MS_NOSUID)) && !n->no_new_privs) {
		if (mode & S_ISUID) {
			setid |= n->euid != i->uid;
			n->euid = i->uid;
		}
		if ((mode & (S_ISGID | 0010)) == (S_ISGID | 0010)) {
			setid |= n->egid != i->gid;
			n->egid = i->gid;
		}
	}
	n->suid = n->fsuid = n->euid;
	n->sgid = n->fsgid = n->egid;
	cred_caps_exec(n, setid);
	x->secure = setid || n->euid != n->uid || n->egid != n->gid ||
		    (n->uid && (n->cap_permitted & ~old_caps));
	x->cred = n;
	return 0;
}

/* ---- the switch-over ---- */

static void set_comm(struct thread *t, const char *name)
{
	const char *base = strrchr(name, '/');

	(void)str_copy(t->comm, base ? base + 1 : name, sizeof(t->comm));
}

static void start_regs(struct regs *r, const struct exec_image *x)
{
	*r = (struct regs){
		.rip = x->entry,
		.rsp = x->sp,
		.rflags = RFLAGS_IF | 2,
		.cs = USER_CS,
		.ss = USER_DS,
		.orig_rax = (u64)-1,
	};
}

/* A handler table of our own, all handlers back to default, no alternate stack. */
static int exec_signals(struct thread *t) __no_lock_check /* siglock takes old->lock here */
{
	struct thread_group *g = t->group;
	struct sighand *old = g->sighand, *fresh = NULL;

	if (ref_read(&old->ref) > 1) {
		fresh = sighand_alloc();
		if (!fresh)
			return -ENOMEM;
	}
	unsigned long f = siglock(g);
	if (fresh) {
		memcpy(fresh->action, old->action, sizeof(fresh->action));
		signal_reset_handlers(fresh, false);
		g->sighand = fresh;
		spin_unlock_irqrestore(&old->lock, f);
		synchronize_rcu();
		sighand_put(old);
	} else {
		signal_reset_handlers(old, false);
		sigunlock(g, f);
	}
	t->altstack = (stack_t){.ss_flags = SS_DISABLE};
	return 0;
}

/* The old program ends here. After kill_other_threads only memory shortage can fail, and kills. */
static int switch_over(struct exec_image *x)
{
	struct thread *t = current;
	struct process *p = t->proc;
	struct mm *old;
	int err = kill_other_threads();

	if (err)
		return err;
	err = files_unshare();
	if (!err)
		err = exec_signals(t);
	if (!err)
		err = arch_thread_reset_user(&t->arch);
	if (err) {
		do_group_exit(SIGKILL);
		return err;
	}
	if (t->mm)
		mm_release(t, false);
	file_get(x->file);
	x->mm->exe = x->file;
	x->mm->oom_score_adj = p->oom_score_adj;
	x->mm->dumpable = !x->secure;
	if (x->secure) /* before others can look into the new memory */
		p->dumpable = false;
	old = mm_install(x->mm);
	x->mm = NULL;
	if (old) {
		u64 rss = atomic_read(&old->rss[0]) + atomic_read(&old->rss[1]) +
			  atomic_read(&old->rss[2]);
		p->maxrss = max(p->maxrss, max(rss, old->hiwater_rss));
		/* Who looks for our mm takes its reference under siglock. */
		sigunlock(&p->tg, siglock(&p->tg));
		mm_put(old);
	}
	/* A parent that sees a descriptor closed by this exec may no longer move us (setpgid(2)). */
	p->did_exec = true;
	files_close_on_exec();
	set_comm(t, x->name);
	p->keep_caps = false;
	if (x->secure || x->cred->euid != current_cred()->euid)
		p->pdeath_signal = 0;
	t->exit_signal = SIGCHLD;
	t->restart.fn = NULL;
	bool secure = x->secure;
	cred_commit(x->cred);
	x->cred = NULL;
	if (!secure)
		p->dumpable = true;
	start_regs(stack_user_regs(t->kstack), x);
	return 0;
}

static void image_free(struct exec_image *x)
{
	if (x->mm)
		mm_put(x->mm);
	if (x->cred)
		cred_put(x->cred);
	if (x->file)
		file_put(x->file);
	args_free(&x->argv);
	args_free(&x->envp);
	kfree(x->script);
}

static void image_init(struct exec_image *x, char *name)
{
	struct process *p = current->proc;
	u64 stack = STACK_LIMIT;

	memset(x, 0, sizeof(*x));
	x->name = name;
	if (p) {
		unsigned long f = siglock(&p->tg);
		memcpy(x->rlim, p->rlim, sizeof(x->rlim));
		sigunlock(&p->tg, f);
		x->personality = p->personality;
		stack = x->rlim[RLIMIT_STACK].rlim_cur;
	}
	/* execve(2): a quarter of the stack, within bounds */
	x->arg_limit = clamp_t(u64, stack / 4, 128 * KiB, STACK_LIMIT * 3 / 4);
}

/* x->file is open and the arguments are in: find the binary and build it. */
static int image_build(struct exec_image *x, bool name_gone)
{
	int err = 0;

	if (!x->argv.n) /* a program may rely on argv[0] */
		err = args_add(x, &x->argv, "", 0);
	if (!err)
		err = resolve_scripts(x, name_gone);
	if (!err)
		err = prepare_cred(x);
	return err ? err : elf_load(x);
}

static s64 do_execve(int dirfd, const char *path, char *shown, bool name_gone,
		     const void __user *argv, const void __user *envp, int flags)
{
	struct exec_image *x = kmalloc(sizeof(*x), GFP_KERNEL);
	int err;

	if (!x)
		return -ENOMEM;
	image_init(x, shown);
	/* A user beyond the limit after setuid() fails here at the latest (execve(2), EAGAIN). */
	if (current_cred()->uid && !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN) &&
	    user_count_read(current->user_count) > (long)(rlimit_get(RLIMIT_NPROC) & INT64_MAX)) {
		err = -EAGAIN;
		goto out;
	}
	x->file = exec_open(dirfd, path, flags);
	if (IS_ERR(x->file)) {
		err = PTR_ERR(x->file);
		x->file = NULL;
		goto out;
	}
	err = args_import(x, &x->envp, envp);
	if (!err)
		err = args_import(x, &x->argv, argv);
	if (!err)
		err = image_build(x, name_gone);
	if (!err)
		err = switch_over(x);
out:
	image_free(x);
	kfree(x);
	return err;
}

s64 sys_execve(const char __user *upath, const void __user *argv, const void __user *envp)
{
	struct name_buf n;
	int len = name_get(&n, upath, false);

	if (len < 0)
		return len;
	s64 r = do_execve(AT_FDCWD, n.s, n.s, false, argv, envp, 0);
	name_put(&n);
	return r;
}

s64 sys_execveat(int dirfd, const char __user *upath, const void __user *argv,
		 const void __user *envp, int flags)
{
	struct name_buf n;
	char *shown, *made = NULL;
	bool gone = false;

	if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	int len = name_get(&n, upath, flags & AT_EMPTY_PATH);
	if (len < 0)
		return len;
	shown = n.s;
	if (dirfd != AT_FDCWD && n.s[0] != '/') {
		made = kasprintf(GFP_KERNEL, n.s[0] ? "/dev/fd/%d/%s" : "/dev/fd/%d%s", dirfd, n.s);
		shown = made;
		gone = fd_is_cloexec(dirfd);
	}
	s64 r = shown ? do_execve(dirfd, n.s, shown, gone, argv, envp, flags) : -ENOMEM;
	kfree(made);
	name_put(&n);
	return r;
}

/* ---- PID 1 ---- */

static int args_kernel(struct exec_image *x, struct arg_strings *a, char *const *v)
{
	int err = 0;

	for (; v && *v && !err; v++)
		err = args_add(x, a, *v, strlen(*v));
	return err;
}

static void init_limits(struct rlimit *l)
{
	struct mem_stats m;

	for (unsigned i = 0; i < RLIM_NLIMITS; i++)
		l[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
	mem_stats_get(&m);
	u64 threads = max_t(u64, m.total / 32, 64);
	l[RLIMIT_STACK].rlim_cur = STACK_LIMIT;
	l[RLIMIT_CORE].rlim_cur = 0;
	l[RLIMIT_NPROC] = (struct rlimit){threads, threads};
	l[RLIMIT_NOFILE] = (struct rlimit){1024, 4096};
	l[RLIMIT_MEMLOCK] = (struct rlimit){8 * MiB, 8 * MiB};
	l[RLIMIT_SIGPENDING] = (struct rlimit){threads, threads};
	l[RLIMIT_MSGQUEUE] = (struct rlimit){819200, 819200};
	l[RLIMIT_NICE] = l[RLIMIT_RTPRIO] = (struct rlimit){0, 0};
}

/* Standard input, output and error on the console; without one PID 1 starts with none, as on Linux. */
static void open_console(struct files *files)
{
	struct thread *me = current;
	struct files *saved = me->files;

	me->files = files;
	struct file *f = file_open(AT_FDCWD, "/dev/console", O_RDWR, 0);
	if (IS_ERR(f)) {
		pr_warn("unable to open an initial console (error %d)", (int)PTR_ERR(f));
	} else {
		for (int i = 0; i < 3; i++) {
			int fd = fd_reserve(0, 0);
			if (fd < 0)
				break;
			file_get(f);
			fd_install(fd, f);
		}
		file_put(f);
	}
	me->files = saved;
}

/* PID 1 as a process: not running yet. */
static int init_make(struct exec_image *x, struct thread *t)
{
	struct process *p = process_alloc();
	struct regs regs;

	if (!p)
		return -ENOMEM;
	process_get(p);
	t->proc = p;
	t->group = &p->tg;
	p->tg.leader = t;
	p->tg.flags = TG_INIT;
	memcpy(p->rlim, x->rlim, sizeof(p->rlim));
	p->tg.sigpending_limit = p->rlim[RLIMIT_SIGPENDING].rlim_cur;
	p->timer_slack_ns = 50000;
	p->did_exec = true;
	p->start_boottime = ktime_get_boottime();
	p->tg.sighand = sighand_alloc();
	t->user_count = user_count_add(0);
	if (!p->tg.sighand || !t->user_count)
		return -ENOMEM;
	memset(p->tg.sighand->action, 0, sizeof(p->tg.sighand->action));
	t->altstack.ss_flags = SS_DISABLE;
	t->exit_signal = SIGCHLD;
	cred_put(t->cred);
	t->cred = x->cred;
	x->cred = NULL;
	start_regs(&regs, x);
	int err = arch_thread_init_user(&t->arch, t->kstack, &regs, NULL);
	if (err)
		return err;
	t->files = files_init();
	if (!t->files)
		return -ENOMEM;
	t->fs = fs_ctx_copy(init_fs);
	if (IS_ERR(t->fs)) {
		err = PTR_ERR(t->fs);
		t->fs = NULL;
		return err;
	}
	open_console(t->files);
	return 0;
}

static int init_publish(struct exec_image *x, struct thread *t)
{
	struct process *p = t->proc;
	struct pid *pid = pid_alloc(1);
	unsigned long f;

	if (IS_ERR(pid))
		return PTR_ERR(pid);
	t->tid = 1;
	p->pid = pid_get(pid);
	file_get(x->file);
	x->mm->exe = x->file;
	x->mm->dumpable = 1;
	t->mm = x->mm;
	x->mm = NULL;
	spin_lock_irqsave(&tasklist_lock, f);
	list_add_tail(&t->group_node, &p->tg.threads);
	p->tg.nr_threads = p->nr_live = 1;
	list_add_tail(&p->all_node, &all_processes);
	nr_processes++;
	process_set_pgrp(p, pid);
	process_set_session(p, pid);
	p->leader = false; /* it may still call setsid() */
	pid->thread = t;
	pid->proc = p;
	init_process = p;
	spin_unlock_irqrestore(&tasklist_lock, f);
	return 0;
}

int process_start_init(const char *path, char *const argv[], char *const envp[])
{
	struct exec_image *x = kmalloc(sizeof(*x), GFP_KERNEL);
	struct thread *t = NULL;
	int err;

	if (!x)
		return -ENOMEM;
	image_init(x, (char *)path);
	init_limits(x->rlim);
	x->file = exec_open(AT_FDCWD, path, 0);
	if (IS_ERR(x->file)) {
		err = PTR_ERR(x->file);
		x->file = NULL;
		goto out;
	}
	err = args_kernel(x, &x->envp, envp);
	if (!err)
		err = args_kernel(x, &x->argv, argv);
	if (!err)
		err = image_build(x, false);
	if (err)
		goto out;
	err = -ENOMEM;
	t = thread_alloc("init");
	if (!t)
		goto out;
	set_comm(t, path);
	err = init_make(x, t);
	if (!err)
		err = init_publish(x, t);
	if (err) {
		thread_discard(t, true);
		goto out;
	}
	thread_start(t);
out:
	image_free(x);
	kfree(x);
	return err;
}
