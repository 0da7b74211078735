/*
 * Unpacks cpio archives ("newc", plain or compressed, one or several in a row) into the root file
 * system; what is there already is replaced, as an external archive over the built-in one wants it.
 *
 * Plain archives are read where they lie. Compressed ones are unpacked as they stream out of the
 * decompressor: the consumer keeps at most one header with its name, and file contents go straight
 * to the page cache. A broken archive is reported with its place; what came before stays.
 * Format: cpio(5), "New ASCII Format".
 */
#define LOG_PREFIX "initramfs: "
#include <alloc/slab.h>
#include <fs/dev.h>
#include <fs/vfs.h>
#include <lib/cpio.h>
#include <lib/decompress.h>
#include <lib/string.h>
#include <log/printk.h>
#include <sched/thread.h>

#define HEADER_SIZE 110 /* magic and 13 fields of 8 hex digits */

/* Hard links: names of an inode that came before, until its data come with the last of them. */
struct link_seen {
	struct link_seen *next;
	u32 ino, dev;
	char name[];
};
#define LINK_BUCKETS 64

struct unpacker {
	struct link_seen *links[LINK_BUCKETS];
	/* the member being taken in */
	struct cpio_entry e;
	struct file *out; /* NULL: its data are skipped */
	u64 out_pos;
	u64 data_left, pad_left;
	/* its header and name, as far as they have come */
	char *head;
	size_t have, need;
	bool zeroes_only; /* between archives */
	u64 offset;	  /* in the plain stream, for messages */
	unsigned long members;
};

static void free_links(struct unpacker *u)
{
	for (unsigned b = 0; b < LINK_BUCKETS; b++) {
		while (u->links[b]) {
			struct link_seen *l = u->links[b];
			u->links[b] = l->next;
			kfree(l);
		}
	}
}

static struct link_seen **bucket(struct unpacker *u, const struct cpio_entry *e)
{
	return &u->links[(e->ino ^ e->dev_minor) % LINK_BUCKETS];
}

static u32 dev_of(const struct cpio_entry *e)
{
	return e->dev_major << 20 | (e->dev_minor & 0xfffff);
}

/* The earlier name of a hard link, or NULL after remembering this one. */
static const char *earlier_name(struct unpacker *u, const struct cpio_entry *e)
{
	struct link_seen **b = bucket(u, e);
	if (e->nlink < 2)
		return NULL;
	for (struct link_seen *l = *b; l; l = l->next)
		if (l->ino == e->ino && l->dev == dev_of(e))
			return l->name;
	size_t n = strlen(e->name) + 1;
	struct link_seen *l = kmalloc(sizeof(*l) + n, GFP_KERNEL);
	if (!l)
		return NULL; /* a copy instead of a link */
	l->ino = e->ino;
	l->dev = dev_of(e);
	memcpy(l->name, e->name, n);
	l->next = *b;
	*b = l;
	return NULL;
}

/* Set what the archive says about the object just made. */
static void set_attributes(struct inode *i, const struct cpio_entry *e)
{
	struct iattr a = {.valid = ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_ATIME | ATTR_MTIME,
			  .mode = e->mode,
			  .uid = e->uid,
			  .gid = e->gid,
			  .atime = {e->mtime, 0},
			  .mtime = {e->mtime, 0}};
	if (S_ISLNK(e->mode))
		a.valid &= ~ATTR_MODE;
	down_write(&i->rwsem);
	(void)inode_setattr(i, &a);
	up_write(&i->rwsem);
}

static void set_attributes_at(const char *name, const struct cpio_entry *e)
{
	struct path p;
	if (path_lookup(AT_FDCWD, name, S_ISDIR(e->mode) ? LOOKUP_FOLLOW : 0, &p))
		return;
	set_attributes(p.dentry->inode, e);
	path_put(&p);
}

static bool leads_to_directory(const char *name)
{
	struct path p;
	if (path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p))
		return false;
	path_put(&p);
	return true;
}

