/* Listings of what is published at other servers. */
#include "base/obj.h"
#include "service/event/publish_private.h"

static const char *state_name(enum ua_publish_state s)
{
	static const char *const names[] = { [UA_PUBLISH_IDLE] = "idle", [UA_PUBLISH_ASKING] = "asking",
		[UA_PUBLISH_PUBLISHED] = "published", [UA_PUBLISH_REFUSED] = "refused", [UA_PUBLISH_LEAVING] = "leaving" };

	return names[s];
}

static void put_row(const struct publisher *r, struct publisher_row *row)
{
	*row = (struct publisher_row){ .section = text_view(&r->of->name), .event = r->of->c->event, .target = text_view(&r->target),
		.etag = ua_publish_etag(r->p), .state = state_name(ua_publish_state(r->p)), .status = r->status,
		.left_s = (uint32_t)((ua_publish_left_ms(r->p) + 999) / 1000) };
}

bool publisher_next(const struct service *svc, struct publisher_walk *w, struct publisher_row *row)
{
	struct publications *all = publications_of(svc);

	while (all) {
		const struct publisher *r = w->at ? map_walk_next(w->at->by_user, &w->user) : NULL;

		if (r) {
			put_row(r, row);
			return true;
		}
		map_walk_end(&w->user);
		w->user = (struct map_walk){ 0 };
		w->at = obj_drop(w->at);
		w->at = obj_hold(map_walk_next(all->by_name, &w->section));
		if (!w->at)
			return false;
	}
	return false;
}

void publisher_walk_end(struct publisher_walk *w)
{
	map_walk_end(&w->section);
	map_walk_end(&w->user);
	w->at = obj_drop(w->at);
}

void publications_count(const struct service *svc, struct publish_counters *out)
{
	struct publications *all = publications_of(svc);
	struct publication *u;
	struct publisher *r;

	*out = all ? all->count : (struct publish_counters){ 0 };
	for (size_t i = 0; all && (u = map_next(all->by_name, &i)); )
		for (size_t k = 0; (r = map_next(u->by_user, &k)); )
			out->now += ua_publish_etag(r->p).n > 0;
}
