/* A MESSAGE on its way out, and where a 3xx sends it then. */
#define LOG_MODULE "message"
#include "base/log.h"
#include "service/message/message.h"
#include "service/place/reach.h"
#include <errno.h>
#include <stdlib.h>

#define MAX_HOPS 5              /* redirections followed for one message */
#define MAX_TARGETS 20          /* URIs tried for one message, all together */

struct target {
	struct text uri;
	double q;
	bool tried;
};

struct delivery {
	struct list link;               /* in message_deliveries() */
	struct service *svc;
	struct reach to;
	struct ua_request *rq;             /* held */
	struct text to_header, from, body, type, headers;
	struct text from_user;          /* the given From was a user only */
	struct target target[MAX_TARGETS];      /* in the order they are tried */
	size_t targets;
	unsigned hops;
	int max_forwards;               /* 0: as the configuration says */
};

static void delivery_free(struct delivery *d)
{
	list_remove(&d->link);
	if (d->rq) {
		ua_request_detach(d->rq);
		obj_drop(d->rq);
	}
	reach_free(&d->to);
	for (size_t i = 0; i < d->targets; i++)
		text_free(&d->target[i].uri);
	text_free(&d->to_header);
	text_free(&d->from);
	text_free(&d->from_user);
	text_free(&d->body);
	text_free(&d->type);
	text_free(&d->headers);
	free(d);
}

void message_deliveries_free(struct list *deliveries)
{
	while (!list_empty(deliveries))
		delivery_free(container_of(deliveries->next, struct delivery, link));
}

/* ---- sending --------------------------------------------------------------- */

static int prepare_request(void *arg, struct ua_request *rq, struct sip_out *out, const struct net_path *path)
{
	struct delivery *d = arg;
	int err;

	if (d->from_user.n && !out->from.n) {
		char tag[SIP_TAG + 1], room[SA_TEXT];
		struct buf host;

		sip_token(d->svc->sip, tag, SIP_TAG);
		buf_init(&host, room, sizeof(room), sizeof(room));
		sa_write_host(&host, &path->local);
		out->from = arena_printf(out->arena, "<sip:%s@%.*s>;tag=%s", text_z(&d->from_user),
					 STR_ARG(buf_view(&host)), tag);
	}
	err = service_out_prepare(NULL, rq, out, path);
	out->contact = STR_NULL;        /* RFC 3428 4: none in a MESSAGE */
	return err;
}

static void on_response(void *arg, struct ua_request *rq, struct sip_msg *msg);
static void on_failed(void *arg, struct ua_request *rq, int err);

static int send_now(struct delivery *d)
{
	struct ua_request_prm prm = { .arg = d, .response = on_response, .failed = on_failed,
		.prepare = prepare_request };
	struct sip_out *out = reach_out(d->svc, &d->to, SIP_MESSAGE, text_view(&d->from));
	int err;

	if (!out)
		return ENOMEM;
	if (d->to_header.n)
		out->to = sip_out_dup(out, text_view(&d->to_header));
	if (d->max_forwards)
		out->max_forwards = d->max_forwards;
	buf_put(&out->headers, text_view(&d->headers));
	sip_out_body(out, text_view(&d->type), text_view(&d->body));
	err = reach_send(d->svc, &d->to, out, &prm, &d->rq);
	obj_drop(out);
	return err;
}

/* The next URI of those that redirections gave. False: no more. */
static bool send_next(struct delivery *d)
{
	for (size_t i = 0; i < d->targets; i++) {
		struct target *t = &d->target[i];

		if (t->tried)
			continue;
		t->tried = true;
		d->to.contact = obj_drop(d->to.contact);
		log_verbose(3, "MESSAGE to endpoint '%.*s' goes on to %s", STR_ARG(d->to.ep->name), text_z(&t->uri));
		if (!text_set(&d->to.uri, text_view(&t->uri)) && !send_now(d))
			return true;
	}
	return false;
}

/* ---- redirection (RFC 3261 8.1.3.4) ---------------------------------------------- */

static bool was_tried(const struct delivery *d, const struct sip_uri *uri)
{
	for (size_t i = 0; i < d->targets; i++) {
		struct sip_uri u;

		if (d->target[i].tried && !sip_uri_parse(&u, text_view(&d->target[i].uri)) && sip_uri_eq(&u, uri))
			return true;
	}
	return false;
}

