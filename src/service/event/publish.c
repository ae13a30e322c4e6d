/* The publications of the configuration (type=outbound-publish): which extensions each is about, and what is
 * said of them. publisher.c has how it goes out, states.c what else is published. */
#define LOG_MODULE "publish"
#include "service/event/keep_publication.h"
#include "base/log.h"
#include <errno.h>
#include <stdlib.h>

#define FIRST_MS 1000           /* who starts together with us gets a second */

/* ---- what is said ----------------------------------------------------------------------------- */

static int write_state(struct publisher *r, struct str context, int state, struct buf *b)
{
	struct publication *u = r->of;
	struct exten_view v = { .svc = u->all->svc, .context = context, .resource = text_view(&r->user), .state = state,
		.entity = text_view(&r->entity), .contact = text_view(&r->compositor), .version = &u->version };
	struct sip_uri uri;

	if (!sip_uri_parse(&uri, v.entity))
		v.host = uri.host;
	return exten_body(u->c->body, &v, b);
}

static void say(struct publication *u, struct str context, struct str exten, int state)
{
	struct publisher *r = map_get(u->by_user, exten);
	struct buf b = BUF_INIT;
	int err = 0;

	if ((u->has_context && !publication_fits(&u->context_re, context)) || !publication_is_about(u, exten))
		return;
	if (state < 0) {
		if (r)
			publisher_leave(r);
		return;
	}
	if (!r)
		err = publisher_new(u, exten, &r);
	if (!err)
		r->restored = false;
	err = err ? err : write_state(r, context, state, &b);
	err = err ? err : ua_publish_send(r->p, STR_NULL, u->c->body, buf_view(&b));
	buf_free(&b);
	if (err)
		log_error("outbound-publish '%s': the state of %.*s is not said: %s", text_z(&u->name), STR_ARG(exten), strerror(err));
}

static void on_hint(void *arg, struct str context, struct str exten, int state)
{
	struct publications *all = arg;
	struct publication *u;

	for (size_t it = 0; !all->stopped && (u = map_next(all->by_name, &it)); )
		if (u->told_all && u->kind == PUBLISH_EXTENS)
			say(u, context, exten, state);
}

/* Is it said, and was not refused? */
static bool is_said(const struct publication *u, struct str exten)
{
	const struct publisher *r = map_get(u->by_user, exten);

	return r && !r->refused && !r->restored && !u->again;
}

/* What the process before has published, and there is no such extension any more. */
static void take_back_rest(struct publication *u)
{
	struct publisher *r;

	for (size_t it = 0; u->kind == PUBLISH_EXTENS && (r = map_next(u->by_user, &it)); )
		if (r->restored)
			publisher_leave(r);
}

/* What a server that knows nothing of us must hear: everything, once. */
static void say_all(void *arg)
{
	struct publications *all = arg;
	struct hint_walk w = { .part = HINT_WALK_HINTS };
	struct publication *u;
	struct hint_row row;

	while (hint_next(all->svc->pbx, &w, &row))
		for (size_t it = 0; row.state >= 0 && (u = map_next(all->by_name, &it)); )
			if (!u->told_all && u->kind == PUBLISH_EXTENS && !is_said(u, row.exten))
				say(u, row.context, row.exten, row.state);
	hint_walk_end(&w);
	for (size_t it = 0; (u = map_next(all->by_name, &it)); ) {
		if (!u->told_all && u->say_all)
			u->say_all(u);
		take_back_rest(u);
		u->told_all = true;
		u->again = false;
	}
}

static void plan_say_all(struct publications *all, uint64_t ms)
{
	timer_start(all->svc->wheel, &all->first, ms, say_all, all);
}

/* ---- one section ------------------------------------------------------------------------------ */

static void free_filter(regex_t *re, bool *is)
{
	if (*is)
		regfree(re);
	*is = false;
}

static void publication_obj_free(void *arg)
{
	struct publication *u = arg;

	free_filter(&u->context_re, &u->has_context);
	free_filter(&u->name_re, &u->has_name);
	map_free(u->by_user);
	text_free(&u->name);
	text_free(&u->agent);
	obj_drop(u->conf);
}

