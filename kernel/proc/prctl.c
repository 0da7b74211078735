/* prctl, arch_prctl, personality. Sources: prctl(2), arch_prctl(2), personality(2), capabilities(7). */
#include "proc_priv.h"
#include <syscall/syscalls.h>

#define PR_SET_PDEATHSIG	1
#define PR_GET_PDEATHSIG	2
#define PR_GET_DUMPABLE		3
#define PR_SET_DUMPABLE		4
#define PR_GET_KEEPCAPS		7
#define PR_SET_KEEPCAPS		8
#define PR_GET_TIMING		13
#define PR_SET_TIMING		14
#define PR_SET_NAME		15
#define PR_GET_NAME		16
#define PR_GET_SECCOMP		21
#define PR_CAPBSET_READ		23
#define PR_CAPBSET_DROP		24
#define PR_GET_TSC		25
#define PR_GET_SECUREBITS	27
#define PR_SET_SECUREBITS	28
#define PR_SET_TIMERSLACK	29
#define PR_GET_TIMERSLACK	30
#define PR_SET_CHILD_SUBREAPER	36
#define PR_GET_CHILD_SUBREAPER	37
#define PR_SET_NO_NEW_PRIVS	38
#define PR_GET_NO_NEW_PRIVS	39
#define PR_GET_TID_ADDRESS	40
#define PR_SET_THP_DISABLE	41
#define PR_GET_THP_DISABLE	42
#define PR_CAP_AMBIENT		47
#define PR_CAP_AMBIENT_IS_SET	1
#define PR_CAP_AMBIENT_RAISE	2
#define PR_CAP_AMBIENT_LOWER	3
#define PR_CAP_AMBIENT_CLEAR	4
#define PR_TSC_ENABLE		1
#define SECBIT_KEEP_CAPS	16u
#define SECBIT_NO_AMBIENT_RAISE 64u
#define SECURE_ALL_BITS		0x55u
#define SECURE_ALL_LOCKS	0xaau
#define DEFAULT_TIMER_SLACK	50000ul

static int set_name(const char __user *u)
{
	char name[16] = {0};
	ssize_t n = strncpy_in(name, u, sizeof(name) - 1);

	if (n < 0 && n != -ENAMETOOLONG)
		return n;
	name[15] = 0;
	(void)str_copy(current->comm, name, sizeof(current->comm));
	return 0;
}

static s64 set_secbits(u64 bits)
{
	const struct cred *c = current_cred();
	u64 locked = c->securebits & SECURE_ALL_LOCKS;

	if (bits & ~(u64)(SECURE_ALL_BITS | SECURE_ALL_LOCKS))
		return -EPERM;
	if (((locked >> 1) & (c->securebits ^ bits)) || (locked & ~bits) || !capable(CAP_SETPCAP))
		return -EPERM;
	struct cred *n = cred_prepare();
	if (!n)
		return -ENOMEM;
	n->securebits = bits;
	cred_commit(n);
	return 0;
}

static s64 set_keepcaps(u64 on)
{
	if (on > 1)
		return -EINVAL;
	if (current_cred()->securebits & SECBIT_KEEP_CAPS << 1)
		return -EPERM;
	struct cred *n = cred_prepare();
	if (!n)
		return -ENOMEM;
	n->securebits = on ? n->securebits | SECBIT_KEEP_CAPS : n->securebits & ~SECBIT_KEEP_CAPS;
	cred_commit(n);
	return 0;
}

static s64 drop_bounding(u64 cap)
{
	if (!capable(CAP_SETPCAP))
		return -EPERM;
	if (cap > CAP_LAST)
		return -EINVAL;
	struct cred *n = cred_prepare();
	if (!n)
		return -ENOMEM;
	n->cap_bounding &= ~BIT(cap);
	cred_commit(n);
	return 0;
}

static s64 ambient(u64 op, u64 cap)
{
	const struct cred *c = current_cred();

	if (op == PR_CAP_AMBIENT_CLEAR ? cap : cap > CAP_LAST)
		return -EINVAL;
	if (op == PR_CAP_AMBIENT_IS_SET)
		return c->cap_ambient >> cap & 1;
	if (op < PR_CAP_AMBIENT_RAISE || op > PR_CAP_AMBIENT_CLEAR)
		return -EINVAL;
	if (op == PR_CAP_AMBIENT_RAISE && (!(c->cap_permitted & c->cap_inheritable & BIT(cap)) ||
					   (c->securebits & SECBIT_NO_AMBIENT_RAISE)))
		return -EPERM;
	struct cred *n = cred_prepare();
	if (!n)
		return -ENOMEM;
	if (op == PR_CAP_AMBIENT_RAISE)
		n->cap_ambient |= BIT(cap);
	else if (op == PR_CAP_AMBIENT_LOWER)
		n->cap_ambient &= ~BIT(cap);
	else
		n->cap_ambient = 0;
	cred_commit(n);
	return 0;
}

