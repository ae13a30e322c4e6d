/* service/call/session_redirect.c -- a 3xx to our INVITE: the URIs of its Contacts in the order of
 * their q (RFC 3261 8.1.3.4), and what redirect_method makes of them: an extension, a call that the
 * dialplan makes, or the same INVITE sent on. */
#define LOG_MODULE "session"
#include "service/call/session.h"
#include "base/log.h"
#include <errno.h>
#include <stdlib.h>

/* Each is asked once, so the number bounds how far a call can be sent round. */
enum { MAX_TARGETS = 32, Q_ONE = 1000 };

/* "0.75" to 750. As in pjproject what says none, or 0, is as good as the best. */
static uint32_t read_q(struct str params)
{
	struct str v;
	double q;

	if (!sip_param(params, STR("q"), &v) || str_double(v, &q) || !(q > 0 && q < 1))
		return Q_ONE;
	return (uint32_t)(q * Q_ONE);
}

static bool is_known(const struct session *s, const struct sip_uri *uri, size_t *n)
{
	struct sip_uri u;

	*n = 0;
	list_each(p, (struct list *)(size_t)&s->targets) {
		const struct session_target *t = container_of(p, struct session_target, link);

		(*n)++;
		if (!sip_uri_parse(&u, text_view(&t->uri)) && sip_uri_eq(&u, uri))
			return true;
	}
	return false;
}

/* Behind those of the same q. */
static void insert(struct session *s, struct session_target *t)
{
	struct list *at = s->targets.next;

	while (at != &s->targets && container_of(at, struct session_target, link)->q >= t->q)
		at = at->next;
	list_add_before(at, &t->link);
}

static int add(struct session *s, const struct sip_uri *uri, struct str text, uint32_t q, bool asked)
{
	struct session_target *t;
	size_t n;

	if (is_known(s, uri, &n) || n >= MAX_TARGETS)
		return 0;
	t = calloc(1, sizeof(*t));
	if (!t)
		return ENOMEM;
	t->q = q;
	t->asked = asked;
	if (text_set(&t->uri, text)) {
		text_free(&t->uri);
		free(t);
		return ENOMEM;
	}
	insert(s, t);
	return 0;
}

/* Nobody is asked twice, whom we called first neither. */
static int begin(struct session *s)
{
	struct sip_uri u;

	if (s->targets.next)
		return 0;
	list_init(&s->targets);
	return sip_uri_parse(&u, text_view(&s->callee.uri)) ? 0 : add(s, &u, text_view(&s->callee.uri), Q_ONE, true);
}

/* Never in the open who was called by a sips URI (RFC 5630 4). */
static bool may_be_called(const struct session *s, const struct sip_msg *msg, const struct sip_addr *a)
{
	bool sips = str_istarts(text_view(&s->callee.uri), STR("sips:"));

	if (a->star || !sip_uri_is_sip(&a->uri))
		return false;
	if (!sips || sip_uri_is_sips(&a->uri) || s->ep->redirect_method == REDIRECT_USER)
		return true;
	reason_add(s->svc->reasons, REASON_TRANSPORT, REASON_REFUSED, msg->status, s->ep->name, &msg->from_path.peer,
		   "redirected from a sips URI to one that is none: not followed (RFC 5630)");
	return false;
}

static int learn(struct session *s, const struct sip_msg *msg)
{
	struct sip_each it = { 0 };
	struct sip_addr a;
	struct str v;
	int err = begin(s);

	while (!err && sip_each(msg, SIP_H_CONTACT, &it, &v))
		if (sip_addr_parse(&a, v) == 0 && may_be_called(s, msg, &a))
			err = add(s, &a.uri, sip_uri_as_target(&a.uri), read_q(a.params), false);
	return err;
}

static struct session_target *next_target(struct session *s)
{
	if (!s->targets.next)
		return NULL;
	list_each(p, &s->targets) {
		struct session_target *t = container_of(p, struct session_target, link);

		if (!t->asked) {
			t->asked = true;
			return t;
		}
	}
	return NULL;
}

/* A 6xx speaks for all (21.6), and whoever cannot let us in or wants another timer is asked no more. */
static bool is_last_word(unsigned status)
{
	return status >= 600 || status == 401 || status == 407 || status == 422;
}

bool session_retarget(void *arg, struct sip_msg *msg, struct str *uri)
{
	struct session *s = arg;
	struct session_target *t;

	if (s->ep->redirect_method != REDIRECT_URI_PJSIP || !s->ch || is_last_word(msg->status))
		return false;
	if (msg->status < 400 && learn(s, msg))
		log_error("out of memory: a redirection of '%.*s' is not followed", STR_ARG(s->ep->name));
	t = next_target(s);
	if (!t)
		return false;
	log_verbose(3, "'%.*s' said %u: the INVITE goes on to %s", STR_ARG(s->ep->name), msg->status, text_z(&t->uri));
	*uri = text_view(&t->uri);
	return true;
}

void session_redirected(struct session *s, struct sip_msg *msg)
{
	bool follows = s->ch && s->ep->redirect_method != REDIRECT_URI_PJSIP && !learn(s, msg);
	struct session_target *t = follows ? next_target(s) : NULL;
	struct chan_event *e = t ? chan_event_new(CE_FORWARD) : NULL;
	char room[256];
	struct sip_uri u;

	if (!e || sip_uri_parse(&u, text_view(&t->uri))) {
		if (e)
			chan_event_free(e);
		session_peer_ended(s, session_cause_of_msg(msg), msg->status);
		return;
	}
	session_read_redirecting(s, msg);
	if (s->ep->redirect_method == REDIRECT_USER)
		text_set(&e->text, service_exten(s->conf, &u, room, sizeof(room)));
	else
		text_printf(&e->text, "PJSIP/%.*s/%s", STR_ARG(s->ep->name), text_z(&t->uri));
	channel_event(s->ch, e);
	/* That it refused is told too: whoever follows the redirection has heard of it first. */
	session_peer_ended(s, session_cause_of_msg(msg), msg->status);
}
