/* geolocation.conf: locations, and profiles that say what is done with them. */
#include "service/geoloc/geoloc.h"
#include "service/common/service.h"
#include <errno.h>
#include <stdlib.h>

#define FILE_NAME "geolocation.conf"

const struct option_choice geoloc_elements[] = { { "device", GEOLOC_DEVICE }, { "tuple", GEOLOC_TUPLE },
	{ "person", GEOLOC_PERSON }, { "<none>", GEOLOC_NO_ELEMENT }, { NULL, 0 } };
const struct option_choice geoloc_formats[] = { { "civicAddress", GEOLOC_CIVIC }, { "GML", GEOLOC_GML }, { "URI", GEOLOC_URI },
	{ "<none>", GEOLOC_NO_FORMAT }, { NULL, 0 } };
const struct option_choice geoloc_precedences[] = { { "prefer_incoming", GEOLOC_PREFER_INCOMING },
	{ "prefer_config", GEOLOC_PREFER_CONFIG }, { "discard_incoming", GEOLOC_DISCARD_INCOMING },
	{ "discard_config", GEOLOC_DISCARD_CONFIG }, { NULL, 0 } };

const char *geoloc_name(const struct option_choice *choices, unsigned value)
{
	while (choices->name && choices->value != value)
		choices++;
	return choices->name ? choices->name : "<none>";
}

/* ---- options ----------------------------------------------------------------------------------- */

static int parse_items(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	int err = geoloc_list_parse(field, value, true);

	(void)o;
	return err && err != ENOMEM ? option_why(ctx, "'%.*s' is not name=value, name=\"a, b\"", STR_ARG(value)) : err;
}

static void write_items(struct buf *b, const struct option *o, const void *field)
{
	(void)o;
	geoloc_list_write(field, b);
}

/* RFC 8787 3. */
static int parse_source(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	int err = 0;

	(void)o;
	if (value.n && !geoloc_is_host_name(value))
		return option_why(ctx, "'%.*s' is no host name, and an address it may not be (RFC 8787)", STR_ARG(value));
	*(struct str *)field = intern_str(ctx->intern, value, &err);
	return err;
}

static void write_source(struct buf *b, const struct option *o, const void *field)
{
	(void)o;
	buf_put(b, *(const struct str *)field);
}

#define ITEMS "name=value, ...; lines add up"
#define LIST(S, nm, f, h) { .name = nm, .kind = OPTION_CUSTOM, .offset = OPT_AT(S, f, struct geoloc_list), \
	.parse = parse_items, .write = write_items, .values = ITEMS, .help = h }
/* `at`: where the place is in S. */
#define PLACE(S, at) \
	{ .name = "format", .kind = OPTION_ENUM, .offset = OPT_AT(S, at format, uint8_t), .choices = geoloc_formats, \
	  .help = "What location_info is." }, \
	LIST(S, "location_info", at location_info, "The location: elements of a civic address; shape, crs, pos and the like " \
		"of GML; URI=..."), \
	LIST(S, "confidence", at confidence, "How sure it is: pdf=unknown, normal or rectangular, value=percent (RFC 7459)."), \
	{ .name = "location_source", .kind = OPTION_CUSTOM, .offset = OPT_AT(S, at location_source, struct str), \
	  .parse = parse_source, .write = write_source, .values = "host name", \
	  .help = "Who says so: loc-src of the Geolocation header (RFC 8787)." }, \
	{ .name = "method", .kind = OPTION_STRING, .offset = OPT_AT(S, at method, struct str), \
	  .help = "How the location was found: GPS, A-GPS, Manual, DHCP, Triangulation, Cell, 802.11." }

static const struct option location_rows[] = { PLACE(struct geoloc_place, ) };

