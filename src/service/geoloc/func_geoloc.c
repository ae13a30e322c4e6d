/* GEOLOC_PROFILE(field[,options]): reads and changes the location of a call.
 * Options: a, add to the list and not replace it; r, replace variables in it. */
#define LOG_MODULE "geolocation"
#include "service/geoloc/geoloc.h"
#include "base/log.h"
#include "pbx/dialplan.h"
#include "service/common/service.h"
#include <errno.h>

enum kind { TEXT, LIST, FORMAT, ELEMENT, PRECEDENCE, ROUTING, SUPPRESS, INHERITABLE };

static const struct field {
	const char *name;
	uint8_t kind, which;            /* which: enum geoloc_text, enum geoloc_lists */
	bool resolves;                  /* knows option r */
} fields[] = {
	{ "id", TEXT, GEOLOC_ID, false },
	{ "location_reference", TEXT, GEOLOC_REFERENCE, false },
	{ "method", TEXT, GEOLOC_METHOD, false },
	{ "location_source", TEXT, GEOLOC_SOURCE, false },
	{ "notes", TEXT, GEOLOC_NOTES, false },
	{ "pidf_element_id", TEXT, GEOLOC_ELEMENT_ID, true },
	{ "device_id", TEXT, GEOLOC_DEVICE_ID, true },
	{ "location_info", LIST, GEOLOC_INFO, true },
	{ "location_info_refinement", LIST, GEOLOC_REFINEMENT, true },
	{ "location_variables", LIST, GEOLOC_VARIABLES, true },
	{ "effective_location", LIST, GEOLOC_EFFECTIVE, true },
	{ "usage_rules", LIST, GEOLOC_USAGE_RULES, true },
	{ "confidence", LIST, GEOLOC_CONFIDENCE, false },
	{ "format", FORMAT, 0, false },
	{ "pidf_element", ELEMENT, 0, false },
	{ "profile_precedence", PRECEDENCE, 0, false },
	{ "allow_routing_use", ROUTING, 0, false },
	{ "suppress_empty_ca_elements", SUPPRESS, 0, false },
	{ "inheritable", INHERITABLE, 0, false },
};

/* GEOLOCPROFILESTATUS */
enum status { DONE = 0, BAD_ARGUMENTS = -1, NO_PROFILE = -2, BAD_VALUE = -3 };

/* What a call of the function asks for. */
struct ask {
	struct channel *ch;
	const struct field *field;
	bool add, resolve;
};

static void set_status(struct channel *ch, enum status s)
{
	static const struct str words[] = { STR_INIT("0"), STR_INIT("-1"), STR_INIT("-2"), STR_INIT("-3") };

	pbx_setvar(ch->pbx, ch, STR("GEOLOCPROFILESTATUS"), words[-(int)s]);
}

static const struct field *find_field(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (str_eq(name, str_z(fields[i].name)))
			return &fields[i];
	return NULL;
}

static enum status parse(struct ask *a, struct str args)
{
	struct str v[2] = { STR_NULL, STR_NULL };

	pbx_args(args, v, 2);
	v[0] = str_trim(v[0]);
	for (size_t i = 0; i < v[1].n; i++) {
		a->add |= v[1].p[i] == 'a';
		a->resolve |= v[1].p[i] == 'r';
		if (!memchr("ar \"", v[1].p[i], 4))
			log_warning("%s: GEOLOC_PROFILE: there are options a and r, not '%c'", text_z(&a->ch->name), v[1].p[i]);
	}
	if (!v[0].n) {
		log_error("%s: GEOLOC_PROFILE needs a field", text_z(&a->ch->name));
		return BAD_ARGUMENTS;
	}
	a->field = find_field(v[0]);
	if (a->field)
		return DONE;
	log_error("%s: GEOLOC_PROFILE: field '%.*s' is not valid", text_z(&a->ch->name), STR_ARG(v[0]));
	return BAD_VALUE;
}

/* ---- reading ------------------------------------------------------------------------------------- */

static enum status read_list(const struct ask *a, const struct geoloc_profile *p, struct buf *out)
{
	struct geoloc_list resolved = { 0 };
	const struct geoloc_list *l = &p->list[a->field->which];
	int err = 0;

	if (!a->resolve || !a->field->resolves) {
		geoloc_list_write(l, out);
		return DONE;
	}
	if (!l->n)
		return BAD_VALUE;
	err = geoloc_resolve(p, l, a->ch, &resolved);
	if (!err)
		geoloc_list_write(&resolved, out);
	geoloc_list_free(&resolved);
	return err ? BAD_VALUE : DONE;
}

static enum status read_text(const struct ask *a, const struct geoloc_profile *p, struct buf *out)
{
	struct str s = text_view(&p->text[a->field->which]);

	if (a->resolve && a->field->resolves)
		return geoloc_resolve_text(p, s, a->ch, out) ? BAD_VALUE : DONE;
	buf_put(out, s);
	return DONE;
}

static enum status read_field(const struct ask *a, const struct geoloc_profile *p, struct buf *out)
{
	switch (a->field->kind) {
	case TEXT:
		return read_text(a, p, out);
	case LIST:
		return read_list(a, p, out);
	case FORMAT:
		buf_put(out, str_z(geoloc_name(geoloc_formats, p->format)));
		break;
	case ELEMENT:
		buf_put(out, str_z(geoloc_name(geoloc_elements, p->element)));
		break;
	case PRECEDENCE:
		buf_put(out, str_z(geoloc_name(geoloc_precedences, p->precedence)));
		break;
	case ROUTING:
		buf_put(out, p->allow_routing_use ? STR("yes") : STR("no"));
		break;
	case SUPPRESS:
		buf_put(out, p->suppress_empty ? STR("yes") : STR("no"));
		break;
	default:
		buf_put(out, p->inheritable ? STR("true") : STR("false"));
	}
	return DONE;
}

