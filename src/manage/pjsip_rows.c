/* Rows of the tables that pjsip show ... and pjsip list ... print. */
#include "manage/pjsip_rows.h"
#include "pbx/bridge.h"
#include "pbx/channel.h"
#include "service/call/session.h"
#include "service/place/endpoint_state.h"
#include <math.h>
#include <stdlib.h>

#define FILLER ".........................................................................................."
#define WIDTH 90                /* of the longest lines */
#define TABSTOP 62              /* where the second column begins */
#define INDENT(p) ((int)((p)->level * 2 + 9))

static void object_details(struct pjsip_listing *p, const void *o);

static int clip_width(int n) { return n > 0 ? n : 0; }

/* ---- auth ------------------------------------------------------------- */

static void auth_header(struct pjsip_listing *p)
{
	int n = clip_width(WIDTH - INDENT(p) - 20);

	command_printf(p->c, "%*s:  <AuthId/UserName%*.*s>\n", INDENT(p), "I/OAuth", n, n, FILLER);
}

static void auth_body(struct pjsip_listing *p, const void *o)
{
	const struct auth_conf *a = o;
	char title[16];

	snprintf(title, sizeof(title), "%sAuth", p->direction ? p->direction : "");
	command_printf(p->c, "%*s:  %.*s/%.*s\n", INDENT(p), title, STR_ARG(a->name), STR_ARG(a->username));
	object_details(p, o);
}

/* ---- contact ---------------------------------------------------------- */

static void contact_header(struct pjsip_listing *p)
{
	int n = clip_width(TABSTOP - INDENT(p) - 23);

	command_printf(p->c, "%*s:  <Aor/ContactUri%*.*s> <Hash....> <Status> <RTT(ms)..>\n", INDENT(p), "Contact", n, n,
		       FILLER);
}

static struct str contact_aor_name(const struct contact *c)
{
	struct str id = c->id;

	/* "aor;@hash": the hash is 32 long. */
	return str_sub(id, 0, id.n > 34 ? id.n - 34 : 0);
}

static void contact_details(struct pjsip_listing *p, const struct contact *c);

static void contact_body(struct pjsip_listing *p, const void *o)
{
	const struct contact *c = o;
	struct str aor = contact_aor_name(c), hash = str_skip(c->id, aor.n + 2);
	int n = clip_width(TABSTOP - INDENT(p) - 9 - (int)aor.n + 1);

	command_printf(p->c, "%*s:  %.*s/%-*.*s %-10.*s %-7.7s %11.3f\n", INDENT(p), "Contact", STR_ARG(aor), n, n,
		       c->uri.p, STR_ARG(str_sub(hash, 0, 10)), contact_status_short(c->status),
		       c->status == CONTACT_REACHABLE ? (double)c->rtt_us / 1000.0 : (double)NAN);
	if (p->details && !p->level)
		contact_details(p, c);
}

/* ---- aor -------------------------------------------------------------- */

static void aor_header(struct pjsip_listing *p)
{
	int n = clip_width(TABSTOP - INDENT(p) - 7);

	command_printf(p->c, "%*s:  <Aor%*.*s>  <MaxContact>\n", INDENT(p), "Aor", n, n, FILLER);
	if (p->recurse) {
		p->level++;
		contact_header(p);
		p->level--;
	}
}

static void aor_body(struct pjsip_listing *p, const void *o)
{
	const struct aor *a = o;
	struct location *l = location_get(p->svc, a->name, false);
	int n = clip_width(TABSTOP - INDENT(p) - 12);

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
	object_details(p, o);
}

/* ---- transport -------------------------------------------------------- */

static void transport_header(struct pjsip_listing *p)
{
	int n = clip_width(WIDTH - INDENT(p) - 61);

	command_printf(p->c, "%*s:  <TransportId........>  <Type>  <cos>  <tos>  <BindAddress%*.*s>\n", INDENT(p),
		       "Transport", n, n, FILLER);
}

