/* Pipes, for those who handle files in general. */
#pragma once
#include <fs/vfs.h>

/* F_SETPIPE_SZ and F_GETPIPE_SZ: bytes, or -EBADF when f is no pipe. */
s64 pipe_fcntl(struct file *f, unsigned cmd, unsigned long arg);
/* Both ends of a new pipe; flags O_NONBLOCK, O_DIRECT. */
int pipe_create(struct file *ends[2], int flags);
void pipe_init(void);
