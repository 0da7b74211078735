/* What uname(2) says: one instance, the whole system's. */
#pragma once
#include <lib/types.h>

#define UTS_LEN 65
struct new_utsname {
	char sysname[UTS_LEN], nodename[UTS_LEN], release[UTS_LEN], version[UTS_LEN],
		machine[UTS_LEN], domainname[UTS_LEN];
};
_Static_assert(sizeof(struct new_utsname) == 390, "ABI");
/* A consistent copy. */
void uts_get(struct new_utsname *out);
/* field: UTS_NODENAME or UTS_DOMAINNAME. Checks no permission. -EINVAL: too long. */
enum { UTS_NODENAME, UTS_DOMAINNAME };
int uts_set(int field, const char *name, size_t n);
