/* Set, MSet and their kin: variables and functions written from the dialplan. */
#define LOG_MODULE "pbx"
#include "base/buf.h"
#include "base/log.h"
#include "pbx/app/app.h"
#include "pbx/channel.h"
#include <stdlib.h>

static int run_set(struct channel *ch, struct str data)
{
	size_t eq = str_chr(data, '=');
	struct str name = str_trim(str_sub(data, 0, eq));

	if (eq == data.n || !name.n) {
		log_warning("Set needs NAME=value, not '%.*s'", STR_ARG(data));
		return 0;
	}
	(void)pbx_setvar(ch->pbx, ch, name, str_skip(data, eq + 1));
	return 0;
}

static int run_mset(struct channel *ch, struct str data)
{
	struct args a;

	if (args_split(&a, data, ',', ARGS_MAX))
		return 0;
	for (size_t i = 0; i < a.n; i++) {
		size_t eq = str_chr(a.v[i], '=');
		struct str name = str_trim(str_sub(a.v[i], 0, eq));

		if (eq < a.v[i].n && name.n)
			(void)pbx_setvar(ch->pbx, ch, name, str_skip(a.v[i], eq + 1));
		else
			log_warning("MSet: ignoring '%.*s', which is no NAME=value", STR_ARG(a.v[i]));
	}
	args_free(&a);
	return 0;
}

/* ImportVar(here=CHANNEL,there) */
static int run_import_var(struct channel *ch, struct str data)
{
	struct str name = str_trim(str_cut_raw(&data, '=')), from = str_trim(str_cut_raw(&data, ','));
	struct channel *other = channel_by_name(ch->pbx, from);
	struct buf value = BUF_INIT;

	if (!name.n || !data.n) {
		log_warning("ImportVar needs here=channel,there");
		return 0;
	}
	if (other)
		(void)pbx_getvar(ch->pbx, other, str_trim(data), &value);
	(void)buf_z(&value);
	(void)pbx_setvar(ch->pbx, ch, name, value.n ? buf_view(&value) : STR(""));
	buf_free(&value);
	return 0;
}

const struct app app_set = { .name = "Set", .synopsis = "Set a variable or a function", .run = run_set };
const struct app app_mset = { .name = "MSet", .synopsis = "Set several variables", .run = run_mset };
const struct app app_import_var = { .name = "ImportVar", .synopsis = "Take a variable from another channel",
	.run = run_import_var };