#define P struct geoloc_profile_conf
static const struct option profile_rows[] = {
	PLACE(P, place.),
	OPT_STR(P, location_reference, NULL, 0, "The location that it is about, in place of one of its own."),
	LIST(P, "location_info_refinement", location_info_refinement, "Put into the location, or in place of what it has."),
	LIST(P, "location_variables", location_variables, "Variables that count beside the channel's in ${...} of values."),
	LIST(P, "usage_rules", usage_rules, "What whoever gets it may do: retransmission-allowed, retention-expiry (RFC 4119)."),
	OPT_ENUM(P, pidf_element, geoloc_elements, "device", 0, "What of a PIDF-LO has the location."),
	OPT_STR(P, pidf_element_id, NULL, 0, "Its id; may have ${...}."),
	OPT_STR(P, device_id, NULL, 0, "The device's URN, mac:... (RFC 4479); may have ${...}."),
	OPT_STR(P, notes, NULL, 0, "note-well: a text for people."),
	OPT_BOOL(P, allow_routing_use, "no", OPT_YESNO, "Geolocation-Routing: may servers use it to route the call?"),
	OPT_BOOL(P, suppress_empty_ca_elements, "no", OPT_YESNO, "Leave out elements of a civic address that are empty."),
	OPT_ENUM(P, profile_precedence, geoloc_precedences, "discard_incoming", 0,
		 "Which location counts: the one that came, or that of this profile."),
};
#undef P

static const struct option_set sets[] = {
	{ .type = "location", .file = FILE_NAME, .rows = location_rows, .n = ARRAY_LEN(location_rows),
	  .size = sizeof(struct geoloc_place), .help = "A location." },
	{ .type = "profile", .file = FILE_NAME, .rows = profile_rows, .n = ARRAY_LEN(profile_rows),
	  .size = sizeof(struct geoloc_profile_conf), .help = "What is done with locations of calls." },
};
enum { LOCATION, PROFILE };

const struct option_set *geoloc_conf_options(unsigned i)
{
	return i < ARRAY_LEN(sets) ? &sets[i] : NULL;
}

/* Of a place, or of a profile, which begins with one. */
static int by_name(const void *a, const void *b)
{
	return str_cmp(((const struct geoloc_place *)a)->name, ((const struct geoloc_place *)b)->name);
}

/* ---- the file ------------------------------------------------------------------------------------ */

struct geoloc_conf {            /* obj */
	struct arena *arena;            /* held: their strings, and both arrays */
	struct geoloc_place *location;
	struct geoloc_profile_conf *profile;
	size_t locations, profiles;
};

static void place_free(struct geoloc_place *p)
{
	geoloc_list_free(&p->location_info);
	geoloc_list_free(&p->confidence);
}

static void profile_free(struct geoloc_profile_conf *p)
{
	place_free(&p->place);
	geoloc_list_free(&p->location_info_refinement);
	geoloc_list_free(&p->location_variables);
	geoloc_list_free(&p->usage_rules);
}

static void conf_free(void *arg)
{
	struct geoloc_conf *c = arg;

	for (size_t i = 0; i < c->locations; i++)
		place_free(&c->location[i]);
	for (size_t i = 0; i < c->profiles; i++)
		profile_free(&c->profile[i]);
	arena_free(c->arena);
}

/* What a load works with. */
struct load {
	struct geoloc_conf *conf;
	struct option_ctx ctx;
	struct option_index *index[ARRAY_LEN(sets)];    /* owned */
	struct map *names[ARRAY_LEN(sets)];     /* owned: those that are there already */
	const struct config *c;
	const struct config_section *s;
	struct report *r;
};

static int fault(const struct load *l, enum report_level level, const char *option, const char *why)
{
	const struct config_var *v = option ? config_var_get(l->s, str_z(option)) : NULL;

	report_add(l->r, level, config_file_name(l->c, v ? v->file : l->s->file), v ? v->line : l->s->line, "%.*s '%.*s': %s",
		   STR_ARG(config_value(l->s, STR("type"), STR_NULL)), STR_ARG(l->s->name), why);
	return EBADMSG;
}

/* A location that is none: its object is refused, as Asterisk does. */
static int judge(const struct load *l, struct geoloc_place *p)
{
	char why[320];
	int err = geoloc_judge(p->format, &p->location_info, true, why, sizeof(why));

	return err == EBADMSG ? fault(l, REPORT_ERROR, "location_info", why) : err;
}

