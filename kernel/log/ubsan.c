/* Undefined behaviour: what the compiler's instrumentation (-fsanitize=undefined, BUILD=debug) calls when an
 * operation has none of the meanings that C gives it. Each report names the kind, the values and the place.
 *
 * The compiler passes a descriptor of the place (static data) and the operands: as they are when they fit
 * into a register, else by address. A place is reported once: its column is then overwritten, as the
 * descriptors are there for. A report that arises within one is dropped.
 * Context: any, early boot included. Nothing here is instrumented itself.
 * Source: the layout of the descriptors is fixed by the compilers: GCC's gcc/ubsan.cc, LLVM's compiler-rt
 * documentation and the IR that both emit. */
#include <log/panic.h>
#include <log/report.h>
#include <arch/current.h>
#include <sync/preempt.h>

struct location {
	const char *file;
	u32 line, column; /* column UINT32_MAX: reported already */
};
struct type {
	u16 kind; /* 0: integer, 1: floating point */
	u16 info; /* integer: bit 0 signed, above log2 of the width in bits */
	char name[];
};
struct data_type { /* overflow, invalid value, VLA bound */
	struct location loc;
	const struct type *type;
};
struct data_shift {
	struct location loc;
	const struct type *left, *right;
};
struct data_bounds {
	struct location loc;
	const struct type *array, *index;
};
struct data_mismatch {
	struct location loc;
	const struct type *type;
	u8 log_align, check;
};
struct data_nonnull_arg {
	struct location loc, attr;
	int arg;
};
struct data_place {
	struct location loc;
};
struct data_builtin {
	struct location loc;
	u8 kind;
};
struct data_alignment {
	struct location loc, assumption;
	const struct type *type;
};

static char text[1024]; /* [busy] */
static size_t text_len; /* [busy] */
static u32 busy;	/* [a] somebody reports */

#define say(...) report_add(text, sizeof(text), &text_len, __VA_ARGS__)

/* May this place be reported now? Then the first line is said. */
static bool begin(struct location *loc)
{
	u32 column = READ_ONCE(loc->column);

	if (panicking || column == UINT32_MAX || __atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE))
		return false;
	if (!report_capturing())
		WRITE_ONCE(loc->column, UINT32_MAX);
	text_len = 0;
	say("  %s:%u:%u: ", loc->file, loc->line, column);
	return true;
}

static void end(const char *title)
{
	say("\n");
	report_submit(title, text);
	__atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
}

static unsigned width(const struct type *t)
{
	return 1u << (t->info >> 1);
}

static void say_value(const struct type *t, u64 v)
{
	if (t->kind != 0) {
		say("a value of type %s", t->name);
		return;
	}
	if (width(t) > 64) {
		const u64 *wide = (const u64 *)v;
		say("%#lx%016lx (%s)", wide[1], wide[0], t->name);
		return;
	}
	unsigned shift = 64 - width(t);
	if (t->info & 1)
		say("%ld (%s)", (long)((s64)(v << shift) >> shift), t->name);
	else
		say("%lu (%s)", (unsigned long)(v << shift >> shift), t->name);
}

static bool negative(const struct type *t, u64 v)
{
	return (t->info & 1) && width(t) <= 64 && (v >> (width(t) - 1) & 1);
}

static void overflow(struct data_type *d, u64 a, u64 b, const char *op)
{
	if (!begin(&d->loc))
		return;
	say_value(d->type, a);
	say(" %s ", op);
	say_value(d->type, b);
	say(" cannot be represented in %s", d->type->name);
	end("ubsan: signed integer overflow");
}

/* The handlers' names and arguments are the compilers'. */
void __ubsan_handle_add_overflow(struct data_type *d, u64 a, u64 b);
void __ubsan_handle_add_overflow(struct data_type *d, u64 a, u64 b)
{
	overflow(d, a, b, "+");
}

void __ubsan_handle_sub_overflow(struct data_type *d, u64 a, u64 b);
void __ubsan_handle_sub_overflow(struct data_type *d, u64 a, u64 b)
{
	overflow(d, a, b, "-");
}

void __ubsan_handle_mul_overflow(struct data_type *d, u64 a, u64 b);
void __ubsan_handle_mul_overflow(struct data_type *d, u64 a, u64 b)
{
	overflow(d, a, b, "*");
}

void __ubsan_handle_negate_overflow(struct data_type *d, u64 a);
void __ubsan_handle_negate_overflow(struct data_type *d, u64 a)
{
	if (!begin(&d->loc))
		return;
	say("the negative of ");
	say_value(d->type, a);
	say(" cannot be represented in its type");
	end("ubsan: signed integer overflow");
}

void __ubsan_handle_divrem_overflow(struct data_type *d, u64 a, u64 b);
void __ubsan_handle_divrem_overflow(struct data_type *d, u64 a, u64 b)
{
	if (!begin(&d->loc))
		return;
	say("division of ");
	say_value(d->type, a);
	say(" by ");
	say_value(d->type, b);
	end(b ? "ubsan: signed integer overflow" : "ubsan: division by zero");
}

