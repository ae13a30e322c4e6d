/* service/place/location.c -- the contacts of each AOR in memory. The queue through which all
 * changes of them go is location_queue.c's, their rows on disk location_store.c's. */
#define LOG_MODULE "location"
#include "service/place/endpoint_state.h"
#include "service/place/location_private.h"
#include "base/log.h"
#include "service/common/request.h"
#include "service/place/registrar.h"
#include "service/place/stats.h"
#include "sip/digest.h"
#include <errno.h>
#include <stdlib.h>

static struct str lay_text(char **at, const struct str *v, size_t n)
{
	char *p = *at;

	for (size_t i = 0; i < n; i++) {
		if (v[i].n)
			memcpy(*at, v[i].p, v[i].n);
		*at += v[i].n;
	}
	*(*at)++ = '\0';
	return str_mk(p, (size_t)(*at - p) - 1);
}

static void lay_out(struct contact *c, struct str aor, const struct contact_words *w, const char *md5)
{
	const struct { struct str *to; const struct str *from; } words[] = {
		{ &c->uri, &w->uri }, { &c->orig_uri, &w->orig_uri }, { &c->path, &w->path },
		{ &c->user_agent, &w->user_agent }, { &c->call_id, &w->call_id }, { &c->via_addr, &w->via_addr },
		{ &c->reg_server, &w->reg_server }, { &c->endpoint, &w->endpoint }, { &c->instance, &w->instance },
		{ &c->txp, &w->txp },
	};
	const struct str id[] = { aor, c->is_static ? STR("@@") : STR(";@"), str_z(md5) };
	char *at = (char *)(c + 1);

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		*words[i].to = lay_text(&at, words[i].from, 1);
	c->id = lay_text(&at, id, ARRAY_LEN(id));
}

static void contact_free(void *arg)
{
	obj_drop(((struct contact *)arg)->agreement);
}

/* One block for all: a registration makes one and frees one, and its words are
 * read together. The id is "aor;@md5(uri)": other tools look contacts up by it, so
 * its form is fixed. */
struct contact *contact_new(struct service *svc, struct str aor, const struct contact_words *w, bool is_static)
{
	size_t words = w->uri.n + w->orig_uri.n + w->path.n + w->user_agent.n + w->call_id.n + w->via_addr.n +
		       w->reg_server.n + w->endpoint.n + w->instance.n + w->txp.n + 10;
	char md5[DIGEST_HEX];
	struct contact *c;

	digest_hash(svc->digest, DIGEST_MD5, w->uri, md5);
	c = md5[0] ? obj_new(sizeof(*c) + words + aor.n + 2 + sizeof(md5), contact_free) : NULL;
	if (!c)
		return NULL;
	c->svc = svc;
	c->is_static = is_static;
	c->status = CONTACT_UNKNOWN;
	lay_out(c, aor, w, md5);
	return c;
}

struct location *location_get(struct service *svc, struct str aor, bool create)
{
	struct location *l = map_get(svc->locations->aors, aor);

	if (l || !create)
		return l;
	l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	list_init(&l->contacts);
	list_init(&l->jobs);
	list_init(&l->marked);
	if (text_set(&l->aor, aor) || map_add(svc->locations->aors, text_view(&l->aor), l)) {
		text_free(&l->aor);
		free(l);
		return NULL;
	}
	return l;
}

struct location *location_next(struct service *svc, size_t *it)
{
	return map_next(svc->locations->aors, it);
}

void location_maybe_free(struct service *svc, struct location *l)
{
	if (l->n || l->commit || l->running || !list_empty(&l->jobs) || !list_empty(&l->marked))
		return;
	map_del(svc->locations->aors, text_view(&l->aor));
	text_free(&l->aor);
	free(l);
}

struct contact *location_find(struct location *l, const struct sip_uri *uri)
{
	list_each(p, &l->contacts) {
		struct contact *c = container_of(p, struct contact, link);
		struct sip_uri u;

		if (str_eq(c->uri, uri->text))
			return c;
		if (sip_uri_parse(&u, c->uri) == 0 && sip_uri_eq(&u, uri))
			return c;
	}
	return NULL;
}

struct contact *contact_by_id(struct service *svc, struct str id)
{
	return map_get(svc->locations->ids, id);
}

