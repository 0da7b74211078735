/* Address spaces: struct mm and its VMAs. mmap(2) and friends, faults, fork's copy, exec's building.
 * The system calls munmap ... mlockall are in mm/vm; mmap itself (fd to mapping) is in fs/.
 * Lock order: mm->lock > invalidate_lock > page lock > mapping->i_mmap_lock > page-table lock > mapping->lock >
 * lru lock. Spinlocks from the page-table lock on. */
#pragma once
#include <lib/rbtree.h>
#include <mm/pagecache.h>
#include <sched/lock.h>
#include <uapi/mman.h>

struct anon_root;
struct file;
struct regs;
struct seq;
struct vma;

/* VMA flags (mm/vm); the PROT bits first so that they can be compared with the request. */
#define VM_READ	      0x0001u
#define VM_WRITE      0x0002u
#define VM_EXEC	      0x0004u
#define VM_SHARED     0x0008u
#define VM_MAYREAD    0x0010u
#define VM_MAYWRITE   0x0020u
#define VM_MAYEXEC    0x0040u
#define VM_GROWSDOWN  0x0100u
#define VM_PFNMAP     0x0400u /* device memory: no struct page */
#define VM_LOCKED     0x2000u
#define VM_DONTCOPY   0x20000u
#define VM_DONTEXPAND 0x40000u
#define VM_NORESERVE  0x200000u
#define VM_WIPEONFORK 0x2000000u
#define VM_DONTDUMP   0x4000000u
#define VM_HUGEPAGE   0x20000000u
#define VM_NOHUGEPAGE 0x40000000u
#define VM_ACCOUNT    0x100000u
#define VM_SEQ_READ   0x8000u
#define VM_RAND_READ  0x10000u

/* What a mapping's owner (a file system, a device) may provide. Called with mm->lock held. */
struct vma_ops {
	void (*open)(struct vma *v); /* a copy was made (split, fork) */
	void (*close)(struct vma *v);
	/* Page for pgoff: referenced, in *out, or 0 with *out NULL after having inserted a pfn. SIGBUS:
	 * -EFAULT; -ENOMEM. NULL: page cache of v->mapping. */
	int (*fault)(struct vma *v, unsigned long pgoff, unsigned flags, struct page **out);
	const char *(*name)(struct vma *v); /* for /proc/PID/maps when there is no file */
};
struct vma {
	struct rb_node node; /* [mm->lock] by start, augmented with the largest gap */
	u64 start, end;	     /* [mm->lock] */
	u64 max_gap, gap;    /* [mm->lock] free bytes below it; largest of the subtree */
	u32 flags;	     /* [mm->lock] VM_* */
	u64 page_prot;	     /* PTE flags for these VM flags */
	struct mm *mm;
	u64 pgoff;		 /* page offset in mapping, or start >> PAGE_SHIFT for anonymous */
	struct mapping *mapping; /* file or shared anonymous; NULL: private anonymous */
	struct file *file;	 /* counted through file ops below; NULL: none */
	const struct vma_ops *ops;
	void *private;
	struct rb_node i_mmap_node; /* [mapping->i_mmap_lock] */
	u64 i_mmap_last;	    /* [mapping->i_mmap_lock] last page offset in the subtree */
	struct anon_root *
		anon; /* [mm->lock, mm->pt_lock] reverse map of its private pages; NULL: none yet */
	struct list anon_node; /* [anon->lock] */
};
struct mm {
	rwsem_t lock;
	struct rb_root vmas; /* [lock] */
	struct vma *cache;   /* last hit */
	u32 nr_vmas;
	pte_t *root;	  /* [I] */
	struct ref users; /* threads: the last drops the mappings */
	struct ref count; /* users hold one together; lazy CPUs and /proc others: the last frees */
	spinlock_t pt_lock; /* page tables of this space */
	u64 mmap_base, task_size;
	u64 start_code, end_code, start_data, end_data, start_brk, brk, start_stack;
	u64 arg_start, arg_end, env_start, env_end;
	atomic64_t rss[3]; /* RSS_FILE, RSS_ANON, RSS_SHMEM pages */
	u64 total_vm, locked_vm, data_vm, stack_vm, exec_vm; /* [lock] pages */
	atomic64_t pt_pages;
	u64 hiwater_rss, hiwater_vm;
	u64 rlim_as, rlim_data, rlim_stack,
		rlim_memlock; /* bytes; copied in by kernel/proc on setrlimit/exec */
	u64 auxv[48];	      /* saved for /proc/PID/auxv */
	struct file *exe;     /* counted; /proc/PID/exe */
	u32 dumpable;
	s16 oom_score_adj;
	u32 membarrier;		      /* [a] membarrier(2) registrations */
	unsigned long *cpumask;	      /* [a] CPUs that have it loaded */
	unsigned long cpumask_inline; /* what cpumask points to with at most 64 CPUs */
	u32 def_flags;		      /* [lock] VM_LOCKED after mlockall(MCL_FUTURE) */
	bool no_aslr;	    /* [I] set by exec before vm_setup_stack (ADDR_NO_RANDOMIZE) */
	u64 id;		    /* [I] no other space ever has it */
	atomic64_t tlb_gen; /* [a] counts the flushes (mm/vm/tlb.c) */
};
enum { RSS_FILE, RSS_ANON, RSS_SHMEM };

