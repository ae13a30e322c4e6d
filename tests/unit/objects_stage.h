/* tests/unit/objects_stage.h -- what the tests of pjsip.conf's objects share. */
#ifndef TESTS_OBJECTS_STAGE_H
#define TESTS_OBJECTS_STAGE_H

#include "service/object/object.h"
#include "service/object/settings.h"

#define EP "[a]\ntype=endpoint\n"
#define AUTH "[a]\ntype=auth\nusername=a\npassword=b\n"
#define OAUTH "[a]\ntype=auth\nusername=a\nauth_type=google_oauth\nrefresh_token=r\noauth_clientid=c\noauth_secret=s\n"

extern const struct str no_acl;         /* an acl.conf without a list */
extern const struct str office;         /* ... and one with the list "office" */

void show_faults(const struct report *r);
struct snapshot *parse_clean(struct str text, struct str acl);       /* fails the test at the first fault */
/* The option `name` of `o` is written as `want`. */
void assert_shows(const struct object *o, const char *name, const char *want);

#endif
