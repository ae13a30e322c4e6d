/* Event reg (RFC 3680): the contacts of an AOR, for the endpoint whose AOR it is. A NOTIFY tells
 * of the contacts that changed since the one before; the first, and each that answers a SUBSCRIBE, of all. */
#include "service/event/private.h"
#include <errno.h>
#include <stdlib.h>

#define PACE_MS 5000            /* 4.10 */
#define NEWS_MAX 200            /* contacts; beyond that all is told */

struct reg_watch {              /* node.watch */
	struct list link;               /* in subscriptions.reg_watches */
	struct node *leaf;
	struct list news;               /* struct reg_news: since the last NOTIFY, each contact once */
	size_t n;
	bool all;                       /* news was lost: the next one tells of all */
};

struct reg_news {
	struct list link;
	struct contact *c;              /* held */
	enum contact_why why;
};

static const char *const whys[] = {
	[CONTACT_REGISTERED] = "registered", [CONTACT_CREATED] = "created", [CONTACT_REFRESHED] = "refreshed",
	[CONTACT_UNREGISTERED] = "unregistered", [CONTACT_EXPIRED] = "expired", [CONTACT_DEACTIVATED] = "deactivated",
	[CONTACT_REJECTED] = "rejected",
};

static bool is_over(enum contact_why why)
{
	return why >= CONTACT_UNREGISTERED;
}

/* Who has not that AOR does not hear either whether there is one. */
static unsigned may(struct service *svc, const struct endpoint *ep, struct str resource)
{
	(void)svc;
	for (size_t i = 0; i < ep->aor_n; i++)
		if (str_eq(ep->aor_objs[i]->name, resource))
			return 200;
	return 403;
}

static int start(struct node *leaf)
{
	struct reg_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return ENOMEM;
	w->leaf = leaf;
	list_init(&w->news);
	list_append(&leaf->sub->svc->subscriptions->reg_watches, &w->link);
	leaf->watch = w;
	return 0;
}

static void news_free(struct reg_watch *w, struct reg_news *x)
{
	w->n--;
	list_remove(&x->link);
	obj_drop(x->c);
	free(x);
}

static void forget_news(struct reg_watch *w)
{
	list_each_safe(l, next, &w->news)
		news_free(w, container_of(l, struct reg_news, link));
	w->all = false;
}

static void stop(struct node *leaf)
{
	struct reg_watch *w = leaf->watch;

	forget_news(w);
	list_remove(&w->link);
	free(w);
}

/* ---- what happens ------------------------------------------------------------------------------ */

static void note(struct reg_watch *w, struct contact *c, enum contact_why why)
{
	struct reg_news *x;

	list_each_safe(l, next, &w->news) {
		x = container_of(l, struct reg_news, link);
		if (str_eq(x->c->id, c->id))
			news_free(w, x);
	}
	if (w->n >= NEWS_MAX) {
		forget_news(w);
		w->all = true;
	}
	x = calloc(1, sizeof(*x));
	if (!x) {
		w->all = true;
		return;
	}
	w->n++;
	x->c = obj_hold(c);
	x->why = why;
	list_append(&w->news, &x->link);
}

void reg_contact_changed(struct service *svc, struct location *l, struct contact *c, enum contact_why why)
{
	list_each_safe(p, next, &svc->subscriptions->reg_watches) {
		struct reg_watch *w = container_of(p, struct reg_watch, link);

		if (!str_eq(text_view(&w->leaf->resource), text_view(&l->aor)))
			continue;
		note(w, c, why);
		node_changed(w->leaf, false);
	}
}

/* ---- the body ------------------------------------------------------------------------------------ */

static void attribute_u64(struct buf *b, const char *name, uint64_t v)
{
	buf_puts(b, STR(" "), str_z(name), STR("=\""));
	buf_u64(b, v);
	buf_char(b, '"');
}

