/* pjsip show ... and pjsip list ...: what scripts read. The rows they print are in pjsip_rows.c. */
#include "manage/pjsip_rows.h"
#include "pbx/channel.h"
#include "service/call/session.h"
#include <stdlib.h>

static const char rule[] =
	"==========================================================================================\n\n";

static const struct pjsip_lister *lister_of(const struct command_ctx *c, bool *many)
{
	struct str words = str_z(c->cmd->words);

	return pjsip_lister_of(str_skip(words, str_rchr(words, ' ') + 1), many);
}

static size_t each_object(struct pjsip_listing *p, const struct pjsip_lister *l, const struct command_filter *f,
			  bool *first)
{
	size_t n, found = 0;
	const struct object **v = view_sorted(p->c->m, p->conf, l->type, &n);

	for (size_t i = 0; i < n; i++) {
		if (!command_filter_has(f, v[i]->name))
			continue;
		if (*first) {
			command_put(p->c, STR("\n"));
			l->header(p);
			command_put(p->c, str_z(rule));
			*first = false;
		}
		l->body(p, v[i]);
		found++;
		if (!command_row(p->c))
			break;
	}
	free(v);
	return found;
}

static size_t each_contact(struct pjsip_listing *p, const struct pjsip_lister *l, const struct command_filter *f,
			   bool *first)
{
	size_t n, found = 0;
	struct contact **v = view_contacts(p->c->m, &n);

	for (size_t i = 0; i < n; i++) {
		if (!v[i]->loc || !command_filter_has(f, v[i]->id))
			continue;
		if (*first) {
			command_put(p->c, STR("\n"));
			l->header(p);
			command_put(p->c, str_z(rule));
			*first = false;
		}
		l->body(p, v[i]);
		found++;
		if (!command_row(p->c))
			break;
	}
	view_contacts_free(v, n);
	return found;
}

static size_t each_channel(struct pjsip_listing *p, const struct pjsip_lister *l, const struct command_filter *f,
			   bool *first)
{
	struct map_walk w = { 0 };
	struct channel *ch;
	size_t found = 0;

	while ((ch = channel_walk_next(p->svc->pbx, &w))) {
		if (session_of_channel(ch) && command_filter_has(f, text_view(&ch->name))) {
			if (*first) {
				command_put(p->c, STR("\n"));
				l->header(p);
				command_put(p->c, str_z(rule));
				*first = false;
			}
			l->body(p, ch);
			found++;
		}
		if (!command_row(p->c))
			break;
	}
	map_walk_end(&w);
	return found;
}

static void print_all(struct pjsip_listing *p, const struct pjsip_lister *l, const struct command_filter *f)
{
	bool first = true;
	size_t n;

	if (l->of == LIST_OBJECTS)
		n = each_object(p, l, f, &first);
	else if (l->of == LIST_CONTACTS)
		n = each_contact(p, l, f, &first);
	else
		n = each_channel(p, l, f, &first);
	if (n)
		command_printf(p->c, "\nObjects found: %zu\n\n", n);
	else
		command_printf(p->c, "No objects found.\n\n");
}

static const void *find_contact(struct pjsip_listing *p, struct str name)
{
	struct contact *c = contact_by_id(p->svc, name);
	struct location *l;
	struct str uri = name, aor;

	if (c)
		return c;
	aor = str_cut_raw(&uri, '/');
	l = location_get(p->svc, aor, false);
	if (l)
		list_each(e, &l->contacts)
			if (str_eq(container_of(e, struct contact, link)->uri, uri))
				return container_of(e, struct contact, link);
	return NULL;
}

static const void *find_channel(struct pjsip_listing *p, struct str name)
{
	struct channel *ch = channel_by_name(p->svc->pbx, name);
	struct buf b = BUF_INIT;

	if (!ch) {
		buf_puts(&b, STR("PJSIP/"), name);
		ch = channel_by_name(p->svc->pbx, buf_view(&b));
		buf_free(&b);
	}
	return ch && session_of_channel(ch) ? ch : NULL;
}