/* Behind those that wait, the new ones among themselves by q. */
static void add_target(struct delivery *d, const struct sip_addr *a, size_t first)
{
	struct target t = { .q = 1 };
	struct str q;
	size_t at;

	if (sip_param(a->params, STR("q"), &q) && (str_double(q, &t.q) || !(t.q >= 0 && t.q <= 1)))
		t.q = 1;
	if (d->targets == MAX_TARGETS || text_set(&t.uri, a->uri_text))
		return;
	for (at = d->targets; at > first && d->target[at - 1].q < t.q; at--)
		d->target[at] = d->target[at - 1];
	d->target[at] = t;
	d->targets++;
}

/* True: there is somewhere new to go. */
static bool read_redirect(struct delivery *d, const struct sip_msg *msg)
{
	size_t first = d->targets;
	struct sip_each e = { 0 };
	struct str v;

	if (!d->to.ep->follow_redirect_message)
		return false;
	if (d->hops == MAX_HOPS) {
		log_warning("MESSAGE to endpoint '%.*s': redirected too often", STR_ARG(d->to.ep->name));
		return false;
	}
	while (sip_each(msg, SIP_H_CONTACT, &e, &v)) {
		struct sip_addr a;

		if (!sip_addr_parse(&a, v) && !a.star && sip_uri_is_sip(&a.uri) && !was_tried(d, &a.uri))
			add_target(d, &a, first);
	}
	d->hops += d->targets > first;
	return d->targets > first;
}

static void finish_delivery(struct delivery *d, bool go_on)
{
	ua_request_detach(d->rq);
	d->rq = obj_drop(d->rq);
	if (!go_on || !send_next(d))
		delivery_free(d);
}

static void on_response(void *arg, struct ua_request *rq, struct sip_msg *msg)
{
	struct delivery *d = arg;

	(void)rq;
	if (msg->status < 200)
		return;
	if (msg->status >= 300)
		log_notice("MESSAGE to endpoint '%.*s' was answered with %u", STR_ARG(d->to.ep->name), msg->status);
	/* A 3xx that leads nowhere new ends it: the rest would run in circles too. */
	finish_delivery(d, msg->status >= 400 || (msg->status >= 300 && read_redirect(d, msg)));
}

static void on_failed(void *arg, struct ua_request *rq, int err)
{
	struct delivery *d = arg;

	(void)rq;
	log_notice("MESSAGE to endpoint '%.*s': %s", STR_ARG(d->to.ep->name), strerror(err));
	finish_delivery(d, true);
}

/* ---- from a message ------------------------------------------------------------------ */

static void tell_sender(struct service *svc, const struct message *m, struct str dest, struct str from,
			const struct delivery *d)
{
	struct event *e = event_test(svc->pbx->events, "MSG_FROMTO_URI", "message_send.c", "message_send");

	if (!e)
		return;
	event_put(e, "MdataFrom", from);
	event_put(e, "MsgFrom", text_view(&m->from));
	event_put(e, "MdataDestination", dest);
	event_put(e, "MsgTo", text_view(&m->to));
	event_put(e, "Endpoint", d->to.ep->name);
	event_put(e, "RequestURI", text_view(&d->to.uri));
	event_put(e, "ToURI", text_view(d->to_header.n ? &d->to_header : &d->to.uri));
	event_put(e, "FromURI", text_view(&d->from));
	event_send(svc->pbx->events, e);
}

/* `"Name" <uri>` of a name-addr or a URI. EINVAL: it is neither. */
static int name_addr(struct text *t, struct str s)
{
	struct sip_addr a;
	struct buf b = BUF_INIT;
	int err;

	if (sip_addr_parse(&a, s) || a.star || !sip_uri_is_sip(&a.uri))
		return EINVAL;
	if (a.display.n)
		buf_puts(&b, STR("\""), a.display, STR("\" "));
	buf_puts(&b, STR("<"), a.uri_text, STR(">"));
	err = buf_err(&b) ? ENOMEM : text_set(t, buf_view(&b));
	buf_free(&b);
	return err;
}

