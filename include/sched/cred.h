/* Credentials: immutable once published; changed by copying (credentials(7), capabilities(7)). */
#pragma once
#include <sync/ref.h>
#include <sync/rcu.h>

struct group_list {
	struct ref ref;
	u32 n;
	gid_t gid[]; /* sorted */
};
struct cred {
	struct ref ref;
	uid_t uid, euid, suid, fsuid;
	gid_t gid, egid, sgid, fsgid;
	u64 cap_permitted, cap_effective, cap_inheritable, cap_bounding, cap_ambient;
	u32 securebits;
	bool no_new_privs;
	struct group_list *groups; /* NULL: none */
	struct rcu_head rcu;
};
extern struct cred init_cred;
struct cred *cred_get(const struct cred *c);
void cred_put(const struct cred *c);
/* A private copy of current's to change, then cred_commit (consumes it) or cred_put. */
struct cred *cred_prepare(void);
void cred_commit(struct cred *c);
bool cred_in_group(const struct cred *c, gid_t g);
bool capable(unsigned cap); /* current has it in its effective set */
bool cred_capable(const struct cred *c, unsigned cap);
#define current_cred()	     (current->cred)
#define CAP_CHOWN	     0
#define CAP_DAC_OVERRIDE     1
#define CAP_DAC_READ_SEARCH  2
#define CAP_FOWNER	     3
#define CAP_FSETID	     4
#define CAP_KILL	     5
#define CAP_SETGID	     6
#define CAP_SETUID	     7
#define CAP_SETPCAP	     8
#define CAP_LINUX_IMMUTABLE  9
#define CAP_NET_BIND_SERVICE 10
#define CAP_NET_ADMIN	     12
#define CAP_NET_RAW	     13
#define CAP_IPC_LOCK	     14
#define CAP_IPC_OWNER	     15
#define CAP_SYS_MODULE	     16
#define CAP_SYS_RAWIO	     17
#define CAP_SYS_CHROOT	     18
#define CAP_SYS_PTRACE	     19
#define CAP_SYS_PACCT	     20
#define CAP_SYS_ADMIN	     21
#define CAP_SYS_BOOT	     22
#define CAP_SYS_NICE	     23
#define CAP_SYS_RESOURCE     24
#define CAP_SYS_TIME	     25
#define CAP_SYS_TTY_CONFIG   26
#define CAP_MKNOD	     27
#define CAP_SETFCAP	     31
#define CAP_SYSLOG	     34
#define CAP_LAST	     40
#define CAP_FULL_SET	     ((1ul << (CAP_LAST + 1)) - 1)
