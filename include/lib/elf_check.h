/* Is this an ELF64 program that can be mapped? Pure checks of headers from an untrusted file. */
#pragma once
#include <lib/types.h>
#include <uapi/elf.h>

/* What the program headers ask for. */
struct elf_layout {
	u64 low, high;	/* page-aligned span of all PT_LOAD segments */
	u64 interp_off; /* PT_INTERP, length with its NUL; 0: none */
	u32 interp_len;
	unsigned nr_load;
	u64 phdr_vaddr;	       /* where the program headers are mapped; 0: nowhere */
	bool has_stack_header; /* PT_GNU_STACK present, and whether it asks for execution */
	bool exec_stack;
};
#define ELF_MAX_PHDRS (65536u / sizeof(struct elf64_phdr))

/* The file header: 0 or -ENOEXEC. */
int elf_check_header(const struct elf64_ehdr *h, u64 file_size);
/* The program headers. limit: highest address a fixed program (or the span of a relocatable one) may
 * reach. 0 or -ENOEXEC; *out is filled. */
int elf_check_segments(const struct elf64_ehdr *h, const struct elf64_phdr *ph, u64 file_size,
		       u64 limit, struct elf_layout *out);
