/* features.conf, and what holds without one: the digits that work inside a call. */
#include "pbx/features.h"
#include "base/obj.h"
#include "config/reader.h"
#include "pbx/channel.h"
#include "pbx/dialplan.h"
#include "pbx/pbx.h"
#include <stdlib.h>

#define C struct features_conf
#define TEXT(nm, f, code) { nm, KIND_TEXT, code, offsetof(C, f), 0 }
#define TIME(nm, f, unit) { nm, KIND_NUMBER, false, offsetof(C, f), unit }

enum kind { KIND_TEXT, KIND_NUMBER, KIND_BOOL };

/* Each option; `code`: of [featuremap]. */
static const struct option_row {
	const char *name;
	uint8_t kind;
	bool code;
	size_t at;
	uint32_t unit;          /* what is kept for one of the number */
} rows[] = {
	TEXT("blindxfer", blindxfer, true), TEXT("disconnect", disconnect, true), TEXT("atxfer", atxfer, true),
	TEXT("parkcall", parkcall, true), TEXT("automixmon", automixmon, true),
	TIME("featuredigittimeout", digit_timeout_ms, 1), TIME("transferdigittimeout", transfer_digit_timeout_ms, 1000),
	TIME("atxfernoanswertimeout", atxfer_no_answer_ms, 1000), TIME("atxferloopdelay", atxfer_loop_delay_ms, 1000),
	TIME("atxfercallbackretries", atxfer_callback_retries, 1), TIME("transferdialattempts", transfer_dial_attempts, 1),
	{ "atxferdropcall", KIND_BOOL, false, offsetof(C, atxfer_drop_call), 0 },
	TEXT("xfersound", xfersound, false), TEXT("xferfailsound", xferfailsound, false),
	TEXT("transferannouncesound", transferannouncesound, false), TEXT("transferretrysound", transferretrysound, false),
	TEXT("transferinvalidsound", transferinvalidsound, false),
	TEXT("pickupexten", pickupexten, false), TEXT("pickupsound", pickupsound, false),
	TEXT("pickupfailsound", pickupfailsound, false), TEXT("courtesytone", courtesytone, false),
	TEXT("recordingfailsound", recordingfailsound, false), TEXT("atxferabort", atxferabort, false),
	TEXT("atxfercomplete", atxfercomplete, false), TEXT("atxferthreeway", atxferthreeway, false),
	TEXT("atxferswap", atxferswap, false),
};
#undef C

static void *field(const struct features_conf *f, const struct option_row *r)
{
	return (char *)(uintptr_t)f + r->at;
}

static void features_free(void *o)
{
	struct features_conf *f = o;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].kind == KIND_TEXT)
			text_free(field(f, &rows[i]));
	obj_drop(f->map);
}

int features_new(struct features_conf **out)
{
	static const struct { const char *name, *value; bool code; } defaults[] = {
		{ "blindxfer", "#", true }, { "disconnect", "*", true }, { "featuredigittimeout", "1000", false },
		{ "transferdigittimeout", "3", false }, { "atxfernoanswertimeout", "15", false }, { "atxferloopdelay", "10", false },
		{ "atxfercallbackretries", "2", false }, { "transferdialattempts", "3", false }, { "xfersound", "beep", false },
		{ "xferfailsound", "beeperr", false }, { "transferannouncesound", "pbx-transfer", false },
		{ "transferretrysound", "pbx-invalid", false }, { "transferinvalidsound", "privacy-incorrect", false },
		{ "pickupexten", "*8", false }, { "atxferabort", "*1", false }, { "atxfercomplete", "*2", false },
		{ "atxferthreeway", "*3", false }, { "atxferswap", "*4", false },
	};
	struct features_conf *f = obj_new(sizeof(*f), features_free);
	int err = f ? 0 : ENOMEM;

	for (size_t i = 0; !err && i < ARRAY_LEN(defaults); i++)
		err = features_option_set(f, str_z(defaults[i].name), str_z(defaults[i].value), defaults[i].code);
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

/* ---- options by name ----------------------------------------------------------------------------- */

static const struct option_row *find_row(struct str name, bool code)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].code == code && str_ieq(name, str_z(rows[i].name)))
			return &rows[i];
	return NULL;
}

struct str features_code(const struct features_conf *f, struct str name)
{
	const struct option_row *r = find_row(name, true);

	return r ? text_view(field(f, r)) : STR_NULL;
}

int features_option_set(struct features_conf *f, struct str name, struct str value, bool code)
{
	const struct option_row *r = find_row(name, code);
	uint32_t n;
	bool yes = false;

	if (!r)
		return ENOENT;
	switch (r->kind) {
	case KIND_TEXT:
		return text_set(field(f, r), value);
	case KIND_BOOL:
		(void)str_bool(value, &yes);
		*(bool *)field(f, r) = yes;
		return 0;
	default:
		if (str_u32(str_trim(value), &n) || n > UINT32_MAX / 1000)
			return EBADMSG;
		*(uint32_t *)field(f, r) = n * r->unit;
		return 0;
	}
}

int features_option_get(const struct features_conf *f, struct str name, bool code, struct buf *out)
{
	const struct option_row *r = find_row(name, code);

	if (!r)
		return ENOENT;
	if (r->kind == KIND_TEXT)
		buf_put(out, text_view(field(f, r)));
	else if (r->kind == KIND_BOOL)
		buf_char(out, *(const bool *)field(f, r) ? '1' : '0');
	else
		buf_u64(out, *(const uint32_t *)field(f, r) / r->unit);
	return buf_err(out);
}

/* ---- the file -------------------------------------------------------------------------------------- */

