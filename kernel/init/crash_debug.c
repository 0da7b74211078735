/* crash=KIND for what only debug builds catch (CONFIG_DEBUG): each breaks one rule, and the check of that
 * rule must panic. Nothing here is reached unless it is asked for.
 *
 * Context: the init thread. */
#include <alloc/slab.h>
#include <init/main.h>
#include <lib/string.h>
#include <sched/lock.h>

#ifdef CONFIG_DEBUG
static DEFINE_SPINLOCK(crash_lock);
static DEFINE_RWSEM(crash_sem);

static void sleep_in_atomic(void)
{
	DEFINE_MUTEX(m);

	preempt_disable();
	mutex_lock(&m);
	mutex_unlock(&m);
}

static void lock_twice(void) __no_lock_check
{
	spin_lock(&crash_lock);
	spin_lock(&crash_lock);
}

static void unlock_unheld(void) __no_lock_check
{
	spin_unlock(&crash_lock);
}

static void up_unheld(void) __no_lock_check
{
	up_write(&crash_sem);
}

static void write_behind(void)
{
	volatile char *p = kmalloc(64, GFP_KERNEL);

	if (!p)
		return;
	p[64] = 1;
	kfree((void *)p);
}

static void free_twice(void)
{
	void *volatile p = kmalloc(64, GFP_KERNEL);

	kfree(p);
	kfree(p);
}

static void write_freed(void)
{
	volatile char *p = kmalloc(64, GFP_KERNEL);

	if (!p)
		return;
	kfree((void *)p);
	p[40] = 1;
	for (unsigned i = 0; i < 1000; i++) /* until it comes out again */
		(void)!kmalloc(64, GFP_KERNEL);
}

static const struct {
	const char *kind;
	void (*run)(void);
} crashes[] = {
	{"sleep", sleep_in_atomic}, {"relock", lock_twice},   {"unlock", unlock_unheld},
	{"up", up_unheld},	    {"behind", write_behind}, {"freetwice", free_twice},
	{"freed", write_freed},
};

bool crash_debug(const char *kind)
{
	for (unsigned i = 0; i < ARRAY_SIZE(crashes); i++) {
		if (!strcmp(kind, crashes[i].kind)) {
			crashes[i].run();
			return true;
		}
	}
	return false;
}
#else
bool crash_debug(const char *kind)
{
	return false;
}
#endif
