/* NOTIFY on demand: pjsip_notify.conf, and the requests to endpoints, URIs and calls. */
#define LOG_MODULE "notify"
#include "service/message/notify.h"
#include "base/log.h"
#include "pbx/dialplan.h"
#include "service/place/reach.h"
#include "service/call/session.h"
#include <errno.h>
#include <stdlib.h>

#define ITEMS_MAX 64            /* of one PJSIPNotify() */

/* ---- pjsip_notify.conf ----------------------------------------------------- */

struct notify_conf {            /* obj */
	struct arena *arena;            /* held */
	struct notify_kind *v;
	size_t n;
};

static void conf_free(void *arg)
{
	arena_free(((struct notify_conf *)arg)->arena);
}

static int read_kind(struct arena *a, const struct config_section *s, struct notify_kind *k)
{
	struct notify_item *item;
	size_t n = 0;

	for (const struct config_var *v = s->first; v; v = v->next)
		n++;
	item = n ? arena_alloc(a, n * sizeof(*item)) : NULL;
	if (n && !item)
		return ENOMEM;
	k->name = arena_dup(a, s->name);
	k->v = item;
	for (const struct config_var *v = s->first; v; v = v->next) {
		item->name = arena_dup(a, v->name);
		item->value = arena_dup(a, v->value);
		if (!item->name.p || !item->value.p)
			return ENOMEM;
		item++;
		k->n++;
	}
	return k->name.p ? 0 : ENOMEM;
}

int notify_conf_build(struct notify_conf **out, const struct config *c)
{
	struct notify_conf *nc = obj_new(sizeof(*nc), conf_free);
	int err = 0;

	if (!nc)
		return ENOMEM;
	nc->arena = arena_new(0);
	nc->v = nc->arena ? arena_alloc(nc->arena, (config_section_count(c) + 1) * sizeof(*nc->v)) : NULL;
	if (!nc->v)
		err = ENOMEM;
	for (const struct config_section *s = config_first(c); s && !err; s = config_next(s))
		if (!str_ieq(s->name, STR("general")))
			err = read_kind(nc->arena, s, &nc->v[nc->n++]);
	if (err)
		obj_drop(nc);
	else
		*out = nc;
	return err;
}

int notify_conf_load(struct notify_conf **out, const struct config_prm *prm, struct report *r)
{
	struct config *c = NULL;
	int err = config_load(&c, prm, "pjsip_notify.conf", r);

	if (err == ENOENT)
		err = config_parse(&c, prm, STR("pjsip_notify.conf"), STR_NULL, r);
	if (!err)
		err = notify_conf_build(out, c);
	config_free(c);
	return err;
}

void notify_set_conf(struct service *svc, struct notify_conf *c)
{
	obj_hold(c);
	obj_drop(svc->notify);
	svc->notify = c;
}

void notify_free(struct service *svc)
{
	svc->notify = obj_drop(svc->notify);
}

const struct notify_kind *notify_kind(const struct service *svc, struct str name)
{
	const struct notify_conf *c = svc->notify;

	for (size_t i = 0; c && i < c->n; i++)
		if (str_ieq(c->v[i].name, name))
			return &c->v[i];
	return NULL;
}

/* ---- what a NOTIFY says ---------------------------------------------------------- */

/* The request's own headers are not for others to set. */
static bool is_reserved(struct str name)
{
	static const struct str names[] = { STR_INIT("Call-ID"), STR_INIT("Contact"), STR_INIT("CSeq"),
		STR_INIT("To"), STR_INIT("From"), STR_INIT("Record-Route"), STR_INIT("Route"),
		STR_INIT("Request-URI"), STR_INIT("Via"), STR_INIT("Content-Length"), STR_INIT("Max-Forwards"),
		STR_INIT("Authorization"), STR_INIT("Proxy-Authorization") };

	enum sip_hdr_id id = sip_hdr_id_of(name);

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_ieq(names[i], name) || (id != SIP_H_OTHER && id == sip_hdr_id_of(names[i])))
			return true;    /* compact forms too */
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] <= ' ' || name.p[i] == ':')
			return true;
	return !name.n;
}

/* The header id, so that "o" counts as "Event". */
static bool is_header(struct str name, enum sip_hdr_id id)
{
	return sip_hdr_id_of(name) == id;
}

