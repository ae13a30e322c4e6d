/* Where the server of HTTP listens, with TLS and without. */
#define LOG_MODULE "http"
#include "service/web/private.h"
#include "base/log.h"
#include "base/obj.h"
#include "net/tls.h"
#include <errno.h>

void web_stop_listener(struct web *w, struct web_listener *l)
{
	if (l->id)
		net_unlisten(w->net, l->id);
	l->tls = obj_drop(l->tls);
	text_free(&l->tls_of);
	*l = (struct web_listener){ 0 };
}

int web_tls_new(struct tls_context **out, const struct http_conf *h, struct report *r)
{
	const struct tls_prm prm = { .name = STR("http.conf"), .cert_file = h->tlscertfile, .priv_key_file = h->tlsprivatekey,
		.cipher = h->tlscipher, .version = h->tlsdisablev12 ? TLS_VERSION_1_3 : TLS_VERSION_1_2 };
	struct buf why = BUF_INIT;
	int err = tls_context_new(out, &prm, &why);

	if (err)
		report_add(r, REPORT_ERROR, str_z(h->file), h->line, "TLS (here cert_file is tlscertfile, priv_key_file is "
			   "tlsprivatekey): %s", why.n ? buf_z(&why) : strerror(err));
	buf_free(&why);
	return err;
}

/* What a listener's TLS depends on, as one text. */
static int tls_options(struct text *out, const struct http_conf *h)
{
	return text_cat(out, h->tlscertfile, STR("\n"), h->tlsprivatekey, STR("\n"), h->tlscipher,
			h->tlsdisablev12 ? STR("\n1.3") : STR("\n1.2"));
}

static bool same_tls(const struct web_listener *l, const struct http_conf *h)
{
	struct text now = { 0 };
	bool same = !tls_options(&now, h) && str_eq(text_view(&now), text_view(&l->tls_of));

	text_free(&now);
	return same;
}

static int open_at(struct web *w, struct web_listener *l, const struct sa *at)
{
	struct net_listen_prm prm = { .proto = l->tls ? NET_WSS : NET_WS, .bind = *at, .tos = -1, .cos = -1, .name = STR("http"),
		.tls = l->tls, .http = w->limits };
	char where[SA_TEXT];
	int err = net_listen(w->net, &prm, &l->id, &l->bound);

	if (!err)
		log_notice("HTTP%s is served on %s", l->tls ? "S" : "", sa_text(&l->bound, where));
	return err;
}

static struct sa address_of(const struct web *w, const struct sa *at)
{
	struct sa told;

	if (!w->bind || sa_parse(&told, str_z(w->bind)))
		return *at;
	sa_set_port(&told, sa_port(at));
	return told;
}

/* Of our own: who has the port of `at`, perhaps on another address, and is not to keep it. NULL: nobody. */
static struct web_listener *holder_of(struct web *w, struct web_listener *l, const struct http_conf *h, const struct sa *at)
{
	struct web_listener *own[] = { l, l == &w->plain ? &w->secure : NULL };
	struct sa other = address_of(w, &h->tls_listen);

	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (own[i] && own[i]->id && sa_port(&own[i]->bound) == sa_port(at) && sa_is_v6(&own[i]->bound) == sa_is_v6(at) &&
		    (own[i] == l || !h->tls || !sa_eq(&own[i]->asked, &other)))
			return own[i];
	return NULL;
}

/* The port can be had only when `old` has let it go; when even that does not help, `old` listens again. */
static int take_over(struct web *w, struct web_listener *fresh, struct web_listener *old)
{
	struct sa at = old->bound;
	int err;

	net_unlisten(w->net, old->id);
	old->id = 0;
	err = open_at(w, fresh, &fresh->asked);
	if (!err || open_at(w, old, &at))
		web_stop_listener(w, old);
	return err;
}

static void moan(const struct http_conf *h, const struct sa *at, int err, struct report *r)
{
	char where[SA_TEXT];

	report_add(r, REPORT_ERROR, str_z(h->file), h->line, "cannot serve HTTP on %s: %s; %s", sa_text(at, where),
		   strerror(err), err == EADDRINUSE ? "another program has this port, stop it or choose another one" :
		   "check that it is an address of this machine");
}

/* A new address is bound before the old one goes, where both can be; the same one is kept, or bound anew when its
 * TLS changed. */
void web_set_listener(struct web *w, struct web_listener *l, const struct http_conf *h, bool tls, struct report *r)
{
	bool on = tls ? h->tls : h->plain;
	struct web_listener fresh = { .asked = address_of(w, tls ? &h->tls_listen : &h->listen) }, *holder = NULL;
	bool same = l->id && sa_eq(&l->asked, &fresh.asked);
	int err;

	if (!on) {
		web_stop_listener(w, l);
		return;
	}
	/* Compared with what it runs with: the last configuration may be one that could not be used. */
	if (same && (!tls || same_tls(l, h)))
		return;
	if (tls && (tls_options(&fresh.tls_of, h) || web_tls_new(&fresh.tls, h, r))) {
		web_stop_listener(w, &fresh);
		return;         /* as it was */
	}
	err = same ? EADDRINUSE : open_at(w, &fresh, &fresh.asked);
	holder = same ? l : err == EADDRINUSE ? holder_of(w, l, h, &fresh.asked) : NULL;
	if (holder)
		err = take_over(w, &fresh, holder);
	if (err)
		moan(h, &fresh.asked, err, r);
	web_stop_listener(w, err ? &fresh : l);
	if (!err)
		*l = fresh;
}
