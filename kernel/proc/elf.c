/* Builds the address space of an ELF64 program: segments mapped from the page cache, zeroed tails,
 * the program interpreter, heap start, and the first stack with arguments, environment and
 * auxiliary vector.
 *
 * The space under construction belongs to nobody, so every failure just drops it. Headers are judged
 * by lib/elf_check before anything is done with them.
 * Sources: System V ABI (chapter 5), x86-64 supplement (3.4.1: initial stack), getauxval(3), execve(2). */
#include "exec_priv.h"
#include <alloc/slab.h>
#include <alloc/vmalloc.h>
#include <arch/cpu.h>
#include <arch/signal_frame.h>
#include <lib/elf_check.h>
#include <log/random.h>

#define RSEQ_FEATURE_SIZE 20
#define RSEQ_ALIGN	  32
#define AUX_MAX		  24

static char zero_page[PAGE_SIZE] __aligned(PAGE_SIZE);

/* An open ELF file with its checked headers. */
struct elf_file {
	struct file *file;
	struct elf64_ehdr hdr;
	struct elf64_phdr *ph; /* kmalloc'ed */
	struct elf_layout lay;
	u64 bias; /* added to every address of the file */
};

static int read_exact(struct file *f, void *buf, size_t n, u64 pos)
{
	ssize_t r = file_read_kernel(f, buf, n, pos);

	if (r < 0)
		return r;
	return (size_t)r == n ? 0 : -ENOEXEC;
}

static int elf_open(struct elf_file *e, struct file *f, const void *head, size_t head_len,
		    u64 limit)
{
	u64 size = READ_ONCE(f->inode->size);

	e->file = f;
	e->ph = NULL;
	if (head_len < sizeof(e->hdr))
		return -ENOEXEC;
	memcpy(&e->hdr, head, sizeof(e->hdr));
	int err = elf_check_header(&e->hdr, size);
	if (err)
		return err;
	size_t n = (size_t)e->hdr.e_phnum * sizeof(*e->ph);
	e->ph = kmalloc(n, GFP_KERNEL);
	if (!e->ph)
		return -ENOMEM;
	if (e->hdr.e_phoff + n <= head_len) {
		memcpy(e->ph, (const u8 *)head + e->hdr.e_phoff, n);
	} else {
		err = read_exact(f, e->ph, n, e->hdr.e_phoff);
		if (err)
			return err;
	}
	return elf_check_segments(&e->hdr, e->ph, size, limit, &e->lay);
}

static u32 seg_prot(const struct elf64_phdr *p)
{
	return (p->p_flags & ELF_PF_R ? PROT_READ : 0) | (p->p_flags & ELF_PF_W ? PROT_WRITE : 0) |
	       (p->p_flags & ELF_PF_X ? PROT_EXEC : 0);
}

static int map_anon(struct mm *mm, u64 addr, u64 len, u32 prot)
{
	struct vm_map req = {
		.addr = addr,
		.len = len,
		.prot = prot,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		.vm_flags = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC,
	};
	s64 r = vm_mmap(mm, &req);
	return r < 0 ? (int)r : 0;
}

static int map_file(struct mm *mm, struct file *f, u64 addr, u64 len, u32 prot, u64 off)
{
	struct vm_map req = {
		.addr = addr,
		.len = len,
		.prot = prot,
		.flags = MAP_PRIVATE | MAP_FIXED,
		.pgoff = off >> PAGE_SHIFT,
		.vm_flags = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC,
		.mapping = f->inode->mapping,
		.file = f,
	};
	if (!f->ops || !f->ops->mmap)
		return -ENOEXEC;
	int err = f->ops->mmap(f, &req);
	if (err)
		return err;
	s64 r = vm_mmap(mm, &req);
	return r < 0 ? (int)r : 0;
}

static int map_segment(struct mm *mm, const struct elf_file *e, const struct elf64_phdr *p)
{
	u64 addr = p->p_vaddr + e->bias, page = ALIGN_DOWN(addr, PAGE_SIZE);
	u64 file_end = addr + p->p_filesz, mem_end = ALIGN_UP(addr + p->p_memsz, PAGE_SIZE);
	u64 mapped_end = page;
	int err;

	if (!p->p_memsz)
		return 0;
	if (p->p_filesz) {
		mapped_end = ALIGN_UP(file_end, PAGE_SIZE);
		err = map_file(mm, e->file, page, mapped_end - page, seg_prot(p),
			       ALIGN_DOWN(p->p_offset, PAGE_SIZE));
		if (err)
			return err;
		u64 tail = mapped_end - file_end;
		if (p->p_memsz > p->p_filesz && (p->p_flags & ELF_PF_W) && tail &&
		    vm_access(mm, file_end, zero_page, tail, true) != (ssize_t)tail)
			return -ENOMEM;
	}
	return mem_end > mapped_end ? map_anon(mm, mapped_end, mem_end - mapped_end, seg_prot(p))
				    : 0;
}