/* Remove what is in the way of a name: what is of another kind, and a file with other names, which keep
 * their contents. A link to a directory stays for a directory: an archive with a /bin goes well over
 * one where /bin leads to /usr/bin. */
static void clear_way(const char *name, mode_t mode)
{
	struct path p;
	if (path_lookup(AT_FDCWD, name, 0, &p))
		return;
	mode_t have = p.dentry->inode->mode;
	bool shared = p.dentry->inode->nlink > 1;
	path_put(&p);
	if (S_ISLNK(have) && S_ISDIR(mode) && leads_to_directory(name))
		return;
	if (S_ISDIR(have)) {
		if (!S_ISDIR(mode))
			(void)vfs_unlink(AT_FDCWD, name, AT_REMOVEDIR);
	} else if (!S_ISREG(have) || !S_ISREG(mode) || shared) {
		(void)vfs_unlink(AT_FDCWD, name, 0);
	}
}

static int start_file(struct unpacker *u, const struct cpio_entry *e)
{
	const char *old = earlier_name(u, e);
	clear_way(e->name, e->mode);
	if (old) {
		(void)vfs_unlink(AT_FDCWD, e->name, 0);
		int err = vfs_link(AT_FDCWD, old, AT_FDCWD, e->name, 0);
		if (err || !e->size)
			return err;
	}
	struct file *f = file_open(AT_FDCWD, e->name,
				   O_WRONLY | O_CREAT | (e->size ? O_TRUNC : 0) | O_LARGEFILE,
				   e->mode & 07777);
	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	u->out = f;
	u->out_pos = 0;
	return 0;
}

static int make_other(const struct cpio_entry *e)
{
	clear_way(e->name, e->mode);
	if (S_ISDIR(e->mode)) {
		int err = vfs_mkdir(AT_FDCWD, e->name, e->mode & 07777);
		return err == -EEXIST ? 0 : err;
	}
	return vfs_mknod(AT_FDCWD, e->name, e->mode, MKDEV(e->rdev_major, e->rdev_minor));
}

/* A member's header and name are there; e->data is not looked at here. */
static int begin_member(struct unpacker *u, const struct cpio_entry *e)
{
	int err;
	u->members++;
	u->out = NULL;
	if (S_ISREG(e->mode))
		err = start_file(u, e);
	else if (S_ISLNK(e->mode))
		return 0; /* made when its target, the data, is complete */
	else
		err = make_other(e);
	if (err)
		pr_err("cannot make %s: error %d\n", e->name, -err);
	else if (!S_ISREG(e->mode))
		set_attributes_at(e->name, e);
	return err == -ENOMEM || err == -ENOSPC ? err : 0;
}

static int member_data(struct unpacker *u, const void *data, size_t n)
{
	if (!u->out)
		return 0;
	ssize_t w = file_write_kernel(u->out, data, n, u->out_pos);
	if (w != (ssize_t)n) {
		pr_err("cannot write %s: error %ld\n", u->e.name, w < 0 ? -w : (long)ENOSPC);
		return w < 0 ? (int)w : -ENOSPC;
	}
	u->out_pos += n;
	return 0;
}

static void end_file(struct unpacker *u, const struct cpio_entry *e)
{
	if (!u->out)
		return;
	set_attributes(u->out->inode, e);
	file_put(u->out);
	u->out = NULL;
}

/* A link from /bin/x to /usr/bin/x, where /bin itself leads to /usr/bin, would replace what it means. */
static bool leads_to_itself(const char *name, const char *target)
{
	const char *slash = strrchr(name, '/');
	int dir = *target != '/' && slash ? (int)(slash - name) + 1 : 0;
	char *full = kasprintf(GFP_KERNEL, "%.*s%s", dir, name, target);
	struct path here, there;
	bool same = false;
	if (full && !path_lookup(AT_FDCWD, name, 0, &here)) {
		if (!path_lookup(AT_FDCWD, full, LOOKUP_FOLLOW, &there)) {
			same = here.dentry == there.dentry;
			path_put(&there);
		}
		path_put(&here);
	}
	kfree(full);
	return same;
}

