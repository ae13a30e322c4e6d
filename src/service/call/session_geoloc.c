/* Where callers are, in SIP (RFC 6442): the location that comes with an INVITE, and the one that goes
 * with ours, as geoloc_incoming_call_profile and geoloc_outgoing_call_profile of the endpoint say. */
#define LOG_MODULE "geolocation"
#include "base/log.h"
#include "service/call/session.h"
#include "service/geoloc/geoloc.h"
#include <errno.h>

#define PIDF STR("application/pidf+xml")

/* ---- theirs ---------------------------------------------------------------------------------------- */

/* RFC 2392: the id stands in the URI with its reserved characters escaped. */
static bool find_body(const struct sip_msg *msg, struct str value, struct arena *ar, struct str *body)
{
	struct str id = str_sub(value, 5, str_chr(value, '>') - 5);

	if (str_ieq(msg->content_type, PIDF) && msg->body.n) {
		*body = msg->body;
		return true;
	}
	return sip_body_part(msg, sip_unescape(ar, id), body);
}

/* Of a PIDF-LO in the body. */
static int from_body(struct geoloc_profile **out, const struct sip_msg *msg, struct str value, struct arena *ar)
{
	struct str body;
	int err;

	if (!find_body(msg, value, ar, &body)) {
		log_warning("Geolocation '%.*s': there is no such part in the body", STR_ARG(value));
		return ENOENT;
	}
	err = geoloc_pidf_read(out, body);
	if (err == EBADMSG)
		log_warning("Geolocation '%.*s': its part of the body is no PIDF-LO", STR_ARG(value));
	return err ? err : geoloc_profile_set_source(*out, value);
}

/* The first one that is good. NULL: none. */
static struct geoloc_profile *of_values(const struct sip_msg *msg, struct str values, struct arena *ar)
{
	struct geoloc_profile *p = NULL;

	while (values.n && !p) {
		struct str value = str_trim(str_cut_addr(&values, ','));
		int err = str_istarts(value, STR("<cid:")) ? from_body(&p, msg, value, ar) : geoloc_profile_of_uri(&p, value);

		if (err && p)
			p = obj_drop(p);
		if (err == EBADMSG && !str_istarts(value, STR("<cid:")))
			log_warning("Geolocation '%.*s' is no URI between <>", STR_ARG(value));
	}
	return p;
}

static struct geoloc_profile *of_message(const struct sip_msg *msg)
{
	const struct sip_hdr *h, *routing = sip_hdr_named(msg, STR("Geolocation-Routing"), 0);
	struct arena *ar = arena_new(512);
	struct geoloc_profile *p = NULL;
	bool yes = false;

	for (size_t i = 0; ar && !p && (h = sip_hdr_named(msg, STR("Geolocation"), i)); i++)
		p = of_values(msg, sip_unfold(ar, h->value), ar);
	arena_free(ar);
	if (p && routing && !str_bool(str_trim(routing->value), &yes))
		p->allow_routing_use = yes;
	return p;
}

/* That of the configuration, when it has a location. */
static struct geoloc_profile *of_conf(const struct session *s, const struct geoloc_profile_conf *pc)
{
	struct geoloc_profile *p = NULL;

	if (geoloc_profile_of_conf(&p, s->svc->geoloc, pc))
		return NULL;
	return p->list[GEOLOC_EFFECTIVE].n ? p : obj_drop(p);
}

/* Which of both counts; each may be NULL, and both are the function's. */
static struct geoloc_profile *choose(uint8_t precedence, struct geoloc_profile *incoming, struct geoloc_profile *config)
{
	bool first = precedence == GEOLOC_PREFER_INCOMING ? incoming != NULL :
		precedence == GEOLOC_PREFER_CONFIG ? !config : precedence == GEOLOC_DISCARD_CONFIG;

	obj_drop(first ? config : incoming);
	return first ? incoming : config;
}

void session_geoloc_came(struct session *s, const struct sip_msg *msg)
{
	struct str name = s->ep->geoloc_incoming_call_profile;
	const struct geoloc_profile_conf *pc = name.n ? geoloc_conf_profile(s->svc->geoloc, name) : NULL;
	bool came = sip_hdr_named(msg, STR("Geolocation"), 0) != NULL;
	struct geoloc_profile *incoming = NULL, *config = NULL, *p;

	if (!s->ch || (!came && !name.n))
		return;
	if (!pc) {
		log_notice("'%.*s' %s, but %s%.*s%s; nothing of it is kept", STR_ARG(s->ep->name),
			   came ? "says where it is" : "has a location", name.n ? "there is no profile '" :
			   "its endpoint has no geoloc_incoming_call_profile", STR_ARG(name), name.n ? "'" : "");
		return;
	}
	if (pc->profile_precedence != GEOLOC_DISCARD_CONFIG)
		config = of_conf(s, pc);
	if (came && pc->profile_precedence != GEOLOC_DISCARD_INCOMING && !(pc->profile_precedence == GEOLOC_PREFER_CONFIG && config))
		incoming = of_message(msg);
	p = choose(pc->profile_precedence, incoming, config);
	if (!p)
		return;
	p->inheritable = true;
	if (geoloc_set_channel(s->ch, p))
		log_error("out of memory: '%.*s' calls without its location", STR_ARG(s->ep->name));
}