/* How mm/vm counts and names struct file, which lives above it. */
struct vm_file_ops {
	void (*get)(struct file *f);
	void (*put)(struct file *f);
};
void vm_set_file_ops(const struct vm_file_ops *o);

struct mm *mm_create(void) __must_check; /* empty, users 1; NULL: no memory */
void mm_get(struct mm *mm);		 /* another user */
void mm_put(struct mm *mm);		 /* drops users; may sleep */
bool mm_tryget(struct mm *mm);
void mm_grab(struct mm *mm); /* count only */
void mm_drop(struct mm *mm);
/* Copy of current's for fork: copy-on-write. ERR_PTR. May sleep. */
struct mm *mm_fork(struct mm *parent) __must_check;
/* Make mm current's (exec) and load it; the old one is returned for mm_put. */
struct mm *mm_install(struct mm *mm);

/* A request to map, filled by the caller and changed by a file's mmap operation. */
struct vm_map {
	u64 addr, len;	 /* bytes; len page-aligned up */
	u32 prot, flags; /* PROT_*, MAP_* */
	u64 pgoff;
	u32 vm_flags; /* VM_MAY* limits come in from the file layer; the file's mmap may add */
	struct mapping *mapping;
	struct file *file;
	const struct vma_ops *ops;
	void *private;
};
/* The address, or -errno as s64. Takes mm->lock. */
s64 vm_mmap(struct mm *mm, struct vm_map *req);
int vm_munmap(struct mm *mm, u64 addr, u64 len);
/* Map device memory into a fresh VMA (from a file's mmap operation's vma_ops->open or fault). */
int vm_insert_pfn(struct vma *v, u64 addr, pfn_t pfn, u64 cache);
/* A shared-anonymous mapping object (MAP_SHARED|MAP_ANONYMOUS, from fs/tmpfs). */
extern struct mapping *(*shmem_mapping_hook)(u64 size,
					     struct file **file); /* ERR_PTR; *file counted */
/* exec: stack VMA at the top, its highest address in *top. */
int vm_setup_stack(struct mm *mm, bool executable, u64 *top);
/* Copy to another mm's memory, faulting pages in (exec arguments, ptrace, /proc/PID/mem). Bytes or -errno. */
ssize_t vm_access(struct mm *mm, u64 addr, void *buf, size_t n, bool write);
struct vma *vma_find(struct mm *mm, u64 addr); /* first VMA with end > addr; mm->lock held */
struct vma *vma_next(struct vma *v);
/* The mm part of trap_ops.page_fault (include/arch/trap.h), with its contract. */
int vm_fault(struct regs *r, u64 addr, unsigned flags, int *si_code);
/* Where exec puts things. vm_layout: called by vm_setup_stack, or alone, once rlim_stack is set.
 * vm_pie_base: load address of a position-independent program; vm_random_brk: start of the heap for a
 * program whose data ends at end. */
void vm_layout(struct mm *mm);
u64 vm_pie_base(struct mm *mm);
u64 vm_random_brk(struct mm *mm, u64 end);
/* Fault in [addr, addr + len) as far as it goes (MAP_POPULATE, MAP_LOCKED). No lock held. */
int vm_populate(struct mm *mm, u64 addr, u64 len);
/* Pages of [v->start, v->end) present in the page tables, by kind, for smaps. mm->lock held. */
struct vma_stats {
	u64 rss, pss, shared_clean, shared_dirty, private_clean, private_dirty, referenced,
		anon; /* bytes */
};
void vma_stats(struct vma *v, struct vma_stats *s);
void vm_init(void);
