/* Signal numbers, siginfo and stack structures of the x86-64 ABI (signal(7), sigaction(2)). */
#pragma once
#include <lib/types.h>

#define NSIG	  64
#define SIGHUP	  1
#define SIGINT	  2
#define SIGQUIT	  3
#define SIGILL	  4
#define SIGTRAP	  5
#define SIGABRT	  6
#define SIGBUS	  7
#define SIGFPE	  8
#define SIGKILL	  9
#define SIGUSR1	  10
#define SIGSEGV	  11
#define SIGUSR2	  12
#define SIGPIPE	  13
#define SIGALRM	  14
#define SIGTERM	  15
#define SIGSTKFLT 16
#define SIGCHLD	  17
#define SIGCONT	  18
#define SIGSTOP	  19
#define SIGTSTP	  20
#define SIGTTIN	  21
#define SIGTTOU	  22
#define SIGURG	  23
#define SIGXCPU	  24
#define SIGXFSZ	  25
#define SIGVTALRM 26
#define SIGPROF	  27
#define SIGWINCH  28
#define SIGIO	  29
#define SIGPWR	  30
#define SIGSYS	  31
#define SIGRTMIN  32
#define SIGRTMAX  64

#define SA_NOCLDSTOP 0x00000001ul
#define SA_NOCLDWAIT 0x00000002ul
#define SA_SIGINFO   0x00000004ul
#define SA_RESTORER  0x04000000ul
#define SA_ONSTACK   0x08000000ul
#define SA_RESTART   0x10000000ul
#define SA_NODEFER   0x40000000ul
#define SA_RESETHAND 0x80000000ul
#define SIG_DFL	     0
#define SIG_IGN	     1
#define SIG_BLOCK    0
#define SIG_UNBLOCK  1
#define SIG_SETMASK  2

#define SI_USER	      0
#define SI_KERNEL     0x80
#define SI_QUEUE      (-1)
#define SI_TIMER      (-2)
#define SI_MESGQ      (-3)
#define SI_ASYNCIO    (-4)
#define SI_SIGIO      (-5)
#define SI_TKILL      (-6)
#define ILL_ILLOPN    2
#define FPE_INTDIV    1
#define FPE_INTOVF    2
#define FPE_FLTDIV    3
#define FPE_FLTOVF    4
#define FPE_FLTUND    5
#define FPE_FLTRES    6
#define FPE_FLTINV    7
#define SEGV_MAPERR   1
#define SEGV_ACCERR   2
#define BUS_ADRALN    1
#define BUS_ADRERR    2
#define BUS_OBJERR    3
#define TRAP_BRKPT    1
#define TRAP_TRACE    2
#define TRAP_HWBKPT   4
#define CLD_EXITED    1
#define CLD_KILLED    2
#define CLD_DUMPED    3
#define CLD_TRAPPED   4
#define CLD_STOPPED   5
#define CLD_CONTINUED 6

#define SS_ONSTACK    1
#define SS_DISABLE    2
#define SS_AUTODISARM (1u << 31)
#define MINSIGSTKSZ   2048

typedef struct {
	unsigned long sig[1];
} sigset_t;

/* struct sigaction as the kernel takes it (rt_sigaction(2)). */
struct ksigaction {
	void __user *handler;
	unsigned long flags;
	void __user *restorer;
	sigset_t mask;
};
_Static_assert(sizeof(struct ksigaction) == 32, "sigaction ABI");

typedef struct {
	void __user *ss_sp;
	int ss_flags;
	size_t ss_size;
} stack_t;

typedef union {
	int sival_int;
	u64 sival_ptr;
} sigval_t;

typedef struct siginfo {
	int si_signo, si_errno, si_code, __pad0;
	union {
		struct {
			pid_t pid;
			uid_t uid;
			sigval_t value;
		} kill; /* SI_USER, SI_TKILL, SI_QUEUE */
		struct {
			int timerid, overrun;
			sigval_t value;
			int sys_private;
		} timer;
		struct {
			pid_t pid;
			uid_t uid;
			int status;
			s64 utime, stime;
		} chld;
		struct {
			u64 addr;
			s16 addr_lsb;
			u64 lower, upper;
		} fault;
		struct {
			s64 band;
			int fd;
		} poll;
		struct {
			u64 call_addr;
			int syscall;
			u32 arch;
		} sys;
		u8 pad[112];
	};
} siginfo_t;
_Static_assert(sizeof(siginfo_t) == 128, "siginfo ABI");