static void make_symlink(const struct cpio_entry *e, const char *target)
{
	if (leads_to_itself(e->name, target))
		return;
	clear_way(e->name, e->mode);
	int err = vfs_symlink(target, AT_FDCWD, e->name);
	if (err)
		pr_err("cannot make %s: error %d\n", e->name, -err);
	else
		set_attributes_at(e->name, e);
}

/* ---- an archive in memory ---- */

static int unpack_plain(struct unpacker *u, const u8 *data, size_t n, size_t *used)
{
	struct cpio c;
	int r;
	cpio_init(&c, data, n);
	while ((r = cpio_next(&c, &u->e)) > 0) {
		struct cpio_entry *e = &u->e;
		r = begin_member(u, e);
		if (!r && u->out && e->size)
			r = member_data(u, e->data, e->size);
		if (!r && S_ISLNK(e->mode)) {
			char *target = kstrndup((const char *)e->data, e->size, GFP_KERNEL);
			if (target)
				make_symlink(e, target);
			kfree(target);
		}
		end_file(u, e);
		if (r < 0)
			break;
		cond_resched();
	}
	if (r == -EINVAL)
		pr_err("broken archive at byte %lu: %s\n", (unsigned long)c.pos,
		       c.error ? c.error : "?");
	free_links(u);
	*used = c.pos;
	return r;
}

/* ---- an archive that comes in pieces ---- */

static bool hex8(const char *s, u32 *v)
{
	u32 n = 0;
	for (int i = 0; i < 8; i++) {
		char ch = s[i];
		u32 d = ch >= '0' && ch <= '9'	 ? (u32)(ch - '0')
			: ch >= 'a' && ch <= 'f' ? (u32)(ch - 'a' + 10)
			: ch >= 'A' && ch <= 'F' ? (u32)(ch - 'A' + 10)
						 : 16;
		if (d > 15)
			return false;
		n = n << 4 | d;
	}
	*v = n;
	return true;
}

static int broken(const struct unpacker *u, const char *why)
{
	pr_err("broken archive at byte %lu: %s\n", (unsigned long)u->offset, why);
	return -EINVAL;
}

/* The fixed part is complete: how long is header with name, padded? */
static int parse_header(struct unpacker *u)
{
	u32 v[13];
	if (memcmp(u->head, "070701", 6) && memcmp(u->head, "070702", 6))
		return broken(u, "no member header");
	for (int i = 0; i < 13; i++)
		if (!hex8(u->head + 6 + i * 8, &v[i]))
			return broken(u, "bad digit in a header");
	u->e = (struct cpio_entry){.ino = v[0],
				   .mode = v[1],
				   .uid = v[2],
				   .gid = v[3],
				   .nlink = v[4],
				   .mtime = v[5],
				   .size = v[6],
				   .dev_major = v[7],
				   .dev_minor = v[8],
				   .rdev_major = v[9],
				   .rdev_minor = v[10],
				   .name_len = v[11]};
	if (!v[11] || v[11] > PATH_MAX)
		return broken(u, "bad length of a name");
	u->need = ALIGN_UP(HEADER_SIZE + (size_t)v[11], 4ul);
	return 0;
}

static void next_header(struct unpacker *u)
{
	u->have = 0;
	u->need = HEADER_SIZE;
}

static void finish_member(struct unpacker *u)
{
	if (S_ISLNK(u->e.mode)) {
		u->head[u->have] = '\0'; /* the target was gathered behind the name */
		make_symlink(&u->e, u->head + u->need);
	}
	end_file(u, &u->e);
	next_header(u);
}

