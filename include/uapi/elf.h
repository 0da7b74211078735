/* ELF64 as execve(2) reads it (System V ABI, chapters 4 and 5; x86-64 supplement), and the auxiliary
 * vector (getauxval(3)). */
#pragma once
#include <lib/types.h>

struct elf64_ehdr {
	u8 e_ident[16];
	u16 e_type, e_machine;
	u32 e_version;
	u64 e_entry, e_phoff, e_shoff;
	u32 e_flags;
	u16 e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx;
};
struct elf64_phdr {
	u32 p_type, p_flags;
	u64 p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align;
};
_Static_assert(sizeof(struct elf64_ehdr) == 64 && sizeof(struct elf64_phdr) == 56, "ELF64");

#define ELF_CLASS64   2
#define ELF_DATA2LSB  1
#define ELF_ET_EXEC   2
#define ELF_ET_DYN    3
#define ELF_EM_X86_64 62

#define ELF_PT_LOAD	 1
#define ELF_PT_DYNAMIC	 2
#define ELF_PT_INTERP	 3
#define ELF_PT_PHDR	 6
#define ELF_PT_TLS	 7
#define ELF_PT_GNU_STACK 0x6474e551
#define ELF_PF_X	 1u
#define ELF_PF_W	 2u
#define ELF_PF_R	 4u

#define ELF_AT_NULL		 0
#define ELF_AT_PHDR		 3
#define ELF_AT_PHENT		 4
#define ELF_AT_PHNUM		 5
#define ELF_AT_PAGESZ		 6
#define ELF_AT_BASE		 7
#define ELF_AT_FLAGS		 8
#define ELF_AT_ENTRY		 9
#define ELF_AT_UID		 11
#define ELF_AT_EUID		 12
#define ELF_AT_GID		 13
#define ELF_AT_EGID		 14
#define ELF_AT_PLATFORM		 15
#define ELF_AT_HWCAP		 16
#define ELF_AT_CLKTCK		 17
#define ELF_AT_SECURE		 23
#define ELF_AT_RANDOM		 25
#define ELF_AT_HWCAP2		 26
#define ELF_AT_RSEQ_FEATURE_SIZE 27
#define ELF_AT_RSEQ_ALIGN	 28
#define ELF_AT_EXECFN		 31
#define ELF_AT_SYSINFO_EHDR	 33
#define ELF_AT_MINSIGSTKSZ	 51