static void transport_body(struct pjsip_listing *p, const void *o)
{
	static const char *const types[] = { "udp", "tcp", "tls", "ws", "wss", "flow" };
	const struct transport_conf *t = o;
	const struct service_transport *open = service_transport(p->svc, t->name);
	char text[SA_TEXT];

	command_printf(p->c, "%*s:  %-21.*s  %6s  %5u  %5u  %s\n", INDENT(p), "Transport", STR_ARG(t->name),
		       t->protocol < ARRAY_LEN(types) ? types[t->protocol] : "Unknown", t->cos, t->tos,
		       sa_text(open ? &open->bound : &t->bind, text));
	object_details(p, o);
}

/* ---- identify --------------------------------------------------------- */

static void identify_header(struct pjsip_listing *p)
{
	int n = clip_width(WIDTH - INDENT(p) - 22);

	command_printf(p->c, "%*s:  <Identify/Endpoint%*.*s>\n", INDENT(p), "Identify", n, n, FILLER);
	if (!p->recurse)
		return;
	p->level++;
	n = clip_width(TABSTOP - INDENT(p) - 24);
	command_printf(p->c, "%*s:  <criteria%*.*s>\n", INDENT(p), "Match", n, n, FILLER);
	p->level--;
}

static void identify_matches(struct pjsip_listing *p, const struct identify_conf *i)
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

static void identify_body(struct pjsip_listing *p, const void *o)
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
	object_details(p, o);
}

/* ---- channel ---------------------------------------------------------- */

static void channel_header(struct pjsip_listing *p)
{
	int n = clip_width(TABSTOP - INDENT(p) - 13);

	command_printf(p->c, "%*s:  <ChannelId%*.*s>  <State.....>  <Time.....>\n", INDENT(p), "Channel", n, n, FILLER);
	if (!p->recurse)
		return;
	p->level++;
	n = clip_width(TABSTOP - INDENT(p) - 38);
	command_printf(p->c, "%*s: <DialedExten%*.*s>  CLCID: <ConnectedLineCID.......>\n", INDENT(p), "Exten", n, n,
		       FILLER);
	p->level--;
}

static void channel_body(struct pjsip_listing *p, const void *o)
{
	const struct channel *ch = o;
	int n = clip_width(TABSTOP - INDENT(p));
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
	n = clip_width(TABSTOP - INDENT(p) - 25);
	command_printf(p->c, "%*s: %-*.*s  CLCID: \"%s\" <%s>\n", INDENT(p), "Exten", n, n, text_z(&ch->exten),
		       text_z(&ch->connected.name), text_z(&ch->connected.number));
	p->level--;
	if (!p->level)
		command_put(p->c, STR("\n"));
}

/* ---- channel statistics ------------------------------------------------- */

static void stats_header(struct pjsip_listing *p)
{
	command_printf(p->c, "                                             ...........Receive......... .........Transmit..........\n"
		       " BridgeId ChannelId ........ UpTime.. Codec.   Count    Lost Pct  Jitter   Count    Lost Pct  Jitter RTT....\n"
		       " =================\n");
}

static void put_count(struct command_ctx *c, uint64_t n)
{
	command_printf(c, " %6llu%s", (unsigned long long)(n > 100000 ? n / 1000 : n), n > 100000 ? "K" : " ");
}

static double at_most(double v)
{
	return v < 999.999 ? v : 999.999;
}

static void put_way(struct command_ctx *c, uint64_t count, uint64_t lost, double jitter_ms)
{
	put_count(c, count);
	put_count(c, lost);
	command_printf(c, " %3llu %7.3f", (unsigned long long)(count ? lost * 100 / count : 0), at_most(jitter_ms / 1000));
}