static int map_segments(struct mm *mm, const struct elf_file *e)
{
	for (unsigned i = 0; i < e->hdr.e_phnum; i++) {
		if (e->ph[i].p_type != ELF_PT_LOAD)
			continue;
		int err = map_segment(mm, e, &e->ph[i]);
		if (err)
			return err;
	}
	return 0;
}

/* Where code, data and heap are, for brk and /proc. */
static void note_areas(struct mm *mm, const struct elf_file *e)
{
	u64 end = 0;

	mm->start_code = mm->start_data = ~0ul;
	for (unsigned i = 0; i < e->hdr.e_phnum; i++) {
		const struct elf64_phdr *p = &e->ph[i];
		u64 a = p->p_vaddr + e->bias;

		if (p->p_type != ELF_PT_LOAD || !p->p_memsz)
			continue;
		if ((p->p_flags & ELF_PF_X) || mm->start_code == ~0ul) {
			mm->start_code = min(mm->start_code, a);
			mm->end_code = max(mm->end_code, a + p->p_filesz);
		}
		mm->start_data = a;
		mm->end_data = a + p->p_filesz;
		end = a + p->p_memsz;
	}
	mm->start_brk = mm->brk = vm_random_brk(mm, ALIGN_UP(end, PAGE_SIZE));
}

/* The dynamic loader goes wherever there is room. */
static int load_interp(struct exec_image *x, const struct elf_file *prog, u64 *base, u64 *entry)
{
	char *path = kzalloc(prog->lay.interp_len + 1, GFP_KERNEL);
	struct elf_file e = {0};
	u8 head[512];
	int err;

	if (!path)
		return -ENOMEM;
	err = read_exact(prog->file, path, prog->lay.interp_len, prog->lay.interp_off);
	if (!err && path[prog->lay.interp_len - 1])
		err = -ENOEXEC;
	struct file *f = err ? ERR_PTR(err) : exec_open(AT_FDCWD, path, 0);
	kfree(path);
	if (IS_ERR(f))
		return PTR_ERR(f);
	ssize_t n = file_read_kernel(f, head, sizeof(head), 0);
	err = n < 0 ? (int)n : elf_open(&e, f, head, n, x->mm->mmap_base);
	if (err) {
		err = err == -ENOEXEC ? -ELIBBAD : err;
		goto out;
	}
	if (e.hdr.e_type == ELF_ET_DYN) {
		struct vm_map req = {
			.len = e.lay.high - e.lay.low,
			.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			.vm_flags = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC,
		};
		s64 at = vm_mmap(x->mm, &req);
		if (at < 0) {
			err = at;
			goto out;
		}
		(void)vm_munmap(x->mm, at, req.len);
		e.bias = at - e.lay.low;
	}
	err = map_segments(x->mm, &e);
	*base = e.bias;
	*entry = e.hdr.e_entry + e.bias;
out:
	kfree(e.ph);
	file_put(f);
	return err;
}

/* ---- the first stack ---- */

struct aux {
	u64 v[AUX_MAX * 2];
	unsigned n;
};

static void aux_add(struct aux *a, u64 type, u64 val)
{
	a->v[a->n++] = type;
	a->v[a->n++] = val;
}

static void fill_aux(struct aux *a, struct exec_image *x, const struct elf_file *e, u64 interp_base,
		     u64 random, u64 platform, u64 execfn)
{
	const struct cred *c = x->cred;

	a->n = 0;
	aux_add(a, ELF_AT_MINSIGSTKSZ, arch_min_sigstack());
	aux_add(a, ELF_AT_HWCAP, cpu_features.hwcap);
	aux_add(a, ELF_AT_PAGESZ, PAGE_SIZE);
	aux_add(a, ELF_AT_CLKTCK, USER_HZ);
	aux_add(a, ELF_AT_PHDR, e->lay.phdr_vaddr ? e->lay.phdr_vaddr + e->bias : 0);
	aux_add(a, ELF_AT_PHENT, sizeof(struct elf64_phdr));
	aux_add(a, ELF_AT_PHNUM, e->hdr.e_phnum);
	aux_add(a, ELF_AT_BASE, interp_base);
	aux_add(a, ELF_AT_FLAGS, 0);
	aux_add(a, ELF_AT_ENTRY, e->hdr.e_entry + e->bias);
	aux_add(a, ELF_AT_UID, c->uid);
	aux_add(a, ELF_AT_EUID, c->euid);
	aux_add(a, ELF_AT_GID, c->gid);
	aux_add(a, ELF_AT_EGID, c->egid);
	aux_add(a, ELF_AT_SECURE, x->secure);
	aux_add(a, ELF_AT_RANDOM, random);
	aux_add(a, ELF_AT_HWCAP2, cpu_features.hwcap2);
	aux_add(a, ELF_AT_EXECFN, execfn);
	aux_add(a, ELF_AT_PLATFORM, platform);
	aux_add(a, ELF_AT_RSEQ_FEATURE_SIZE, RSEQ_FEATURE_SIZE);
	aux_add(a, ELF_AT_RSEQ_ALIGN, RSEQ_ALIGN);
	aux_add(a, ELF_AT_NULL, 0);
}

