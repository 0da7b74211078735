/* Compiler attributes and the few macros that every file may use. */
#pragma once

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define __must_check   __attribute__((warn_unused_result))
#define __packed       __attribute__((packed))
#define __aligned(n)   __attribute__((aligned(n)))
#define __section(s)   __attribute__((section(s)))
#define __used	       __attribute__((used))
#define __maybe_unused __attribute__((unused))
#define __weak	       __attribute__((weak))
#define __noreturn     __attribute__((noreturn))
#define __noinline     __attribute__((noinline))
#undef __always_inline /* the host's C library has its own */
#define __always_inline inline __attribute__((always_inline))
#define __cold		__attribute__((cold))
#define __printf(f, a)	__attribute__((format(printf, f, a)))
#define __pure_fn	__attribute__((pure))
#define __fallthrough	__attribute__((fallthrough))
#define unreachable()	__builtin_unreachable()

/* Code and data that are freed after boot; see include/init/sections.h. */
#define __init	   __section(".init.text") __cold
#define __initdata __section(".init.data")
/* Written only before init memory is sealed, read-only afterwards. */
#define __ro_after_init __section(".data.ro_after_init")

/* User-space pointer: checked by `make check` through clang's address spaces. */
#if defined(__clang__) && defined(CHECK_ADDRESS_SPACES)
#define __user __attribute__((noderef, address_space(1)))
#define __force
#else
#define __user
#define __force
#endif

/* Clang thread-safety attributes (make check); empty where the compiler lacks them. */
#if defined(__clang__) && defined(CHECK_THREAD_SAFETY)
#define __tsa(x) __attribute__((x))
#else
#define __tsa(x)
#endif
#define __lock_type(name)	   __tsa(capability(name))
#define __acquires(...)		   __tsa(acquire_capability(__VA_ARGS__))
#define __acquires_shared(...)	   __tsa(acquire_shared_capability(__VA_ARGS__))
#define __releases(...)		   __tsa(release_capability(__VA_ARGS__))
#define __releases_shared(...)	   __tsa(release_shared_capability(__VA_ARGS__))
#define __try_acquires(...)	   __tsa(try_acquire_capability(__VA_ARGS__))
#define __try_acquires_shared(...) __tsa(try_acquire_shared_capability(__VA_ARGS__))
#define __requires_lock(...)	   __tsa(requires_capability(__VA_ARGS__))
#define __requires_shared(...)	   __tsa(requires_shared_capability(__VA_ARGS__))
#define __guarded_by(...)	   __tsa(guarded_by(__VA_ARGS__))
#define __no_lock_check		   __tsa(no_thread_safety_analysis)

#define barrier() __asm__ volatile("" ::: "memory")

#define READ_ONCE(x)	 (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

#define container_of(ptr, type, member)                                                       \
	({                                                                                    \
		const __typeof__(((type *)sizeof(type))->member) *__mptr = (ptr); /* typed */ \
		(type *)((char *)__mptr - __builtin_offsetof(type, member));                  \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define min(a, b)                                      \
	({                                             \
		__typeof__(a) __min_a = (a);           \
		__typeof__(b) __min_b = (b);           \
		(void)(&__min_a == &__min_b);          \
		__min_a < __min_b ? __min_a : __min_b; \
	})
#define max(a, b)                                      \
	({                                             \
		__typeof__(a) __max_a = (a);           \
		__typeof__(b) __max_b = (b);           \
		(void)(&__max_a == &__max_b);          \
		__max_a > __max_b ? __max_a : __max_b; \
	})
#define min_t(t, a, b)	      min((t)(a), (t)(b))
#define max_t(t, a, b)	      max((t)(a), (t)(b))
#define clamp_t(t, v, lo, hi) min_t(t, max_t(t, v, lo), hi)

#define __ALIGN_MASK(x, m) (((x) + (m)) & ~(m))
#define ALIGN_UP(x, a)	   __ALIGN_MASK(x, (__typeof__(x))(a)-1)
#define ALIGN_DOWN(x, a)   ((x) & ~((__typeof__(x))(a)-1))
#define IS_ALIGNED(x, a)   (((x) & ((__typeof__(x))(a)-1)) == 0)
#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))
#define BIT(n)		   (1ul << (n))

#define __CONCAT2(a, b) a##b
#define CONCAT(a, b)	__CONCAT2(a, b)
#define __STR2(x)	#x
#define STRINGIFY(x)	__STR2(x)
