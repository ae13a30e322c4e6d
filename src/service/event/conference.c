/* Event conference (RFC 4575): the conferences there are, who watches them, and what a NOTIFY says. Each change
 * has a number; a watcher hears of what has a greater one than it was told. */
#include "service/event/conference.h"
#include "service/event/private.h"
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define GATHER_MS 100           /* changes of one moment are told together */
#define GONE_MAX 100            /* who left is remembered so far; beyond that all is told */

struct conference {
	struct list link;               /* in subscriptions.conferences; in none once the service is gone */
	struct service *svc;            /* NULL: it is gone */
	struct text name, subject;
	uint32_t most_users;
	bool locked;
	bool (*may)(void *arg, const struct endpoint *ep);
	void *arg;
	struct list users;              /* struct user: in the order they came */
	struct list gone;               /* struct user: left, the first first; `number` says when */
	size_t n, n_gone;
	uint64_t number;                /* of the newest change */
	uint64_t lost;                  /* who was told less must hear all: somebody who left is forgotten */
	struct list watches;            /* struct conference_watch */
};

struct user {
	struct list link;
	uint64_t number;                /* its newest change */
	int64_t since_s;                /* wall */
	struct text entity, display, endpoint;
	enum conference_status status;
	enum conference_joining joining;
	enum conference_way audio, video;
};

struct conference_watch {       /* node.watch */
	struct list link;               /* in conference.watches */
	struct node *leaf;
	struct conference *c;           /* NULL: it is over */
	uint64_t told;                  /* number of the newest change that it knows */
};

static struct conference *find(const struct service *svc, struct str name)
{
	list_each(l, &svc->subscriptions->conferences) {
		struct conference *c = container_of(l, struct conference, link);

		if (str_eq(text_view(&c->name), name))
			return c;
	}
	return NULL;
}

/* ---- what happens -------------------------------------------------------------------------------- */

static void user_free(struct user *u)
{
	if (!u)
		return;
	list_remove(&u->link);
	text_free(&u->entity);
	text_free(&u->display);
	text_free(&u->endpoint);
	free(u);
}

static struct user *user_in(struct list *users, struct str entity)
{
	list_each(l, users) {
		struct user *u = container_of(l, struct user, link);

		if (str_eq(text_view(&u->entity), entity))
			return u;
	}
	return NULL;
}

static void changed(struct conference *c, bool over)
{
	list_each_safe(l, next, &c->watches)
		node_changed(container_of(l, struct conference_watch, link)->leaf, over);
}

static void forget_gone(struct conference *c, struct user *u)
{
	c->n_gone--;
	user_free(u);
}

int conference_open(struct service *svc, const struct conference_prm *prm, struct conference **out)
{
	struct conference *c = find(svc, prm->name) ? NULL : calloc(1, sizeof(*c));
	int err;

	if (!c)
		return find(svc, prm->name) ? EEXIST : ENOMEM;
	c->svc = svc;
	c->may = prm->may;
	c->arg = prm->arg;
	c->most_users = prm->most_users;
	list_init(&c->users);
	list_init(&c->gone);
	list_init(&c->watches);
	list_append(&svc->subscriptions->conferences, &c->link);
	err = text_set(&c->name, prm->name);
	err = err ? err : text_set(&c->subject, prm->subject);
	if (err)
		conference_close(c);
	else
		*out = c;
	return err;
}

static void let_go(struct conference *c)
{
	list_each_safe(l, next, &c->watches) {
		struct conference_watch *w = container_of(l, struct conference_watch, link);

		list_remove(&w->link);
		w->c = NULL;
	}
}

void conference_close(struct conference *c)
{
	if (!c)
		return;
	list_remove(&c->link);
	/* Whoever watches it hears of its end, and some of them leave this list at that. */
	for (struct list *l = c->watches.next; l != &c->watches; l = c->watches.next) {
		struct conference_watch *w = container_of(l, struct conference_watch, link);

		list_remove(&w->link);
		w->c = NULL;
		node_changed(w->leaf, true);
	}
	list_each_safe(l, next, &c->users)
		user_free(container_of(l, struct user, link));
	list_each_safe(l, next, &c->gone)
		user_free(container_of(l, struct user, link));
	text_free(&c->name);
	text_free(&c->subject);
	free(c);
}