/* Header and name are complete. */
static int name_complete(struct unpacker *u)
{
	char *name = u->head + HEADER_SIZE;
	if (name[u->e.name_len - 1])
		return broken(u, "a name without end");
	u->e.name = name;
	if (!strcmp(name, "TRAILER!!!")) {
		free_links(u);
		u->zeroes_only = true;
		next_header(u);
		return 0;
	}
	if (S_ISLNK(u->e.mode) && u->e.size >= PATH_MAX)
		return broken(u, "too long a symbolic link");
	int err = begin_member(u, &u->e);
	u->data_left = u->e.size;
	u->pad_left = -u->e.size & 3;
	if (!err && !u->data_left)
		finish_member(u);
	return err;
}

static int take_header(struct unpacker *u, const u8 *p, size_t n, size_t *took)
{
	size_t k = min(n, u->need - u->have);
	memcpy(u->head + u->have, p, k);
	u->have += k;
	*took = k;
	if (u->have < u->need)
		return 0;
	if (u->need == HEADER_SIZE) {
		int err = parse_header(u);
		if (err || u->have < u->need)
			return err;
	}
	return name_complete(u);
}

static int take_data(struct unpacker *u, const u8 *p, size_t n, size_t *took)
{
	size_t k = min_t(size_t, n, u->data_left);
	int err = 0;
	if (S_ISLNK(u->e.mode)) {
		memcpy(u->head + u->have, p, k);
		u->have += k;
	} else {
		err = member_data(u, p, k);
	}
	*took = k;
	u->data_left -= k;
	if (!err && !u->data_left)
		finish_member(u);
	return err;
}

static int consume(void *ctx, const void *data, size_t n)
{
	struct unpacker *u = ctx;
	const u8 *p = data;
	while (n) {
		size_t took = 0;
		int err = 0;
		if (u->data_left) {
			err = take_data(u, p, n, &took);
		} else if (u->pad_left) {
			took = min_t(size_t, n, u->pad_left);
			u->pad_left -= took;
		} else if (u->zeroes_only && !*p) {
			took = 1;
		} else {
			u->zeroes_only = false;
			err = take_header(u, p, n, &took);
		}
		if (err)
			return err;
		p += took;
		n -= took;
		u->offset += took;
	}
	cond_resched();
	return 0;
}

static int unpack_stream(struct unpacker *u, const u8 *data, size_t n, size_t *used)
{
	next_header(u);
	u->zeroes_only = true;
	u->head = kmalloc(HEADER_SIZE + 2 * PATH_MAX + 8, GFP_KERNEL);
	if (!u->head)
		return -ENOMEM;
	int err = decompress(data, n, consume, u, used);
	if (!err && (u->data_left || u->have))
		err = broken(u, "it ends inside a member");
	else if (err == -EBADMSG)
		pr_err("the compressed data are damaged behind byte %lu of the archive\n",
		       (unsigned long)u->offset);
	end_file(u, &u->e);
	free_links(u);
	kfree(u->head);
	u->head = NULL;
	return err;
}

int initramfs_unpack(const void *buf, size_t n)
{
	const u8 *p = buf;
	struct unpacker *u = kzalloc(sizeof(*u), GFP_KERNEL);
	int err = 0;
	if (!u)
		return -ENOMEM;
	mode_t umask = xchg(&init_fs->umask, 0);
	while (n && !err) {
		size_t used = 0;
		if (!*p) { /* padding between archives */
			p++;
			n--;
			continue;
		}
		if (n >= 6 && !memcmp(p, "0707", 4)) {
			err = unpack_plain(u, p, n, &used);
		} else if (decompress_detect(p, n)) {
			err = unpack_stream(u, p, n, &used);
		} else {
			pr_err("neither a cpio archive nor a known compression\n");
			err = -EINVAL;
		}
		p += used;
		n -= used;
		if (!used)
			break;
	}
	init_fs->umask = umask;
	kfree(u);
	return err;
}