/* The configuration has judged it already: what fails now is memory. */
static int compile(regex_t *re, struct str pattern, bool *is)
{
	if (!pattern.n)
		return 0;
	if (regcomp(re, pattern.p, REG_EXTENDED | REG_ICASE | REG_NOSUB))
		return ENOMEM;
	*is = true;
	return 0;
}

static int set_conf(struct publication *u, const struct outbound_publish *c)
{
	struct service *svc = u->all->svc;
	struct snapshot *before = u->conf;
	struct publisher *r;
	int err;

	u->conf = obj_hold(svc->conf);
	u->c = c;
	/* First: what goes out looks into it. */
	err = text_set(&u->agent, text_view(&svc->names.user_agent));
	for (size_t it = 0; (r = map_next(u->by_user, &it)); )
		publisher_set(r);
	obj_drop(before);
	return err;
}

/* The states that servers share are all one publication, which multi_user has not (so Asterisk). */
static bool kind_of(const struct outbound_publish *c, enum publish_kind *kind)
{
	static const struct {
		struct str event;
		enum publish_kind kind;
	} events[] = { { STR_INIT("presence"), PUBLISH_EXTENS }, { STR_INIT("dialog"), PUBLISH_EXTENS },
		{ STR_INIT("asterisk-devicestate"), PUBLISH_DEVICES }, { STR_INIT("asterisk-mwi"), PUBLISH_MAILBOXES } };

	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		if (str_ieq(c->event, events[i].event)) {
			*kind = events[i].kind;
			return *kind == PUBLISH_EXTENS ? c->body.n > 0 : !c->multi_user;
		}
	return false;
}

static struct str names_of(enum publish_kind kind, const struct outbound_publish *c)
{
	return kind == PUBLISH_EXTENS ? c->exten : kind == PUBLISH_DEVICES ? c->device_state_filter : c->mailbox_state_filter;
}

static int add_publication(struct publications *all, const struct outbound_publish *c)
{
	enum publish_kind kind;
	struct publication *u;
	int err;

	if (!kind_of(c, &kind))
		return 0;
	u = obj_new(sizeof(*u), publication_obj_free);
	if (!u)
		return ENOMEM;
	u->all = all;
	u->kind = kind;
	u->say_all = kind == PUBLISH_EXTENS ? NULL : states_say_all;
	u->by_user = map_new_ordered();
	err = u->by_user ? set_conf(u, c) : ENOMEM;
	err = err ? err : text_set(&u->name, c->name);
	err = err ? err : compile(&u->context_re, c->context, &u->has_context);
	err = err ? err : compile(&u->name_re, names_of(kind, c), &u->has_name);
	err = err ? err : map_add(all->by_name, text_view(&u->name), u);
	if (err)
		obj_drop(u);
	return err;
}

static void leave_publication(struct publication *u)
{
	struct publisher *r;

	map_del(u->all->by_name, text_view(&u->name));
	for (size_t it = 0; (r = map_next(u->by_user, &it)); )
		publisher_leave(r);
	obj_drop(u);
}

/* ---- all of them -------------------------------------------------------------------------------- */

int publications_start(struct service *svc)
{
	struct publications *all = calloc(1, sizeof(*all));

	if (!all)
		return ENOMEM;
	all->svc = svc;
	list_init(&all->leaving);
	all->by_name = map_new_ordered();
	if (!all->by_name) {
		free(all);
		return ENOMEM;
	}
	svc->subscriptions->publications = all;
	all->hints = (struct hint_observer){ .changed = on_hint, .arg = all };
	hint_observe(svc->pbx, &all->hints);
	states_listen(all);
	snapshot_each(outbound_publish, OBJECT_OUTBOUND_PUBLISH, c, svc->conf) {
		int err = add_publication(all, c);

		if (err)
			return err;
	}
	plan_say_all(all, FIRST_MS);
	return publications_restore(all);
}

static bool same_list(const struct str_list *a, const struct str_list *b)
{
	for (size_t i = 0; a->n == b->n && i < a->n; i++)
		if (!str_eq(a->v[i], b->v[i]))
			return false;
	return a->n == b->n;
}

/* What differs otherwise is changed as it stands. */
static bool same_publication(const struct outbound_publish *a, const struct outbound_publish *b)
{
	return str_eq(a->server_uri, b->server_uri) && str_eq(a->from_uri, b->from_uri) && str_eq(a->to_uri, b->to_uri) &&
	       str_eq(a->outbound_proxy, b->outbound_proxy) && str_eq(a->event, b->event) && str_eq(a->body, b->body) &&
	       str_eq(a->context, b->context) && a->multi_user == b->multi_user && same_list(&a->outbound_auth, &b->outbound_auth);
}

