/* Addresses, networks and access lists from any bytes. What parses must print
 * and parse again to the same. */
#include "base/obj.h"
#include "net/acl.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size ? size : 1);   /* exact size: ASan sees one byte too many */
	struct str s = str_mk(copy, size);
	struct sa a, b;
	char text[SA_TEXT];
	struct acl *acl;

	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	if (!sa_parse(&a, s) && (sa_parse(&b, str_z(sa_text(&a, text))) || !sa_eq(&a, &b)))
		abort();
	acl = acl_new(STR("fuzz"));
	if (acl && !acl_add(acl, false, s)) {
		sa_parse(&a, STR("10.1.2.3"));
		sa_parse(&b, STR("2001:db8::1"));
		acl_permits(acl, &a);
		acl_permits(acl, &b);
	}
	obj_drop(acl);
	free(copy);
	return 0;
}
