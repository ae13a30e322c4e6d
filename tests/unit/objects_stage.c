/* Reads a configuration that must be right, and looks at the options of its objects. */
#include "objects_stage.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

const struct str no_acl = STR_INIT("");
const struct str office = STR_INIT("[office]\ndeny=10.9.0.0/16\n");

void show_faults(const struct report *r)
{
	report_print(r, stderr);
}

struct snapshot *parse_clean(struct str text, struct str acl)
{
	struct report *r = GOT(report_new());
	struct snapshot *s = NULL;
	int err = snapshot_parse(&s, text, acl, NULL, r);

	if (err || report_count(r))
		show_faults(r);
	assert_int_equal(err, 0);
	assert_int_equal(report_count(r), 0);
	report_free(r);
	return s;
}

void assert_shows(const struct object *o, const char *name, const char *want)
{
	const struct option_set *set = object_options((enum object_type)o->type);
	struct buf b = BUF_INIT;

	option_each(row, set)
		if (!strcmp(row->name, name))
			option_write(&b, row, o, false);
	if (strcmp(buf_z(&b), want))
		fail_msg("%s: shows %s, not %s", name, buf_z(&b), want);
	buf_free(&b);
}
