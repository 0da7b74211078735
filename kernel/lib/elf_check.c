/* Checks of ELF64 headers before anything is mapped. Pure: no state, any context.
 *
 * After both functions agreed, a loader may use every field of the file header and of the PT_LOAD,
 * PT_INTERP and PT_GNU_STACK headers without further arithmetic checks: ranges lie within the file,
 * sums do not overflow, segments ascend without sharing a page's bytes twice and stay below the limit.
 * Source: System V ABI, chapters 4 and 5. */
#include <lib/elf_check.h>
#include <lib/err.h>
#include <lib/string.h>

int elf_check_header(const struct elf64_ehdr *h, u64 file_size)
{
	static const u8 magic[4] = {0x7f, 'E', 'L', 'F'};

	if (file_size < sizeof(*h) || memcmp(h->e_ident, magic, 4))
		return -ENOEXEC;
	if (h->e_ident[4] != ELF_CLASS64 || h->e_ident[5] != ELF_DATA2LSB || h->e_ident[6] != 1)
		return -ENOEXEC;
	if (h->e_machine != ELF_EM_X86_64 || (h->e_type != ELF_ET_EXEC && h->e_type != ELF_ET_DYN))
		return -ENOEXEC;
	if (h->e_version != 1 || h->e_phentsize != sizeof(struct elf64_phdr))
		return -ENOEXEC;
	if (!h->e_phnum || h->e_phnum > ELF_MAX_PHDRS)
		return -ENOEXEC;
	u64 bytes = (u64)h->e_phnum * sizeof(struct elf64_phdr);
	if (h->e_phoff > file_size || bytes > file_size - h->e_phoff || h->e_phoff % 8)
		return -ENOEXEC;
	return 0;
}

/* One PT_LOAD header; *end is where the previous segment ended. */
static int check_load(const struct elf64_phdr *p, u64 file_size, u64 limit, u64 *end,
		      struct elf_layout *out)
{
	if (p->p_filesz > p->p_memsz || !p->p_memsz)
		return p->p_memsz ? -ENOEXEC : 0;
	if (p->p_offset > file_size || p->p_filesz > file_size - p->p_offset)
		return -ENOEXEC;
	if (p->p_vaddr > limit || p->p_memsz > limit - p->p_vaddr)
		return -ENOEXEC;
	if ((p->p_vaddr - p->p_offset) % PAGE_SIZE)
		return -ENOEXEC;
	if (p->p_align > 1 && (p->p_align & (p->p_align - 1)))
		return -ENOEXEC;
	if (out->nr_load && p->p_vaddr < *end)
		return -ENOEXEC;
	if (!out->nr_load)
		out->low = ALIGN_DOWN(p->p_vaddr, PAGE_SIZE);
	*end = p->p_vaddr + p->p_memsz;
	if (*end > limit - PAGE_SIZE)
		return -ENOEXEC;
	out->high = ALIGN_UP(*end, PAGE_SIZE);
	out->nr_load++;
	return 0;
}

int elf_check_segments(const struct elf64_ehdr *h, const struct elf64_phdr *ph, u64 file_size,
		       u64 limit, struct elf_layout *out)
{
	u64 end = 0, table = (u64)h->e_phnum * sizeof(*ph);

	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < h->e_phnum; i++) {
		const struct elf64_phdr *p = &ph[i];

		if (p->p_type == ELF_PT_LOAD) {
			if (check_load(p, file_size, limit, &end, out))
				return -ENOEXEC;
			if (p->p_offset <= h->e_phoff && h->e_phoff - p->p_offset <= p->p_filesz &&
			    table <= p->p_filesz - (h->e_phoff - p->p_offset))
				out->phdr_vaddr = p->p_vaddr + (h->e_phoff - p->p_offset);
		} else if (p->p_type == ELF_PT_INTERP && !out->interp_len) {
			if (p->p_filesz < 2 || p->p_filesz > 4096 || p->p_offset > file_size ||
			    p->p_filesz > file_size - p->p_offset)
				return -ENOEXEC;
			out->interp_off = p->p_offset;
			out->interp_len = p->p_filesz;
		} else if (p->p_type == ELF_PT_GNU_STACK) {
			out->has_stack_header = true;
			out->exec_stack = p->p_flags & ELF_PF_X;
		}
	}
	if (!out->nr_load)
		return -ENOEXEC;
	if (h->e_type == ELF_ET_EXEC && (h->e_entry < out->low || h->e_entry >= out->high))
		return -ENOEXEC;
	if (h->e_type == ELF_ET_DYN && h->e_entry >= out->high)
		return -ENOEXEC;
	return 0;
}
