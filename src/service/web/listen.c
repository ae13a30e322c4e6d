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

static bool same_tls(const struct http_conf *a, const struct http_conf *b)
{
	return str_eq(a->tlscertfile, b->tlscertfile) && str_eq(a->tlsprivatekey, b->tlsprivatekey) &&
	       str_eq(a->tlscipher, b->tlscipher) && a->tlsdisablev12 == b->tlsdisablev12;
}

static int listen_at(struct web *w, struct web_listener *l, struct tls_context *tls, const struct http_conf *h, struct report *r)
{
	struct net_listen_prm prm = { .proto = tls ? NET_WSS : NET_WS, .bind = l->asked, .tos = -1, .cos = -1, .name = STR("http"),
		.tls = tls, .http = w->limits };
	char where[SA_TEXT];
	int err = net_listen(w->net, &prm, &l->id, &l->bound);

	if (err) {
		report_add(r, REPORT_ERROR, str_z(h->file), h->line, "cannot serve HTTP on %s: %s; %s", sa_text(&l->asked, where),
			   strerror(err), err == EADDRINUSE ? "another program has this port, stop it or choose another one" :
			   "check that it is an address of this machine");
		return err;
	}
	l->tls = obj_hold(tls);
	log_notice("HTTP%s is served on %s", tls ? "S" : "", sa_text(&l->bound, where));
	return 0;
}

static struct sa address_of(const struct web *w, const struct sa *at)
{
	struct sa told;

	if (!w->bind || sa_parse(&told, str_z(w->bind)))
		return *at;
	sa_set_port(&told, sa_port(at));
	return told;
}

/* A new address is bound before the old one goes; the same one is kept, or bound anew when its TLS changed. */
void web_set_listener(struct web *w, struct web_listener *l, const struct http_conf *h, bool tls, struct report *r)
{
	bool on = tls ? h->tls : h->plain;
	struct sa at = address_of(w, tls ? &h->tls_listen : &h->listen);
	struct web_listener fresh = { .asked = at };
	struct tls_context *context = NULL;
	bool same = l->id && sa_eq(&l->asked, &at);

	if (!on) {
		web_stop_listener(w, l);
		return;
	}
	if (same && (!tls || (w->conf && same_tls(w->conf, h))))
		return;
	if (tls && web_tls_new(&context, h, r))
		return;         /* as it was */
	if (same)
		web_stop_listener(w, l);
	if (!listen_at(w, &fresh, context, h, r)) {
		web_stop_listener(w, l);
		*l = fresh;
	}
	obj_drop(context);
}
