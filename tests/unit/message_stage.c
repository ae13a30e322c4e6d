/* Parses messages and compares views into them. */
#include "message_stage.h"
#include "base/obj.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include "data.h"

void check_str(struct str got, struct str want, const char *what, const char *file, int line)
{
	if (str_eq(got, want))
		return;
	print_error("%s is '%.*s', not '%.*s'\n", what, STR_ARG(got), STR_ARG(want));
	_fail(file, line);
}

struct sip_msg *parse_msg(const char *text)
{
	char *copy = exact_copy(str_z(text));
	struct sip_msg *m = NULL;

	assert_int_equal(sip_msg_parse(&m, str_mk(copy, strlen(text)), true), 0);
	free(copy);
	return m;
}

void nothing_was_leaked(void **state)
{
	(void)state;
	assert_int_equal(obj_live(), 0);
}
