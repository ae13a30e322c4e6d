/* The publications of the process before this one: read from the disk at start. keep_publication.c wrote them. */
#define LOG_MODULE "publish"
#include "service/event/keep_publication.h"
#include "base/log.h"
#include "service/event/states.h"
#include "store/publication.h"
#include <errno.h>

/* ---- others' ------------------------------------------------------------------------------ */

static int load_taken(void *arg, const struct kept_taken *k, int err)
{
	struct service *svc = arg;
	int64_t left_us = k->expires_us - clock_wall_us(svc->clock), left_s = left_us / 1000000;
	struct taken_row row = { .etag = k->etag, .event = k->event, .resource = k->resource, .endpoint = k->endpoint,
		.section = k->section, .state = (enum device_state)k->state, .expires_s = k->expires_s, .kept = k->id };

	if (err || left_us <= 0 || left_s >= INT32_MAX || k->state >= DEV_STATES)
		err = EBADMSG;
	row.left_s = (uint32_t)left_s + 1;
	err = err ? err : compositor_restore(svc, &row);
	if (err == ENOMEM)
		return err;
	if (err) {
		log_warning("a publication of '%.*s' for '%.*s' is dropped: %s", STR_ARG(k->endpoint), STR_ARG(k->resource), strerror(err));
		kept_taken_del(svc->kept_publications, k->id);
	}
	return 0;
}

/* ---- what servers said by theirs ----------------------------------------------------------- */

struct loading {
	struct service *svc;
	struct map *live[2];            /* sections by which servers publish: devices, mailboxes */
};

/* A state lives as long as a publication that says such. */
static int find_live(struct loading *x)
{
	struct map_walk w = { 0 };
	struct taken_row row;
	int err = 0;

	x->live[0] = map_new(false);
	x->live[1] = map_new(false);
	if (!x->live[0] || !x->live[1])
		return ENOMEM;
	while (!err && compositor_next(x->svc, &w, &row)) {
		bool mailboxes = str_eq(row.event, STR("asterisk-mwi"));

		if (mailboxes || str_eq(row.event, STR("asterisk-devicestate")))
			err = map_get(x->live[mailboxes], row.section) ? 0 : map_add(x->live[mailboxes], row.section, x);
	}
	map_walk_end(&w);
	return err;
}

static int load_state(void *arg, const struct kept_state *k, int err)
{
	struct loading *x = arg;

	if (!err && !map_get(x->live[k->mailboxes], k->section))
		err = ENOENT;
	err = err ? err : taken_place_state(x->svc, k->mailboxes, k->eid, k->name, k->id);
	err = err ? err : states_take(x->svc, k->section, k->mailboxes, STR("application/json"), k->body);
	if (err == ENOMEM)
		return err;
	if (err)
		kept_state_del(x->svc->kept_publications, k->id);
	return 0;
}

int taken_restore(struct service *svc)
{
	struct subscriptions *all = svc->subscriptions;
	struct publication_store *ps = svc->kept_publications;
	struct loading x = { .svc = svc };
	int err;

	if (!ps)
		return 0;
	all->kept_states = map_new(false);
	err = all->kept_states ? kept_taken_load(ps, clock_wall_us(svc->clock), load_taken, svc) : ENOMEM;
	/* What may not be published any more. */
	if (!err)
		compositor_reload(svc);
	err = err ? err : find_live(&x);
	all->restoring = true;
	err = err ? err : kept_state_load(ps, load_state, &x);
	all->restoring = false;
	map_free(x.live[0]);
	map_free(x.live[1]);
	return err;
}

/* ---- ours ------------------------------------------------------------------------------------- */

static bool is_tag(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= 0x20 || s.p[i] == 0x7f)
			return false;
	return s.n != 0;
}

static int load_one(void *arg, const struct kept_publication *k, int err)
{
	struct publications *all = arg;
	struct publication *u = map_get(all->by_name, k->section);
	int64_t left_us = k->expires_us - clock_wall_us(all->svc->clock);
	struct publisher *r = NULL;

	if (err || !u || !str_eq(u->c->event, k->event) || !is_tag(k->etag) || left_us <= 0 || map_get(u->by_user, k->user))
		err = EBADMSG;
	err = err ? err : publisher_new(u, k->user, &r);
	if (!err && !str_eq(text_view(&r->target), k->target))
		err = EBADMSG;          /* it is another server now */
	if (!err)
		err = ua_publish_restore(r->p, k->etag, left_us / 1000000 < INT32_MAX ? (uint32_t)(left_us / 1000000) : INT32_MAX);
	if (err && r) {
		map_del(u->by_user, text_view(&r->user));
		publisher_free(r);
	}
	if (err == ENOMEM)
		return err;
	if (err) {
		kept_publication_del(all->svc->kept_publications, k->id);
	} else {
		r->kept = k->id;
		r->restored = true;
	}
	return 0;
}

int publications_restore(struct publications *all)
{
	struct service *svc = all->svc;

	return svc->kept_publications ? kept_publication_load(svc->kept_publications, clock_wall_us(svc->clock), load_one, all) : 0;
}