void conference_lock(struct conference *c, bool locked)
{
	if (c->locked == locked)
		return;
	c->locked = locked;
	c->number++;
	changed(c, false);
}

int conference_set_user(struct conference *c, const struct conference_user *v)
{
	struct user *before = user_in(&c->users, v->entity), *gone = user_in(&c->gone, v->entity);
	struct user *u = c->svc ? calloc(1, sizeof(*u)) : NULL;
	int err = u ? text_set(&u->entity, v->entity) : ENOMEM;

	err = err ? err : text_set(&u->display, v->display);
	err = err ? err : text_set(&u->endpoint, v->endpoint.n ? v->endpoint : v->entity);
	if (err) {
		user_free(u);
		return err;
	}
	u->status = v->status;
	u->joining = v->joining;
	u->audio = v->audio;
	u->video = v->video;
	u->since_s = before ? before->since_s : clock_wall_s(c->svc->clock);
	u->number = ++c->number;
	list_add_before(before ? &before->link : &c->users, &u->link);
	c->n += !before;
	user_free(before);
	if (gone)
		forget_gone(c, gone);
	changed(c, false);
	return 0;
}

void conference_drop_user(struct conference *c, struct str entity)
{
	struct user *u = user_in(&c->users, entity);

	if (!u)
		return;
	c->n--;
	u->number = ++c->number;
	list_remove(&u->link);
	list_append(&c->gone, &u->link);
	c->n_gone++;
	if (c->n_gone > GONE_MAX) {
		struct user *first = container_of(c->gone.next, struct user, link);

		c->lost = first->number;
		forget_gone(c, first);
	}
	changed(c, false);
}

void conferences_free(struct service *svc)
{
	struct list *all = &svc->subscriptions->conferences;

	list_each_safe(l, next, all) {
		struct conference *c = container_of(l, struct conference, link);

		let_go(c);
		list_remove(&c->link);
		c->svc = NULL;
	}
}

/* ---- who watches ------------------------------------------------------------------------------------ */

static unsigned may(struct service *svc, const struct endpoint *ep, struct str resource)
{
	const struct conference *c = find(svc, resource);

	return !c ? 404 : c->may && !c->may(c->arg, ep) ? 403 : 200;
}

static int start(struct node *leaf)
{
	struct conference *c = find(leaf->sub->svc, text_view(&leaf->resource));
	struct conference_watch *w = c ? calloc(1, sizeof(*w)) : NULL;

	if (!w)
		return c ? ENOMEM : ENOENT;
	w->leaf = leaf;
	w->c = c;
	list_append(&c->watches, &w->link);
	leaf->watch = w;
	return 0;
}

static void stop(struct node *leaf)
{
	struct conference_watch *w = leaf->watch;

	list_remove(&w->link);
	free(w);
}

/* ---- the body ------------------------------------------------------------------------------------------ */

static void element(struct buf *b, const char *indent, const char *name, struct str value)
{
	buf_puts(b, str_z(indent), STR("<"), str_z(name), STR(">"));
	xml_text(b, value);
	buf_puts(b, STR("</"), str_z(name), STR(">\n"));
}

static void write_media(struct buf *b, const char *type, enum conference_way way)
{
	static const char *const ways[] = { [CONFERENCE_INACTIVE] = "inactive", [CONFERENCE_SENDRECV] = "sendrecv",
		[CONFERENCE_SENDONLY] = "sendonly", [CONFERENCE_RECVONLY] = "recvonly" };

	buf_puts(b, STR("    <media id=\""), str_z(type), STR("\">\n"));
	element(b, "     ", "type", str_z(type));
	element(b, "     ", "status", str_z(ways[way]));
	buf_put(b, STR("    </media>\n"));
}

static void write_when(struct buf *b, int64_t wall_s)
{
	time_t t = (time_t)wall_s;
	char text[32];
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	buf_puts(b, STR("    <joining-info>\n     <when>"), str_z(text), STR("</when>\n    </joining-info>\n"));
}