/* Pointers to the n strings of s, which begins at address at; the list ends with NULL. */
static u64 *put_pointers(u64 *out, const struct arg_strings *s, u64 at)
{
	size_t off = 0;

	for (unsigned i = 0; i < s->n; i++) {
		*out++ = at + off;
		off += strlen(s->buf + off) + 1;
	}
	*out++ = 0;
	return out;
}

/* From the top: 8 zero bytes, file name, environment strings, argument strings, platform name, random
 * bytes; then, 16-byte aligned from its lower end, argc, argv, envp, auxv. */
static int build_stack(struct exec_image *x, const struct elf_file *e, u64 interp_base, u64 top)
{
	static const char platform[] = "x86_64";
	size_t name_len = strlen(x->name) + 1;
	u64 name = top - 8 - name_len, env = name - x->envp.len, arg = env - x->argv.len;
	u64 plat = arg - sizeof(platform), rnd = ALIGN_DOWN(plat - 16, 16);
	struct aux aux;

	fill_aux(&aux, x, e, interp_base, rnd, plat, name);
	size_t words = 1 + x->argv.n + 1 + x->envp.n + 1 + aux.n;
	u64 sp = ALIGN_DOWN(rnd - words * 8, 16);
	size_t size = top - sp;
	char *b = kvmalloc(size, GFP_KERNEL | GFP_ZERO);
	if (!b)
		return -ENOMEM;
	memcpy(b + (name - sp), x->name, name_len);
	if (x->envp.len) /* without any there is no buffer */
		memcpy(b + (env - sp), x->envp.buf, x->envp.len);
	if (x->argv.len)
		memcpy(b + (arg - sp), x->argv.buf, x->argv.len);
	memcpy(b + (plat - sp), platform, sizeof(platform));
	random_bytes(b + (rnd - sp), 16);
	u64 *w = (u64 *)b;
	*w++ = x->argv.n;
	w = put_pointers(w, &x->argv, arg);
	w = put_pointers(w, &x->envp, env);
	memcpy(w, aux.v, aux.n * 8);
	ssize_t r = vm_access(x->mm, sp, b, size, true);
	kvfree(b);
	if (r != (ssize_t)size)
		return r < 0 ? (int)r : -EFAULT;
	x->sp = sp;
	x->mm->start_stack = sp;
	x->mm->arg_start = arg;
	x->mm->arg_end = x->mm->env_start = env;
	x->mm->env_end = name;
	memcpy(x->mm->auxv, aux.v, min(sizeof(x->mm->auxv), aux.n * 8ul));
	return 0;
}

#define ADDR_NO_RANDOMIZE 0x0040000u
#define READ_IMPLIES_EXEC 0x0400000u

int elf_load(struct exec_image *x)
{
	struct elf_file e = {0};
	u64 top, interp_base = 0;
	struct mm *mm = mm_create();
	int err;

	if (!mm)
		return -ENOMEM;
	x->mm = mm;
	mm_set_limits(mm, x->rlim);
	mm->no_aslr = x->personality & ADDR_NO_RANDOMIZE;
	err = elf_open(&e, x->file, x->head, x->head_len, user_limit);
	if (err)
		goto out;
	err = vm_setup_stack(mm, e.lay.has_stack_header && e.lay.exec_stack, &top);
	if (err)
		goto out;
	if (e.hdr.e_type == ELF_ET_DYN)
		e.bias = vm_pie_base(mm) - e.lay.low;
	err = -ENOEXEC;
	if (e.lay.high + e.bias > mm->mmap_base || e.lay.low + e.bias < PAGE_SIZE)
		goto out;
	err = map_segments(mm, &e);
	if (err)
		goto out;
	note_areas(mm, &e);
	x->entry = e.hdr.e_entry + e.bias;
	if (e.lay.interp_len)
		err = load_interp(x, &e, &interp_base, &x->entry);
	if (!err)
		err = build_stack(x, &e, interp_base, top);
out:
	kfree(e.ph);
	return err;
}
