/* The kernel command line (bootparam(7)): "name" and "name=value" words separated by blanks, double
 * quotes protect blanks, dashes and underscores in names are the same. Words that no BOOT_PARAM takes
 * go to PID 1: bare words as arguments, name=value into its environment, all after "--" as arguments.
 * The parsed copy lives for ever; bootinfo.cmdline itself stays as given (for /proc/cmdline). */
#include <alloc/page.h>
#include <alloc/slab.h>
#include <init/bootinfo.h>
#include <init/main.h>
#include <lib/string.h>
#include <log/panic.h>

static char **words; /* [I] NULL-terminated, after boot_params_parse */
static unsigned nr_words, first_init_word;

static bool same_name(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char x = a[i] == '-' ? '_' : a[i], y = b[i] == '-' ? '_' : b[i];
		if (x != y || !y)
			return false;
	}
	return b[n] == 0;
}

/* Split in place; quotes are removed. */
static unsigned split(char *s, char **out)
{
	unsigned n = 0;

	while (*s) {
		while (*s == ' ' || *s == '\t' || *s == '\n')
			s++;
		if (!*s)
			break;
		char *d = s;
		bool quoted = false;
		if (out)
			out[n] = s;
		n++;
		for (; *s && (quoted || (*s != ' ' && *s != '\t' && *s != '\n')); s++) {
			if (*s == '"')
				quoted = !quoted;
			else if (out)
				*d++ = *s;
		}
		bool more = *s;
		if (out)
			*d = 0;
		s += more;
	}
	return n;
}

static size_t name_len(const char *w)
{
	const char *eq = strchr(w, '=');
	return eq ? (size_t)(eq - w) : strlen(w);
}

const char *boot_option(const char *name)
{
	for (unsigned i = first_init_word; i-- > 0;) {
		size_t n = name_len(words[i]);
		if (same_name(words[i], name, n))
			return words[i][n] ? words[i] + n + 1 : "";
	}
	return NULL;
}

/* Options read through boot_option() instead of a handler, and Linux's that have no meaning here. */
static bool known_plain(const char *w, size_t n)
{
	static const char *const names[] = {
		"console",   "root",	    "rootfstype",  "rootflags",	  "rootwait",
		"rootdelay", "ro",	    "rw",	   "init",	  "rdinit",
		"ktest",     "crash",	    "BOOT_IMAGE",  "initrd",	  "no5lvl",
		"nokaslr",   "kaslr",	    "mitigations", "nosmp",	  "maxcpus",
		"mem",	     "earlyprintk", "earlycon",	   "vga",	  "kbd",
		"noapic",    "acpi",	    "nomodeset",   "video",	  "pti",
		"nopti",     "tsc",	    "clocksource", "printk.time", "random.trust_cpu",
		"reboot",    "nokpti",	    "spectre_v2",  "splash",	  "apparmor",
		"selinux",
	};
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (same_name(w, names[i], n))
			return true;
	return false;
}

static bool is_param(const char *w, size_t n)
{
	for (const struct boot_param *p = __bootparams_start; p < __bootparams_end; p++)
		if (same_name(w, p->name, n))
			return true;
	return false;
}

static void call_handlers(char *w)
{
	size_t n = name_len(w);

	for (const struct boot_param *p = __bootparams_start; p < __bootparams_end; p++)
		if (same_name(w, p->name, n))
			p->fn(w[n] ? w + n + 1 : NULL);
	if (!known_plain(w, n) && !is_param(w, n))
		pr_notice(
			"Unknown kernel command line parameter \"%s\", will be passed to user space",
			w);
}

void boot_params_parse(void)
{
	const char *line = bootinfo.cmdline ? bootinfo.cmdline : "";
	size_t len = strlen(line) + 1;
	char *copy = early_alloc(len, 1);

	memcpy(copy, line, len);
	nr_words = split(copy, NULL);
	words = early_alloc((nr_words + 1) * sizeof(*words), sizeof(*words));
	split(copy, words);
	for (first_init_word = 0; first_init_word < nr_words; first_init_word++)
		if (!strcmp(words[first_init_word], "--"))
			break;
	for (unsigned i = 0; i < first_init_word; i++)
		call_handlers(words[i]);
}

void boot_init_args(char ***argv, char ***envp)
{
	static char *default_env[] = {"HOME=/", "TERM=linux"};
	unsigned na = 1, ne = ARRAY_SIZE(default_env);
	/* Called once, late: sized by the command line. */
	char **a = kcalloc(nr_words + 2, sizeof(*a), GFP_KERNEL);
	char **e = kcalloc(nr_words + ne + 1, sizeof(*e), GFP_KERNEL);

	if (!a || !e)
		panic("no memory for the arguments of init");
	memcpy(e, default_env, sizeof(default_env));
	for (unsigned i = 0; i < nr_words; i++) {
		size_t n = name_len(words[i]);
		if (i == first_init_word)
			continue;
		if (i > first_init_word) {
			a[na++] = words[i];
		} else if (!strchr(words[i], '.') && !known_plain(words[i], n) &&
			   !is_param(words[i], n)) {
			if (words[i][n])
				e[ne++] = words[i];
			else
				a[na++] = words[i];
		}
	}
	*argv = a;
	*envp = e;
}