const struct endpoint *endpoint_of_aor(struct service *svc, struct str aor)
{
	return svc->locations->endpoint_of ? map_get(svc->locations->endpoint_of, aor) : NULL;
}

void contact_request_way(struct ua_request_prm *prm, const struct snapshot *conf, const struct endpoint *ep,
			 const struct contact *c)
{
	prm->transport = service_transport_to(conf, ep, c->txp, c->uri);
	if (c->has_flow && net_is_stream(c->flow.proto)) {
		prm->path = &c->flow;
		prm->prefer_path = true;
	}
}

const struct endpoint *contact_endpoint(struct service *svc, const struct contact *c)
{
	const struct endpoint *ep = NULL;

	if (c->endpoint.n)
		ep = snapshot_endpoint(svc->conf, c->endpoint);
	return ep ? ep : c->loc ? endpoint_of_aor(svc, text_view(&c->loc->aor)) : NULL;
}

const struct aor *contact_aor(struct service *svc, const struct contact *c)
{
	return c->loc ? snapshot_aor(svc->conf, text_view(&c->loc->aor)) : NULL;
}

struct contact *location_pick(struct location *l)
{
	struct contact *best = NULL;

	list_each(p, &l->contacts) {
		struct contact *c = container_of(p, struct contact, link);

		if (c->status == CONTACT_UNREACHABLE)
			continue;
		if (!best || (c->status == CONTACT_REACHABLE && best->status != CONTACT_REACHABLE))
			best = c;
	}
	return best;
}

/* ---- one contact in and out of the tables ------------------------------- */

/* Permanent contacts stand first, in the order of the file. */
static struct list *first_registered(struct location *l)
{
	list_each(p, &l->contacts)
		if (!container_of(p, struct contact, link)->is_static)
			return p;
	return &l->contacts;
}

/* A contact that only its connection leads to. false: that is gone already. */
static bool join_flow(struct service *svc, struct contact *c)
{
	if (!c->prune_on_boot || !c->has_flow || !c->flow.conn)
		return true;
	/* It may have gone while the contact was on its way to the disk. */
	if (svc->net && !net_conn_alive(svc->net, c->flow.conn))
		return false;
	if (flow_join(svc->locations->flows, &c->on_flow, c->flow.conn))
		log_warning("out of memory: contact '%s' will outlive its connection", c->uri.p);
	return true;
}

static void attach_contact(struct service *svc, struct location *l, struct contact *c)
{
	c->loc = l;
	obj_hold(c);
	list_add_before(c->is_static ? first_registered(l) : &l->contacts, &c->link);
	l->n++;
	l->n_static += c->is_static;
	if (map_set(svc->locations->ids, c->id, c, NULL))
		log_error("out of memory: contact %s cannot be found by its id", c->id.p);
	if (c->has_flow && c->flow.conn && svc->net)
		net_conn_keep(svc->net, c->flow.conn, true);
	if (!join_flow(svc, c))
		contact_cut_off(c);
}

/* Nothing calls it any more, and nothing finds it. */
static void contact_detach(struct service *svc, struct contact *c)
{
	struct location *l = c->loc;

	contact_qualify_stop(c);
	timer_stop(&c->expire);
	flow_leave(svc->locations->flows, &c->on_flow);
	if (map_get(svc->locations->ids, c->id) == c)
		map_del(svc->locations->ids, c->id);
	list_remove(&c->link);
	l->n--;
	l->n_static -= c->is_static;
	c->loc = NULL;
	obj_drop(c);
}

/* ---- a change, made --------------------------------------------------------- */

static struct str endpoint_name(struct service *svc, const struct contact *c)
{
	const struct endpoint *ep = contact_endpoint(svc, c);

	return ep ? ep->name : STR_NULL;
}

static void remove_contact(struct service *svc, struct contact *c)
{
	struct str ep = endpoint_name(svc, c);
	struct location *l = c->loc;

	obj_hold(c);
	contact_detach(svc, c);
	contact_stats_changed(svc, c->status, CONTACT_REMOVED);
	c->loc = l;                     /* what is told of it names its AOR */
	contact_event(svc, c, CONTACT_REMOVED, ep);
	registrar_test_event(svc, "AOR_CONTACT_REMOVED", c);
	c->loc = NULL;
	endpoint_changed(svc, ep);
	obj_drop(c);
}