static void parameter(struct buf *b, const char *name, struct str value)
{
	buf_puts(b, STR("   <unknown-param name=\""), str_z(name), STR("\">"));
	xml_text(b, value);
	buf_put(b, STR("</unknown-param>\n"));
}

static void write_contact(struct buf *b, const struct contact *c, enum contact_why why)
{
	const struct clock *clock = c->svc->clock;
	int64_t since_us = c->since_us ? clock_wall_us(clock) - c->since_us : 0;

	buf_put(b, STR("  <contact id=\""));
	xml_text(b, c->id);
	buf_puts(b, STR("\" state=\""), is_over(why) ? STR("terminated") : STR("active"), STR("\" event=\""), str_z(whys[why]), STR("\""));
	if (c->since_us)
		attribute_u64(b, "duration-registered", since_us > 0 ? (uint64_t)since_us / 1000000 : 0);
	if (c->expires_us && !is_over(why))
		attribute_u64(b, "expires", (uint64_t)contact_left_s(c, clock));
	if (c->call_id.n) {
		buf_put(b, STR(" callid=\""));
		xml_text(b, c->call_id);
		buf_char(b, '"');
		attribute_u64(b, "cseq", c->cseq);
	}
	buf_put(b, STR(">\n   <uri>"));
	xml_text(b, c->orig_uri.n ? c->orig_uri : c->uri);
	buf_put(b, STR("</uri>\n"));
	if (c->instance.n)
		parameter(b, "+sip.instance", c->instance);
	if (c->reg_id) {
		char room[16];
		struct buf id;

		buf_init(&id, room, sizeof(room), sizeof(room));
		buf_u64(&id, c->reg_id);
		parameter(b, "reg-id", buf_view(&id));
	}
	buf_put(b, STR("  </contact>\n"));
}

static bool has_ended_ones(const struct reg_watch *w)
{
	list_each(l, &w->news)
		if (is_over(container_of(l, struct reg_news, link)->why))
			return true;
	return false;
}

static void write_all(struct buf *b, const struct location *l)
{
	if (!l)
		return;
	list_each(p, &l->contacts) {
		const struct contact *c = container_of(p, struct contact, link);

		write_contact(b, c, c->why);
	}
}

/* What has gone has a last word also where all is told. */
static void write_news(struct buf *b, const struct reg_watch *w, bool ended_only)
{
	list_each(p, &w->news) {
		const struct reg_news *x = container_of(p, struct reg_news, link);

		if (is_over(x->why) || !ended_only)
			write_contact(b, x->c, x->why);
	}
}

int body_reginfo(struct node *leaf, bool full, struct buf *b)
{
	struct reg_watch *w = leaf->watch;
	const struct location *l = location_get(leaf->sub->svc, text_view(&leaf->resource), false);
	struct buf aor = BUF_INIT;
	bool any = l && l->n;
	int err;

	full |= w->all;
	if (!full && list_empty(&w->news))
		return ENODATA;
	node_uri(leaf, &aor);
	buf_printf(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"%u\" "
		   "state=\"%s\">\n <registration aor=\"", leaf->version++, full ? "full" : "partial");
	xml_text(b, buf_view(&aor));
	buf_put(b, STR("\" id=\""));
	xml_text(b, text_view(&leaf->resource));
	buf_puts(b, STR("\" state=\""), any ? STR("active") : has_ended_ones(w) ? STR("terminated") : STR("init"), STR("\">\n"));
	if (full)
		write_all(b, l);
	write_news(b, w, full);
	buf_put(b, STR(" </registration>\n</reginfo>\n"));
	forget_news(w);
	err = buf_err(b) ? buf_err(b) : buf_err(&aor);
	w->all = err != 0;
	buf_free(&aor);
	return err;
}

const struct package package_reg = { .name = STR_INIT("reg"), .accept = STR_INIT("application/reginfo+xml"), .kind = BODY_REG,
	.extra = true, .pace_ms = PACE_MS, .may = may, .start = start, .stop = stop };