static int fill_request(struct sip_out *out, const struct notify_item *v, size_t n)
{
	struct str type = STR_NULL;
	struct buf body = BUF_INIT;
	bool event = false, state = false, content = false;
	int err;

	for (size_t i = 0; i < n; i++) {
		if (is_header(v[i].name, SIP_H_CONTENT_TYPE)) {
			type = v[i].value;
		} else if (str_ieq(v[i].name, STR("Content"))) {
			buf_puts(&body, content ? STR("\r\n") : STR_NULL, v[i].value);
			content = true;
		} else if (is_header(v[i].name, SIP_H_CONTENT_LENGTH)) {
			log_debug(1, "a NOTIFY's Content-Length is counted, not set");  /* many files have it */
		} else if (is_reserved(v[i].name)) {
			log_warning("a NOTIFY's header '%.*s' cannot be set", STR_ARG(v[i].name));
		} else if (is_header(v[i].name, SIP_H_EVENT) && event) {
			log_warning("a NOTIFY has one Event header; '%.*s' is left out", STR_ARG(v[i].value));
		} else {
			event |= is_header(v[i].name, SIP_H_EVENT);
			state |= is_header(v[i].name, SIP_H_SUBSCRIPTION_STATE);
			sip_out_header(out, v[i].name, v[i].value);
		}
	}
	/* RFC 6665 4.1.3: it must be there, and there is no subscription. */
	if (!state)
		sip_out_header(out, STR("Subscription-State"), STR("terminated"));
	if (type.n)
		sip_out_body(out, type, buf_view(&body));
	else if (content)
		log_warning("a NOTIFY's content needs a Content-type; it is left out");
	err = buf_err(&body) || buf_err(&out->headers) ? ENOMEM : 0;
	buf_free(&body);
	return err;
}

static int send_to(struct service *svc, const struct reach *r, const struct notify_item *v, size_t n)
{
	struct sip_out *out = reach_out(svc, r, SIP_NOTIFY, STR_NULL);
	struct ua_request_prm prm = { 0 };
	int err = out ? fill_request(out, v, n) : ENOMEM;

	if (!err)
		err = reach_send(svc, r, out, &prm, NULL);
	obj_drop(out);
	return err;
}

int notify_endpoint(struct service *svc, struct str name, const struct notify_item *v, size_t n)
{
	const struct endpoint *ep = snapshot_endpoint(svc->conf, name);
	int first = 0;

	if (!ep)
		return ENOENT;
	for (size_t i = 0; i < ep->aor_n; i++) {
		struct location *l = location_get(svc, ep->aor_objs[i]->name, false);

		if (!l)
			continue;
		list_each(p, &l->contacts) {
			struct reach r;
			int err = reach_contact(svc, ep, container_of(p, struct contact, link), &r);

			if (!err) {
				err = send_to(svc, &r, v, n);
				reach_free(&r);
			}
			first = first ? first : err;
		}
	}
	/* ENOENT is for the endpoint only. */
	return first == ENOENT ? EHOSTUNREACH : first;
}

int notify_uri(struct service *svc, struct str uri, const struct notify_item *v, size_t n)
{
	struct reach r;
	int err = reach_find(svc, uri, &r);

	if (err) {
		log_warning("NOTIFY: nowhere to send one for '%.*s' to: %s", STR_ARG(uri), strerror(err));
		return err;
	}
	err = send_to(svc, &r, v, n);
	reach_free(&r);
	return err;
}

int notify_channel(struct channel *ch, const struct notify_item *v, size_t n)
{
	struct session *s = session_of_channel(ch);
	struct sip_dialog *d = s ? session_dialog(s) : NULL;
	struct sip_out *out;
	int err;

	if (!s)
		return ENOENT;
	/* Before the first response with a tag there is no dialog yet: theirs or ours. */
	if (!d || !d->remote_tag.n || (session_is_ringing(s) && s->sent_status <= 100))
		return ENOTCONN;
	out = sip_dialog_request(d, SIP_NOTIFY);
	if (!out)
		return ENOMEM;
	err = fill_request(out, v, n);
	if (!err)
		err = ua_invite_send(s->iv, out, NULL);
	obj_drop(out);
	return err;
}

/* ---- PJSIPNotify([to],kind|&Header=value&...) ----------------------------------------- */

/* What has no "=" is none. The last comes first, as in Asterisk: lines of Content are written
 * by people who have seen that. */
static size_t cut_headers(struct str text, struct notify_item *v)
{
	size_t n = 0;

	while (text.n && n < ITEMS_MAX) {
		struct str one = str_cut_raw(&text, '&');
		bool has_value = str_chr(one, '=') < one.n;
		struct str name = str_trim(str_cut_raw(&one, '='));

		if (name.n && has_value)
			v[n++] = (struct notify_item){ name, one };
	}
	for (size_t i = 0; i < n / 2; i++) {
		struct notify_item first = v[i];

		v[i] = v[n - 1 - i];
		v[n - 1 - i] = first;
	}
	return n;
}

int app_pjsip_notify_run(struct channel *ch, struct str data)
{
	struct service *svc = ch->pbx->service;
	struct notify_item items[ITEMS_MAX];
	const struct notify_item *v = items;
	const struct notify_kind *k;
	struct args a;
	struct str to;
	size_t n;
	int err;

	if (!svc || !data.n || args_split(&a, data, ',', 2))
		return -1;
	to = str_trim(a.v[0]);
	k = notify_kind(svc, str_trim(a.v[1]));
	if (k) {
		v = k->v;
		n = k->n;
	} else {
		n = cut_headers(a.v[1], items);
	}
	err = !n ? EINVAL : to.n ? notify_uri(svc, to, v, n) : notify_channel(ch, v, n);
	if (err)
		log_warning("PJSIPNotify(%.*s): %s", STR_ARG(data), strerror(err));
	args_free(&a);
	/* Whether anybody is there to get it is not the call's affair. */
	return !to.n && (err == ENOENT || err == ENOTCONN) ? -1 : 0;
}