static void write_user(struct buf *b, const struct user *u)
{
	static const char *const statuses[] = { [CONFERENCE_DIALING_OUT] = "dialing-out", [CONFERENCE_DIALING_IN] = "dialing-in",
		[CONFERENCE_ALERTING] = "alerting", [CONFERENCE_ON_HOLD] = "on-hold", [CONFERENCE_CONNECTED] = "connected",
		[CONFERENCE_MUTED] = "muted-via-focus", [CONFERENCE_DISCONNECTING] = "disconnecting" };
	static const char *const joinings[] = { [CONFERENCE_DIALED_IN] = "dialed-in", [CONFERENCE_DIALED_OUT] = "dialed-out",
		[CONFERENCE_FOCUS_OWNER] = "focus-owner" };

	buf_put(b, STR("  <user entity=\""));
	xml_text(b, text_view(&u->entity));
	buf_put(b, STR("\" state=\"full\">\n"));
	if (u->display.n)
		element(b, "   ", "display-text", text_view(&u->display));
	buf_put(b, STR("   <endpoint entity=\""));
	xml_text(b, text_view(&u->endpoint));
	buf_put(b, STR("\">\n"));
	element(b, "    ", "status", str_z(statuses[u->status]));
	element(b, "    ", "joining-method", str_z(joinings[u->joining]));
	write_when(b, u->since_s);
	write_media(b, "audio", u->audio);
	if (u->video != CONFERENCE_INACTIVE)
		write_media(b, "video", u->video);
	buf_put(b, STR("   </endpoint>\n  </user>\n"));
}

static void write_users(struct buf *b, const struct conference *c, uint64_t told, bool full)
{
	buf_puts(b, STR(" <users state=\""), full ? STR("full") : STR("partial"), STR("\">\n"));
	list_each(l, &c->users) {
		const struct user *u = container_of(l, struct user, link);

		if (full || u->number > told)
			write_user(b, u);
	}
	list_each(l, &c->gone) {
		const struct user *u = container_of(l, struct user, link);

		if (full || u->number <= told)
			continue;
		buf_put(b, STR("  <user entity=\""));
		xml_text(b, text_view(&u->entity));
		buf_put(b, STR("\" state=\"deleted\"/>\n"));
	}
	buf_put(b, STR(" </users>\n"));
}

static void write_description(struct buf *b, const struct conference *c)
{
	if (!c->subject.n && !c->most_users)
		return;
	buf_put(b, STR(" <conference-description>\n"));
	if (c->subject.n)
		element(b, "  ", "subject", text_view(&c->subject));
	if (c->most_users)
		buf_printf(b, "  <maximum-user-count>%u</maximum-user-count>\n", c->most_users);
	buf_put(b, STR(" </conference-description>\n"));
}

static void write_state(struct buf *b, const struct conference *c)
{
	buf_printf(b, " <conference-state>\n  <user-count>%zu</user-count>\n  <active>%s</active>\n  <locked>%s</locked>\n"
		   " </conference-state>\n", c->n, c->n ? "true" : "false", c->locked ? "true" : "false");
}

static void open_root(struct buf *b, struct node *leaf, const char *state)
{
	struct buf uri = BUF_INIT;

	node_uri(leaf, &uri);
	buf_put(b, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\" entity=\""));
	xml_text(b, buf_view(&uri));
	buf_printf(b, "\" state=\"%s\" version=\"%u\">\n", state, ++leaf->version);
	if (buf_err(&uri))
		b->err = buf_err(&uri);
	buf_free(&uri);
}

int body_conference(struct node *leaf, bool full, struct buf *b)
{
	struct conference_watch *w = leaf->watch;
	const struct conference *c = w->c;

	if (!c) {
		open_root(b, leaf, "deleted");
		buf_put(b, STR("</conference-info>\n"));
		return buf_err(b);
	}
	full |= w->told < c->lost;
	if (!full && w->told == c->number)
		return ENODATA;
	open_root(b, leaf, full ? "full" : "partial");
	if (full)
		write_description(b, c);
	write_state(b, c);
	write_users(b, c, w->told, full);
	buf_put(b, STR("</conference-info>\n"));
	if (!buf_err(b))
		w->told = c->number;
	return buf_err(b);
}

const struct package package_conference = { .name = STR_INIT("conference"), .accept = STR_INIT("application/conference-info+xml"),
	.kind = BODY_CONFERENCE, .extra = true, .pace_ms = GATHER_MS, .may = may, .start = start, .stop = stop };