static int set_from(struct delivery *d, struct str from)
{
	struct buf b = BUF_INIT;
	int err = from.n ? name_addr(&d->from, from) : 0;

	if (err != EINVAL)
		return err;
	/* No URI: a user, perhaps with a host. */
	if (str_chr(from, '@') < from.n) {
		buf_puts(&b, STR("sip:"), from);
		err = name_addr(&d->from, buf_view(&b));
	} else {
		sip_escape_user(&b, from);
		err = text_set(&d->from_user, buf_view(&b));
	}
	buf_free(&b);
	return err;
}

static int set_to(struct delivery *d, const struct message *m)
{
	struct str to = text_view(&m->to);

	if (str_istarts(to, STR("pjsip:")))
		to = str_skip(to, 6);
	if (str_istarts(to, STR("sip:")) || str_istarts(to, STR("sips:")))
		return name_addr(&d->to_header, to) == ENOMEM ? ENOMEM : 0;
	if (!to.n && d->to.display.n)
		return text_printf(&d->to_header, "\"%s\" <%s>", text_z(&d->to.display), text_z(&d->to.uri));
	return 0;
}

/* Those that the request itself has. */
static bool is_reserved(struct str name)
{
	static const struct str names[] = { STR_INIT("To"), STR_INIT("From"), STR_INIT("Via"), STR_INIT("Route"),
		STR_INIT("Contact"), STR_INIT("Call-ID"), STR_INIT("CSeq"), STR_INIT("Allow"),
		STR_INIT("Content-Length"), STR_INIT("Content-Type"), STR_INIT("Request-URI"),
		STR_INIT("Max-Forwards"), STR_INIT("User-Agent"), STR_INIT("Authorization"),
		STR_INIT("Proxy-Authorization") };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_ieq(names[i], name))
			return true;
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] <= ' ' || name.p[i] == ':')
			return true;
	return !name.n;
}

static int set_content(struct delivery *d, const struct message *m)
{
	struct buf b = BUF_INIT;
	struct str type;
	uint32_t hops;
	int err;

	if (!message_get(m, STR("Content-Type"), &type) || str_chr(type, '/') == type.n)
		type = STR("text/plain");
	list_each(l, &m->data) {
		const struct message_data *h = container_of(l, struct message_data, link);

		if (h->sent && !is_reserved(text_view(&h->name)))
			sip_write_hdr(&b, text_view(&h->name), text_view(&h->value));
		/* One that is passed on has come a hop further. */
		if (h->sent && str_ieq(text_view(&h->name), STR("Max-Forwards")) && !str_u32(text_view(&h->value), &hops) &&
		    hops > 1 && hops <= 255)
			d->max_forwards = (int)hops - 1;
	}
	err = buf_err(&b) ? ENOMEM : text_set(&d->headers, buf_view(&b));
	buf_free(&b);
	if (!err)
		err = text_set(&d->type, type);
	return err ? err : text_set(&d->body, text_view(&m->body));
}

int message_send(struct service *svc, const struct message *m, struct str dest, struct str from)
{
	struct delivery *d;
	struct sip_addr a;
	int err;

	if (!str_istarts(dest, STR("pjsip:")))
		return EPROTONOSUPPORT;
	dest = str_skip(dest, 6);
	d = calloc(1, sizeof(*d));
	if (!d)
		return ENOMEM;
	d->svc = svc;
	list_init(&d->link);
	err = reach_find(svc, dest, &d->to);
	if (err) {
		log_error("MESSAGE: nowhere to send one for '%.*s' to: %s", STR_ARG(dest), strerror(err));
		goto out;
	}
	err = set_from(d, from.n ? from : text_view(&m->from));
	if (!err)
		err = set_to(d, m);
	if (!err)
		err = set_content(d, m);
	if (err)
		goto out;
	if (!sip_addr_parse(&a, text_view(&d->to.uri))) {
		add_target(d, &a, 0);   /* where it went already */
		if (d->targets)
			d->target[0].tried = true;
	}
	tell_sender(svc, m, dest, from, d);
	err = send_now(d);
	if (!err)
		list_append(message_deliveries(svc), &d->link);
 out:
	if (err)
		delivery_free(d);
	return err;
}