/* Who passes no more leaves; who passes now is said with what there is. */
static int set_filter(struct publication *u, struct str before)
{
	struct str now = names_of(u->kind, u->c);
	struct publisher *r;
	bool has = false;
	regex_t re;

	if (str_eq(before, now))
		return 0;
	if (compile(&re, now, &has))
		return ENOMEM;
	free_filter(&u->name_re, &u->has_name);
	u->has_name = has;
	if (has)
		u->name_re = re;
	for (size_t it = 0; u->kind == PUBLISH_EXTENS && (r = map_next(u->by_user, &it)); )
		if (!publication_is_about(u, text_view(&r->user)))
			publisher_leave(r);
	u->told_all = false;
	return 0;
}

static int change(struct publication *u, const struct outbound_publish *c)
{
	struct snapshot *before = obj_hold(u->conf);
	struct str names = names_of(u->kind, u->c);
	struct publisher *r;
	int err = set_conf(u, c);

	err = err ? err : set_filter(u, names);
	for (size_t it = 0; (r = map_next(u->by_user, &it)); )
		if (r->refused)         /* perhaps it is taken now */
			u->told_all = false;
	obj_drop(before);
	return err;
}

void publications_reload(struct service *svc)
{
	struct publications *all = publications_of(svc);
	struct publication *u;

	if (!all)
		return;
	for (size_t it = 0; (u = map_next(all->by_name, &it)); ) {
		const struct outbound_publish *c = snapshot_outbound_publish(svc->conf, text_view(&u->name));

		if (!c || !same_publication(u->c, c)) {
			leave_publication(u);
		} else if (change(u, c)) {
			log_error("out of memory: outbound-publish '%s' is not what it is configured as", text_z(&u->name));
		}
	}
	snapshot_each(outbound_publish, OBJECT_OUTBOUND_PUBLISH, c, svc->conf)
		if (!map_get(all->by_name, c->name) && add_publication(all, c))
			log_error("out of memory: outbound-publish '%.*s' does not start", STR_ARG(c->name));
	plan_say_all(all, 0);
}

void publications_stop(struct service *svc)
{
	struct publications *all = publications_of(svc);
	struct publication *u;
	struct publisher *r;

	if (!all)
		return;
	all->stopped = true;
	timer_stop(&all->first);
	for (size_t it = 0; (u = map_next(all->by_name, &it)); ) {
		for (size_t k = 0; (r = map_next(u->by_user, &k)); )
			publisher_leave(r);
		u->told_all = false;
	}
}

void publications_resume(struct service *svc)
{
	struct publications *all = publications_of(svc);

	if (!all)
		return;
	all->stopped = false;
	plan_say_all(all, 0);
}

int publications_send(struct service *svc, struct str name)
{
	struct publications *all = publications_of(svc);
	struct publication *u = all ? map_get(all->by_name, name) : NULL;
	struct publisher *r;

	if (!u || all->stopped)
		return ENOENT;
	for (size_t it = 0; (r = map_next(u->by_user, &it)); )
		publisher_set(r);
	u->told_all = false;
	u->again = true;
	plan_say_all(all, 0);
	return 0;
}

bool publications_busy(const struct service *svc)
{
	const struct publications *all = publications_of(svc);

	return all && !list_empty(&all->leaving);
}

void publications_free(struct service *svc)
{
	struct publications *all = publications_of(svc);
	struct publication *u;
	struct publisher *r;

	if (!all)
		return;
	timer_stop(&all->first);
	list_remove(&all->hints.link);
	list_remove(&all->devices.link);
	list_remove(&all->mailboxes.link);
	for (size_t it = 0; (u = map_next(all->by_name, &it)); ) {
		for (size_t k = 0; (r = map_next(u->by_user, &k)); ) {
			map_del(u->by_user, text_view(&r->user));
			publisher_free(r);
		}
		obj_drop(u);
	}
	while (!list_empty(&all->leaving))
		publisher_free(container_of(all->leaving.next, struct publisher, link));
	map_free(all->by_name);
	free(all);
	svc->subscriptions->publications = NULL;
}
