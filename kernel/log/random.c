/* The random number generator behind getrandom(2) and /dev/urandom.
 *
 * Entropy goes into a BLAKE2s pool. When 256 bits have come together (and then every five minutes) the pool's hash
 * becomes the base key; each CPU draws its own ChaCha20 key from it and generates without locks. Every use of a key
 * first replaces the key itself by half a block of its output (fast key erasure), so that what is in memory later
 * does not reveal what was given out before.
 *
 * Sources: RDSEED/RDRAND (credited unless random.trust_cpu=off), differences of time between equal pieces of work,
 * the times of interrupts, the real-time clock, what the boot loader told. A deterministic machine without a
 * hardware generator collects its bits by interrupts, see random_stir().
 *
 * Locks: pool_lock (interrupts off): pool, base key. Per-CPU keys: [o], interrupts off. Order: none inside.
 * Sources: RFC 8439, RFC 7693; D. J. Bernstein, "Fast-key-erasure random-number generators" (2017). */
#define LOG_PREFIX "random: "
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/irqflags.h>
#include <init/bootinfo.h>
#include <lib/blake2s.h>
#include <lib/chacha20.h>
#include <lib/string.h>
#include <log/printk.h>
#include <log/random.h>
#include <sync/spinlock.h>

#define READY_BITS	   256
#define RESEED_INTERVAL_NS 300000000000ul
#define JITTER_SAMPLES	   64

struct generator {
	u8 key[CHACHA20_KEY]; /* [o] interrupts off */
	u64 generation;	      /* [o] of the base key it was drawn from */
};
static DEFINE_PER_CPU(struct generator, generators);

static DEFINE_SPINLOCK(pool_lock);
static struct blake2s pool;	  /* [pool_lock] */
static unsigned pool_bits;	  /* [pool_lock] since boot, up to READY_BITS */
static bool pool_started;	  /* [pool_lock] */
static u8 base_key[CHACHA20_KEY]; /* [pool_lock] */
static u64 base_generation;	  /* [pool_lock] read without; 0: no key yet */
static u64 base_time;		  /* [pool_lock] read without */
static bool ready;		  /* [a] */

static void wipe(void *p, size_t n)
{
	memset(p, 0, n);
	__asm__ volatile("" ::"r"(p) : "memory");
}

/* Half a block becomes the new key, the other half is the caller's: n <= 32 bytes. */
static void erase_and_draw(u8 key[CHACHA20_KEY], void *out, size_t n)
{
	u32 state[16];
	u8 block[CHACHA20_BLOCK];

	chacha20_init(state, key);
	chacha20_block(state, block);
	memcpy(key, block, CHACHA20_KEY);
	memcpy(out, block + CHACHA20_KEY, n);
	wipe(block, sizeof(block));
	wipe(state, sizeof(state));
}

/* The pool's hash keys two derivations: the pool's next key and the base key. */
static void reseed_locked(void)
{
	struct {
		u64 hardware[4], tsc, which;
	} extra;
	u8 seed[BLAKE2S_HASH], next[BLAKE2S_HASH];

	for (unsigned i = 0; i < ARRAY_SIZE(extra.hardware); i++)
		if (!arch_random_u64(&extra.hardware[i]))
			extra.hardware[i] = rdtsc();
	extra.tsc = rdtsc();
	extra.which = 0;
	blake2s_final(&pool, seed);
	blake2s(next, sizeof(next), seed, sizeof(seed), &extra, sizeof(extra));
	extra.which = 1;
	blake2s_init(&pool, BLAKE2S_HASH, next, sizeof(next));
	blake2s(base_key, sizeof(base_key), seed, sizeof(seed), &extra, sizeof(extra));
	WRITE_ONCE(base_time, arch_clock_ns());
	__atomic_store_n(&base_generation, base_generation + 1, __ATOMIC_RELEASE);
	wipe(seed, sizeof(seed));
	wipe(next, sizeof(next));
	wipe(&extra, sizeof(extra));
}

/* Credit; crossing the threshold gives every generator a new key. */
static void credit_locked(unsigned bits)
{
	if (pool_bits >= READY_BITS)
		return;
	pool_bits = min_t(unsigned, pool_bits + bits, READY_BITS);
	if (pool_bits == READY_BITS) {
		reseed_locked();
		__atomic_store_n(&ready, true, __ATOMIC_RELEASE);
	}
}

/* Time differences of equal work: how many of them were not predicted by the one before. */
static unsigned jitter_locked(unsigned samples)
{
	u64 last = rdtsc(), last_delta = 0, last_second = 0;
	unsigned good = 0;

	for (unsigned i = 0; i < samples; i++) {
		u8 junk[8];
		memcpy(junk, &last, 8);
		blake2s_update(&pool, junk, sizeof(junk));
		u64 now = rdtsc(), delta = now - last, second = delta - last_delta;
		if (delta && second && second != last_second)
			good++;
		last = now;
		last_delta = delta;
		last_second = second;
	}
	blake2s_update(&pool, &last, sizeof(last));
	return good;
}

static bool trust_cpu(void)
{
	const char *v = boot_option("random.trust_cpu");
	return !v || (strcmp(v, "off") && strcmp(v, "0") && strcmp(v, "n"));
}