static int finish_location(const struct load *l, struct geoloc_place *p)
{
	if (!p->location_info.n)
		return fault(l, REPORT_ERROR, NULL, "needs location_info=");
	return judge(l, p);
}

static int finish_profile(const struct load *l, struct geoloc_profile_conf *p)
{
	if (p->location_reference.n) {
		if (p->place.location_info.n || p->place.format)
			return fault(l, REPORT_ERROR, "location_reference", "has location_reference and a location of its own "
				     "(format, location_info); only one of them can be");
		return 0;
	}
	if (p->place.location_info.n)
		return judge(l, &p->place);
	if (p->location_info_refinement.n)
		return fault(l, REPORT_ERROR, "location_info_refinement", "refines no location: it needs location_reference= or "
			     "location_info=");
	return 0;
}

static int read_section(struct load *l, int what)
{
	struct geoloc_conf *c = l->conf;
	struct geoloc_place *place = what == LOCATION ? &c->location[c->locations] : &c->profile[c->profiles].place;
	int err, failed = 0;

	if (map_get(l->names[what], l->s->name)) {
		fault(l, REPORT_ERROR, NULL, "is there twice; the first counts");
		return 0;
	}
	err = option_apply_section(l->index[what], &l->ctx, place, l->c, l->s, l->r);
	if (!err)
		err = what == LOCATION ? finish_location(l, place) : finish_profile(l, &c->profile[c->profiles]);
	if (!err)
		place->name = intern_str(l->ctx.intern, l->s->name, &failed);
	place->line = l->s->line;
	err = err ? err : failed;
	err = err ? err : map_add(l->names[what], place->name, l->conf);
	if (err && what == LOCATION)
		place_free(place);
	else if (err)
		profile_free(&c->profile[c->profiles]);
	else if (what == LOCATION)
		c->locations++;
	else
		c->profiles++;
	return err == ENOMEM ? err : 0;
}

static int read_sections(struct load *l)
{
	int err = 0;

	for (l->s = config_first(l->c); !err && l->s; l->s = config_next(l->s)) {
		struct str type = config_value(l->s, STR("type"), STR_NULL);

		if (str_eq(type, STR("location")))
			err = read_section(l, LOCATION);
		else if (str_eq(type, STR("profile")))
			err = read_section(l, PROFILE);
		else
			report_add(l->r, REPORT_WARNING, config_file_name(l->c, l->s->file), l->s->line,
				   type.n ? "[%.*s]: type=%.*s is neither location nor profile" :
				   "[%.*s] has no type=location or type=profile%.*s; it is not used", STR_ARG(l->s->name),
				   STR_ARG(type));
	}
	return err;
}

/* "<prefer_config>" and its like: a precedence and nothing else. */
static int add_built_in(struct load *l)
{
	int err = 0;

	for (const struct option_choice *o = geoloc_precedences; !err && o->name; o++) {
		struct geoloc_profile_conf *p = &l->conf->profile[l->conf->profiles];
		struct str name = arena_printf(l->conf->arena, "<%s>", o->name);

		err = name.p ? 0 : ENOMEM;
		if (err || map_get(l->names[PROFILE], name))
			continue;
		option_begin(l->index[PROFILE], &l->ctx, p);
		p->place.name = name;
		p->profile_precedence = o->value;
		l->conf->profiles++;
	}
	return err;
}

/* References that lead nowhere, and refinements by what no civic address has: Asterisk says nothing of them. */
static void check_references(struct load *l)
{
	char why[320];

	for (size_t i = 0; i < l->conf->profiles; i++) {
		const struct geoloc_profile_conf *p = &l->conf->profile[i];
		const struct geoloc_place *place = p->location_reference.n ? geoloc_conf_location(l->conf, p->location_reference) :
			&p->place;

		l->s = config_section_get(l->c, p->place.name);
		if (!l->s)
			continue;
		if (!place) {
			snprintf(why, sizeof(why), "there is no location '%.*s'", STR_ARG(p->location_reference));
			fault(l, REPORT_ERROR, "location_reference", why);
			continue;
		}
		for (size_t k = 0; place->format == GEOLOC_CIVIC && k < p->location_info_refinement.n; k++) {
			const struct text *name = &p->location_info_refinement.v[k].name;

			if (geoloc_is_civic(text_view(name)) || str_eq(text_view(name), STR("lang")))
				continue;
			snprintf(why, sizeof(why), "location_info_refinement: '%s' is no element of a civic address", text_z(name));
			fault(l, REPORT_WARNING, "location_info_refinement", why);
		}
	}
}