static void print_one(struct pjsip_listing *p, const struct pjsip_lister *l, struct str name)
{
	const void *o;

	if (l->of == LIST_OBJECTS)
		o = snapshot_get(p->conf, l->type, name);
	else
		o = l->of == LIST_CONTACTS ? find_contact(p, name) : find_channel(p, name);
	if (!o) {
		command_printf(p->c, "Unable to find object %.*s.\n\n", STR_ARG(name));
		return;
	}
	command_put(p->c, STR("\n"));
	l->header(p);
	command_put(p->c, str_z(rule));
	l->body(p, o);
	command_put(p->c, STR("\n"));
}

static enum command_result run_lister(struct command_ctx *c, bool recurse)
{
	struct command_filter f;
	struct pjsip_listing p = { .c = c, .svc = c->m->service, .recurse = recurse };
	enum command_result res;
	bool many = false;
	const struct pjsip_lister *l = lister_of(c, &many);

	if (!l || !p.svc)
		return COMMAND_FAILED;
	if (!many && !c->args) {
		command_printf(c, "No object specified.\n");
		return COMMAND_FAILED;
	}
	res = many ? command_filter_init(&f, c, 0) : COMMAND_OK;
	if (res != COMMAND_OK)
		return res;
	p.conf = obj_hold(p.svc->conf);
	p.details = !many;
	if (recurse && l->type == OBJECT_ENDPOINT)
		p.ids = view_identifies_new(c->m, p.conf);
	if (many) {
		print_all(&p, l, &f);
		command_filter_free(&f);
	} else {
		print_one(&p, l, c->arg[0]);
	}
	view_identifies_free(p.ids);
	obj_drop(p.conf);
	return COMMAND_OK;
}

static enum command_result show_all(struct command_ctx *c) { return run_lister(c, true); }
static enum command_result list_all(struct command_ctx *c) { return run_lister(c, false); }

#define LIKE "[like <regex>]"
static const struct command rows[] = {
	{ "pjsip show endpoints", LIKE, "Endpoints with their auths, AORs, contacts and channels", show_all, false, NULL },
	{ "pjsip show endpoint", "<name>", "All about an endpoint", show_all, false, NULL },
	{ "pjsip show aors", LIKE, "AORs with their contacts", show_all, false, NULL },
	{ "pjsip show aor", "<name>", "All about an AOR", show_all, false, NULL },
	{ "pjsip show auths", LIKE, "Auths", show_all, false, NULL },
	{ "pjsip show auth", "<name>", "All about an auth", show_all, false, NULL },
	{ "pjsip show contacts", LIKE, "Contacts and whether they answer", show_all, false, NULL },
	{ "pjsip show contact", "<id or aor/uri>", "All about a contact", show_all, false, NULL },
	{ "pjsip show transports", LIKE, "Transports", show_all, false, NULL },
	{ "pjsip show transport", "<name>", "All about a transport", show_all, false, NULL },
	{ "pjsip show identifies", LIKE, "Rules that identify by address, header or URI", show_all, false, NULL },
	{ "pjsip show identify", "<name>", "All about such a rule", show_all, false, NULL },
	{ "pjsip show registrations", LIKE, "Outbound registrations", show_all, false, NULL },
	{ "pjsip show registration", "<name>", "All about an outbound registration", show_all, false, NULL },
	{ "pjsip show channels", LIKE, "PJSIP channels", show_all, false, NULL },
	{ "pjsip show channelstats", LIKE, "Packets, loss and jitter of PJSIP channels", show_all, false, NULL },
	{ "pjsip show channel", "<name>", "A PJSIP channel", show_all, false, NULL },
	{ "pjsip list endpoints", LIKE, "Endpoints, a line each", list_all, false, NULL },
	{ "pjsip list aors", LIKE, "AORs, a line each", list_all, false, NULL },
	{ "pjsip list auths", LIKE, "Auths, a line each", list_all, false, NULL },
	{ "pjsip list contacts", LIKE, "Contacts, a line each", list_all, false, NULL },
	{ "pjsip list transports", LIKE, "Transports, a line each", list_all, false, NULL },
	{ "pjsip list identifies", LIKE, "Identify rules, a line each", list_all, false, NULL },
	{ "pjsip list registrations", LIKE, "Outbound registrations, a line each", list_all, false, NULL },
	{ "pjsip list channels", LIKE, "PJSIP channels, a line each", list_all, false, NULL },
};
const struct command_table commands_pjsip = { rows, ARRAY_LEN(rows) };
