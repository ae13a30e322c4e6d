/* pjsip show ... and pjsip list ...: the tables that scripts read. Their layout
 * is Asterisk's, to the column. */
#include "manage/command.h"
#include "manage/pjsip_view.h"
#include "pbx/channel.h"
#include "service/session.h"
#include <math.h>
#include <stdlib.h>

#define FILLER ".........................................................................................."
#define WIDTH 90                /* of the longest lines */
#define TABSTOP 62              /* where the second column begins */
#define INDENT(p) ((int)((p)->level * 2 + 9))

struct pj {
	struct command_ctx *c;
	struct service *svc;
	struct snapshot *conf;          /* held */
	struct view_identifies *ids;    /* held; of listings of endpoints */
	unsigned level;
	bool recurse, details;
	const char *direction;          /* of an auth: "In", "Out", "" */
};

struct lister {
	const char *one, *many;         /* "aor", "aors" */
	enum object_type type;          /* OBJECT_TYPES: no object of pjsip.conf */
	void (*header)(struct pj *p);
	void (*body)(struct pj *p, const void *o);
};

static void details(struct pj *p, const void *o);

static int fit(int n) { return n > 0 ? n : 0; }

/* ---- auth ------------------------------------------------------------- */

static void auth_header(struct pj *p)
{
	int n = fit(WIDTH - INDENT(p) - 20);

	command_printf(p->c, "%*s:  <AuthId/UserName%*.*s>\n", INDENT(p), "I/OAuth", n, n, FILLER);
}

static void auth_body(struct pj *p, const void *o)
{
	const struct auth_conf *a = o;
	char title[16];

	snprintf(title, sizeof(title), "%sAuth", p->direction ? p->direction : "");
	command_printf(p->c, "%*s:  %.*s/%.*s\n", INDENT(p), title, STR_ARG(a->name), STR_ARG(a->username));
	details(p, o);
}

/* ---- contact ---------------------------------------------------------- */

static void contact_header(struct pj *p)
{
	int n = fit(TABSTOP - INDENT(p) - 23);

	command_printf(p->c, "%*s:  <Aor/ContactUri%*.*s> <Hash....> <Status> <RTT(ms)..>\n", INDENT(p), "Contact", n, n,
		       FILLER);
}

static struct str contact_aor_name(const struct contact *c)
{
	struct str id = c->id;

	/* "aor;@hash": the hash is 32 long. */
	return str_sub(id, 0, id.n > 34 ? id.n - 34 : 0);
}

static void contact_details(struct pj *p, const struct contact *c);

static void contact_body(struct pj *p, const void *o)
{
	const struct contact *c = o;
	struct str aor = contact_aor_name(c), hash = str_skip(c->id, aor.n + 2);
	int n = fit(TABSTOP - INDENT(p) - 9 - (int)aor.n + 1);

	command_printf(p->c, "%*s:  %.*s/%-*.*s %-10.*s %-7.7s %11.3f\n", INDENT(p), "Contact", STR_ARG(aor), n, n,
		       c->uri.p, STR_ARG(str_sub(hash, 0, 10)), contact_status_short(c->status),
		       c->status == CONTACT_REACHABLE ? (double)c->rtt_us / 1000.0 : (double)NAN);
	if (p->details && !p->level)
		contact_details(p, c);
}

/* ---- aor -------------------------------------------------------------- */

static void aor_header(struct pj *p)
{
	int n = fit(TABSTOP - INDENT(p) - 7);

	command_printf(p->c, "%*s:  <Aor%*.*s>  <MaxContact>\n", INDENT(p), "Aor", n, n, FILLER);
	if (p->recurse) {
		p->level++;
		contact_header(p);
		p->level--;
	}
}