/* The media thread is asked, so the channel may be gone when it answers. */
static void stats_body(struct pjsip_listing *p, const void *o)
{
	struct channel *ch = obj_hold((void *)(size_t)o);
	struct media_session *m = session_audio(session_of_channel(ch));
	struct buf when = BUF_INIT;
	struct str name = text_view(&ch->name), bridge = ch->bridge ? bridge_id(ch->bridge) : STR_NULL;
	struct media_stats st;
	char id[9];

	view_hms(&when, clock_wall_s(p->c->m->clock) - ch->created);
	str_copy(id, sizeof(id), str_sub(bridge, 0, 8));
	if (!m || session_stats(m, &st)) {
		command_printf(p->c, " %.*s no audio streams\n", STR_ARG(name));
	} else {
		const char *codec = st.rx_format != FORMAT_NONE ? format_get(st.rx_format)->name : "";

		command_printf(p->c, " %8.8s %-18.18s %-8.8s %-6.6s", id, text_z(&ch->name) + 6, buf_z(&when), codec);
		put_way(p->c, st.rx, st.rx_lost, st.rx_jitter_ms);
		put_way(p->c, st.tx, st.remote_lost, st.remote_jitter_ms);
		command_printf(p->c, " %7.3f\n", at_most(st.quality.rtt.mean));
	}
	buf_free(&when);
	obj_drop(ch);
}

/* ---- endpoint --------------------------------------------------------- */

static void endpoint_header(struct pjsip_listing *p)
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

static void endpoint_children(struct pjsip_listing *p, const struct endpoint *ep)
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

static void endpoint_body(struct pjsip_listing *p, const void *o)
{
	const struct endpoint *ep = o;
	int n = clip_width(TABSTOP - INDENT(p) - 2);
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
	object_details(p, o);
}

/* ---- registration ----------------------------------------------------- */

static void registration_header(struct pjsip_listing *p)
{
	command_printf(p->c, " <Registration/ServerURI..............................>  <Auth....................>  "
		       "<Status.......>\n");
}

static void registration_body(struct pjsip_listing *p, const void *o)
{
	const struct registration_conf *r = o;
	int n = clip_width(53 - (int)r->name.n);
	int64_t left;
	const char *status = view_registration(p->svc, r->name, &left);
	struct str uri = str_sub(r->server_uri, 0, (size_t)n);

	command_printf(p->c, " %.*s/%-*.*s  %-26.*s  %-16s (exp. %llds)\n", STR_ARG(r->name), n, STR_ARG(uri),
		       STR_ARG(r->outbound_auth.n ? r->outbound_auth.v[0] : STR("n/a")), status, (long long)left);
	object_details(p, o);
}

/* ---- details ---------------------------------------------------------- */

struct detail {
	char *name, *value;             /* owned */
};

struct details {
	struct detail *v;               /* owned */
	size_t n, cap;
};

