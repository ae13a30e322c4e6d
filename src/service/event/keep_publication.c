/* Publications on disk, ours and others'. restore_publication.c reads them back. */
#define LOG_MODULE "publish"
#include "service/event/keep_publication.h"
#include "base/log.h"
#include "store/publication.h"
#include <errno.h>
#include <stdlib.h>

#define STATES_MOST 200000      /* as many as can be told of (pbx/devstate.c, mwi.c) */

/* ---- others' ------------------------------------------------------------------------------ */

void taken_keep(struct service *svc, uint64_t *id, const struct taken_row *row)
{
	struct kept_taken k = { .id = *id, .etag = row->etag, .event = row->event, .resource = row->resource, .endpoint = row->endpoint,
		.section = row->section, .state = (uint32_t)row->state, .expires_s = row->expires_s,
		.expires_us = clock_wall_us(svc->clock) + (int64_t)row->left_s * 1000000 };
	int err = svc->kept_publications ? kept_taken_put(svc->kept_publications, &k) : 0;

	*id = k.id;
	if (err)
		log_warning("a publication for '%.*s' is not stored: %s", STR_ARG(row->resource), strerror(err));
}

void taken_unkeep(struct service *svc, uint64_t *id)
{
	if (*id)
		kept_taken_del(svc->kept_publications, *id);
	*id = 0;
}

/* ---- what servers said by theirs ----------------------------------------------------------- */

/* Which row has the state of what. */
struct place {
	uint64_t id;
	struct text key;
};

static int key_of(struct text *key, bool mailboxes, struct str eid, struct str name)
{
	return text_cat(key, mailboxes ? STR("m") : STR("d"), eid, STR(" "), name);
}

static struct place *place_of(struct service *svc, bool mailboxes, struct str eid, struct str name)
{
	struct map *all = svc->subscriptions->kept_states;
	struct text key = { 0 };
	struct place *p = NULL;

	if (!key_of(&key, mailboxes, eid, name))
		p = map_get(all, text_view(&key));
	if (!p && key.n && map_count(all) < STATES_MOST) {
		p = calloc(1, sizeof(*p));
		if (p) {
			p->key = key;
			key = (struct text){ 0 };
			if (map_add(all, text_view(&p->key), p)) {
				text_free(&p->key);
				free(p);
				p = NULL;
			}
		}
	}
	text_free(&key);
	return p;
}

void taken_keep_state(struct service *svc, struct str section, bool mailboxes, struct str eid, struct str name, struct str body)
{
	struct kept_state k = { .section = section, .mailboxes = mailboxes, .eid = eid, .name = name, .body = body };
	struct subscriptions *all = svc->subscriptions;
	struct place *p = all->kept_states && !all->restoring ? place_of(svc, mailboxes, eid, name) : NULL;

	if (!p)
		return;
	k.id = p->id;
	if (kept_state_put(svc->kept_publications, &k))
		log_debug(1, "the state of '%.*s' is not stored", STR_ARG(name));
	p->id = k.id;
}

int taken_place_state(struct service *svc, bool mailboxes, struct str eid, struct str name, uint64_t id)
{
	struct place *p = place_of(svc, mailboxes, eid, name);

	if (!p)
		return map_count(svc->subscriptions->kept_states) < STATES_MOST ? ENOMEM : ENOSPC;
	p->id = id;
	return 0;
}

void taken_states_free(struct service *svc)
{
	struct map *all = svc->subscriptions->kept_states;
	struct place *p;

	for (size_t it = 0; all && (p = map_next(all, &it)); ) {
		text_free(&p->key);
		free(p);
	}
	map_free(all);
	svc->subscriptions->kept_states = NULL;
}

/* ---- ours ------------------------------------------------------------------------------------- */

void publisher_keep(struct publisher *r, uint32_t granted_s)
{
	struct service *svc = r->of->all->svc;
	struct kept_publication k = { .id = r->kept, .section = text_view(&r->of->name), .user = text_view(&r->user),
		.target = text_view(&r->target), .event = r->of->c->event, .etag = ua_publish_etag(r->p),
		.expires_us = clock_wall_us(svc->clock) + (int64_t)granted_s * 1000000 };
	int err = svc->kept_publications ? kept_publication_put(svc->kept_publications, &k) : 0;

	r->kept = k.id;
	if (err)
		log_warning("outbound-publish '%s': its tag is not stored: %s", text_z(&r->of->name), strerror(err));
}

void publisher_unkeep(struct publisher *r)
{
	if (r->kept)
		kept_publication_del(r->of->all->svc->kept_publications, r->kept);
	r->kept = 0;
}
