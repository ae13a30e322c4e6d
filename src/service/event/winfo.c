/* Who subscribes (RFC 3857, 3858): presence.winfo and dialog.winfo tell the endpoint whose extension it is who
 * watches it. A NOTIFY has those that came or went since the one before; the first, and each that
 * answers a SUBSCRIBE, all. */
#include "service/event/exten.h"
#include <errno.h>
#include <stdlib.h>

#define PACE_MS 5000            /* RFC 3857 4.10 */
#define NEWS_MAX 200            /* watchers; beyond that all is told */

struct winfo_watch {            /* node.watch */
	struct list link;               /* in subscriptions.winfo_watches */
	struct node *leaf;
	struct list news;               /* struct winfo_news: since the last NOTIFY, each watcher once */
	size_t n;
	bool all;                       /* news was lost: the next one tells of all */
};

/* A watcher as it came, or as it was when it went. */
struct winfo_news {
	struct list link;
	uint64_t serial;                /* subscription.serial: its id */
	struct text uri, display;
	const char *event;
	uint64_t since_s;               /* subscribed for so long */
	uint32_t left_s;
	bool over;
};

/* The extension is a phone's own: its hint names the endpoint. */
static bool owns(struct service *svc, const struct endpoint *ep, struct str resource)
{
	struct str hint = STR_NULL;

	if (!resource.n || hint_state(svc->pbx, exten_context(ep), resource, &hint) < 0)
		return false;
	hint = str_cut_raw(&hint, ',');
	hint = str_sub(hint, 0, str_chr(hint, '('));
	while (hint.n) {
		struct str device = str_trim(str_cut_raw(&hint, '&'));

		if (str_istarts(device, STR("PJSIP/")) && str_eq(str_skip(device, 6), ep->name))
			return true;
	}
	return false;
}

static unsigned may(struct service *svc, const struct endpoint *ep, struct str resource)
{
	return owns(svc, ep, resource) ? 200 : 403;
}

static int start(struct node *leaf)
{
	struct winfo_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return ENOMEM;
	w->leaf = leaf;
	list_init(&w->news);
	list_append(&leaf->sub->svc->subscriptions->winfo_watches, &w->link);
	leaf->watch = w;
	return 0;
}

static void news_free(struct winfo_watch *w, struct winfo_news *x)
{
	w->n--;
	list_remove(&x->link);
	text_free(&x->uri);
	text_free(&x->display);
	free(x);
}

static void forget_news(struct winfo_watch *w)
{
	list_each_safe(l, next, &w->news)
		news_free(w, container_of(l, struct winfo_news, link));
	w->all = false;
}

static void stop(struct node *leaf)
{
	struct winfo_watch *w = leaf->watch;

	forget_news(w);
	list_remove(&w->link);
	free(w);
}

/* ---- who came and went -------------------------------------------------------------------------- */

static bool holds(const struct node *n, struct str resource)
{
	for (size_t i = 0; i < n->n; i++)
		if (holds(n->child[i], resource))
			return true;
	return !n->n && str_eq(text_view(&n->resource), resource);
}

static bool is_about(const struct winfo_watch *w, const struct subscription *s)
{
	const struct subscription *own = w->leaf->sub;

	return own->pkg->of == s->pkg && str_eq(exten_context(own->ep), exten_context(s->ep)) &&
	       holds(s->root, text_view(&w->leaf->resource));
}

static struct winfo_news *news_of(struct winfo_watch *w, const struct subscription *s, const char *event, bool over)
{
	struct winfo_news *x = calloc(1, sizeof(*x));
	struct sip_addr a;
	int err;

	if (!x)
		return NULL;
	x->serial = s->serial;
	x->event = event;
	x->over = over;
	x->since_s = s->since_ms ? (clock_ms(s->svc->clock) - s->since_ms) / 1000 : 0;
	x->left_s = (uint32_t)(ua_notify_left_ms(s->notify) / 1000);
	list_append(&w->news, &x->link);
	w->n++;
	err = sip_addr_parse(&a, ua_notify_dialog(s->notify)->remote);
	err = err ? err : text_set(&x->uri, a.uri_text);
	err = err ? err : text_set(&x->display, a.display);
	if (err) {
		news_free(w, x);
		x = NULL;
	}
	return x;
}