static void aor_body(struct pj *p, const void *o)
{
	const struct aor *a = o;
	struct location *l = location_get(p->svc, a->name, false);
	int n = fit(TABSTOP - INDENT(p) - 12);

	command_printf(p->c, "%*s:  %-*.*s %12u\n", INDENT(p), "Aor", n, n > (int)a->name.n ? (int)a->name.n : n, a->name.p,
		       a->max_contacts);
	if (p->recurse) {
		p->level++;
		if (l)
			list_each(e, &l->contacts)
				contact_body(p, container_of(e, struct contact, link));
		p->level--;
		if (!p->level)
			command_put(p->c, STR("\n"));
	}
	details(p, o);
}

/* ---- transport -------------------------------------------------------- */

static void transport_header(struct pj *p)
{
	int n = fit(WIDTH - INDENT(p) - 61);

	command_printf(p->c, "%*s:  <TransportId........>  <Type>  <cos>  <tos>  <BindAddress%*.*s>\n", INDENT(p),
		       "Transport", n, n, FILLER);
}

static void transport_body(struct pj *p, const void *o)
{
	static const char *const types[] = { "udp", "tcp", "tls", "ws", "wss", "flow" };
	const struct transport_conf *t = o;
	const struct service_transport *open = service_transport(p->svc, t->name);
	char text[SA_TEXT];

	command_printf(p->c, "%*s:  %-21.*s  %6s  %5u  %5u  %s\n", INDENT(p), "Transport", STR_ARG(t->name),
		       t->protocol < ARRAY_LEN(types) ? types[t->protocol] : "Unknown", t->cos, t->tos,
		       sa_text(open ? &open->bound : &t->bind, text));
	details(p, o);
}

/* ---- identify --------------------------------------------------------- */

static void identify_header(struct pj *p)
{
	int n = fit(WIDTH - INDENT(p) - 22);

	command_printf(p->c, "%*s:  <Identify/Endpoint%*.*s>\n", INDENT(p), "Identify", n, n, FILLER);
	if (!p->recurse)
		return;
	p->level++;
	n = fit(TABSTOP - INDENT(p) - 24);
	command_printf(p->c, "%*s:  <criteria%*.*s>\n", INDENT(p), "Match", n, n, FILLER);
	p->level--;
}

static void identify_matches(struct pj *p, const struct identify_conf *i)
{
	char text[SA_TEXT];

	for (size_t k = 0; k < i->net_n; k++) {
		const struct netmask *m = &i->nets[k];
		struct sa a = m->base;

		sa_set_port(&a, m->port);
		command_printf(p->c, "%*s: %s%s/%u\n", INDENT(p), "Match", m->invert ? "!" : "",
			       m->port ? sa_text(&a, text) : sa_text_bare(&a, text), m->bits);
	}
	for (size_t k = 0; k < i->hosts.n; k++)
		command_printf(p->c, "%*s: %.*s\n", INDENT(p), "Match", STR_ARG(i->hosts.v[k]));
	if (i->match_header.n)
		command_printf(p->c, "%*s: %.*s\n", INDENT(p), "Header", STR_ARG(i->match_header));
	if (i->match_request_uri.n)
		command_printf(p->c, "%*s: %.*s\n", INDENT(p), "RequestURI", STR_ARG(i->match_request_uri));
}

static void identify_body(struct pj *p, const void *o)
{
	const struct identify_conf *i = o;

	command_printf(p->c, "%*s:  %.*s/%.*s\n", INDENT(p), "Identify", STR_ARG(i->name), STR_ARG(i->endpoint));
	if (p->recurse) {
		p->level++;
		identify_matches(p, i);
		p->level--;
		if (!p->level)
			command_put(p->c, STR("\n"));
	}
	details(p, o);
}

/* ---- channel ---------------------------------------------------------- */

static void channel_header(struct pj *p)
{
	int n = fit(TABSTOP - INDENT(p) - 13);

	command_printf(p->c, "%*s:  <ChannelId%*.*s>  <State.....>  <Time.....>\n", INDENT(p), "Channel", n, n, FILLER);
	if (!p->recurse)
		return;
	p->level++;
	n = fit(TABSTOP - INDENT(p) - 38);
	command_printf(p->c, "%*s: <DialedExten%*.*s>  CLCID: <ConnectedLineCID.......>\n", INDENT(p), "Exten", n, n,
		       FILLER);
	p->level--;
}

