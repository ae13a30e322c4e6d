/* The location of a call: made of the configuration or of what came, changed by the dialplan, and
 * kept with its channel. */
#define LOG_MODULE "geolocation"
#include "service/geoloc/geoloc.h"
#include "base/log.h"
#include "pbx/dialplan.h"
#include "sip/uri.h"
#include <errno.h>

static void profile_free(void *arg)
{
	struct geoloc_profile *p = arg;

	for (size_t i = 0; i < GEOLOC_TEXTS; i++)
		text_free(&p->text[i]);
	for (size_t i = 0; i < GEOLOC_LISTS; i++)
		geoloc_list_free(&p->list[i]);
}

struct geoloc_profile *geoloc_profile_new(struct str id)
{
	struct geoloc_profile *p = obj_new(sizeof(*p), profile_free);

	if (p && text_set(&p->text[GEOLOC_ID], id))
		p = obj_drop(p);
	return p;
}

struct geoloc_profile *geoloc_profile_copy(const struct geoloc_profile *from)
{
	struct geoloc_profile *p = obj_new(sizeof(*p), profile_free);
	int err = p ? 0 : ENOMEM;

	for (size_t i = 0; !err && i < GEOLOC_TEXTS; i++)
		err = text_set(&p->text[i], text_view(&from->text[i]));
	for (size_t i = 0; !err && i < GEOLOC_LISTS; i++)
		err = geoloc_list_add_all(&p->list[i], &from->list[i]);
	if (err)
		return obj_drop(p);
	p->element = from->element;
	p->format = from->format;
	p->precedence = from->precedence;
	p->allow_routing_use = from->allow_routing_use;
	p->suppress_empty = from->suppress_empty;
	p->inheritable = from->inheritable;
	return p;
}

/* ---- of the configuration ------------------------------------------------------------------------ */

static int copy_texts(struct geoloc_profile *p, const struct geoloc_profile_conf *pc)
{
	int err = text_set(&p->text[GEOLOC_REFERENCE], pc->location_reference);

	err = err ? err : text_set(&p->text[GEOLOC_ELEMENT_ID], pc->pidf_element_id);
	err = err ? err : text_set(&p->text[GEOLOC_NOTES], pc->notes);
	err = err ? err : text_set(&p->text[GEOLOC_METHOD], pc->place.method);
	err = err ? err : text_set(&p->text[GEOLOC_SOURCE], pc->place.location_source);
	return err ? err : text_set(&p->text[GEOLOC_DEVICE_ID], pc->device_id);
}

static int copy_lists(struct geoloc_profile *p, const struct geoloc_profile_conf *pc)
{
	int err = geoloc_list_add_all(&p->list[GEOLOC_INFO], &pc->place.location_info);

	err = err ? err : geoloc_list_add_all(&p->list[GEOLOC_CONFIDENCE], &pc->place.confidence);
	err = err ? err : geoloc_list_add_all(&p->list[GEOLOC_REFINEMENT], &pc->location_info_refinement);
	err = err ? err : geoloc_list_add_all(&p->list[GEOLOC_VARIABLES], &pc->location_variables);
	return err ? err : geoloc_list_add_all(&p->list[GEOLOC_USAGE_RULES], &pc->usage_rules);
}

int geoloc_profile_of_conf(struct geoloc_profile **out, const struct geoloc_conf *c, const struct geoloc_profile_conf *pc)
{
	struct geoloc_profile *p = geoloc_profile_new(pc->place.name);
	int err = p ? copy_texts(p, pc) : ENOMEM;

	err = err ? err : copy_lists(p, pc);
	if (!err) {
		p->allow_routing_use = pc->allow_routing_use;
		p->suppress_empty = pc->suppress_empty_ca_elements;
		p->element = pc->pidf_element;
		p->format = pc->place.format;
		p->precedence = pc->profile_precedence;
		err = geoloc_profile_refresh(p, c);
	}
	if (err)
		obj_drop(p);
	else
		*out = p;
	return err;
}

/* What the profile says of the location itself, from now on as the place has it. */
static int take_place(struct geoloc_profile *p, const struct geoloc_place *place)
{
	struct geoloc_list info = { 0 }, confidence = { 0 };
	int err = geoloc_list_add_all(&info, &place->location_info);

	err = err ? err : geoloc_list_add_all(&confidence, &place->confidence);
	err = err ? err : text_set(&p->text[GEOLOC_METHOD], place->method);
	err = err ? err : text_set(&p->text[GEOLOC_SOURCE], place->location_source);
	if (!err) {
		p->format = place->format;
		geoloc_list_move(&p->list[GEOLOC_INFO], &info);
		if (confidence.n)
			geoloc_list_move(&p->list[GEOLOC_CONFIDENCE], &confidence);
	}
	geoloc_list_free(&info);
	geoloc_list_free(&confidence);
	return err;
}

int geoloc_profile_refresh(struct geoloc_profile *p, const struct geoloc_conf *c)
{
	struct str reference = text_view(&p->text[GEOLOC_REFERENCE]);
	const struct geoloc_place *place = reference.n ? geoloc_conf_location(c, reference) : NULL;
	const struct geoloc_list *refine = &p->list[GEOLOC_REFINEMENT];
	struct geoloc_list effective = { 0 };
	int err = 0;

	if (reference.n && !place) {
		log_error("Profile '%s' referenced location '%.*s' does not exist!", text_z(&p->text[GEOLOC_ID]),
			  STR_ARG(reference));
		return ENOENT;
	}
	if (place)
		err = take_place(p, place);
	err = err ? err : geoloc_list_add_all(&effective, &p->list[GEOLOC_INFO]);
	for (size_t i = 0; !err && i < refine->n; i++)
		err = geoloc_list_put(&effective, text_view(&refine->v[i].name), text_view(&refine->v[i].value));
	if (!err)
		geoloc_list_move(&p->list[GEOLOC_EFFECTIVE], &effective);
	geoloc_list_free(&effective);
	return err;
}