static s64 no_new_privs(u64 on)
{
	if (on != 1)
		return -EINVAL;
	struct cred *n = cred_prepare();
	if (!n)
		return -ENOMEM;
	n->no_new_privs = true;
	cred_commit(n);
	return 0;
}

s64 sys_prctl(int op, u64 a2, u64 a3, u64 a4, u64 a5)
{
	struct process *p = current->proc;
	const struct cred *c = current_cred();

	switch (op) {
	case PR_SET_PDEATHSIG:
		if (a2 > NSIG)
			return -EINVAL;
		p->pdeath_signal = a2;
		return 0;
	case PR_GET_PDEATHSIG:
		return put_user((int)p->pdeath_signal, (int __user *)u64_to_user(a2));
	case PR_GET_DUMPABLE:
		return p->dumpable;
	case PR_SET_DUMPABLE:
		if (a2 > 1)
			return -EINVAL;
		p->dumpable = a2;
		return 0;
	case PR_GET_KEEPCAPS:
		return !!(c->securebits & SECBIT_KEEP_CAPS);
	case PR_SET_KEEPCAPS:
		return set_keepcaps(a2);
	case PR_GET_TIMING:
		return 0; /* PR_TIMING_STATISTICAL */
	case PR_SET_TIMING:
		return a2 ? -EINVAL : 0;
	case PR_SET_NAME:
		return set_name(u64_to_user(a2));
	case PR_GET_NAME:
		return copy_out(u64_to_user(a2), current->comm, sizeof(current->comm));
	case PR_GET_SECCOMP:
		return 0;
	case PR_CAPBSET_READ:
		return a2 > CAP_LAST ? -EINVAL : (s64)(c->cap_bounding >> a2 & 1);
	case PR_CAPBSET_DROP:
		return drop_bounding(a2);
	case PR_GET_TSC:
		return put_user(PR_TSC_ENABLE, (int __user *)u64_to_user(a2));
	case PR_GET_SECUREBITS:
		return c->securebits;
	case PR_SET_SECUREBITS:
		return set_secbits(a2);
	case PR_SET_TIMERSLACK:
		p->timer_slack_ns = (s64)a2 > 0 ? a2 : DEFAULT_TIMER_SLACK;
		return 0;
	case PR_GET_TIMERSLACK:
		return p->timer_slack_ns;
	case PR_SET_CHILD_SUBREAPER:
		p->child_subreaper = !!a2;
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		return put_user((int)p->child_subreaper, (int __user *)u64_to_user(a2));
	case PR_SET_NO_NEW_PRIVS:
		return a3 || a4 || a5 ? -EINVAL : no_new_privs(a2);
	case PR_GET_NO_NEW_PRIVS:
		return a2 || a3 || a4 || a5 ? -EINVAL : c->no_new_privs;
	case PR_GET_TID_ADDRESS:
		return put_user(user_to_u64(current->clear_tid), (u64 __user *)u64_to_user(a2));
	case PR_CAP_AMBIENT:
		return a4 || a5 ? -EINVAL : ambient(a2, a3);
	}
	return -EINVAL;
}

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004

s64 sys_arch_prctl(int op, u64 addr)
{
	switch (op) {
	case ARCH_SET_FS:
		return addr >= user_limit ? -EPERM : arch_set_fsbase(addr);
	case ARCH_SET_GS:
		return addr >= user_limit ? -EPERM : arch_set_gsbase(addr);
	case ARCH_GET_FS:
		return put_user(arch_get_fsbase(), (u64 __user *)u64_to_user(addr));
	case ARCH_GET_GS:
		return put_user(arch_get_gsbase(), (u64 __user *)u64_to_user(addr));
	}
	return -EINVAL;
}

s64 sys_personality(unsigned p)
{
	u32 old = current->proc->personality;

	if (p != 0xffffffffu)
		current->proc->personality = p;
	return old;
}