void location_observe(struct service *svc, struct contact_observer *o)
{
	list_append(&svc->contact_observers, &o->link);
}

static void tell_added(struct service *svc, struct contact *c)
{
	list_each_safe(p, next, &svc->contact_observers)
		container_of(p, struct contact_observer, link)->added(svc, c);
}

static void tell_changed(struct service *svc, struct location *l, struct contact *c, enum contact_why why)
{
	list_each_safe(p, next, &svc->contact_observers) {
		const struct contact_observer *o = container_of(p, struct contact_observer, link);

		if (o->changed)
			o->changed(svc, l, c, why);
	}
}

/* How it came and when: a refresh is the same contact. */
static void remember(struct service *svc, struct contact *c, const struct contact *before)
{
	c->why = before ? CONTACT_REFRESHED : c->is_static ? CONTACT_CREATED : CONTACT_REGISTERED;
	c->since_us = before ? before->since_us : clock_wall_us(svc->clock);
}

void location_apply(struct service *svc, struct location *l, struct contact_change *ch)
{
	struct contact *c = ch->now;
	bool added = ch->op == CONTACT_ADD;
	struct str ep;

	if (ch->op == CONTACT_DELETE) {
		if (ch->old->loc) {
			remove_contact(svc, ch->old);
			tell_changed(svc, l, ch->old, ch->why);
		}
		return;
	}
	remember(svc, c, added || !ch->old->loc ? NULL : ch->old);
	if (added || !ch->old->loc) {
		contact_stats_came(svc, c->status);
	} else {
		c->status = ch->old->status;
		c->rtt_us = ch->old->rtt_us;
		c->agreement = obj_hold(ch->old->agreement);
		contact_detach(svc, ch->old);
	}
	attach_contact(svc, l, c);
	contact_start_expiry(svc, c);
	ep = endpoint_name(svc, c);
	if (!c->is_static)
		registrar_test_event(svc, added ? "AOR_CONTACT_ADDED" : "AOR_CONTACT_REFRESHED", c);
	if (added && !c->is_static)
		tell_added(svc, c);
	contact_qualify_start(svc, c, added);
	if (!added && svc->conf->global->send_contact_status_on_update_registration)
		contact_event(svc, c, c->status, ep);
	endpoint_changed(svc, ep);
	tell_changed(svc, l, c, c->why);
}

/* ---- start, reload -------------------------------------------------------- */

static void index_endpoints(struct service *svc)
{
	map_free(svc->locations->endpoint_of);
	svc->locations->endpoint_of = map_new(false);
	if (!svc->locations->endpoint_of)
		return;
	snapshot_each(endpoint, OBJECT_ENDPOINT, ep, svc->conf)
		for (size_t i = 0; i < ep->aor_n; i++)
			map_add(svc->locations->endpoint_of, ep->aor_objs[i]->name, (void *)(size_t)ep);
}

static bool still_listed(const struct aor *a, struct str uri)
{
	for (size_t i = 0; a && i < a->contact.n; i++)
		if (str_eq(a->contact.v[i], uri))
			return true;
	return false;
}

static bool has_static(struct location *l, struct str uri)
{
	list_each(p, &l->contacts) {
		struct contact *c = container_of(p, struct contact, link);

		if (c->is_static && str_eq(c->uri, uri))
			return true;
	}
	return false;
}

static int add_missing(struct service *svc, struct location *l, const struct aor *a, struct list *changes)
{
	int err = 0;

	for (size_t i = 0; !err && i < a->contact.n; i++) {
		struct contact *c;

		if (has_static(l, a->contact.v[i]))
			continue;
		c = contact_new(svc, a->name, &(struct contact_words){ .uri = a->contact.v[i] }, true);
		err = c ? contact_change_add(changes, CONTACT_ADD, a->name, NULL, c) : ENOMEM;
		obj_drop(c);
	}
	return err;
}

/* The permanent contacts of an AOR as the configuration has them now. */
struct sync {
	struct location_job job;
	struct service *svc;
};

