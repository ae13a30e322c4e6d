/* features.conf, and what holds without one: the digits that work inside a call. */
#include "pbx/features.h"
#include "base/obj.h"
#include "config/reader.h"
#include "pbx/pbx.h"

static void features_free(void *o)
{
	struct features_conf *f = o;
	struct text *texts[] = { &f->blindxfer, &f->disconnect, &f->atxfer, &f->parkcall, &f->automon,
		&f->automixmon, &f->xfersound, &f->xferfailsound, &f->atxferabort, &f->atxfercomplete,
		&f->atxferthreeway, &f->atxferswap, &f->pickupexten, &f->pickupsound, &f->pickupfailsound,
		&f->courtesytone, &f->recordingfailsound };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		text_free(texts[i]);
}

int features_new(struct features_conf **out)
{
	struct features_conf *f = obj_new(sizeof(*f), features_free);
	int err;

	if (!f)
		return ENOMEM;
	f->digit_timeout_ms = 1000;
	f->transfer_digit_timeout_ms = 3000;
	f->atxfer_no_answer_ms = 15000;
	err = text_set(&f->blindxfer, STR("#"));
	err = err ? err : text_set(&f->disconnect, STR("*"));
	err = err ? err : text_set(&f->xfersound, STR("beep"));
	err = err ? err : text_set(&f->xferfailsound, STR("beeperr"));
	err = err ? err : text_set(&f->pickupexten, STR("*8"));
	err = err ? err : text_set(&f->atxferabort, STR("*1"));
	err = err ? err : text_set(&f->atxfercomplete, STR("*2"));
	err = err ? err : text_set(&f->atxferthreeway, STR("*3"));
	err = err ? err : text_set(&f->atxferswap, STR("*4"));
	if (err)
		obj_drop(f);
	else
		*out = f;
	return err;
}

void features_set(struct pbx *p, struct features_conf *f)
{
	obj_drop(p->features);
	p->features = f;
}

/* Those of pbx_new(), or what a features.conf made of them: never NULL. A reload frees
 * it: who waits holds it or asks again. */
const struct features_conf *features_get(struct pbx *p)
{
	return p->features;
}

struct str features_code(const struct features_conf *f, struct str name)
{
	const struct {
		const char *name;
		const struct text *code;
	} rows[] = {
		{ "blindxfer", &f->blindxfer }, { "disconnect", &f->disconnect }, { "atxfer", &f->atxfer },
		{ "parkcall", &f->parkcall }, { "automon", &f->automon }, { "automixmon", &f->automixmon },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_ieq(name, str_z(rows[i].name)))
			return text_view(rows[i].code);
	return STR_NULL;
}

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
		{ "atxferswap", &f->atxferswap }, { "pickupsound", &f->pickupsound },
		{ "pickupfailsound", &f->pickupfailsound }, { "courtesytone", &f->courtesytone },
		{ "recordingfailsound", &f->recordingfailsound },
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
