/* Finds the way of a request outside of calls and sends it. */
#include "service/place/reach.h"
#include <errno.h>

static int to_contact(struct reach *r, struct contact *c)
{
	r->contact = obj_hold(c);
	return text_set(&r->uri, c->uri);
}

static struct contact *pick_contact(struct service *svc, const struct endpoint *ep)
{
	struct contact *c = NULL;

	for (size_t i = 0; i < ep->aor_n && !c; i++) {
		struct location *l = location_get(svc, ep->aor_objs[i]->name, false);

		c = l ? location_pick(l) : NULL;
	}
	return c;
}

static int to_endpoint(struct service *svc, const struct endpoint *ep, struct reach *r)
{
	struct contact *c = pick_contact(svc, ep);

	r->ep = ep;
	return c ? to_contact(r, c) : ECHILD;
}

static const struct endpoint *endpoint_called(const struct reach *r, struct str name)
{
	const struct endpoint *ep = name.n ? snapshot_endpoint(r->conf, name) : NULL;

	if (!ep && r->conf->global->ignore_uri_user_options)
		ep = snapshot_endpoint(r->conf, sip_user_bare(name));
	return ep;
}

static bool is_uri(struct str s)
{
	return str_istarts(s, STR("sip:")) || str_istarts(s, STR("sips:"));
}

/* A URI (`scheme` is missing: sip:) that only the default endpoint can be for. */
static int to_uri(struct reach *r, struct str uri, bool whole)
{
	r->ep = snapshot_endpoint(r->conf, r->conf->global->default_outbound_endpoint);
	if (!r->ep)
		return ENOENT;
	return whole ? text_set(&r->uri, uri) : text_printf(&r->uri, "sip:%.*s", STR_ARG(uri));
}

/* The URI of `c` with another user. */
static int with_user(struct reach *r, struct contact *c, struct str user)
{
	struct str uri = c->uri, rest = uri;
	struct str scheme = str_cut_raw(&rest, ':');
	size_t at = str_chr(rest, '@');

	r->contact = obj_hold(c);
	return text_printf(&r->uri, "%.*s:%.*s@%.*s", STR_ARG(scheme), STR_ARG(user),
			   STR_ARG(at < rest.n ? str_skip(rest, at + 1) : rest));
}

/* "endpoint/aor", "endpoint/uri", "PJSIP/user@endpoint" */
static int by_slash(struct service *svc, struct str first, struct str rest, struct reach *r)
{
	struct location *l;
	struct contact *c;
	size_t at;

	if (str_ieq(first, STR("PJSIP"))) {
		at = str_rchr(rest, '@');
		r->ep = endpoint_called(r, at < rest.n ? str_skip(rest, at + 1) : rest);
		c = r->ep ? pick_contact(svc, r->ep) : NULL;
		if (!c)
			return r->ep ? ECHILD : ENOENT;
		return at < rest.n ? with_user(r, c, str_sub(rest, 0, at)) : to_contact(r, c);
	}
	r->ep = endpoint_called(r, first);
	if (!r->ep)
		return ENOENT;
	if (is_uri(rest))
		return text_set(&r->uri, rest);
	l = location_get(svc, rest, false);
	c = l ? location_pick(l) : NULL;
	return c ? to_contact(r, c) : ECHILD;
}

static int find_destination(struct service *svc, struct str dest, struct reach *r)
{
	size_t at, slash = str_chr(dest, '/');
	const struct endpoint *ep;
	struct sip_addr a;

	if ((dest.n && (dest.p[0] == '<' || dest.p[0] == '"')) || (str_chr(dest, '<') < dest.n)) {
		if (sip_addr_parse(&a, dest))
			return EINVAL;
		if (text_set(&r->display, a.display))
			return ENOMEM;
		dest = a.uri_text;
		slash = str_chr(dest, '/');
	}
	if (is_uri(dest))
		return to_uri(r, dest, true);
	if (slash < dest.n)
		return by_slash(svc, str_sub(dest, 0, slash), str_skip(dest, slash + 1), r);
	at = str_chr(dest, '@');
	ep = endpoint_called(r, str_sub(dest, 0, at));
	return ep ? to_endpoint(svc, ep, r) : to_uri(r, dest, false);
}

int reach_find(struct service *svc, struct str dest, struct reach *r)
{
	struct sip_uri u;
	int err;

	*r = (struct reach){ .conf = obj_hold(svc->conf) };
	dest = str_trim(dest);
	err = dest.n ? find_destination(svc, dest, r) : EINVAL;
	if (!err && sip_uri_parse(&u, text_view(&r->uri)))
		err = EINVAL;   /* it stands in the first line as it is */
	if (err)
		reach_free(r);
	return err;
}

int reach_contact(struct service *svc, const struct endpoint *ep, struct contact *c, struct reach *r)
{
	int err;

	*r = (struct reach){ .conf = obj_hold(svc->conf), .ep = ep };
	err = to_contact(r, c);
	if (err)
		reach_free(r);
	return err;
}

void reach_free(struct reach *r)
{
	text_free(&r->uri);
	text_free(&r->display);
	obj_drop(r->contact);
	obj_drop(r->conf);
	*r = (struct reach){ 0 };
}

struct sip_out *reach_out(struct service *svc, const struct reach *r, enum sip_method m, struct str from)
{
	struct sip_out *out = service_out(svc, m, r->ep, text_view(&r->uri), from);
	const struct aor *a = r->contact ? contact_aor(svc, r->contact) : NULL;

	if (!out)
		return NULL;
	if (r->contact && r->contact->path.n)   /* RFC 3327 5.1 */
		out->route = sip_out_dup(out, r->contact->path);
	else if (a && a->outbound_proxy.n && !r->ep->outbound_proxy.n)
		out->route = arena_printf(out->arena, "<%.*s>", STR_ARG(a->outbound_proxy));
	return out;
}

int reach_send(struct service *svc, const struct reach *r, struct sip_out *out, struct ua_request_prm *prm,
	       struct ua_request **rq)
{
	const struct contact *c = r->contact;

	prm->out = out;
	prm->hold = r->conf;
	prm->context = r->ep;
	prm->transport = r->ep->transport;
	service_request_auths(prm, &r->ep->outbound_auths);
	if (!prm->prepare)
		prm->prepare = service_out_prepare;
	if (c)
		contact_request_way(prm, r->conf, r->ep, c);
	return ua_request_send(&svc->ua, prm, rq);
}