/* First use: everything at hand. */
static void start_locked(void)
{
	u64 hardware[4];
	unsigned words = 0;

	pool_started = true;
	blake2s_init(&pool, BLAKE2S_HASH, NULL, 0);
	u64 rtc = arch_rtc_read();
	blake2s_update(&pool, &rtc, sizeof(rtc));
	blake2s_update(&pool, &bootinfo, sizeof(bootinfo));
	if (bootinfo.cmdline)
		blake2s_update(&pool, bootinfo.cmdline, strlen(bootinfo.cmdline));
	blake2s_update(&pool, &cpu_features, sizeof(cpu_features));
	for (; words < ARRAY_SIZE(hardware) && arch_random_u64(&hardware[words]); words++)
		;
	blake2s_update(&pool, hardware, words * sizeof(hardware[0]));
	bool hardware_seed = words == ARRAY_SIZE(hardware) && trust_cpu();
	wipe(hardware, sizeof(hardware));
	/* Without trusted hardware try harder; a quarter of a bit for each surprise. */
	unsigned good = jitter_locked(hardware_seed ? 8 : JITTER_SAMPLES);
	if (hardware_seed)
		credit_locked(READY_BITS);
	else
		credit_locked(good / 4);
	if (!base_generation)
		reseed_locked();
}

static unsigned long pool_acquire(void) __acquires(pool_lock)
{
	unsigned long f;

	spin_lock_irqsave(&pool_lock, f);
	if (unlikely(!pool_started))
		start_locked();
	return f;
}

/* This CPU's generator, fit for use. Interrupts off. */
static struct generator *generator_get(void)
{
	struct generator *g = this_cpu_ptr(&generators);

	if (likely(g->generation &&
		   g->generation == __atomic_load_n(&base_generation, __ATOMIC_ACQUIRE) &&
		   arch_clock_ns() - READ_ONCE(base_time) < RESEED_INTERVAL_NS))
		return g;
	unsigned long f = pool_acquire();
	if (arch_clock_ns() - base_time >= RESEED_INTERVAL_NS) {
		jitter_locked(8);
		reseed_locked();
	}
	erase_and_draw(base_key, g->key, sizeof(g->key));
	g->generation = base_generation;
	spin_unlock_irqrestore(&pool_lock, f);
	return g;
}

void random_begin(u32 state[16])
{
	u8 key[CHACHA20_KEY];
	unsigned long f = irq_save();

	erase_and_draw(generator_get()->key, key, sizeof(key));
	irq_restore(f);
	chacha20_init(state, key);
	wipe(key, sizeof(key));
}

void random_end(u32 state[16])
{
	wipe(state, 16 * sizeof(u32));
}

void random_bytes(void *buf, size_t n)
{
	if (n <= CHACHA20_BLOCK - CHACHA20_KEY) {
		unsigned long f = irq_save();
		erase_and_draw(generator_get()->key, buf, n);
		irq_restore(f);
		return;
	}
	u32 state[16];
	u8 *p = buf;
	random_begin(state);
	for (; n >= CHACHA20_BLOCK; p += CHACHA20_BLOCK, n -= CHACHA20_BLOCK)
		chacha20_block(state, p);
	if (n) {
		u8 block[CHACHA20_BLOCK];
		chacha20_block(state, block);
		memcpy(p, block, n);
		wipe(block, sizeof(block));
	}
	random_end(state);
}

u64 random_below(u64 limit)
{
	/* The high half of a 128-bit product is uniform once the few low values are rejected (Lemire 2019). */
	u64 floor = -limit % limit;
	unsigned __int128 m;

	do
		m = (unsigned __int128)random_u64() * limit;
	while ((u64)m < floor);
	return m >> 64;
}

bool random_ready(void)
{
	return __atomic_load_n(&ready, __ATOMIC_ACQUIRE);
}

unsigned random_entropy_bits(void)
{
	unsigned long f = pool_acquire();
	unsigned bits = pool_bits;
	spin_unlock_irqrestore(&pool_lock, f);
	return bits;
}

void random_add(const void *data, size_t n, unsigned bits)
{
	unsigned long f = pool_acquire();
	u64 tsc = rdtsc();

	blake2s_update(&pool, &tsc, sizeof(tsc));
	blake2s_update(&pool, data, n);
	credit_locked(bits);
	spin_unlock_irqrestore(&pool_lock, f);
}

/* Between two calls the caller waits for a timer or does other work: the moment of this call is worth a bit, as is a
 * quarter of each unpredicted time difference. */
bool random_stir(void)
{
	if (random_ready())
		return true;
	u64 noise[4], tsc;
	unsigned events = arch_irq_noise(noise);
	unsigned long f = pool_acquire();
	tsc = rdtsc();
	blake2s_update(&pool, noise, sizeof(noise));
	blake2s_update(&pool, &tsc, sizeof(tsc));
	credit_locked(jitter_locked(JITTER_SAMPLES) / 4 + (events ? 1 : 0));
	spin_unlock_irqrestore(&pool_lock, f);
	return random_ready();
}

void random_reseed(void)
{
	unsigned long f = pool_acquire();
	u64 noise[4];

	(void)arch_irq_noise(noise);
	blake2s_update(&pool, noise, sizeof(noise));
	jitter_locked(8);
	reseed_locked();
	spin_unlock_irqrestore(&pool_lock, f);
}