/* Where parking was configured before it had a file of its own. */
static bool is_parking(struct str name)
{
	static const char *const names[] = { "context", "parkext", "parkext_exclusive", "parkinghints", "parkedmusicclass",
		"parkingtime", "parkpos", "findslot", "parkedcalltransfers", "parkedcallreparking", "parkedcallhangup",
		"parkedcallrecording", "comebackcontext", "comebacktoorigin", "comebackdialtime", "parkeddynamic", "adsipark" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_ieq(name, str_z(names[i])))
			return true;
	return false;
}

static int read_var(struct features_conf *f, const struct config *cfg, const struct config_var *v, bool code, struct report *r)
{
	int err = features_option_set(f, v->name, v->value, code);

	if (err == ENOMEM)
		return err;
	if (err == ENOENT && !code && is_parking(v->name))
		config_fault(cfg, v, r, REPORT_WARNING, "%.*s: parking is configured in res_parking.conf", STR_ARG(v->name));
	else if (err == ENOENT && code && str_ieq(v->name, STR("automon")))
		config_fault(cfg, v, r, REPORT_NOTE, "automon went away with Monitor(); automixmon records");
	else if (err == ENOENT)
		config_fault(cfg, v, r, REPORT_ERROR, "[%s]: unknown option '%.*s'", code ? "featuremap" : "general",
			     STR_ARG(v->name));
	else if (err)
		config_fault(cfg, v, r, REPORT_ERROR, "%.*s: '%.*s' is no number", STR_ARG(v->name), STR_ARG(v->value));
	return 0;
}

int features_build(struct features_conf **out, const struct config *cfg, struct report *r)
{
	struct features_conf *f = NULL;
	int err = features_new(&f);

	for (const struct config_section *s = config_first(cfg); s && !err; s = config_next(s)) {
		bool code = str_ieq(s->name, STR("featuremap"));

		if (!code && !str_ieq(s->name, STR("general")))
			continue;
		for (const struct config_var *v = s->first; v && !err; v = v->next)
			err = read_var(f, cfg, v, code, r);
	}
	err = err ? err : features_map_build(&f->map, cfg, r);
	if (err)
		obj_drop(f);
	else
		*out = f;
	return err;
}

int features_load(struct pbx *p, const struct config *cfg)
{
	struct features_conf *f = NULL;
	int err = features_build(&f, cfg, NULL);

	if (!err)
		features_set(p, f);
	return err;
}

/* ---- of one channel -------------------------------------------------------------------------------- */

static const char key[] = "features";

/* With the channel: replaced by a copy at each change, so that whoever holds one reads on. */
struct own {                    /* obj */
	struct features_conf *conf;     /* held */
	bool inherit;
};

static void own_free(void *o)
{
	obj_drop(((struct own *)o)->conf);
}

static struct own *own_new(struct features_conf *f, bool inherit)
{
	struct own *o = obj_new(sizeof(*o), own_free);

	if (o) {
		o->conf = obj_hold(f);
		o->inherit = inherit;
	}
	return o;
}

static void *heir(const void *obj)
{
	const struct own *o = obj;

	return o->inherit ? own_new(o->conf, true) : NULL;
}

static int keep(struct channel *ch, struct features_conf *f, bool inherit)
{
	struct own *o = own_new(f, inherit);
	int err = o ? channel_note_set(ch, key, o) : ENOMEM;

	if (!err)
		channel_note_inherit(ch, key, heir);
	return err;
}

static struct features_conf *copy(const struct features_conf *from)
{
	struct features_conf *f = obj_new(sizeof(*f), features_free);
	int err = f ? 0 : ENOMEM;

	for (size_t i = 0; !err && i < ARRAY_LEN(rows); i++) {
		if (rows[i].kind == KIND_TEXT)
			err = text_set(field(f, &rows[i]), text_view(field(from, &rows[i])));
		else
			memcpy(field(f, &rows[i]), field(from, &rows[i]), rows[i].kind == KIND_BOOL ? sizeof(bool) : sizeof(uint32_t));
	}
	return err ? obj_drop(f) : f;
}

const struct features_conf *features_of(struct channel *ch)
{
	const struct own *o = channel_note(ch, key);

	return o ? o->conf : features_get(ch->pbx);
}

bool features_inherited(struct channel *ch)
{
	const struct own *o = channel_note(ch, key);

	return o && o->inherit;
}

int features_inherit(struct channel *ch, bool yes)
{
	const struct own *o = channel_note(ch, key);
	struct features_conf *f = o ? obj_hold(o->conf) : copy(features_get(ch->pbx));
	int err = f ? keep(ch, f, yes) : ENOMEM;

	obj_drop(f);
	return err;
}

int features_own(struct channel *ch, struct str name, struct str value, bool code)
{
	struct features_conf *f = copy(features_of(ch));
	int err = f ? features_option_set(f, name, value, code) : ENOMEM;

	err = err ? err : keep(ch, f, features_inherited(ch));
	obj_drop(f);
	return err;
}

void features_digits(struct channel *ch, struct str name, char *digits, size_t size)
{
	struct features_choice v[FEATURES_CHOICES];
	const struct features_map *m = features_get(ch->pbx)->map;
	struct str code = features_code(features_of(ch), name);
	struct buf names = BUF_INIT;
	size_t n = 0;

	if (!code.n && m && pbx_getvar(ch->pbx, ch, STR("DYNAMIC_FEATURES"), &names))
		n = features_choose(m, buf_view(&names), text_view(&ch->name), v);
	for (size_t i = 0; !code.n && i < n; i++)
		if (str_ieq(name, text_view(&v[i].item->name)))
			code = v[i].code;
	str_copy(digits, size, code);
	buf_free(&names);
}
