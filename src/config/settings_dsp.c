/* config/settings_dsp.c -- dsp.conf: when sound is silence, and what makes a digit in it. */
#include "config/settings_internal.h"
#include <errno.h>

#define D struct dsp_conf
static const struct option dsp_rows[] = {
	OPT_UINT(D, silencethreshold, "256", 0, 2147483647, NULL, 0, "Mean magnitude of a packet's samples under which it is silence: TALK_DETECT()."),
	OPT_DOUBLE(D, dtmf_normal_twist, "6.31", 2.0, 100, NULL, 0, "How many times stronger the low tone of a digit may be than the high one."),
	OPT_DOUBLE(D, dtmf_reverse_twist, "2.51", 2.0, 100, NULL, 0, "The same, the high one stronger than the low one."),
	OPT_DOUBLE(D, relax_dtmf_normal_twist, "6.31", 2.0, 100, NULL, 0, "Kept for compatibility: nothing here listens in a relaxed way."),
	OPT_DOUBLE(D, relax_dtmf_reverse_twist, "3.98", 2.0, 100, NULL, 0, "Kept for compatibility, as relax_dtmf_normal_twist."),
	OPT_UINT(D, dtmf_hits_to_begin, "2", 1, 65535, "blocks", 0, "Blocks of 12.75 ms in a row that begin a digit."),
	OPT_UINT(D, dtmf_misses_to_end, "3", 1, 65535, "blocks", 0, "Blocks of 12.75 ms in a row that end it."),
};
static const struct option_set dsp_set = {
	.type = "default", .file = "dsp.conf", .rows = dsp_rows, .n = ARRAY_LEN(dsp_rows), .size = sizeof(D),
	.help = "What is heard in sound: silence, digits.",
};

const struct option_set *dsp_conf_options(void)
{
	return &dsp_set;
}

static void dsp_conf_free(void *p)
{
	arena_free(((struct dsp_conf *)p)->arena);
}

int dsp_conf_load(struct dsp_conf **cp, const struct config_prm *prm, struct report *r)
{
	struct dsp_conf *c = obj_new(sizeof(*c), dsp_conf_free);
	struct settings_work w = { 0 };
	int err;

	if (!c)
		return ENOMEM;
	err = settings_open(&w, &c->arena, prm, r, "dsp.conf");
	if (!err)
		err = settings_apply(&w, &dsp_set, c, STR("default"));
	settings_end(&w);
	if (err)
		obj_drop(c);
	else
		*cp = c;
	return err;
}
#undef D