static int start(struct load *l)
{
	struct geoloc_conf *c = l->conf;
	size_t most = config_section_count(l->c) + 4;
	int err = 0;

	c->arena = l->ctx.arena = arena_new(0);
	if (!c->arena)
		return ENOMEM;
	l->ctx.intern = intern_new(c->arena);
	c->location = arena_alloc(c->arena, most * sizeof(*c->location));
	c->profile = arena_alloc(c->arena, most * sizeof(*c->profile));
	if (!l->ctx.intern || !c->location || !c->profile)
		return ENOMEM;
	for (size_t i = 0; !err && i < ARRAY_LEN(sets); i++) {
		err = option_index_new(&l->index[i], &sets[i], &l->ctx);
		l->names[i] = map_new(false);
		err = err || l->names[i] ? err : ENOMEM;
	}
	return err;
}

static int build(struct geoloc_conf **out, const struct config *text, struct report *r)
{
	struct load l = { .conf = obj_new(sizeof(struct geoloc_conf), conf_free), .c = text, .r = r };
	int err = l.conf ? start(&l) : ENOMEM;

	err = err ? err : read_sections(&l);
	err = err ? err : add_built_in(&l);
	if (!err) {
		qsort(l.conf->location, l.conf->locations, sizeof(*l.conf->location), by_name);
		qsort(l.conf->profile, l.conf->profiles, sizeof(*l.conf->profile), by_name);
		check_references(&l);
	}
	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		option_index_free(l.index[i]);
		map_free(l.names[i]);
	}
	intern_free(l.ctx.intern);
	if (err)
		obj_drop(l.conf);
	else
		*out = l.conf;
	return err;
}

int geoloc_conf_parse(struct geoloc_conf **out, struct str text, struct report *r)
{
	struct config_prm prm = { 0 };
	struct config *c = NULL;
	int err = config_parse(&c, &prm, STR(FILE_NAME), text, r);

	if (!err)
		err = build(out, c, r);
	config_free(c);
	return err;
}

int geoloc_conf_load(struct geoloc_conf **out, const struct config_prm *prm, struct report *r)
{
	struct config *c = NULL;
	int err = config_load(&c, prm, FILE_NAME, r);

	if (err == ENOENT)
		return geoloc_conf_parse(out, STR(""), r);
	if (!err)
		err = build(out, c, r);
	config_free(c);
	return err;
}

/* ---- in force -------------------------------------------------------------------------------------- */

const struct geoloc_place *geoloc_conf_location(const struct geoloc_conf *c, struct str name)
{
	struct geoloc_place key = { .name = name };

	return c && c->locations ? bsearch(&key, c->location, c->locations, sizeof(*c->location), by_name) : NULL;
}

const struct geoloc_profile_conf *geoloc_conf_profile(const struct geoloc_conf *c, struct str name)
{
	struct geoloc_place key = { .name = name };

	return c && c->profiles ? bsearch(&key, c->profile, c->profiles, sizeof(*c->profile), by_name) : NULL;
}

const struct geoloc_place *geoloc_conf_location_at(const struct geoloc_conf *c, size_t i)
{
	return c && i < c->locations ? &c->location[i] : NULL;
}

const struct geoloc_profile_conf *geoloc_conf_profile_at(const struct geoloc_conf *c, size_t i)
{
	return c && i < c->profiles ? &c->profile[i] : NULL;
}

void geoloc_set_conf(struct service *svc, struct geoloc_conf *c)
{
	obj_hold(c);
	obj_drop(svc->geoloc);
	svc->geoloc = c;
}

void geoloc_free(struct service *svc)
{
	svc->geoloc = obj_drop(svc->geoloc);
}
