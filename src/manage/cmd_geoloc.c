/* geoloc ...: locations and profiles of geolocation.conf. */
#include "manage/command.h"
#include "service/common/service.h"
#include "service/geoloc/geoloc.h"

static const struct geoloc_conf *conf(const struct command_ctx *c)
{
	return c->m->service ? c->m->service->geoloc : NULL;
}

static enum command_result list_locations(struct command_ctx *c)
{
	const struct geoloc_place *p;
	struct command_filter f;
	enum command_result res = command_filter_init(&f, c, 0);
	size_t n = 0;

	if (res != COMMAND_OK)
		return res;
	command_printf(c, "Geolocation Location Objects:\n\n"
		       "<Object ID...................................> <Format.....> <Details.............>\n"
		       "===================================================================================\n");
	for (size_t i = 0; (p = geoloc_conf_location_at(conf(c), i)); i++) {
		if (!command_filter_has(&f, p->name))
			continue;
		command_printf(c, "%-46.*s %-13s ", (int)(p->name.n > 46 ? 46 : p->name.n), p->name.p,
			       geoloc_name(geoloc_formats, p->format));
		geoloc_list_write(&p->location_info, &c->out);
		command_printf(c, "\n");
		n++;
	}
	command_filter_free(&f);
	command_printf(c, "\nTotal Location Objects: %zu\n\n", n);
	return COMMAND_OK;
}

static enum command_result list_profiles(struct command_ctx *c)
{
	const struct geoloc_profile_conf *p;
	struct command_filter f;
	enum command_result res = command_filter_init(&f, c, 0);
	size_t n = 0;

	if (res != COMMAND_OK)
		return res;
	command_printf(c, "Geolocation Profile Objects:\n\n"
		       "<Object ID...................................> <Profile Action> <Location Reference> \n"
		       "=====================================================================================\n");
	for (size_t i = 0; (p = geoloc_conf_profile_at(conf(c), i)); i++) {
		if (!command_filter_has(&f, p->place.name))
			continue;
		command_printf(c, "%-46.*s %-16s %.*s\n", (int)(p->place.name.n > 46 ? 46 : p->place.name.n), p->place.name.p,
			       geoloc_name(geoloc_precedences, p->profile_precedence), STR_ARG(p->location_reference));
		n++;
	}
	command_filter_free(&f);
	command_printf(c, "\nTotal Profile Objects: %zu\n\n", n);
	return COMMAND_OK;
}

/* ---- one after the other ------------------------------------------------------------------------ */

static void show_text(struct command_ctx *c, const char *label, const struct text *t)
{
	command_printf(c, "%-25s%s\n", label, t->n ? t->p : "<none>");
}

static void show_list(struct command_ctx *c, const char *label, const struct geoloc_list *l)
{
	command_printf(c, "%-25s%s", label, l->n ? "" : "<none>");
	geoloc_list_write(l, &c->out);
	command_printf(c, "\n");
}

static void show_profile(struct command_ctx *c, const struct geoloc_profile *p)
{
	command_printf(c, "\nid:                      %s\nprofile_precedence:      %s\npidf_element:            %s\n",
		       text_z(&p->text[GEOLOC_ID]), geoloc_name(geoloc_precedences, p->precedence),
		       geoloc_name(geoloc_elements, p->element));
	show_text(c, "pidf_element_id:", &p->text[GEOLOC_ELEMENT_ID]);
	show_text(c, "location_reference:", &p->text[GEOLOC_REFERENCE]);
	command_printf(c, "location_format:         %s\n", geoloc_name(geoloc_formats, p->format));
	show_list(c, "location_info:", &p->list[GEOLOC_INFO]);
	show_text(c, "location_method:", &p->text[GEOLOC_METHOD]);
	show_text(c, "location_source:", &p->text[GEOLOC_SOURCE]);
	show_list(c, "location_confidence:", &p->list[GEOLOC_CONFIDENCE]);
	show_list(c, "location_refinement:", &p->list[GEOLOC_REFINEMENT]);
	show_list(c, "location_variables:", &p->list[GEOLOC_VARIABLES]);
	command_printf(c, "allow_routing_use:       %s\nsuppress_empty_elements: %s\n", p->allow_routing_use ? "yes" : "no",
		       p->suppress_empty ? "yes" : "no");
	show_list(c, "effective_location:", &p->list[GEOLOC_EFFECTIVE]);
	show_list(c, "usage_rules:", &p->list[GEOLOC_USAGE_RULES]);
	show_text(c, "notes:", &p->text[GEOLOC_NOTES]);
	show_text(c, "device_id:", &p->text[GEOLOC_DEVICE_ID]);
}

/* A reload that comes while the reader is slow changes nothing of what is shown. */
static enum command_result show_profiles(struct command_ctx *c)
{
	struct geoloc_conf *held = obj_hold((struct geoloc_conf *)conf(c));
	const struct geoloc_profile_conf *pc;
	struct command_filter f;
	enum command_result res = command_filter_init(&f, c, 0);
	size_t n = 0;

	if (res != COMMAND_OK) {
		obj_drop(held);
		return res;
	}
	command_printf(c, "Geolocation Profile Objects:\n");
	for (size_t i = 0; (pc = geoloc_conf_profile_at(held, i)); i++) {
		struct geoloc_profile *p = NULL;

		if (!command_filter_has(&f, pc->place.name))
			continue;
		if (geoloc_profile_of_conf(&p, held, pc))
			command_printf(c, "\nid:                      %.*s\nlocation_reference:      %.*s (is not there)\n",
				       STR_ARG(pc->place.name), STR_ARG(pc->location_reference));
		else
			show_profile(c, p);
		obj_drop(p);
		n++;
		if (!command_row(c))
			break;
	}
	command_filter_free(&f);
	obj_drop(held);
	command_printf(c, "\nTotal Profile Objects: %zu\n\n", n);
	return COMMAND_OK;
}

static enum command_result show_shapes(struct command_ctx *c)
{
	geoloc_show_shapes(&c->out);
	return COMMAND_OK;
}

static enum command_result reload(struct command_ctx *c)
{
	struct report *r = report_new();
	int err = manage_reload(c->m, STR("res_geolocation"), r);

	if (r)
		command_report(c, r);
	report_free(r);
	command_printf(c, err ? "Geolocation Configuration was not reloaded.\n" : "Geolocation Configuration reloaded.\n");
	return err ? COMMAND_FAILED : COMMAND_OK;
}

static const struct command rows[] = {
	{ "geoloc list locations", "[like <regex>]", "List geolocation.conf's locations", list_locations, false, NULL },
	{ "geoloc list profiles", "[like <regex>]", "List geolocation.conf's profiles", list_profiles, false, NULL },
	{ "geoloc show profiles", "[like <regex>]", "Show geolocation.conf's profiles with their locations", show_profiles, false, NULL },
	{ "geoloc show gml_shape_defs", NULL, "Show what shapes of GML there are", show_shapes, false, NULL },
	{ "geoloc reload", NULL, "Read geolocation.conf again", reload, false, NULL },
};
const struct command_table commands_geoloc = { rows, ARRAY_LEN(rows) };