static void channel_body(struct pj *p, const void *o)
{
	const struct channel *ch = o;
	int n = fit(TABSTOP - INDENT(p));
	struct buf name = BUF_INIT, when = BUF_INIT;

	buf_puts(&name, text_view(&ch->name), STR("/"), text_view(&ch->app));
	view_hms(&when, clock_wall_s(p->c->m->clock) - ch->created);
	command_printf(p->c, "%*s: %-*.*s %-12.12s  %-11.11s\n", INDENT(p), "Channel", n, n, buf_z(&name),
		       channel_state_name(ch->state), buf_z(&when));
	buf_free(&name);
	buf_free(&when);
	if (!p->recurse)
		return;
	p->level++;
	n = fit(TABSTOP - INDENT(p) - 25);
	command_printf(p->c, "%*s: %-*.*s  CLCID: \"%s\" <%s>\n", INDENT(p), "Exten", n, n, text_z(&ch->exten),
		       text_z(&ch->connected.name), text_z(&ch->connected.number));
	p->level--;
	if (!p->level)
		command_put(p->c, STR("\n"));
}

/* ---- endpoint --------------------------------------------------------- */

static void endpoint_header(struct pj *p)
{
	command_printf(p->c, " Endpoint:  <Endpoint/CID.....................................>  <State.....>  <Channels.>\n");
	if (!p->recurse)
		return;
	p->level++;
	auth_header(p);
	aor_header(p);
	transport_header(p);
	identify_header(p);
	channel_header(p);
	p->level--;
}

static void endpoint_children(struct pj *p, const struct endpoint *ep)
{
	const struct endpoint_state *st = endpoint_state_get(p->svc, ep->name, false);
	const struct identify_conf *id;

	p->direction = "Out";
	for (size_t i = 0; i < ep->outbound_auths.n; i++)
		auth_body(p, ep->outbound_auths.v[i]);
	p->direction = "In";
	for (size_t i = 0; i < ep->auth_n; i++)
		auth_body(p, ep->auth_objs[i]);
	for (size_t i = 0; i < ep->aor_n; i++)
		aor_body(p, ep->aor_objs[i]);
	if (ep->transport_obj)
		transport_body(p, ep->transport_obj);
	for (size_t i = 0; (id = view_identify(p->ids, ep->name, i)); i++)
		identify_body(p, id);
	if (st)
		list_each(l, &st->sessions) {
			const struct session *s = container_of(l, struct session, by_endpoint);

			if (s->ch)
				channel_body(p, s->ch);
		}
}

static void endpoint_body(struct pj *p, const void *o)
{
	const struct endpoint *ep = o;
	int n = fit(TABSTOP - INDENT(p) - 2);
	struct buf name = BUF_INIT;

	buf_put(&name, ep->name);
	if (ep->callerid_num.n)
		buf_puts(&name, STR("/"), ep->callerid_num);
	command_printf(p->c, "%*s:  %-*.*s  %-12.12s  %u of ", INDENT(p), "Endpoint", n, n, buf_z(&name),
		       view_device_state(p->svc, ep->name), view_channels(p->svc, ep->name));
	if (ep->device_state_busy_at)
		command_printf(p->c, "%u\n", ep->device_state_busy_at);
	else
		command_printf(p->c, "inf\n");
	buf_free(&name);
	if (p->recurse) {
		p->level++;
		endpoint_children(p, ep);
		p->level--;
		if (!p->level)
			command_put(p->c, STR("\n"));
	}
	details(p, o);
}

/* ---- registration ----------------------------------------------------- */

static void registration_header(struct pj *p)
{
	command_printf(p->c, " <Registration/ServerURI..............................>  <Auth....................>  "
		       "<Status.......>\n");
}