/* A copy that has its effective location: functions in values may change the channel's own. */
static struct geoloc_profile *take_copy(struct pbx *pbx, const struct geoloc_profile *own)
{
	struct geoloc_profile *p = geoloc_profile_copy(own);

	if (p && !p->list[GEOLOC_EFFECTIVE].n)
		(void)geoloc_profile_refresh(p, pbx->service->geoloc);
	return p;
}

static int profile_read(struct pbx *pbx, struct channel *ch, struct str args, struct buf *out)
{
	struct ask a = { .ch = ch };
	struct geoloc_profile *p = NULL;
	enum status s;

	if (!ch || !pbx->service)
		return EINVAL;
	s = parse(&a, args);
	if (s != DONE && s != BAD_VALUE) {
		set_status(ch, s);
		return 0;
	}
	if (!geoloc_of_channel(ch)) {
		log_notice("%s: There is no geoloc profile on this channel", text_z(&ch->name));
		s = NO_PROFILE;
	} else if (s == DONE) {
		p = take_copy(pbx, geoloc_of_channel(ch));
		s = p ? read_field(&a, p, out) : NO_PROFILE;
	}
	obj_drop(p);
	set_status(ch, s);
	return 0;
}

/* ---- writing --------------------------------------------------------------------------------------- */

static enum status write_list(const struct ask *a, struct geoloc_profile *p, struct str value)
{
	struct geoloc_list *l = &p->list[a->field->which], now = { 0 }, resolved = { 0 };
	int err = a->add ? geoloc_list_add_all(&now, l) : 0;

	if (!value.n)
		return BAD_VALUE;
	err = err ? err : geoloc_list_parse(&now, value, false);
	if (!err && a->resolve && a->field->resolves) {
		err = geoloc_resolve(p, &now, a->ch, &resolved);
		geoloc_list_move(&now, &resolved);
	}
	if (err)
		log_error("%s: %s '%.*s' is malformed or contains invalid values", text_z(&a->ch->name), a->field->name,
			  STR_ARG(value));
	else
		geoloc_list_move(l, &now);
	geoloc_list_free(&now);
	geoloc_list_free(&resolved);
	return err ? BAD_VALUE : DONE;
}

static enum status write_text(const struct ask *a, struct geoloc_profile *p, struct str value)
{
	const struct geoloc_conf *c = a->ch->pbx->service->geoloc;
	struct buf b = BUF_INIT;
	int err = 0;

	if (a->field->which == GEOLOC_REFERENCE && !geoloc_conf_location(c, value)) {
		log_error("%s: Location reference '%.*s' doesn't exist", text_z(&a->ch->name), STR_ARG(value));
		return BAD_VALUE;
	}
	if (a->resolve && a->field->resolves) {
		err = geoloc_resolve_text(p, value, a->ch, &b);
		value = buf_view(&b);
	}
	err = err ? err : text_set(&p->text[a->field->which], value);
	buf_free(&b);
	return err ? BAD_VALUE : DONE;
}

static enum status write_choice(const struct ask *a, const struct option_choice *choices, uint8_t *to, struct str value)
{
	for (const struct option_choice *o = choices; o->name; o++) {
		if (str_eq(value, str_z(o->name))) {
			*to = o->value;
			return DONE;
		}
	}
	log_error("%s: %s '%.*s' is invalid", text_z(&a->ch->name), a->field->name, STR_ARG(value));
	return BAD_VALUE;
}

static enum status write_field(const struct ask *a, struct geoloc_profile *p, struct str value)
{
	bool yes = false;

	(void)str_bool(str_trim(value), &yes);
	switch (a->field->kind) {
	case TEXT:
		return write_text(a, p, value);
	case LIST:
		return write_list(a, p, value);
	case FORMAT:
		return write_choice(a, geoloc_formats, &p->format, value);
	case ELEMENT:
		return write_choice(a, geoloc_elements, &p->element, value);
	case PRECEDENCE:
		return write_choice(a, geoloc_precedences, &p->precedence, value);
	case ROUTING:
		p->allow_routing_use = yes;
		return DONE;
	case SUPPRESS:
		p->suppress_empty = yes;
		return DONE;
	default:
		p->inheritable = yes;
		return DONE;
	}
}

/* A copy is changed and takes the place of what was: whoever works with that goes on undisturbed. */
static int profile_write(struct pbx *pbx, struct channel *ch, struct str args, struct str value)
{
	struct ask a = { .ch = ch };
	const struct geoloc_profile *own;
	struct geoloc_profile *p;
	enum status s;

	if (!ch || !pbx->service)
		return EINVAL;
	s = parse(&a, args);
	if (s != DONE) {
		set_status(ch, s);
		return 0;
	}
	own = geoloc_of_channel(ch);
	p = own ? geoloc_profile_copy(own) : geoloc_profile_new(text_view(&ch->name));
	s = p ? write_field(&a, p, value) : NO_PROFILE;
	if (s == DONE)
		(void)geoloc_profile_refresh(p, pbx->service->geoloc);
	/* A value that cannot be leaves the profile as it was, but there is one now. */
	if (p && (s == DONE || !own)) {
		if (geoloc_set_channel(ch, p))
			s = NO_PROFILE;
	} else {
		obj_drop(p);
	}
	set_status(ch, s);
	return 0;
}

const struct func func_geoloc_profile = { .name = "GEOLOC_PROFILE", .synopsis = "The location that goes with a call",
	.read = profile_read, .write = profile_write };
