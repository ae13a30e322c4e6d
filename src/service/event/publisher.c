/* What one section publishes for one user: a ua_publish with the section's options. */
#define LOG_MODULE "publish"
#include "service/event/keep_publication.h"
#include "base/log.h"
#include "service/common/request.h"
#include <errno.h>
#include <stdlib.h>

struct publications *publications_of(const struct service *svc)
{
	return svc->subscriptions ? svc->subscriptions->publications : NULL;
}

void publisher_free(struct publisher *r)
{
	ua_publish_free(r->p);
	if (r->leaving)
		list_remove(&r->link);
	text_free(&r->user);
	text_free(&r->target);
	text_free(&r->from);
	text_free(&r->to);
	text_free(&r->entity);
	text_free(&r->compositor);
	obj_drop(r->of);
	free(r);
}

/* `uri` with another user, if there is one; a From and a To have no port and no parameters (RFC 3261 19.1.1). */
static int put_uri(struct text *out, struct str uri, struct str user, bool bare)
{
	struct buf b = BUF_INIT;
	struct sip_uri u;
	struct str rest;
	int err = sip_uri_parse(&u, uri);

	if (err)
		return err;
	rest = sip_uri_as_target(&u);
	rest = bare ? u.host : str_skip(rest, (size_t)(u.host.p - rest.p));
	buf_puts(&b, u.scheme, STR(":"));
	if (user.n)
		sip_escape_user(&b, user);
	else
		buf_put(&b, u.user);
	buf_puts(&b, user.n || u.user.n ? STR("@") : STR_NULL, rest);
	err = buf_err(&b) ? ENOMEM : text_set(out, buf_view(&b));
	buf_free(&b);
	return err;
}

static int prepare(void *arg, struct ua_request *rq, struct sip_out *out, const struct net_path *path)
{
	(void)arg;
	return service_out_prepare(NULL, rq, out, path);
}

static void count(struct publish_counters *n, const struct ua_publish_event *e)
{
	n->accepted += e->state == UA_PUBLISH_PUBLISHED;
	n->refused += e->state == UA_PUBLISH_REFUSED && e->status;
	n->unanswered += e->state == UA_PUBLISH_REFUSED && !e->status;
}

/* `pjsip explain SECTION`: why something is not published. */
static void note_answer(struct publisher *r, const struct ua_publish_event *e)
{
	static const struct sa nobody;

	r->status = e->status;
	if (e->state == UA_PUBLISH_REFUSED)
		reason_add(r->of->all->svc->reasons, REASON_ROUTE, REASON_REFUSED, e->status, text_view(&r->of->name),
			   e->msg ? &e->msg->from_path.peer : &nobody, "PUBLISH to '%s', event '%.*s', not taken there%s",
			   text_z(&r->target), STR_ARG(r->of->c->event), e->seconds ? "; another try follows" : "");
}

static void on_changed(void *arg, struct ua_publish *p, const struct ua_publish_event *e)
{
	struct publisher *r = arg;
	const char *name = text_z(&r->of->name), *to = text_z(&r->target);
	const char *reason = e->status ? sip_reason(e->status) : "no answer";

	count(&r->of->all->count, e);
	note_answer(r, e);
	r->refused = e->state == UA_PUBLISH_REFUSED && !e->seconds;
	if (e->state == UA_PUBLISH_PUBLISHED)
		log_debug(1, "outbound-publish '%s': %s has it for %u s", name, to, e->seconds);
	else if (e->state == UA_PUBLISH_IDLE)
		log_debug(1, "outbound-publish '%s': taken back from %s", name, to);
	else if (e->seconds)
		log_warning("outbound-publish '%s': %s: %u %s; next try in %u s", name, to, e->status, reason, e->seconds);
	else
		log_warning("outbound-publish '%s': %s: %u %s", name, to, e->status, reason);
	if (e->state == UA_PUBLISH_PUBLISHED && ua_publish_etag(p).n)
		publisher_keep(r, e->seconds);
	else if (!ua_publish_etag(p).n)
		publisher_unkeep(r);
	if (r->leaving)
		publisher_free(r);
}

/* Of states there is more than the last one said. */
static void on_lost(void *arg, struct ua_publish *p)
{
	struct publisher *r = arg;

	(void)p;
	r->of->say_all(r->of);
}

static struct ua_publish_prm prm_of(struct publisher *r)
{
	struct publication *u = r->of;
	const struct outbound_publish *c = u->c;
	struct ua_request_prm auth = { .out = NULL };

	service_request_auths(&auth, &c->outbound_auths);
	return (struct ua_publish_prm){ .target = text_view(&r->target), .from = text_view(&r->from), .to = text_view(&r->to),
		.proxy = c->outbound_proxy, .transport = c->transport, .user_agent = text_view(&u->agent), .event = c->event,
		.max_forwards = (int)u->conf->global->max_forwards, .no_rport = u->conf->system->disable_rport,
		.expires_s = c->expiration, .max_challenges = c->max_auth_attempts, .credentials = auth.credentials,
		.credentials_arg = auth.credentials_arg, .hold = u->conf, .arg = r, .prepare = prepare,
		.lost = u->say_all ? on_lost : NULL, .changed = on_changed };
}

int publisher_new(struct publication *u, struct str user, struct publisher **out)
{
	struct publisher *r = calloc(1, sizeof(*r));
	struct str server = u->c->server_uri;
	struct str from = u->c->from_uri.n ? u->c->from_uri : server, to = u->c->to_uri.n ? u->c->to_uri : server;
	struct ua_publish_prm prm;
	int err;

	if (!r)
		return ENOMEM;
	r->of = obj_hold(u);
	err = text_set(&r->user, user);
	err = err ? err : put_uri(&r->target, server, user, false);
	err = err ? err : put_uri(&r->from, from, user, true);
	err = err ? err : put_uri(&r->to, to, user, true);
	err = err ? err : put_uri(&r->entity, from, user, false);
	err = err ? err : put_uri(&r->compositor, to, user, false);
	prm = prm_of(r);
	err = err ? err : ua_publish_new(&r->p, &u->all->svc->ua, &prm);
	err = err ? err : map_add(u->by_user, text_view(&r->user), r);
	if (err)
		publisher_free(r);
	else
		*out = r;
	return err;
}

void publisher_set(struct publisher *r)
{
	struct ua_publish_prm prm = prm_of(r);

	ua_publish_set(r->p, &prm);
}

/* Gone when its farewell was answered. */
void publisher_leave(struct publisher *r)
{
	map_del(r->of->by_user, text_view(&r->user));
	r->leaving = true;
	list_append(&r->of->all->leaving, &r->link);
	if (ua_publish_end(r->p) || !ua_publish_busy(r->p)) {
		publisher_unkeep(r);
		publisher_free(r);
	}
}

bool publication_fits(const regex_t *re, struct str name)
{
	char room[300];

	return !regexec(re, str_copy(room, sizeof(room), name), 0, NULL, 0);
}

bool publication_is_about(const struct publication *u, struct str name)
{
	return !u->has_name || publication_fits(&u->name_re, name);
}

int publication_say(struct publication *u, struct str user, struct str key, struct str type, struct str body)
{
	struct publisher *r = map_get(u->by_user, user);
	int err = r ? 0 : publisher_new(u, user, &r);

	return err ? err : ua_publish_send(r->p, key, type, body);
}
