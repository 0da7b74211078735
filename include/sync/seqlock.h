/* Sequence counters: readers retry instead of locking. Writers serialise by their own lock and keep
 * preemption off. */
#pragma once
#include <arch/atomic.h>

typedef struct {
	u32 seq;
} seqcount_t;

static inline u32 seq_read_begin(const seqcount_t *s)
{
	u32 v;
	while ((v = smp_load_acquire(&s->seq)) & 1)
		cpu_relax();
	return v;
}
static inline bool seq_read_retry(const seqcount_t *s, u32 v)
{
	smp_rmb();
	return READ_ONCE(s->seq) != v;
}
static inline void seq_write_begin(seqcount_t *s)
{
	WRITE_ONCE(s->seq, s->seq + 1);
	smp_wmb();
}
static inline void seq_write_end(seqcount_t *s)
{
	smp_store_release(&s->seq, s->seq + 1);
}