static void registration_body(struct pj *p, const void *o)
{
	const struct registration_conf *r = o;
	int n = fit(53 - (int)r->name.n);
	int64_t left;
	const char *status = view_registration(p->svc, r->name, &left);
	struct str uri = str_sub(r->server_uri, 0, (size_t)n);

	command_printf(p->c, " %.*s/%-*.*s  %-26.*s  %-16s (exp. %llds)\n", STR_ARG(r->name), n, STR_ARG(uri),
		       STR_ARG(r->outbound_auth.n ? r->outbound_auth.v[0] : STR("n/a")), status, (long long)left);
	details(p, o);
}

/* ---- details ---------------------------------------------------------- */

struct detail {
	const char *name;
	char *value;                    /* owned */
};

static int by_detail(const void *a, const void *b)
{
	const struct detail *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void print_details(struct pj *p, struct detail *v, size_t n)
{
	size_t wide = 13, value = 14;
	char line[512];

	qsort(v, n, sizeof(*v), by_detail);
	for (size_t i = 0; i < n; i++) {
		size_t a = strlen(v[i].name), b = v[i].value ? strlen(v[i].value) : 0;

		wide = a > wide ? a : wide;
		value = b > value ? b : value;
	}
	value = wide + value + 3 < sizeof(line) ? wide + value + 3 : sizeof(line) - 1;
	memset(line, '=', value);
	command_printf(p->c, "\n %-*s : %s\n %.*s\n", (int)wide, "ParameterName", "ParameterValue", (int)value, line);
	for (size_t i = 0; i < n; i++) {
		command_printf(p->c, " %-*s : %s\n", (int)wide, v[i].name, v[i].value ? v[i].value : "");
		free(v[i].value);
	}
}

static void details(struct pj *p, const void *obj)
{
	const struct object *o = obj;
	const struct option_set *set = object_options((enum object_type)o->type);
	struct detail *v;
	size_t n = 0;

	if (!p->details || p->level)
		return;
	v = calloc(set->n + 1, sizeof(*v));
	if (!v)
		return;
	option_each(row, set) {
		struct buf b = BUF_INIT;

		if (!view_shown(row))
			continue;
		view_option(p->svc, row, o, false, &b);
		v[n++] = (struct detail){ row->name, buf_take(&b) };
	}
	print_details(p, v, n);
	free(v);
}

static void contact_details(struct pj *p, const struct contact *c)
{
	const struct aor *a = contact_aor(p->svc, c);
	struct detail v[16];
	size_t n = 0;

#define ROW(key, ...) do { \
		struct buf b_ = BUF_INIT; \
		buf_printf(&b_, __VA_ARGS__); \
		v[n++] = (struct detail){ key, buf_take(&b_) }; \
	} while (0)
	ROW("call_id", "%s", c->call_id.p);
	ROW("endpoint", "%s", c->endpoint.p);
	ROW("expiration_time", "%lld", (long long)contact_end_s(c));
	ROW("path", "%s", c->path.p);
	ROW("prune_on_boot", "%s", c->prune_on_boot ? "yes" : "no");
	ROW("reg_server", "%s", c->reg_server.p);
	ROW("uri", "%s", c->uri.p);
	ROW("user_agent", "%s", c->user_agent.p);
	ROW("via_addr", "%s", c->via_addr.p);
	ROW("via_port", "%u", c->via_port);
	if (a) {
		ROW("authenticate_qualify", "%s", a->authenticate_qualify ? "yes" : "no");
		ROW("outbound_proxy", "%.*s", STR_ARG(a->outbound_proxy));
		ROW("qualify_2xx_only", "%s", a->qualify_2xx_only ? "yes" : "no");
		ROW("qualify_frequency", "%u", a->qualify_frequency);
		ROW("qualify_timeout", "%f", a->qualify_timeout);
	}
#undef ROW
	print_details(p, v, n);
}

/* ---- running ---------------------------------------------------------- */