/* ---- ours --------------------------------------------------------------------------------------------- */

static struct geoloc_profile *to_send(struct session *s)
{
	struct str name = s->ep->geoloc_outgoing_call_profile;
	const struct geoloc_profile_conf *pc = name.n ? geoloc_conf_profile(s->svc->geoloc, name) : NULL;
	struct geoloc_profile *own = geoloc_of_channel(s->ch), *p;

	if (name.n && !pc)
		log_error("'%.*s': there is no geolocation profile '%.*s'; the call goes without a location",
			  STR_ARG(s->ep->name), STR_ARG(name));
	if (!pc)
		return NULL;
	/* A copy: functions in its values may change the channel's. */
	p = choose(pc->profile_precedence, own ? geoloc_profile_copy(own) : NULL, of_conf(s, pc));
	if (p && !p->list[GEOLOC_EFFECTIVE].n)
		(void)geoloc_profile_refresh(p, s->svc->geoloc);
	return p;
}

void session_geoloc_prepare(struct session *s)
{
	struct geoloc_profile *p = s->ch ? to_send(s) : NULL;
	struct session_geoloc *g = &s->geoloc;
	struct buf b = BUF_INIT;
	int err;

	if (!p)
		return;
	if (p->format == GEOLOC_URI)
		err = geoloc_uri_write(p, s->ch, text_z(&s->ch->name), &b);
	else
		err = geoloc_pidf_write(p, s->ch, clock_wall_s(s->svc->clock), text_z(&s->ch->name), &b);
	err = err ? err : text_set(p->format == GEOLOC_URI ? &g->uri : &g->body, buf_view(&b));
	err = err ? err : text_set(&g->source, text_view(&p->text[GEOLOC_SOURCE]));
	g->routing = p->allow_routing_use;
	if (err)
		log_error("'%.*s' is called without the location '%s': %s", STR_ARG(s->ep->name), text_z(&p->text[GEOLOC_ID]),
			  err == EBADMSG ? "it is none" : strerror(err));
	if (err) {
		text_free(&g->uri);
		text_free(&g->body);
	}
	buf_free(&b);
	obj_drop(p);
}

/* "x1y2z@host", as unique as the dialog is. */
static void write_id(const struct session *s, struct buf *b)
{
	const struct sip_dialog *d = session_dialog(s);
	struct sip_addr from;

	buf_puts(b, d ? d->local_tag : STR("location"), STR("@"),
		 d && !sip_addr_parse(&from, d->local) && from.uri.host.n ? from.uri.host : STR("localhost"));
}

void session_geoloc_headers(struct session *s, struct buf *h)
{
	const struct session_geoloc *g = &s->geoloc;

	if (!g->uri.n && !g->body.n)
		return;
	buf_put(h, STR("Geolocation: <"));
	if (g->body.n) {
		buf_put(h, STR("cid:"));
		write_id(s, h);
	} else {
		buf_put(h, text_view(&g->uri));
	}
	buf_char(h, '>');
	if (geoloc_is_host_name(text_view(&g->source)))
		buf_puts(h, STR(";loc-src="), text_view(&g->source));
	buf_puts(h, STR("\r\nGeolocation-Routing: "), g->routing ? STR("yes") : STR("no"), STR("\r\n"));
}

size_t session_geoloc_parts(struct session *s, enum ua_invite_message kind, struct ua_part *p)
{
	struct session_geoloc *g = &s->geoloc;
	struct buf b = BUF_INIT;

	if (kind != UA_INVITE_REQUEST || !g->body.n)
		return 0;
	buf_put(&b, STR("Content-ID: <"));
	write_id(s, &b);
	buf_put(&b, STR(">\r\n"));
	if (buf_err(&b) || text_set(&g->part_headers, buf_view(&b))) {
		buf_free(&b);
		return 0;
	}
	buf_free(&b);
	*p = (struct ua_part){ .type = PIDF, .headers = text_view(&g->part_headers), .body = text_view(&g->body) };
	return 1;
}

void session_geoloc_free(struct session *s)
{
	text_free(&s->geoloc.uri);
	text_free(&s->geoloc.body);
	text_free(&s->geoloc.source);
	text_free(&s->geoloc.part_headers);
}
