/* Between exec.c (policy: scripts, credentials, the switch-over) and elf.c (building the image). */
#pragma once
#include "proc_priv.h"

/* Strings one behind the other, each with its NUL. */
struct arg_strings {
	char *buf;
	size_t len, cap;
	unsigned n;
};

struct exec_image {
	struct file *file; /* counted: what will run (a script's interpreter) */
	char *name;	   /* AT_EXECFN: as the caller named it */
	char *script;	   /* the interpreter's name when name is a script; kmalloc'ed */
	u8 head[257];	   /* the file's first bytes, and a NUL */
	size_t head_len;
	struct arg_strings argv, envp;
	size_t arg_limit;  /* bytes for strings and pointers together */
	struct cred *cred; /* what the program runs with */
	bool secure;	   /* AT_SECURE: it gained privileges */
	u32 personality;
	struct rlimit rlim[RLIM_NLIMITS];
	/* built by elf_load */
	struct mm *mm;
	u64 entry, sp;
};

int args_add(struct exec_image *x, struct arg_strings *a, const char *s, size_t len);
/* A regular file that current may execute, its writers kept out. ERR_PTR. flags: AT_EMPTY_PATH,
 * AT_SYMLINK_NOFOLLOW. */
struct file *exec_open(int dirfd, const char *name, unsigned flags);
/* Build x->mm from the ELF file x->file: 0, -ENOEXEC, other errors. Leaves current alone. */
int elf_load(struct exec_image *x);