static int by_detail(const void *a, const void *b)
{
	const struct detail *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* A row less, when memory is short. */
static void add_detail(struct details *d, struct str name, struct str value)
{
	if (d->n == d->cap) {
		size_t cap = d->cap ? 2 * d->cap : 64;
		struct detail *v = realloc(d->v, cap * sizeof(*v));

		if (!v)
			return;
		d->v = v;
		d->cap = cap;
	}
	d->v[d->n] = (struct detail){ str_dup(name), str_dup(value) };
	if (d->v[d->n].name && d->v[d->n].value) {
		d->n++;
		return;
	}
	free(d->v[d->n].name);
	free(d->v[d->n].value);
}

static void print_details(struct command_ctx *c, struct details *d)
{
	size_t wide = 13, value = 14;
	char line[512];

	if (d->n)
		qsort(d->v, d->n, sizeof(*d->v), by_detail);
	for (size_t i = 0; i < d->n; i++) {
		size_t a = strlen(d->v[i].name), b = strlen(d->v[i].value);

		wide = a > wide ? a : wide;
		value = b > value ? b : value;
	}
	value = wide + value + 3 < sizeof(line) ? wide + value + 3 : sizeof(line) - 1;
	memset(line, '=', value);
	command_printf(c, " %-*s : %s\n %.*s\n", (int)wide, "ParameterName", "ParameterValue", (int)value, line);
	for (size_t i = 0; i < d->n; i++) {
		command_printf(c, " %-*s : %s\n", (int)wide, d->v[i].name, d->v[i].value);
		free(d->v[i].name);
		free(d->v[i].value);
	}
	free(d->v);
	*d = (struct details){ 0 };
}

/* A few lists are a row for each of their elements. */
static bool is_list(const struct object *o, struct str name)
{
	static const struct {
		enum object_type type;
		const char *name;
	} lists[] = {
		{ OBJECT_ENDPOINT, "set_var" }, { OBJECT_AOR, "contact" }, { OBJECT_IDENTIFY, "match" },
		{ OBJECT_TRANSPORT, "local_net" }, { OBJECT_REGISTRATION, "outbound_auth" },
	};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if ((enum object_type)o->type == lists[i].type && str_eq(name, str_z(lists[i].name)))
			return true;
	return false;
}

static void add_elements(struct details *d, struct str name, struct str value)
{
	while (value.n)
		add_detail(d, name, str_trim(str_cut_raw(&value, ',')));
}

static void add_list(struct details *d, struct service *svc, const struct object *o, struct str name, struct str value)
{
	if (o->type == OBJECT_ENDPOINT) {
		const struct endpoint *ep = (const struct endpoint *)(const void *)o;

		for (size_t i = 0; i < ep->set_var->n; i++)
			add_detail(d, ep->set_var->v[i].name, ep->set_var->v[i].value);
	} else if (o->type == OBJECT_AOR) {
		struct location *l = location_get(svc, o->name, false);

		list_each(e, &l->contacts)
			add_detail(d, name, container_of(e, struct contact, link)->uri);
	} else {
		add_elements(d, name, value);
	}
}

void pjsip_print_options(struct command_ctx *c, const struct object *o)
{
	struct details d = { 0 };

	option_each(row, object_options((enum object_type)o->type)) {
		struct str name = str_z(row->name);
		struct buf b = BUF_INIT;

		if (!view_shown(row, o))
			continue;
		view_option(c->m->service, row, o, false, &b);
		if (b.n && is_list(o, name))
			add_list(&d, c->m->service, o, name, buf_view(&b));
		else
			add_detail(&d, name, buf_view(&b));
		buf_free(&b);
	}
	print_details(c, &d);
}

static void object_details(struct pjsip_listing *p, const void *obj)
{
	if (!p->details || p->level)
		return;
	command_put(p->c, STR("\n"));
	pjsip_print_options(p->c, obj);
}

static void contact_details(struct pjsip_listing *p, const struct contact *c)
{
	const struct aor *a = contact_aor(p->svc, c);
	struct details d = { 0 };

#define ROW(key, ...) do { \
		struct buf b_ = BUF_INIT; \
		buf_printf(&b_, __VA_ARGS__); \
		add_detail(&d, STR(key), buf_view(&b_)); \
		buf_free(&b_); \
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
	command_put(p->c, STR("\n"));
	print_details(p->c, &d);
}

/* ---- which there are -------------------------------------------------- */

static const struct pjsip_lister listers[] = {
	{ "endpoint", "endpoints", LIST_OBJECTS, OBJECT_ENDPOINT, endpoint_header, endpoint_body },
	{ "aor", "aors", LIST_OBJECTS, OBJECT_AOR, aor_header, aor_body },
	{ "auth", "auths", LIST_OBJECTS, OBJECT_AUTH, auth_header, auth_body },
	{ "transport", "transports", LIST_OBJECTS, OBJECT_TRANSPORT, transport_header, transport_body },
	{ "identify", "identifies", LIST_OBJECTS, OBJECT_IDENTIFY, identify_header, identify_body },
	{ "registration", "registrations", LIST_OBJECTS, OBJECT_REGISTRATION, registration_header, registration_body },
	{ "contact", "contacts", LIST_CONTACTS, OBJECT_TYPES, contact_header, contact_body },
	{ "channel", "channels", LIST_CHANNELS, OBJECT_TYPES, channel_header, channel_body },
	{ "channelstat", "channelstats", LIST_CHANNELS, OBJECT_TYPES, stats_header, stats_body },
};

const struct pjsip_lister *pjsip_lister_of(struct str word, bool *many)
{
	for (size_t i = 0; i < ARRAY_LEN(listers); i++) {
		*many = str_eq(word, str_z(listers[i].many));
		if (*many || str_eq(word, str_z(listers[i].one)))
			return &listers[i];
	}
	return NULL;
}