static int sync_plan(struct location_job *j, struct location *l, struct list *changes)
{
	struct service *svc = container_of(j, struct sync, job)->svc;
	const struct aor *a = snapshot_aor(svc->conf, text_view(&l->aor));
	int err = 0;

	list_each(p, &l->contacts) {
		struct contact *c = container_of(p, struct contact, link);

		if (err || !c->is_static || still_listed(a, c->uri))
			continue;
		err = contact_change_add(changes, CONTACT_DELETE, text_view(&l->aor), c, NULL);
		if (!err)
			contact_change_why(changes, CONTACT_REJECTED);
	}
	return err || !a ? err : add_missing(svc, l, a, changes);
}

static void sync_done(struct location_job *j, int err)
{
	if (err && err != ECANCELED)
		log_error("permanent contacts could not be brought up to date: %s; reload again", strerror(err));
	free(container_of(j, struct sync, job));
}

static void sync_static(struct service *svc, struct str aor)
{
	struct sync *x = malloc(sizeof(*x));

	if (!x) {
		log_error("permanent contacts of '%.*s' could not be brought up to date: out of memory; reload again",
			  STR_ARG(aor));
		return;
	}
	*x = (struct sync){ .job = { .plan = sync_plan, .done = sync_done }, .svc = svc };
	location_submit(svc, aor, &x->job);
}

static void load_static(struct service *svc)
{
	snapshot_each(aor, OBJECT_AOR, a, svc->conf)
		if (a->contact.n)
			sync_static(svc, a->name);
}

int locations_start(struct service *svc)
{
	svc->locations = calloc(1, sizeof(*svc->locations));
	if (!svc->locations)
		return ENOMEM;
	svc->locations->aors = map_new(false);
	svc->locations->ids = map_new(false);
	svc->locations->flows = flows_new();
	if (!svc->locations->aors || !svc->locations->ids || !svc->locations->flows)
		return ENOMEM;
	contact_stats_reset(svc);
	index_endpoints(svc);
	load_static(svc);
	return svc->contacts ? location_store_load(svc) : 0;
}

void location_restore(struct service *svc, struct str aor, struct contact *c)
{
	struct location *l = location_get(svc, aor, true);

	if (!l)
		return;
	attach_contact(svc, l, c);
	contact_stats_came(svc, c->status);
	contact_start_expiry(svc, c);
	contact_qualify_start(svc, c, true);
	endpoint_changed(svc, endpoint_name(svc, c));
}

static bool has_any_static_unlisted(struct location *l, const struct aor *a)
{
	list_each(p, &l->contacts) {
		struct contact *c = container_of(p, struct contact, link);

		if (c->is_static && !still_listed(a, c->uri))
			return true;
	}
	return false;
}

void locations_reload(struct service *svc)
{
	struct location *l;
	struct list marked;

	index_endpoints(svc);
	list_init(&marked);
	/* First who, then what: a job may free its location, which the walk stands on. */
	for (size_t it = 0; (l = map_next(svc->locations->aors, &it)); ) {
		const struct aor *a = snapshot_aor(svc->conf, text_view(&l->aor));

		if (has_any_static_unlisted(l, a))
			list_append(&marked, &l->marked);
		list_each_safe(p, next, &l->contacts) {
			struct contact *c = container_of(p, struct contact, link);

			if (!c->is_static || still_listed(a, c->uri))
				contact_qualify_start(svc, c, false);
		}
	}
	while (!list_empty(&marked)) {
		l = container_of(marked.next, struct location, marked);
		list_remove(&l->marked);
		sync_static(svc, text_view(&l->aor));
	}
	load_static(svc);
}

void locations_stop(struct service *svc)
{
	struct location *l;

	if (!svc->locations)
		return;
	for (size_t it = 0; svc->locations->aors && (l = map_next(svc->locations->aors, &it)); ) {
		location_drop_jobs(l);
		while (l->n) {
			struct contact *c = container_of(l->contacts.next, struct contact, link);

			contact_stats_changed(svc, c->status, CONTACT_REMOVED);
			contact_detach(svc, c);
		}
		map_del(svc->locations->aors, text_view(&l->aor));
		text_free(&l->aor);
		free(l);
	}
	map_free(svc->locations->aors);
	map_free(svc->locations->ids);
	flows_free(svc->locations->flows);
	map_free(svc->locations->endpoint_of);
	free(svc->locations);
	svc->locations = NULL;
}
