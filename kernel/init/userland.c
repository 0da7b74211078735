/* Finds and starts PID 1, as bootparam(7) says: rdinit= (default /init); if that does not exist, init=
 * and nothing else when given, then /sbin/init, /etc/init, /bin/init, /bin/sh. */
#include <init/bootinfo.h>
#include <init/main.h>
#include <lib/err.h>
#include <log/panic.h>
#include <proc/process.h>

static int try(const char *path, char **argv, char **envp)
{
	argv[0] = (char *)path;
	int err = process_start_init(path, argv, envp);
	if (!err)
		pr_info("Run %s as init process", path);
	else if (err != -ENOENT)
		pr_err("Starting init: %s exists but couldn't execute it (error %d)", path, err);
	return err;
}

int init_process_start(void)
{
	static const char *const fallbacks[] = {"/sbin/init", "/etc/init", "/bin/init", "/bin/sh"};
	const char *rdinit = boot_option("rdinit"), *init = boot_option("init");
	char **argv, **envp;

	boot_init_args(&argv, &envp);
	if (!try(rdinit && *rdinit ? rdinit : "/init", argv, envp))
		return 0;
	if (rdinit && *rdinit)
		pr_err("Failed to execute %s", rdinit);
	if (init && *init) {
		if (!try(init, argv, envp))
			return 0;
		panic("Requested init %s failed.", init);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(fallbacks); i++)
		if (!try(fallbacks[i], argv, envp))
			return 0;
	panic("No working init found.  Try passing init= option to kernel.");
}
