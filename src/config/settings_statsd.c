/* config/settings_statsd.c -- statsd.conf: whom numbers are told. */
#include "config/settings_internal.h"
#include <errno.h>

#define S struct statsd_conf
static const struct option statsd_rows[] = {
	OPT_BOOL(S, enabled, "no", 0, "Tell a StatsD server numbers."),
	OPT_STR(S, server, "127.0.0.1", 0, "It: address or name, with :port unless that is 8125."),
	OPT_STR(S, prefix, NULL, 0, "In front of each name, with a dot behind it."),
	OPT_BOOL(S, add_newline, "no", 0, "End each datagram with a newline."),
	OPT_BOOL(S, meter_support, "yes", 0, "The server knows meters; no: they go as counters named NAME_meter."),
};
static const struct option_set statsd_set = {
	.type = "general", .file = "statsd.conf", .rows = statsd_rows, .n = ARRAY_LEN(statsd_rows), .size = sizeof(S),
	.help = "The client of StatsD.",
};

const struct option_set *statsd_conf_options(void)
{
	return &statsd_set;
}

static void statsd_conf_free(void *p)
{
	arena_free(((struct statsd_conf *)p)->arena);
}

int statsd_conf_load(struct statsd_conf **cp, const struct config_prm *prm, struct report *r)
{
	struct statsd_conf *c = obj_new(sizeof(*c), statsd_conf_free);
	struct settings_work w = { 0 };
	int err;

	if (!c)
		return ENOMEM;
	err = settings_open(&w, &c->arena, prm, r, "statsd.conf");
	if (!err)
		err = settings_apply(&w, &statsd_set, c, STR("general"));
	settings_end(&w);
	if (err)
		obj_drop(c);
	else
		*cp = c;
	return err;
}
#undef S