static const struct lister listers[] = {
	{ "endpoint", "endpoints", OBJECT_ENDPOINT, endpoint_header, endpoint_body },
	{ "aor", "aors", OBJECT_AOR, aor_header, aor_body },
	{ "auth", "auths", OBJECT_AUTH, auth_header, auth_body },
	{ "transport", "transports", OBJECT_TRANSPORT, transport_header, transport_body },
	{ "identify", "identifies", OBJECT_IDENTIFY, identify_header, identify_body },
	{ "registration", "registrations", OBJECT_REGISTRATION, registration_header, registration_body },
	{ "contact", "contacts", OBJECT_TYPES, contact_header, contact_body },
	{ "channel", "channels", OBJECT_TYPES, channel_header, channel_body },
};
static const char rule[] =
	"==========================================================================================\n\n";

static const struct lister *lister_of(const struct command_ctx *c, bool *many)
{
	struct str words = str_z(c->cmd->words), last;

	last = str_skip(words, str_rchr(words, ' ') + 1);
	for (size_t i = 0; i < ARRAY_LEN(listers); i++) {
		*many = str_eq(last, str_z(listers[i].many));
		if (*many || str_eq(last, str_z(listers[i].one)))
			return &listers[i];
	}
	return NULL;
}

static size_t each_object(struct pj *p, const struct lister *l, const struct command_filter *f, bool *first)
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

static size_t each_contact(struct pj *p, const struct lister *l, const struct command_filter *f, bool *first)
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

static size_t each_channel(struct pj *p, const struct lister *l, const struct command_filter *f, bool *first)
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

static void all(struct pj *p, const struct lister *l, const struct command_filter *f)
{
	bool first = true;
	size_t n;

	if (l->type != OBJECT_TYPES)
		n = each_object(p, l, f, &first);
	else if (l->body == contact_body)
		n = each_contact(p, l, f, &first);
	else
		n = each_channel(p, l, f, &first);
	if (n)
		command_printf(p->c, "\nObjects found: %zu\n\n", n);
	else
		command_printf(p->c, "No objects found.\n\n");
}

static const void *one_contact(struct pj *p, struct str name)
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

static const void *one_channel(struct pj *p, struct str name)
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

static void one(struct pj *p, const struct lister *l, struct str name)
{
	const void *o;

	if (l->type != OBJECT_TYPES)
		o = snapshot_get(p->conf, l->type, name);
	else
		o = l->body == contact_body ? one_contact(p, name) : one_channel(p, name);
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

static enum command_result show(struct command_ctx *c, bool recurse)
{
	struct command_filter f;
	struct pj p = { .c = c, .svc = c->m->service, .recurse = recurse };
	enum command_result res;
	bool many = false;
	const struct lister *l = lister_of(c, &many);

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
		all(&p, l, &f);
		command_filter_free(&f);
	} else {
		one(&p, l, c->arg[0]);
	}
	view_identifies_free(p.ids);
	obj_drop(p.conf);
	return COMMAND_OK;
}

static enum command_result show_all(struct command_ctx *c) { return show(c, true); }
static enum command_result list(struct command_ctx *c) { return show(c, false); }

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
	{ "pjsip show channel", "<name>", "A PJSIP channel", show_all, false, NULL },
	{ "pjsip list endpoints", LIKE, "Endpoints, a line each", list, false, NULL },
	{ "pjsip list aors", LIKE, "AORs, a line each", list, false, NULL },
	{ "pjsip list auths", LIKE, "Auths, a line each", list, false, NULL },
	{ "pjsip list contacts", LIKE, "Contacts, a line each", list, false, NULL },
	{ "pjsip list transports", LIKE, "Transports, a line each", list, false, NULL },
	{ "pjsip list identifies", LIKE, "Identify rules, a line each", list, false, NULL },
	{ "pjsip list registrations", LIKE, "Outbound registrations, a line each", list, false, NULL },
	{ "pjsip list channels", LIKE, "PJSIP channels, a line each", list, false, NULL },
};
const struct command_table commands_pjsip = { rows, ARRAY_LEN(rows) };
