/* ELF headers, sound and hostile. Pure. */
#include <init/ktest.h>
#include <lib/elf_check.h>
#include <lib/err.h>
#include <lib/string.h>

#define LIMIT 0x7ffffffff000ul

struct sample {
	struct elf64_ehdr h;
	struct elf64_phdr p[4];
};

/* A static program: text, data with bss, stack header. */
static void make(struct sample *s)
{
	static const u8 ident[16] = {0x7f, 'E', 'L', 'F', 2, 1, 1};

	memset(s, 0, sizeof(*s));
	memcpy(s->h.e_ident, ident, sizeof(ident));
	s->h.e_type = ELF_ET_EXEC;
	s->h.e_machine = ELF_EM_X86_64;
	s->h.e_version = 1;
	s->h.e_entry = 0x401000;
	s->h.e_phoff = 64;
	s->h.e_phentsize = sizeof(struct elf64_phdr);
	s->h.e_phnum = 3;
	s->p[0] = (struct elf64_phdr){
		ELF_PT_LOAD, ELF_PF_R | ELF_PF_X, 0, 0x400000, 0, 0x3000, 0x3000, 4096};
	s->p[1] = (struct elf64_phdr){
		ELF_PT_LOAD, ELF_PF_R | ELF_PF_W, 0x3100, 0x404100, 0, 0x200, 0x9000, 4096};
	s->p[2] = (struct elf64_phdr){ELF_PT_GNU_STACK, ELF_PF_R | ELF_PF_W, 0, 0, 0, 0, 0, 16};
}

static int both(const struct sample *s, u64 size, struct elf_layout *l)
{
	int err = elf_check_header(&s->h, size);

	return err ? err : elf_check_segments(&s->h, s->p, size, LIMIT, l);
}

KTEST(elf_check, accepts_a_sound_program)
{
	struct elf_layout l;
	struct sample s;

	make(&s);
	CHECK_EQ(both(&s, 0x4000, &l), 0);
	CHECK_EQ(l.low, 0x400000);
	CHECK_EQ(l.high, 0x40e000);
	CHECK_EQ(l.nr_load, 2);
	CHECK_EQ(l.phdr_vaddr, 0x400040);
	CHECK(l.has_stack_header && !l.exec_stack);
	CHECK_EQ(l.interp_len, 0);
}

KTEST(elf_check, refuses_bad_file_headers)
{
	struct elf_layout l;
	struct sample s;

#define BAD(change)                                       \
	do {                                              \
		make(&s);                                 \
		change;                                   \
		CHECK_EQ(both(&s, 0x4000, &l), -ENOEXEC); \
	} while (0)
	BAD(s.h.e_ident[0] = 0);
	BAD(s.h.e_ident[4] = 1);
	BAD(s.h.e_ident[5] = 2);
	BAD(s.h.e_type = 1);
	BAD(s.h.e_machine = 3);
	BAD(s.h.e_version = 0);
	BAD(s.h.e_phentsize = 32);
	BAD(s.h.e_phnum = 0);
	BAD(s.h.e_phnum = 0xffff);
	BAD(s.h.e_phoff = 0x4000);
	BAD(s.h.e_phoff = ~0ul);
	BAD(s.h.e_phoff = ~0ul - 7);
	BAD(s.h.e_phoff = 65);
	BAD(s.h.e_entry = 0);
	BAD(s.h.e_entry = ~0ul);
	make(&s);
	CHECK_EQ(elf_check_header(&s.h, 10), -ENOEXEC);
}

KTEST(elf_check, refuses_bad_segments)
{
	struct elf_layout l;
	struct sample s;

	BAD(s.p[0].p_filesz = 0x3001); /* more in the file than in memory */
	BAD(s.p[1].p_offset = 0x4000); /* truncated */
	BAD(s.p[1].p_offset = ~0ul - 0xeff);
	BAD(s.p[1].p_filesz = ~0ul; s.p[1].p_memsz = ~0ul);
	BAD(s.p[1].p_memsz = ~0ul - 0x100000);
	BAD(s.p[1].p_vaddr = LIMIT);
	BAD(s.p[1].p_vaddr = LIMIT - 0x900);
	BAD(s.p[1].p_vaddr = 0xffff800000000100ul);
	BAD(s.p[1].p_vaddr = 0x404200); /* not congruent */
	BAD(s.p[1].p_vaddr = 0x402100); /* overlaps the first */
	BAD(s.p[1].p_align = 3000);
	BAD(s.p[0].p_type = s.p[1].p_type = 0); /* nothing to load */
	BAD(s.p[2].p_type = ELF_PT_INTERP; s.p[2].p_filesz = 1);
	BAD(s.p[2].p_type = ELF_PT_INTERP; s.p[2].p_filesz = 100; s.p[2].p_offset = 0x3fff);
	BAD(s.p[2].p_type = ELF_PT_INTERP; s.p[2].p_filesz = 1ul << 40);
}

KTEST(elf_check, survives_noise)
{
	struct elf_layout l;
	struct sample s;
	u64 x = 88172645463325252ul;

	for (unsigned i = 0; i < 20000; i++) {
		make(&s);
		for (unsigned k = 0; k < 3; k++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			((u8 *)&s)[x % sizeof(s)] = (u8)(x >> 32);
		}
		s.h.e_phnum = min_t(u16, s.h.e_phnum, ARRAY_SIZE(s.p)); /* the table is no longer */
		if (both(&s, 0x4000, &l))
			continue;
		CHECK(l.low <= l.high && l.high <= LIMIT && l.nr_load);
		CHECK(!l.interp_len || l.interp_off + l.interp_len <= 0x4000);
	}
}
