#include "config/reader.h"
#include "base/obj.h"
#include "pbx/features.h"
#include "pbx/pbx.h"

static int set_text(struct features_conf *f, const struct config_var *v)
{
	const struct {
		const char *name;
		struct text *to;
	} rows[] = {
		{ "blindxfer", &f->blindxfer }, { "disconnect", &f->disconnect }, { "atxfer", &f->atxfer },
		{ "parkcall", &f->parkcall }, { "automon", &f->automon }, { "automixmon", &f->automixmon },
		{ "xfersound", &f->xfersound }, { "xferfailsound", &f->xferfailsound },
		{ "pickupexten", &f->pickupexten }, { "atxferabort", &f->atxferabort },
		{ "atxfercomplete", &f->atxfercomplete }, { "atxferthreeway", &f->atxferthreeway },
		{ "atxferswap", &f->atxferswap },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_ieq(v->name, str_z(rows[i].name)))
			return text_set(rows[i].to, v->value);
	return 0;
}

static void set_time(struct features_conf *f, const struct config_var *v)
{
	const struct {
		const char *name;
		uint32_t *to;
		uint32_t unit_ms;
	} rows[] = {
		{ "featuredigittimeout", &f->digit_timeout_ms, 1 },
		{ "transferdigittimeout", &f->transfer_digit_timeout_ms, 1000 },
		{ "atxfernoanswertimeout", &f->atxfer_no_answer_ms, 1000 },
	};
	uint32_t n;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_ieq(v->name, str_z(rows[i].name)) && !str_u32(v->value, &n) && n < UINT32_MAX / 1000)
			*rows[i].to = n * rows[i].unit_ms;
}

int features_load(struct pbx *p, const struct config *cfg)
{
	struct features_conf *f = NULL;
	int err = features_new(&f);

	for (const struct config_section *s = config_first(cfg); s && !err; s = config_next(s)) {
		if (!str_ieq(s->name, STR("general")) && !str_ieq(s->name, STR("featuremap")))
			continue;
		for (const struct config_var *v = s->first; v && !err; v = v->next) {
			set_time(f, v);
			err = set_text(f, v);
		}
	}
	if (err)
		obj_drop(f);
	else
		features_set(p, f);
	return err;
}