void __ubsan_handle_shift_out_of_bounds(struct data_shift *d, u64 a, u64 b);
void __ubsan_handle_shift_out_of_bounds(struct data_shift *d, u64 a, u64 b)
{
	if (!begin(&d->loc))
		return;
	say("shift of ");
	say_value(d->left, a);
	say(" by ");
	say_value(d->right, b);
	if (negative(d->right, b))
		say(", which is negative");
	else if (width(d->right) <= 64 && b >= width(d->left))
		say(", but it has %u bits", width(d->left));
	else if (negative(d->left, a))
		say(", of a negative value");
	else
		say(" leaves the type");
	end("ubsan: shift out of bounds");
}

void __ubsan_handle_out_of_bounds(struct data_bounds *d, u64 index);
void __ubsan_handle_out_of_bounds(struct data_bounds *d, u64 index)
{
	if (!begin(&d->loc))
		return;
	say("index ");
	say_value(d->index, index);
	say(" is outside of %s", d->array->name);
	end("ubsan: array index out of bounds");
}

void __ubsan_handle_type_mismatch_v1(struct data_mismatch *d, u64 p);
void __ubsan_handle_type_mismatch_v1(struct data_mismatch *d, u64 p)
{
	static const char *const what[] = {"load of",	      "store to",
					   "reference to",    "member access within",
					   "member call on",  "constructor call on",
					   "downcast of",     "downcast of",
					   "upcast of",	      "cast to virtual base of",
					   "null binding to", "operation on"};
	u64 align = 1ul << d->log_align;

	if (!begin(&d->loc))
		return;
	say("%s %s at %#lx", d->check < ARRAY_SIZE(what) ? what[d->check] : "access to",
	    d->type->name, (unsigned long)p);
	if (!p)
		end("ubsan: null pointer");
	else if (p & (align - 1)) {
		say(", which is not aligned to %lu", (unsigned long)align);
		end("ubsan: misaligned access");
	} else {
		say(", which has no room for it");
		end("ubsan: object size");
	}
}

void __ubsan_handle_pointer_overflow(struct data_place *d, u64 base, u64 result);
void __ubsan_handle_pointer_overflow(struct data_place *d, u64 base, u64 result)
{
	if (!begin(&d->loc))
		return;
	say("%#lx became %#lx", (unsigned long)base, (unsigned long)result);
	end("ubsan: pointer overflow");
}

void __ubsan_handle_load_invalid_value(struct data_type *d, u64 v);
void __ubsan_handle_load_invalid_value(struct data_type *d, u64 v)
{
	if (!begin(&d->loc))
		return;
	say("%#lx is no value of %s", (unsigned long)v, d->type->name);
	end("ubsan: invalid value");
}

void __ubsan_handle_vla_bound_not_positive(struct data_type *d, u64 bound);
void __ubsan_handle_vla_bound_not_positive(struct data_type *d, u64 bound)
{
	if (!begin(&d->loc))
		return;
	say("size ");
	say_value(d->type, bound);
	end("ubsan: variable-length array size");
}

void __ubsan_handle_nonnull_arg(struct data_nonnull_arg *d);
void __ubsan_handle_nonnull_arg(struct data_nonnull_arg *d)
{
	if (!begin(&d->loc))
		return;
	say("argument %d is declared not to be NULL", d->arg);
	end("ubsan: null argument");
}

void __ubsan_handle_nonnull_return_v1(void *d, struct location *loc);
void __ubsan_handle_nonnull_return_v1(void *d, struct location *loc)
{
	if (!begin(loc))
		return;
	say("the function is declared not to return NULL");
	end("ubsan: null returned");
}

void __ubsan_handle_invalid_builtin(struct data_builtin *d);
void __ubsan_handle_invalid_builtin(struct data_builtin *d)
{
	if (!begin(&d->loc))
		return;
	say("zero passed to %s", d->kind ? "__builtin_clz" : "__builtin_ctz");
	end("ubsan: invalid argument of a builtin");
}

void __ubsan_handle_alignment_assumption(struct data_alignment *d, u64 p, u64 align, u64 offset);
void __ubsan_handle_alignment_assumption(struct data_alignment *d, u64 p, u64 align, u64 offset)
{
	if (!begin(&d->loc))
		return;
	say("%#lx (offset %#lx) is assumed to be aligned to %lu", (unsigned long)p,
	    (unsigned long)offset, (unsigned long)align);
	end("ubsan: misaligned assumption");
}

/* Nothing is behind these: the code has no way to go on. */
void __ubsan_handle_builtin_unreachable(struct data_place *d) __noreturn;
void __ubsan_handle_builtin_unreachable(struct data_place *d)
{
	panic("ubsan: unreachable code reached at %s:%u:%u", d->loc.file, d->loc.line,
	      d->loc.column);
}

void __ubsan_handle_missing_return(struct data_place *d) __noreturn;
void __ubsan_handle_missing_return(struct data_place *d)
{
	panic("ubsan: a function ended without its value at %s:%u:%u", d->loc.file, d->loc.line,
	      d->loc.column);
}