/* ---- of a Geolocation header ------------------------------------------------------------------------ */

/* The value between its <>, and the parameters behind. False: there are none. */
static bool split_value(struct str value, struct str *uri, struct str *params)
{
	size_t end;

	value = str_trim(value);
	if (!value.n || value.p[0] != '<')
		return false;
	end = str_chr(value, '>');
	if (end == value.n)
		return false;
	*uri = str_trim(str_sub(value, 1, end - 1));
	*params = str_trim(str_skip(value, end + 1));
	if (params->n && params->p[0] == ';')
		*params = str_skip(*params, 1);
	return uri->n != 0;
}

/* Some put it into the URI, where it does not belong. */
int geoloc_profile_set_source(struct geoloc_profile *p, struct str value)
{
	struct str uri, params, source;

	if (!split_value(value, &uri, &params))
		return 0;
	if (!sip_param(params, STR("loc-src"), &source) &&
	    !sip_param(str_skip(uri, str_chr(uri, ';') + 1), STR("loc-src"), &source))
		return 0;
	if (!geoloc_is_host_name(source)) {
		log_warning("Geolocation '%.*s': loc-src is an IP address and dropped (RFC 8787)", STR_ARG(value));
		return 0;
	}
	return text_set(&p->text[GEOLOC_SOURCE], source);
}

int geoloc_profile_of_uri(struct geoloc_profile **out, struct str value)
{
	struct geoloc_profile *p;
	struct str uri, params;
	int err;

	if (!split_value(value, &uri, &params))
		return EBADMSG;
	p = geoloc_profile_new(uri);
	err = p ? geoloc_profile_set_source(p, value) : ENOMEM;
	err = err ? err : geoloc_list_add(&p->list[GEOLOC_INFO], STR("URI"), uri);
	if (err) {
		obj_drop(p);
		return err;
	}
	p->format = GEOLOC_URI;
	*out = p;
	return 0;
}

/* ---- ${...} in values ---------------------------------------------------------------------------------- */

/* The profile's variables are the channel's newest while values are worked out; each knows those before it. */
static int push_variables(const struct geoloc_list *l, struct channel *ch, size_t *pushed)
{
	struct buf b = BUF_INIT;
	int err = 0;

	for (*pushed = 0; !err && *pushed < l->n; *pushed += !err) {
		buf_reset(&b);
		pbx_substitute(ch->pbx, ch, text_view(&l->v[*pushed].value), &b);
		err = buf_err(&b) ? ENOMEM : vars_push(&ch->vars, text_view(&l->v[*pushed].name), buf_view(&b));
	}
	buf_free(&b);
	return err;
}

static void pop_variables(const struct geoloc_list *l, struct channel *ch, size_t pushed)
{
	while (pushed)
		vars_set(&ch->vars, text_view(&l->v[--pushed].name), STR_NULL);
}

int geoloc_resolve(const struct geoloc_profile *p, const struct geoloc_list *from, struct channel *ch, struct geoloc_list *to)
{
	const struct geoloc_list *variables = &p->list[GEOLOC_VARIABLES];
	struct buf b = BUF_INIT;
	size_t pushed;
	int err = push_variables(variables, ch, &pushed);

	for (size_t i = 0; !err && i < from->n; i++) {
		buf_reset(&b);
		pbx_substitute(ch->pbx, ch, text_view(&from->v[i].value), &b);
		err = buf_err(&b) ? ENOMEM : geoloc_list_add(to, text_view(&from->v[i].name), buf_view(&b));
	}
	pop_variables(variables, ch, pushed);
	buf_free(&b);
	return err;
}

int geoloc_resolve_text(const struct geoloc_profile *p, struct str from, struct channel *ch, struct buf *to)
{
	const struct geoloc_list *variables = &p->list[GEOLOC_VARIABLES];
	size_t pushed;
	int err = push_variables(variables, ch, &pushed);

	if (!err)
		pbx_substitute(ch->pbx, ch, from, to);
	pop_variables(variables, ch, pushed);
	return err || buf_err(to) ? ENOMEM : 0;
}

/* ---- with a channel ------------------------------------------------------------------------------------------ */

static const char geoloc_key[] = "geolocation";

struct geoloc_profile *geoloc_of_channel(struct channel *ch)
{
	return channel_note(ch, geoloc_key);
}

/* Each call has its own copy: what is changed for one of several that ring together is not the others'. */
static void *heir(const void *obj)
{
	const struct geoloc_profile *p = obj;
	struct geoloc_profile *mine = p->inheritable ? geoloc_profile_copy(p) : NULL;

	if (p->inheritable && !mine)
		log_error("out of memory: a call goes on without its location");
	return mine;
}

int geoloc_set_channel(struct channel *ch, struct geoloc_profile *p)
{
	int err = channel_note_set(ch, geoloc_key, p);

	if (!err)
		channel_note_inherit(ch, geoloc_key, heir);
	return err;
}