static void note(struct winfo_watch *w, const struct subscription *s, const char *event, bool over)
{
	list_each_safe(l, next, &w->news) {
		struct winfo_news *x = container_of(l, struct winfo_news, link);

		if (x->serial == s->serial)
			news_free(w, x);
	}
	if (w->n >= NEWS_MAX) {
		forget_news(w);
		w->all = true;
	}
	if (!news_of(w, s, event, over))
		w->all = true;
}

static void tell(const struct subscription *s, const char *event, bool over)
{
	list_each_safe(p, next, &s->svc->subscriptions->winfo_watches) {
		struct winfo_watch *w = container_of(p, struct winfo_watch, link);

		if (!is_about(w, s))
			continue;
		note(w, s, event, over);
		node_changed(w->leaf, false);
	}
}

static void came(const struct subscription *s)
{
	tell(s, "subscribe", false);
}

static void went(const struct subscription *s, enum ua_event_reason reason)
{
	static const char *const events[] = { [UA_EVENT_NONE] = "timeout", [UA_EVENT_DEACTIVATED] = "deactivated",
		[UA_EVENT_PROBATION] = "probation", [UA_EVENT_REJECTED] = "rejected", [UA_EVENT_TIMEOUT] = "timeout",
		[UA_EVENT_GIVEUP] = "giveup", [UA_EVENT_NORESOURCE] = "noresource", [UA_EVENT_INVARIANT] = "noresource",
		[UA_EVENT_OTHER] = "timeout" };

	tell(s, events[reason], true);
}

void winfo_start(struct subscriptions *all)
{
	list_init(&all->winfo_watches);
	all->came = came;
	all->went = went;
}

/* ---- the body -------------------------------------------------------------------------------------- */

static void write_watcher(struct buf *b, const struct winfo_news *x)
{
	buf_printf(b, "  <watcher id=\"%llu\" status=\"%s\" event=\"%s\" duration-subscribed=\"%llu\"", (unsigned long long)x->serial,
		   x->over ? "terminated" : "active", x->event, (unsigned long long)x->since_s);
	if (!x->over)
		buf_printf(b, " expiration=\"%u\"", x->left_s);
	if (x->display.n) {
		buf_put(b, STR(" display-name=\""));
		xml_text(b, text_view(&x->display));
		buf_char(b, '"');
	}
	buf_char(b, '>');
	xml_text(b, text_view(&x->uri));
	buf_put(b, STR("</watcher>\n"));
}

/* Whoever is there now is news to who asks for all. */
static void note_all(struct winfo_watch *w)
{
	struct subscriptions *all = w->leaf->sub->svc->subscriptions;

	w->all = false;
	list_each(l, &all->all) {
		const struct subscription *s = container_of(l, struct subscription, link);
		bool noted = false;

		if (!is_about(w, s))
			continue;
		list_each(p, &w->news)
			noted |= container_of(p, struct winfo_news, link)->serial == s->serial;
		if (!noted && !news_of(w, s, "subscribe", false))
			w->all = true;
	}
}

int body_watcherinfo(struct node *leaf, bool full, struct buf *b)
{
	struct winfo_watch *w = leaf->watch;
	struct buf uri = BUF_INIT;
	int err;

	full |= w->all;
	if (!full && list_empty(&w->news))
		return ENODATA;
	if (full)
		note_all(w);
	node_uri(leaf, &uri);
	buf_printf(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<watcherinfo xmlns=\"urn:ietf:params:xml:ns:watcherinfo\" version=\"%u\" "
		   "state=\"%s\">\n <watcher-list resource=\"", leaf->version++, full ? "full" : "partial");
	xml_text(b, buf_view(&uri));
	buf_puts(b, STR("\" package=\""), leaf->sub->pkg->of->name, STR("\">\n"));
	list_each(p, &w->news)
		write_watcher(b, container_of(p, struct winfo_news, link));
	buf_put(b, STR(" </watcher-list>\n</watcherinfo>\n"));
	err = buf_err(b) ? buf_err(b) : buf_err(&uri) ? buf_err(&uri) : w->all ? ENOMEM : 0;
	forget_news(w);
	w->all = err != 0;
	buf_free(&uri);
	return err;
}

#define WINFO(n, p) { .name = STR_INIT(n), .accept = STR_INIT("application/watcherinfo+xml"), .kind = BODY_WINFO, .extra = true, \
	.of = p, .pace_ms = PACE_MS, .may = may, .start = start, .stop = stop }
const struct package package_presence_winfo = WINFO("presence.winfo", &package_presence);
const struct package package_dialog_winfo = WINFO("dialog.winfo", &package_dialog);
